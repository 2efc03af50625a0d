//! Configurations as folders: bad ones with the words they must get, the samples as the reference of every key, and the
//! documentation compared with the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use nattpost::config::keys::{Fallback, Table, all, reference};
use nattpost::config::{Config, look_around};
use nattpost::model::layout::Layout;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folders(below: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root().join(below)).unwrap().map(|entry| entry.unwrap().path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    folders
}

/// A line of expected.txt is what `check` prints; `…` stands for any text.
fn fits(expected: &str, found: &str) -> bool {
    let mut rest = found;
    for (index, piece) in expected.split('…').enumerate() {
        let at = if index == 0 { rest.starts_with(piece).then_some(0) } else { rest.find(piece) };
        let Some(at) = at else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.is_empty() || expected.ends_with('…')
}

#[test]
fn every_bad_configuration_gets_its_words() {
    let folders = folders("tests/configs/bad");
    assert!(folders.len() >= 15);
    let mut complaints = Vec::new();
    for folder in folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let expected = fs::read_to_string(folder.join("expected.txt")).unwrap_or_default();
        let expected: Vec<&str> = expected.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        // Of one that is well, what it points to.
        let problems = match Config::read(&folder.join("nattpost.toml")) {
            Err(problems) => problems,
            Ok(config) => {
                let around = look_around(&config);
                let notes = around.notes.into_iter().map(|mut note| {
                    note.text = format!("Note: {}", note.text);
                    note
                });
                around.problems.into_iter().chain(notes).collect::<Vec<_>>()
            }
        };
        let mut found: Vec<String> = problems.iter().map(ToString::to_string).collect();
        for line in expected {
            match found.iter().position(|f| fits(line, f)) {
                Some(at) => drop(found.remove(at)),
                None => complaints.push(format!("{name}: not reported: {line}")),
            }
        }
        complaints.extend(found.into_iter().map(|f| format!("{name}: not expected: {f}")));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn good_configurations_are_read() {
    for folder in folders("tests/configs/good") {
        if let Err(problems) = Config::read(&folder.join("nattpost.toml")) {
            panic!("{}: {problems:#?}", folder.display());
        }
    }
}

/// What a configuration decides, without where it stands.
fn meaning(config: &Config) -> String {
    format!(
        "{:#?}",
        (
            (&config.company, config.zone, config.log, config.scan_every, config.sent_days, config.history_days),
            (config.spool.file_name(), config.store.file_name()),
            (&config.partners, &config.intakes, &config.feeds),
            (&config.channels, &config.named, &config.expects),
        )
    )
}

/// `#key = value` shows a default; `# text` is text.
fn uncomment(line: &str) -> &str {
    match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) && rest.contains(" = ") => rest,
        _ => line,
    }
}

fn copy_samples(to: &Path, change: impl Fn(&str) -> String) {
    fs::create_dir(to.join("partners")).unwrap();
    let samples = root().join("samples");
    let mut files = vec![PathBuf::from("nattpost.toml")];
    for entry in fs::read_dir(samples.join("partners")).unwrap() {
        files.push(Path::new("partners").join(entry.unwrap().file_name()));
    }
    for file in files {
        let text = fs::read_to_string(samples.join(&file)).unwrap();
        let lines: Vec<String> = text.lines().map(&change).collect();
        fs::write(to.join(file), lines.join("\n")).unwrap();
    }
}

#[test]
fn the_samples_show_every_default_as_it_is() {
    let scratch = tempfile::tempdir().unwrap();
    copy_samples(scratch.path(), |line| uncomment(line).to_string());
    let as_shipped = Config::read(&root().join("samples/nattpost.toml")).unwrap_or_else(|p| panic!("{p:#?}"));
    let spelled_out = Config::read(&scratch.path().join("nattpost.toml")).unwrap_or_else(|p| panic!("{p:#?}"));
    assert_eq!(meaning(&as_shipped), meaning(&spelled_out));
    assert_ne!(as_shipped.fingerprint, spelled_out.fingerprint);
}

