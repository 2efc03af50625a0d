//! Files of standards that nobody here wrote are called what they are, and refused by that name where they are not taken.

use crate::decoding;

use std::path::{Path, PathBuf};

use nattpost::model::layout::own::shipped_layout;
use nattpost::model::naming::name;
use serde_json::Value;

pub fn standards() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("NATTPOST_SHARED").map_or_else(beside, PathBuf::from).join("standards");
    if !folder.join("expected").is_dir() {
        println!("skipped: {} holds no standard messages", folder.display());
        return None;
    }
    Some(folder)
}

/// What a file must be called, by what an independent program found in it.
fn expected_name(standard: &str, facts: &Value) -> Option<String> {
    let mut types: Vec<&str> = Vec::new();
    for message in facts["messages"].as_array().into_iter().flatten() {
        let found = message["type"].as_str()?;
        if !types.contains(&found) {
            types.push(found);
        }
    }
    let version = facts["messages"][0]["version"].as_str().unwrap_or("2.1");
    let listed = match types.split_last() {
        Some((only, [])) => (*only).to_string(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "without a message".to_string(),
    };
    Some(match standard {
        "ubl" if types.is_empty() => "UBL Order".to_string(),
        "ubl" => format!("UBL {listed}"),
        "opentrans" => format!("openTRANS {version} {listed}"),
        "x12" => format!("X12 {listed}"),
        "edifact" => format!("EDIFACT {listed}"),
        "cxml" => format!("cXML {listed}"),
        _ => "BMEcat".to_string(),
    })
}

#[test]
fn every_file_of_the_standards_is_called_what_it_is() {
    let Some(folder) = standards() else { return };
    let mut wrong = Vec::new();
    let mut count = 0;
    for standard in ["ubl", "opentrans", "x12", "edifact", "cxml", "bmecat"] {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder.join(standard)).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        for file in files {
            let base = file.file_name().unwrap().to_string_lossy().to_string();
            let facts = folder.join("expected").join(format!("{standard}__{base}.json"));
            let facts: Value = serde_json::from_slice(&std::fs::read(facts).unwrap()).unwrap();
            let bytes = std::fs::read(&file).unwrap();
            let found = name(&bytes).what.unwrap_or_default();
            let expected = expected_name(standard, &facts).unwrap();
            if !found.starts_with(&expected) {
                wrong.push(format!("{standard}/{base}: \"{found}\" instead of \"{expected}\""));
            }
            // An intake of our own order formats refuses each of them by that name.
            for layout in ["nattpost-order-xml", "nattpost-order-csv"] {
                let (read, decoded) = decoding::decode(shipped_layout(layout).unwrap(), &bytes);
                let told = decoded.fatal.kept().first().map(|p| (p.code, p.text.clone()));
                let named = matches!(&told, Some(("layout-mismatch", text)) if text.starts_with(&format!("the file is {found};")));
                if !named || read.messages().next().is_some() {
                    wrong.push(format!("{standard}/{base} as {layout}: {told:?}"));
                }
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 190, "only {count} files");
}
