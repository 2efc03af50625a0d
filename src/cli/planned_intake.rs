//! Which intake a file is of, for `plan`: where it stands in the spool, what was said, what its beginning looks like. Where that leaves
//! several, a person says.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::args::Plan;
use super::ends::{End, Failure};
use super::page::safe;
use super::setting;
use crate::config::Config;
use crate::edges::spool::{Place, Spool};
use crate::flows::inbound::reading::HEAD_BYTES;
use crate::model::ids::split_prefixed;
use crate::model::intake::Intake;

/// How the intake was found; for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Place,
    Name,
    Content,
}

impl By {
    pub fn as_str(self) -> &'static str {
        match self {
            By::Place => "by its place in the spool",
            By::Name => "as named",
            By::Content => "by its content",
        }
    }
}

pub fn intake(config: &Config, asked: &Plan) -> Result<(Arc<Intake>, By), Failure> {
    if asked.partner.is_none()
        && asked.intake.is_none()
        && let Some(intake) = by_place(config, &asked.file)?
    {
        return Ok((intake, By::Place));
    }
    let named = by_name(config, asked)?;
    if let [only] = &named[..] {
        return Ok((Arc::clone(only), By::Name));
    }
    let head = head(&asked.file)?;
    let fitting: Vec<&Arc<Intake>> =
        named.iter().filter(|intake| intake.layouts.iter().any(|layout| layout.recognises(&head))).collect();
    let told = |intakes: &[&Arc<Intake>]| intakes.iter().map(|i| i.source()).collect::<Vec<_>>().join(", ");
    match &fitting[..] {
        [only] => Ok((Arc::clone(only), By::Content)),
        [] => Err(Failure::new(End::Usage, "intake-unknown", "no layout of an intake knows such a file")
            .at(safe(&asked.file.to_string_lossy()))
            .expected("the intake it is meant for, by name")
            .advice(format!(
                "Say --partner PARTNER --intake INTAKE; configured: {}.",
                told(&named.iter().collect::<Vec<_>>())
            ))),
        several => Err(Failure::new(
            End::Usage,
            "intake-ambiguous",
            format!("several intakes could take it: {}", told(several)),
        )
        .at(safe(&asked.file.to_string_lossy()))
        .expected("one of them, by name")
        .advice("Say --partner PARTNER --intake INTAKE.")),
    }
}

/// A file of the spool: in the folder of an intake, or with an id that the ledger knows.
fn by_place(config: &Config, file: &Path) -> Result<Option<Arc<Intake>>, Failure> {
    let (Ok(path), true) = (file.canonicalize(), config.spool.is_dir()) else { return Ok(None) };
    let spool = Spool::open(&config.spool).map_err(|error| Failure::from(anyhow::Error::new(error)))?;
    for intake in &config.intakes {
        let (partner, id) = (intake.sender.partner.as_str(), intake.id.as_str());
        let places = [
            Place::In { partner, intake: id },
            Place::Work { partner, intake: id },
            Place::Failed { partner, intake: id },
            Place::HeldIn { partner, intake: id },
        ];
        for place in places {
            let folder = spool.folder(place).map_err(|error| Failure::from(anyhow::Error::new(error)))?;
            if folder.canonicalize().is_ok_and(|folder| path.parent() == Some(&folder)) {
                return Ok(Some(Arc::clone(intake)));
            }
        }
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some((id, _)) = split_prefixed(name.as_bytes()).filter(|_| path.starts_with(spool.root())) else {
        return Ok(None);
    };
    let row = if config.store.exists() { setting::reader(config)?.snapshot()?.file_by_id(id)? } else { None };
    Ok(row.and_then(|row| config.intake(&format!("{}/{}", row.partner, row.intake)).cloned()))
}

/// Those that may be meant by what was said; all where nothing was.
fn by_name(config: &Config, asked: &Plan) -> Result<Vec<Arc<Intake>>, Failure> {
    let (partner, intake) = match (&asked.partner, &asked.intake) {
        (Some(both), None) if both.contains('/') => {
            let (partner, intake) = both.split_once('/').unwrap_or_default();
            (Some(partner), Some(intake))
        }
        (None, Some(both)) if both.contains('/') => {
            let (partner, intake) = both.split_once('/').unwrap_or_default();
            (Some(partner), Some(intake))
        }
        (partner, intake) => (partner.as_deref(), intake.as_deref()),
    };
    if let Some(partner) = partner
        && !config.partners.iter().any(|known| known.partner == partner)
    {
        let known: Vec<&str> = config.partners.iter().map(|known| known.partner.as_str()).collect();
        return Err(setting::unknown(("partner-unknown", "partner"), "--partner", partner, &known));
    }
    let his = config.intakes.iter().filter(|i| partner.is_none_or(|partner| i.sender.partner == partner));
    let his: Vec<&Arc<Intake>> = his.collect();
    let named: Vec<Arc<Intake>> =
        his.iter().filter(|i| intake.is_none_or(|intake| i.id == intake)).map(|i| Arc::clone(i)).collect();
    match (named.is_empty(), intake) {
        (false, _) => Ok(named),
        (true, Some(intake)) => {
            let known: Vec<&str> = his.iter().map(|i| i.id.as_str()).collect();
            Err(setting::unknown(("intake-unknown", "intake"), "--intake", intake, &known))
        }
        (true, None) => Err(Failure::new(End::NotFound, "intake-unknown", "there is no intake that could take a file")
            .expected("an [intake.NAME] in a file of partners/")),
    }
}

fn head(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| {
        let shown = safe(&file.to_string_lossy());
        Failure::from(anyhow::Error::new(error).context(format!("cannot read {shown}")))
    };
    let mut head = Vec::new();
    File::open(file).map_err(failed)?.take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(failed)?;
    Ok(head)
}
