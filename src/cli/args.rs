//! The words of the command line, as clap reads them: the one source of the arguments, of `--help` and of docs/cli.md.
//!
//! Every command shows an example; verbs that act on something take many. It only names what is wanted: nothing is opened here.

mod deciding;
mod finding;
mod keeping;
mod pausing;
mod persons;
mod planning;
mod telling;
mod translating;
mod users;

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};

pub use deciding::Deciding;
pub use finding::Moment;
pub use keeping::{Backup, CatchUp, NewPartner, PartnerCommand, Templates};
pub use pausing::Pausing;
pub use persons::{ByWhat, PersonCommand, Who};
pub use planning::Plan;
pub use telling::{Expect, NoticeCommand, Problems};
pub use translating::{Compare, Decode, Doc, Encode, Guess, LayoutCommand, Test, Try};
pub use users::{OneUser, UserCommand};

use crate::model::document::suggest;
use crate::model::verdict::Verdict;

/// Takes in the files that partners drop, applies their messages exactly once, and writes the files they wait for.
#[derive(Debug, Parser)]
#[command(
    name = "nattpost",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Example:\n  nattpost status\n  nattpost explain orders-1107.csv\n\n\
                  Exit codes: 0 well, 64 wrong usage, 65 messages are refused, 66 nothing found, 69 not possible now, \
                  70 internal error, 74 read or write error, 75 queued or to be tried again, 77 no permission, \
                  78 configuration wrong."
)]
pub struct Cli {
    /// Configuration to work with
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "NATTPOST_CONFIG",
        hide_env_values = true,
        default_value = "nattpost.toml"
    )]
    pub config: PathBuf,

    /// Print JSON instead of text for people
    #[arg(long, global = true)]
    pub json: bool,

    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play a night of a small company on ./spool and tell what happens: no set-up, no network
    #[command(
        after_help = "Example:\n  nattpost demo\n  nattpost demo --once\n\nMakes ./spool where it is missing; clears it only where an earlier demo made it. Configuration and database \
                      stand in ./spool/demo."
    )]
    Demo(Demo),

    /// Run the daemon: take in files and write feeds until stopped
    #[command(after_help = "Example:\n  nattpost run\n  nattpost --config /etc/nattpost/nattpost.toml run --once")]
    Run(Run),

    /// Check the configuration, its secrets and every layout, and say everything that is wrong
    #[command(
        after_help = "Example:\n  nattpost check\n  nattpost check --quiet\n  nattpost check --connect dealer\n\nEnds with 78 when something is wrong, else with 0. For every layout it says whether it reads and \
                      writes, and which fields do not survive writing and reading again. Samples that stand beside layouts are \
                      read and written as layout test does. It also looks at what the configuration points to: \
                      secrets, certificates and folders of remotes.\n\nWith --connect it ends with 69 when a remote or channel does not do what it should. In every folder that \
                      something of ours is to be written, renamed or removed in, it puts 1 KiB under a name that no Nattpost takes for a file, \
                      and removes it; what it could not remove is named. No letter is sent, nothing is posted, no command is started."
    )]
    Check(Check),

    /// How things stand: what waits, what was refused, what came, what is due
    #[command(
        after_help = "Example:\n  nattpost status\n  nattpost status dealer webshop/orders\n\nAlso works while the daemon is down."
    )]
    Status(Status),

    /// What is the matter now, since when, and what to do about it
    #[command(
        after_help = "Example:\n  nattpost problems\n  nattpost problems --all --json\n\nWhat is told by [notices.NAME] of the configuration; docs/problems.md lists the kinds."
    )]
    Problems(Problems),

    /// What should come on a day, what has, what is late
    #[command(
        after_help = "Example:\n  nattpost expect\n  nattpost expect erp/stock --day yesterday\n  nattpost expect shop/orders --close --comment \"he had none on Friday\""
    )]
    Expect(Expect),

    /// Try a channel by which people are told, or tell that the daemon has failed
    #[command(subcommand, after_help = "Example:\n  nattpost notice test ops")]
    Notice(NoticeCommand),

    /// List the files that came, the newest first
    #[command(
        after_help = "Example:\n  nattpost files --partner dealer --verdict refused\n  nattpost files orders-1107.csv 'stock-*'\n  nattpost files --day yesterday --reason article-unknown"
    )]
    Files(Files),

    /// Everything about single files or runs: counts, reasons, differences, where it is now, what to do next
    #[command(after_help = "Example:\n  nattpost show orders-1107.csv\n  nattpost show 0g3k7m2v9q4ha dealer/stock#41")]
    Show(Show),

    /// Tell the story of a file, a run or an order number in sentences
    #[command(
        after_help = "Example:\n  nattpost explain orders-1107.csv\n  nattpost explain 4500017342\n\nKnows names that lie in in/ now, and says so of names that were never seen."
    )]
    Explain(Explain),

    /// Find orders, articles and customers by number: where they came from and where they went
    #[command(
        after_help = "Example:\n  nattpost find 4500017342\n  nattpost find A-1001 K-20033\n  nattpost find A-1001 --at 2026-11-20T06:00"
    )]
    Find(Find),

    /// Judge refused, held or stale files again, as if they had just come
    #[command(
        after_help = "Example:\n  nattpost retry orders-1107.csv\n  nattpost retry --reason article-unknown --partner dealer\n  nattpost retry 0g3k7m2v9q4ha --overrule --comment \"the ERP says Monday's stock is right\"\n  nattpost retry --rehearsed --partner dealer\n  nattpost retry new-customers.csv --key WEB-1001 --existing 104711"
    )]
    Retry(Retry),

    /// Correct fields of a message that is held or was refused, and judge it again
    #[command(
        after_help = "Example:\n  nattpost correct orders-1107.csv --message 2\n  nattpost correct orders-1107.csv --message 2 --set lines.2.qty=3 --unset reference --comment \"asked by phone\"\n\n\
                      Without --set and --unset the fields of the message are shown by the names that --set takes; nothing is changed. \
                      Parts are counted from 1. Both values stay in the ledger."
    )]
    Correct(Correct),

    /// Close refused or held files without applying them; the originals go to done/
    #[command(
        after_help = "Example:\n  nattpost ignore orders-1107.csv --comment \"sent again by mail\"\n  nattpost ignore --reason customer-unknown --day 2026-11-07 --comment test"
    )]
    Ignore(Ignore),

    /// Write a feed now, whatever its schedule says
    #[command(
        after_help = "Example:\n  nattpost send dealer/stock\n  nattpost send dealer/stock webshop/prices --comment \"asked by phone\"\n  nattpost send dealer/stock --full\n  nattpost send dealer/stock --key A-1001"
    )]
    Send(Send),

    /// Stop a partner, an intake or a feed for a while: nothing is taken in, nothing comes due
    #[command(
        after_help = "Example:\n  nattpost pause dealer --comment \"moves his server\"\n  nattpost pause dealer/orders webshop/stock\n\nFiles stay in in/; what comes due meanwhile counts as missed. What is asked for by name (send, retry) is done all the same."
    )]
    Pause(Pausing),

    /// Let go on what was paused
    #[command(after_help = "Example:\n  nattpost resume dealer\n  nattpost resume dealer/stock --out")]
    Resume(Pausing),
    /// Copy the database into a folder, while everything goes on
    #[command(
        after_help = "Example:\n  nattpost backup /srv/backup/nattpost\n\nMakes nattpost-<id>.db, checked and on the disk, and a page of text beside it. The spool is not copied: \
                      docs/operating.md tells how an older database and a newer spool come together again."
    )]
    Backup(Backup),

    /// Bring an older database together with a newer spool: tell what it does not know, or do it
    #[command(
        after_help = "Example:\n  nattpost catch-up\n  nattpost catch-up --do --accept-database --comment \"disk lost on Sunday\"\n\nWithout --do nothing is changed. Files that came are judged anew \
                      under their ids, files of orders that went out are known again, and feeds of orders are resumed once all of theirs \
                      is accounted for. Ends with 75 while something is left for a person."
    )]
    CatchUp(CatchUp),

    /// Work on quotes
    #[command(subcommand, after_help = "Example:\n  nattpost quote accept Q-2026-17 --comment \"by phone\"")]
    Quote(QuoteCommand),

    /// Work on partners' files
    #[command(
        subcommand,
        after_help = "Example:\n  nattpost partner new fjordland --from webshop --name \"Fjordland\""
    )]
    Partner(PartnerCommand),

    /// What is held back goes on: a locked file or feed, a file that its remote refused
    #[command(
        after_help = "Example:\n  nattpost release erp/stock --comment \"stocktaking\"\n  nattpost release stock-1107.csv"
    )]
    Release(Deciding),

    /// What is held back is not wanted: close it without applying or sending it
    #[command(after_help = "Example:\n  nattpost discard erp/stock --in --comment \"half a file, a new one comes\"")]
    Discard(Deciding),

    /// What is kept of a person, and where
    #[command(subcommand, after_help = "Example:\n  nattpost person show anna@example.org")]
    Person(PersonCommand),

    /// Passwords of contacts who may log in
    #[command(subcommand, after_help = "Example:\n  nattpost user set-password K-1")]
    User(UserCommand),

    /// Show what a file would change: rows before and after, what is refused, what waits; nothing is applied
    #[command(
        after_help = "Example:\n  nattpost plan spool/in/shop/orders/orders-1107.csv\n  nattpost plan stock.csv --partner erp --intake stock\n  nattpost --json plan stock.csv --partner erp | jq .key\n\n\
                      One moment of the database is copied into a folder of its own, also while the daemon runs; the file is taken in there as at \
                      night, whatever its partner's mode, and the two are compared. Neither spool nor database is written, and the copy is removed. \
                      A file that the guard would lock is shown as its release would apply it. Files that wait before it are not looked at. Ends with 65 when something would be refused or locked."
    )]
    Plan(Plan),

    /// Read a file with a layout and print its messages as JSON lines
    #[command(
        after_help = "Example:\n  nattpost decode orders-1107.csv --layout dealer-orders\n  nattpost decode order.xml --layout nattpost-order-xml | jq .buyer_order_no\n\nMessages go to standard output, problems to standard error. Ends with 65 when a message or the file is refused."
    )]
    Decode(Decode),

    /// Write messages, given as JSON lines, in a layout
    #[command(
        after_help = "Example:\n  nattpost encode stock.jsonl --layout nattpost-stock-csv > stock.csv\n  nattpost decode a.xml --layout nattpost-order-xml | nattpost encode - --layout nattpost-order-csv"
    )]
    Encode(Encode),

    /// Work on layouts, the descriptions of partners' file formats
    #[command(subcommand, after_help = "Example:\n  nattpost layout try orders-1107.csv --layout dealer-orders")]
    Layout(LayoutCommand),
}

