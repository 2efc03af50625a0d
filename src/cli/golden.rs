//! `layout test`, and its part in `check`: samples beside a layout, read and written, compared with what is expected of them.
//!
//! Beside a sample `orders.csv`: `orders.csv.expected.json` says what it must become, `orders.csv.messages.jsonl` what must be
//! written as it. What a difference is, `model::golden` says.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::args::Test;
use super::arrival::{self, ToRead};
use super::ends::{End, Failure, Outcome};
use super::page::{Columns, Page};
use super::{setting, translate};
use crate::config::Config;
use crate::flows::moments;
use crate::model::batch::Batch;
use crate::model::diagnostic::shown;
use crate::model::golden::{Difference, Reading, differences, first_difference};
use crate::model::json;
use crate::model::layout::{EncodeContext, Layout, Refused, Sink, Stop, Syntax};
use crate::model::rules::companions::Companions;
use crate::model::{canonical, document::DocumentProblem};

/// What a sample is called in the folder of a `layout.toml`.
const SAMPLE: &str = "sample";
const EXPECTED: &str = ".expected.json";
const MESSAGES: &str = ".messages.jsonl";
/// A sample is looked at by a person.
const LARGEST_BYTES: u64 = 16 << 20;
/// Differences of one sample that are shown; the JSON has all.
const SHOWN: usize = 20;

/// A layout and where its samples stand.
pub struct Tested {
    pub layout: Arc<Layout>,
    pub folder: PathBuf,
    /// Files of one sample, where an intake says that they are one arrival.
    pub companions: Vec<Arc<Companions>>,
}

/// How one direction of a sample ended.
struct Proof {
    sample: String,
    /// `read` or `write`.
    way: &'static str,
    state: State,
}

enum State {
    Well,
    /// Nothing says what is expected.
    Unknown,
    Blessed,
    Differs(Vec<Difference>),
}

pub fn test(page: &mut Page<'_>, config: &Path, asked: &Test) -> Outcome {
    let (tested, zone) = wanted(config, asked)?;
    let (mut wrong, mut samples) = (0, 0);
    for one in &tested {
        for proof in prove(one, zone, asked.bless)? {
            samples += 1;
            wrong += u64::from(matches!(proof.state, State::Differs(_)));
            tell(page, one, &proof)?;
        }
    }
    if !page.json {
        page.line(summary(samples, wrong, &tested))?;
    }
    Ok(if wrong > 0 { End::Refused } else { End::Well })
}

fn summary(samples: u64, wrong: u64, tested: &[Tested]) -> String {
    match (samples, wrong) {
        (0, _) => match tested {
            [one] if is_own(&one.folder) => {
                let folder = one.folder.display();
                format!("No samples: nothing stands in {folder}. Put a file of the partner there, then --bless.")
            }
            [one] => {
                let folder = one.folder.display();
                format!(
                    "No samples in {folder}. Put a file of the partner there as sample.csv, sample.xml or the like, then --bless."
                )
            }
            _ => "No samples. Put one into NAME.samples/ beside NAME.toml, then --bless.".to_string(),
        },
        (_, 0) => format!("{}: all as expected.", moments::count(samples, "sample", "samples")),
        _ => format!(
            "{wrong} of {} not as expected. Correct the layout; or, where what was found is right, accept it with --bless.",
            moments::count(samples, "sample", "samples")
        ),
    }
}

fn wanted(config: &Path, asked: &Test) -> Result<(Vec<Tested>, Tz), Failure> {
    if asked.layouts.is_empty() {
        let config = setting::configuration(config)?;
        return Ok((of_site(&config), config.zone));
    }
    let mut zone = Tz::UTC;
    let mut tested = Vec::new();
    for name in &asked.layouts {
        let (layout, path, of_layout) = setting::layout_with_file(config, name)?;
        zone = of_layout;
        let Some(path) = path else {
            return Err(Failure::new(End::Usage, "layout-shipped", format!("the layout {name} ships with Nattpost"))
                .expected("one of the site's, which can have samples beside it"));
        };
        let companions = arrival::companions(config, &layout, None, &[])?;
        tested.push(Tested { layout, folder: samples_folder(&path), companions });
    }
    Ok((tested, zone))
}

fn of_site(config: &Config) -> Vec<Tested> {
    let beside = config.path.parent().unwrap_or(Path::new(""));
    let known = config.layouts.iter().filter_map(|known| Some((known, known.file.as_ref()?)));
    known
        .map(|(known, file)| Tested {
            layout: Arc::clone(&known.layout),
            folder: samples_folder(&beside.join(file)),
            companions: arrival::of_intakes(config, &known.layout, None),
        })
        .collect()
}

/// `NAME.samples/` beside `NAME.toml`; a `layout.toml` has a folder of its own.
fn samples_folder(layout: &Path) -> PathBuf {
    match layout.file_stem() {
        Some(stem) if stem == "layout" => layout.parent().unwrap_or(Path::new("")).to_path_buf(),
        _ => layout.with_extension("samples"),
    }
}

