//! What is kept of one person: rows of every kind, messages that were not simply taken, the files that brought them and those
//! that told them, the password, and in which other columns and files his data stand. It changes nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use anyhow::Result;

use super::files::{self, Sight, Standing};
use super::find::MessageOfFile;
use crate::edges::spool::Holding;
use crate::edges::store::FileNo;
use crate::edges::store::business::{Mark, PersonRow};
use crate::edges::store::ledger::{FileRow, LoginRow, RunRow};
use crate::model::kind::{Class, Kind, Kinds};

/// Rows of one kind and messages; a customer with more is told that there are more.
const MOST: u32 = 10_000;
/// Those that a name could mean.
const CANDIDATES: u32 = 50;
/// Shorter ones stand in everything by chance: a house number, a form of address.
const LEAST_CHARACTERS: usize = 5;
/// Values that are looked for elsewhere.
const MOST_VALUES: usize = 40;
/// Fields whose number is somebody: of a contact, of a customer.
const CONTACT: &str = "contact_no";
const CUSTOMER: &str = "customer_no";

/// What the word on the command line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Email,
    Contact,
    Customer,
}

#[derive(Debug)]
pub enum Sought {
    Person(Box<Person>),
    /// A name, or a number of a contact and of a customer: who could be meant.
    Candidates(Vec<Candidate>),
    Nobody,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Candidate {
    pub kind: String,
    pub key: String,
    pub personal: Vec<(String, String)>,
}

#[derive(Debug)]
pub struct Person {
    pub rows: Vec<RowOfPerson>,
    /// There are more rows of a kind, or more messages, than are told.
    pub more: bool,
    pub messages: Vec<MessageOfFile>,
    /// That brought the rows and messages.
    pub files: Vec<(FileRow, Standing)>,
    /// That took requests of his along.
    pub runs: Vec<RunRow>,
    pub logins: Vec<LoginRow>,
    /// Other columns in which his values stand: table, column, rows.
    pub elsewhere: Vec<(String, String, u64)>,
    /// Every file of the spool, where that was asked for.
    pub inside: Option<Holding>,
}

#[derive(Debug)]
pub struct RowOfPerson {
    pub kind: Arc<Kind>,
    pub row: PersonRow,
}

/// Looks for a person; `inside` reads every file of the spool too, which takes as long as that.
pub fn person(sight: Sight<'_>, kinds: &Kinds, who: &str, by: Option<By>, inside: bool) -> Result<Sought> {
    let by = by.or_else(|| who.contains('@').then_some(By::Email));
    let Some(by) = (match by {
        Some(by) => Some(by),
        None => match candidates(sight, kinds, who)? {
            Meant::One(by) => Some(by),
            Meant::Several(list) if list.is_empty() => None,
            Meant::Several(list) => return Ok(Sought::Candidates(list)),
        },
    }) else {
        return Ok(Sought::Nobody);
    };
    let found = rows(sight, kinds, who, by)?;
    let values = values(&found.rows, who, by);
    let (messages, more_messages) = messages(sight, &values)?;
    let logins = logins(sight, &found.rows)?;
    if found.rows.is_empty() && messages.is_empty() {
        return Ok(Sought::Nobody);
    }
    let list: Vec<Arc<Kind>> = kinds.iter().cloned().collect();
    Ok(Sought::Person(Box::new(Person {
        files: files(sight, &found.rows, &messages)?,
        runs: runs(sight, &found.rows)?,
        more: found.more || more_messages,
        rows: found.rows,
        messages,
        logins,
        elsewhere: sight.snapshot.cells_holding(&values, &list)?,
        inside: if inside { Some(sight.spool.holding(&values)?) } else { None },
    })))
}

enum Meant {
    One(By),
    Several(Vec<Candidate>),
}

/// A number names one contact, one customer or both; what is no number is looked for in names.
fn candidates(sight: Sight<'_>, kinds: &Kinds, who: &str) -> Result<Meant> {
    let mut numbered = Vec::new();
    for (by, field) in [(By::Contact, CONTACT), (By::Customer, CUSTOMER)] {
        for kind in kinds.iter() {
            let found = sight.snapshot.rows_of_person(kind, Mark::Number { field, value: who }, 1)?;
            numbered.extend(found.into_iter().map(|row| (by, is_him(kind, field), candidate(kind, row))));
        }
    }
    let of = |by: By| numbered.iter().any(|(b, _, _)| *b == by);
    // A contact's row has the number of his customer too: who is meant is only in doubt where both are numbers of their own.
    match (of(By::Contact), of(By::Customer)) {
        (true, false) => return Ok(Meant::One(By::Contact)),
        (false, true) => return Ok(Meant::One(By::Customer)),
        (true, true) => {
            return Ok(Meant::Several(
                numbered.into_iter().filter(|(_, is_him, _)| *is_him).map(|(_, _, one)| one).collect(),
            ));
        }
        (false, false) => {}
    }
    let mut named = Vec::new();
    for kind in kinds.iter() {
        let left = CANDIDATES.saturating_sub(u32::try_from(named.len())?);
        let found = sight.snapshot.rows_of_person(kind, Mark::Name(who), left)?;
        named.extend(found.into_iter().map(|row| candidate(kind, row)));
    }
    Ok(Meant::Several(named))
}

fn candidate(kind: &Kind, row: PersonRow) -> Candidate {
    Candidate { kind: kind.name.clone(), key: row.key, personal: row.personal }
}

/// The row with that number is the person, and does not only name him.
fn is_him(kind: &Kind, field: &str) -> bool {
    let head = kind.head();
    kind.class == Class::Record && matches!(head.key[..], [only] if head.fields[only].name == field)
}

struct Rows {
    rows: Vec<RowOfPerson>,
    more: bool,
}

/// All rows by the first mark, and by each e-mail address that stands in a row which is he.
fn rows(sight: Sight<'_>, kinds: &Kinds, who: &str, by: By) -> Result<Rows> {
    let mut found: BTreeMap<(String, i64), RowOfPerson> = BTreeMap::new();
    let mut more = false;
    let mut marks: VecDeque<(By, String)> = VecDeque::from([(by, who.to_string())]);
    let mut asked: Vec<(By, String)> = Vec::new();
    while let Some((by, value)) = marks.pop_front() {
        if asked.contains(&(by, value.clone())) {
            continue;
        }
        for kind in kinds.iter() {
            let (mark, field) = match by {
                By::Email => (Mark::Value(&value), None),
                By::Contact => (Mark::Number { field: CONTACT, value: &value }, Some(CONTACT)),
                By::Customer => (Mark::Number { field: CUSTOMER, value: &value }, Some(CUSTOMER)),
            };
            let rows = sight.snapshot.rows_of_person(kind, mark, MOST)?;
            more |= rows.len() == MOST as usize;
            for row in rows {
                if field.is_some_and(|field| is_him(kind, field)) {
                    let addresses = row.personal.iter().filter(|(_, text)| text.contains('@'));
                    marks.extend(addresses.map(|(_, text)| (By::Email, text.to_lowercase())));
                }
                // Who is found by his address as a contact is found by his number too.
                if by == By::Email && is_him(kind, CONTACT) {
                    marks.push_back((By::Contact, row.key.clone()));
                }
                let place = (kind.name.clone(), row.row.0);
                found.entry(place).or_insert_with(|| RowOfPerson { kind: kind.clone(), row });
            }
        }
        asked.push((by, value));
    }
    Ok(Rows { rows: found.into_values().collect(), more })
}

/// What is looked for elsewhere: his address, and what stands in the personal fields of rows that are he. Names and addresses of
/// consignees in orders are often those of others.
fn values(rows: &[RowOfPerson], who: &str, by: By) -> Vec<String> {
    let mut values = Vec::new();
    if by == By::Email {
        values.push(who.to_string());
    }
    let his = rows.iter().filter(|one| match by {
        By::Email | By::Contact => is_him(&one.kind, CONTACT) || is_him(&one.kind, CUSTOMER),
        By::Customer => is_him(&one.kind, CUSTOMER),
    });
    for (_, text) in his.flat_map(|one| &one.row.personal) {
        let is_known = values.iter().any(|known: &String| known.eq_ignore_ascii_case(text));
        if text.chars().count() >= LEAST_CHARACTERS && !is_known && values.len() < MOST_VALUES {
            values.push(text.clone());
        }
    }
    values
}

fn messages(sight: Sight<'_>, values: &[String]) -> Result<(Vec<MessageOfFile>, bool)> {
    let rows = sight.snapshot.messages_holding(values, MOST)?;
    let more = rows.len() == MOST as usize;
    let mut messages = Vec::with_capacity(rows.len());
    for message in rows {
        if let Some(file) = sight.snapshot.file(message.file)? {
            messages.push(MessageOfFile { message, file });
        }
    }
    Ok((messages, more))
}

fn files(sight: Sight<'_>, rows: &[RowOfPerson], messages: &[MessageOfFile]) -> Result<Vec<(FileRow, Standing)>> {
    let brought = rows.iter().map(|one| one.row.file).chain(messages.iter().map(|one| one.message.file));
    let mut numbers: Vec<FileNo> = brought.collect();
    numbers.sort();
    numbers.dedup();
    let mut files = Vec::with_capacity(numbers.len());
    for number in numbers {
        if let Some(file) = sight.snapshot.file(number)? {
            let standing = files::standing(sight, &file)?;
            files.push((file, standing));
        }
    }
    Ok(files)
}

fn runs(sight: Sight<'_>, rows: &[RowOfPerson]) -> Result<Vec<RunRow>> {
    let mut runs = BTreeMap::new();
    for one in rows.iter().filter(|one| one.kind.class == Class::Request) {
        for run in sight.snapshot.runs_of_request(&one.kind.name, one.row.row)? {
            runs.insert(run.no.0, run);
        }
    }
    Ok(runs.into_values().collect())
}

fn logins(sight: Sight<'_>, rows: &[RowOfPerson]) -> Result<Vec<LoginRow>> {
    let his = |number: &str| rows.iter().any(|one| is_him(&one.kind, CONTACT) && one.row.key == number);
    Ok(sight.snapshot.logins()?.into_iter().filter(|login| his(&login.contact_no)).collect())
}
