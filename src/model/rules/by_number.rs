//! PDFs that come alone and say in their name which order they go on with: which name says which order. Pure; whether there is such
//! an order is asked elsewhere.

use std::time::Duration;

use super::identity::bare;
use crate::model::layout::naming::NameShape;
use crate::model::pdf;

/// Parts of the name that say which order; the others may be anything.
const NUMBER: &str = "buyer_order_no";
const CUSTOMER: &str = "customer_no";
const ENDING: &str = ".pdf";
/// Between customer and number in the key of a PDF that waits: no file's name holds it.
const BETWEEN: char = '/';

/// `pdf = "by-number"` of an intake.
#[derive(Debug, Clone)]
pub struct ByNumber {
    shape: NameShape,
    pub limits: pdf::Limits,
    /// So long a PDF waits for its order, and an order for its PDF.
    pub within: Duration,
    /// An order is not taken before its PDF is there.
    pub is_required: bool,
}

/// The order that a name speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderNamed {
    pub number: String,
    pub customer: Option<String>,
}

impl OrderNamed {
    /// What it is called among messages that wait.
    pub fn key(&self) -> String {
        match &self.customer {
            Some(customer) => format!("{customer}{BETWEEN}{}", self.number),
            None => self.number.clone(),
        }
    }

    /// Of a key, or of what a person says.
    pub fn of_key(key: &str) -> Self {
        match key.split_once(BETWEEN) {
            Some((customer, number)) => {
                OrderNamed { number: number.trim().to_string(), customer: Some(customer.trim().to_string()) }
            }
            None => OrderNamed { number: key.trim().to_string(), customer: None },
        }
    }
}

impl ByNumber {
    pub fn parse(pattern: &str, limits: pdf::Limits, (within, is_required): (Duration, bool)) -> Result<Self, String> {
        let shape = NameShape::parse_any_case(pattern)?;
        if !is_pdf(pattern) {
            return Err(format!("\"{pattern}\" does not end with {ENDING}; expected the name of a PDF."));
        }
        if !shape.names().any(|name| name == NUMBER) {
            return Err(format!(
                "\"{pattern}\" does not say where the order's number stands; expected a part {{{NUMBER}}}."
            ));
        }
        Ok(ByNumber { shape, limits, within, is_required })
    }

    pub fn pattern(&self) -> &str {
        self.shape.source()
    }

    /// Nothing where the name is not of the pattern.
    pub fn order_in(&self, name: &str) -> Option<OrderNamed> {
        let parts = self.shape.parts(name)?;
        let said = |wanted: &str| {
            let (_, part) = self.shape.names().zip(&parts).find(|(name, _)| *name == wanted)?;
            // Some systems take letters apart in names of files.
            Some(bare(part, &mut String::new()).unwrap_or(part).to_string())
        };
        Some(OrderNamed { number: said(NUMBER)?, customer: said(CUSTOMER) })
    }
}

/// By its name.
pub fn is_pdf(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(ENDING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_number(pattern: &str) -> Result<ByNumber, String> {
        ByNumber::parse(pattern, pdf::Limits { pages: 2, takes_active: false }, (Duration::from_secs(60), false))
    }

    #[test]
    fn a_name_says_the_order_and_sometimes_whose() {
        let cases = [
            ("{buyer_order_no}.pdf", "A-1.pdf", Some("A-1")),
            ("{buyer_order_no}.pdf", "A-1.PDF", Some("A-1")),
            ("{buyer_order_no}.pdf", "A-1.csv", None),
            ("{customer_no}_{buyer_order_no}.pdf", "1001_A-1.pdf", Some("1001/A-1")),
            ("{customer_no}_{buyer_order_no}.pdf", "A-1.pdf", None),
            ("DN_{buyer_order_no:[0-9]+}_{copy}.pdf", "DN_4711_x.pdf", Some("4711")),
            // Letters composed, as the numbers of orders are.
            ("{buyer_order_no}.pdf", "Mu\u{308}ller-1.pdf", Some("M\u{fc}ller-1")),
        ];
        for (pattern, name, key) in cases {
            let named = by_number(pattern).unwrap().order_in(name);
            assert_eq!(named.as_ref().map(OrderNamed::key).as_deref(), key, "{pattern} {name}");
            if let Some(named) = named {
                assert_eq!(OrderNamed::of_key(&named.key()), named);
            }
        }
    }

    #[test]
    fn a_pattern_has_to_say_the_number_of_a_pdf() {
        for pattern in ["{no}.pdf", "{buyer_order_no}.csv", "{buyer_order_no", "all.pdf"] {
            assert!(by_number(pattern).is_err(), "{pattern}");
        }
    }
}
