//! A file of ours in the making: messages through a layout onto a draft, hashed and counted while they are written.
//! It stands nowhere until it is staged.

use std::io::{self, BufWriter, Write};

use anyhow::Result;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::edges::spool::{Draft, Existing, Lasting, Place, Spool, SpoolError, State};
use crate::model::archive::ArchiveWriter;
use crate::model::ids::Id;
use crate::model::layout::{EncodeContext, EncodeError, Encoder, Layout};

/// Hashing and writing in pieces of this size; an encoder writes row by row.
const PIECE_BYTES: usize = 128 * 1024;

pub(super) struct Paper {
    draft: Draft,
    pub hash: [u8; 32],
    pub size: u64,
}

impl Paper {
    /// `fill` hands the messages to the encoder; the same messages give the same bytes.
    pub fn write(
        spool: &Spool,
        (layout, zip): (&Layout, Option<&str>),
        (zone, now): (Tz, DateTime<Utc>),
        fill: impl FnOnce(&mut dyn Encoder) -> Result<()>,
    ) -> Result<Paper> {
        let hashing = Hashing { draft: spool.draft(State::Staged)?, hasher: blake3::Hasher::new() };
        let mut out = BufWriter::with_capacity(PIECE_BYTES, hashing);
        let encode = |out: &mut dyn Write| -> Result<()> {
            let mut encoder = layout.encoder(EncodeContext { zone }, out)?;
            encoder.at(now);
            fill(&mut *encoder)?;
            Ok(encoder.finish()?)
        };
        let written = match zip {
            None => encode(&mut out),
            Some(member) => packed(&mut out, member, encode),
        };
        written.map_err(of_the_spool)?;
        let Hashing { draft, hasher } = out.into_inner().map_err(|e| SpoolError::of_writing(e.into_error()))?;
        Ok(Paper { hash: *hasher.finalize().as_bytes(), size: draft.written(), draft })
    }

    /// staged/<run id>: whole, and seen by nobody.
    pub fn stage(self, spool: &Spool, run: Id, lasting: Lasting) -> Result<()> {
        let to = (Place::Staged, run.as_str().as_bytes());
        Ok(self.draft.publish(spool, to, Existing::Refuse, lasting)?)
    }
}

/// An archive that holds what is encoded as its one member.
fn packed(out: &mut dyn Write, name: &str, encode: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let io = |error: io::Error| anyhow::Error::from(EncodeError::Io(error));
    let mut archive = ArchiveWriter::new(out);
    let member = archive.begin(name).map_err(io)?;
    let mut pieces = BufWriter::with_capacity(PIECE_BYTES, member);
    encode(&mut pieces)?;
    pieces.into_inner().map_err(|error| io(error.into_error()))?.end().map_err(io)?;
    archive.finish().map(|_| ()).map_err(io)
}

/// What could not be written is no fault of the messages: with a full disk it is tried again later.
fn of_the_spool(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<EncodeError>() {
        Ok(EncodeError::Io(error)) => SpoolError::of_writing(error).into(),
        Ok(of_messages) => of_messages.into(),
        Err(other) => other,
    }
}

struct Hashing {
    draft: Draft,
    hasher: blake3::Hasher,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.draft.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.draft.flush()
    }
}
