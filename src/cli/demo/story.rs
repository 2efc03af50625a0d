//! The story, straight down the page: what happens in this night, in the order in which it happens. Each chapter drops
//! something, waits for what the ledger makes of it, and says so with the paths to look at.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::super::ends::Failure;
use super::super::setting::shown_path;
use super::night::{Judged, Night};
use super::props;
use super::telling::Telling;
use crate::flows::moments;
use crate::model::verdict::Verdict;

/// Between two pieces of the file that is written slowly: shorter than the two seconds a dealer's file has to rest.
const PAUSE: Duration = Duration::from_millis(600);
const PIECES: usize = 4;

pub fn tell(night: &mut Night, telling: &mut Telling<'_, '_>) -> Result<(), Failure> {
    begin(night, telling)?;
    master_data(night, telling)?;
    good_orders(night, telling)?;
    let refused = two_bad_of_five(night, telling)?;
    corrected(night, telling, &refused)?;
    same_again(night, telling)?;
    written_slowly(night, telling)?;
    before_their_customer(night, telling)?;
    what_the_erp_says(night, telling)?;
    files_out(night, telling)?;
    to_look_at(night, telling)?;
    Ok(())
}

fn begin(night: &Night, telling: &mut Telling<'_, '_>) -> Result<()> {
    telling.plain(
        "Nattpost demo: a night of Nordkap Trading. Three partners: a web shop (XML), a dealer (CSV of his own), the ERP.",
    )?;
    telling.path("the spool", night.spool.root())?;
    telling.path("the configuration", &night.config.path)?;
    telling.path("the database", &night.config.store)?;
    telling.say("The daemon (`nattpost run`) has started on them.")?;
    Ok(())
}

fn master_data(night: &mut Night, telling: &mut Telling<'_, '_>) -> Result<()> {
    telling.step("The ERP sends customers, articles, stock and prices.")?;
    let files = [
        ("erp/customers", "customers.xml", props::CUSTOMERS),
        ("erp/articles", "articles.xml", props::ARTICLES),
        ("erp/stock", "stock.csv", props::STOCK),
        ("erp/prices", "prices.csv", props::PRICES),
    ];
    for (intake, name, content) in files {
        night.put(intake, name, content)?;
    }
    for (intake, name, _) in files {
        let file = night.judged(name)?;
        expect(&file, &[(Verdict::Accepted, file.row.messages)])?;
        telling.say(&format!("in/{intake}/{name}: {}", counted(&file)))?;
    }
    let file = night.judged("stock.csv")?;
    telling.path("the originals stand in", folder_of(&file.stands))?;
    Ok(())
}

fn good_orders(night: &mut Night, telling: &mut Telling<'_, '_>) -> Result<()> {
    telling.step("The web shop sends two orders.")?;
    let file = dropped(night, telling, "webshop/orders", "orders-1120.xml", props::WEB_ORDERS)?;
    expect(&file, &[(Verdict::Accepted, 2)])?;
    telling.say("Units of the shop (ST) became codes, both orders stand in the database once.")?;
    telling.path("the original", &file.stands)?;
    Ok(())
}

fn two_bad_of_five(night: &mut Night, telling: &mut Telling<'_, '_>) -> Result<Judged> {
    telling.step("The dealer sends five orders in his own CSV; two of them are wrong.")?;
    let file = dropped(night, telling, "dealer/orders", "orders-1120.csv", props::DEALER_ORDERS)?;
    expect(&file, &[(Verdict::Accepted, 3), (Verdict::Refused, 2)])?;
    telling.say("The good ones are applied. The others are refused, with a reason a person can act on:")?;
    let (reason, reject) = (needed(&file.reason, "reason")?, needed(&file.reject, "reject")?);
    telling.path("the reason", reason)?;
    telling.quote(&text_of(reason)?)?;
    telling.say("The refused orders are cut from the dealer's own bytes, with his header, ready to be corrected:")?;
    telling.path("the reject", reject)?;
    telling.head(&text_of(reject)?)?;
    Ok(file)
}

fn corrected(night: &mut Night, telling: &mut Telling<'_, '_>, refused: &Judged) -> Result<()> {
    telling.step("A person corrects the reject (2,5x becomes 25, MF-999 becomes MF-777) and moves it back.")?;
    let reject = needed(&refused.reject, "reject")?;
    let mut bytes = fs::read(reject).with_context(|| format!("cannot read {}", reject.display()))?;
    bytes = replaced(&bytes, b"2,5x", b"25");
    bytes = replaced(&bytes, b"MF-999", b"MF-777");
    fs::write(reject, bytes).with_context(|| format!("cannot write {}", reject.display()))?;
    let back = night.come_back(&refused.row, reject)?;
    telling.command(&format!("mv {} {}", shown_path(reject), shown_path(folder_of(&back))))?;
    let file = night.returned(&refused.row)?;
    expect(&file, &[(Verdict::Accepted, 2)])?;
    telling.say("Both are applied now: of the dealer's five orders five are in the database, none twice.")?;
    Ok(())
}

fn same_again(night: &mut Night, telling: &mut Telling<'_, '_>) -> Result<()> {
    telling.step("The web shop sends its file again, under another name.")?;
    let file = dropped(night, telling, "webshop/orders", "orders-1120-again.xml", props::WEB_ORDERS)?;
    expect(&file, &[(Verdict::Duplicate, 2)])?;
    telling.say("Nothing was applied twice. Asked about it, Nattpost says:")?;
    typed(night, telling, &["explain", "orders-1120-again.xml"])
}

