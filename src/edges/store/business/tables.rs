//! The tables of a kind: which columns they have, in which order, and the statements made from them.
//!
//! A kind without groups that is a fact is *flat*: one table by its key. Every other kind is a *tree*: a head with `row_id`
//! and one table per group by (`head_row`, `pos`). The migrations make the tables; a test compares them with this.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::history;
use super::insert::InsertInto;
use crate::model::batch::{NodeRef, Value};
use crate::model::kind::{Class, Group, Kind};

/// Columns of ours on every head row, after the kind's.
pub(super) const ORIGIN: [&str; 2] = ["file_no", "file_line"];

/// One column that holds a cell of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    pub name: String,
    pub(super) field: usize,
    /// Where its value stands in a node.
    cell: usize,
    /// The number as the partner sent it, instead of ours.
    pub(super) sent: bool,
    pub number: bool,
    /// Part of the identity: never NULL.
    pub key: bool,
    pub required: bool,
}

impl TableColumn {
    pub(super) fn value<'a>(&self, node: &NodeRef<'a>) -> Value<'a> {
        match node.cell(self.cell) {
            // Ours was given as it is, so what a partner once sent for it no longer holds.
            Value::Missing if self.sent && node.value(self.field) != Value::Missing => Value::Empty,
            value => value,
        }
    }
}

#[derive(Debug)]
pub(super) struct GroupTable {
    pub name: String,
    pub columns: Vec<TableColumn>,
    /// Index of the parent group where that is not the head.
    pub parent: Option<usize>,
    /// The group right below the head that this one belongs to; itself where it is one.
    pub family: usize,
    pub insert: InsertInto,
    /// Parent position (0 below the head), then the cells, of one head.
    pub select: String,
    pub delete: String,
}

/// The tables of one kind.
#[derive(Debug)]
pub struct KindTables {
    pub(super) head: String,
    pub(super) columns: Vec<TableColumn>,
    pub(super) flat: bool,
    pub(super) request: bool,
    /// Values that are replaced are kept (`history`).
    pub(super) history: bool,
    /// By group index; the head's place and groups that are not stored are `None`.
    pub(super) groups: Vec<Option<GroupTable>>,
    /// The partner's own fields, for requests.
    pub(super) extras: Option<String>,
    /// Where records and facts keep them: by owner, name and key.
    pub(super) kept: Option<String>,
    pub(super) statements: HeadStatements,
}

/// Statements on head rows. Making their texts costs more than running them on a small file, so they are made once.
#[derive(Debug, Default)]
pub(super) struct HeadStatements {
    /// file_no, file_line and, for records and facts, as_of; then cells. A row with that key stays as it is.
    pub insert: InsertInto,
    /// By the key: row_id (NULL for flat kinds), file_no; for records and facts as_of, active and the cells.
    pub find: String,
    /// Requests: everything, by the row id. Others: cells that are not keys, file_no, file_line, as_of, by the key.
    pub update: String,
    /// Only file_no, file_line, as_of, by the key.
    pub touch: String,
}

/// The tables of every kind a connection has met.
#[derive(Default)]
pub struct KnownTables(RefCell<HashMap<String, Arc<KindTables>>>);

impl KnownTables {
    /// `None` for kinds that are not stored.
    pub(super) fn of(&self, kind: &Kind) -> Option<Arc<KindTables>> {
        let mut known = self.0.borrow_mut();
        if let Some(tables) = known.get(&kind.name) {
            return Some(tables.clone());
        }
        let tables = Arc::new(KindTables::of(kind)?);
        known.insert(kind.name.clone(), tables.clone());
        Some(tables)
    }
}

impl KindTables {
    /// `None` for kinds that are not stored.
    pub fn of(kind: &Kind) -> Option<KindTables> {
        if kind.class == Class::Answer || kind.head().table.is_empty() {
            return None;
        }
        let request = kind.class == Class::Request;
        let history = HISTORIES.contains(&kind.name.as_str());
        let groups: Vec<_> = (0..kind.groups.len()).map(|index| group_table(kind, index)).collect();
        let mut tables = KindTables {
            head: kind.head().table.clone(),
            columns: head_columns(kind, request),
            flat: kind.class == Class::Fact && kind.groups.len() == 1,
            request,
            history,
            extras: request.then(|| format!("{}_extra", kind.name)),
            kept: (!request).then(|| format!("{}_extra", kind.name)),
            groups,
            statements: HeadStatements::default(),
        };
        tables.statements = HeadStatements {
            insert: InsertInto::new(&tables.head, tables.origin_columns(), true),
            find: tables.find_head(),
            update: tables.update_head(true),
            touch: tables.update_head(false),
        };
        Some(tables)
    }

    /// Every table with the columns that hold cells, and the columns of ours that frame them: for the check against the database.
    pub fn layout(&self) -> Vec<(&str, &[TableColumn], Vec<&'static str>)> {
        let mut ours = ORIGIN.to_vec();
        if !self.flat {
            ours.push("row_id");
        }
        if !self.request {
            ours.extend(["as_of", "active"]);
        }
        if self.history {
            ours.extend(SINCE);
        }
        let mut tables = vec![(self.head.as_str(), &self.columns[..], ours)];
        for group in self.groups.iter().flatten() {
            let mut ours = vec!["head_row", "pos"];
            if group.parent.is_some() {
                ours.push("parent_pos");
            }
            tables.push((group.name.as_str(), &group.columns[..], ours));
        }
        tables
    }

