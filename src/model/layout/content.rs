//! Bytes of documents as they are read: through a buffer of one piece, whatever their size, hashed on the way. No layout reads them.

use std::fmt::Write;
use std::io::{self, SeekFrom};

use ring::digest::{Context, SHA256};

use super::seam::{Decoded, Input};
use crate::model::rules::contents::{Content, Contents, HEAD_BYTES, flaw, mime_of};

const PIECE_BYTES: usize = 1 << 20;

/// Nothing where the name is not one of theirs, so that a layout reads the file. Each counts as one message.
pub fn alone(contents: &Contents, input: &mut dyn Input, name: &str) -> io::Result<Option<Decoded>> {
    if !contents.takes(name) {
        return Ok(None);
    }
    let content = read(input, name)?;
    let mut decoded = Decoded { messages: 1, ..Decoded::default() };
    match flaw(&content) {
        Some(problem) => decoded.fatal.add(problem),
        None => decoded.content = Some(content),
    }
    Ok(Some(decoded))
}

fn read(input: &mut dyn Input, name: &str) -> io::Result<Content> {
    input.seek(SeekFrom::Start(0))?;
    let (mut hash, mut bytes, mut head) = (Context::new(&SHA256), 0, Vec::with_capacity(HEAD_BYTES));
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let count = match input.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&piece[..count]);
        let wanted = (HEAD_BYTES - head.len()).min(count);
        head.extend_from_slice(&piece[..wanted]);
        bytes += count as u64;
    }
    let sha256 = hash.finish().as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    Ok(Content { name: name.to_string(), sha256, bytes, mime: mime_of(&head) })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::time::Duration;

    use super::*;

    #[test]
    fn read_in_pieces_it_is_the_hash_of_all() {
        let contents = Contents { names: vec!["*.pdf".to_string()], within: Duration::from_secs(1) };
        let mut bytes = b"%PDF-1.4 abc".to_vec();
        bytes.resize(PIECE_BYTES * 2 + 17, b'x');
        let hash = ring::digest::digest(&SHA256, &bytes);
        let wanted: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let decoded = alone(&contents, &mut Cursor::new(&bytes), "a.pdf").unwrap().unwrap();
        let content = decoded.content.unwrap();
        assert_eq!((content.sha256, content.bytes, content.mime), (wanted, bytes.len() as u64, "application/pdf"));
        assert!(alone(&contents, &mut Cursor::new(&bytes), "a.csv").unwrap().is_none());
    }
}
