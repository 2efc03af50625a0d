//! A change of an order: is it its turn, does it come early enough, what does it make of the order. Whether the order was handed
//! on is asked within the transaction that changes it, and there is one connection that writes: a feed of orders has either
//! named it in a commit before, and then the change goes out by itself, or it takes the last form along.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use super::in_hand::InHand;
use super::judge::Hold;
use crate::edges::store::business::{NewAmendment, OrderState};
use crate::edges::store::{RowId, Tx};
use crate::model::batch::{Batch, Message, Value};
use crate::model::diagnostic::{Place, Problem};
use crate::model::difference::difference;
use crate::model::intake::References;
use crate::model::json;
use crate::model::kind::shipped_kinds;
use crate::model::rules::order_change::{Turn, amended, may_change, turn};
use crate::model::wording::requests as words;

pub const ORDER_CHANGE: &str = "order_change";
const ORDER: &str = "order";

pub enum Change {
    /// Its key is there: whether it says the same is found as for every request.
    Known,
    Refused(Problem),
    Held(Hold),
    /// It is taken; of an order that nobody knows here there is nothing to change.
    Goes(Option<Box<Amendment>>),
}

pub struct Amendment {
    order: OrderState,
    before: Batch,
    /// None: nothing of it is left.
    now: Option<Batch>,
    /// The order was handed on before.
    told: bool,
}

pub fn decide(tx: &Tx<'_>, hand: &InHand<'_>, change: &Message<'_>, place: Place) -> Result<Change> {
    let (customer, number) = (text(change, "customer_no"), text(change, "buyer_order_no"));
    let seq = change.kind().head().field("change_seq").and_then(|at| change.head().value(at).number());
    let seq = seq.unwrap_or_default();
    let partner = hand.intake.sender.partner.as_str();
    let (is_known, last) = tx.changes_of_order((partner, customer, number), seq)?;
    if is_known {
        return Ok(Change::Known);
    }
    match turn(last, seq) {
        Turn::Older(last) if !hand.overrule => {
            return Ok(Change::Refused(words::change_older(place, number, seq, last)));
        }
        Turn::Gap(missing) if !hand.overrule => {
            let key = format!("{customer} / {number} / {missing}");
            let problem = words::change_gap(place, number, seq, missing);
            return Ok(Change::Held(Hold { problem, waits_for: Some((ORDER_CHANGE, key)), until: until(hand) }));
        }
        _ => {}
    }
    let Some(order) = tx.order_state(partner, customer, number)? else { return Ok(Change::Goes(None)) };
    let status = if order.is_cancelled { "cancelled" } else { order.status.as_str() };
    let is_late = !may_change(status, hand.intake.change_until);
    if is_late && (order.is_cancelled || !hand.overrule) {
        return Ok(Change::Refused(words::change_too_late(place, number, status, hand.intake.change_until)));
    }
    let kind = shipped_kinds().get(ORDER).context("there is no kind order")?;
    let before = tx.load(kind, order.row)?.context("an order is gone within one transaction")?;
    let now = match amended(before.message(0), *change) {
        Ok(now) => now,
        Err(why) => return Ok(Change::Refused(words::change_unfit(place, number, &why))),
    };
    let told = tx.is_exported(ORDER, order.row)?;
    Ok(Change::Goes(Some(Box::new(Amendment { order, before, now, told }))))
}

/// The change is written under this row.
pub fn carry_out(tx: &Tx<'_>, hand: &InHand<'_>, change: RowId, amendment: Option<Box<Amendment>>) -> Result<()> {
    let Some(amendment) = amendment else { return tx.mark_change(change, true, None) };
    let Amendment { order, before, now, told } = *amendment;
    tx.mark_change(change, told, order.order_no.as_deref())?;
    let form = json::to_line(before.message(0));
    tx.note_amendment(&NewAmendment { order: order.row, change, cancels: now.is_none(), told, before: &form })?;
    match now {
        Some(now) => {
            let kind = now.kind().clone();
            tx.amend_order(&kind, order.row, now.message(0), hand.file)
        }
        None => tx.tell_of_order(before.message(0), hand.file),
    }
}

/// Was the order changed since it came, and did it come like this? Then it says nothing new.
pub fn as_first_asked(tx: &Tx<'_>, order: RowId, message: &Message<'_>) -> Result<(bool, bool)> {
    let forms = tx.amendments(order)?;
    let Some(first) = forms.first() else { return Ok((false, false)) };
    let mut batch = Batch::new(message.kind().clone());
    let is_read = json::read_line(&first.before, 0, 0, &mut batch).is_ok();
    Ok((true, is_read && difference(batch.message(0), *message).is_empty()))
}

fn until(hand: &InHand<'_>) -> Option<DateTime<Utc>> {
    match hand.intake.orders {
        References::Wait(time) => chrono::Duration::from_std(time).ok().and_then(|t| hand.now.checked_add_signed(t)),
        _ => None,
    }
}

fn text<'m>(message: &Message<'m>, name: &str) -> &'m str {
    match message.kind().head().field(name).map(|field| message.head().value(field)) {
        Some(Value::Text(text)) => text,
        _ => "",
    }
}