/// A folder that holds nothing but samples.
fn is_own(folder: &Path) -> bool {
    folder.extension().is_some_and(|e| e == "samples")
}

/// Without a word about it: in a folder that holds other things too only `sample.csv`, `sample.xml` and the like.
fn is_sample(folder: &Path, file: &Path) -> bool {
    is_own(folder) || file.file_stem().is_some_and(|stem| stem == SAMPLE)
}

/// The first sample beside a layout, for who shows what its files look like.
pub fn first_sample(layout: &Path) -> Result<Option<PathBuf>, Failure> {
    let folder = samples_folder(layout);
    let names = samples(&folder)?.into_iter().map(|name| folder.join(name));
    // In a folder of its own a layout has other files beside it: only what is expected of is a sample.
    let beside = |path: &PathBuf, ending: &str| PathBuf::from(format!("{}{ending}", path.display())).exists();
    let mut samples = names.filter(|path| path.is_file());
    Ok(samples.find(|path| is_sample(&folder, path) || beside(path, EXPECTED) || beside(path, MESSAGES)))
}

/// What `check` has to say about samples that are not as expected.
pub fn problems(config: &Config) -> Result<Vec<DocumentProblem>, Failure> {
    let mut problems = Vec::new();
    for one in of_site(config) {
        for proof in prove(&one, config.zone, false)? {
            let State::Differs(differences) = proof.state else { continue };
            let first = differences.first().map_or_else(String::new, |d| {
                format!(": {} is \"{}\"; expected \"{}\"", d.path, shown(&d.found), shown(&d.expected))
            });
            problems.push(DocumentProblem {
                file: one.folder.join(&proof.sample).display().to_string(),
                line: 0,
                column: 0,
                key: String::new(),
                text: format!(
                    "{} with the layout {}, {}{first}. nattpost layout test {} shows them.",
                    proof.way,
                    one.layout.id,
                    moments::count(differences.len() as u64, "value is not as expected", "values are not as expected"),
                    one.layout.id
                ),
                suggestion: None,
            });
        }
    }
    Ok(problems)
}

fn prove(one: &Tested, zone: Tz, bless: bool) -> Result<Vec<Proof>, Failure> {
    let mut proofs = Vec::new();
    let all = samples(&one.folder)?;
    for sample in all.iter().filter(|sample| !goes_along(one, sample, &all)).cloned() {
        let beside = |ending: &str| one.folder.join(format!("{sample}{ending}"));
        let (expected, messages) = (beside(EXPECTED), beside(MESSAGES));
        if messages.exists() {
            let state = written(one, zone, &one.folder.join(&sample), &messages, bless)?;
            proofs.push(Proof { sample: sample.clone(), way: "written", state });
        }
        if expected.exists() || !messages.exists() && is_sample(&one.folder, Path::new(&sample)) {
            let state = read(one, zone, &one.folder.join(&sample), &expected, bless)?;
            proofs.push(Proof { sample, way: "read", state });
        }
    }
    Ok(proofs)
}

/// It belongs to one that is called by another name.
fn goes_along(one: &Tested, sample: &str, all: &[String]) -> bool {
    one.companions.iter().any(|companions| {
        let found = companions.pair(all.iter().map(|name| name.as_bytes()));
        found.whole.iter().any(|files| files[1..].iter().any(|at| all[*at] == sample))
    })
}

