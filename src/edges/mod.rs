//! One outside thing each: files, the store, the clock, the log. Edges do not import each other; the one exception is
//! `fault`, which every edge asks before a call that may fail.

pub mod fault;
pub mod store;
pub mod who;
