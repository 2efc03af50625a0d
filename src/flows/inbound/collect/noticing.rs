//! What a whole listing changes: names that are files get into the desk's order, what was missing is closed or asked for again,
//! claims and uploads of ours without a row are taken up, and how the folder stands is noted for people.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use chrono::TimeDelta;

use super::claiming::add_row;
use super::found::Found;
use super::look::{CONTRADICTED, RemoteDesk, Sighted, SightedFile, hash, is_seen};
use super::together::{Named, Newness, put_together};
use super::{Doubtful, Listing};
use crate::edges::clock::{iso, read_iso};
use crate::edges::events::{Event, Key, Value};
use crate::edges::store::ledger::{CollectNo, CollectRow, DeliveryRow, FileRow, FileState, NewCollect, SeenThere};
use crate::flows::inbound::round::Bench;
use crate::model::ids::Id;
use crate::model::remote::{After, Facts};
use crate::model::remote_name::{Ours, read_ours};
use crate::model::rules::collecting::{self, Action, Known, There};
use crate::model::rules::companions::Companions;
use crate::model::rules::order_of_files::compare_names;

const ANOTHERS: &str = "is a name of another Nattpost, or of this one before its spool was lost";
const OF_NO_RUN: &str =
    "is an upload of ours, and the database knows no run that goes there under this name; it can be removed there";
const NOT_REMOVED: &str =
    "is an upload of ours that nobody finishes any more; it is removed, where the server allows that";
/// A look that found nothing new is noted so often, for people.
const TELLS_LOOK_EVERY: TimeDelta = TimeDelta::minutes(10);
/// What is gone from a remote for so long is forgotten.
const GONE_DAYS: i64 = 90;
/// Why a file stays at a remote whose partner is live again.
const REHEARSED: &str = "was only rehearsed; once nattpost retry --rehearsed has applied it, it is taken from there";

