//! Published files are what the kinds say: XSDs, column specifications, documentation, own layouts. NATTPOST_BLESS=1 writes
//! them anew. Own samples keep to their schema, and broken ones do not (xmllint judges, where it is installed).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nattpost::model::batch::Batch;
use nattpost::model::kind::{FieldType, columns, page, shipped_kinds, xsd};
use nattpost::model::layout::EncodeContext;
use nattpost::model::layout::own::{own_csv, own_id, own_xml, shipped_layout};
use nattpost::model::rules::delta::Op;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a published file with what it should be, or writes it.
fn published(path: &str, text: &str) {
    let file = root().join(path);
    if std::env::var_os("NATTPOST_BLESS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        return fs::write(file, text).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == text, "{path} is not what the kinds say; run the tests with NATTPOST_BLESS=1");
}

/// No file stands in a generated folder that nothing generates any more.
fn nothing_else(folder: &str, names: &[String]) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(&name), "{folder}/{name} is generated from nothing");
    }
}

#[test]
fn schemas_columns_and_documentation_are_generated_from_the_kinds() {
    let kinds = shipped_kinds();
    for kind in kinds.iter() {
        published(&format!("schemas/xsd/{}.xsd", kind.name), &xsd(kind));
        published(&format!("schemas/columns/{}.json", kind.name), &columns(kind));
        published(&format!("schemas/layouts/own/{}.toml", own_id(kind, "xml")), &own_xml(kind));
        published(&format!("schemas/layouts/own/{}.toml", own_id(kind, "csv")), &own_csv(kind));
    }
    published("docs/kinds.md", &page(kinds));
    nothing_else("schemas/xsd", &kinds.iter().map(|k| format!("{}.xsd", k.name)).collect::<Vec<_>>());
    let own = |form: &'static str| kinds.iter().map(move |k| format!("{}.toml", own_id(k, form)));
    nothing_else("schemas/layouts/own", &own("xml").chain(own("csv")).collect::<Vec<_>>());
    nothing_else("schemas/columns", &kinds.iter().map(|k| format!("{}.json", k.name)).collect::<Vec<_>>());
}

