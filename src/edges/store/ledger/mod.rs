//! The ledger: what became of every file and message, every run of a feed, every command.
//!
//! `file` and `file_find` hold files, `message` and `waiting` the exceptions among their messages, `run` and `run_find` what went out,
//! `command` the audit trail, `correction` what people changed in messages, `copies` the content of small files for a moment, `marks` high-water marks and due instants,
//! `identity` which database this is; `collect` what remotes are still owed, `delivery` what goes to them, `remote` how they answer.
//! `problem` and `notice` what is the matter and who is told, `arrival` what should come; `pause` what a person stopped, `part` the files of an arrival of several, `lone` those of them that wait at a remote, `order_pdf` what goes on with orders, `question` what partners asked.
//! `archived` which originals are packed, `rehearsal` what files of partners who are not live would have done; `guard_lock` what the guard holds back, `feed` who hears of changes, `outbox` what changed, `delivered` what partners hold.

mod archived;
mod arrival;
mod byte_ranges;
mod collect;
mod command;
mod content;
mod copies;
mod correction;
mod delivered;
mod delivery;
mod feed;
mod file;
mod file_find;
mod guard_lock;
mod held;
mod identity;
mod login;
mod lone;
mod marks;
mod message;
mod notice;
mod order_pdf;
mod outbox;
mod part;
mod pause;
mod problem;
mod question;
mod rehearsal;
mod remote;
mod run;
mod run_find;
mod waiting;

pub use archived::OfDay;
pub use arrival::Arrived;
pub use collect::{CollectNo, CollectRow, NewCollect, SeenThere};
pub use command::{CommandRow, NewCommand};
pub use content::CONTENT;
pub use correction::CorrectionRow;
pub use delivered::{HeldRows, ToldRows};
pub use delivery::{DeliveryRow, NewDelivery, Reached, TryRow};
pub use feed::{FeedRow, NewFeed, Wants};
pub use file::{Arrival, Decision, FileRow, FileState};
pub use guard_lock::{LockRow, NewLock, Side};
pub use identity::Identity;
pub use login::{LoginContact, LoginRow};
pub use lone::LoneThere;
pub use message::{Exception, MessageNo, MessageRow, NotedProblem, Revision, Waits};
pub use notice::{Failing, NoticeNo, NoticeRow, Waiting};
pub use order_pdf::{NewPdf, PDF, PDF_ORDER, PdfRow};
pub use outbox::{Cause, Concerned, NewChange, PendingChange};
pub use part::PartRow;
pub use pause::PauseRow;
pub use problem::{ProblemNo, ProblemRow};
pub use question::{NotAllowed, QuestionRow};
pub use remote::{RemoteLook, RemoteState};
pub use run::{NewRun, RunFile, RunReason, RunState};
pub use run_find::RunRow;
