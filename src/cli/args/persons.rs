//! Words of `person`.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum PersonCommand {
    /// What is kept of a person, and where: rows, messages, files, columns that hold his values
    #[command(
        after_help = "Example:\n  nattpost person show anna@example.org\n  nattpost person show K-1 --by contact --inside\n\nA name lists who could be meant. Which fields are personal is said by the kinds (docs/kinds.md). \
                      Ends with 66 when nothing is found."
    )]
    Show(Who),
    /// Everything that is kept of a person, as one JSON document
    #[command(after_help = "Example:\n  nattpost person export anna@example.org > anna.json")]
    Export(Who),
}

#[derive(Debug, Args)]
pub struct Who {
    /// E-mail address, number of a contact or of a customer, or a name
    #[arg(value_name = "PERSON")]
    pub who: String,
    /// What PERSON is, where a contact and a customer have the same number
    #[arg(long, value_name = "WHAT")]
    pub by: Option<ByWhat>,
    /// Also look into every file of the spool, byte by byte
    #[arg(long)]
    pub inside: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ByWhat {
    Email,
    Contact,
    Customer,
}
