//! Registrations beside their own rows: who was known before, which number one got, and whether a number is taken.
//! Whether two mean one company is `rules::same_party`; this file only asks.

use anyhow::{Context, Result};
use rusqlite::{ToSql, params};

use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{FileNo, RowId, Snapshot, Tx};

/// A registration by its partner and his number of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationRow {
    pub row: RowId,
    pub partner: String,
    pub external_id: String,
    pub subject: String,
    pub number_given: Option<String>,
    pub line: u32,
}

/// What may tell that a party is known already, written as it is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SameParty {
    pub vat: Vec<String>,
    pub email: Option<String>,
    pub zip: Option<String>,
}

/// At most so many candidates: more help nobody.
const CANDIDATES: usize = 10;
const COLUMNS: &str = "row_id, partner, external_id, subject, number_given, file_line";
/// As the indexes of migration 21 write them.
const VAT: &str = "upper(replace(replace(replace(replace(vat_no, ' ', ''), '.', ''), '-', ''), '/', ''))";
const EMAIL: &str = "lower(trim(email))";
const ZIP: &str = "upper(replace(replace(zip, ' ', ''), '-', ''))";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<RegistrationRow> {
    Ok(RegistrationRow {
        row: RowId(row.get(0)?),
        partner: row.get(1)?,
        external_id: row.get(2)?,
        subject: row.get(3)?,
        number_given: row.get(4)?,
        line: row.get(5)?,
    })
}

impl Snapshot<'_> {
    /// Those with this number of a partner's; an empty partner: of any.
    pub fn registrations(&self, partner: &str, external_id: &str) -> Result<Vec<RegistrationRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM registration WHERE external_id = ?1 AND (?2 = '' OR partner = ?2) ORDER BY partner LIMIT 10"
        );
        list(self.conn, &sql, [external_id, partner], read).context("cannot look for a registration")
    }

    pub fn registration(&self, row: RowId) -> Result<Option<RegistrationRow>> {
        one(self.conn, &format!("SELECT {COLUMNS} FROM registration WHERE row_id = ?1"), [row.0], read)
    }

    /// Those that this file brought, in its order.
    pub fn registrations_of(&self, file: FileNo) -> Result<Vec<RegistrationRow>> {
        let sql = format!("SELECT {COLUMNS} FROM registration WHERE file_no = ?1 ORDER BY row_id");
        list(self.conn, &sql, [file.0], read).context("cannot list the registrations of a file")
    }

    /// Is there a customer, contact or article of this number, whether active or not?
    pub fn is_number_taken(&self, subject: &str, number: &str) -> Result<bool> {
        let sql = match subject {
            "article" => "SELECT 1 FROM article WHERE article_no = ?1",
            "contact" => "SELECT 1 FROM contact WHERE contact_no = ?1",
            _ => "SELECT 1 FROM customer WHERE customer_no = ?1",
        };
        Ok(one(self.conn, sql, [number], |_| Ok(()))?.is_some())
    }

    /// Kinds of which this file's registrations or orders made rows.
    pub fn made_by(&self, file: FileNo) -> Result<Vec<&'static str>> {
        let mut made = Vec::new();
        for (kind, sql) in [
            ("customer", "SELECT 1 FROM customer WHERE as_of = '' AND file_no = ?1 LIMIT 1"),
            ("contact", "SELECT 1 FROM contact WHERE as_of = '' AND file_no = ?1 LIMIT 1"),
            ("article", "SELECT 1 FROM article WHERE as_of = '' AND file_no = ?1 LIMIT 1"),
        ] {
            made.extend(one(self.conn, sql, [file.0], |_| Ok(()))?.map(|()| kind));
        }
        Ok(made)
    }

    /// Customers who may be the one that registers, and registrations without a number yet.
    pub fn same_customers(&self, of: &SameParty) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let customer = ("'customer ' || customer_no", "customer", "active = 1");
        let other = (
            "'registration ' || external_id || ' of ' || partner",
            "registration",
            "number_given IS NULL AND subject = 'customer'",
        );
        for (says, table, only) in [customer, other] {
            for vat in &of.vat {
                let sql = format!(
                    "SELECT {says} FROM {table} WHERE {VAT} = ?1 AND vat_no IS NOT NULL AND {only} ORDER BY 1 LIMIT 10"
                );
                self.add(&sql, &[vat], &mut found)?;
            }
            if let (Some(email), Some(zip)) = (&of.email, &of.zip) {
                let sql = format!(
                    "SELECT {says} FROM {table} WHERE {EMAIL} = ?1 AND email IS NOT NULL AND {ZIP} = ?2 AND {only} ORDER BY 1 LIMIT 10"
                );
                self.add(&sql, &[email, zip], &mut found)?;
            }
        }
        Ok(found)
    }

    /// People of this customer with this address.
    pub fn same_contacts(&self, customer_no: &str, email: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let customer = ("'contact ' || contact_no", "contact", "active = 1");
        let other = (
            "'registration ' || external_id || ' of ' || partner",
            "registration",
            "number_given IS NULL AND subject = 'contact'",
        );
        for (says, table, only) in [customer, other] {
            let sql = format!(
                "SELECT {says} FROM {table} WHERE {EMAIL} = ?1 AND email IS NOT NULL AND customer_no = ?2 AND {only} ORDER BY 1 LIMIT 10"
            );
            self.add(&sql, &[&email, &customer_no], &mut found)?;
        }
        Ok(found)
    }

    fn add(&self, sql: &str, values: &[&dyn ToSql], found: &mut Vec<String>) -> Result<()> {
        let more: Vec<String> =
            list(self.conn, sql, values, |row| row.get(0)).context("cannot look for who registered before")?;
        let new: Vec<String> = more.into_iter().filter(|one| !found.contains(one)).collect();
        found.extend(new);
        found.truncate(CANDIDATES);
        Ok(())
    }
}

impl Tx<'_> {
    /// The number that a registration got. A newer one takes the place of an older.
    pub fn number_registration(&self, row: RowId, number: &str) -> Result<()> {
        fault::point("store.number_registration")?;
        let sql = "UPDATE registration SET number_given = ?2 WHERE row_id = ?1";
        run(self.conn, sql, params![row.0, number]).context("cannot number a registration")?;
        Ok(())
    }
}
