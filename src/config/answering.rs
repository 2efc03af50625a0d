//! Questions and their answers: which feed answers an intake, whose rows it tells, and who may ask. Read once all intakes and feeds
//! of the partner are, since they name each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::forms;
use super::keyed::{Keyed, Wrong};
use super::keys::{self, Table};
use crate::model::answering::Answering;
use crate::model::document::{Section, suggest};
use crate::model::feed::Feed;
use crate::model::intake::Intake;
use crate::model::kind::Class;
use crate::model::layout::Layout;
use crate::model::layout::plan::{Ours, Record, Role};
use crate::model::rules::rights::{FEATURES, Rights};

/// The kind of answers.
pub(super) const ANSWER: &str = "answer";
/// Kinds whose rows answers tell.
const TOLD: [&str; 5] = ["stock", "price", "discount", "order_status", DOCUMENT];
/// Of it an answer tells what several feeds say: what is for all and what is for one customer alone go out by feeds of their own.
const DOCUMENT: &str = "document";
/// What is said of a feed that answers.
const OF_ANSWERS: [&str; 11] =
    ["layout", "file_name", "zip", "gzip", "to", "upload_as", "folder", "zone", "done_file", "tells", "notices"];

/// A feed that answers goes out when it is asked, and says what other feeds say.
pub(super) fn check_use(keyed: &Keyed<'_, '_>) {
    let known = keys::all().filter(|key| key.table == Table::Feed).map(|key| key.name);
    for key in known.filter(|key| keyed.has(key) && !OF_ANSWERS.contains(key)) {
        let text = "decides nothing here: a feed of answers goes out when it is asked, and says what the feeds in `tells` say. Take it out.";
        keyed.section.problem(key, text);
    }
}

/// `answers`: the feeds that answer, each with its section.
pub(super) fn resolve(
    keyed: &Keyed<'_, '_>,
    (sections, intakes): (&[Section<'_>], &mut [Arc<Intake>]),
    feeds: &[Arc<Feed>],
    answers: &[(Section<'_>, Arc<Feed>)],
) {
    let rights = read_rights(keyed);
    for (section, feed) in answers.iter().filter(|(_, feed)| !tells_codes(&feed.layout)) {
        let text = format!(
            "the layout \"{}\" has no place for code, of the answer or of a line of it: who is answered with nothing would not hear why.",
            feed.layout.id
        );
        section.problem("layout", text);
    }
    let told: Vec<Vec<Arc<Feed>>> = answers.iter().map(|(section, _)| read_tells(section, feeds)).collect();
    let mut is_named = vec![false; answers.len()];
    for (section, intake) in sections.iter().zip(intakes.iter_mut()) {
        let asks = intake.layouts.iter().any(|layout| layout.kind.class == Class::Question);
        let inner = Keyed::new(section, Table::Intake);
        let Some(spot) = section.text_spot("answer") else {
            if asks {
                section.problem(
                    "answer",
                    "is missing: what comes here is to be answered. Name the feed with a layout of the kind answer.",
                );
            }
            continue;
        };
        let Some(at) = answers.iter().position(|(_, feed)| feed.plain_id() == spot.value) else {
            let known: Vec<&str> = answers.iter().map(|(_, feed)| feed.plain_id()).collect();
            let expected = if known.is_empty() {
                "none is there yet".to_string()
            } else {
                format!("expected one of: {}", known.join(", "))
            };
            let text = format!("\"{}\" is no feed with a layout of the kind answer; {expected}.", spot.value);
            inner.wrong(&spot, "answer", Wrong { text, suggestion: suggest(&spot.value, &known) });
            continue;
        };
        is_named[at] = true;
        let tells_documents = told[at].iter().any(|feed| feed.layout.kind.name == DOCUMENT);
        if tells_documents && may_ask(&rights, DOCUMENT) && !answers[at].1.layout.has_place_for("documents.file_name") {
            let text = format!(
                "the layout \"{}\" has no place for documents.file_name: who asks for documents would be answered with none. Give it one, or take document out of the features.",
                answers[at].1.layout.id
            );
            answers[at].0.problem("layout", text);
        }
        if rights.features.is_empty() {
            section.problem("answer", "answers nothing: the partner has no features; say at the top of his file which he has, like features = [\"stock\"].");
        }
        let answering = Answering { feed: answers[at].1.clone(), tells: told[at].clone(), rights: rights.clone() };
        Arc::make_mut(intake).answering = Some(Arc::new(answering));
    }
    for ((section, feed), _) in answers.iter().zip(is_named).filter(|(_, is_named)| !is_named) {
        let text = format!(
            "no intake is answered by it; say answer = \"{}\" in the intake that takes questions.",
            feed.plain_id()
        );
        section.problem("layout", text);
    }
}

/// A record of the message, or of its lines, says why there is nothing else.
fn tells_codes(layout: &Layout) -> bool {
    let kind = &layout.kind;
    let places: Vec<_> = ["code", "lines.code"].iter().filter_map(|path| kind.path(path)).collect();
    let opened =
        |record: &Record| matches!(record.role, Role::Opens(group) if group == 0 || kind.group("lines") == Some(group));
    let says = |record: &Record| {
        record
            .fields
            .iter()
            .any(|field| matches!(field.ours, Ours::Field { group, field, .. } if places.contains(&(group, field))))
    };
    layout.records.iter().any(|record| opened(record) && says(record))
}

/// The partner has this feature; no department and no contact has it without him.
fn may_ask(rights: &Rights, feature: &str) -> bool {
    rights.features.iter().any(|known| known == feature)
}

fn read_tells(section: &Section<'_>, feeds: &[Arc<Feed>]) -> Vec<Arc<Feed>> {
    let keyed = Keyed::new(section, Table::Feed);
    let kind_of = |feed: &Feed| TOLD.into_iter().find(|kind| *kind == feed.layout.kind.name);
    let named = keyed.list("tells");
    let mut told: Vec<Arc<Feed>> = Vec::new();
    for spot in &named {
        let known: Vec<&str> =
            feeds.iter().filter(|feed| kind_of(feed).is_some()).map(|feed| feed.plain_id()).collect();
        match feeds.iter().find(|feed| feed.plain_id() == spot.value) {
            Some(feed) if kind_of(feed).is_some() => told.push(feed.clone()),
            _ => {
                let text = format!("\"{}\" is no feed of {} of this partner.", spot.value, TOLD.join(", "));
                keyed.wrong(spot, "tells", Wrong { text, suggestion: suggest(&spot.value, &known) });
            }
        }
    }
    if !keyed.has("tells") {
        told = feeds.iter().filter(|feed| kind_of(feed).is_some()).cloned().collect();
    }
    for kind in TOLD.into_iter().filter(|kind| *kind != DOCUMENT) {
        let several: Vec<&str> =
            told.iter().filter(|feed| feed.layout.kind.name == kind).map(|feed| feed.plain_id()).collect();
        if several.len() > 1 {
            let text = format!(
                "of the kind {kind} there are {}, and an answer tells one; say which in tells.",
                several.join(" and ")
            );
            section.problem("tells", text);
        }
    }
    told
}

fn read_rights(keyed: &Keyed<'_, '_>) -> Rights {
    let feature = |text: &str| forms::word(text, &FEATURES.map(|name| (name, name))).map(str::to_string);
    let mut departments = BTreeMap::new();
    for (name, section) in keyed.named("department") {
        let inner = Keyed::new(&section, Table::Department);
        departments.insert(name.value, inner.parsed_list("features", feature));
    }
    Rights { features: keyed.parsed_list("features", feature), departments }
}
