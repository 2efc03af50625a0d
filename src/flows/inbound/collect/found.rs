//! What a listing comes to: which of its names are settled files of the intake, in their order, and why the others are not
//! taken. A hundred thousand names are gone through in one pass; it knows neither the ledger nor the remote.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::Listing;
use super::look::{RemoteDesk, hash};
use crate::edges::clock::{Now, chance};
use crate::edges::spool::shown_name;
use crate::edges::store::ledger::RemoteLook;
use crate::flows::remotes::{NOTED_NAMES, NotTaken};
use crate::model::intake::Settle;
use crate::model::layout::Completeness;
use crate::model::remote::Facts;
use crate::model::remote_name::{Odd, is_passed_over, is_takeable, matches, read_ours};
use crate::model::rules::order_of_files::compare_names;
use crate::model::rules::patience::{CHANCES, next_look};
use crate::model::rules::settle::{Looks, Settled, pair_done_files, settle};

const HIDDEN: &str = "has a name that says that it is hidden or still being written";
const WITHOUT_ITS_FILE: &str = "is a done-file, and the file that it vouches for is not there";
const VOUCHES_FOR_SEVERAL: &str = "is a done-file that fits several files, so none of them is taken";

/// Indexes of the listing.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// With the done-file that vouches.
    pub settled: Vec<(usize, Option<usize>)>,
    pub waiting: Vec<(usize, Arc<str>)>,
    pub odd: Vec<(usize, Odd)>,
    /// The first that fit none of the intake's patterns.
    pub unmatched: Vec<usize>,
    pub passed_over: Vec<(usize, &'static str)>,
}

impl RemoteDesk {
    /// Which names of a whole listing are files of this intake, settled and in their order. `skip`: names that the ledger
    /// knows already.
    pub(super) fn settle_listing(&mut self, listing: &Listing, skip: &HashSet<&[u8]>, now: Now) -> Found {
        self.look_at = now.mono + next_look(self.from.every, chance(CHANCES));
        self.is_settling = false;
        let (mut found, candidates) = candidates_of(listing, skip);
        let matching = self.from.matching.clone();
        let fits = |index: usize| matching.iter().any(|pattern| matches(pattern.as_bytes(), listing.name(index)));
        let fitting = || candidates.iter().copied().filter(|index| fits(*index));
        self.looks.begin();
        match self.intake.settle.clone() {
            Settle::Rename => found.settled.extend(fitting().map(|index| (index, None))),
            Settle::DoneFile { suffix } => found.pair(listing, &candidates, &suffix, fits),
            Settle::Stable(pause) => {
                let has_to_rest: Arc<str> = format!("has to rest as it is for {}", span(pause)).into();
                for index in fitting() {
                    match self.rests(listing.name(index), listing.facts(index), now) {
                        None => found.settled.push((index, None)),
                        Some(at) => {
                            found.waiting.push((index, has_to_rest.clone()));
                            self.is_settling = true;
                            self.look_at = self.look_at.min(at);
                        }
                    }
                }
            }
        }
        self.looks.end();
        let told = found.told();
        let unmatched = candidates.iter().copied().filter(|index| !fits(*index) && !told.contains(index));
        found.unmatched = unmatched.take(NOTED_NAMES).collect();
        found.settled.sort_unstable_by(|a, b| compare_names(listing.name(a.0), listing.name(b.0)).then(a.0.cmp(&b.0)));
        // A server may name one file twice.
        found.settled.dedup_by(|later, first| listing.name(later.0) == listing.name(first.0));
        found
    }

    /// Until when it has to rest; the listing's words stand for what a folder's inode and time say.
    fn rests(&mut self, name: &[u8], facts: &Facts, now: Now) -> Option<Duration> {
        let stamp = hash(&facts.stamp.to_text()).cast_signed();
        let looks = self.looks.look(hash(name), facts.size.unwrap_or_default(), stamp, now.mono);
        let rested = |looks: &Looks| {
            let (kernel, layout) = (|| None, || Completeness::Complete);
            settle(&self.intake.settle, self.intake.truncated_after, looks, false, now.mono, kernel, layout)
        };
        match rested(&looks) {
            Settled::WaitUntil(at, _) => Some(at),
            _ => None,
        }
    }
}

