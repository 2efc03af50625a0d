//! What the messages say: orders, customers, articles, stock, prices, order status. One writer per class of message.
//!
//! `tables` says which tables and columns a kind has and makes the statements; `bind` puts cells into them, `insert` writes
//! rows of the columns that turn up. `requests` inserts orders, `records` applies records and facts, `groups` writes their repeated parts, `tally` counts whose rows
//! are whose, `kept` partners' own fields of them, `close` closes what a full file no longer names
//! (`condition` reads its scope), `remove` what a deletion names. `references` answers "whose number is this",
//! `registrations` asks who registered before, `quotes` what was offered and ordered, `amendments` what orders were before their changes, `guarded` counts for the guard, `open_orders` gathers what is ordered and not confirmed, `changes` notes for feeds which rows changed, `prices` says which price holds, `asked` who asks and for which orders, `wanted` names some rows by their keys,
//! `select` streams rows out (`source` says from where, `sets` computes what components make of sets, `heads` merges the two), `also` values of other kinds beside them, `before` tells `plan` what rows were,
//! `history` keeps values that are replaced, `load` reads one message back, `find` tells where a row came from.

mod along;
mod also;
mod amendments;
mod asked;
mod before;
mod bind;
mod changes;
mod close;
mod concerned;
mod condition;
mod find;
mod groups;
mod guarded;
mod heads;
mod history;
mod insert;
mod kept;
mod load;
mod open_orders;
mod person;
mod prices;
mod quotes;
mod records;
mod references;
mod registrations;
mod remove;
mod requests;
mod select;
mod selection;
mod sets;
mod source;
mod tables;
mod tally;
mod wanted;

pub use also::{Beside, BesideKey};
pub use amendments::{AmendmentRow, NewAmendment, OrderState};
pub use asked::{ContactRow, OrderOf, Span};
pub use find::FoundRow;
pub(super) use history::since;
pub use kept::Needed;
pub use person::{Mark, PersonRow};
pub use prices::{PriceFor, PriceKey, Terms};
pub use quotes::QuoteRow;
pub use records::{Applied, MADE, Records, Stamp};
pub use references::{OrderKey, References};
pub use registrations::{RegistrationRow, SameParty};
pub use remove::{Removal, Removals, Removed};
pub use requests::{Inserted, Requests};
pub use selection::{Selection, Wanted};
pub use sets::changes_sets;
pub(super) use tables::KnownTables;
pub use tables::{KindTables, TableColumn};
