//! A large file that comes from elsewhere goes to the disk past the page cache and is hashed on the way, each on a thread of its
//! own. At the speed of a local network the line, the disk and the hash would else take turns; and a gigabyte that is read once more,
//! much later, would push the pages of the database out of memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::writeback::Writeback;
use crate::edges::fault;

/// What a disk wants such writes to begin at and to be a multiple of; a larger page is none that we know.
const ALIGNMENT: usize = 4096;
/// Large enough that waking a thread costs nothing beside the work, and few, since they stand in memory.
pub const PIECE_BYTES: usize = 1024 * 1024;
const PIECES: usize = 2;

/// Bytes on their way, where the disk can take them from.
#[derive(Debug)]
struct Piece {
    room: Vec<u8>,
    start: usize,
    len: usize,
}

impl Piece {
    fn new() -> Piece {
        let room = vec![0; PIECE_BYTES + ALIGNMENT];
        let start = room.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT);
        Piece { room, start, len: 0 }
    }

    fn bytes(&self) -> &[u8] {
        &self.room[self.start..self.start + self.len]
    }

    /// How many of them there is room for.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(PIECE_BYTES - self.len);
        let end = self.start + self.len;
        self.room[end..end + count].copy_from_slice(&bytes[..count]);
        self.len += count;
        count
    }
}

#[derive(Debug)]
pub(super) struct Straight {
    piece: Piece,
    /// Gone once it is closed, or broken.
    pieces: Option<SyncSender<Piece>>,
    emptied: Receiver<Piece>,
    disk: Option<JoinHandle<io::Result<()>>>,
    hash: Option<JoinHandle<blake3::Hasher>>,
}

impl Straight {
    /// Goes on behind `from` bytes of the file that stands at `path`; they are a multiple of `PIECE_BYTES`, and in the hash.
    pub fn begin(plain: File, path: &Path, from: u64, hasher: blake3::Hasher) -> io::Result<Straight> {
        let direct = File::options().write(true).custom_flags(libc::O_DIRECT).open(path).ok();
        let (pieces, full) = sync_channel::<Piece>(PIECES);
        let (pass_on, kept) = sync_channel::<Piece>(PIECES);
        let (back, emptied) = sync_channel(PIECES);
        let keep = move || keep(&plain, direct, from, &full, &pass_on);
        let look = move || {
            let mut hasher = hasher;
            for mut piece in kept {
                hasher.update(piece.bytes());
                piece.len = 0;
                // Nobody waits for it: where there are enough of them, it goes.
                let _ = back.try_send(piece);
            }
            hasher
        };
        let disk = Builder::new().name("disk".into()).spawn(keep)?;
        let hash = Builder::new().name("hash".into()).spawn(look)?;
        Ok(Straight { piece: Piece::new(), pieces: Some(pieces), emptied, disk: Some(disk), hash: Some(hash) })
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len == PIECE_BYTES || self.pieces.is_none() {
            self.hand_over()?;
        }
        Ok(self.piece.take(bytes))
    }

    fn hand_over(&mut self) -> io::Result<()> {
        fault::point("spool.write")?;
        let empty = self.emptied.try_recv().unwrap_or_else(|_| Piece::new());
        let full = std::mem::replace(&mut self.piece, empty);
        let taken = self.pieces.as_ref().is_some_and(|pieces| pieces.send(full).is_ok());
        if taken { Ok(()) } else { self.close().and_then(|()| Err(ended())) }
    }

    /// The disk's last word; after it nothing more is taken.
    fn close(&mut self) -> io::Result<()> {
        self.pieces = None;
        let last_word = self.disk.take().map(JoinHandle::join);
        match last_word {
            Some(Ok(Err(error))) => Err(error),
            Some(Ok(Ok(()))) => Ok(()),
            Some(Err(_)) | None => Err(ended()),
        }
    }

    /// All bytes are with the system; the hash of them, and of those before.
    pub fn finish(mut self) -> io::Result<Option<[u8; 32]>> {
        if self.piece.len > 0 {
            self.hand_over()?;
        }
        self.close()?;
        let hasher = self.hash.take().and_then(|hash| hash.join().ok());
        Ok(hasher.map(|hasher| *hasher.finalize().as_bytes()))
    }
}

fn ended() -> io::Error {
    io::Error::other("the thread that writes it has ended")
}

/// Writes what comes and passes it on. The last piece is what it is, and goes the ordinary way; so do all where a file system takes none past its pages.
fn keep(
    plain: &File,
    mut direct: Option<File>,
    from: u64,
    full: &Receiver<Piece>,
    pass_on: &SyncSender<Piece>,
) -> io::Result<()> {
    let (mut at, mut writeback) = (from, Writeback::default());
    for piece in full {
        let bytes = piece.bytes();
        let is_even = bytes.len().is_multiple_of(ALIGNMENT);
        let straight = direct.as_ref().filter(|_| is_even).map(|file| file.write_all_at(bytes, at));
        match straight {
            Some(Ok(())) => {}
            Some(Err(error)) if error.kind() != io::ErrorKind::InvalidInput => return Err(error),
            refused => {
                if refused.is_some() {
                    direct = None;
                }
                plain.write_all_at(bytes, at)?;
                writeback.goes_on(plain, at + bytes.len() as u64);
            }
        }
        at += bytes.len() as u64;
        // Without its hash it is whole all the same.
        let _ = pass_on.send(piece);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_takes_no_more_is_told_to_who_writes() {
        let full = Path::new("/dev/full");
        let plain = || File::options().write(true).open(full).unwrap();
        let mut straight = Straight::begin(plain(), full, 0, blake3::Hasher::new()).unwrap();
        let piece = vec![7; PIECE_BYTES];
        let told = (0..20).find_map(|_| straight.write(&piece).err()).expect("it is told within the pieces that wait");
        assert_eq!(told.kind(), io::ErrorKind::StorageFull);
        assert!(straight.write(&piece).is_err(), "and nothing is taken after it");
        // A file so small that it is told at its end only.
        let mut straight = Straight::begin(plain(), full, 0, blake3::Hasher::new()).unwrap();
        assert_eq!(straight.write(b"few").unwrap(), 3);
        assert_eq!(straight.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