    /// What an INSERT brings beside the cells.
    fn origin_columns(&self) -> Vec<&'static str> {
        let mut names = origin_columns(self.request);
        if self.history {
            names.extend(SINCE);
        }
        names
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &TableColumn> {
        self.columns.iter().filter(|c| c.key)
    }

    /// `"a" = ?1 AND "b" = ?2`, numbered from a place on.
    pub(super) fn key_condition(&self, first: usize) -> String {
        let terms: Vec<_> =
            self.keys().enumerate().map(|(nth, c)| format!("\"{}\" = ?{}", c.name, first + nth)).collect();
        terms.join(" AND ")
    }

    fn find_head(&self) -> String {
        let row_id = if self.flat { "NULL" } else { "row_id" };
        let cells: Vec<_> = self.columns.iter().map(|c| format!(", \"{}\"", c.name)).collect();
        let since = if self.history { ", file_line, since_file, since_line, since" } else { "" };
        let rest = if self.request { String::new() } else { format!(", as_of, active{}{since}", cells.concat()) };
        format!("SELECT {row_id}, file_no{rest} FROM \"{}\" WHERE {}", self.head, self.key_condition(1))
    }

    fn update_head(&self, changes: bool) -> String {
        let cells = self.columns.iter().filter(|c| changes && (self.request || !c.key)).map(|c| c.name.as_str());
        let names: Vec<&str> = cells.chain(origin_columns(self.request)).collect();
        let mut set: Vec<_> = names.iter().enumerate().map(|(nth, n)| format!("\"{n}\" = ?{}", nth + 1)).collect();
        let mut next = names.len() + 1;
        if self.history && changes {
            // The places of file_no and file_line, and one behind as_of.
            set.push(format!("since_file = ?{}, since_line = ?{}, since = ?{next}", next - 3, next - 2));
            next += 1;
        } else if self.history {
            set.push(history::KEEP_SINCE.to_string());
        }
        let condition = if self.request {
            format!("row_id = ?{next}")
        } else {
            // What is said again is open again.
            set.push("active = 1".to_string());
            self.key_condition(next)
        };
        format!("UPDATE \"{}\" SET {} WHERE {condition}", self.head, set.join(", "))
    }
}

/// Kinds whose values are kept when they are replaced.
pub(super) const HISTORIES: [&str; 3] = ["stock", "price", "order_status"];

/// Of those kinds: which file said the value that stands there first, in which line, and from when it holds where that is not the
/// moment of the file. NULL in rows of before there was a history: the file that said it last.
const SINCE: [&str; 3] = ["since_file", "since_line", "since"];

/// Columns of ours on a head row whose values come with every row, new or not.
fn origin_columns(request: bool) -> Vec<&'static str> {
    let mut names = ORIGIN.to_vec();
    if !request {
        names.push("as_of");
    }
    names
}

fn head_columns(kind: &Kind, request: bool) -> Vec<TableColumn> {
    let head = kind.head();
    // A partner's order number is his own: the same number of another partner is another order.
    let partner = head.field("partner").filter(|_| request);
    let is_key = |field: usize| head.key.contains(&field) || partner == Some(field);
    columns(head, is_key)
}

fn columns(group: &Group, is_key: impl Fn(usize) -> bool) -> Vec<TableColumn> {
    let mut columns = Vec::new();
    for (index, field) in group.fields.iter().enumerate() {
        columns.push(TableColumn {
            name: field.column(),
            field: index,
            cell: index,
            sent: false,
            number: field.field_type.is_number(),
            key: is_key(index),
            required: field.required,
        });
        if let Some(name) = field.sent_column()
            && let Some(cell) = group.sent_cell(index)
        {
            columns.push(TableColumn {
                name,
                field: index,
                cell,
                sent: true,
                number: false,
                key: false,
                required: false,
            });
        }
    }
    columns
}

fn group_table(kind: &Kind, index: usize) -> Option<GroupTable> {
    let group = &kind.groups[index];
    if index == 0 || group.table.is_empty() {
        return None;
    }
    let mut family = index;
    while kind.groups[family].parent != 0 {
        family = kind.groups[family].parent;
    }
    let columns = columns(group, |_| false);
    let nested = group.parent != 0;
    let cells: Vec<_> = columns.iter().map(|c| format!(", \"{}\"", c.name)).collect();
    let table = &group.table;
    let parent = if nested { "parent_pos" } else { "0" };
    let mut names = vec!["head_row", "pos"];
    if nested {
        names.push("parent_pos");
    }
    Some(GroupTable {
        name: table.clone(),
        parent: nested.then_some(group.parent),
        family,
        insert: InsertInto::new(table, names, false),
        select: format!("SELECT {parent}{} FROM \"{table}\" WHERE head_row = ?1 ORDER BY pos", cells.concat()),
        delete: format!("DELETE FROM \"{table}\" WHERE head_row = ?1"),
        columns,
    })
}
