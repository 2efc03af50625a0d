//! partners/<id>.toml: who the partner is, his words, and his intakes and feeds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::company::Company;
use super::keyed::{Keyed, Wrong};
use super::keys::Table;
use super::layouts::Layouts;
use super::remote::Remotes;
use super::{answering, closes, come_back, expect, feed, forms, intake, notices, remote};
use crate::model::document::{Document, DocumentProblem, Section, Spot, suggest};
use crate::model::feed::Feed;
use crate::model::intake::{Intake, Sender};
use crate::model::kind::Class;
use crate::model::layout::Layout;
use crate::model::layout::lookup::Words;
use crate::model::mode::Mode;
use crate::model::problem::Named;
use crate::model::remote::{After, Claiming, Folder, RemoteRule};
use crate::model::rules::arrivals::Expect;
use crate::model::rules::file_name::NamePattern;
use crate::model::rules::{identity, units};

/// What a partner's file may refer to.
pub struct Surroundings<'a> {
    pub company: &'a Company,
    pub layouts: &'a Layouts,
    /// Ids of all partners.
    pub partners: &'a [String],
}

#[derive(Debug)]
pub struct Partner {
    pub sender: Arc<Sender>,
    pub words: Vec<Words>,
    pub remotes: Vec<Arc<RemoteRule>>,
    pub intakes: Vec<Arc<Intake>>,
    pub feeds: Vec<Arc<Feed>>,
    /// Who names which channels: himself, and each intake and feed.
    pub named: Named,
    pub expects: Vec<Expect>,
}

pub fn read(
    id: &str,
    file: &str,
    text: &str,
    around: &Surroundings<'_>,
    problems: &mut Vec<DocumentProblem>,
) -> Partner {
    let document = Document::parse(file, text);
    let partner = read_root(id, &document.root(), around);
    problems.extend(document.into_problems());
    partner
}

fn read_root(id: &str, root: &Section<'_>, around: &Surroundings<'_>) -> Partner {
    let keyed = Keyed::new(root, Table::Partner);
    let sender = Arc::new(Sender {
        partner: id.to_string(),
        name: keyed.required_text("name"),
        customers: keyed.parsed_list("customers", number),
        units: read_units(&keyed, around),
        zone: keyed.zone("zone", around.company.zone),
        mode: keyed.value("mode", |text| forms::word(text, &Mode::ALL.map(|mode| (mode.as_str(), mode)))),
    });
    let tables = read_tables(&keyed);
    let words: Vec<Words> = tables.iter().map(|(_, words)| words.clone()).collect();
    let layouts = around.layouts.of_partner(&words);
    let around = &Surroundings { layouts: &layouts, ..*around };
    let remotes = read_remotes(id, &keyed, around);
    let channels = &around.company.channel_names;
    let mut named = Named::from([(id.to_string(), notices::named(&keyed, channels))]);
    let mut name = |below: &str, names: Vec<String>| named.entry(format!("{id}/{below}")).or_default().extend(names);
    let (mut intakes, mut expects): (Vec<Arc<Intake>>, Vec<Expect>) = Default::default();
    let mut sections = Vec::new();
    for (title, section) in keyed.named("intake") {
        let mut intake = intake::read(named_id(&section, &title), &section, &sender, &remotes, around);
        if let Some(from) = intake.from.as_mut().filter(|_| !sender.mode.answers()) {
            // His remotes are only read.
            (from.claim, from.after) = (Claiming::Look, After::Keep);
        }
        remote::check_apart(&section, &intake, &intakes);
        name(&intake.id, notices::named_in(&section, Table::Intake, channels));
        let is_request = intake.layouts.iter().any(|layout| layout.kind.class == Class::Request);
        expects.extend(expect::read((&intake.source(), is_request), &section, &sender, &around.company.calendars));
        intakes.push(Arc::new(intake));
        sections.push(section);
    }
    for (section, intake) in sections.iter().zip(&intakes) {
        come_back::check_receipts(section, intake, &intakes, &remotes);
        closes::check(section, intake, &intakes);
    }
    let mut feeds: Vec<Arc<Feed>> = Vec::new();
    let mut answers = Vec::new();
    for (title, section) in keyed.named("feed") {
        let id = sender.mode.feed_id(&named_id(&section, &title));
        name(&id, notices::named_in(&section, Table::Feed, channels));
        if let Some(feed) = feed::read(id, &section, (&sender, &intakes), &remotes, around) {
            check_apart(&section, &feed, &feeds);
            come_back::check_feed(&section, &feed, &intakes, &remotes);
            match feed.layout.kind.class {
                Class::Answer => answers.push((section, Arc::new(feed))),
                _ => feeds.push(Arc::new(feed)),
            }
        }
    }
    answering::resolve(&keyed, (&sections, &mut intakes), &feeds, &answers);
    let incoming = intakes.iter().flat_map(|intake| intake.layouts.iter().chain(&intake.receipt));
    let used: Vec<&Arc<Layout>> =
        incoming.chain(feeds.iter().chain(answers.iter().map(|(_, feed)| feed)).map(|feed| &feed.layout)).collect();
    check_tables(&keyed, &tables, &used, &layouts);
    Partner { sender, words, remotes: remotes.rules, intakes, feeds, named, expects }
}

fn read_remotes(partner: &str, keyed: &Keyed<'_, '_>, around: &Surroundings<'_>) -> Remotes {
    let mut remotes = Remotes::default();
    for (name, section) in keyed.named("remote") {
        let id = named_id(&section, &name);
        remotes.add(&id, remote::read(partner, &id, &section, around.company));
    }
    remotes
}

