//! What the ledger says of files at remotes: K1 before anything there is renamed, what a carrier's report changes, what claims of
//! ours without a row mean, and which fetched files are judged next. K2 is the round's own commit.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};
use chrono::TimeDelta;

use super::look::{RemoteDesk, Sighted, hash, is_seen};
use super::{Doubtful, Fetched, Listing, Owed};
use crate::edges::clock::{iso, new_id, read_iso};
use crate::edges::events::{Event, Key, Value};
use crate::edges::spool::{Place, Role, shown_name, state_name};
use crate::edges::store::ledger::{Arrival, CollectRow, DeliveryRow, FileRow, FileState, NewCollect, SeenThere};
use crate::edges::store::{FileNo, Tx};
use crate::flows::inbound::claiming::{Claimed, come_back};
use crate::flows::inbound::collect::after::Then;
use crate::flows::inbound::desk::{ROUND_BYTES, ROUND_FILES};
use crate::flows::inbound::round::Bench;
use crate::model::ids::Id;
use crate::model::remote::{After, Claiming, Facts, Folder};
use crate::model::remote_name::{Ours, claim_name, read_ours};
use crate::model::rules::collecting::{self, Action, Known, There};

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
        let says = |seen: &SeenThere| names.get(&seen.name[..]).map(|i| is_seen(&seen.facts, listing.facts(*i)));
        let mut doubted: HashMap<&[u8], &SeenThere> = HashMap::new();
        for file in &seen {
            match says(file) {
                Some(Some(true)) => _ = skip.insert(&file.name),
                // Nothing of it is applied by itself.
                Some(None) if !keeps => _ = skip.insert(&file.name),
                Some(None) => _ = doubted.insert(&file.name, file),
                Some(Some(false)) | None => {}
            }
        }
        let mut found = desk.settle_listing(listing, &skip, self.now);
        if !keeps {
            let stays = seen.iter().filter(|file| says(file).is_some_and(|is_it| is_it != Some(false)));
            found
                .waiting
                .extend(stays.filter_map(|file| names.get(&file.name[..])).map(|i| (*i, REHEARSED.to_string())));
        }
        let sighted = found.settled.iter().map(|(index, done)| Sighted {
            name: listing.name(*index).to_vec(),
            raw_name: listing.name(*index).to_vec(),
            facts: listing.facts(*index).clone(),
            done_file: done.map(|done| listing.name(done).to_vec()),
        });
        // The first at the end.
        let (doubtful, sighted) = sighted.rev().partition(|one: &Sighted| doubted.contains_key(&one.name[..]));
        desk.sighted = sighted;
        desk.doubtful = doubtful_of(doubtful, &doubted);
        let others = self.take_up_names(desk, listing, &open, mark)?;
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
            let Some(row) = open.iter().find(|row| row.file == file) else { continue };
            let has = |name: &[u8]| names.contains_key(name);
            let there = match (has(&row.name), row.claim.as_deref().is_some_and(has)) {
                (true, true) => There::Both,
                (true, false) => There::Name,
                (false, true) => There::Claim,
                (false, false) => There::SurelyNeither,
            };
            match collecting::resume(Known::Claiming, false, there) {
                Action::CloseVanished => self.close_vanished(row)?,
                _ => desk.fetch_again(file),
            }
        }
        Ok(())
    }

    fn close_vanished(&mut self, row: &CollectRow) -> Result<()> {
        let tx = self.store.begin()?;
        tx.vanish_file(row.file, &iso(self.now.wall), "gone from its remote before it was fetched")?;
        tx.forget_collected(&[row.file])?;
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
                    self.take_up_claim(desk, (name, plain), listing.facts(index), row)?
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
        row: Option<FileRow>,
    ) -> Result<Option<&'static str>> {
        let known = match row.as_ref().map(|row| row.state) {
            None => Known::Nothing,
            Some(FileState::Judged) => Known::Settled,
            // Seen, and no row says where: as good as closed.
            Some(FileState::Vanished | FileState::Seen) => Known::Vanished,
        };
        match (collecting::resume(known, false, There::Claim), row) {
            (Action::NewArrival, _) => {
                let (name, raw_name) = (name.to_vec(), plain.to_vec());
                desk.sighted.push(Sighted { name, raw_name, facts: facts.clone(), done_file: None });
            }
            (Action::OpenAgain, Some(row)) => {
                let tx = self.store.begin()?;
                tx.open_again(row.no)?;
                add_row(&tx, desk, row.no, (&row.raw_name, Some(name)), None, facts, false)?;
                tx.commit()?;
                desk.push(row.no, facts);
            }
            (Action::CarryOutAfter, Some(row)) if desk.from.after != After::Keep => {
                let tx = self.store.begin()?;
                add_row(&tx, desk, row.no, (&row.raw_name, Some(name)), None, facts, true)?;
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

    /// K1: files that settled get their ids, and the names that they are about to get there are on the disk.
    pub fn see_remote(&mut self, desk: &mut RemoteDesk, mark: &str) -> Result<()> {
        let count = desk.sighted.len().min(ROUND_FILES);
        if count == 0 {
            return Ok(());
        }
        let batch: Vec<Sighted> = desk.sighted.iter().rev().take(count).cloned().collect();
        let now = self.now;
        let tx = self.store.begin()?;
        let mut seen = Vec::with_capacity(count);
        for sighted in &batch {
            let (file, id) = see_one(&tx, desk, sighted, mark, now)?;
            seen.push((file, id));
        }
        tx.commit()?;
        desk.sighted.truncate(desk.sighted.len() - count);
        for ((file, id), sighted) in seen.into_iter().zip(&batch) {
            desk.push(file, &sighted.facts);
            let size = sighted.facts.size.unwrap_or_default();
            let fields = [
                (Key::Intake, Value::Text(desk.source().into())),
                (Key::Remote, Value::Text(desk.from.remote.as_str().into())),
                (Key::Name, Value::Bytes(&sighted.raw_name)),
                (Key::Bytes, Value::Number(size.cast_signed())),
            ];
            self.events.tell(now.wall, id.as_str(), Event::FileSeen, &fields);
        }
        Ok(())
    }

    /// What a carrier says of files that it was to fetch. Faults of single files come back, for whoever tells them.
    pub fn note_collected(&mut self, desk: &mut RemoteDesk, files: &[(FileNo, Fetched)]) -> Result<()> {
        let changes = |fetched: &Fetched| {
            matches!(fetched, Fetched::ClaimRefused | Fetched::Whole { facts: Some(_), .. } | Fetched::Changed { .. })
        };
        if files.iter().any(|(_, fetched)| changes(fetched)) {
            let tx = self.store.begin()?;
            for (file, fetched) in files {
                match fetched {
                    Fetched::ClaimRefused => tx.unclaim(*file)?,
                    Fetched::Whole { facts: Some(facts), .. } | Fetched::Changed { facts } => {
                        tx.note_facts_there(*file, facts)?;
                    }
                    _ => {}
                }
            }
            tx.commit()?;
        }
        for (file, fetched) in files {
            desk.claims_refused |= matches!(fetched, Fetched::ClaimRefused);
            desk.note(*file, fetched, self.now);
            self.tell_fetched(desk, *file, fetched)?;
        }
        if desk.has_looked { self.note_names(desk) } else { Ok(()) }
    }

    /// Why names there are not taken, where that has changed since it was noted.
    pub fn note_names(&mut self, desk: &mut RemoteDesk) -> Result<()> {
        let mut look = desk.look_now();
        if look.sample == desk.told_look.sample {
            return Ok(());
        }
        look.looked_at = iso(self.now.wall);
        let tx = self.store.begin_unsynced()?;
        tx.set_remote_look(&look)?;
        tx.commit()?;
        desk.told_look = look;
        Ok(())
    }

    fn tell_fetched(&self, desk: &mut RemoteDesk, file: FileNo, fetched: &Fetched) -> Result<()> {
        let (event, words) = match fetched {
            Fetched::Incomplete(missing) => (Event::FileIncomplete, missing.clone()),
            Fetched::Refused(fault) => (Event::RemoteFailed, fault.to_string()),
            _ => return Ok(()),
        };
        let Some(row) = self.store.read()?.file(file)? else { return Ok(()) };
        desk.say_aside(file, &row.raw_name, fetched);
        let fields = [
            (Key::Intake, Value::Text(desk.source().into())),
            (Key::Remote, Value::Text(desk.from.remote.as_str().into())),
            (Key::Name, Value::Bytes(&row.raw_name)),
            (Key::Reason, Value::Text(words.into())),
        ];
        self.events.tell(self.now.wall, row.id.as_str(), event, &fields);
        Ok(())
    }

    /// Judges the next files of the order that stand in work/.
    pub fn take_fetched(&mut self, desk: &mut RemoteDesk) -> Result<()> {
        let (mut claimed, mut bytes) = (Vec::new(), 0);
        while claimed.len() < ROUND_FILES && bytes < ROUND_BYTES {
            let Some((file, hash)) = desk.next_fetched() else { break };
            let (row, collect) = {
                let snapshot = self.store.read()?;
                (snapshot.file(file)?, snapshot.collected(file)?)
            };
            let Some((row, collect)) = row.zip(collect.filter(|row| !row.is_taken)) else { continue };
            let place = Place::Work { partner: &row.partner, intake: &row.intake };
            let name = state_name(row.id, &row.raw_name, Role::Original);
            let Some(meta) = self.spool.look(place, &name)? else {
                desk.fetch_again(file);
                continue;
            };
            bytes += meta.size;
            let file = self.claimed_from(row, desk.intake.clone());
            claimed.push(Claimed { size: meta.size, dropped: collect.name, hash, ..file });
        }
        self.judge(claimed)
    }

    /// K3: nothing is owed for these any more.
    pub fn note_after(&mut self, done: &[FileNo], kept: &[FileNo]) -> Result<()> {
        let mut told = Vec::new();
        for file in kept {
            told.extend(self.store.read()?.collected(*file)?);
        }
        let tx = self.store.begin_unsynced()?;
        tx.forget_collected(done)?;
        tx.forget_collected(kept)?;
        tx.commit()?;
        for row in told {
            let fields = [
                (Key::Remote, Value::Text(row.remote.as_str().into())),
                (Key::Name, Value::Bytes(&row.raw_name)),
                (Key::Reason, Value::Text("another file has taken its place there since it was fetched".into())),
            ];
            self.events.tell(self.now.wall, row.id.as_str(), Event::FileKeptThere, &fields);
        }
        Ok(())
    }
}

/// What is still to happen there to a file whose verdict is committed.
pub fn owed(row: CollectRow) -> Option<Owed> {
    let folder = Folder::parse(&row.folder).ok()?;
    let target = row.target.unwrap_or_default();
    let then = match row.then_do.as_str() {
        "move" => Then::Move(Folder::parse(&target).ok()?),
        "rename" => Then::Rename(target),
        _ => Then::Delete,
    };
    let stands = if row.claim.is_some() { row.done_claim } else { row.done_name.clone() };
    let done = stands.zip(row.done_name);
    let (claim, name) = (row.claim, row.raw_name);
    // Fetched under its own name, that is the one it is known by there.
    let name = if claim.is_some() { name } else { row.name };
    Some(Owed { file: row.file, id: row.id, folder, name, claim, done, facts: row.facts, content: row.content, then })
}

fn see_one(
    tx: &Tx<'_>,
    desk: &RemoteDesk,
    sighted: &Sighted,
    mark: &str,
    now: crate::edges::clock::Now,
) -> Result<(FileNo, Id)> {
    let returned = come_back(tx, &sighted.raw_name)?;
    let raw_name = returned.as_ref().map_or(&sighted.raw_name, |row| &row.raw_name);
    let first_seen = returned.as_ref().map_or_else(|| iso(now.wall), |row| row.first_seen.clone());
    let id = new_id(now.wall).context("cannot name a file")?;
    let arrival = Arrival {
        id,
        partner: &desk.intake.sender.partner,
        intake: &desk.intake.id,
        raw_name,
        name: &shown_name(raw_name).to_string(),
        origin: &desk.from.origin(),
        first_seen: &first_seen,
        size: sighted.facts.size.unwrap_or_default(),
        inode: 0,
        mtime_ns: 0,
        returns_of: returned.as_ref().map(|row| row.id),
        alone: false,
    };
    let file = tx.see_file(&arrival)?;
    let claims = desk.from.claim == Claiming::Rename && !desk.claims_refused && desk.from.after != After::Keep;
    let claim = claims.then(|| claim_name(id, &sighted.raw_name, mark));
    let done = sighted.done_file.as_deref().map(|done| (done, claims.then(|| claim_name(id, done, mark))));
    add_row(tx, desk, file, (&sighted.name, claim.as_deref()), done, &sighted.facts, false)?;
    Ok((file, id))
}

fn add_row(
    tx: &Tx<'_>,
    desk: &RemoteDesk,
    file: FileNo,
    (name, claim): (&[u8], Option<&[u8]>),
    done: Option<(&[u8], Option<Vec<u8>>)>,
    facts: &Facts,
    is_taken: bool,
) -> Result<()> {
    let target = match &desk.from.after {
        After::Delete | After::Keep => None,
        After::Move(folder) => Some(folder.as_bytes().to_vec()),
        After::Rename(pattern) => {
            // A claim of ours that is fetched anew gets the name its sender gave it.
            let plain = match read_ours(name) {
                Some(Ours::Claim { name, .. }) => name,
                _ => name,
            };
            Some(fill(pattern.replace("{name}", "\0").as_bytes(), plain))
        }
    };
    let (done_name, done_claim) = done.unzip();
    tx.see_remote(&NewCollect {
        file,
        remote: &desk.from.remote,
        folder: desk.from.folder.as_bytes(),
        name,
        claim,
        done_name,
        done_claim: done_claim.flatten().as_deref(),
        facts,
        then_do: desk.from.after.word(),
        target: target.as_deref(),
        is_taken,
    })
}

/// The name is bytes, the pattern is text: a NUL, which no name has, stands for the name meanwhile.
fn fill(pattern: &[u8], name: &[u8]) -> Vec<u8> {
    let pieces: Vec<&[u8]> = pattern.split(|b| *b == 0).collect();
    pieces.join(name)
}

fn doubtful_of(sighted: Vec<Sighted>, doubted: &HashMap<&[u8], &SeenThere>) -> Vec<Doubtful> {
    let with = |one: Sighted| {
        let seen = doubted.get(&one.name[..])?;
        Some(Doubtful { facts: seen.facts.clone(), content: seen.content.clone(), sighted: one })
    };
    sighted.into_iter().filter_map(with).collect()
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
