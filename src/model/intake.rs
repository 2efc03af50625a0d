//! One inbound rule of a partner: what may come, from whom, in which layouts, and what to do in doubt. Data only; the
//! decisions are in `rules`, the reading of `partners/<id>.toml` is in `config`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::answering::Answering;
use super::layout::Layout;
use super::mode::Mode;
use super::remote::{FetchFrom, SendTo};
use super::remote_name::matches;
use super::rules::as_of::NameAsOf;
use super::rules::by_number::{ByNumber, is_pdf};
use super::rules::companions::Companions;
use super::rules::contents::Contents;
use super::rules::guard::Limits;

/// A partner: what his files may say and how his words translate, in both directions.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Partner id: folder name and owner of aliases.
    pub partner: String,
    /// What people call him.
    pub name: String,
    /// The customer numbers he may order for; empty: any.
    pub customers: Vec<String>,
    /// His words for units → UN/ECE Recommendation 20.
    pub units: BTreeMap<String, String>,
    /// Zone of his local times.
    pub zone: chrono_tz::Tz,
    pub mode: Mode,
}

#[derive(Debug, Clone)]
pub struct Intake {
    pub sender: Arc<Sender>,
    /// Folder name below the partner's.
    pub id: String,
    /// In the order of trial; the first that recognises the content reads it.
    pub layouts: Vec<Arc<Layout>>,
    /// An archive is read as the files in it.
    pub unzip: bool,
    /// Several files are one arrival.
    pub companions: Option<Arc<Companions>>,
    /// PDFs that come alone go on with orders.
    pub by_number: Option<Arc<ByNumber>>,
    /// Documents come with their bytes, as files beside the manifest.
    pub contents: Option<Arc<Contents>>,
    /// Names of files that are tests, whatever the partner's mode: `*-stg*`.
    pub test_names: Vec<String>,
    pub settle: Settle,
    /// A file without its end is refused when it has not grown for so long.
    pub truncated_after: Duration,
    pub policy: Policy,
    pub customers: References,
    pub articles: References,
    /// The orders that an order status speaks of.
    pub orders: References,
    /// Schemes by which a line's article is looked for, in order.
    pub article_schemes: Vec<ArticleScheme>,
    /// The customer of orders that name none.
    pub customer: Option<String>,
    pub on_change: OnChange,
    pub order_numbers: OrderNumbers,
    /// The last state of an order in which a change of it is taken.
    pub change_until: &'static str,
    /// The numbers that registered customers get from us; none: the ERP gives them.
    pub customer_numbers: Option<NumberRange>,
    pub contact_numbers: Option<NumberRange>,
    pub as_of: AsOf,
    /// What a record or fact that is no longer in a full file gets.
    pub absent: Absent,
    /// Fields and their values that every message of a full file has; a file without them brings changes. Empty: each is full.
    pub full_when: Vec<(String, String)>,
    /// Intakes of the same partner whose rows a full file closes beside its own: they bring its changes.
    pub closes: Vec<String>,
    pub negative_stock: NegativeStock,
    pub plausibility: Plausibility,
    /// Records and facts: a file that does more waits for a person.
    pub guard: Limits,
    pub originals: Originals,
    /// Layout of the receipt that the sender gets, if any.
    pub receipt: Option<Arc<Layout>>,
    /// How its questions are answered.
    pub answering: Option<Arc<Answering>>,
    /// The remote its files come from; its folder in in/ takes what people drop.
    pub from: Option<FetchFrom>,
    /// Where its receipts are brought; none: they are picked up.
    pub receipt_to: Option<SendTo>,
    /// Kinds and names of his own fields of records and facts that feeds ask for.
    pub keeps: Vec<(String, String)>,
    /// What the meaning of a file depends on: a changed fingerprint makes an equal file worth judging again.
    pub fingerprint: u64,
}

impl Intake {
    /// `partner/intake`: the source that stands on every row this intake writes.
    pub fn source(&self) -> String {
        format!("{}/{}", self.sender.partner, self.id)
    }

    /// How much in earnest a file of this name is.
    pub fn mode_of(&self, name: &str) -> Mode {
        let is_test = || self.test_names.iter().any(|pattern| matches(pattern.as_bytes(), name.as_bytes()));
        if self.sender.mode.writes() && is_test() { Mode::Test } else { self.sender.mode }
    }

