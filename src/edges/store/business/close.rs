//! Closes records and facts that a full file no longer names: only rows whose source is that intake or one that
//! brings its changes, that lie in its scope,
//! that this file did not write, and that are not newer. Whether a file may close at all is the caller's decision.

use anyhow::{Context, Result, bail};
use rusqlite::params_from_iter;
use rusqlite::types::Value as SqlValue;

use super::changes::Changes;
use super::condition::Condition;
use super::history;
use super::records::Stamp;
use super::tables::{KindTables, TableColumn};
use super::tally::Tally;
use crate::edges::fault;
use crate::edges::store::Tx;
use crate::edges::store::ledger::Cause;
use crate::model::key;
use crate::model::kind::Kind;

impl Tx<'_> {
    /// How many were closed. `scope`: head fields with the values the rows must have; empty: all of the source.
    pub fn close_absent(
        &self,
        kind: &Kind,
        partner: &str,
        intakes: &[&str],
        scope: &[(&str, &str)],
        stamp: &Stamp<'_>,
    ) -> Result<u64> {
        fault::point("store.close_absent")?;
        let Some(tables) = self.tables.of(kind).filter(|t| !t.request) else {
            bail!("rows of the kind \"{}\" are never closed", kind.name);
        };
        self.try_close(kind, &tables, partner, intakes, scope, stamp).with_context(|| {
            format!("cannot close what {partner}/{} no longer names in \"{}\"", intakes.join(", "), tables.head)
        })
    }

    fn try_close(
        &self,
        kind: &Kind,
        tables: &KindTables,
        partner: &str,
        intakes: &[&str],
        scope: &[(&str, &str)],
        stamp: &Stamp<'_>,
    ) -> Result<u64> {
        let condition = absent(kind, tables, partner, intakes, scope, stamp)?;
        let mut tally = Tally::new(self.conn, stamp.file);
        let counts =
            format!("SELECT h.file_no, count(*) FROM \"{}\" h WHERE {} GROUP BY 1", tables.head, condition.text());
        let mut statement = self.conn.prepare(&counts)?;
        let mut rows = statement.query(params_from_iter(&condition.values))?;
        let mut any = false;
        while let Some(row) = rows.next()? {
            any = true;
            tally.took_over(row.get(0)?, row.get(1)?);
        }
        // Most full files close nothing: the table is not gone through again for that.
        if !any {
            return Ok(0);
        }
        let mut changes = Changes::of(self, &kind.name, stamp.file, Cause::Change)?;
        let closed = self.close_where(tables, &condition, &mut changes)?;
        tally.finish()?;
        changes.finish()?;
        Ok(closed)
    }

    /// Closes what the condition says of the head `h`. Its places 1 to 3 are the file's number, the moment, and the line that says
    /// so: 0 for what the file does not say.
    pub(super) fn close_where(
        &self,
        tables: &KindTables,
        condition: &Condition,
        changes: &mut Changes<'_>,
    ) -> Result<u64> {
        let own_as_of = "CASE WHEN (SELECT f.as_of FROM file f WHERE f.file_no = ?1) = ?2 THEN NULL ELSE ?2 END";
        let mut since = String::new();
        if tables.history {
            self.keep_where(tables, condition)?;
            since = format!(", since_file = ?1, since_line = ?3, since = {}", history::closed_since());
        }
        let update = format!(
            "UPDATE \"{}\" AS h SET active = 0, file_no = ?1, file_line = ?3, as_of = {own_as_of}{since} WHERE {}",
            tables.head,
            condition.text()
        );
        if changes.wants_keys() {
            return self.close_and_list(&update, tables, condition, changes);
        }
        let closed = self.conn.prepare_cached(&update)?.execute(params_from_iter(&condition.values))?;
        (0..closed).for_each(|_| changes.add_key(|_| {}));
        Ok(closed as u64)
    }

    /// Closes, and notes which rows.
    fn close_and_list(
        &self,
        update: &str,
        tables: &KindTables,
        condition: &Condition,
        changes: &mut Changes<'_>,
    ) -> Result<u64> {
        let keys: Vec<&TableColumn> = tables.keys().collect();
        let names: Vec<String> = keys.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let mut statement = self.conn.prepare_cached(&format!("{update} RETURNING {}", names.join(", ")))?;
        let mut rows = statement.query(params_from_iter(&condition.values))?;
        let mut closed = 0;
        while let Some(row) = rows.next()? {
            closed += 1;
            let mut bytes = Vec::new();
            for (nth, column) in keys.iter().enumerate() {
                match column.number {
                    true => key::put_number(row.get(nth)?, &mut bytes),
                    false => key::put_text(row.get_ref(nth)?.as_str()?, &mut bytes),
                }
            }
            changes.add_key(|key| key.extend_from_slice(&bytes));
        }
        Ok(closed)
    }
}

fn absent(
    kind: &Kind,
    tables: &KindTables,
    partner: &str,
    intakes: &[&str],
    scope: &[(&str, &str)],
    stamp: &Stamp<'_>,
) -> Result<Condition> {
    let mut condition = Condition::default();
    let file = condition.place(SqlValue::Integer(stamp.file.0));
    let as_of = condition.place_text(stamp.as_of);
    condition.place(SqlValue::Integer(0));
    let partner = condition.place_text(partner);
    let intakes: Vec<String> = intakes.iter().map(|intake| condition.place_text(intake)).collect();
    condition.add("h.active = 1");
    condition.add(format!("h.file_no <> {file}"));
    condition.add(format!(
        "h.file_no IN (SELECT f.file_no FROM file f WHERE f.partner = {partner} AND f.intake IN ({}) AND f.rows_written > 0)",
        intakes.join(", ")
    ));
    condition.add(format!("COALESCE(h.as_of, (SELECT f.as_of FROM file f WHERE f.file_no = h.file_no)) <= {as_of}"));
    for (field, value) in scope {
        condition.add_field(kind, tables, field, value, |column| format!("h.\"{}\"", column.name))?;
    }
    Ok(condition)
}