#[derive(Debug, Args)]
pub struct Check {
    /// Say nothing when all is well, and look at the configuration alone, as a start and a reload do
    #[arg(long)]
    pub quiet: bool,
    /// Also connect to every remote (or those of one PARTNER) and to every channel of notices, and try what is to be done there
    #[arg(long, value_name = "PARTNER", num_args = 0..=1)]
    pub connect: Option<Option<String>>,
}

#[derive(Debug, Args)]
pub struct Demo {
    /// End when the story is told; else the daemon stays up until Ctrl-C
    #[arg(long)]
    pub once: bool,
}

#[derive(Debug, Args)]
pub struct Run {
    /// Do what is to be done, wait out what still settles, then end (for cron and tests)
    #[arg(long)]
    pub once: bool,
    /// Begin also with a database that is not the one this spool was last run with: lost, exchanged or an older copy.
    /// To be given once, by a person who read what is found; not in a unit or a cron job
    #[arg(long)]
    pub accept_database: bool,
}

#[derive(Debug, Args)]
pub struct Status {
    /// Only these partners, intakes, feeds or remotes (`partner`, `partner/intake`, `partner/remote`)
    #[arg(value_name = "PARTNER")]
    pub only: Vec<String>,
}

/// Which files are meant.
#[derive(Debug, Clone, Args)]
pub struct Choice {
    /// File ids or file names; a name may have `*` for any text
    #[arg(value_name = "ITEM")]
    pub items: Vec<String>,
    /// Only files of this partner, or of one of his intakes (`partner/intake`)
    #[arg(long, value_name = "PARTNER")]
    pub partner: Option<String>,
    /// Only files with a message of this verdict: accepted, unchanged, duplicate, stale, held, refused
    #[arg(long, value_parser = verdict)]
    pub verdict: Option<Verdict>,
    /// Only files with this reason, like article-unknown
    #[arg(long, value_name = "CODE")]
    pub reason: Option<String>,
    /// Only files first seen on this day: 2026-11-07, today, yesterday
    #[arg(long, value_parser = day)]
    pub day: Option<Day>,
    /// Only files that were rehearsed (their partner in mode test or shadow), and neither applied since nor closed
    #[arg(long)]
    pub rehearsed: bool,
}

