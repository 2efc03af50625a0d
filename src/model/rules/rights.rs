//! Who may ask for what. A partner has features by agreement; a department of his has some of them, and so has a contact.
//! Nobody ever has more than his partner.

use std::collections::BTreeMap;

/// What a partner, a department or a contact may use; also the choices of `rights.feature` of contacts.
pub const FEATURES: [&str; 10] = [
    "stock",
    "availability",
    "price",
    "order",
    "order_status",
    "order_history",
    "tracking",
    "document",
    "upload",
    "user",
];

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Of the partner.
    pub features: Vec<String>,
    /// Of each department that has fewer.
    pub departments: BTreeMap<String, Vec<String>>,
}

impl Rights {
    /// `department`: who asks, or works there. `own`: what the contact himself was given; empty: nothing was said of him.
    ///
    /// A department that nobody limited and a contact of whom nothing is said have what the partner has; otherwise a contact has what his
    /// department has and what he himself was given.
    pub fn allow(&self, feature: &str, department: Option<&str>, own: &[String]) -> bool {
        let has = |features: &[String]| features.iter().any(|known| known == feature);
        if !has(&self.features) {
            return false;
        }
        match (department.and_then(|name| self.departments.get(name)), own) {
            (None, []) => true,
            (department, own) => department.is_some_and(|features| has(features)) || has(own),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kind::{FieldType, shipped_kinds};

    fn texts(words: &str) -> Vec<String> {
        words.split_whitespace().map(str::to_string).collect()
    }

    #[test]
    fn nobody_has_more_than_his_partner_and_some_have_less() {
        let rights = Rights {
            features: texts("stock price tracking"),
            departments: [("workshop".to_string(), texts("stock order_history")), ("store".to_string(), texts(""))]
                .into(),
        };
        for (name, feature, department, own, expected) in [
            ("the partner", "stock", None, "", true),
            ("nobody agreed to it", "order_history", None, "", false),
            ("a department that is not limited", "price", Some("office"), "", true),
            ("a department has it", "stock", Some("workshop"), "", true),
            ("a department has it not", "price", Some("workshop"), "", false),
            ("a department beyond its partner", "order_history", Some("workshop"), "", false),
            ("a department with nothing", "stock", Some("store"), "", false),
            ("a contact's own", "price", Some("workshop"), "price", true),
            ("his department's beside his own", "stock", Some("workshop"), "price", true),
            ("neither's", "tracking", Some("workshop"), "price", false),
            ("a contact's own alone", "price", None, "price", true),
            ("a contact who has less than his partner", "stock", None, "price", false),
            ("in a department that is not limited", "stock", Some("office"), "price", false),
            ("a contact beyond his partner", "order_history", None, "order_history", false),
        ] {
            assert_eq!(rights.allow(feature, department, &texts(own)), expected, "{name}");
        }
    }

    #[test]
    fn contacts_are_given_what_partners_have() {
        for kind in ["contact", "registration"] {
            let kind = shipped_kinds().get(kind).unwrap();
            let (group, field) = kind.path("rights.feature").unwrap();
            assert_eq!(
                kind.groups[group].fields[field].field_type,
                FieldType::Choice(FEATURES.map(String::from).to_vec())
            );
        }
    }
}
