//! Words for several files that are one arrival.

use crate::model::diagnostic::{Place, Problem, shown};

pub fn companion_missing(found: &str, missing: &[String]) -> Problem {
    let missing: Vec<String> = missing.iter().map(|name| shown(name)).collect();
    let text = format!(
        "\"{}\" came without {}, and only together they can be taken; nothing of it was. Send all of them again; or, when what was \
         missing has come after all, drop all of them again together.",
        shown(found),
        missing.join(" and ")
    );
    Problem::new("companion-missing", Place::default(), text)
}

pub fn companions_many(names: &[String]) -> Problem {
    let names: Vec<String> = names.iter().map(|name| shown(name)).collect();
    let text = format!(
        "the archive holds files of more than one arrival, or two for one part ({}); expected those that belong together, each once. Send \
         an archive for each, or the files without one.",
        names.join(", ")
    );
    Problem::new("companion-invalid", Place::default(), text)
}

pub fn companion_misnamed<'p>(found: &str, patterns: impl Iterator<Item = &'p str>) -> Problem {
    let expected: Vec<String> = patterns.map(|pattern| format!("\"{pattern}\"")).collect();
    let text = format!(
        "the file is called \"{}\"; expected a name like {}. Rename it and drop it again.",
        shown(found),
        expected.join(" or ")
    );
    Problem::new("file-name-invalid", Place::default(), text)
}

pub fn companion_no_pdf(name: &str) -> Problem {
    let text = format!(
        "\"{}\" is no PDF: it does not begin with %PDF-. Nothing of what came with it was taken; send all of it again.",
        shown(name)
    );
    Problem::new("companion-invalid", Place::default(), text)
}

pub fn companion_cut(name: &str) -> Problem {
    let text = format!(
        "\"{}\" ends without %%EOF, so the PDF is not whole. Nothing of what came with it was taken; send all of it again.",
        shown(name)
    );
    Problem::new("companion-invalid", Place::default(), text)
}
