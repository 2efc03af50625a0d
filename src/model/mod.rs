//! Values and decisions: no file, clock, socket or row in here; `now` is always a parameter.

pub mod batch;
pub mod decimal;
pub mod diagnostic;
pub mod difference;
pub mod digest;
pub mod document;
pub mod duration;
pub mod feed;
pub mod ids;
pub mod instant;
pub mod intake;
pub mod json;
pub mod key;
pub mod key_list;
pub mod kind;
pub mod layout;
pub mod letter;
pub mod problem;
pub mod reason;
pub mod remote;
pub mod remote_name;
pub mod rules;
pub mod secret;
pub mod syntax;
pub mod verdict;
pub mod wording;
