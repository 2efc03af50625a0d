//! One outside thing each: files, the store, the clock, the log. Edges do not import each other; the one exception is
//! `fault`, which every edge asks before a call that may fail.

pub mod clock;
pub mod disk;
pub mod events;
pub mod fault;
pub mod http;
pub mod lock;
pub mod memory;
pub mod notice;
pub mod remote;
pub mod scratch;
pub mod sd_notify;
pub mod secret;
pub mod spool;
pub mod store;
pub mod terminal;
pub mod tls;
pub mod watch;
pub mod who;