fn written_slowly(night: &mut Night, telling: &mut Telling<'_, '_>) -> Result<()> {
    telling.step("The dealer writes a file slowly, in four pieces, straight under its final name.")?;
    let name = "orders-1121.csv";
    let mut looks = 0;
    night.put_slowly("dealer/orders", name, props::DEALER_TOUR, (PIECES, PAUSE), |path| {
        if night.is_seen(name)? || !path.exists() {
            bail!("{} was taken before it was whole", path.display());
        }
        looks += 1;
        Ok(())
    })?;
    telling.say(&format!("Looked {looks} times while it was written: it lay in in/, untouched."))?;
    let file = night.judged(name)?;
    expect(&file, &[(Verdict::Accepted, 6)])?;
    telling.say(&format!("Two seconds after the last piece it was taken, whole: {}", counted(&file)))?;
    Ok(())
}

fn before_their_customer(night: &mut Night, telling: &mut Telling<'_, '_>) -> Result<()> {
    telling.step("The web shop sends two orders of a customer whom the ERP has not sent yet.")?;
    let name = "orders-akerlund.xml";
    let file = dropped(night, telling, "webshop/orders", name, props::EARLY_ORDERS)?;
    expect(&file, &[(Verdict::Held, 2)])?;
    telling.path("it waits, up to 24 hours, in", &file.stands)?;
    telling.say("The customer comes:")?;
    dropped(night, telling, "erp/customers", "customer-10055.xml", props::NEW_CUSTOMER)?;
    let file = night.until_counts(name, Verdict::Accepted, 2)?;
    telling.say(&format!("{name} was judged again by itself: {}", counted(&file)))?;
    telling.path("now it stands in", &file.stands)?;
    Ok(())
}

fn what_the_erp_says(night: &mut Night, telling: &mut Telling<'_, '_>) -> Result<()> {
    telling.step("The ERP says how the web shop's orders stand: one partly shipped, one confirmed.")?;
    let file = dropped(night, telling, "erp/order-status", "status.xml", props::ORDER_STATUS)?;
    expect(&file, &[(Verdict::Accepted, 2)])?;
    typed(night, telling, &["find", "W-2001"])
}

fn files_out(night: &mut Night, telling: &mut Telling<'_, '_>) -> Result<()> {
    telling.step("The partners' files are written: by schedule, or, like now, when a person asks for them.")?;
    for (feed, says) in [
        ("webshop/stock", "the web shop's stock; less than nothing is published as 0"),
        ("webshop/order-status", "the state of the web shop's orders"),
        ("dealer/prices", "the dealer's prices, in his layout"),
        ("erp/orders", "all orders for the ERP, each once"),
    ] {
        night.command(&["send", feed])?;
        let (run, path) = night.sent(feed)?;
        telling.command(&format!("nattpost send {feed}"))?;
        telling.path(&format!("{says} ({})", moments::count(run.rows, "row", "rows")), &path)?;
        telling.head(&text_of(&path)?)?;
    }
    Ok(())
}

fn to_look_at(night: &Night, telling: &mut Telling<'_, '_>) -> Result<()> {
    telling.step("What to look at now.")?;
    let program = std::env::current_exe().map_or_else(|_| "nattpost".to_string(), |path| shown_path(&path));
    telling.say("For these commands, say once which configuration is meant:")?;
    telling.command(&format!("export NATTPOST_CONFIG={}", shown_path(&night.config.path)))?;
    for words in [
        "status",
        "files",
        "show orders-1120.csv",
        "explain orders-akerlund.xml",
        "explain M-4502",
        "find A-1001 W-2003",
        "files --verdict refused",
    ] {
        telling.command(&format!("{program} {words}"))?;
    }
    telling.command(&format!("less {}", shown_path(&night.spool.root().join("README.md"))))?;
    telling.path("the daemon's log", &night.log)?;
    Ok(())
}

/// Drops a file in one piece and waits for its verdict.
fn dropped(
    night: &mut Night,
    telling: &mut Telling<'_, '_>,
    intake: &str,
    name: &str,
    content: &[u8],
) -> Result<Judged> {
    night.put(intake, name, content)?;
    let file = night.judged(name)?;
    telling.say(&format!("in/{intake}/{name}: {}", counted(&file)))?;
    Ok(file)
}

/// A command with its answer.
fn typed(night: &Night, telling: &mut Telling<'_, '_>, words: &[&str]) -> Result<()> {
    telling.command(&format!("nattpost {}", words.join(" ")))?;
    let answer = night.command(words)?;
    // A table keeps its columns, a story is wrapped.
    if words[0] == "find" {
        telling.head(&answer)?
    } else {
        telling.quote(&answer)?
    }
    Ok(())
}

fn counted(file: &Judged) -> String {
    let counts = file.row.counts;
    let parts: Vec<String> =
        Verdict::ALL.into_iter().filter(|v| counts.get(*v) > 0).map(|v| format!("{} {v}", counts.get(v))).collect();
    format!("{}.", parts.join(", "))
}

/// The story is told only as far as it is true.
fn expect(file: &Judged, expected: &[(Verdict, u64)]) -> Result<()> {
    let total: u64 = expected.iter().map(|(_, count)| count).sum();
    let counts = file.row.counts;
    if counts.total() == total && total > 0 && expected.iter().all(|(verdict, count)| counts.get(*verdict) == *count) {
        return Ok(());
    }
    let reason = file.reason.as_deref().map(text_of).transpose()?.unwrap_or_default();
    bail!("{} did not become what the demo says, but: {} {reason}", file.row.name, counted(file))
}

fn needed<'f>(path: &'f Option<PathBuf>, what: &str) -> Result<&'f Path> {
    path.as_deref().with_context(|| format!("the {what} file is missing"))
}

/// A file's text; what is no UTF-8 is Latin-1 here.
fn text_of(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|no| no.into_bytes().into_iter().map(char::from).collect()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr::memmem::find(rest, from) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    out.extend_from_slice(rest);
    out
}