impl Choice {
    /// Nothing at all was said.
    pub fn is_empty(&self) -> bool {
        let filters = self.partner.is_some() || self.verdict.is_some() || self.reason.is_some() || self.day.is_some();
        self.items.is_empty() && !filters && !self.rehearsed
    }
}

#[derive(Debug, Args)]
pub struct Files {
    #[command(flatten)]
    pub choice: Choice,
    /// At most so many lines
    #[arg(long, value_name = "COUNT", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
}

#[derive(Debug, Args)]
pub struct Show {
    /// File ids, file names, runs as `partner/feed#number`, or `partner/feed` for its last run
    #[arg(value_name = "ITEM", required = true)]
    pub items: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// File names (past or present), file ids, runs, order numbers
    #[arg(value_name = "ITEM", required = true)]
    pub items: Vec<String>,
}

#[derive(Debug, Args)]
pub struct Find {
    /// Order numbers (the customer's or the seller's), article numbers, customer numbers
    #[arg(value_name = "KEY", required = true)]
    pub keys: Vec<String>,
    /// Stock, prices and order status as they were then: 2026-11-20T06:00 (the company's clock), 2026-11-20T06:00Z, 2026-11-20T06:00+01:00
    #[arg(long, value_name = "MOMENT", value_parser = Moment::read)]
    pub at: Option<Moment>,
}

