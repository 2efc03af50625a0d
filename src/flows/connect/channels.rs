//! The ways by which people are told, tried without telling anybody anything.

use super::{Finding, Mark, clean};
use crate::edges::notice;
use crate::flows::problems::letters::post;
use crate::model::problem::Channel;

pub fn try_channel(channel: &Channel) -> Finding {
    let (mark, words) = match notice::probe(&channel.way, &post()) {
        Ok(words) => (Mark::Well, words),
        Err(not_taken) => (Mark::Wrong, not_taken.to_string()),
    };
    Finding { mark, step: channel.way.as_str(), folder: None, words: format!("{}.", clean(&words)) }
}
