//! Values of other kinds that are read along with the rows of a feed, piece by piece in the order of the keys, as groups are: where
//! both stand in the same order, that costs a fraction of one search a row. Which values that are is decided here; the others are
//! sub-selects (`also`).
//!
//! A piece begins at the key of the feed's row, so that what no row asks for is skipped; pieces grow while they are used.

use anyhow::Result;
use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef};
use rusqlite::{Connection, Row};

use super::also::{Told, column_of, find, holds_on};
use super::bind::Bound;
use super::condition::{Condition, typed};
use super::source::Source;
use super::tables::{KindTables, KnownTables, TableColumn};
use crate::model::also::{Also, By, Tie, What};
use crate::model::batch::Batch;
use crate::model::key;

/// Rows of the first piece, and of the largest.
const LEAST: usize = 8;
const MOST: usize = 1024;

/// How a value is read along.
pub(super) struct Plan {
    sql: String,
    /// What its places are, before those of the key and the number of rows.
    values: Vec<SqlValue>,
    /// Columns of the feed's row that are the key, and whether it is a number there: the first ones of its own key.
    own: Vec<(usize, bool)>,
    is_dated: bool,
    /// Beside the open rows only: what is looked at is the feed's own row.
    pub open_only: bool,
}

/// `None` where a row of the feed does not find it in the order in which the feed is read. `columns`: of the feed's row, behind its id.
pub(super) fn plan(
    also: &Also,
    known: &KnownTables,
    (source, own_tables): (&Source, &KindTables),
    columns: &[&TableColumn],
    today: &str,
) -> Result<Option<Plan>> {
    let Some(tables) = known.of(&also.kind).filter(|tables| !tables.request) else { return Ok(None) };
    if also.group > 0 || also.what.group() > 0 || also.ties.iter().any(|tie| tie.group > 0) || !source.in_order_of_keys
    {
        return Ok(None);
    }
    // The index of an order's status begins with its number, not with the partner.
    if also.kind.name == "order_status" && matches!(also.what, What::Field { .. }) {
        return Ok(None);
    }
    let Some(tied) = tied(also, &tables, own_tables) else { return Ok(None) };
    let place = |column: &&TableColumn| columns.iter().position(|known| known.field == column.field && !known.sent);
    let own: Option<Vec<_>> =
        own_tables.keys().take(tied.len()).map(|column| Some((1 + place(&column)?, column.number))).collect();
    let Some(own) = own else { return Ok(None) };
    let is_extra = matches!(also.what, What::Extra { .. });
    let whole = tied.len() == tables.keys().count();
    let open_only = is_extra && whole && tables.head == own_tables.head && also.ties.len() == tied.len();
    let mut places = Condition::default();
    let value = match &also.what {
        What::Field { group, field } => column_of(&tables, &Tie { group: *group, field: *field, by: By::Nothing })?,
        What::Extra { name, .. } => {
            for (column, text) in [("owner", &also.owner), ("name", name)] {
                let place = places.place_text(text);
                places.add(format!("e.{column} = {place}"));
            }
            "e.value".to_string()
        }
    };
    // Where the key is looked for: extras have it too, and stand in its order.
    let by = if is_extra { "e" } else { "a" };
    let mut from = format!("\"{}\" a", tables.head);
    if is_extra {
        let Some(table) = &tables.kept else { return Ok(None) };
        from = format!("\"{table}\" e");
        if !open_only {
            from.push_str(&format!(" CROSS JOIN \"{}\" a", tables.head));
            tables.keys().for_each(|key| places.add(format!("a.\"{0}\" = e.\"{0}\"", key.name)));
        }
    }
    if !open_only {
        places.add("a.active = 1");
    }
    let newest = say_ties(also, (&tables, by), today, &mut places)?;
    let keys: Vec<String> = tied.iter().map(|column| format!("{by}.\"{}\"", column.name)).collect();
    let first = places.values.len() + 1;
    let bounds: Vec<String> = (first..first + keys.len()).map(|place| format!("?{place}")).collect();
    let keys = keys.join(", ");
    let sql = format!(
        "SELECT {keys}, {value}, {} FROM {from} WHERE {} AND ({keys}) >= ({}) ORDER BY {keys} LIMIT ?{}",
        newest.as_deref().unwrap_or("NULL"),
        places.text(),
        bounds.join(", "),
        first + bounds.len()
    );
    Ok(Some(Plan { sql, values: places.values, own, is_dated: newest.is_some(), open_only }))
}

