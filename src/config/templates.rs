//! Partners' files to begin from: those that every build brings along, and those of a folder of the installation. One in the
//! folder goes before ours of the same name: it may have been corrected there.

use std::path::Path;

use super::texts;
use crate::model::document::DocumentProblem;

const SHIPPED: [(&str, &str); 2] = [
    ("erp", include_str!("../../samples/partners/erp.toml")),
    ("webshop", include_str!("../../samples/partners/webshop.toml")),
];

#[derive(Debug, Clone)]
pub struct Template {
    pub name: String,
    pub text: String,
    /// Of the folder; else of this program.
    pub of_folder: bool,
}

impl Template {
    /// What it is, in a sentence: the first of the comment at its beginning.
    pub fn about(&self) -> &str {
        let first = self.text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let comment = first.strip_prefix('#').map_or("", |text| text.trim_start_matches('#').trim());
        comment.split_inclusive(". ").next().unwrap_or_default().trim_end()
    }
}

/// The file of a partner as it is read at a start: without the mark that editors put before its first key.
pub fn of_partner(folder: &Path, id: &str) -> Result<String, DocumentProblem> {
    let name = format!("{id}.toml");
    texts::read(&folder.join(&name), &name).map(|file| file.text)
}

/// By name. A folder that is not there holds none.
pub fn all(folder: &Path) -> Result<Vec<Template>, Vec<DocumentProblem>> {
    let mut problems = Vec::new();
    let found = match folder.try_exists() {
        Ok(false) => Vec::new(),
        _ => texts::read_folder(folder, &folder.to_string_lossy(), &mut problems),
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut templates: Vec<Template> =
        found.into_iter().map(|file| Template { name: file.stem, text: file.text, of_folder: true }).collect();
    for (name, text) in SHIPPED {
        if templates.iter().all(|template| template.name != name) {
            templates.push(Template { name: name.to_string(), text: text.to_string(), of_folder: false });
        }
    }
    templates.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(templates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_in_a_sentence() {
        for (text, about) in [
            ("\n# A shop: sends orders. The rest.\nname = \"x\"\n", "A shop: sends orders."),
            ("## Of ours\n# more\n", "Of ours"),
            ("name = \"x\" # A shop.\n", ""),
        ] {
            let template = Template { name: String::new(), text: text.to_string(), of_folder: true };
            assert_eq!(template.about(), about);
        }
        let shipped = all(Path::new("/nowhere/at/all")).unwrap();
        assert!(shipped.len() == SHIPPED.len() && shipped.iter().all(|template| template.about().ends_with('.')));
    }
}
