//! What goes out must not come back in: a feed, or the receipts of an intake, brought to a folder from which an intake of the
//! same partner takes files whose names could be theirs. Called once all intakes of the partner are read; other partners' are looked
//! at by `across`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
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
    let shapes = shapes_of(feed);
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
    check(section, "receipt_to", (to, &[shape_of_receipt()]), intakes, remotes);
}

/// The names of its files.
pub fn shapes_of(feed: &Feed) -> Vec<Vec<Piece>> {
    let full = feed.delta().and_then(|delta| delta.full_file_name.as_ref());
    let names = [Some(&feed.file_name), full].into_iter().flatten();
    names.map(|name| name.shape(&feed.partner, &feed.id)).collect()
}

/// `flows::outbound::receipt` makes it of the name of the file that is answered.
pub fn shape_of_receipt() -> Vec<Piece> {
    [Piece::Anything]
        .into_iter()
        .chain(text(".receipt."))
        .chain([Piece::Digit, Piece::Digits])
        .chain(text("."))
        .chain([Piece::Anything])
        .collect()
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

/// Are two folders one, whichever [remote.NAME] leads to them and however they are written?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places {
    One,
    /// Where the login folder is the server's own: only the server knows.
    Maybe,
    Two,
}

pub fn places(one: (&RemoteRule, &Folder), other: (&RemoteRule, &Folder)) -> Places {
    let ((a, one), (b, other)) = (one, other);
    match (&a.kind, &b.kind) {
        (Kind::Folder { path: a }, Kind::Folder { path: b }) => {
            let below = |folder: &Folder| PathBuf::from(OsStr::from_bytes(&steps(folder).join(&b'/')));
            if a.join(below(one)) == b.join(below(other)) { Places::One } else { Places::Two }
        }
        (Kind::Ftp(x), Kind::Ftp(y)) => {
            let is_one_login = x.host.eq_ignore_ascii_case(&y.host) && x.port == y.port && x.user == y.user;
            let from_root = |folder: &Folder| folder.as_bytes().starts_with(b"/");
            match (is_one_login && steps(one) == steps(other), from_root(one) == from_root(other)) {
                (true, true) => Places::One,
                (true, false) => Places::Maybe,
                (false, _) => Places::Two,
            }
        }
        _ => Places::Two,
    }
}

/// Without what says nothing: `in//x/./` is `in/x`.
fn steps(folder: &Folder) -> Vec<&[u8]> {
    folder.as_bytes().split(|b| *b == b'/').filter(|step| !step.is_empty() && *step != b".").collect()
}

fn is_one_place(one: (&str, &Folder), other: (&str, &Folder), remotes: &Remotes) -> bool {
    let (Some(a), Some(b)) = (remotes.find(one.0), remotes.find(other.0)) else { return false };
    places((a, one.1), (b, other.1)) == Places::One
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::remote::{FtpRule, Names, Passive, Tls, TlsMax};
    use crate::model::secret::SecretRef;

    fn rule(kind: Kind) -> RemoteRule {
        RemoteRule { name: "shop/r".into(), kind, connections: 1, timeout: Duration::from_secs(1), fingerprint: 0 }
    }

    fn ftp(host: &str, user: &str) -> RemoteRule {
        rule(Kind::Ftp(FtpRule {
            host: host.into(),
            port: 21,
            user: user.into(),
            password: SecretRef::Env("X".into()),
            tls: Tls::None,
            tls_max: TlsMax::Auto,
            ca: None,
            pin: None,
            client_cert: None,
            client_key: None,
            passive: Passive::Auto,
            names: Names::Utf8,
            flights: true,
        }))
    }

    #[test]
    fn a_folder_is_the_same_however_it_is_written() {
        let folder = |path: &str| rule(Kind::Folder { path: path.into() });
        for (one, a, other, b, expected) in [
            (ftp("h", "u"), "/in", ftp("H", "u"), "/in", Places::One),
            (ftp("h", "u"), "/in//x/.", ftp("h", "u"), "/in/x", Places::One),
            (ftp("h", "u"), "/in", ftp("h", "u"), "in", Places::Maybe),
            (ftp("h", "u"), "", ftp("h", "u"), "/", Places::Maybe),
            (ftp("h", "u"), "/in", ftp("h", "v"), "/in", Places::Two),
            (ftp("h", "u"), "/in", ftp("h", "u"), "/out", Places::Two),
            (folder("/srv/x"), "/in", folder("/srv/x"), "in", Places::One),
            (folder("/srv"), "x/in", folder("/srv/x"), "./in", Places::One),
            (folder("/srv"), "in", ftp("h", "u"), "in", Places::Two),
        ] {
            let parse = |text: &str| Folder::parse(text.as_bytes()).unwrap();
            assert_eq!(places((&one, &parse(a)), (&other, &parse(b))), expected, "{a} {b}");
        }
    }
}
