//! Bytes of documents beside the rows that name them, in one archive: neither is ever there without the other, and an archive is brought, taken
//! and made again as every file is.

use std::collections::BTreeMap;

use anyhow::Result;

use super::paper::{Beside, Original, Paper};
use crate::edges::spool::{Place, Role, Spool, state_name};
use crate::edges::store::Tx;
use crate::model::batch::Message;
use crate::model::feed::{Feed, Packing};
use crate::model::key;
use crate::model::layout::EncodeError;

/// What an archive holds that every program reads, with some room for its directory.
const FILES_MOST: usize = 65_000;
const BYTES_MOST: u64 = 4_000_000_000;

/// The files that the rows of a run name.
pub(super) struct Named {
    /// Of the head: name and SHA-256.
    fields: (usize, usize),
    /// By name in small letters, since many file systems take `A.pdf` for `a.pdf`: the name, the hash, and whose file it is.
    files: BTreeMap<String, File>,
    /// The first document that cannot go out, and why.
    wrong: Option<EncodeError>,
}

struct File {
    name: String,
    sha256: String,
    of: String,
}

fn wrong(of: &str, text: String) -> EncodeError {
    EncodeError::Value { message: format!("document {of}"), field: "file_name".to_string(), text }
}

impl Named {
    /// Nothing where no files go along.
    pub fn of(feed: &Feed) -> Option<Self> {
        let head = feed.layout.kind.head();
        let fields = (head.field("file_name")?, head.field("sha256")?);
        let Packing::Zip(content) = feed.packing.as_ref().filter(|_| feed.files)? else { return None };
        let mut files = BTreeMap::new();
        let own = File { name: content.as_str().to_string(), sha256: String::new(), of: String::new() };
        files.insert(own.name.to_lowercase(), own);
        Some(Named { fields, files, wrong: None })
    }

    pub fn see(&mut self, message: Message<'_>) {
        if self.wrong.is_some() {
            return;
        }
        let text = |field: usize| message.head().value(field).text().unwrap_or_default().to_string();
        let mut key = Vec::new();
        key::encode_into(message, &mut key);
        let of = key::words(message.kind(), &key).unwrap_or_default();
        let (name, sha256) = (text(self.fields.0), text(self.fields.1));
        let found = match self.files.get(&name.to_lowercase()) {
            _ if name.is_empty() => return,
            Some(known) if known.sha256 == sha256 && known.name == name => return,
            Some(known) if known.of.is_empty() => {
                format!("\"{name}\" is the name of the manifest in the archive (zip) as well")
            }
            Some(known) => format!("\"{name}\" is the file of the document {} as well, and not the same", known.of),
            None if self.files.len() > FILES_MOST => {
                format!("with it the archive would hold more than {FILES_MOST} files; make several feeds of it (only)")
            }
            None => {
                self.files.insert(name.to_lowercase(), File { name, sha256, of });
                return;
            }
        };
        self.wrong = Some(wrong(&of, found));
    }

    /// Each as the original that brought it.
    pub fn put_beside(self, tx: &Tx<'_>, spool: &Spool, paper: &mut Paper) -> Result<()> {
        self.wrong.map_or(Ok(()), Err)?;
        let mut bytes = 0;
        for File { name, sha256, of } in self.files.into_values().filter(|file| !file.of.is_empty()) {
            let Some(original) = original(tx, spool, &name, &sha256)? else {
                let text = format!(
                    "the file \"{name}\" is not here; have it sent to an intake that takes such files (contents), or leave the document out (only)"
                );
                return Err(wrong(&of, text).into());
            };
            bytes += original.size;
            if bytes > BYTES_MOST {
                let text =
                    format!("with \"{name}\" the archive would hold more than 4 GB; make several feeds of it (only)");
                return Err(wrong(&of, text).into());
            }
            paper.put_beside(Beside::Original(name, original));
        }
        Ok(())
    }
}

/// Where its bytes stand; nothing where they never came, or where somebody took them away.
fn original(tx: &Tx<'_>, spool: &Spool, name: &str, sha256: &str) -> Result<Option<Original>> {
    for file in tx.contents_of(name, sha256)? {
        let Some(row) = tx.file(file)? else { continue };
        let (Ok(day), name) = (row.day.parse(), state_name(row.id, &row.raw_name, Role::Original)) else { continue };
        if let Some(meta) = spool.look(Place::Done { partner: &row.partner, day }, &name)? {
            return Ok(Some(Original { partner: row.partner, day, name, size: meta.size }));
        }
    }
    Ok(None)
}