/// What does not come from the feed's row. The column of the newest, where that is what counts.
fn say_ties(
    also: &Also,
    (tables, by): (&KindTables, &str),
    today: &str,
    places: &mut Condition,
) -> Result<Option<String>> {
    let mut newest = None;
    for tie in &also.ties {
        let column = find(&tables.columns, tie.field).filter(|column| column.key);
        let name = match column {
            Some(column) => format!("{by}.\"{}\"", column.name),
            None => column_of(tables, tie)?,
        };
        let field = &also.kind.head().fields[tie.field];
        match &tie.by {
            By::Text(text) => {
                let place = places.place(typed(&field.field_type, &field.name, text)?);
                places.add(format!("{name} = {place}"));
            }
            By::Nothing if field.field_type.is_number() => places.add(format!("{name} = 0")),
            By::Nothing => places.add(format!("{name} = ''")),
            By::Newest => {
                let today = places.place_text(today);
                places.add(holds_on(&name, &today));
                newest = Some(name);
            }
            By::Head(_) | By::Node(_) | By::Line { .. } => {}
        }
    }
    Ok(newest)
}

/// Key columns of the other kind that are the first ones of the feed's, in the same order and next to each other; those before them
/// have to be one value each, or the order would not be that of the index.
fn tied<'t>(also: &Also, tables: &'t KindTables, own_tables: &KindTables) -> Option<Vec<&'t TableColumn>> {
    let mut tied: Vec<&TableColumn> = Vec::new();
    let mut is_over = false;
    for column in tables.keys() {
        let tie = also.ties.iter().find(|tie| tie.field == column.field)?;
        match tie.by {
            By::Head(field) => {
                let own = own_tables.keys().nth(tied.len()).filter(|own| own.field == field)?;
                if is_over || own.number != column.number {
                    return None;
                }
                tied.push(column);
            }
            By::Text(_) | By::Nothing => is_over = !tied.is_empty(),
            By::Newest if tied.is_empty() => return None,
            By::Newest => is_over = true,
            By::Node(_) | By::Line { .. } => return None,
        }
    }
    let others = also.ties.iter().filter(|tie| !tables.keys().any(|column| column.field == tie.field));
    let are_said = others.into_iter().all(|tie| matches!(tie.by, By::Text(_) | By::Nothing));
    (are_said && !tied.is_empty()).then_some(tied)
}

/// A value being read along.
pub(super) struct Along<'s> {
    plan: Plan,
    told: Told<'s>,
    statement: Bound<'s>,
    piece: Piece,
    /// Rows to be asked for.
    rows: usize,
}

/// All values of a feed that are read along.
#[derive(Default)]
pub(super) struct AllAlong<'s> {
    values: Vec<Along<'s>>,
    /// The key of the feed's row, and where each of its columns ends.
    key: Vec<u8>,
    ends: Vec<usize>,
}

