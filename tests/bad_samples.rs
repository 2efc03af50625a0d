//! samples/bad: a file for each reason that a file alone can bring about, at a company that is configured there. Each has to be answered with the
//! code in its name; docs/reasons.md is drawn from what the reasons say. What no file alone brings about names the test that does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nattpost::model::kind::{Class, shipped_kinds};
use nattpost::model::wording::CODES;
use rusqlite::Connection;

/// Reasons that need more than a file: time, a person, a crash, a size that nobody keeps as a sample, or files in turn.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("came-back", "tests/cases/049-a-held-file-moved-back-by-hand", "a person moved it back, and it was judged anew"),
    ("change-too-late", "tests/cases/522-an-order-is-changed", "the order went out before"),
    ("companion-missing", "tests/crash.rs", "what belongs to it did not come in time"),
    ("content-invalid", "tests/cases/830-a-manifest-and-its-files", "a file that is not what its ending says"),
    ("content-mismatch", "tests/cases/830-a-manifest-and-its-files", "a file that is not what its manifest says"),
    ("content-missing", "tests/cases/830-a-manifest-and-its-files", "a manifest whose file did not come"),
    ("crashed-while-reading", "tests/crash.rs", "the program ended three times while it read this file alone"),
    (
        "customer-ambiguous",
        "tests/cases/720-reasons-that-are-rare",
        "a partner's number that two of our customers have",
    ),
    (
        "deletion-not-taken",
        "tests/cases/240-deletions-are-told",
        "a row of a delta that says that something is gone, at a layout that cannot",
    ),
    (
        "file-too-large",
        "tests/layouts_xml/joined.rs",
        "parts of a document that belong together by a key are too large to be kept",
    ),
    ("guard-behind", "tests/cases/132-behind-a-locked-file", "a file before it waits for a person"),
    ("ignored", "tests/cases/063-ignored-and-answered", "a person closed it"),
    ("internal-error", "tests/week.rs", "a mistake of ours: the file is kept, and the others go on"),
    ("json-invalid", "tests/cli/failing.rs", "a line for `encode` that is no JSON"),
    ("message-too-large", "tests/fuzz_xml.rs", "one message of more than a file may be"),
    ("numbers-used-up", "tests/cases/540-who-registers-gets-a-number", "the range of numbers of ours is at its end"),
    ("pdf-ambiguous", "tests/cases/621-a-pdf-comes-alone", "a lone PDF that fits the orders of two"),
    ("pdf-changed", "tests/cases/621-a-pdf-comes-alone", "another PDF for an order that has one"),
    ("pdf-late", "tests/order_pdfs.rs", "a PDF for an order that went out without it"),
    ("record-too-long", "tests/reasons.rs", "one row of more than a megabyte"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files below a folder, as paths from it.
fn files(folder: &Path) -> Vec<PathBuf> {
    fn walk(folder: &Path, base: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, base, found);
            } else {
                found.push(path.strip_prefix(base).unwrap().to_path_buf());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

struct Site(tempfile::TempDir);

impl Site {
    fn of_samples() -> Site {
        let site = Site(tempfile::tempdir().unwrap());
        site.copy(&root().join("samples/bad"), Path::new(""), |_| true);
        site
    }

    fn copy(&self, from: &Path, to: &Path, wanted: impl Fn(&Path) -> bool) {
        for file in files(from).iter().filter(|file| wanted(file)) {
            let target = self.0.path().join(to).join(file);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(from.join(file), target).unwrap();
        }
    }

    fn run(&self) {
        let mut program = Command::new(env!("CARGO_BIN_EXE_nattpost"));
        let output = program.args(["run", "--once"]).current_dir(self.0.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn ask<const N: usize>(&self, sql: &str) -> Vec<[String; N]> {
        let connection = Connection::open(self.0.path().join("nattpost.db")).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            let mut cells = std::array::from_fn(|_| String::new());
            for (index, cell) in cells.iter_mut().enumerate() {
                *cell = row.get::<_, Option<String>>(index)?.unwrap_or_default();
            }
            Ok(cells)
        });
        rows.unwrap().map(Result::unwrap).collect()
    }
}

fn code_of(sample: &Path) -> String {
    let name = sample.file_name().unwrap().to_str().unwrap();
    name.split('.').next().unwrap().to_string()
}

/// `PARTNER/INTAKE/CODE.ENDING`: all but the configuration and what came first.
fn samples() -> Vec<PathBuf> {
    let all = files(&root().join("samples/bad"));
    let is_sample = |path: &PathBuf| {
        let parts: Vec<_> = path.iter().collect();
        parts.len() == 3 && parts[0] != "first"
    };
    all.into_iter().filter(is_sample).collect()
}

/// What a reason says, without the name of the file and without its beginning and advice.
fn said(text: &str, code: &str, name: &str) -> Option<String> {
    let before = text.split_once(&format!("    [{code}]"))?.0.trim_end();
    let line = before.rsplit("\n\n").next()?.lines().last()?;
    Some(line.trim_start_matches(name).trim_start_matches(", ").to_string())
}

/// A cell of a table in Markdown.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}

#[test]
fn each_bad_file_is_answered_with_the_code_in_its_name() {
    let site = Site::of_samples();
    site.run();
    for stage in 1..=4 {
        site.copy(&root().join(format!("samples/bad/first/{stage}")), Path::new("spool/in"), |_| true);
        site.run();
    }
    let sql = "SELECT name, code FROM file WHERE verdict <> 'accepted' OR refused + held > 0";
    assert_eq!(site.ask::<2>(sql), [[""; 2]; 0], "what comes first is good");
    let [[last]] = &site.ask::<1>("SELECT CAST(MAX(file_no) AS TEXT) FROM file")[..] else { panic!("no file came") };
    let samples = samples();
    site.copy(&root().join("samples/bad"), Path::new("spool/in"), |path| samples.iter().any(|s| s == path));
    site.run();

    let sql = format!(
        "SELECT f.partner || '/' || f.intake, f.name, f.code, f.reason_text, \
         (SELECT group_concat(m.code, ' ') FROM message m WHERE m.file_no = f.file_no), \
         (SELECT m.problems FROM message m WHERE m.file_no = f.file_no) FROM file f WHERE f.file_no > {last}"
    );
    let (mut wrong, mut told, mut seen) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
    for [intake, name, code, reason, codes, problems] in site.ask::<6>(&sql) {
        let wanted = code_of(Path::new(&name));
        seen.insert(format!("{intake}/{wanted}"));
        if code != wanted && !codes.split(' ').any(|code| code == wanted) {
            wrong.push(format!("{intake}/{name}: {code} {codes}\n{reason}"));
        }
        let problems: serde_json::Value = serde_json::from_str(&problems).unwrap_or_default();
        let of_message = problems.as_array().into_iter().flatten().find(|p| p["code"] == wanted.as_str());
        let text = said(&reason, &wanted, &name).or_else(|| Some(of_message?["text"].as_str()?.to_string()));
        told.entry(wanted).or_insert((intake, text));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for sample in &samples {
        let intake = sample.parent().unwrap().display();
        assert!(seen.contains(&format!("{intake}/{}", code_of(sample))), "{} was not taken", sample.display());
    }
    draw(&told, &samples);
}

fn draw(told: &BTreeMap<String, (String, Option<String>)>, samples: &[PathBuf]) {
    const BEGIN: &str = "<!-- drawn from samples/bad; NATTPOST_WRITE_DOCS=1 cargo test --test bad_samples -->\n";
    let mut drawn = String::from("| code | what a reason says, for example | sample |\n|---|---|---|\n");
    for code in CODES {
        let (words, link) = if let Some((intake, words)) = told.get(code) {
            let of_code = |s: &&PathBuf| code_of(s) == code && s.starts_with(intake);
            let sample = samples.iter().find(of_code).unwrap().display().to_string();
            let words = words.as_ref().unwrap_or_else(|| panic!("{code}: nothing is said in {intake}"));
            (words.clone(), format!("[{sample}](../samples/bad/{sample})"))
        } else {
            let (_, test, words) = ELSEWHERE
                .iter()
                .find(|(of, ..)| *of == code)
                .unwrap_or_else(|| panic!("{code} has neither a file in samples/bad nor a test in ELSEWHERE"));
            (words.to_string(), format!("[{}](../{test})", test.trim_start_matches("tests/")))
        };
        let _ = writeln!(drawn, "| `{code}` | {} | {link} |", cell(&words));
    }
    let path = root().join("docs/reasons.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the mark stands in docs/reasons.md");
    let (_, after) = rest.split_once("<!-- end -->").expect("the end mark stands in docs/reasons.md");
    let wanted = format!("{before}{BEGIN}{drawn}<!-- end -->{after}");
    if std::env::var_os("NATTPOST_WRITE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    assert!(text == wanted, "docs/reasons.md is not what is told: NATTPOST_WRITE_DOCS=1 cargo test --test bad_samples");
}

/// Whoever writes a kind wants to see it go wrong, in both of our own formats.
#[test]
fn each_kind_that_comes_in_has_bad_samples() {
    let samples = samples();
    for kind in shipped_kinds().iter().filter(|kind| kind.class != Class::Answer) {
        for ending in ["csv", "xml"] {
            let of_kind = samples.iter().filter(|s| {
                let intake = s.iter().nth(1).unwrap().to_str().unwrap();
                (intake == kind.name || intake == format!("{}_{ending}", kind.name))
                    && s.extension().is_some_and(|e| e == ending)
            });
            assert!(of_kind.count() > 0, "samples/bad has no bad {ending} of the kind {}", kind.name);
        }
    }
}

#[test]
fn what_stands_elsewhere_stands_there() {
    for (code, test, _) in ELSEWHERE {
        let path = root().join(test);
        let texts =
            if path.is_dir() { files(&path).iter().map(|f| path.join(f)).collect() } else { vec![path.clone()] };
        let says = texts.iter().any(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(code)));
        assert!(says, "{test} says nothing of {code}");
        assert!(CODES.contains(code), "{code} is no code");
    }
}