impl Bench<'_> {
    /// A whole listing came.
    pub fn note_look(&mut self, desk: &mut RemoteDesk, listing: &Listing, mark: &str) -> Result<()> {
        let began = desk.began_look.take().unwrap_or(self.now.mono);
        let is_first = !std::mem::replace(&mut desk.has_looked, true);
        if desk.look_succeeded() {
            let remote = (Key::Remote, Value::Text(desk.from.remote.as_str().into()));
            let fields = [(Key::Intake, Value::Text(desk.source().into())), remote];
            self.events.tell(self.now.wall, "", Event::RemoteBack, &fields);
        }
        let (remote, folder) = (desk.from.remote.clone(), desk.from.folder.as_bytes().to_vec());
        let keeps = desk.from.after == After::Keep;
        let (open, seen) = self.known_there((&remote, &folder), keeps)?;
        let names: HashMap<&[u8], usize> = (0..listing.len()).map(|i| (listing.name(i), i)).collect();
        self.decide_missing(desk, &open, &names, began)?;
        let mut skip: HashSet<&[u8]> = open.iter().map(|row| &row.name[..]).collect();
        // A claimed file has left its name: what is under it now is another.
        for row in open.iter().filter(|row| row.claim.as_deref().is_some_and(|claim| names.contains_key(claim))) {
            skip.remove(&row.name[..]);
        }
        skip.extend(open.iter().filter_map(|row| row.done_name.as_deref()));
        let clock_was_set = keeps && was_clock_set(&seen, &names, listing);
        // Times prove nothing then.
        let is_it =
            |seen: &SeenThere, i: usize| if clock_was_set { None } else { is_seen(&seen.facts, listing.facts(i)) };
        let says = |seen: &SeenThere| names.get(&seen.name[..]).map(|i| is_it(seen, *i));
        let (mut doubted, mut taken) = (HashMap::<&[u8], &SeenThere>::new(), HashSet::<&[u8]>::new());
        for file in &seen {
            match says(file) {
                Some(Some(true)) => _ = taken.insert(&file.name),
                // Nothing of it is applied by itself.
                Some(None) if !keeps => _ = taken.insert(&file.name),
                Some(None) => _ = doubted.insert(&file.name, file),
                Some(Some(false)) | None => {}
            }
        }
        if desk.intake.companions.is_none() {
            skip.extend(&taken);
        }
        let mut found = desk.settle_listing(listing, &skip, self.now);
        found.waiting.retain(|(index, _)| !taken.contains(listing.name(*index)));
        // Claims of an older database's files among them.
        let others = self.take_up_names(desk, listing, &open, mark)?;
        let doubtful = self.sight(desk, (listing, &mut found), (&taken, &doubted))?;
        desk.doubtful = doubtful_of(doubtful, &doubted, clock_was_set);
        if !keeps {
            let stays = seen.iter().filter(|file| says(file).is_some_and(|is_it| is_it != Some(false)));
            found.waiting.extend(stays.filter_map(|file| names.get(&file.name[..])).map(|i| (*i, REHEARSED.into())));
        }
        self.tell_odd(desk, found.odd.iter().map(|(index, odd)| (listing.name(*index), odd.words().to_string())));
        let look = found.tell(desk, listing, &others, iso(self.now.wall));
        let gone = changes_of_seen(&seen, &names, &iso(self.now.wall));
        let told_at = read_iso(&desk.told_look.looked_at);
        let is_old = is_first || told_at.is_none_or(|at| self.now.wall - at >= TELLS_LOOK_EVERY);
        let is_news = is_old
            || (look.listed, look.waiting, look.odd, &look.sample)
                != (desk.told_look.listed, desk.told_look.waiting, desk.told_look.odd, &desk.told_look.sample);
        if is_news || !gone.is_empty() {
            let tx = self.store.begin_unsynced()?;
            tx.set_remote_look(&look)?;
            for (name, since) in &gone {
                tx.note_gone(&remote, &folder, name, since.as_deref())?;
            }
            tx.prune_seen_there(&iso(self.now.wall - TimeDelta::days(GONE_DAYS)))?;
            tx.commit()?;
            desk.told_look = look;
        }
        Ok(())
    }

    /// What is taken next, beside the claims that were found; what has to be compared comes back.
    fn sight(
        &mut self,
        desk: &mut RemoteDesk,
        (listing, found): (&Listing, &mut Found),
        (taken, doubted): (&HashSet<&[u8]>, &HashMap<&[u8], &SeenThere>),
    ) -> Result<Vec<Sighted>> {
        let claims = std::mem::take(&mut desk.sighted);
        if let Some(companions) = desk.intake.companions.clone() {
            return self.sight_together(desk, &companions, (listing, found), (taken, doubted), claims);
        }
        let sighted = found.settled.iter().map(|(index, done)| {
            Sighted::alone(file_of(listing, *index), done.map(|done| listing.name(done).to_vec()))
        });
        // The first at the end.
        let (doubtful, sighted) = sighted.rev().partition(|one: &Sighted| doubted.contains_key(&one.files[0].name[..]));
        desk.sighted = sighted;
        desk.sighted.extend(claims);
        Ok(doubtful)
    }

    /// Those that are one arrival, together.
    fn sight_together(
        &mut self,
        desk: &mut RemoteDesk,
        companions: &Companions,
        (listing, found): (&Listing, &mut Found),
        (taken, doubted): (&HashSet<&[u8]>, &HashMap<&[u8], &SeenThere>),
        claims: Vec<Sighted>,
    ) -> Result<Vec<Sighted>> {
        let newness = |name: &[u8]| match name {
            _ if taken.contains(name) => Newness::Taken,
            _ if doubted.contains_key(name) => Newness::Doubted,
            _ => Newness::New,
        };
        let settled = found.settled.iter().map(|(index, _)| (*index, true));
        let waiting = found.waiting.iter().map(|(index, _)| (*index, false));
        let mut named: Vec<Named> = Vec::with_capacity(found.settled.len() + claims.len());
        for (index, is_settled) in settled.chain(waiting) {
            let newness = newness(listing.name(index));
            named.push(Named { file: file_of(listing, index), index, is_settled, newness });
        }
        // A server may name one file twice.
        named.sort_by(|a, b| a.file.name.cmp(&b.file.name));
        named.dedup_by(|later, first| later.file.name == first.file.name);
        for file in claims.into_iter().flat_map(|claim| claim.files) {
            let index = (0..listing.len()).find(|index| listing.name(*index) == file.name).unwrap_or_default();
            named.push(Named { file, index, is_settled: true, newness: Newness::New });
        }
        let (remote, folder) = (&desk.from.remote, desk.from.folder.as_bytes());
        let before = self.store.read()?.lone_there(remote, folder)?;
        let together = put_together(companions, &named, &before, self.now.wall);
        if together.lone != before {
            let tx = self.store.begin_unsynced()?;
            tx.set_lone_there(remote, folder, &together.lone)?;
            tx.commit()?;
        }
        if let Some(due) = together.due {
            desk.look_at = desk.look_at.min(self.now.mono + (due - self.now.wall).to_std().unwrap_or_default());
        }
        found.waiting.extend(together.waiting.into_iter().map(|(index, words)| (index, words.into())));
        desk.sighted = together.sighted;
        desk.sighted.sort_by(|a, b| compare_names(&b.files[0].raw_name, &a.files[0].raw_name));
        Ok(together.doubtful)
    }

    /// What is still owed to files of that folder, and what was taken and stays: all of it, or what was only rehearsed.
    fn known_there(&self, (remote, folder): (&str, &[u8]), keeps: bool) -> Result<(Vec<CollectRow>, Vec<SeenThere>)> {
        let snapshot = self.store.read()?;
        let seen = match keeps {
            true => snapshot.seen_there_of(remote, folder)?,
            false => snapshot.rehearsed_there_of(remote, folder)?,
        };
        Ok((snapshot.open_there(remote, folder)?, seen))
    }

    /// Those that were asked for by both names and are in no listing that began after: closed. The others are asked for again.
    fn decide_missing(
        &mut self,
        desk: &mut RemoteDesk,
        open: &[CollectRow],
        names: &HashMap<&[u8], usize>,
        began: std::time::Duration,
    ) -> Result<()> {
        let (asked_before, later): (Vec<_>, Vec<_>) = desk.missing.drain(..).partition(|(asked, _)| *asked <= began);
        desk.missing = later;
        for (_, file) in asked_before {
            let rows: Vec<&CollectRow> = open.iter().filter(|row| row.no.file == file).collect();
            let Some(row) = rows.first() else { continue };
            let has = |name: &[u8]| names.contains_key(name);
            let there = |row: &CollectRow| match (has(&row.name), row.claim.as_deref().is_some_and(has)) {
                (true, true) => There::Both,
                (true, false) => There::Name,
                (false, true) => There::Claim,
                (false, false) => There::SurelyNeither,
            };
            // Of several one is enough: what is left is no arrival any more.
            let there = rows.iter().map(|row| there(row)).find(|there| *there == There::SurelyNeither);
            match collecting::resume(Known::Claiming, false, there.unwrap_or(There::Name)) {
                Action::CloseVanished => self.close_vanished(row, &rows)?,
                _ if desk.is_contradicted(file, &row.raw_name, self.now) => self.tell_contradicted(desk, row),
                _ => {}
            }
        }
        Ok(())
    }

    fn tell_contradicted(&self, desk: &RemoteDesk, row: &CollectRow) {
        let fields = [
            (Key::Intake, Value::Text(desk.source().into())),
            (Key::Remote, Value::Text(row.remote.as_str().into())),
            (Key::Name, Value::Bytes(&row.raw_name)),
            (Key::Reason, Value::Text(CONTRADICTED.into())),
        ];
        self.events.tell(self.now.wall, row.id.as_str(), Event::RemoteFailed, &fields);
    }

    fn close_vanished(&mut self, row: &CollectRow, rows: &[&CollectRow]) -> Result<()> {
        let tx = self.store.begin()?;
        tx.vanish_file(row.no.file, &iso(self.now.wall), "gone from its remote before it was fetched")?;
        tx.forget_collected(&rows.iter().map(|row| row.no).collect::<Vec<_>>())?;
        tx.commit()?;
        let fields = [(Key::Remote, Value::Text(row.remote.as_str().into())), (Key::Name, Value::Bytes(&row.raw_name))];
        self.events.tell(self.now.wall, row.id.as_str(), Event::FileVanished, &fields);
        Ok(())
    }

    /// Names of ours that no open row speaks of: claims of an older database, of a file that was closed, of a removal that was lost;
    /// uploads of runs that are over. Those that are left where they stand, and why.
    fn take_up_names(
        &mut self,
        desk: &mut RemoteDesk,
        listing: &Listing,
        open: &[CollectRow],
        mark: &str,
    ) -> Result<Vec<(Vec<u8>, &'static str)>> {
        let mut left = Vec::new();
        let known: HashSet<&[u8]> =
            open.iter().flat_map(|row| row.claim.iter().chain(&row.done_claim)).map(|name| &name[..]).collect();
        for index in 0..listing.len() {
            let name = listing.name(index);
            let Some(ours) = read_ours(name).filter(|_| !known.contains(name)) else { continue };
            let words = match ours {
                _ if ours.mark() != mark.as_bytes() => Some(ANOTHERS),
                Ours::Claim { id, name: plain, .. } => {
                    let row = self.store.read()?.file_by_id(id)?;
                    self.take_up_claim(desk, (name, plain), listing.facts(index), (row, open))?
                }
                Ours::Upload { run, .. } => self.take_up_upload(desk, name, run)?,
                Ours::Aside { .. } => None,
            };
            if let Some(words) = words {
                self.tell_odd(desk, [(name, format!("it {words}"))]);
                left.push((name.to_vec(), words));
            }
        }
        Ok(left)
    }

    /// What a run has left there that is over is removed like that of one that was replaced.
    fn take_up_upload(&mut self, desk: &RemoteDesk, name: &[u8], run: Id) -> Result<Option<&'static str>> {
        let snapshot = self.store.read()?;
        let Some(run) = snapshot.run_by_id(run)? else { return Ok(Some(OF_NO_RUN)) };
        let is_it = |row: &DeliveryRow| {
            row.remote == desk.from.remote && row.folder == desk.from.folder.as_bytes() && row.temp == name
        };
        let row = snapshot.delivery(run.no)?.filter(is_it);
        drop(snapshot);
        match row {
            // It is being sent, or its removal is due.
            Some(row) if row.is_open || !row.settled => Ok(None),
            // Once: a server that refuses is not asked at every look.
            Some(_) if desk.told_odd.contains(&hash(name)) => Ok(Some(NOT_REMOVED)),
            Some(_) => {
                let tx = self.store.begin()?;
                tx.clear_upload(run.no)?;
                tx.commit()?;
                Ok(Some(NOT_REMOVED))
            }
            None => Ok(Some(OF_NO_RUN)),
        }
    }

    fn take_up_claim(
        &mut self,
        desk: &mut RemoteDesk,
        (name, plain): (&[u8], &[u8]),
        facts: &Facts,
        (row, open): (Option<FileRow>, &[CollectRow]),
    ) -> Result<Option<&'static str>> {
        let parts = row.as_ref().map(|row| self.store.read()?.parts_of(row.no)).transpose()?.unwrap_or_default();
        let nth = parts.iter().position(|part| part.raw_name == plain).map_or(0, |at| at as u8 + 1);
        let own_name = parts.iter().map(|part| &part.raw_name).find(|own| *own == plain);
        // Asked for under its own name, since this one was refused: where it is not, its row is closed before this.
        if row.as_ref().is_some_and(|row| open.iter().any(|one| one.no == CollectNo { file: row.no, nth })) {
            return Ok(None);
        }
        let known = match row.as_ref().map(|row| row.state) {
            None => Known::Nothing,
            Some(FileState::Judged) => Known::Settled,
            // Seen, and no row says where: as good as closed.
            Some(FileState::Vanished | FileState::Seen) => Known::Vanished,
        };
        match (collecting::resume(known, false, There::Claim), row) {
            (Action::NewArrival, _) => {
                let (name, raw_name) = (name.to_vec(), plain.to_vec());
                desk.sighted.push(Sighted::alone(SightedFile { name, raw_name, facts: facts.clone() }, None));
            }
            // One of several: it gets its own name again, and the look finds what is left of them.
            (Action::OpenAgain, Some(row)) if nth > 0 => {
                let tx = self.store.begin()?;
                tx.see_remote(&NewCollect {
                    no: CollectNo { file: row.no, nth },
                    remote: &desk.from.remote,
                    folder: desk.from.folder.as_bytes(),
                    name: plain,
                    claim: Some(name),
                    done_name: None,
                    done_claim: None,
                    facts,
                    then_do: "rename",
                    target: Some(plain),
                    is_taken: true,
                })?;
                tx.commit()?;
            }
            (Action::OpenAgain, Some(row)) => {
                let tx = self.store.begin()?;
                tx.open_again(row.no)?;
                let no = CollectNo { file: row.no, nth };
                add_row(&tx, desk, no, (&row.raw_name, Some(name)), None, facts, false)?;
                tx.commit()?;
                desk.push(row.no, facts.size.unwrap_or_default());
            }
            (Action::CarryOutAfter, Some(row)) if desk.from.after != After::Keep => {
                let tx = self.store.begin()?;
                let no = CollectNo { file: row.no, nth };
                let own_name = own_name.unwrap_or(&row.raw_name);
                add_row(&tx, desk, no, (own_name, Some(name)), None, facts, true)?;
                tx.commit()?;
            }
            _ => return Ok(Some("is judged, and nothing is to happen to it there")),
        }
        Ok(None)
    }

    /// Once for each name.
    fn tell_odd<'n>(&self, desk: &mut RemoteDesk, odd: impl IntoIterator<Item = (&'n [u8], String)>) {
        for (name, words) in odd {
            if desk.told_odd.insert(hash(name)) {
                let fields = [
                    (Key::Intake, Value::Text(desk.source().into())),
                    (Key::Remote, Value::Text(desk.from.remote.as_str().into())),
                    (Key::Name, Value::Bytes(name)),
                    (Key::Reason, Value::Text(words.into())),
                ];
                self.events.tell(self.now.wall, "", Event::RemoteNameOdd, &fields);
            }
        }
    }
}

