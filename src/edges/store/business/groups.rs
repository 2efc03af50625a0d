//! The repeated parts of a message: written, compared and replaced below a head row. A family is a group right below the
//! head with all groups in it (despatches with their parcels and lines): what is replaced, is replaced with its family.

use std::sync::Arc;

use anyhow::Result;
use rusqlite::Connection;

use super::bind::{Bound, equals};
use super::insert::Insert;
use super::tables::KindTables;
use crate::edges::store::RowId;
use crate::model::batch::{Message, NodeRef};

/// More in one statement gains nothing any more.
const EXTRAS_AT_ONCE: usize = 16;

pub(super) struct Groups<'c> {
    conn: &'c Connection,
    about: Arc<KindTables>,
    /// By group; prepared when the first message has one.
    statements: Vec<Statements<'c>>,
    /// Position of each node of the message within its group, by node index.
    positions: Vec<i64>,
    /// Nodes so far, by group.
    counted: Vec<i64>,
    /// By the number of rows, less one.
    insert_extras: [Option<Bound<'c>>; EXTRAS_AT_ONCE],
}

struct Statements<'c> {
    insert: Insert<'c>,
    select: Option<Bound<'c>>,
    delete: Option<Bound<'c>>,
}

impl<'c> Groups<'c> {
    pub fn new(conn: &'c Connection, about: &Arc<KindTables>) -> Self {
        Groups {
            conn,
            statements: about
                .groups
                .iter()
                .map(|_| Statements { insert: Insert::new(), select: None, delete: None })
                .collect(),
            counted: vec![0; about.groups.len()],
            positions: Vec::new(),
            insert_extras: Default::default(),
            about: about.clone(),
        }
    }

    /// Writes all nodes below the head, and the partner's own fields.
    pub fn insert_all(&mut self, head: RowId, message: Message<'_>) -> Result<()> {
        self.count_positions(message);
        for node in message.nodes().skip(1) {
            self.insert_node(head, &node)?;
        }
        self.insert_extras(head, message)
    }

    /// Makes the stored families those of the message, where it mentions them. Did anything change?
    pub fn replace(&mut self, head: RowId, message: Message<'_>) -> Result<bool> {
        self.count_positions(message);
        let mut changed = false;
        for family in 1..self.about.groups.len() {
            if !self.is_of(family, family)
                || message.group(family).next().is_none()
                || self.family_equals(head, message, family)?
            {
                continue;
            }
            self.delete_family(head, family)?;
            for node in message.nodes().skip(1) {
                if self.is_of(node.group(), family) {
                    self.insert_node(head, &node)?;
                }
            }
            changed = true;
        }
        Ok(changed)
    }

    /// Takes away all nodes below the head and its extras.
    pub fn delete_all(&mut self, head: RowId) -> Result<()> {
        for family in 1..self.about.groups.len() {
            self.delete_family(head, family)?;
        }
        if let Some(name) = &self.about.extras {
            self.conn.prepare_cached(&format!("DELETE FROM \"{name}\" WHERE head_row = ?1"))?.execute([head.0])?;
        }
        Ok(())
    }

    fn count_positions(&mut self, message: Message<'_>) {
        self.positions.clear();
        self.counted.fill(0);
        for node in message.nodes() {
            self.counted[node.group()] += 1;
            self.positions.push(self.counted[node.group()]);
        }
    }

    /// Is it a stored group of this family?
    fn is_of(&self, group: usize, family: usize) -> bool {
        self.about.groups[group].as_ref().is_some_and(|g| g.family == family)
    }

    fn insert_node(&mut self, head: RowId, node: &NodeRef<'_>) -> Result<()> {
        let position = self.positions[node.index() as usize];
        let parent_position = self.positions[node.parent() as usize];
        let Some(about) = &self.about.groups[node.group()] else { return Ok(()) };
        let insert = self.statements[node.group()].insert.of(self.conn, &about.insert, &about.columns, node)?;
        insert.set(1, head.0)?;
        insert.set(2, position)?;
        if about.parent.is_some() {
            insert.set(3, parent_position)?;
        }
        insert.execute()?;
        Ok(())
    }

