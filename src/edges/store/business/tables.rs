//! The tables of a kind: which columns they have, in which order, and the statements made from them.
//!
//! A kind without groups that is a fact is *flat*: one table by its key. Every other kind is a *tree*: a head with `row_id`
//! and one table per group by (`head_row`, `pos`). The migrations make the tables; a test compares them with this.

use std::fmt::Write;

use crate::model::batch::{NodeRef, Value};
use crate::model::kind::{Class, Group, Kind};

/// Columns of ours on every head row, after the kind's.
pub(super) const ORIGIN: [&str; 2] = ["file_no", "file_line"];

/// One column that holds a cell of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    pub name: String,
    pub(super) field: usize,
    /// The number as the partner sent it, instead of ours.
    pub(super) sent: bool,
    pub number: bool,
    /// Part of the identity: never NULL.
    pub key: bool,
    pub required: bool,
}

impl TableColumn {
    pub(super) fn value<'a>(&self, node: &NodeRef<'a>) -> Value<'a> {
        let value = node.value(self.field);
        if !self.sent {
            return value;
        }
        match node.sent(self.field) {
            // Ours was given as it is, so what a partner once sent for it no longer holds.
            Value::Missing if value != Value::Missing => Value::Empty,
            sent => sent,
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct GroupTable {
    pub name: String,
    pub columns: Vec<TableColumn>,
    /// Index of the parent group where that is not the head.
    pub parent: Option<usize>,
    /// The group right below the head that this one belongs to; itself where it is one.
    pub family: usize,
}

/// The tables of one kind.
#[derive(Debug, Clone)]
pub struct KindTables {
    pub(super) head: String,
    pub(super) columns: Vec<TableColumn>,
    pub(super) flat: bool,
    pub(super) request: bool,
    /// By group index; the head's place and groups that are not stored are `None`.
    pub(super) groups: Vec<Option<GroupTable>>,
    /// The partner's own fields, for requests.
    pub(super) extras: Option<String>,
}

impl KindTables {
    /// `None` for kinds that are not stored.
    pub fn of(kind: &Kind) -> Option<KindTables> {
        if kind.class == Class::Answer || kind.head().table.is_empty() {
            return None;
        }
        let request = kind.class == Class::Request;
        let groups: Vec<_> = (0..kind.groups.len()).map(|index| group_table(kind, index)).collect();
        Some(KindTables {
            head: kind.head().table.clone(),
            columns: head_columns(kind, request),
            flat: kind.class == Class::Fact && kind.groups.len() == 1,
            request,
            extras: request.then(|| format!("{}_extra", kind.name)),
            groups,
        })
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

    pub(super) fn keys(&self) -> impl Iterator<Item = &TableColumn> {
        self.columns.iter().filter(|c| c.key)
    }

    /// `"a" = ?1 AND "b" = ?2`, numbered from a place on.
    pub(super) fn key_condition(&self, first: usize) -> String {
        let terms: Vec<_> =
            self.keys().enumerate().map(|(nth, c)| format!("\"{}\" = ?{}", c.name, first + nth)).collect();
        terms.join(" AND ")
    }

    /// Cells, file_no, file_line and, for records and facts, as_of. A row with that key stays as it is.
    pub(super) fn insert_head(&self) -> String {
        let mut names: Vec<&str> = self.columns.iter().map(|c| c.name.as_str()).chain(ORIGIN).collect();
        if !self.request {
            names.push("as_of");
        }
        format!("{} ON CONFLICT DO NOTHING", insert(&self.head, &names))
    }

    pub(super) fn insert_group(group: &GroupTable) -> String {
        let mut names = vec!["head_row", "pos"];
        if group.parent.is_some() {
            names.push("parent_pos");
        }
        names.extend(group.columns.iter().map(|c| c.name.as_str()));
        insert(&group.name, &names)
    }
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
            sent: false,
            number: field.field_type.is_number(),
            key: is_key(index),
            required: field.required,
        });
        if let Some(name) = field.sent_column() {
            columns.push(TableColumn { name, field: index, sent: true, number: false, key: false, required: false });
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
    Some(GroupTable {
        name: group.table.clone(),
        columns: columns(group, |_| false),
        parent: (group.parent != 0).then_some(group.parent),
        family,
    })
}

fn insert(table: &str, names: &[&str]) -> String {
    let mut sql = format!("INSERT INTO \"{table}\" (");
    push_list(&mut sql, names.iter().map(|n| format!("\"{n}\"")));
    sql.push_str(") VALUES (");
    push_list(&mut sql, (1..=names.len()).map(|n| format!("?{n}")));
    sql.push(')');
    sql
}

pub(super) fn push_list(sql: &mut String, items: impl Iterator<Item = String>) {
    for (nth, item) in items.enumerate() {
        let comma = if nth > 0 { ", " } else { "" };
        // Writing into a string cannot fail.
        let _ = write!(sql, "{comma}{item}");
    }
}