#[test]
fn the_samples_hold_every_key() {
    let mut shown: BTreeSet<(String, String)> = BTreeSet::new();
    for file in ["nattpost.toml", "partners/webshop.toml", "partners/erp.toml"] {
        let text = fs::read_to_string(root().join("samples").join(file)).unwrap();
        let top = if file == "nattpost.toml" { Table::Company } else { Table::Partner };
        let mut table = Some(top);
        for line in text.lines().map(uncomment) {
            if let Some(header) = line.trim_start_matches('#').strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                let parts: Vec<&str> = header.split('.').collect();
                shown.insert((format!("{top:?}"), parts[0].to_string()));
                table = match parts[..] {
                    ["intake", _] => Some(Table::Intake),
                    ["intake", _, "plausibility"] => Some(Table::Plausibility),
                    ["intake", _, "guard"] => Some(Table::IntakeGuard),
                    ["feed", _] => Some(Table::Feed),
                    ["feed", _, "guard"] => Some(Table::FeedGuard),
                    ["feed", _, "availability"] => Some(Table::FeedAvailability),
                    ["department", _] => Some(Table::Department),
                    ["feed", _, "also", _] => Some(Table::FeedAlso),
                    ["calendar", _] => Some(Table::Calendar),
                    ["remote", _] => Some(Table::Remote),
                    ["mail"] => Some(Table::Mail),
                    ["notices", _] => Some(Table::Notices),
                    ["intake", _, "expect"] => Some(Table::Expect),
                    _ => None,
                };
                if let ["intake", _, below] = parts[..] {
                    shown.insert((format!("{:?}", Table::Intake), below.to_string()));
                }
                if table == Some(Table::FeedAlso) {
                    shown.insert((format!("{:?}", Table::Feed), "also".to_string()));
                }
                if let ["feed", _, below @ ("guard" | "availability")] = parts[..] {
                    shown.insert((format!("{:?}", Table::Feed), below.to_string()));
                }
            } else if let (Some(table), Some((key, _))) = (table, line.split_once(" = ")) {
                // Tables that the sample only shows are comments as a whole.
                let key = if table == Table::FeedAlso { key.trim_start_matches(['#', ' ']) } else { key };
                shown.insert((format!("{table:?}"), key.to_string()));
            }
        }
    }
    let missing: Vec<_> = all().filter(|k| !shown.contains(&(format!("{:?}", k.table), k.name.to_string()))).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_documentation_lists_the_keys_as_they_are() {
    const BEGIN: &str = "<!-- printed from src/config/keys.rs; NATTPOST_WRITE_DOCS=1 cargo test --test config -->\n";
    let path = root().join("docs/configuration.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, printed) = text.split_once(BEGIN).expect("the mark stands in docs/configuration.md");
    let (_, after) = printed.split_once("<!-- end -->").expect("the end mark stands in docs/configuration.md");
    let wanted = format!("{before}{BEGIN}{}<!-- end -->{after}", reference());
    if std::env::var_os("NATTPOST_WRITE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
}

#[test]
fn a_missing_file_is_one_problem() {
    let problems = Config::read(Path::new("/nowhere/nattpost.toml")).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].text.contains("cannot be read"), "{problems:?}");
}

fn with_line(key: &str, line: &str) -> Config {
    let scratch = tempfile::tempdir().unwrap();
    copy_samples(scratch.path(), |text| {
        // Feeds have a key `on_change` too, a duration.
        let is_key = uncomment(text).starts_with(&format!("{key} =")) && !text.starts_with("on_change = \"5 min");
        if is_key { line.to_string() } else { text.to_string() }
    });
    Config::read(&scratch.path().join("nattpost.toml")).unwrap_or_else(|p| panic!("{key}: {p:#?}"))
}

#[test]
fn the_fingerprint_follows_what_changes_the_meaning_of_a_file() {
    let fingerprint = |config: &Config| config.intake("webshop/orders").unwrap().fingerprint;
    let base = fingerprint(&Config::read(&root().join("samples/nattpost.toml")).unwrap());
    for (key, line) in [
        ("layouts", "layouts = [\"nattpost-order-csv\"]"),
        ("policy", "policy = \"refuse above 5 %\""),
        ("articles", "articles = \"accept\""),
        ("article_schemes", "article_schemes = [\"ean\", \"own\"]"),
        ("customer", "customer = \"10043\""),
        ("on_change", "on_change = \"refuse\""),
        ("order_numbers", "order_numbers = \"own\""),
        ("totals", "totals = true"),
        ("order_date", "order_date = \"91 d\""),
        ("ST", "ST = \"C62\""),
        ("zone", "zone = \"Europe/Oslo\""),
    ] {
        // `layouts` stands in nattpost.toml too, as a folder.
        let config = if key == "layouts" { with_layout(line) } else { with_line(key, line) };
        assert_ne!(fingerprint(&config), base, "{key}");
    }
    let changes = |config: &Config| config.intake("webshop/changes").unwrap().fingerprint;
    let picking = with_line("change_until", "change_until = \"picking\"");
    let samples = Config::read(&root().join("samples/nattpost.toml")).unwrap();
    assert!(changes(&picking) != changes(&samples) && fingerprint(&picking) == base);
    for (key, line) in [
        ("settle", "settle = \"rename\""),
        ("truncated_after", "truncated_after = \"2 h\""),
        ("receipt", "receipt = \"nattpost-receipt-csv\""),
        ("company", "company = \"Another\""),
        ("file_name", "file_name = \"{feed}_{run:9}.dat\""),
    ] {
        assert_eq!(fingerprint(&with_line(key, line)), base, "{key}");
    }
}