impl<'s> AllAlong<'s> {
    pub fn push(&mut self, value: Along<'s>) {
        self.values.push(value);
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// To the head of the message begun last, what there is of this row of the feed.
    pub fn add(&mut self, batch: &mut Batch, row: &Row<'_>, is_open: bool) -> Result<()> {
        self.key.clear();
        self.ends.clear();
        let longest = self.values.iter().map(|value| &value.plan.own).max_by_key(|own| own.len());
        for column in longest.into_iter().flatten() {
            put_key(&mut self.key, row, *column)?;
            self.ends.push(self.key.len());
        }
        for value in self.values.iter_mut().filter(|value| is_open || !value.plan.open_only) {
            let end = self.ends[value.plan.own.len() - 1];
            value.add(batch, row, &self.key[..end])?;
        }
        Ok(())
    }
}

/// What was read ahead, each key once.
#[derive(Default)]
struct Piece {
    /// Keys and texts, one behind the other.
    bytes: Vec<u8>,
    found: Vec<Found>,
    at: usize,
    /// Nothing stands behind it.
    is_last: bool,
    used: usize,
}

struct Found {
    key: std::ops::Range<usize>,
    value: Stored,
    since: std::ops::Range<usize>,
}

enum Stored {
    Nothing,
    Number(i64),
    Text(std::ops::Range<usize>),
}

impl<'s> Along<'s> {
    pub fn new(conn: &'s Connection, plan: Plan, told: Told<'s>) -> Result<Self> {
        let mut statement = Bound::prepare(conn, &plan.sql)?;
        for (nth, value) in plan.values.iter().enumerate() {
            statement.set(nth + 1, value)?;
        }
        Ok(Along { plan, told, statement, piece: Piece::default(), rows: LEAST })
    }

    /// To the head of the message begun last, if this row of the feed has one.
    fn add(&mut self, batch: &mut Batch, row: &Row<'_>, key: &[u8]) -> Result<()> {
        if !self.piece.reaches(key) {
            self.read_on(row)?;
        }
        match self.piece.value(key) {
            Some(value) => self.told.add(batch, 0, value),
            None => Ok(()),
        }
    }

    /// The piece that begins at the key of this row.
    fn read_on(&mut self, row: &Row<'_>) -> Result<()> {
        let was_used = self.piece.used * 2 >= self.piece.found.len();
        self.rows = if was_used { (self.rows * 2).min(MOST) } else { (self.rows / 2).max(LEAST) };
        let first = self.plan.values.len() + 1;
        for (nth, (place, _)) in self.plan.own.iter().enumerate() {
            self.statement.set(first + nth, ToSqlOutput::Borrowed(row.get_ref(*place)?))?;
        }
        let behind = first + self.plan.own.len();
        loop {
            self.statement.set(behind, i64::try_from(self.rows)?)?;
            if self.piece.read(&mut self.statement, (self.rows, &self.plan))? {
                return Ok(());
            }
            // So many of one key: prices of many days.
            self.rows *= 2;
        }
    }
}

fn put_key(key: &mut Vec<u8>, row: &Row<'_>, (place, is_number): (usize, bool)) -> Result<()> {
    match is_number {
        true => key::put_number(row.get(place)?, key),
        false => key::put_bytes(row.get_ref(place)?.as_bytes()?, key),
    }
    Ok(())
}

impl Piece {
    /// Whether it tells what there is of this key. Keys are asked for in their order.
    fn reaches(&mut self, key: &[u8]) -> bool {
        while self.found.get(self.at).is_some_and(|found| &self.bytes[found.key.clone()] < key) {
            self.at += 1;
        }
        self.is_last || self.at < self.found.len()
    }

    fn value(&mut self, key: &[u8]) -> Option<ValueRef<'_>> {
        let found = self.found.get(self.at).filter(|found| &self.bytes[found.key.clone()] == key)?;
        self.used += 1;
        Some(match &found.value {
            Stored::Nothing => ValueRef::Null,
            Stored::Number(number) => ValueRef::Integer(*number),
            Stored::Text(text) => ValueRef::Text(&self.bytes[text.clone()]),
        })
    }

