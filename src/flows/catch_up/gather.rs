//! Finds what the database does not know: originals with their papers, files of ours. Which intake and which feed each
//! belongs to is decided by `model::rules::catch_up` and by the patterns of the feeds' names. It changes nothing.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use chrono::TimeDelta;

use super::accounts::by_hand;
use super::{Original, Plan, SentFile, Stand, Undecided};
use crate::edges::spool::{Place, State, shown_name};
use crate::flows::archiving;
use crate::flows::files::Sight;
use crate::flows::fingerprint;
use crate::flows::inbound::reading::HEAD_BYTES;
use crate::flows::inbound::round::travelling_name;
use crate::model::feed::Feed;
use crate::model::ids::{Id, split_prefixed};
use crate::model::intake::{Intake, Originals, Settle};
use crate::model::kind::Class;
use crate::model::rules::catch_up::{CameBy, Settled, came_by, is_paper, original, pattern_of};
use crate::model::rules::one_name::Turn;

/// Files of such names that are asked for.
const NAMESAKES_MAX: u32 = 100;

struct Named {
    stand: Stand,
    /// With the id.
    name: Vec<u8>,
}

/// All files of one id.
type Groups = BTreeMap<Id, Vec<Named>>;

pub(super) fn originals(sight: Sight<'_>, intakes: &[Arc<Intake>], after: Option<Id>, plan: &mut Plan) -> Result<()> {
    for (id, names) in unknown(sight, after)? {
        let plain: Vec<(Settled, &[u8])> =
            names.iter().map(|named| (folder_of(&named.stand), &named.name[14..])).collect();
        let Some(at) = original(&plain) else {
            let path = path_of(sight, &names[0].stand, &names[0].name)?;
            let why = "its original is not in the spool any more; have it sent again if it is still needed".to_string();
            plan.undecided.push(Undecided { path, why, feed: None, behind: None });
            continue;
        };
        match intake_of(sight, intakes, id, &names[at])? {
            Ok(intake) => plan.originals.push(with_papers(id, intake, names, at)),
            Err(Doubt { why, can_be_moved }) => {
                let Named { stand, name } = &names[at];
                let behind = can_be_moved.then(|| (stand.partner.clone(), id));
                plan.undecided.push(Undecided { path: path_of(sight, stand, name)?, why, feed: None, behind });
            }
        }
    }
    packed(sight, after, plan)
}

/// Originals in archives of their day come back by being unpacked there.
fn packed(sight: Sight<'_>, after: Option<Id>, plan: &mut Plan) -> Result<()> {
    let mut archives = Vec::new();
    sight.spool.walk(State::Done, &mut |found| {
        if let (None, Some(stand)) = (found.id, Stand::of(found.place)) {
            archives.push((stand, found.name.to_vec()));
        }
        ControlFlow::Continue(())
    })?;
    for (stand, name) in archives {
        let mut unknown = 0;
        for id in archiving::ids_in(sight.spool, stand.place()?, &name)? {
            unknown += u64::from(Some(id) > after && !sight.snapshot.knows(id)?);
        }
        if unknown > 0 {
            let path = path_of(sight, &stand, &name)?;
            let why = format!(
                "{unknown} of the originals in this archive are not known; unzip it in its folder, remove it and look again"
            );
            plan.undecided.push(Undecided { path, why, feed: None, behind: None });
        }
    }
    Ok(())
}