    fn family_equals(&mut self, head: RowId, message: Message<'_>, family: usize) -> Result<bool> {
        for group in family..self.about.groups.len() {
            if self.is_of(group, family) && !self.group_equals(head, message, group)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn group_equals(&mut self, head: RowId, message: Message<'_>, group: usize) -> Result<bool> {
        let Some(about) = &self.about.groups[group] else { return Ok(true) };
        let select = ready(self.conn, &mut self.statements[group].select, &about.select)?;
        select.set(1, head.0)?;
        let mut rows = select.query();
        for node in message.group(group) {
            let Some(row) = rows.next()? else { return Ok(false) };
            if about.parent.is_some() && row.get::<_, i64>(0)? != self.positions[node.parent() as usize] {
                return Ok(false);
            }
            for (nth, column) in about.columns.iter().enumerate() {
                if !equals(column.value(&node), row.get_ref(nth + 1)?) {
                    return Ok(false);
                }
            }
        }
        Ok(rows.next()?.is_none())
    }

    fn delete_family(&mut self, head: RowId, family: usize) -> Result<()> {
        for (about, statements) in self.about.groups.iter().zip(&mut self.statements) {
            let Some(about) = about.as_ref().filter(|g| g.family == family) else { continue };
            let delete = ready(self.conn, &mut statements.delete, &about.delete)?;
            delete.set(1, head.0)?;
            delete.execute()?;
        }
        Ok(())
    }

    /// Several in one statement: beginning one costs more than a row.
    fn insert_extras(&mut self, head: RowId, message: Message<'_>) -> Result<()> {
        let Some(table) = &self.about.extras else { return Ok(()) };
        let mut left = message.nodes().map(|node| node.extras().count()).sum::<usize>();
        let (mut seq, mut row, mut rows) = (0, 0, 0);
        for node in message.nodes() {
            for (name, value) in node.extras() {
                if row == rows {
                    (row, rows) = (0, left.min(EXTRAS_AT_ONCE));
                }
                let place = &mut self.insert_extras[rows - 1];
                let insert = match place {
                    Some(insert) => insert,
                    empty => empty.insert(Bound::prepare(self.conn, &insert_extras(table, rows))?),
                };
                (seq, left) = (seq + 1, left - 1);
                let before = 1 + row * EXTRA_PLACES;
                insert.set(1, head.0)?;
                insert.set(before + 1, seq)?;
                insert.set(before + 2, &message.kind().groups[node.group()].name)?;
                insert.set(before + 3, self.positions[node.index() as usize])?;
                insert.set(before + 4, name)?;
                insert.set(before + 5, value)?;
                row += 1;
                if row == rows {
                    insert.execute()?;
                }
            }
        }
        Ok(())
    }
}

/// Of one row, beside its head, which all rows of a statement share.
const EXTRA_PLACES: usize = 5;

fn insert_extras(table: &str, rows: usize) -> String {
    let rows = (0..rows).map(|row| {
        let first = 2 + row * EXTRA_PLACES;
        let places: Vec<String> = (first..first + EXTRA_PLACES).map(|place| format!("?{place}")).collect();
        format!("(?1, {})", places.join(", "))
    });
    let rows: Vec<String> = rows.collect();
    format!("INSERT INTO \"{table}\" (head_row, seq, part, pos, name, value) VALUES {}", rows.join(", "))
}

/// Prepares at the first use.
fn ready<'b, 'c>(conn: &'c Connection, place: &'b mut Option<Bound<'c>>, sql: &str) -> Result<&'b mut Bound<'c>> {
    match place {
        Some(ready) => Ok(ready),
        empty => Ok(empty.insert(Bound::prepare(conn, sql)?)),
    }
}