    /// False: there is more of its only key.
    fn read(&mut self, statement: &mut Bound<'_>, (most, plan): (usize, &Plan)) -> Result<bool> {
        self.bytes.clear();
        self.found.clear();
        (self.at, self.used) = (0, 0);
        let columns = plan.own.len();
        let mut rows = statement.query();
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            let start = self.bytes.len();
            for (nth, (_, is_number)) in plan.own.iter().enumerate() {
                put_key(&mut self.bytes, row, (nth, *is_number))?;
            }
            let key = start..self.bytes.len();
            let value = match row.get_ref(columns)? {
                ValueRef::Integer(number) => Stored::Number(number),
                ValueRef::Text(text) => Stored::Text(self.keep(text)),
                ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Stored::Nothing,
            };
            let since = match row.get_ref(columns + 1)? {
                ValueRef::Text(since) if plan.is_dated => self.keep(since),
                _ => 0..0,
            };
            let next = Found { key, value, since };
            let text = |range: &std::ops::Range<usize>| &self.bytes[range.clone()];
            match self.found.last_mut().filter(|last| text(&last.key) == text(&next.key)) {
                // Of several the last that has begun.
                Some(last) if text(&last.since) < text(&next.since) => *last = next,
                Some(_) => {}
                None => self.found.push(next),
            }
        }
        self.is_last = count < most;
        if self.is_last {
            return Ok(true);
        }
        // Whether all rows of the last key are there is not known.
        self.found.pop();
        Ok(!self.found.is_empty())
    }

    fn keep(&mut self, text: &[u8]) -> std::ops::Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        start..self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::store::Store;
    use crate::edges::store::business::Selection;
    use crate::model::also::ties;
    use crate::model::kind::shipped_kinds;

    /// A piece that had to be sorted would read everything behind it.
    #[test]
    fn no_piece_is_sorted() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("n.db")).unwrap();
        let tx = store.begin().unwrap();
        let known = KnownTables::default();
        let stored: Vec<_> = shipped_kinds().iter().filter(|k| known.of(k).is_some_and(|t| !t.request)).collect();
        let mut planned = Vec::new();
        for (own, other) in stored.iter().flat_map(|own| stored.iter().map(move |other| (own, other))) {
            let mut given = Vec::new();
            let ties = loop {
                match ties((own, 0), (other, 0), &given) {
                    Ok(ties) => break ties,
                    Err(untied) => given.push((other.path(&untied.field).unwrap(), "1".to_string())),
                }
            };
            let (own_tables, other_tables) = (known.of(own).unwrap(), known.of(other).unwrap());
            let selection = Selection { as_stored: true, ..Selection::default() };
            let source = Source::of(own, &own_tables, &selection);
            let columns: Vec<&TableColumn> = own_tables.columns.iter().collect();
            let last = other_tables.columns.iter().rfind(|column| !column.sent).unwrap().field;
            for what in [What::Extra { group: 0, name: "x".into() }, What::Field { group: 0, field: last }] {
                let also = Also {
                    name: "x".into(),
                    group: 0,
                    kind: (*other).clone(),
                    what,
                    ties: ties.clone(),
                    owner: "p".into(),
                };
                let Some(plan) = plan(&also, &known, (&source, &own_tables), &columns, "2026-01-01").unwrap() else {
                    continue;
                };
                let mut explain = tx.conn.prepare(&format!("EXPLAIN QUERY PLAN {}", plan.sql)).unwrap();
                let places = vec![SqlValue::Integer(1); explain.parameter_count()];
                let steps =
                    explain.query_map(rusqlite::params_from_iter(places), |row| row.get::<_, String>(3)).unwrap();
                let steps: Vec<String> = steps.map(Result::unwrap).collect();
                let is_searched = steps.iter().all(|step| step.starts_with("SEARCH"));
                assert!(is_searched, "{} beside {}: {steps:?}\n{}", other.name, own.name, plan.sql);
                planned.push((own.name.as_str(), other.name.as_str()));
            }
        }
        for pair in
            [("stock", "stock"), ("stock", "article"), ("stock", "price"), ("article", "article"), ("price", "price")]
        {
            assert!(planned.contains(&pair), "{pair:?} in {planned:?}");
        }
    }
}
