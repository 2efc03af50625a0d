//! How the questions of an intake are answered: in which layout and where, what they may be answered with, and who may ask.
//! Data only. An answer says what the partner's own feeds say, so that a question and a nightly file cannot differ.

use std::sync::Arc;

use super::feed::Feed;
use super::rules::rights::Rights;

#[derive(Debug, Clone)]
pub struct Answering {
    /// Layout, names, folder and remote of the answers; it never goes out by itself.
    pub feed: Arc<Feed>,
    /// The feeds whose rows, limits and words are told: one of a kind, of documents any number.
    pub tells: Vec<Arc<Feed>>,
    pub rights: Rights,
}

impl Answering {
    /// The feed whose rows of this kind are told.
    pub fn feed_of<'a>(&'a self, kind: &'a str) -> Option<&'a Feed> {
        self.feeds_of(kind).next()
    }

    /// All of them, where there may be several.
    pub fn feeds_of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Feed> {
        self.tells.iter().filter(move |feed| feed.layout.kind.name == kind).map(|feed| &**feed)
    }
}
