//! Letters on their way: a thread each, named `courier NAME`, at most one a channel, so that a mail server that hangs delays no
//! pager. The loop hands letters out and takes back what became of them; it is rung when there is something to take.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::edges::notice::{self, Post, Taken};
use crate::flows::problems::letters::{Posted, post};

/// What became of a letter, and which it was.
pub struct Back {
    pub posted: Posted,
    /// With a remark where it was taken only in part; or why not at all.
    pub outcome: Result<Taken, String>,
}

pub struct Courier {
    ring: SyncSender<()>,
    done: Sender<Back>,
    back: Receiver<Back>,
    /// By channel.
    in_hand: BTreeMap<String, JoinHandle<()>>,
    /// Made for the first letter: whom this machine trusts is read from its disk.
    post: Option<Arc<Post>>,
}

impl Courier {
    pub fn new(ring: SyncSender<()>) -> Courier {
        let (done, back) = channel();
        Courier { ring, done, back, in_hand: BTreeMap::new(), post: None }
    }

    /// Channels whose last letter is still on its way.
    pub fn in_hand(&self) -> BTreeSet<String> {
        self.in_hand.keys().cloned().collect()
    }

    pub fn send(&mut self, posted: Posted) -> Result<()> {
        let post = self.post.get_or_insert_with(|| Arc::new(post())).clone();
        let (done, ring) = (self.done.clone(), self.ring.clone());
        let name = posted.channel.name.clone();
        let carry = move || {
            let sent = notice::send(&posted.letter, &posted.channel.way, &post);
            // Nobody takes it back where the program has ended.
            let _ = done.send(Back { posted, outcome: sent.map_err(|error| error.to_string()) });
            let _ = ring.try_send(());
        };
        let thread = Builder::new().name(format!("courier {name}")).spawn(carry).context("cannot start a courier")?;
        self.in_hand.insert(name, thread);
        Ok(())
    }

    /// Those that are back.
    pub fn take(&mut self) -> Vec<Back> {
        let back: Vec<Back> = self.back.try_iter().collect();
        back.into_iter().map(|back| self.join(back)).collect()
    }

    /// The same, and waits for those on their way.
    pub fn wait(&mut self, patience: Duration) -> Vec<Back> {
        let until = Instant::now() + patience;
        let mut all = self.take();
        while !self.in_hand.is_empty() {
            match self.back.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(back) => all.push(self.join(back)),
                // Its letter stays waiting, and ends with the process.
                Err(_) => break,
            }
        }
        all
    }

    fn join(&mut self, back: Back) -> Back {
        if let Some(thread) = self.in_hand.remove(&back.posted.channel.name) {
            // It has said all it had to say; a panic after that has nothing to tell.
            let _ = thread.join();
        }
        back
    }
}
