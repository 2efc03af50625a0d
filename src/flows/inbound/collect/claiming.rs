//! What the ledger says of files at remotes: K1 before anything there is renamed, what a carrier's report changes, and which
//! fetched files are judged next. K2 is the round's own commit.

use anyhow::{Context, Result};

use super::look::{RemoteDesk, Sighted, SightedFile, ToNote};
use super::{Compared, Fetched, Owed};
use crate::edges::clock::{iso, new_id};
use crate::edges::events::{Event, Key, Value};
use crate::edges::spool::{Place, Role, shown_name, state_name};
use crate::edges::store::ledger::{Arrival, CollectNo, CollectRow, NewCollect};
use crate::edges::store::{FileNo, Tx};
use crate::flows::inbound::bundling::part_of;
use crate::flows::inbound::claiming::{Claimed, come_back};
use crate::flows::inbound::collect::after::Then;
use crate::flows::inbound::desk::{ROUND_BYTES, ROUND_FILES};
use crate::flows::inbound::round::Bench;
use crate::model::ids::Id;
use crate::model::remote::{After, Claiming, Facts, Folder};
use crate::model::remote_name::{Ours, claim_name, read_ours};
use crate::model::rules::companions::{archive_name, plain_name};

impl Bench<'_> {
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
            let size = sighted.bytes();
            desk.push(file, size);
            let fields = [
                (Key::Intake, Value::Text(desk.source().into())),
                (Key::Remote, Value::Text(desk.from.remote.as_str().into())),
                (Key::Name, Value::Bytes(&raw_name_of(sighted))),
                (Key::Bytes, Value::Number(size.cast_signed())),
            ];
            self.events.tell(now.wall, id.as_str(), Event::FileSeen, &fields);
        }
        Ok(())
    }

    /// What a carrier says of files that it was to fetch. Faults of single files come back, for whoever tells them.
    pub fn note_collected(&mut self, desk: &mut RemoteDesk, files: &[(FileNo, Fetched)]) -> Result<()> {
        let changes = |fetched: &Fetched| {
            use Fetched as F;
            let changed = matches!(fetched, F::Whole { facts, .. } if !facts.is_empty());
            changed || matches!(fetched, F::ClaimRefused(_) | F::Changed { .. } | F::Incomplete(_))
        };
        if files.iter().any(|(_, fetched)| changes(fetched)) {
            let tx = self.store.begin()?;
            for (file, fetched) in files {
                match fetched {
                    Fetched::ClaimRefused(refused) => refused.iter().try_for_each(|no| tx.unclaim(*no))?,
                    Fetched::Whole { facts, .. } => {
                        facts.iter().try_for_each(|(no, facts)| tx.note_facts_there(*no, facts))?;
                    }
                    Fetched::Changed { no, facts } => tx.note_facts_there(*no, facts)?,
                    Fetched::Incomplete(_) => tx.note_short(*file, &iso(self.now.wall))?,
                    _ => {}
                }
            }
            tx.commit()?;
        }
        for (file, fetched) in files {
            desk.claims_refused |= matches!(fetched, Fetched::ClaimRefused(_));
            desk.note(*file, fetched, self.now);
            // What broke off once is behind the others, and nothing to tell.
            if !matches!(fetched, Fetched::BrokeOff(_)) || !desk.is_in_order(*file) {
                self.tell_fetched(desk, *file, fetched)?;
            }
        }
        if desk.has_looked { self.note_names(desk) } else { Ok(()) }
    }

    /// Those that are others are taken; those that are what they were are known from now on as a clock that was set tells them.
    pub fn note_compared(&mut self, desk: &mut RemoteDesk, found: &Compared) -> Result<()> {
        let ToNote { again, lone } = desk.note_compared(&found.new, &found.same);
        if again.is_empty() && lone.is_empty() {
            return Ok(());
        }
        let tx = self.store.begin_unsynced()?;
        for file in again {
            tx.note_seen_again(&desk.from.remote, desk.from.folder.as_bytes(), &file.name, &file.facts)?;
        }
        // As one that came without the others: the next look waits for them.
        for file in lone {
            tx.forget_seen(&desk.from.remote, desk.from.folder.as_bytes(), &file.name)?;
        }
        tx.commit()
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
            Fetched::Refused(fault) | Fetched::BrokeOff(fault) => (Event::RemoteFailed, fault.to_string()),
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
            let Some((file, come)) = desk.next_fetched() else { break };
            let (row, collect, mut parts) = {
                let snapshot = self.store.read()?;
                (snapshot.file(file)?, snapshot.collected(file)?.into_iter().next(), snapshot.parts_of(file)?)
            };
            let Some((row, collect)) = row.zip(collect.filter(|row| !row.is_taken)) else { continue };
            for (part, (size, content)) in parts.iter_mut().zip(come.parts) {
                (part.size, part.content) = (size, Some(content));
            }
            let place = Place::Work { partner: &row.partner, intake: &row.intake };
            let name = state_name(row.id, &row.raw_name, Role::Original);
            let Some(meta) = self.spool.look(place, &name)? else {
                desk.fetch_again(file);
                continue;
            };
            bytes += meta.size;
            let file = self.claimed_from(row, desk.intake.clone());
            claimed.push(Claimed { size: meta.size, dropped: collect.name, hash: come.hash, parts, ..file });
        }
        self.judge(claimed)
    }

    /// K3: nothing is owed for these any more.
    pub fn note_after(&mut self, done: &[CollectNo], kept: &[CollectNo]) -> Result<()> {
        let mut told = Vec::new();
        for no in kept {
            told.extend(self.store.read()?.collected(no.file)?.into_iter().filter(|row| row.no == *no));
        }
        let tx = self.store.begin_unsynced()?;
        tx.forget_collected(done)?;
        tx.forget_collected(kept)?;
        tx.commit()?;
        for row in told {
            let fields = [
                (Key::Remote, Value::Text(row.remote.as_str().into())),
                (Key::Name, Value::Bytes(&row.own_name)),
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
        // No pattern gives a file the name it has.
        "rename" if row.claim.is_some() && target == row.name => Then::GiveBack(target),
        "rename" => Then::Rename(target),
        _ => Then::Delete,
    };
    let stands = if row.claim.is_some() { row.done_claim } else { row.done_name.clone() };
    let done = stands.zip(row.done_name);
    let (claim, name) = (row.claim, row.own_name);
    // Fetched under its own name, that is the one it is known by there.
    let name = if claim.is_some() { name } else { row.name };
    Some(Owed { no: row.no, id: row.id, folder, name, claim, done, facts: row.facts, content: row.content, then })
}

fn see_one(
    tx: &Tx<'_>,
    desk: &RemoteDesk,
    sighted: &Sighted,
    mark: &str,
    now: crate::edges::clock::Now,
) -> Result<(FileNo, Id)> {
    let is_one = sighted.files.len() == 1;
    let mut returned = None;
    for file in &sighted.files {
        // Of several one may have come back alone, refused since the others were missing.
        let row = come_back(tx, &file.raw_name)?.filter(|row| is_one || row.verdict.is_some());
        returned = returned.or(row);
    }
    let raw_name = match &returned {
        Some(row) if is_one => row.raw_name.clone(),
        _ => raw_name_of(sighted),
    };
    let first_seen = returned.as_ref().map_or_else(|| iso(now.wall), |row| row.first_seen.clone());
    let id = new_id(now.wall).context("cannot name a file")?;
    let arrival = Arrival {
        id,
        partner: &desk.intake.sender.partner,
        intake: &desk.intake.id,
        raw_name: &raw_name,
        name: &shown_name(&raw_name).to_string(),
        origin: &desk.from.origin(),
        first_seen: &first_seen,
        size: sighted.bytes(),
        inode: 0,
        mtime_ns: 0,
        returns_of: returned.as_ref().map(|row| row.id),
        alone: false,
    };
    let file = tx.see_file(&arrival)?;
    let claims = desk.from.claim == Claiming::Rename && !desk.claims_refused && desk.from.after != After::Keep;
    let mut done = sighted.done_file.as_deref().map(|done| (done, claims.then(|| claim_name(id, done, mark))));
    for (nth, one) in (u8::from(!is_one)..).zip(&sighted.files) {
        let claim = claims.then(|| claim_name(id, &one.raw_name, mark));
        let no = CollectNo { file, nth };
        add_row(tx, desk, no, (&one.name, claim.as_deref()), done.take(), &one.facts, false)?;
    }
    if !is_one {
        let part = |one: &SightedFile| part_of(&one.raw_name, one.facts.size.unwrap_or_default());
        tx.set_parts(file, &sighted.files.iter().map(part).collect::<Vec<_>>())?;
    }
    Ok((file, id))
}

/// As its sender called it; what arrives as several files is named by the first.
fn raw_name_of(sighted: &Sighted) -> Vec<u8> {
    match &sighted.files[..] {
        [only] => only.raw_name.clone(),
        files => archive_name(plain_name(&files[0].raw_name)),
    }
}

pub(super) fn add_row(
    tx: &Tx<'_>,
    desk: &RemoteDesk,
    no: CollectNo,
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
        no,
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
