//! What goes out must not come back in: a feed, or the receipts of an intake, brought to a folder from which an intake of the
//! same partner takes files whose names could be theirs. Called once all intakes of the partner are read.

use std::sync::Arc;

use super::remote::Remotes;
use crate::model::document::Section;
use crate::model::feed::Feed;
use crate::model::intake::Intake;
use crate::model::remote::{Folder, Kind, RemoteRule, SendTo};
use crate::model::remote_name;
use crate::model::rules::meeting::{Piece, meets, text};

/// Of `[feed.NAME]`.
pub fn check_feed(section: &Section<'_>, feed: &Feed, intakes: &[Arc<Intake>], remotes: &Remotes) {
    let Some(to) = &feed.to else { return };
    let full = feed.delta().and_then(|delta| delta.full_file_name.as_ref());
    let names = [Some(&feed.file_name), full].into_iter().flatten();
    let shapes: Vec<Vec<Piece>> = names.map(|name| name.shape(&feed.partner, &feed.id)).collect();
    check(section, "to", (to, &shapes), intakes, remotes);
    let Some(pattern) = &to.upload_as else { return };
    let (below, pattern) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    if remote_name::is_passed_over(pattern.as_bytes()) {
        return;
    }
    let uploads: Vec<Vec<Piece>> = shapes.iter().map(|shape| upload(pattern, shape)).collect();
    let folder = [to.folder.as_bytes(), if below.is_empty() { b"" } else { b"/" }, below.as_bytes()].concat();
    let Ok(folder) = Folder::parse(&folder) else { return };
    if let Some(intake) = taker(&SendTo { folder, ..to.clone() }, &uploads, intakes, remotes) {
        let words = format!(
            "a file would be taken while it is being sent: the intake \"{}\" takes files from that folder, and this name fits its match. Expected another folder, or a name that ends in .part.",
            intake.id
        );
        section.problem("upload_as", words);
    }
}

/// Of `[intake.NAME]`: whose receipts, and whose own files or another's.
pub fn check_receipts(section: &Section<'_>, intake: &Intake, intakes: &[Arc<Intake>], remotes: &Remotes) {
    let Some(to) = &intake.receipt_to else { return };
    // `flows::outbound::receipt` makes it of the name of the file that is answered.
    let shape: Vec<Piece> = [Piece::Anything]
        .into_iter()
        .chain(text(".receipt."))
        .chain([Piece::Digit, Piece::Digits])
        .chain(text("."))
        .chain([Piece::Anything])
        .collect();
    check(section, "receipt_to", (to, &[shape]), intakes, remotes);
}

fn check(
    section: &Section<'_>,
    key: &str,
    (to, shapes): (&SendTo, &[Vec<Piece>]),
    intakes: &[Arc<Intake>],
    remotes: &Remotes,
) {
    if let Some(intake) = taker(to, shapes, intakes, remotes) {
        let words = format!(
            "what goes out would come back in: the intake \"{}\" takes files from this folder, and names of ours fit its match. Expected another folder, or a match that leaves them out.",
            intake.id
        );
        section.problem(key, words);
    }
}

fn taker<'i>(to: &SendTo, shapes: &[Vec<Piece>], intakes: &'i [Arc<Intake>], remotes: &Remotes) -> Option<&'i Intake> {
    let takes = |intake: &&Arc<Intake>| {
        intake.from.as_ref().is_some_and(|from| {
            is_one_place((&to.remote, &to.folder), (&from.remote, &from.folder), remotes)
                && shapes.iter().any(|shape| from.matching.iter().any(|pattern| meets(shape, pattern.as_bytes())))
        })
    };
    intakes.iter().find(takes).map(|intake| &**intake)
}

/// One folder, whichever [remote.NAME] leads to it.
fn is_one_place(one: (&str, &Folder), other: (&str, &Folder), remotes: &Remotes) -> bool {
    if one.0 == other.0 {
        return one.1 == other.1;
    }
    let (Some(a), Some(b)) = (remotes.find(one.0), remotes.find(other.0)) else { return false };
    match (&a.kind, &b.kind) {
        (Kind::Folder { .. }, Kind::Folder { .. }) => path(a, one.1) == path(b, other.1),
        (Kind::Ftp(x), Kind::Ftp(y)) => {
            one.1 == other.1 && x.host.eq_ignore_ascii_case(&y.host) && x.port == y.port && x.user == y.user
        }
        _ => false,
    }
}

fn path(rule: &RemoteRule, folder: &Folder) -> Option<std::path::PathBuf> {
    let Kind::Folder { path } = &rule.kind else { return None };
    Some(path.join(folder.to_string().trim_start_matches('/')))
}

/// The name of a file while it is being sent.
fn upload(pattern: &str, name: &[Piece]) -> Vec<Piece> {
    let mut shape = Vec::new();
    for (nth, around) in pattern.split("{name}").enumerate() {
        if nth > 0 {
            shape.extend_from_slice(name);
        }
        for (nth, plain) in around.split("{run_id}").enumerate() {
            if nth > 0 {
                shape.push(Piece::Anything);
            }
            shape.extend(text(plain));
        }
    }
    shape
}
