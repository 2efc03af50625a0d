//! One glossary: each term has one meaning, and the closed lists of the program stand in it with the words that they are written with.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use nattpost::edges::store::ledger::RunState;
use nattpost::model::kind::shipped_kinds;
use nattpost::model::mode::Mode;
use nattpost::model::rules::arrivals::State;
use nattpost::model::verdict::Verdict;

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/glossary.md")).unwrap()
}

/// What stands between two marks of this many stars.
fn marked(page: &str, stars: &str) -> Vec<String> {
    page.split(stars).skip(1).step_by(2).map(str::to_lowercase).collect()
}

#[test]
fn each_term_has_one_meaning() {
    let page = page();
    let mut seen = BTreeSet::new();
    for term in marked(&page, "**") {
        assert!(!term.contains('\n'), "a mark is not closed at: {term}");
        assert!(seen.insert(term.clone()), "docs/glossary.md says twice what {term} is");
    }
}

#[test]
fn the_closed_lists_of_the_program_stand_in_it() {
    let page = page();
    let mut told: BTreeSet<_> = marked(&page, "**").into_iter().collect();
    told.extend(marked(&page.replace("**", ""), "*"));
    let kinds = shipped_kinds();
    let lists = [
        ("kinds", kinds.iter().map(|kind| kind.name.replace('_', " ")).collect::<Vec<_>>()),
        ("classes", kinds.iter().map(|kind| format!("{:?}", kind.class).to_lowercase()).collect()),
        ("verdicts", Verdict::ALL.map(|v| v.as_str().to_string()).to_vec()),
        ("modes", Mode::ALL.map(|m| m.as_str().to_string()).to_vec()),
        ("states of a run", RunState::ALL.map(|s| s.as_str().to_string()).to_vec()),
        ("states of a window", State::ALL.map(|s| s.as_str().to_string()).to_vec()),
    ];
    for (list, words) in lists {
        let missing: Vec<_> = words.into_iter().filter(|word| !told.contains(word)).collect();
        assert!(missing.is_empty(), "docs/glossary.md does not say what these {list} are: {missing:?}");
    }
}