/// What xmllint says against a problem, or nothing when the file is valid.
fn judge(schema: &Path, sample: &Path) -> Option<String> {
    let output = Command::new("xmllint").arg("--noout").arg("--schema").arg(schema).arg(sample).output().unwrap();
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

fn has_xmllint() -> bool {
    let found = Command::new("xmllint").arg("--version").output().is_ok();
    if !found {
        println!("skipped: xmllint is not installed (apt-get install libxml2-utils)");
    }
    found
}

#[test]
fn own_samples_keep_to_their_schema() {
    if !has_xmllint() {
        return;
    }
    for kind in shipped_kinds().iter() {
        let schema = root().join(format!("schemas/xsd/{}.xsd", kind.name));
        let sample = root().join(format!("samples/own/{}.xml", kind.name));
        assert!(sample.is_file(), "there is no sample {}", sample.display());
        assert_eq!(judge(&schema, &sample), None);
    }
}

/// Files of changes too: of what is deleted only the key is there.
#[test]
fn what_is_told_of_a_deletion_keeps_to_its_schema() {
    if !has_xmllint() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for kind in shipped_kinds().iter().filter(|kind| kind.tells_change) {
        let mut bytes = Vec::new();
        let layout = shipped_layout(&own_id(kind, "xml")).unwrap();
        let mut encoder = layout.encoder(EncodeContext { zone: chrono_tz::Europe::Berlin }, &mut bytes).unwrap();
        for op in [Op::Same, Op::Create, Op::Change, Op::Delete] {
            let mut batch = Batch::new(kind.clone());
            batch.begin(1, 1);
            for (at, field) in kind.head().fields.iter().enumerate() {
                let is_told = kind.head().key.contains(&at) || op != Op::Delete;
                match field.required && is_told {
                    true if field.field_type.is_number() => batch.set_number(0, at, 1_000_000),
                    true => batch.set_text(0, at, word_of(&field.field_type)),
                    false => {}
                }
            }
            encoder.write_change(batch.message(0), op).unwrap();
        }
        encoder.finish().unwrap();
        let file = folder.path().join("changes.xml");
        fs::write(&file, &bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches("<change>").count(), 3, "{text}");
        assert_eq!(judge(&root().join(format!("schemas/xsd/{}.xsd", kind.name)), &file), None, "{text}");
        fs::write(&file, text.replace("<change>delete<", "<change>gone<")).unwrap();
        assert!(judge(&root().join(format!("schemas/xsd/{}.xsd", kind.name)), &file).is_some(), "any word passes");
    }
    assert_eq!(shipped_kinds().iter().filter(|kind| kind.tells_change).count(), 10);
}

fn word_of(field_type: &FieldType) -> &str {
    match field_type {
        FieldType::Choice(words) => &words[0],
        _ => "A-1",
    }
}

/// A change that makes a valid sample invalid.
type Mutant = fn(&str) -> Option<String>;

const MUTANTS: [(&str, Mutant); 7] = [
    ("another version", |text| replace(text, "version=\"1\"", "version=\"2\"")),
    ("no version", |text| replace(text, " version=\"1\"", "")),
    ("an unknown element", |text| {
        let (at, _) = text.match_indices("\n    <").next()?;
        Some(format!("{}\n    <colour>red</colour>{}", &text[..at], &text[at..]))
    }),
    ("a field twice", |text| {
        let line = text.lines().find(|l| l.starts_with("    <") && l.contains("</"))?;
        replace(text, line, &format!("{line}\n{line}"))
    }),
    ("a word that is no number", |text| {
        numeric(text).map(|(from, to)| format!("{}2,5x{}", &text[..from], &text[to..]))
    }),
    ("a date that does not exist", |text| {
        let names = ["date>2", "_at>2", "valid_from>2", "valid_to>2"];
        let at = names.iter().filter_map(|name| Some(text.find(name)? + name.len() - 1)).min()?;
        Some(format!("{}2026-02-31{}", &text[..at], &text[at + text[at..].find('<')?..]))
    }),
    ("a text that is too long", |text| {
        let line = text.lines().find(|l| l.starts_with("    <") && l.contains("</"))?;
        let at = text.find(line)? + line.find('>')? + 1;
        Some(format!("{}{}{}", &text[..at], "x".repeat(30_000), &text[at..]))
    }),
];

fn replace(text: &str, from: &str, to: &str) -> Option<String> {
    text.contains(from).then(|| text.replacen(from, to, 1))
}

/// The first value of a field whose name says that it is a number.
fn numeric(text: &str) -> Option<(usize, usize)> {
    let names = ["qty>", "price>", "messages>", "line_no>", "weight_kg>", "credit_limit>"];
    let at = names.iter().filter_map(|name| Some(text.find(name)? + name.len())).min()?;
    Some((at, at + text[at..].find('<')?))
}

#[test]
fn broken_samples_do_not_keep_to_their_schema() {
    if !has_xmllint() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut judged = 0;
    for kind in shipped_kinds().iter() {
        let schema = root().join(format!("schemas/xsd/{}.xsd", kind.name));
        let text = fs::read_to_string(root().join(format!("samples/own/{}.xml", kind.name))).unwrap();
        for (what, mutate) in MUTANTS {
            let Some(mutant) = mutate(&text) else { continue };
            let file = folder.path().join("mutant.xml");
            fs::write(&file, mutant).unwrap();
            assert!(judge(&schema, &file).is_some(), "{}: {what} passes", kind.name);
            judged += 1;
        }
    }
    assert!(judged >= 5 * shipped_kinds().names().len(), "only {judged} mutants were judged");
}
