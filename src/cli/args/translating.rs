//! The words of `decode`, `encode` and `layout`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct Decode {
    /// Files to read; `-` is standard input. Of several that are one arrival, one or all
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Layout by its id, or the path of a layout file
    #[arg(long, value_name = "LAYOUT")]
    pub layout: String,
    /// As this partner has it: with his [tables], in his zone
    #[arg(long, value_name = "PARTNER")]
    pub partner: Option<String>,
    /// As an intake's `companion`, once for each file of an arrival; without it, as the intakes that take this layout say
    #[arg(long, value_name = "PATTERN")]
    pub companion: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Encode {
    /// JSON lines as `decode` prints them; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// Layout by its id, or the path of a layout file
    #[arg(long, value_name = "LAYOUT")]
    pub layout: String,
    /// As this partner has it: with his [tables], in his zone
    #[arg(long, value_name = "PARTNER")]
    pub partner: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum LayoutCommand {
    /// Show what a file would become with a layout, record by record; nothing is stored
    #[command(
        after_help = "Example:\n  nattpost layout try orders-1107.csv --layout partners/dealer-orders.toml\n  nattpost layout try ORDHDR_7.csv ORDLIN_7.csv --layout desk-pair --companion 'ORDHDR_{no}.csv' --companion 'ORDLIN_{no}.csv'"
    )]
    Try(Try),

    /// Read and write the samples that stand beside layouts, and show what is not as expected
    #[command(
        after_help = "Example:\n  nattpost layout test\n  nattpost layout test dealer-orders\n  nattpost layout test layouts/dealer-orders.toml --bless\n\nSamples of NAME.toml stand in NAME.samples/ beside it, those of a layout.toml in its own folder. \
                      orders.csv.expected.json is what orders.csv must become, orders.csv.messages.jsonl holds messages that must be written as \
                      orders.csv: byte for byte, XML but for white space between elements. Where an intake of the layout has companion, files that \
                      belong together are one sample, called by the first. Ends with 65 when something differs."
    )]
    Test(Test),

    /// Write the specification of a layout as a partner is handed it
    #[command(
        after_help = "Example:\n  nattpost layout doc dealer-orders > dealer-orders.md\n  nattpost layout doc dealer-orders --html > dealer-orders.html\n\nExamples are taken from a sample: the one named, else the first that stands beside the layout (layout test)."
    )]
    Doc(Doc),

    /// Compare two layouts: the file, its records, each field
    #[command(
        after_help = "Example:\n  nattpost layout diff dealer-orders nord-orders\n  nattpost layout diff dealer-orders ./dealer-orders-2.toml"
    )]
    Diff(Compare),

    /// Propose a layout for samples of a partner: a text to correct, never applied unseen
    #[command(
        after_help = "Example:\n  nattpost layout guess orders-1107.csv > layouts/dealer-orders.toml\n  nattpost layout guess orders.txt --kind order --id dealer-orders\n\nSays behind each line how sure it is and why; what to look at first stands at the top, and on standard error. \
                      check refuses the layout until a person has removed its line guessed; layout try, layout test and decode take it by its path."
    )]
    Guess(Guess),
}

#[derive(Debug, Args)]
pub struct Try {
    /// Files to read; `-` is standard input. Of several that are one arrival, one or all
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Layout by its id, or the path of a layout file
    #[arg(long, value_name = "LAYOUT")]
    pub layout: String,
    /// As this partner has it: with his [tables], in his zone
    #[arg(long, value_name = "PARTNER")]
    pub partner: Option<String>,
    /// As an intake's `companion`, once for each file of an arrival; without it, as the intakes that take this layout say
    #[arg(long, value_name = "PATTERN")]
    pub companion: Vec<String>,
    /// Messages shown of each file; all are read
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub limit: u32,
}

#[derive(Debug, Args)]
pub struct Test {
    /// Layouts by id, or paths of layout files; without one, all of the site's
    #[arg(value_name = "LAYOUT")]
    pub layouts: Vec<String>,
    /// Take what was found as what is expected from now on, and write it beside the samples: for who has looked at it
    #[arg(long)]
    pub bless: bool,
}

#[derive(Debug, Args)]
pub struct Guess {
    /// Samples of one layout; several say more than one
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Kind of the messages, where it is known: order, stock, price, customer, order_status, article
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Id of the layout; without it, made of the name of the first file
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
}

#[derive(Debug, Args)]
pub struct Doc {
    /// Layout by its id, or the path of a layout file
    #[arg(value_name = "LAYOUT")]
    pub layout: String,
    /// One page of HTML that stands alone, instead of Markdown
    #[arg(long)]
    pub html: bool,
    /// A file to take examples from
    #[arg(long, value_name = "FILE")]
    pub sample: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Compare {
    /// Layout by its id, or the path of a layout file
    #[arg(value_name = "LAYOUT")]
    pub one: String,
    /// The layout it is compared with
    #[arg(value_name = "OTHER")]
    pub other: String,
}
