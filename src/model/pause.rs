//! What a person has stopped for a while: a partner as a whole, one intake, one feed. Data only; what a pause means for files
//! and due times is decided where they are taken.

use std::fmt;

use super::mode::plain;

/// What a pause stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    Partner(String),
    Intake { partner: String, intake: String },
    Feed { partner: String, feed: String },
}

impl Subject {
    /// As the ledger and commands write it: `dealer`, `in:dealer/orders`, `out:dealer/stock`.
    pub fn parse(text: &str) -> Option<Subject> {
        let parts = |rest: &str| {
            let (partner, part) = rest.split_once('/')?;
            let whole = !partner.is_empty() && !part.is_empty();
            whole.then(|| (partner.to_string(), part.to_string()))
        };
        if let Some(rest) = text.strip_prefix("in:") {
            return parts(rest).map(|(partner, intake)| Subject::Intake { partner, intake });
        }
        if let Some(rest) = text.strip_prefix("out:") {
            return parts(rest).map(|(partner, feed)| Subject::Feed { partner, feed });
        }
        let bare = !text.is_empty() && !text.contains(['/', ':']);
        bare.then(|| Subject::Partner(text.to_string()))
    }

    pub fn partner(&self) -> &str {
        match self {
            Subject::Partner(partner) | Subject::Intake { partner, .. } | Subject::Feed { partner, .. } => partner,
        }
    }

    /// As people write it, without its side: `dealer`, `dealer/stock`.
    pub fn name(&self) -> String {
        match self {
            Subject::Partner(partner) => partner.clone(),
            Subject::Intake { partner, intake: part } | Subject::Feed { partner, feed: part } => {
                format!("{partner}/{part}")
            }
        }
    }

    /// For people: `dealer`, `the intake dealer/orders`, `the feed dealer/stock`.
    pub fn told(&self) -> String {
        match self {
            Subject::Partner(partner) => format!("all of {partner}"),
            Subject::Intake { partner, intake } => format!("the intake {partner}/{intake}"),
            Subject::Feed { partner, feed } => format!("the feed {partner}/{feed}"),
        }
    }

    /// The words behind `nattpost resume`.
    pub fn arguments(&self) -> String {
        match self {
            Subject::Partner(partner) => partner.clone(),
            Subject::Intake { partner, intake } => format!("{partner}/{intake} --in"),
            Subject::Feed { partner, feed } => format!("{partner}/{feed} --out"),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Partner(partner) => f.write_str(partner),
            Subject::Intake { partner, intake } => write!(f, "in:{partner}/{intake}"),
            Subject::Feed { partner, feed } => write!(f, "out:{partner}/{feed}"),
        }
    }
}

/// All that is paused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paused(Vec<Subject>);

impl Paused {
    pub fn new(subjects: impl IntoIterator<Item = Subject>) -> Paused {
        Paused(subjects.into_iter().collect())
    }

    /// Alone, or with all of its partner.
    pub fn intake(&self, partner: &str, intake: &str) -> bool {
        self.0.iter().any(|subject| match subject {
            Subject::Partner(paused) => paused == partner,
            Subject::Intake { partner: of, intake: paused } => of == partner && paused == intake,
            Subject::Feed { .. } => false,
        })
    }

    /// Alone, or with all of its partner.
    pub fn feed(&self, partner: &str, feed: &str) -> bool {
        self.0.iter().any(|subject| match subject {
            Subject::Partner(paused) => paused == partner,
            // A test of the feed is the feed.
            Subject::Feed { partner: of, feed: paused } => of == partner && (paused == feed || paused == plain(feed)),
            Subject::Intake { .. } => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_as_it_is_written_and_nothing_else_is() {
        for text in ["dealer", "in:dealer/orders", "out:dealer/stock"] {
            assert_eq!(Subject::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "dealer/orders", "in:dealer", "in:/orders", "out:dealer/", "up:dealer/x", ":"] {
            assert_eq!(Subject::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_partner_is_all_of_his_and_a_part_is_itself() {
        let paused = |texts: &[&str]| Paused::new(texts.iter().map(|text| Subject::parse(text).unwrap()));
        for (subjects, intake, feed) in [
            (&[][..], false, false),
            (&["dealer"], true, true),
            (&["shop"], false, false),
            (&["in:dealer/stock"], true, false),
            (&["out:dealer/stock"], false, true),
            (&["in:dealer/other", "out:shop/stock"], false, false),
        ] {
            let paused = paused(subjects);
            assert_eq!(paused.feed("dealer", "stock?test"), feed, "{subjects:?}");
            assert_eq!(paused.intake("dealer", "stock"), intake, "{subjects:?}");
            assert_eq!(paused.feed("dealer", "stock"), feed, "{subjects:?}");
        }
    }
}
