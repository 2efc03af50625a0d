//! What the command line reads with a layout: a file; or, where an intake says so (`companion`), several that are one arrival, put
//! together as that intake does. Which belong together is said by `model::rules::companions`; those that are not named are looked
//! for beside the one that is.

use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::ends::{End, Failure};
use super::page::safe;
use super::setting;
use crate::config::Config;
use crate::edges::scratch;
use crate::model::archive::ArchiveWriter;
use crate::model::layout::Layout;
use crate::model::rules::companions::{Companions, archive_name, plain_name};

/// One file, or all of an arrival in the order of its patterns.
#[derive(Debug, Clone)]
pub struct ToRead {
    pub files: Vec<PathBuf>,
    /// By which they belong together, or this one to others.
    pub companions: Option<Arc<Companions>>,
}

impl ToRead {
    pub fn file(path: &Path) -> ToRead {
        ToRead { files: vec![path.to_path_buf()], companions: None }
    }

    /// For people.
    pub fn name(&self) -> String {
        let names: Vec<String> = self.files.iter().map(|path| safe(&path.to_string_lossy())).collect();
        names.join(" and ")
    }

    /// As its layout hears of it.
    pub fn file_name(&self) -> String {
        let first = name_of(&self.files[0]);
        if self.files.len() == 1 {
            return first;
        }
        String::from_utf8_lossy(&archive_name(plain_name(first.as_bytes()))).into_owned()
    }

    /// The archive that an intake would make of them.
    pub fn packed(&self) -> Result<File, Failure> {
        let mut kept = scratch::file()?;
        let mut writer = ArchiveWriter::new(&mut kept);
        for path in &self.files {
            let mut file = File::open(path).map_err(|error| cannot_read(path, error))?;
            let name = name_of(path);
            let name = String::from_utf8_lossy(plain_name(name.as_bytes())).into_owned();
            let mut member = writer.begin(&name)?;
            io::copy(&mut file, &mut member).map_err(|error| cannot_read(path, error))?;
            member.end()?;
        }
        writer.finish()?;
        kept.rewind()?;
        Ok(kept)
    }
}

fn cannot_read(path: &Path, error: io::Error) -> Failure {
    Failure::from(anyhow::Error::new(error).context(format!("cannot read {}", safe(&path.to_string_lossy()))))
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Of the intakes that take this layout, of one partner where he is named.
pub fn of_intakes(config: &Config, layout: &Layout, partner: Option<&str>) -> Vec<Arc<Companions>> {
    let of_him = |sender: &str| partner.is_none_or(|partner| partner == sender);
    let intakes = config.intakes.iter().filter(|intake| of_him(&intake.sender.partner));
    let takes = intakes.filter(|intake| intake.layouts.iter().any(|one| one.id == layout.id));
    takes.filter_map(|intake| intake.companions.clone()).collect()
}

/// As the command line says, else as the intakes do; a layout may be tried before there is any.
pub fn companions(
    config: &Path,
    layout: &Layout,
    partner: Option<&str>,
    said: &[String],
) -> Result<Vec<Arc<Companions>>, Failure> {
    if !said.is_empty() {
        let parsed = Companions::parse(said, Duration::ZERO);
        let told = |text: String| Failure::new(End::Usage, "companion-wrong", text.trim_end_matches('.').to_string());
        return parsed.map(|one| vec![Arc::new(one)]).map_err(|text| told(text).at("--companion"));
    }
    let config = config.exists().then(|| setting::read_configuration(config).ok()).flatten();
    Ok(config.map_or_else(Vec::new, |config| of_intakes(&config, layout, partner)))
}

/// What the files that are named come to, in their order; one that was named with another is read once.
pub fn to_read(known: &[Arc<Companions>], layout: &Layout, files: &[PathBuf]) -> Result<Vec<ToRead>, Failure> {
    let mut all: Vec<ToRead> = Vec::new();
    for path in files {
        if all.iter().any(|one| one.files.len() > 1 && one.files.contains(path)) {
            continue;
        }
        let found = known.iter().find_map(|companions| Some((companions, whole(companions, path, files)?)));
        all.push(match found {
            Some((companions, files)) => ToRead { files, companions: Some(companions.clone()) },
            None => ToRead { companions: companions_of(known, layout, path)?, ..ToRead::file(path) },
        });
    }
    Ok(all)
}

/// Those of a lone file whose layout does not read it alone; or of an archive of them.
fn companions_of(known: &[Arc<Companions>], layout: &Layout, path: &Path) -> Result<Option<Arc<Companions>>, Failure> {
    let name = name_of(path);
    let by_name = known.iter().find(|companions| companions.part_of(&name).is_some());
    match (layout.files(), by_name.or(known.first())) {
        (Some(files), None) => {
            let found = format!("the layout {} reads the rows of {files} files as one", layout.id);
            Err(Failure::new(End::Usage, "companion-unknown", found)
                .at(safe(&path.to_string_lossy()))
                .expected("an intake with companion that takes this layout, or --companion for each of the files"))
        }
        (_, companions) => Ok(companions.cloned()),
    }
}

/// All files of its arrival: of those that are named, else of those beside it.
fn whole(companions: &Companions, path: &Path, named: &[PathBuf]) -> Option<Vec<PathBuf>> {
    companions.part_of(&name_of(path))?;
    among(companions, path, named).or_else(|| among(companions, path, &beside(path)))
}

fn among(companions: &Companions, path: &Path, all: &[PathBuf]) -> Option<Vec<PathBuf>> {
    let at = all.iter().position(|one| one == path)?;
    let names: Vec<String> = all.iter().map(|one| name_of(one)).collect();
    let found = companions.pair(names.iter().map(|name| name.as_bytes()));
    let files = found.whole.into_iter().find(|files| files.contains(&at))?;
    Some(files.into_iter().map(|at| all[at].clone()).collect())
}

fn beside(path: &Path) -> Vec<PathBuf> {
    let parent = path.parent().unwrap_or(Path::new(""));
    let folder = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    files.map(|entry| parent.join(entry.file_name())).collect()
}
