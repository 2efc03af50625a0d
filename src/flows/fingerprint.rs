//! blake3 of a file as it stands in the spool: by it a file is known where its name does not say which it is.

use std::io::{self, Read};

use anyhow::{Context, Result};

use crate::edges::spool::{Place, Spool, shown_name};

const PIECE_BYTES: usize = 1 << 16;

pub fn of(spool: &Spool, place: Place<'_>, name: &[u8]) -> Result<[u8; 32]> {
    let mut file = spool.read(place, name)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(*hasher.finalize().as_bytes()),
            Ok(count) => _ = hasher.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", shown_name(name))),
        }
    }
}
