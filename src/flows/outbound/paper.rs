//! A file of ours in the making: messages through a layout onto a draft, hashed and counted while they are written.
//! It stands nowhere until it is staged.

use std::io::{self, BufWriter, Write};

use anyhow::Result;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;

use crate::edges::spool::{Draft, Existing, Lasting, Place, Spool, SpoolError, State};
use crate::model::archive::{ArchiveWriter, gzip};
use crate::model::feed::Packing;
use crate::model::ids::Id;
use crate::model::layout::{EncodeContext, EncodeError, Encoder, Layout};
use crate::model::rules::file_name::{NameFacts, NamePattern};

/// Hashing and writing in pieces of this size; an encoder writes row by row.
const PIECE_BYTES: usize = 128 * 1024;

pub(super) struct Paper {
    draft: Draft,
    /// Of what the partner gets; of one that is still to be packed, of what goes into its archive.
    pub hash: [u8; 32],
    pub size: u64,
    /// Characters that its encoding lacks and that something else was written for.
    pub unmapped: u64,
    later: Option<NamePattern>,
    /// What stands beside it in its archive.
    beside: Vec<Beside>,
}

pub(super) enum Beside {
    /// Small, and held.
    Held(NamePattern, Vec<u8>),
    /// Under this name: it may be a film, and is read when the archive is written.
    Original(String, Original),
}

/// An original in done/.
pub(super) struct Original {
    pub partner: String,
    pub day: NaiveDate,
    pub name: Vec<u8>,
    pub size: u64,
}

/// What a file is written in.
pub(super) struct Form<'f> {
    pub layout: &'f Layout,
    pub packing: Option<&'f Packing>,
    /// Something may stand beside it in its archive.
    pub has_beside: bool,
}

impl<'f> Form<'f> {
    pub fn plain(layout: &'f Layout) -> Self {
        Form { layout, packing: None, has_beside: false }
    }
}

impl Paper {
    /// `fill` hands the messages to the encoder; the same messages give the same bytes.
    pub fn write(
        spool: &Spool,
        Form { layout, packing, has_beside }: Form<'_>,
        (zone, now): (Tz, DateTime<Utc>),
        fill: impl FnOnce(&mut dyn Encoder) -> Result<()>,
    ) -> Result<Paper> {
        let hashing = Hashing { out: spool.draft(State::Staged)?, hasher: blake3::Hasher::new() };
        let mut out = BufWriter::with_capacity(PIECE_BYTES, hashing);
        let mut unmapped = 0;
        let encode = |out: &mut dyn Write| -> Result<()> {
            let mut encoder = layout.encoder(EncodeContext { zone }, out)?;
            encoder.at(now);
            fill(&mut *encoder)?;
            unmapped = encoder.unmapped();
            Ok(encoder.finish()?)
        };
        let mut later = None;
        let written = match packing {
            None => encode(&mut out),
            Some(Packing::Gzip) => gzipped(&mut out, encode),
            // The number, and with it the name, is known only once it is sure that the run goes out.
            Some(Packing::Zip(name)) if name.varies() || has_beside => {
                later = Some(name.clone());
                encode(&mut out)
            }
            Some(Packing::Zip(name)) => packed(&mut out, name.as_str(), |_| Ok(()), encode),
        };
        written.map_err(of_the_spool)?;
        Paper::of(out, unmapped, later)
    }

    fn of(out: BufWriter<Hashing<Draft>>, unmapped: u64, later: Option<NamePattern>) -> Result<Paper> {
        let Hashing { out: mut draft, hasher } =
            out.into_inner().map_err(|e| SpoolError::of_writing(e.into_error()))?;
        draft.flush().map_err(SpoolError::of_writing)?;
        Ok(Paper {
            hash: *hasher.finalize().as_bytes(),
            size: draft.written(),
            unmapped,
            draft,
            later,
            beside: Vec::new(),
        })
    }

    /// Goes into the archive with it.
    pub fn put_beside(&mut self, beside: Beside) {
        self.beside.push(beside);
    }

    pub fn is_to_be_packed(&self) -> bool {
        self.later.is_some()
    }

