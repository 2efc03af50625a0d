//! Decisions, one a file: functions of facts to a verdict, tested as tables.

pub mod reference;
