//! The keys of partners/<id>.toml itself; what comes from him and what he gets have pages of their own.

use super::Fallback::{From, None, Required, Value};
use super::{Key, Table, key};

pub const KEYS: &[Key] = &[
    key(Table::Partner, "name", "text", Required, "What people call the partner. His id is the name of his file."),
    key(
        Table::Partner,
        "mode",
        "live, test or shadow",
        Value("live"),
        "test: his files are judged and answered, and nothing of them is applied; his feeds go out, from a base of their own. shadow: nobody \
         hears of anything, his remotes are only read, what would go out stands in held/out/. docs/operating.md says how a new partner comes to be live.",
    ),
    key(
        Table::Partner,
        "customers",
        "list of customer numbers",
        Value(""),
        "The customer numbers he may speak for; empty: any.",
    ),
    key(Table::Partner, "zone", "IANA zone", From("the company's"), "Zone of his local times."),
    key(
        Table::Partner,
        "units",
        "table: his word = code",
        None,
        "His words for units; the codes are those of UN/ECE Recommendation 20.",
    ),
    key(
        Table::Partner,
        "tables",
        "tables: his word = ours",
        None,
        "His own rows for the tables of his layouts: [tables.NAME] goes before [lookup.NAME], when reading and when writing.",
    ),
    key(
        Table::Partner,
        "features",
        "list of stock, availability, price, order, order_status, order_history, tracking, document, upload, user",
        Value(""),
        "What he may ask for (intakes with `answer`). What is not in the list is answered with not-allowed, and told once a day.",
    ),
    key(
        Table::Partner,
        "department",
        "tables [department.NAME]",
        None,
        "Departments of his that may ask for less: NAME as contacts and questions say it.",
    ),
    key(
        Table::Partner,
        "remote",
        "tables [remote.NAME]",
        None,
        "His servers and folders, that intakes take files from.",
    ),
    key(
        Table::Partner,
        "intake",
        "tables [intake.NAME]",
        None,
        "What comes from him; NAME is the folder in/<id>/NAME.",
    ),
    key(Table::Partner, "feed", "tables [feed.NAME]", None, "What he gets."),
    // [department.NAME]
    key(
        Table::Department,
        "features",
        "list, as the partner's",
        Value(""),
        "What this department may ask for, of what the partner may. A contact has it too, and what his own rights name.",
    ),
];