fn unknown(sight: Sight<'_>, after: Option<Id>) -> Result<Groups> {
    let (mut groups, mut failed) = (Groups::new(), None);
    // In in/ stand those that a person moved there, or that a crash left on their way.
    for state in [State::In, State::Done, State::HeldIn, State::Failed] {
        sight.spool.walk(state, &mut |found| {
            let (Some(id), Some(stand)) = (found.id, Stand::of(found.place)) else { return ControlFlow::Continue(()) };
            if Some(id) <= after {
                return ControlFlow::Continue(());
            }
            match sight.snapshot.knows(id) {
                Ok(true) => {}
                Ok(false) => groups.entry(id).or_default().push(Named { stand, name: found.name.to_vec() }),
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })?;
    }
    failed.map_or(Ok(groups), Err)
}

fn folder_of(stand: &Stand) -> Settled {
    match stand.state {
        State::HeldIn => Settled::HeldIn,
        State::Failed => Settled::Failed,
        _ => Settled::Done,
    }
}

fn path_of(sight: Sight<'_>, stand: &Stand, name: &[u8]) -> Result<PathBuf> {
    Ok(sight.spool.path(stand.place()?, name)?)
}

fn with_papers(id: Id, intake: Arc<Intake>, names: Vec<Named>, at: usize) -> Original {
    let done_name = match &intake.settle {
        Settle::DoneFile { suffix } => Some(travelling_name(&names[at].name, suffix)),
        _ => None,
    };
    let beside = |named: &&Named| named.stand == names[at].stand && Some(&named.name) == done_name.as_ref();
    let done_file = names.iter().find(beside).map(|named| named.name.clone());
    let is_paper_of =
        |named: &Named| named.stand.state == State::Failed && is_paper(&named.name) && named.name != names[at].name;
    let papers = names.iter().filter(|named| is_paper_of(named)).map(|named| named.name.clone()).collect();
    Original { id, stand: names[at].stand.clone(), name: names[at].name.clone(), done_file, papers, intake }
}

/// Why nobody can say by which intake a file came, and whether a person may know.
struct Doubt {
    why: String,
    can_be_moved: bool,
}

/// The intake it came by.
fn intake_of(sight: Sight<'_>, intakes: &[Arc<Intake>], id: Id, named: &Named) -> Result<Result<Arc<Intake>, Doubt>> {
    let Stand { state, partner, below } = &named.stand;
    let his: Vec<&Arc<Intake>> = intakes.iter().filter(|intake| intake.sender.partner == *partner).collect();
    let folder = his.iter().position(|intake| *state != State::Done && intake.id == *below);
    if *state != State::Done && folder.is_none() {
        let why = format!("it is of the intake {partner}/{below}, which is not configured");
        return Ok(Err(Doubt { why, can_be_moved: true }));
    }
    let mut head = Vec::new();
    sight.spool.read(named.stand.place()?, &named.name)?.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let name = shown_name(&named.name[14..]).to_string();
    let recognised =
        |at: &usize| his[*at].knows_by_name(&name) || his[*at].layouts.iter().any(|layout| layout.recognises(&head));
    let reads: Vec<usize> = (0..his.len()).filter(recognised).collect();
    let pattern = pattern_of(&name);
    let before = sight.snapshot.intakes_of_names(partner, &pattern, NAMESAKES_MAX)?;
    let by_name: Vec<usize> = (0..his.len()).filter(|at| before.contains(&his[*at].id)).collect();
    let move_it = "move it with its whole name to the folder of its intake in in/: it keeps its moment";
    Ok(match came_by(folder, &reads, &by_name) {
        CameBy::This(at) if is_overwritten(sight, his[at], id) => {
            let words = "its personal fields may be overwritten by now (originals of";
            Err(Doubt { why: format!("{words} {}); have it sent again", his[at].source()), can_be_moved: false })
        }
        CameBy::This(at) => Ok(his[at].clone()),
        CameBy::Nobody => Err(Doubt { why: format!("no intake of {partner} reads it; {move_it}"), can_be_moved: true }),
        CameBy::Several => {
            let names: Vec<String> = reads.iter().map(|at| his[*at].source()).collect();
            let words = format!("{} read such files, and nothing says which it came by", names.join(" and "));
            Err(Doubt { why: format!("{words}; {move_it}"), can_be_moved: true })
        }
    })
}

fn is_overwritten(sight: Sight<'_>, intake: &Intake, id: Id) -> bool {
    let Originals::Redact { after_days, .. } = intake.originals else { return false };
    let age = TimeDelta::milliseconds(sight.now.timestamp_millis().saturating_sub(id.made_ms()));
    age.num_days() >= i64::from(after_days) && intake.layouts.iter().any(|layout| layout.has_personal())
}

/// Files of ours in sent/, held/out/ and out/ that no run has.
pub(super) fn runs(sight: Sight<'_>, feeds: &[Arc<Feed>], after: Option<Id>, plan: &mut Plan) -> Result<()> {
    let mut found = Vec::new();
    for state in [State::Sent, State::HeldOut, State::Out] {
        sight.spool.walk(state, &mut |file| {
            // Before the older database's last moment nothing is unknown.
            if let Some(stand) = Stand::of(file.place).filter(|_| file.id.is_none() || file.id > after) {
                found.push((stand, file.name.to_vec(), file.id, file.meta));
            }
            ControlFlow::Continue(())
        })?;
    }
    for (stand, raw_name, prefix, meta) in found {
        let id = prefix.filter(|_| stand.state == State::Sent);
        let plain = split_prefixed(&raw_name).map_or(&raw_name[..], |(_, plain)| plain);
        let name = shown_name(plain).to_string();
        if id.is_some_and(|id| sight.snapshot.knows(id).unwrap_or(false)) {
            continue;
        }
        if is_known(sight, (&stand, &raw_name, id), &name)? {
            continue;
        }
        let his = feeds.iter().filter(|feed| feed.partner == stand.partner);
        let fitting: Vec<(&Arc<Feed>, u64)> =
            his.filter_map(|feed| Some((feed, number_of(feed, &stand, &name)?))).collect();
        let [(feed, number)] = fitting[..] else {
            plan.superfluous += u64::from(fitting.is_empty() && stand.state == State::HeldOut);
            let feeds: Vec<&Feed> = fitting.iter().map(|(feed, _)| &***feed).collect();
            of_several(sight, &feeds, (&stand, &raw_name), plan)?;
            continue;
        };
        let is_request = feed.layout.kind.class == Class::Request;
        if !is_request && stand.state != State::Sent {
            plan.superfluous += u64::from(stand.state == State::HeldOut);
            continue;
        }
        let made_ms = id.map_or(meta.mtime_ns / 1_000_000, |id| id.made_ms());
        let feed = feed.clone();
        plan.runs.push(SentFile { id, feed, number, name, stand, raw_name, size: meta.size, made_ms });
    }
    Ok(())
}

/// Several feeds give such names, and the folder does not say which of them gave this one. Each that may have sent orders with it waits.
fn of_several(sight: Sight<'_>, feeds: &[&Feed], (stand, name): (&Stand, &[u8]), plan: &mut Plan) -> Result<()> {
    let names: Vec<String> = feeds.iter().map(|feed| feed.name()).collect();
    for (feed, name_of_feed) in feeds.iter().zip(&names).filter(|(feed, _)| feed.layout.kind.class == Class::Request) {
        let why = format!(
            "it has a name that {} give alike, and nothing says which of them gave it; {}",
            names.join(" and "),
            by_hand(name_of_feed)
        );
        let path = path_of(sight, stand, name)?;
        plan.undecided.push(Undecided { path, why, feed: Some((feed.name(), 0)), behind: None });
    }
    Ok(())
}

/// A run of this partner and name stands in the ledger. Where names carry no number, the id or the content says which.
fn is_known(sight: Sight<'_>, (stand, raw_name, id): (&Stand, &[u8], Option<Id>), name: &str) -> Result<bool> {
    let runs = sight.snapshot.runs_named(name, NAMESAKES_MAX)?;
    let his: Vec<_> = runs.iter().filter(|run| run.partner == stand.partner && run.name == name).collect();
    if his.iter().any(|run| run.turn == Turn::Own) || his.is_empty() {
        return Ok(!his.is_empty());
    }
    if id.is_some() {
        return Ok(false);
    }
    let hash = fingerprint::of(sight.spool, stand.place()?, raw_name)?;
    Ok(his.iter().any(|run| run.hash[..] == hash[..]))
}

fn number_of(feed: &Feed, stand: &Stand, name: &str) -> Option<u64> {
    let folder = |place: Place<'_>| place.relative().ok();
    let expected = folder(Place::Out { partner: &feed.partner, folder: &feed.folder });
    let is_his = stand.state != State::Out || stand.place().ok().and_then(folder) == expected;
    let (pattern, partner, id) = (&feed.file_name, &feed.partner, feed.plain_id());
    let number = match pattern.is_numbered() {
        true => pattern.number_of(name, partner, id),
        // `give_numbers` finds it.
        false => pattern.gave(name, partner, id).then_some(0),
    };
    number.filter(|_| is_his)
}
