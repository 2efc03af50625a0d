//! The repeated parts of a message: written, compared and replaced below a head row. A family is a group right below the
//! head with all groups in it (despatches with their parcels and lines): what is replaced, is replaced with its family.

use anyhow::Result;
use rusqlite::Connection;

use super::bind::{Bound, equals};
use super::tables::{GroupTable, KindTables};
use crate::edges::store::RowId;
use crate::model::batch::{Message, NodeRef};

pub(super) struct Groups<'c> {
    conn: &'c Connection,
    tables: Vec<Option<Table<'c>>>,
    /// Position of each node of the message within its group, by node index.
    positions: Vec<i64>,
    /// Nodes so far, by group.
    counted: Vec<i64>,
    extras: Option<String>,
    insert_extra: Option<Bound<'c>>,
}

struct Table<'c> {
    about: GroupTable,
    insert: Bound<'c>,
    select: Option<Bound<'c>>,
    delete: Option<Bound<'c>>,
}

impl<'c> Groups<'c> {
    pub fn prepare(conn: &'c Connection, tables: &KindTables) -> Result<Self> {
        let prepare = |about: &GroupTable| -> Result<Table<'c>> {
            let insert = Bound::prepare(conn, &KindTables::insert_group(about))?;
            Ok(Table { about: about.clone(), insert, select: None, delete: None })
        };
        let groups: Result<Vec<_>> = tables.groups.iter().map(|g| g.as_ref().map(prepare).transpose()).collect();
        Ok(Groups {
            conn,
            counted: vec![0; tables.groups.len()],
            tables: groups?,
            positions: Vec::new(),
            extras: tables.extras.clone(),
            insert_extra: None,
        })
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
        for family in 1..self.tables.len() {
            let is_family = self.tables[family].as_ref().is_some_and(|t| t.about.family == family);
            if !is_family || message.group(family).next().is_none() || self.family_equals(head, message, family)? {
                continue;
            }
            self.delete_family(head, family)?;
            for node in message.nodes().skip(1) {
                if self.family_of(&node) == Some(family) {
                    self.insert_node(head, &node)?;
                }
            }
            changed = true;
        }
        Ok(changed)
    }

    /// Takes away all nodes below the head and its extras.
    pub fn delete_all(&mut self, head: RowId) -> Result<()> {
        for family in 1..self.tables.len() {
            self.delete_family(head, family)?;
        }
        if let Some(name) = &self.extras {
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

    fn family_of(&self, node: &NodeRef<'_>) -> Option<usize> {
        self.tables[node.group()].as_ref().map(|t| t.about.family)
    }

    fn insert_node(&mut self, head: RowId, node: &NodeRef<'_>) -> Result<()> {
        let position = self.positions[node.index() as usize];
        let parent_position = self.positions[node.parent() as usize];
        let Some(Table { about, insert, .. }) = &mut self.tables[node.group()] else { return Ok(()) };
        insert.set(1, head.0)?;
        insert.set(2, position)?;
        let mut place = 3;
        if about.parent.is_some() {
            insert.set(place, parent_position)?;
            place += 1;
        }
        insert.set_node(place, &about.columns, node)?;
        insert.execute()?;
        Ok(())
    }

    fn family_equals(&mut self, head: RowId, message: Message<'_>, family: usize) -> Result<bool> {
        for group in family..self.tables.len() {
            if self.tables[group].as_ref().is_some_and(|t| t.about.family == family)
                && !self.group_equals(head, message, group)?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn group_equals(&mut self, head: RowId, message: Message<'_>, group: usize) -> Result<bool> {
        let Some(table) = &mut self.tables[group] else { return Ok(true) };
        let select = match &mut table.select {
            Some(select) => select,
            empty => empty.insert(Bound::prepare(self.conn, &select_nodes(&table.about))?),
        };
        select.set(1, head.0)?;
        let mut rows = select.query();
        for node in message.group(group) {
            let Some(row) = rows.next()? else { return Ok(false) };
            if table.about.parent.is_some() && row.get::<_, i64>(0)? != self.positions[node.parent() as usize] {
                return Ok(false);
            }
            for (nth, column) in table.about.columns.iter().enumerate() {
                if !equals(column.value(&node), row.get_ref(nth + 1)?) {
                    return Ok(false);
                }
            }
        }
        Ok(rows.next()?.is_none())
    }

    fn delete_family(&mut self, head: RowId, family: usize) -> Result<()> {
        for table in self.tables.iter_mut().flatten().filter(|t| t.about.family == family) {
            let delete = match &mut table.delete {
                Some(delete) => delete,
                empty => {
                    let sql = format!("DELETE FROM \"{}\" WHERE head_row = ?1", table.about.name);
                    empty.insert(Bound::prepare(self.conn, &sql)?)
                }
            };
            delete.set(1, head.0)?;
            delete.execute()?;
        }
        Ok(())
    }

    fn insert_extras(&mut self, head: RowId, message: Message<'_>) -> Result<()> {
        let Some(table) = &self.extras else { return Ok(()) };
        let mut seq = 0;
        for node in message.nodes() {
            for (name, value) in node.extras() {
                let insert = match &mut self.insert_extra {
                    Some(insert) => insert,
                    empty => empty.insert(Bound::prepare(self.conn, &insert_extra(table))?),
                };
                seq += 1;
                insert.set(1, head.0)?;
                insert.set(2, seq)?;
                insert.set(3, &message.kind().groups[node.group()].name)?;
                insert.set(4, self.positions[node.index() as usize])?;
                insert.set(5, name)?;
                insert.set(6, value)?;
                insert.execute()?;
            }
        }
        Ok(())
    }
}

fn insert_extra(table: &str) -> String {
    format!("INSERT INTO \"{table}\" (head_row, seq, part, pos, name, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
}

/// Parent position (0 below the head), then the cells.
fn select_nodes(about: &GroupTable) -> String {
    let parent = if about.parent.is_some() { "parent_pos" } else { "0" };
    let names: Vec<_> = about.columns.iter().map(|c| format!(", \"{}\"", c.name)).collect();
    format!("SELECT {parent}{} FROM \"{}\" WHERE head_row = ?1 ORDER BY pos", names.concat(), about.name)
}