#[derive(Debug, Args)]
pub struct Retry {
    #[command(flatten)]
    pub choice: Choice,
    /// Apply what is stale all the same, and register who may be known already as a new one
    #[arg(long)]
    pub overrule: bool,
    /// Only messages of this key, like an order number or the number of who registers
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Who registers is known: the customer or contact of this number
    #[arg(long, value_name = "NUMBER", conflicts_with = "overrule")]
    pub existing: Option<String>,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
}

#[derive(Debug, Subcommand)]
pub enum QuoteCommand {
    /// Make an order of a quote, once: its customer took it up
    #[command(
        after_help = "Example:\n  nattpost quote accept Q-2026-17\n  nattpost quote accept \"104711 / Q-2026-17\" --order B-1107 --comment \"by phone\""
    )]
    Accept(QuoteAccept),
}

#[derive(Debug, Args)]
pub struct QuoteAccept {
    /// Number of the quote, or `customer / number` where several customers have one of it
    #[arg(value_name = "KEY")]
    pub quote: String,
    /// The customer's number of the order; without it the one that the quote names, else the quote's own
    #[arg(long, value_name = "NUMBER")]
    pub order: Option<String>,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
}

#[derive(Debug, Args)]
pub struct Correct {
    /// Name or id of the file; a name means the newest of that name
    #[arg(value_name = "FILE")]
    pub file: String,
    /// The message's number in its file, from 1, as nattpost show tells it
    #[arg(long, value_name = "NUMBER")]
    pub message: u64,
    /// A field and what it should hold, like lines.2.qty=3
    #[arg(long, value_name = "FIELD=VALUE")]
    pub set: Vec<String>,
    /// A field that should not have been sent
    #[arg(long, value_name = "FIELD")]
    pub unset: Vec<String>,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
}

