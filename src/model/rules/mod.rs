//! One decision a file: functions of known facts to a verdict, tested as tables. Nothing in here looks at a file, a clock
//! or a row; `now` is always a parameter.

pub mod arrivals;
pub mod as_of;
pub mod catch_up;
pub mod clock_offset;
pub mod collecting;
pub mod command_order;
pub mod companions;
pub mod delivering;
pub mod delta;
pub mod file_name;
pub mod guard;
pub mod holidays;
pub mod identifiers;
pub mod identity;
pub mod lineage;
pub mod meeting;
pub mod one_name;
pub mod order_change;
pub mod order_of_files;
pub mod own_number;
pub mod patience;
pub mod plausible;
pub mod problems;
pub mod published;
pub mod recovery;
pub mod reference;
pub mod room;
pub mod same_party;
pub mod schedule;
pub mod sequence;
pub mod settle;
pub mod supersede;
pub mod told;
pub mod units;
