//! Partners' own fields of records and facts, as far as a feed asks for them: by owner and name, then the key of their row. What
//! a partner says of a row stays when another writes it; what no feed asks for any more is dropped.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result};
use rusqlite::params;

use super::bind::Bound;
use super::tables::KindTables;
use crate::edges::fault;
use crate::edges::store::Tx;
use crate::edges::store::query::{one, run};
use crate::model::batch::Message;
use crate::model::kind::Kind;

/// Owner, kind and name of the fields that feeds ask for.
pub type Needed = BTreeSet<(String, String, String)>;

pub(super) struct Kept<'t> {
    put: Bound<'t>,
    take_away: Bound<'t>,
    owner: String,
    names: Vec<Arc<str>>,
}

impl<'t> Kept<'t> {
    /// `None` where nothing is to be kept.
    pub fn of(tx: &'t Tx<'t>, tables: &KindTables, owner: &str, names: Vec<Arc<str>>) -> Result<Option<Self>> {
        let Some(table) = tables.kept.as_ref().filter(|_| !names.is_empty()) else { return Ok(None) };
        let keys: Vec<String> = tables.keys().map(|key| format!("\"{}\"", key.name)).collect();
        let places: Vec<String> = (1..=keys.len() + 3).map(|place| format!("?{place}")).collect();
        let of_key: Vec<String> =
            keys.iter().zip(&places[2..]).map(|(key, place)| format!("{key} = {place}")).collect();
        let keys = keys.join(", ");
        let put = format!(
            "INSERT INTO \"{table}\" (owner, name, {keys}, value) VALUES ({}) ON CONFLICT (owner, name, {keys}) \
             DO UPDATE SET value = excluded.value WHERE \"{table}\".value <> excluded.value",
            places.join(", ")
        );
        let take_away = format!("DELETE FROM \"{table}\" WHERE owner = ?1 AND name = ?2 AND {}", of_key.join(" AND "));
        Ok(Some(Kept {
            put: Bound::prepare(tx.conn, &put)?,
            take_away: Bound::prepare(tx.conn, &take_away)?,
            owner: owner.to_string(),
            names,
        }))
    }

    /// What the message's head says under the names; a name without a value clears. Is anything another now?
    pub fn write(&mut self, tables: &KindTables, message: Message<'_>) -> Result<bool> {
        let head = message.head();
        let mut changed = false;
        for name in &self.names {
            let value = head.extras().find(|(known, _)| *known == &**name).map(|(_, value)| value);
            let statement = if value.is_some() { &mut self.put } else { &mut self.take_away };
            statement.set(1, &self.owner)?;
            statement.set(2, &**name)?;
            let mut place = 3;
            for column in tables.keys() {
                statement.set_key(place, column, column.value(&head))?;
                place += 1;
            }
            if let Some(value) = value {
                statement.set(place, value)?;
            }
            changed |= statement.execute()? > 0;
        }
        Ok(changed)
    }
}

impl Tx<'_> {
    /// Drops what no feed asks for any more; whether there was any.
    pub fn drop_extras_but<'k>(&self, kinds: impl IntoIterator<Item = &'k Arc<Kind>>, needed: &Needed) -> Result<bool> {
        fault::point("store.drop_extras")?;
        let mut any = false;
        for kind in kinds {
            let Some(tables) = self.tables.of(kind) else { continue };
            let Some(table) = &tables.kept else { continue };
            let next = format!(
                "SELECT owner, name FROM \"{table}\" WHERE (owner, name) > (?1, ?2) ORDER BY owner, name LIMIT 1"
            );
            let mut at = (String::new(), String::new());
            while let Some(found) = one(self.conn, &next, params![at.0, at.1], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })? {
                if !needed.contains(&(found.0.clone(), kind.name.clone(), found.1.clone())) {
                    let sql = format!("DELETE FROM \"{table}\" WHERE owner = ?1 AND name = ?2");
                    run(self.conn, &sql, params![found.0, found.1])
                        .with_context(|| format!("cannot drop {} of {}", found.1, found.0))?;
                    any = true;
                }
                at = found;
            }
        }
        Ok(any)
    }
}