/// A number as partners write them: as it is stored.
pub fn number(text: &str) -> Result<String, Wrong> {
    if text.is_empty() || !identity::is_bare(text) {
        return Err(Wrong::new(format!(
            "\"{}\" is not a number of a customer; expected it as it stands in his files.",
            text.escape_debug()
        )));
    }
    Ok(text.to_string())
}

/// The NAME of `[intake.NAME]`, which becomes a folder.
fn named_id(section: &Section<'_>, name: &Spot<String>) -> String {
    super::forms::id(&name.value).unwrap_or_else(|wrong| {
        section.problem_at(name.span.clone(), "", wrong.text, wrong.suggestion);
        name.value.clone()
    })
}

fn read_units(keyed: &Keyed<'_, '_>, around: &Surroundings<'_>) -> BTreeMap<String, String> {
    let site = &around.company.units;
    // Codes of the site that our list lacks stand for themselves.
    let mut map: BTreeMap<String, String> = site.iter().map(|code| (code.clone(), code.clone())).collect();
    for (word, code) in keyed.pairs("units") {
        if !units::is_known(&code.value) && !site.contains(&code.value) {
            keyed.section.problem_at(
                code.span.clone(),
                &format!("units.{}", word.value),
                format!("\"{}\" is not a code of UN/ECE Recommendation 20 that Nattpost knows; expected one like C62, H87 or KGM. Codes it lacks are listed under units in nattpost.toml.", code.value),
                suggest_unit(&word.value, &code.value),
            );
        }
        map.insert(word.value, code.value);
    }
    map
}

fn suggest_unit(word: &str, code: &str) -> Option<String> {
    if units::is_known(word) {
        return Some(format!("The partner's word stands left and the code right: \"{code}\" = \"{word}\"."));
    }
    let upper = code.to_uppercase();
    if units::is_known(&upper) {
        return Some(format!("Did you mean \"{upper}\"?"));
    }
    let codes: Vec<&str> = units::KNOWN.iter().map(|(code, _)| *code).collect();
    suggest(code, &codes)
}

fn read_tables(keyed: &Keyed<'_, '_>) -> Vec<(Spot<String>, Words)> {
    let Some(outer) = keyed.table("tables") else { return Vec::new() };
    outer
        .keys()
        .into_iter()
        .filter_map(|name| {
            let rows = outer.pairs(&name.value)?;
            let rows = rows.into_iter().map(|(theirs, ours)| (theirs.value, ours.value)).collect();
            let words = Words { table: name.value.clone(), rows };
            Some((name, words))
        })
        .collect()
}

/// Words for a table that no layout of the partner's has were meant for another.
fn check_tables(keyed: &Keyed<'_, '_>, tables: &[(Spot<String>, Words)], used: &[&Arc<Layout>], all: &Layouts) {
    let known: BTreeSet<&str> = used.iter().flat_map(|layout| &layout.tables).map(String::as_str).collect();
    let known: Vec<&str> = known.into_iter().collect();
    // A layout that could not be read might have had it.
    for (name, words) in tables.iter().filter(|(name, _)| all.are_whole() && !known.contains(&name.value.as_str())) {
        let expected = match known.is_empty() {
            true => "none of them has a table".to_string(),
            false => format!("expected one of: {}", known.join(", ")),
        };
        keyed.section.problem_at(
            name.span.clone(),
            &format!("tables.{}", words.table),
            format!("no layout of this partner's looks words up in a table \"{}\"; {expected}. Correct the name, or put [lookup.{0}] into the layout that is to use it.", words.table),
            suggest(&words.table, &known),
        );
    }
}

/// Two feeds must not write the same name into the same folder: the second file would wait until the first is taken.
fn check_apart(section: &Section<'_>, feed: &Feed, others: &[Arc<Feed>]) {
    for (key, folder, pattern, scopes) in names_of(feed) {
        let meets = |other: &&Arc<Feed>| {
            names_of(other).into_iter().any(|(_, at, theirs, their_scopes)| {
                let mut pairs = scopes.iter().flat_map(|scope| their_scopes.iter().map(move |other| (scope, other)));
                let partner = &feed.partner;
                let is_one_place = at == folder || brought_to(feed).is_some() && brought_to(feed) == brought_to(other);
                is_one_place
                    && pairs
                        .any(|(ours, its)| pattern.meets([partner, &feed.id, ours], theirs, [partner, &other.id, its]))
            })
        };
        if let Some(other) = others.iter().find(meets) {
            let words = format!(
                "the feed \"{}\" writes the same names into the same folder; expected another folder, or a name with {{feed}}.",
                other.id
            );
            return section.problem(key, words);
        }
    }
}

/// Key, folder and pattern of the files that a feed writes, and what {scope} may be in them.
fn names_of(feed: &Feed) -> Vec<(&'static str, &str, &NamePattern, &'static [&'static str])> {
    let plain = |scopes| ("file_name", &feed.folder[..], &feed.file_name, scopes);
    let Some(delta) = feed.delta() else {
        let is_request = feed.layout.kind.class == Class::Request;
        return vec![plain(if is_request { &["new"][..] } else { &["full", "part"] })];
    };
    let folder = delta.full_folder.as_deref().unwrap_or(&feed.folder);
    let (key, pattern) = match &delta.full_file_name {
        Some(pattern) => ("full_file_name", pattern),
        None => ("file_name", &feed.file_name),
    };
    vec![plain(&["delta", "part"]), (key, folder, pattern, &["full"])]
}

/// Remote and folder there.
fn brought_to(feed: &Feed) -> Option<(&str, &Folder)> {
    feed.to.as_ref().map(|to| (&to.remote[..], &to.folder))
}
