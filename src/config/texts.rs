//! The configuration's files as texts: finds them beside nattpost.toml and reads them, bounded, each failure a problem
//! of that file. Knows no key.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::model::document::DocumentProblem;

/// A configuration or layout is written by people; more is a file that was put there by mistake.
const LARGEST_BYTES: u64 = 4 << 20;

/// A file and its text, named as people see it: relative to the folder of nattpost.toml.
#[derive(Debug, Clone)]
pub struct NamedText {
    pub name: String,
    /// File name without `.toml`.
    pub stem: String,
    pub text: String,
}

/// A problem of a file as a whole.
pub fn problem(file: &str, text: String) -> DocumentProblem {
    DocumentProblem { file: file.to_string(), line: 0, column: 0, key: String::new(), text, suggestion: None }
}

pub fn read(path: &Path, name: &str) -> Result<NamedText, DocumentProblem> {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let unreadable = |why: std::io::Error| problem(name, format!("cannot be read: {why}."));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LARGEST_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Err(problem(name, format!("is larger than {} MiB; expected a few pages.", LARGEST_BYTES >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let line = e.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1;
        let mut problem = problem(name, "is not UTF-8 here; save the file as UTF-8.".to_string());
        (problem.line, problem.column) = (line, 1);
        problem
    })?;
    // Editors on Windows put a byte order mark before the first key.
    let text = text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_string);
    Ok(NamedText { name: name.to_string(), stem, text })
}

/// All `*.toml` of a folder by name, hidden ones left out.
pub fn read_folder(folder: &Path, shown: &str, problems: &mut Vec<DocumentProblem>) -> Vec<NamedText> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(why) => {
            problems.push(problem(
                shown,
                format!("the folder cannot be read: {why}. Make it, or correct its name in nattpost.toml."),
            ));
            return Vec::new();
        }
    };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".toml") && !name.starts_with('.'))
        .collect();
    names.sort_unstable();
    let mut texts = Vec::new();
    for name in names {
        match read(&folder.join(&name), &format!("{shown}/{name}")) {
            Ok(text) => texts.push(text),
            Err(problem) => problems.push(problem),
        }
    }
    texts
}