    /// As the partner gets it, now that it is known what its name is filled with.
    pub fn packed(self, spool: &Spool, facts: &NameFacts<'_>) -> Result<Paper> {
        let Some(pattern) = &self.later else { return Ok(self) };
        let hashing = Hashing { out: spool.draft(State::Staged)?, hasher: blake3::Hasher::new() };
        let mut out = BufWriter::with_capacity(PIECE_BYTES, hashing);
        self.pack(spool, &mut out, pattern, facts)?;
        Paper::of(out, self.unmapped, None)
    }

    /// What would be its hash in an archive of these facts: of another run, to be compared with that one's.
    pub fn hash_with(&self, spool: &Spool, facts: &NameFacts<'_>) -> Result<[u8; 32]> {
        let Some(pattern) = &self.later else { return Ok(self.hash) };
        let mut out = BufWriter::with_capacity(PIECE_BYTES, Hashing { out: io::sink(), hasher: blake3::Hasher::new() });
        self.pack(spool, &mut out, pattern, facts)?;
        let Hashing { hasher, .. } = out.into_inner().map_err(|e| SpoolError::of_writing(e.into_error()))?;
        Ok(*hasher.finalize().as_bytes())
    }

    fn pack(&self, spool: &Spool, out: &mut dyn Write, pattern: &NamePattern, facts: &NameFacts<'_>) -> Result<()> {
        let mut content = self.draft.read()?;
        let copy = |to: &mut dyn Write| -> Result<()> {
            io::copy(&mut content, to).map_err(EncodeError::Io)?;
            Ok(())
        };
        let put_beside = |archive: &mut ArchiveWriter<&mut dyn Write>| {
            self.beside.iter().try_for_each(|beside| beside.put_into(archive, spool, facts))
        };
        packed(out, &pattern.fill(facts), put_beside, copy).map_err(of_the_spool)
    }

    /// staged/<run id>: whole, and seen by nobody.
    pub fn stage(self, spool: &Spool, run: Id, lasting: Lasting) -> Result<()> {
        let to = (Place::Staged, run.as_str().as_bytes());
        Ok(self.draft.publish(spool, to, Existing::Refuse, lasting)?)
    }
}

impl Beside {
    fn put_into(
        &self,
        archive: &mut ArchiveWriter<&mut dyn Write>,
        spool: &Spool,
        facts: &NameFacts<'_>,
    ) -> Result<()> {
        let io = |error: io::Error| anyhow::Error::from(EncodeError::Io(error));
        match self {
            Beside::Held(pattern, bytes) => {
                let mut member = archive.begin(&pattern.fill(facts)).map_err(io)?;
                member.write_all(bytes).and_then(|()| member.end()).map_err(io)
            }
            Beside::Original(name, Original { partner, day, name: original, size }) => {
                let mut source = spool.read(Place::Done { partner, day: *day }, original)?;
                archive.add(name, &mut source, *size).map_err(io)
            }
        }
    }
}

/// An archive that holds what is encoded, and before it what it is not to be without.
fn packed(
    out: &mut dyn Write,
    name: &str,
    put_beside: impl FnOnce(&mut ArchiveWriter<&mut dyn Write>) -> Result<()>,
    encode: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let io = |error: io::Error| anyhow::Error::from(EncodeError::Io(error));
    let mut archive = ArchiveWriter::new(out);
    put_beside(&mut archive)?;
    let member = archive.begin(name).map_err(io)?;
    let mut pieces = BufWriter::with_capacity(PIECE_BYTES, member);
    encode(&mut pieces)?;
    pieces.into_inner().map_err(|error| io(error.into_error()))?.end().map_err(io)?;
    archive.finish().map(|_| ()).map_err(io)
}

/// The same packed by gzip.
fn gzipped(out: &mut dyn Write, encode: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let io = |error: io::Error| anyhow::Error::from(EncodeError::Io(error));
    let mut pieces = BufWriter::with_capacity(PIECE_BYTES, gzip::writer(out));
    encode(&mut pieces)?;
    pieces.into_inner().map_err(|error| io(error.into_error()))?.finish().map(|_| ()).map_err(io)
}

/// What could not be written is no fault of the messages: with a full disk it is tried again later.
fn of_the_spool(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<EncodeError>() {
        Ok(EncodeError::Io(error)) => SpoolError::of_writing(error).into(),
        Ok(of_messages) => of_messages.into(),
        Err(other) => other,
    }
}

struct Hashing<W> {
    out: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
