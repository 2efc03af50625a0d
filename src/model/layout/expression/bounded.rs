//! What expressions may call: the filters of minijinja whose results are no larger than what they are given, and those that
//! make more of it (`replace`, `join`) only up to a limit. A step of an expression is one of a few thousand, so a filter that
//! makes a gigabyte in one step would not be stopped by counting steps. None of the tests is like that.

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, filters};

use super::MADE_BYTES;

/// Without functions: `range` makes something of nothing.
pub fn environment() -> Environment<'static> {
    let all = Environment::new();
    let mut chosen = Environment::new();
    for name in TOO_MUCH {
        chosen.remove_filter(name);
    }
    for (name, _) in all.globals() {
        chosen.remove_global(name);
    }
    chosen.add_filter("replace", replace);
    chosen.add_filter("join", join);
    chosen.add_filter("split", split);
    chosen.add_filter("lines", lines);
    chosen.add_filter("list", list);
    chosen
}

/// They make something of a number, of the names of other filters, or of everything there is.
const TOO_MUCH: [&str; 9] = ["batch", "chain", "dictsort", "format", "groupby", "indent", "pprint", "slice", "zip"];
/// Items of a list that is made of a text.
const ITEMS: usize = 1_000;

fn too_long() -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("the text is longer than {MADE_BYTES} bytes"))
}

fn short(text: String) -> Result<String, Error> {
    if text.len() > MADE_BYTES { Err(too_long()) } else { Ok(text) }
}

fn replace(text: String, from: String, to: String) -> Result<String, Error> {
    let count = text.matches(&from).count();
    let grown = text.len().saturating_add(count.saturating_mul(to.len()));
    if grown > MADE_BYTES && to.len() > from.len() {
        return Err(too_long());
    }
    short(text.replace(&from, &to))
}

fn join(items: &Value, joiner: Option<String>) -> Result<String, Error> {
    let joiner = joiner.unwrap_or_default();
    let mut made = String::new();
    for item in items.try_iter()? {
        if !made.is_empty() {
            made.push_str(&joiner);
        }
        made.push_str(item.as_str().map_or_else(|| item.to_string(), str::to_string).as_str());
        if made.len() > MADE_BYTES {
            return Err(too_long());
        }
    }
    Ok(made)
}

fn few(items: Value) -> Result<Value, Error> {
    if items.len().is_some_and(|count| count > ITEMS) {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("the text has more than {ITEMS} parts")));
    }
    Ok(items)
}

fn split(text: String, separator: Option<std::sync::Arc<str>>, most: Option<i64>) -> Result<Value, Error> {
    few(filters::split(&Value::from(short(text)?), separator, most)?)
}

fn lines(text: String) -> Result<Value, Error> {
    few(filters::lines(&Value::from(short(text)?))?)
}

/// The letters of a text; a list stays what it is.
fn list(value: Value) -> Result<Value, Error> {
    let Some(text) = value.as_str() else { return Ok(value) };
    few(short(text.to_string())?.chars().map(String::from).collect())
}
