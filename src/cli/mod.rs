//! The words on the command line: what was asked for (`args`), how it ends (`ends`), how it looks (`page`).

pub mod args;
pub mod ends;
pub mod page;