#[derive(Debug, Args)]
pub struct Ignore {
    #[command(flatten)]
    pub choice: Choice,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", required = true)]
    pub comment: String,
}

#[derive(Debug, Args)]
pub struct Send {
    /// Feeds as `partner/feed`
    #[arg(value_name = "FEED", required = true)]
    pub feeds: Vec<String>,
    /// A full file, also of a feed that tells changes
    #[arg(long, conflicts_with = "key")]
    pub full: bool,
    /// Only rows of this article, customer or order
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
}

/// A day as people say it; what `today` means is decided where the zone is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Day {
    Date(NaiveDate),
    Today,
    Yesterday,
}

impl Day {
    pub fn date(self, today: NaiveDate) -> NaiveDate {
        match self {
            Day::Date(date) => date,
            Day::Today => today,
            Day::Yesterday => today.pred_opt().unwrap_or(today),
        }
    }
}

fn day(text: &str) -> Result<Day, String> {
    match text {
        "today" => Ok(Day::Today),
        "yesterday" => Ok(Day::Yesterday),
        _ => NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(Day::Date)
            .map_err(|_| "expected a day like 2026-11-07, or today, or yesterday".to_string()),
    }
}

fn verdict(text: &str) -> Result<Verdict, String> {
    Verdict::parse(text).ok_or_else(|| {
        let known: Vec<&str> = Verdict::ALL.iter().map(|v| v.as_str()).collect();
        let hint = suggest(text, &known).map(|hint| format!(". {hint}")).unwrap_or_default();
        format!("expected one of: {}{hint}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn all(command: &clap::Command, found: &mut Vec<clap::Command>) {
        found.push(command.clone());
        for sub in command.get_subcommands() {
            all(sub, found);
        }
    }

    #[test]
    fn every_command_shows_an_example_that_it_understands() {
        Cli::command().debug_assert();
        let mut commands = Vec::new();
        all(&Cli::command(), &mut commands);
        assert!(commands.len() > 12, "{}", commands.len());
        for command in commands {
            let help = command.get_after_help().unwrap_or_else(|| panic!("{} has no example", command.get_name()));
            let help = help.to_string();
            let examples: Vec<&str> = help.lines().filter_map(|l| l.strip_prefix("  nattpost ")).collect();
            assert!(!examples.is_empty(), "{}: {help}", command.get_name());
            for example in examples {
                for part in example.split(" | ") {
                    let words = words(part);
                    if words.first().map(String::as_str) == Some("jq") {
                        continue;
                    }
                    let words = words.into_iter().filter(|w| w != "nattpost").take_while(|w| w != ">");
                    let line = std::iter::once("nattpost".to_string()).chain(words);
                    if let Err(error) = Cli::try_parse_from(line) {
                        panic!("{example}: {error}");
                    }
                }
            }
        }
    }

    /// Words as a shell would split them; quotes as far as the examples use them.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for c in line.chars() {
            match (c, quote) {
                ('"', None) | ('\'', None) if word.is_empty() => quote = Some(c),
                (c, Some(q)) if c == q => quote = None,
                (' ', None) => words.push(std::mem::take(&mut word)),
                (c, _) => word.push(c),
            }
        }
        words.push(word);
        words.retain(|w| !w.is_empty());
        words
    }

    #[test]
    fn days_are_said_as_people_say_them() {
        let today = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        assert_eq!(day("yesterday").unwrap().date(today).to_string(), "2026-02-28");
        assert_eq!(day("2026-01-31").unwrap().date(today).to_string(), "2026-01-31");
        assert!(day("31.1.2026").is_err());
    }
}