/// The words of a partner go before those of the layout, in both directions, and are nobody else's.
#[test]
fn a_partner_has_words_of_his_own_in_a_table_of_a_shared_layout() {
    let folder = root().join("tests/configs/good/03-words-of-partners");
    let config = Config::read(&folder.join("nattpost.toml")).unwrap_or_else(|p| panic!("{p:#?}"));
    let country = |source: &str, word: &str| {
        let intake = config.intake(source).unwrap();
        let fields = &intake.layouts[0].records[0].fields;
        let lookup = fields.iter().find_map(|f| f.form.lookup.clone()).unwrap();
        lookup.ours(word).map(str::to_string)
    };
    assert_eq!(country("nord/orders", "Norge").as_deref(), Some("NO"), "his own");
    assert_eq!(country("nord/orders", "D").as_deref(), Some("DK"), "his own wins");
    assert_eq!(country("nord/orders", "S").as_deref(), Some("SE"), "the layout's");
    assert_eq!(country("sued/orders", "D").as_deref(), Some("DE"));
    assert_eq!(country("sued/orders", "Norge"), None);
    let written = |layout: &Layout, ours: &str| {
        let lookup = layout.records[0].fields.iter().find_map(|f| f.form.lookup.clone()).unwrap();
        lookup.theirs(ours).map(str::to_string)
    };
    let nord = config.feed("nord/orders").unwrap();
    assert_eq!(written(&nord.layout, "SE").as_deref(), Some("Sverige"), "his own is written");
    assert_eq!(written(&nord.layout, "DE"), None, "his D is another country");
    let fingerprint = |source: &str| config.intake(source).unwrap().fingerprint;
    assert_ne!(fingerprint("nord/orders"), fingerprint("sued/orders"));
    let scratch = tempfile::tempdir().unwrap();
    for file in ["nattpost.toml", "layouts/shop.toml", "partners/nord.toml", "partners/sued.toml"] {
        let text = fs::read_to_string(folder.join(file)).unwrap().replace("Norge =", "Noreg =");
        fs::create_dir_all(scratch.path().join(file).parent().unwrap()).unwrap();
        fs::write(scratch.path().join(file), text).unwrap();
    }
    let changed = Config::read(&scratch.path().join("nattpost.toml")).unwrap();
    assert_ne!(changed.intake("nord/orders").unwrap().fingerprint, fingerprint("nord/orders"));
    assert_eq!(changed.intake("sued/orders").unwrap().fingerprint, fingerprint("sued/orders"));
}

fn with_layout(line: &str) -> Config {
    let scratch = tempfile::tempdir().unwrap();
    copy_samples(scratch.path(), |text| {
        if text == "layouts = [\"nattpost-order-xml\"]" { line.to_string() } else { text.to_string() }
    });
    Config::read(&scratch.path().join("nattpost.toml")).unwrap()
}

#[test]
fn the_keys_say_what_holds_without_them() {
    for key in all() {
        assert!(!key.form.is_empty() && key.about.ends_with('.'), "{key:?}");
        assert!(!matches!(key.default, Fallback::From("")), "{key:?}");
    }
}

#[test]
fn a_file_cut_anywhere_is_a_problem_or_a_configuration_and_never_a_panic() {
    let scratch = tempfile::tempdir().unwrap();
    copy_samples(scratch.path(), str::to_string);
    let path = scratch.path().join("partners/webshop.toml");
    let text = fs::read(&path).unwrap();
    for end in (0..text.len()).step_by(23) {
        fs::write(&path, &text[..end]).unwrap();
        if let Err(problems) = Config::read(&scratch.path().join("nattpost.toml")) {
            // The calendar of the other file may have lost the feed that names it.
            let is_of = |file: &str, key: &str| file == "partners/webshop.toml" || key == "calendar.company";
            assert!(problems.iter().all(|p| is_of(&p.file, &p.key)), "{problems:?}");
        }
    }
}
