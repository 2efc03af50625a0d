//! Words of `backup`, `catch-up` and `partner`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct Backup {
    /// Folder for the copy; it must exist, best on another disk
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
}

#[derive(Debug, Args)]
pub struct CatchUp {
    /// Do what is told without it
    #[arg(long = "do")]
    pub carry_out: bool,
    /// Also with a database that is not the one this spool was last run with: an older copy that was put in place
    #[arg(long, requires = "carry_out")]
    pub accept_database: bool,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
}

#[derive(Debug, Subcommand)]
pub enum PartnerCommand {
    /// Make the file of a new partner from another's, or from a template
    #[command(
        after_help = "Example:\n  nattpost partner new fjordland --from webshop --name \"Fjordland\"\n  nattpost partner new dealer-2 --from dealer\n\n`nattpost partner templates` lists the templates. Name, customers, servers and secrets of the other are not taken over: \
                      they stand there as comments. Where something is missing the file is made as ID.toml.new, which no daemon reads."
    )]
    New(NewPartner),
    /// List what a new partner's file can be made from: templates, and the partners of this configuration
    #[command(
        after_help = "Example:\n  nattpost partner templates\n\nA file NAME.toml in the folder of templates goes before the template of that name that the program brings along; \
                      the first sentence of the comment at its beginning says what it is."
    )]
    Templates(Templates),
}

#[derive(Debug, Args)]
pub struct NewPartner {
    /// Its id: the name of its file and of its folders in the spool
    #[arg(value_name = "ID")]
    pub id: String,
    /// A partner of this configuration, or a template
    #[arg(long, value_name = "PARTNER|TEMPLATE")]
    pub from: String,
    /// What people call it
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub templates: Templates,
}

#[derive(Debug, Args)]
pub struct Templates {
    /// Folder of templates
    #[arg(
        long = "templates",
        value_name = "FOLDER",
        env = "NATTPOST_TEMPLATES",
        hide_env_values = true,
        default_value = "/usr/share/nattpost/templates"
    )]
    pub folder: PathBuf,
}
