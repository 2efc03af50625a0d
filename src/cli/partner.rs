//! `partner new`: writes the file of a new partner from another's or from a template; `partner templates` lists them. One that a reload would refuse is not put
//! where a reload reads it. What is taken over is `config::copied`'s.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use serde_json::json;

use super::args::{NewPartner, Templates};
use super::ends::{End, Failure, Outcome};
use super::page::{Columns, Page, safe};
use super::setting;
use crate::config::copied::copied;
use crate::config::templates::{self, Template};
use crate::config::{self, Config};
use crate::model::intake::Sender;
use crate::model::mode::plain;

pub fn new(page: &mut Page<'_>, path: &Path, asked: &NewPartner) -> Outcome {
    let config = setting::configuration(path)?;
    config::partner_id(&asked.id).map_err(|wrong| {
        Failure::new(End::Usage, "partner-id-wrong", wrong.text).at("ID").advice(wrong.suggestion.unwrap_or_default())
    })?;
    let text = copied(&pattern(&config, asked)?, asked.name.as_deref().unwrap_or(&asked.id));
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

/// What a new partner's file can be made from. A partner of ours goes before a template of his name.
pub fn templates(page: &mut Page<'_>, config: &Config, asked: &Templates) -> Outcome {
    let mut templates = known_templates(asked)?;
    templates.retain(|template| config.partners.iter().all(|partner| partner.partner != template.name));
    let whose = |template: &Template| if template.of_folder { "folder" } else { "program" };
    if page.json {
        for template in &templates {
            page.object(&json!({ "name": template.name, "whose": whose(template), "about": template.about() }))?;
        }
        for partner in &config.partners {
            page.object(&json!({ "name": partner.partner, "whose": "partner", "about": about(config, partner) }))?;
        }
        return Ok(End::Well);
    }
    let mut columns = Columns::new(&["name", "whose", "what it is"]);
    for template in &templates {
        columns.row([&template.name[..], whose(template), template.about()]);
    }
    for partner in &config.partners {
        columns.row([&partner.partner[..], "partner", &about(config, partner)]);
    }
    page.table(columns)?;
    page.gap()?;
    page.line("nattpost partner new ID --from NAME makes the file of a new partner from one of them.")?;
    Ok(End::Well)
}

/// `Fjordland: takes in orders, sends stock and prices`.
fn about(config: &Config, partner: &Sender) -> String {
    let intakes = config.intakes.iter().filter(|intake| intake.sender.partner == partner.partner);
    let feeds = config.feeds.iter().filter(|feed| feed.partner == partner.partner);
    let parts = [
        ("takes in", intakes.map(|intake| &intake.id[..]).collect::<Vec<_>>()),
        ("sends", feeds.map(|feed| plain(&feed.id)).collect()),
    ];
    let told = parts.iter().filter(|(_, names)| !names.is_empty());
    let told: Vec<String> = told.map(|(what, names)| format!("{what} {}", names.join(", "))).collect();
    let told = if told.is_empty() { "nothing yet".to_string() } else { told.join("; ") };
    format!("{}: {told}", partner.name)
}

fn known_templates(asked: &Templates) -> Result<Vec<Template>, Failure> {
    templates::all(&asked.folder).map_err(|problems| {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        Failure::new(End::Configuration, "templates-unreadable", told.join("; ")).at("--templates")
    })
}

fn pattern(config: &Config, asked: &NewPartner) -> Result<String, Failure> {
    let from = &asked.from;
    if config.partners.iter().any(|partner| partner.partner == *from) {
        return templates::of_partner(&config.partners_folder, from).map_err(|problem| {
            Failure::new(End::Configuration, "configuration-wrong", problem.to_string()).at("--from")
        });
    }
    let templates = known_templates(&asked.templates)?;
    if let Some(template) = templates.iter().find(|template| template.name == *from) {
        return Ok(template.text.clone());
    }
    let partners = config.partners.iter().map(|partner| &partner.partner[..]);
    let known: Vec<&str> = partners.chain(templates.iter().map(|template| &template.name[..])).collect();
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
