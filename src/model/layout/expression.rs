//! Expressions of layouts, for what the forms cannot say: minijinja, bounded in steps and in the length of what it makes.
//!
//! When reading, `row` holds the record's places by name (`row['zip']`); when writing, `row` holds our fields by path
//! (`row.delivery_zip`, `row['lines.qty']`). All values are text, numbers with a point: nothing is ever a float.

use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::value::{Object, Value};
use minijinja::{Environment, UndefinedBehavior};

#[path = "expression/bounded.rs"]
mod bounded;

/// Longest source: what is longer belongs into forms, lookups and records.
const SOURCE_BYTES: usize = 1_000;
/// Steps of one evaluation; a sensible expression takes a few dozen.
const FUEL: u64 = 10_000;
/// Longest result, and longest value that is looked at: no field of ours is longer.
const MADE_BYTES: usize = 80_000;

/// What an expression says beside its texts: in `row.no.split('*')` the star is one of the partner's.
fn outside_quotes(source: &str) -> impl Iterator<Item = char> + '_ {
    let (mut within, mut escaped) = (None, false);
    source.chars().filter(move |&c| {
        let is_text = within.is_some();
        match within {
            Some(_) if std::mem::take(&mut escaped) => {}
            Some(_) if c == '\\' => escaped = true,
            Some(quote) if c == quote => within = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"') => within = Some(c),
            None => {}
        }
        !is_text
    })
}

/// A compiled expression.
pub struct Expression {
    source: String,
    compiled: minijinja::Expression<'static, 'static>,
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

/// Constant: every expression has the same few filters and bounds.
static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = bounded::environment();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
});

impl Expression {
    pub fn compile(source: &str) -> Result<Self, String> {
        if source.len() > SOURCE_BYTES {
            return Err(format!(
                "the expression has {} bytes; expected at most {SOURCE_BYTES}. Say it in forms, lookups and records.",
                source.len()
            ));
        }
        // `'x' * 100000000` would be made before its length could be looked at; text is repeated nowhere else.
        if outside_quotes(source).any(|c| c == '*') {
            return Err("\"*\" is not allowed in expressions: numbers are text here.".to_string());
        }
        let compiled =
            ENVIRONMENT.compile_expression_owned(source.trim().to_string()).map_err(|error| error.to_string())?;
        let expression = Expression { source: source.trim().to_string(), compiled };
        expression.check_words().map(|()| expression)
    }

    /// Filters, tests and functions are looked up only when they are used: one that is none would fail at the first file.
    fn check_words(&self) -> Result<(), String> {
        use minijinja::ErrorKind::{UnknownFilter, UnknownFunction, UnknownMethod, UnknownTest};
        let context = minijinja::context! { row => Value::from_object(Anything) };
        match self.compiled.eval(context) {
            Err(e) if matches!(e.kind(), UnknownFilter | UnknownFunction | UnknownMethod | UnknownTest) => {
                let what = e.detail().map_or_else(|| e.kind().to_string(), str::to_string);
                Err(format!(
                    "{what}; expected what minijinja knows, like row.no|replace('a', 'b'), row.no[0:2] == 'AB' or row.no is startingwith('AB')."
                ))
            }
            _ => Ok(()),
        }
    }

    /// The places and fields it looks at as `row.NAME`; those in brackets are not among them.
    pub fn looks_at(&self) -> Vec<String> {
        let all = self.compiled.undeclared_variables(true);
        let names = all.iter().filter_map(|name| name.strip_prefix("row."));
        let mut names: Vec<String> = names.filter(|name| !name.contains('.')).map(str::to_string).collect();
        names.sort_unstable();
        names
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// Does it look at the place of this name?
    pub fn names(&self, place: &str) -> bool {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        self.source.match_indices(place).any(|(at, _)| {
            let behind = self.source[at + place.len()..].chars().next();
            match self.source[..at].chars().next_back() {
                Some('.') => !behind.is_some_and(is_part),
                Some(quote @ ('\'' | '"')) => behind == Some(quote),
                _ => false,
            }
        })
    }

    /// The result as text; `none` and undefined are empty.
    pub fn text(&self, row: Values) -> Result<String, String> {
        let value = self.value(row)?;
        if value.is_none() || value.is_undefined() {
            return Ok(String::new());
        }
        let text = value.to_string();
        if text.len() > MADE_BYTES {
            return Err(format!("the expression \"{}\" made a text that is too long.", self.source));
        }
        Ok(text)
    }

    pub fn holds(&self, row: Values) -> Result<bool, String> {
        self.value(row).map(|value| value.is_true())
    }

    fn value(&self, row: Values) -> Result<Value, String> {
        let too_long = row.0.iter().find(|(name, value)| value.len() > MADE_BYTES && self.names(name));
        if let Some((name, value)) = too_long {
            let found = value.len();
            return Err(format!(
                "the expression \"{}\" looks at \"{name}\", which has {found} bytes; expected at most {MADE_BYTES}.",
                self.source
            ));
        }
        let context = minijinja::context! { row => Value::from_object(row) };
        self.compiled.eval(context).map_err(|error| format!("the expression \"{}\" failed: {error}.", self.source))
    }
}

/// A row that has a text at every place.
#[derive(Debug)]
struct Anything;

impl Object for Anything {
    fn get_value(self: &Arc<Self>, _: &Value) -> Option<Value> {
        Some(Value::from("1"))
    }
}

/// The values that an expression sees, by name.
#[derive(Debug, Default)]
pub struct Values(Vec<(String, String)>);

impl Values {
    pub fn add(&mut self, name: &str, value: &str) {
        self.0.push((name.to_string(), value.to_string()));
    }
}

impl Object for Values {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        self.0
            .iter()
            .find(|(name, value)| name == key && value.len() <= MADE_BYTES)
            .map(|(_, value)| Value::from(value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Values {
        let mut values = Values::default();
        values.add("zip", "169 67");
        values.add("order id", "7");
        values
    }

    #[test]
    fn expressions_see_the_row_and_nothing_else() {
        let text = |source: &str| Expression::compile(source).and_then(|e| e.text(row()));
        assert_eq!(text("row.zip ~ '-' ~ row['order id']").as_deref(), Ok("169 67-7"));
        assert_eq!(text("row.zip|replace(' ', '')").as_deref(), Ok("16967"));
        assert!(text("row.zap ~ 'x'").unwrap_err().contains("undefined"));
        assert!(text("'x' * 100000000").unwrap_err().contains("not allowed"));
        assert!(text("range(1000000)|length").is_err());
        assert!(Expression::compile("row.zip ~").is_err());
        let wrong = |source: &str| Expression::compile(source).err().unwrap_or_default();
        assert!(wrong("row.zip.startswith('1')").contains("startswith"), "{}", wrong("row.zip.startswith('1')"));
        assert!(wrong("row.zip|uper").contains("uper"));
        assert!(Expression::compile("row.zip is startingwith('16')").and_then(|e| e.holds(row())).unwrap());
        let both = Expression::compile("row.zip ~ row[ 'order id' ] ~ row[\"a.b\"]").unwrap();
        assert!(both.names("zip") && both.names("order id") && both.names("a.b"));
        assert!(!both.names("zi") && !both.names("order") && !both.names("id") && !both.names("a"));
        assert_eq!(Expression::compile("row.zip == '169 67'").and_then(|e| e.holds(row())), Ok(true));
    }
}
