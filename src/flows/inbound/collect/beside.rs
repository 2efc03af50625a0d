//! The hash of what is fetched. Of a large file it is taken on a thread of its own: at the speed of a local network the line,
//! the hash and the disk would else take turns.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

/// A thread is worth its while from here on.
const ALONE_BYTES: u64 = 16 * 1024 * 1024;
/// Large enough that waking it costs nothing beside the work, and few, since they stand in memory.
const PIECE_BYTES: usize = 1024 * 1024;
const PIECES: usize = 2;

pub struct Digest {
    by: By,
    bytes: u64,
}

enum By {
    Us(Box<blake3::Hasher>),
    Another(Another),
    /// The thread has ended before its time; its panic stands in the log.
    Nobody,
}

struct Another {
    /// Not full yet.
    piece: Vec<u8>,
    pieces: SyncSender<Vec<u8>>,
    emptied: Receiver<Vec<u8>>,
    thread: JoinHandle<blake3::Hasher>,
}

impl Another {
    /// False: it is not there any more.
    fn update(&mut self, bytes: &[u8]) -> bool {
        if self.piece.len() + bytes.len() > PIECE_BYTES && !self.pass_on() {
            return false;
        }
        self.piece.extend_from_slice(bytes);
        true
    }

    fn pass_on(&mut self) -> bool {
        let mut empty = self.emptied.try_recv().unwrap_or_else(|_| Vec::with_capacity(PIECE_BYTES));
        empty.clear();
        self.pieces.send(std::mem::replace(&mut self.piece, empty)).is_ok()
    }

    fn finish(mut self) -> Option<blake3::Hasher> {
        self.pass_on();
        drop(self.pieces);
        self.thread.join().ok()
    }
}

impl Digest {
    pub fn new() -> Digest {
        Digest { by: By::Us(Box::default()), bytes: 0 }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        match &mut self.by {
            By::Us(hasher) => {
                hasher.update(bytes);
                if self.bytes >= ALONE_BYTES {
                    self.hand_over();
                }
            }
            By::Another(another) => {
                if !another.update(bytes) {
                    self.by = By::Nobody;
                }
            }
            By::Nobody => {}
        }
    }

    /// Where no thread is to be had, it goes on here.
    fn hand_over(&mut self) {
        let By::Us(hasher) = &self.by else { return };
        let mut its = (**hasher).clone();
        let (pieces, full) = sync_channel::<Vec<u8>>(PIECES);
        let (back, emptied) = sync_channel(PIECES);
        let hash = move || {
            for piece in full {
                its.update(&piece);
                // Nobody waits for it: where there are enough of them, it goes.
                let _ = back.try_send(piece);
            }
            its
        };
        if let Ok(thread) = Builder::new().name("hash".into()).spawn(hash) {
            self.by = By::Another(Another { piece: Vec::with_capacity(PIECE_BYTES), pieces, emptied, thread });
        }
    }

    /// Nothing where it has to be taken when the file is read.
    pub fn finish(self) -> Option<[u8; 32]> {
        let hasher = match self.by {
            By::Us(hasher) => *hasher,
            By::Another(another) => another.finish()?,
            By::Nobody => return None,
        };
        Some(*hasher.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_hash_whoever_takes_it() {
        for (count, is_another) in [(0, false), (100, false), (ALONE_BYTES, true), (ALONE_BYTES + 5_000_001, true)] {
            let content: Vec<u8> = (0..count).map(|n| (n % 251) as u8).collect();
            let mut digest = Digest::new();
            content.chunks(300_000).for_each(|piece| digest.update(piece));
            assert_eq!(matches!(digest.by, By::Another(_)), is_another);
            assert_eq!(digest.finish(), Some(*blake3::hash(&content).as_bytes()), "{count}");
        }
    }
}
