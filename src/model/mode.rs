//! How much of a partner is in earnest: a new one is tried out before his files change anything.

/// `mode` of a partner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Live,
    /// His files are judged and answered, and change nothing; his feeds go out from a base of their own.
    Test,
    /// Nobody hears of anything: what would have been written or sent stands in the ledger and in held/out/.
    Shadow,
}

/// Between the id of a feed and its mode: no id has it, so that a rehearsed feed is another one to the ledger.
const MARK: char = '?';

impl Mode {
    pub const ALL: [Mode; 3] = [Mode::Live, Mode::Test, Mode::Shadow];

    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Live => "live",
            Mode::Test => "test",
            Mode::Shadow => "shadow",
        }
    }

    /// His files may change business rows.
    pub fn writes(self) -> bool {
        self == Mode::Live
    }

    /// He may see what we make for him.
    pub fn answers(self) -> bool {
        self != Mode::Shadow
    }

    /// As the ledger keeps it.
    pub fn number(self) -> i64 {
        match self {
            Mode::Live => 0,
            Mode::Test => 1,
            Mode::Shadow => 2,
        }
    }

    pub fn of_number(number: i64) -> Mode {
        Mode::ALL.into_iter().find(|mode| mode.number() == number).unwrap_or_default()
    }

    /// `stock`, `stock?test`, `stock?shadow`
    pub fn feed_id(self, id: &str) -> String {
        if self.writes() { id.to_string() } else { format!("{id}{MARK}{}", self.as_str()) }
    }
}

/// The id, or `partner/id`, as the configuration has it.
pub fn plain(feed: &str) -> &str {
    feed.split(MARK).next().unwrap_or(feed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsed_feed_has_an_id_of_its_own_and_its_mode_a_number() {
        for (mode, id, writes, answers) in [
            (Mode::Live, "stock", true, true),
            (Mode::Test, "stock?test", false, true),
            (Mode::Shadow, "stock?shadow", false, false),
        ] {
            assert_eq!((mode.feed_id("stock").as_str(), mode.writes(), mode.answers()), (id, writes, answers));
            assert_eq!((plain(id), Mode::of_number(mode.number())), ("stock", mode));
        }
        assert_eq!(plain("dealer/stock?test"), "dealer/stock");
    }
}