    /// Whose rows its full files close: its own, and those of the intakes that bring changes of them.
    pub fn closing(&self) -> Vec<&str> {
        std::iter::once(&self.id).chain(&self.closes).map(String::as_str).collect()
    }

    /// A file of this name is the bytes of a document, and no message.
    pub fn is_content(&self, name: &str) -> bool {
        self.contents.as_ref().is_some_and(|contents| contents.takes(name))
    }

    /// What it is says its name, and no layout reads it: bytes of a document, a PDF that came alone.
    pub fn knows_by_name(&self, name: &str) -> bool {
        self.is_content(name) || self.by_number.is_some() && is_pdf(name)
    }

    /// Its sender hears of each file by a file of ours.
    pub fn is_replied(&self) -> bool {
        self.receipt.is_some() || self.answering.is_some()
    }

    /// Some of its messages may get numbers of ours.
    pub fn gives_numbers(&self) -> bool {
        self.order_numbers == OrderNumbers::Own || self.customer_numbers.is_some() || self.contact_numbers.is_some()
    }

    /// Its orders make the customers or articles that nobody knows.
    pub fn makes(&self) -> bool {
        self.customers == References::Create || self.articles == References::Create
    }

    /// Names of the fields that are kept of what this layout reads.
    pub fn kept(&self, layout: &Layout) -> Vec<Arc<str>> {
        let kind = &layout.kind.name;
        let names = self.keeps.iter().filter(|(of, name)| of == kind && layout.brings_extra(kind, name));
        names.map(|(_, name)| name.as_str().into()).collect()
    }
}

/// When a dropped file is complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settle {
    /// Moved in whole: taken at once.
    Rename,
    /// Size and time unchanged for so long by our own clock, over at least two looks.
    Stable(Duration),
    /// A second file vouches: `<name>` plus this suffix, or the name with its extension replaced by it (`.done`).
    DoneFile { suffix: String },
}

/// What refused messages mean for the others of their file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// The good ones are applied.
    GoodMessages,
    /// One refused message refuses all.
    WholeFile,
    /// More than so many per ten thousand refused messages refuse all.
    Threshold { per_10_000: u32 },
}

/// What a number that is not known gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum References {
    Check,
    /// Held until it comes, refused after so long.
    Wait(Duration),
    /// Taken as sent.
    Accept,
    /// Taken as sent, and made from what the message says of it: orders alone.
    Create,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArticleScheme {
    /// `article_no` is ours.
    Own,
    /// `buyer_article_no` is the partner's.
    Partner,
    Supplier,
    Ean,
    Isbn,
}

/// A request whose key we have, with other fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnChange {
    Hold,
    ReplaceUntilExported,
    Refuse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderNumbers {
    /// Comes from the ERP with the first status.
    Erp,
    /// Given by us when the order is applied.
    Own,
}

/// Numbers of ours, the last one included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberRange {
    pub first: u64,
    pub last: u64,
}

/// Which moment a record or fact speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AsOf {
    FirstSeen,
    /// Digits found in the name: `stock_{seq}.csv`; the larger, the newer.
    NameSequence(NameAsOf),
    /// Date and time in the name, in the sender's zone: `stock_{%Y%m%d%H%M}.csv`.
    NameTime(NameAsOf),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absent {
    Leave,
    /// Closes rows of this source whose fields have these values (empty: all of the source).
    Close {
        scope: Vec<(String, String)>,
    },
    /// The same, with the scope taken from the values of these fields in the file itself.
    CloseWithin {
        fields: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NegativeStock {
    Store,
    Refuse,
}

/// Checks beyond form, each off by default: partners' own files do not always pass them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Plausibility {
    /// Order dates more than so many days from today are refused.
    pub order_date_days: Option<u32>,
    /// The order's net total must be the sum of its lines.
    pub totals: bool,
    /// EAN and ISBN check digits.
    pub check_digits: bool,
}

/// What becomes of the originals in done/.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Originals {
    /// Kept for so many days.
    Keep { days: u32 },
    /// Personal fields are overwritten in the copy after so many days; kept for `keep_days` in all.
    Redact { after_days: u32, keep_days: u32 },
    /// Put into an archive of their day after so many days; kept for `keep_days` in all.
    Archive { after_days: u32, keep_days: u32 },
    /// Removed once the file is placed; its ledger stays.
    None,
}