/// Names of samples, sorted; one that is only expected is there too.
fn samples(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot_read(folder, error)),
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !name.ends_with(".toml"))
        .map(|name| {
            let sample = name.strip_suffix(EXPECTED).or_else(|| name.strip_suffix(MESSAGES));
            sample.map_or_else(|| name.clone(), str::to_string)
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

fn cannot_read(path: &Path, error: io::Error) -> Failure {
    Failure::from(anyhow::Error::new(error).context(format!("cannot read {}", path.display())))
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| cannot_read(path, error))?;
    file.take(LARGEST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| cannot_read(path, error))?;
    if bytes.len() as u64 > LARGEST_BYTES {
        let found = format!("is larger than {} MiB", LARGEST_BYTES >> 20);
        return Err(Failure::new(End::Refused, "sample-too-large", found)
            .at(path.display().to_string())
            .expected("a sample that a person can look at"));
    }
    Ok(bytes)
}

fn write(path: &Path, bytes: &[u8]) -> Result<State, Failure> {
    fs::write(path, bytes)
        .map(|()| State::Blessed)
        .map_err(|error| Failure::from(anyhow::Error::new(error).context(format!("cannot write {}", path.display()))))
}

fn read(one: &Tested, zone: Tz, sample: &Path, expected: &Path, bless: bool) -> Result<State, Failure> {
    let is_made = bless && one.layout.reads();
    if !expected.exists() && !is_made {
        return Ok(State::Unknown);
    }
    let mut found = Found::default();
    let asked = arrival::to_read(&one.companions, &one.layout, &[sample.to_path_buf()])?;
    let asked = asked.first().cloned().unwrap_or_else(|| ToRead::file(sample));
    for file in &asked.files {
        bytes_of(file)?;
    }
    let decoded = translate::read(&one.layout, zone, &asked, &mut found)?;
    found.0.add_fatal(&decoded.fatal);
    if !expected.exists() {
        return write(expected, found.0.text().as_bytes());
    }
    let wanted: Value = serde_json::from_slice(&bytes_of(expected)?).map_err(|error| {
        Failure::new(End::Configuration, "golden-file-wrong", format!("cannot be read as JSON: {error}"))
            .at(expected.display().to_string())
            .advice("Correct it, or remove it and let --bless write it.")
    })?;
    match differences(&wanted, &found.0.to_json()) {
        differences if differences.is_empty() => Ok(State::Well),
        _ if bless => write(expected, found.0.text().as_bytes()),
        differences => Ok(State::Differs(differences)),
    }
}

#[derive(Default)]
struct Found(Reading);

impl Sink for Found {
    fn batch(&mut self, mut batch: Batch) -> Result<Batch, Stop> {
        batch.messages().for_each(|message| self.0.add(message));
        batch.clear();
        Ok(batch)
    }

    fn refused(&mut self, message: Refused) -> Result<(), Stop> {
        self.0.add_refused(&message);
        Ok(())
    }
}

fn written(one: &Tested, zone: Tz, sample: &Path, messages: &Path, bless: bool) -> Result<State, Failure> {
    let text = String::from_utf8_lossy(&bytes_of(messages)?).into_owned();
    let found = match encoded(&one.layout, zone, &text) {
        Ok(found) => found,
        Err(why) => return Ok(State::Differs(vec![whole("could be written", &why)])),
    };
    let expected = if sample.exists() { Some(bytes_of(sample)?) } else { None };
    let difference = match &expected {
        None => Some(whole("a sample beside its messages", "there is none")),
        Some(expected) if matches!(one.layout.syntax, Syntax::Xml(_)) => in_xml(expected, &found),
        Some(expected) => first_difference(expected, &found),
    };
    match difference {
        None => Ok(State::Well),
        Some(_) if bless => write(sample, &found),
        Some(difference) => Ok(State::Differs(vec![difference])),
    }
}

fn whole(expected: &str, found: &str) -> Difference {
    Difference { path: "the file".to_string(), expected: expected.to_string(), found: found.to_string() }
}

fn in_xml(expected: &[u8], found: &[u8]) -> Option<Difference> {
    let (expected, found) = match (canonical::lines(expected), canonical::lines(found)) {
        (Ok(expected), Ok(found)) => (expected, found),
        (Err(why), _) => return Some(whole("XML", &why)),
        (_, Err(why)) => return Some(whole("could be read again", &why)),
    };
    let at = (0..expected.len().max(found.len())).find(|at| expected.get(*at) != found.get(*at))?;
    let says = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "(the file ends)".to_string());
    Some(Difference {
        path: format!("item {} of the document", at + 1),
        expected: says(&expected),
        found: says(&found),
    })
}

fn encoded(layout: &Layout, zone: Tz, text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut batch = Batch::new(Arc::clone(&layout.kind));
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (number, (index, line)) in lines.enumerate() {
        json::read_line(line, index as u32 + 1, number as u64 + 1, &mut batch)
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))?;
    }
    let mut encoder = layout.encoder(EncodeContext { zone }, &mut out).map_err(|error| error.to_string())?;
    encoder.write(&batch).and_then(|()| encoder.finish()).map_err(|error| error.to_string())?;
    Ok(out)
}

fn tell(page: &mut Page<'_>, one: &Tested, proof: &Proof) -> io::Result<()> {
    let (state, differences) = match &proof.state {
        State::Well => ("well", &[][..]),
        State::Unknown => ("unknown", &[][..]),
        State::Blessed => ("blessed", &[][..]),
        State::Differs(differences) => ("differs", &differences[..]),
    };
    if page.json {
        let rows: Vec<Value> =
            differences.iter().map(|d| json!({ "where": d.path, "expected": d.expected, "found": d.found })).collect();
        return page.object(
            &json!({ "layout": one.layout.id, "sample": proof.sample, "way": proof.way, "state": state, "differences": rows }),
        );
    }
    let says = match &proof.state {
        State::Well => "well".to_string(),
        State::Unknown => "nothing says what it must become: look with layout try, then --bless".to_string(),
        State::Blessed => "what was found is expected from now on".to_string(),
        State::Differs(differences) => moments::count(differences.len() as u64, "difference", "differences"),
    };
    page.line(super::page::safe(&format!("{}  {}  {}: {says}", one.layout.id, proof.sample, proof.way)))?;
    if differences.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::new(&["  where", "expected", "found"]);
    for difference in differences.iter().take(SHOWN) {
        columns.row([format!("  {}", difference.path), difference.expected.clone(), difference.found.clone()]);
    }
    page.table(columns)?;
    match differences.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => page.line(format!("  … and {more} more")),
    }
}