fn file_of(listing: &Listing, index: usize) -> SightedFile {
    let name = listing.name(index).to_vec();
    SightedFile { raw_name: name.clone(), name, facts: listing.facts(index).clone() }
}

fn was_clock_set(seen: &[SeenThere], names: &HashMap<&[u8], usize>, listing: &Listing) -> bool {
    let pairs = seen.iter().filter_map(|file| Some((&file.facts, listing.facts(*names.get(&file.name[..])?))));
    collecting::clock_was_set(&pairs.collect::<Vec<_>>())
}

fn doubtful_of(sighted: Vec<Sighted>, doubted: &HashMap<&[u8], &SeenThere>, clock_was_set: bool) -> Vec<Doubtful> {
    let with = |one: Sighted| {
        let taken = one.files.iter().filter_map(|file| doubted.get(&file.name[..]));
        Doubtful { taken: taken.map(|seen| (*seen).clone()).collect(), sighted: one, clock_was_set }
    };
    sighted.into_iter().map(with).collect()
}

/// Files that stay there and that a whole listing lacks from now on, or has again.
fn changes_of_seen(seen: &[SeenThere], names: &HashMap<&[u8], usize>, now: &str) -> Vec<(Vec<u8>, Option<String>)> {
    let mut changes = Vec::new();
    for file in seen {
        match (names.contains_key(&file.name[..]), &file.gone_since) {
            (true, Some(_)) => changes.push((file.name.clone(), None)),
            (false, None) => changes.push((file.name.clone(), Some(now.to_string()))),
            _ => {}
        }
    }
    changes
}
