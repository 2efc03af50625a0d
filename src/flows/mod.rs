//! Journeys, one each, straight down the page.

pub mod commands;
