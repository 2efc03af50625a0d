//! A partner's server or folder: one connection, one caller, blocking. Owns how it is spoken to; what is fetched, sent or
//! removed, and when that may be done, is said by the flows. Nobody waits here beyond the remote's time-out.

mod fault;
mod folder;
pub mod ftp;
mod mounts;
mod sentry;

use std::io::{Read, Write};
use std::sync::Arc;

pub use fault::{Advice, Broken, Fault, FaultKind, Phase, Reply};
pub use sentry::{Gate, Sentry, Watch};

use crate::model::remote::{Entry, Facts, Folder, Kind, RemoteRule};
use crate::model::secret::{Secret, SecretRef};

/// Which kind of list the server gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListingSort {
    /// Of a folder of this machine.
    Folder,
    Mlsd,
    List,
    /// Bare names, sizes and times asked for one by one.
    Nlst,
}

/// What a whole listing was like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    pub sort: ListingSort,
    /// Lines that could not be read as an entry.
    pub not_understood: u32,
}

/// Where a rename leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// None: the same folder.
    pub folder: Option<Folder>,
    pub name: Vec<u8>,
}

/// One rename of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renamed {
    Done,
    /// A second question said that nothing of that name is there.
    Missing,
    /// The name it should get is taken; both stay.
    Taken,
    Refused(Reply),
}

/// One removal of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    Done,
    Missing,
    Refused(Reply),
}

/// What may happen to a partner's file that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Removal,
    Renaming,
}

/// How a file took another's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// Nothing in between, or nothing stood there.
    AtOnce,
    /// The old one was put aside first and is still there under that name.
    OldAside,
}

/// What `check --connect` tells of a remote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Probe {
    /// How it greets, or what kind of file system it is.
    pub greeting: String,
    /// Version of TLS and whose certificate it is.
    pub tls: Option<String>,
    /// The server's own, as DER.
    pub certificate: Option<Vec<u8>>,
    pub features: Vec<String>,
    /// Where a login leads.
    pub folder: Vec<u8>,
}

/// One connection to a partner's server or folder. After any `Fault` that `is_broken()` it is dropped and opened anew.
pub trait Remote: Send {
    /// Whole, or an error: never half a listing. `take` gets plain names of files only, no folders or links.
    fn list(&mut self, folder: &Folder, take: &mut dyn FnMut(Entry<'_>)) -> Result<Listed, Fault>;

    /// What stands there now; `None`: nothing of that name. Exact stamps where the server has them.
    fn facts(&mut self, folder: &Folder, names: &[&[u8]]) -> Result<Vec<Option<Facts>>, Fault>;

    /// Each pair for itself; the order is that of the pairs. Never asked to overwrite: a target that is taken stays.
    fn rename(&mut self, folder: &Folder, pairs: &[(&[u8], &Target)]) -> Result<Vec<Renamed>, Fault>;

    /// Bytes from `from` on into `out`, told how many; only with the server's word that this was all. `expected` is what a
    /// listing said; a server's word with another number of bytes is no fault here: the caller compares and asks. An error of
    /// `out` is ours.
    fn fetch(
        &mut self,
        folder: &Folder,
        name: &[u8],
        from: u64,
        expected: Option<u64>,
        out: &mut dyn Write,
    ) -> Result<u64, Broken>;

    /// Sends whole; verified by size before it returns. `temp` may lead into a folder below (`tmp/x`). An error of `from` is ours.
    fn send(&mut self, folder: &Folder, temp: &[u8], size: u64, from: &mut dyn Read) -> Result<(), Broken>;

    /// Temp over final, without a gap where the server can; `aside`: the old one's name where it cannot.
    fn replace(&mut self, folder: &Folder, temp: &[u8], name: &[u8], aside: &[u8]) -> Result<Replaced, Fault>;

    fn remove(&mut self, folder: &Folder, names: &[&[u8]]) -> Result<Vec<Removed>, Fault>;

    /// Why nothing in this folder may be removed, or be renamed, by us; as far as can be told by asking for a name that nobody has.
    fn refuses(&mut self, folder: &Folder, what: Change, name: &[u8]) -> Result<Option<Reply>, Fault>;

    /// How a fault names it: `ftp.shop.example:21`, or the path of a folder.
    fn server(&self) -> &str;

    /// As far as can be told without asking: it has not hung up, and said nothing that nobody asked for.
    fn is_there(&mut self) -> bool;

    /// Features, clock and rights, for a person.
    fn probe(&mut self) -> Result<Probe, Fault>;

    /// In order; what goes wrong with it is of no interest to anybody.
    fn hang_up(self: Box<Self>);
}

/// Reads a secret where it is needed; the words of its error are for people.
pub type ReadSecret = dyn Fn(&SecretRef) -> Result<Secret, String> + Send + Sync;

/// A new connection, logged in and ready. `learned` is kept for each remote as long as the process runs.
pub fn open(
    rule: &RemoteRule,
    secret: &ReadSecret,
    sentry: &Arc<Sentry>,
    learned: &Arc<ftp::Learned>,
) -> Result<Box<dyn Remote>, Fault> {
    match &rule.kind {
        Kind::Folder { path } => Ok(Box::new(folder::FolderRemote::open(path)?)),
        Kind::Ftp(ftp) => Ok(Box::new(ftp::open(rule, ftp, secret, learned, sentry)?)),
    }
}
