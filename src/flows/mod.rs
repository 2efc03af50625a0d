//! Journeys, one each, straight down the page.

pub mod commands;
pub mod explain;
pub mod files;
pub mod find;
pub mod moments;
pub mod next_steps;
pub mod outbound;
pub mod show;
pub mod status;
pub mod waiting;
