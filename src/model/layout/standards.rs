//! Layouts of the standards, compiled in: layouts like any other, for partners who send what the standard says. A partner's
//! variant extends one of them.

macro_rules! standards {
    ($($id:literal),+ $(,)?) => {
        [$(($id, include_str!(concat!("../../../schemas/layouts/standards/", $id, ".toml")))),+]
    };
}

/// By id, with their text.
pub const STANDARDS: [(&str, &str); 3] = standards!["edifact-orders", "opentrans-order", "ubl-order"];
