//! Checks beyond form, each off unless the intake asks: order dates, totals, check digits.

use chrono::NaiveDate;

use crate::model::batch::{Message, NodeRef};
use crate::model::decimal;
use crate::model::diagnostic::{Place, Problem};
use crate::model::intake::Plausibility;
use crate::model::kind::Kind;
use crate::model::rules::identifiers;
use crate::model::wording::judging as words;

/// What is checked in one kind, with the fields looked up once.
pub struct Plausible {
    rule: Plausibility,
    today: NaiveDate,
    order_date: Option<usize>,
    total_net: Option<usize>,
    lines: Option<LineFields>,
    /// (group, field, is an ISBN)
    numbers: Vec<(usize, usize, bool)>,
}

struct LineFields {
    group: usize,
    qty: usize,
    net_price: usize,
    price_per: usize,
    discounts: Vec<usize>,
    line_total: usize,
}

impl Plausible {
    pub fn new(rule: Plausibility, kind: &Kind, today: NaiveDate) -> Self {
        let head = kind.head();
        let mut numbers = Vec::new();
        if rule.check_digits {
            for (index, group) in kind.groups.iter().enumerate() {
                numbers.extend(group.field("ean").map(|f| (index, f, false)));
                numbers.extend(group.field("isbn").map(|f| (index, f, true)));
            }
        }
        Plausible {
            rule,
            today,
            order_date: rule.order_date_days.and(head.field("order_date")),
            total_net: if rule.totals { head.field("total_net") } else { None },
            lines: if rule.totals { LineFields::of(kind) } else { None },
            numbers,
        }
    }

    /// All that is implausible; `place` tells where a field of a node stands.
    pub fn problems(&self, message: &Message<'_>, place: &dyn Fn(&NodeRef<'_>, usize) -> Place) -> Vec<Problem> {
        let mut problems = Vec::new();
        let head = message.head();
        if let (Some(field), Some(days)) = (self.order_date, self.rule.order_date_days)
            && let Some(text) = head.value(field).text()
            && let Ok(date) = text.parse::<NaiveDate>()
            && (date - self.today).num_days().unsigned_abs() > days as u64
        {
            problems.push(words::order_date_implausible(place(&head, field), text, days));
        }
        if let (Some(field), Some(lines)) = (self.total_net, &self.lines)
            && let Some(total) = head.value(field).number()
            && let Some(sum) = lines.sum(message)
            && !same_money(total, sum)
        {
            let (found, computed) = (decimal::text(total, 6), decimal::text(sum, 6));
            problems.push(words::total_mismatch(place(&head, field), &found, &computed));
        }
        for (group, field, is_isbn) in &self.numbers {
            for node in message.group(*group) {
                let Some(number) = node.value(*field).text() else { continue };
                let fits = if *is_isbn { identifiers::isbn(number).is_ok() } else { identifiers::ean(number).is_ok() };
                if !fits {
                    problems.push(words::check_digit_wrong(place(&node, *field), number));
                }
            }
        }
        problems
    }
}

/// Senders round each line to their currency's cent: one cent a total is theirs.
fn same_money(a: i64, b: i64) -> bool {
    a.abs_diff(b) <= 10_000
}

impl LineFields {
    fn of(kind: &Kind) -> Option<Self> {
        let group = kind.group("lines")?;
        let fields = &kind.groups[group];
        Some(LineFields {
            group,
            qty: fields.field("qty")?,
            net_price: fields.field("net_price")?,
            price_per: fields.field("price_per")?,
            discounts: ["discount_pct", "discount2_pct", "discount3_pct"]
                .iter()
                .filter_map(|n| fields.field(n))
                .collect(),
            line_total: fields.field("line_total")?,
        })
    }

    /// Nothing when a line has neither a total nor a price: then there is nothing to compare.
    fn sum(&self, message: &Message<'_>) -> Option<i64> {
        message.group(self.group).try_fold(0i64, |sum, line| sum.checked_add(self.line(&line)?))
    }

    fn line(&self, line: &NodeRef<'_>) -> Option<i64> {
        if let Some(total) = line.value(self.line_total).number() {
            return Some(total);
        }
        let per = line.value(self.price_per).number().filter(|per| *per != 0).unwrap_or(1_000_000);
        let mut amount =
            line.value(self.net_price).number()? as i128 * line.value(self.qty).number()? as i128 / per as i128;
        for discount in &self.discounts {
            let percent = line.value(*discount).number().unwrap_or(0) as i128;
            amount = amount * (1_000_000 - percent) / 1_000_000;
        }
        i64::try_from(amount).ok()
    }
}