/// Names that could be files; the others are in what was found.
fn candidates_of(listing: &Listing, skip: &HashSet<&[u8]>) -> (Found, Vec<usize>) {
    let (mut found, mut candidates) = (Found::default(), Vec::new());
    for index in 0..listing.len() {
        let name = listing.name(index);
        if let Err(odd) = is_takeable(name) {
            found.odd.push((index, odd));
        } else if is_passed_over(name) {
            if read_ours(name).is_none() {
                found.passed_over.push((index, HIDDEN));
            }
        } else if !skip.contains(name) {
            candidates.push(index);
        }
    }
    (found, candidates)
}

impl Found {
    /// Files and the done-files that vouch for them; who is without the other waits.
    fn pair(&mut self, listing: &Listing, candidates: &[usize], suffix: &str, fits: impl Fn(usize) -> bool) {
        let names: Vec<&[u8]> = candidates.iter().map(|index| listing.name(*index)).collect();
        let pairs = pair_done_files(&names, suffix);
        let paired = pairs.pairs.iter().map(|(done, data)| (candidates[*data], Some(candidates[*done])));
        self.settled.extend(paired.filter(|(data, _)| fits(*data)));
        let waits: Arc<str> = format!("waits for its done-file, which ends with {suffix}").into();
        let mut told = self.told();
        told.extend(pairs.lone.iter().chain(&pairs.ambiguous).map(|at| candidates[*at]));
        let waiting = candidates.iter().filter(|index| !told.contains(index) && fits(**index));
        self.waiting.extend(waiting.map(|index| (*index, waits.clone())));
        for (done_files, words) in [(&pairs.lone, WITHOUT_ITS_FILE), (&pairs.ambiguous, VOUCHES_FOR_SEVERAL)] {
            let words: Arc<str> = words.into();
            self.waiting.extend(done_files.iter().map(|at| (candidates[*at], words.clone())));
        }
    }

    /// What is taken or waits, done-files as well.
    fn told(&self) -> HashSet<usize> {
        let settled = self.settled.iter().flat_map(|(data, done)| [*data].into_iter().chain(*done));
        settled.chain(self.waiting.iter().map(|(index, _)| *index)).collect()
    }

    /// For `status` and `explain`: so many were listed, so many wait, so many cannot be taken, and the first names that are not
    /// taken with their reasons. `others`: names of ours that nobody takes up.
    pub fn tell(
        &self,
        desk: &mut RemoteDesk,
        listing: &Listing,
        others: &[(Vec<u8>, &'static str)],
        looked_at: String,
    ) -> RemoteLook {
        let shown = |i: &usize| shown_name(listing.name(*i));
        let patterns = format!("fits none of the patterns of {}: {}", desk.source(), desk.from.matching.join(", "));
        let odd = self.odd.iter().map(|(i, odd)| NotTaken::new(shown(i), format!("cannot be taken: {}", odd.words())));
        let waiting = self.waiting.iter().map(|(i, words)| NotTaken::new(shown(i), words.to_string()));
        let others = others.iter().map(|(name, words)| NotTaken::new(shown_name(name), (*words).to_string()));
        let passed_over = self.passed_over.iter().map(|(i, words)| NotTaken::of_nobody(shown(i), (*words).to_string()));
        let unmatched = self.unmatched.iter().map(|i| NotTaken::of_nobody(shown(i), patterns.clone()));
        let lines = odd.chain(waiting).chain(others).chain(passed_over).chain(unmatched).take(NOTED_NAMES).collect();
        desk.not_taken = lines;
        RemoteLook {
            partner: desk.intake.sender.partner.clone(),
            intake: desk.intake.id.clone(),
            looked_at,
            listed: listing.len() as u64,
            waiting: self.waiting.len() as u64,
            odd: self.odd.len() as u64 + u64::from(listing.not_understood),
            sample: desk.look_now().sample,
        }
    }
}

/// Of a rule: whole minutes where they are.
pub(super) fn span(pause: Duration) -> String {
    match pause.as_secs() {
        seconds if seconds >= 60 && seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}
