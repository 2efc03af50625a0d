//! Rows of one key are one message wherever they stand. A first look finds out whether they stand together (they mostly do);
//! if not, the rows are put in the order of their messages by an external sort of their places, and read again in it.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read, SeekFrom};

use super::Rows;
use super::decode::Decoder;
use super::header::{self, Opening, Preamble};
use super::places::Reading;
use super::sort::{Entry, Sorted, Sorter};
use super::tell;
use super::text::RowText;
use super::values::group_key;
use crate::model::layout::assembly::At as Where;
use crate::model::layout::{DecodeContext, Input, Layout};
use crate::model::syntax::delimited::{Again, Row, RowReader, Style};
use crate::model::wording;

/// Keys remembered to see whether one comes back; beyond, the file is sorted without asking. About 9 MiB.
const KEYS: usize = 400_000;
/// In an entry's length: the row before it could not be told apart.
const IN_DOUBT: u64 = 1 << 63;

/// In which order the rows are read.
pub enum Order {
    AsItStands,
    /// With the columns that rows of the file name.
    Sorted(Sorted, Vec<Reading>),
    /// The columns of a record type are named anew between rows that are to be put in order.
    ColumnsTwice(Where),
}

/// Reads the file once for its keys.
pub fn survey(layout: &Layout, rows: &Rows, input: &mut dyn Input, context: &DecodeContext<'_>) -> io::Result<Order> {
    let mut seen: HashSet<u64> = HashSet::new();
    let mut last = None;
    let (scattered, _) = each_key(layout, rows, input, &mut |_, key| {
        let Some(key) = key else { return Ok(true) };
        let mut hasher = DefaultHasher::new();
        hasher.write(key);
        let hash = hasher.finish();
        let same = last == Some(hash);
        last = Some(hash);
        Ok(same || seen.len() < KEYS && seen.insert(hash))
    })?;
    if !scattered {
        return Ok(Order::AsItStands);
    }
    drop(seen);
    // Once by key, to find the first row of each; then by that.
    let mut by_key = Sorter::new((context.spill)()?);
    let mut major = [0; 16];
    let mut doubt = 0;
    let mut sequence = 0;
    let (_, named) = each_key(layout, rows, input, &mut |row, key| {
        if let Some(key) = key {
            major.copy_from_slice(&blake3::hash(key).as_bytes()[..16]);
        }
        let length = (row.range.end - row.range.start) | doubt;
        doubt = if key.is_none() && row.flaw.is_some() { IN_DOUBT } else { 0 };
        by_key.push(Entry { major, sequence, offset: row.range.start, length, line: row.line })?;
        sequence += 1;
        Ok(true)
    })?;
    if let Some(at) = named.again {
        return Ok(Order::ColumnsTwice(at));
    }
    let mut by_key = by_key.sorted()?;
    let mut by_first = Sorter::new((context.spill)()?);
    let mut current = None;
    while let Some(entry) = by_key.next()? {
        let first = match current {
            Some((major, first)) if major == entry.major => first,
            _ => entry.sequence,
        };
        current = Some((entry.major, first));
        let mut major = [0; 16];
        major[..8].copy_from_slice(&first.to_be_bytes());
        by_first.push(Entry { major, ..entry })?;
    }
    by_first.sorted().map(|sorted| Order::Sorted(sorted, named.readings))
}

/// What rows of the file name as the columns of their record types.
struct Named {
    readings: Vec<Reading>,
    /// Where others are named for a type that had some.
    again: Option<Where>,
}

type EachKey<'k> = &'k mut dyn FnMut(&Row<'_>, Option<&[u8]>) -> io::Result<bool>;

/// Calls for each row of content with its key, if it can be read; true when the call said stop by `false`.
fn each_key(layout: &Layout, rows: &Rows, input: &mut dyn Input, each: EachKey<'_>) -> io::Result<(bool, Named)> {
    input.rewind()?;
    let mut head = &mut *input;
    let mut reader = RowReader::open(&mut head, &layout.encoding, rows.style())?;
    let encoding = reader.encoding().clone();
    let mut named = Named { readings: rows.fixed_readings(layout), again: None };
    let mut preamble = Preamble::new(layout, rows);
    let (mut scratch, mut other, mut decoded, mut key) = (String::new(), String::new(), String::new(), Vec::new());
    while let Some(row) = reader.next()? {
        if !preamble.is_over() {
            match preamble.take(&row, &encoding, &mut named.readings) {
                Ok(Opening::Taken) => continue,
                Ok(Opening::Content) => {}
                // The decoder will find the same and say it.
                Err(_) => return Ok((false, named)),
            }
        }
        if preamble.says_nothing(&row) {
            continue;
        }
        let text = RowText::new(&row, &encoding, rows.quote(), &mut decoded);
        if header::is_column_row(layout, rows, &text, &mut scratch) {
            let at = Where { line: row.line, byte: row.range.start };
            let before: Vec<_> = named.readings.iter().map(|r| r.ready.then(|| r.names.clone())).collect();
            if header::take_column_row(layout, rows, &mut named.readings, &text, at).is_err() {
                return Ok((false, named));
            }
            // The same names once more say nothing new.
            let differs =
                |(before, now): (&Option<_>, &Reading)| before.as_ref().is_some_and(|names| *names != now.names);
            if before.iter().zip(&named.readings).any(differs) {
                named.again = named.again.or(Some(at));
            }
            continue;
        }
        let record = tell::record_of(layout, rows, &named.readings, &text, &mut scratch, &mut other);
        let known = record.is_some_and(|record| group_key(&named.readings[record], &text, &mut scratch, &mut key));
        if !each(&row, known.then_some(&key[..]))? {
            return Ok((true, named));
        }
    }
    Ok((false, named))
}

/// Reads the rows again in the order of their messages.
pub fn replay(
    mut sorted: Sorted,
    input: &mut dyn Input,
    again: &Again,
    style: Style,
    decoder: &mut Decoder<'_>,
) -> io::Result<()> {
    let mut next = sorted.next()?;
    while let Some(first) = next {
        // Rows that stand together are read together.
        let mut length = first.length & !IN_DOUBT;
        next = sorted.next()?;
        while let Some(entry) = next.filter(|e| e.offset == first.offset + length && e.length & IN_DOUBT == 0) {
            length += entry.length;
            next = sorted.next()?;
        }
        input.seek(SeekFrom::Start(first.offset))?;
        let mut part = Read::take(&mut *input, length);
        let mut reader = RowReader::resume(&mut part, again, style.clone(), first.offset, first.line);
        let mut doubt = first.length & IN_DOUBT != 0;
        while let Some(row) = reader.next()? {
            decoder.forget_doubt();
            decoder.row(&row);
            if std::mem::take(&mut doubt) {
                let at = Where { line: row.line, byte: row.range.start };
                decoder.assembly.flawed(wording::row_in_doubt(at.place("")));
            }
            if decoder.assembly.stopped() {
                return Ok(());
            }
        }
    }
    Ok(())
}
