//! `partner new`: writes the file of a new partner from another's or from a template. One that a reload would refuse is not put
//! where a reload reads it. What is taken over is `config::copied`'s.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde_json::json;

use super::args::NewPartner;
use super::ends::{End, Failure, Outcome};
use super::page::{Page, safe};
use super::setting;
use crate::config::copied::{TEMPLATES, copied};
use crate::config::{self, Config};

pub fn new(page: &mut Page<'_>, path: &Path, asked: &NewPartner) -> Outcome {
    let config = setting::configuration(path)?;
    config::partner_id(&asked.id).map_err(|wrong| {
        Failure::new(End::Usage, "partner-id-wrong", wrong.text).at("ID").advice(wrong.suggestion.unwrap_or_default())
    })?;
    let text = copied(&pattern(&config, &asked.from)?, asked.name.as_deref().unwrap_or(&asked.id));
    let target = config.partners_folder.join(format!("{}.toml", asked.id));
    write(&target, &text)?;
    let Err(problems) = setting::read_configuration(path) else {
        return done(page, &target, &[]);
    };
    // A daemon that starts at night must not find it half filled in.
    let aside = target.with_extension("toml.new");
    std::fs::rename(&target, &aside).map_err(|error| cannot_write(&aside, error))?;
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    done(page, &aside, &problems)
}

fn pattern(config: &Config, from: &str) -> Result<String, Failure> {
    if config.partners.iter().any(|partner| partner.partner == from) {
        let path = config.partners_folder.join(format!("{from}.toml"));
        return std::fs::read_to_string(&path).map_err(|error| {
            Failure::from(anyhow::Error::new(error).context(format!("cannot read {}", path.display())))
        });
    }
    if let Some((_, text)) = TEMPLATES.iter().find(|(name, _)| *name == from) {
        return Ok((*text).to_string());
    }
    let partners = config.partners.iter().map(|partner| &partner.partner[..]);
    let known: Vec<&str> = partners.chain(TEMPLATES.iter().map(|(name, _)| *name)).collect();
    Err(setting::unknown(("template-unknown", "partner or template"), "--from", from, &known))
}

fn write(target: &Path, text: &str) -> Result<(), Failure> {
    let made = File::create_new(target).and_then(|mut file| file.write_all(text.as_bytes()));
    made.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            let found = format!("{} is there already", setting::shown_path(target));
            return Failure::new(End::Usage, "partner-exists", found).expected("an id that no partner has");
        }
        cannot_write(target, error)
    })
}

fn cannot_write(path: &Path, error: std::io::Error) -> Failure {
    Failure::from(anyhow::Error::new(error).context(format!("cannot write {}", path.display())))
}

fn done(page: &mut Page<'_>, path: &Path, problems: &[String]) -> Outcome {
    let shown = setting::shown_path(path);
    if page.json {
        page.object(&json!({ "path": path.to_string_lossy(), "problems": problems }))?;
    } else if problems.is_empty() {
        page.line(format!("{shown} is made. Look through it, then reload the daemon (systemctl reload nattpost)."))?;
    } else {
        page.line(format!("{shown} is made, and no daemon reads it yet. Correct this, then take .new from its name:"))?;
        problems.iter().try_for_each(|problem| page.line(safe(&format!("  {problem}"))))?;
    }
    Ok(if problems.is_empty() { End::Well } else { End::Configuration })
}
