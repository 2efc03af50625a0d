//! Passwords of contacts, as hashes. A hash is written and never read by anything that shows, logs or exports.

use anyhow::{Context, Result};
use rusqlite::params;

use crate::edges::fault;
use crate::edges::store::query::{list, one, run};
use crate::edges::store::{Snapshot, Tx};

/// A login and the contact that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRow {
    pub contact_no: String,
    pub customer_no: String,
    pub email: String,
    /// The contact is there, and the ERP or his shop says that he may log in.
    pub may: bool,
    pub set_at: String,
    pub set_by: String,
    pub disabled_at: Option<String>,
}

/// What has to be known of a contact before he gets a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginContact {
    pub email: String,
    pub active: bool,
    pub web_login: bool,
    /// Another contact that has a password and the same name to log in with.
    pub other: Option<String>,
}

const SAME_NAME: &str = "SELECT o.contact_no FROM contact o JOIN login l ON l.contact_no = o.contact_no \
     WHERE lower(trim(o.email)) = lower(trim(c.email)) AND o.email IS NOT NULL AND o.contact_no <> c.contact_no AND o.active = 1 LIMIT 1";

impl Snapshot<'_> {
    pub fn logins(&self) -> Result<Vec<LoginRow>> {
        let sql = "SELECT contact_no, COALESCE(customer_no, ''), COALESCE(email, ''), active AND web_login, set_at, set_by, disabled_at \
             FROM v_login ORDER BY contact_no";
        list(self.conn, sql, [], |row| {
            Ok(LoginRow {
                contact_no: row.get(0)?,
                customer_no: row.get(1)?,
                email: row.get(2)?,
                may: row.get(3)?,
                set_at: row.get(4)?,
                set_by: row.get(5)?,
                disabled_at: row.get(6)?,
            })
        })
        .context("cannot list the logins")
    }

    pub fn login_contact(&self, contact_no: &str) -> Result<Option<LoginContact>> {
        let sql = format!(
            "SELECT COALESCE(c.email, ''), c.active, COALESCE(c.web_login, 0), ({SAME_NAME}) FROM contact c WHERE c.contact_no = ?1"
        );
        one(self.conn, &sql, [contact_no], |row| {
            Ok(LoginContact { email: row.get(0)?, active: row.get(1)?, web_login: row.get(2)?, other: row.get(3)? })
        })
    }
}

impl Tx<'_> {
    /// A new password also enables.
    pub fn set_login(&self, contact_no: &str, hash: &str, at: &str, who: &str) -> Result<()> {
        fault::point("store.set_login")?;
        let sql = "INSERT INTO login (contact_no, hash, set_at, set_by) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (contact_no) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at, set_by = excluded.set_by, \
             disabled_at = NULL, disabled_by = NULL";
        run(self.conn, sql, params![contact_no, hash, at, who]).context("cannot set a password")?;
        Ok(())
    }

    /// `false`: there is no such login.
    pub fn disable_login(&self, contact_no: &str, at: &str, who: &str) -> Result<bool> {
        fault::point("store.disable_login")?;
        let sql = "UPDATE login SET disabled_at = COALESCE(disabled_at, ?2), disabled_by = COALESCE(disabled_by, ?3) WHERE contact_no = ?1";
        Ok(run(self.conn, sql, params![contact_no, at, who]).context("cannot disable a login")? == 1)
    }

    /// `false`: there is no such login.
    pub fn remove_login(&self, contact_no: &str) -> Result<bool> {
        fault::point("store.remove_login")?;
        Ok(run(self.conn, "DELETE FROM login WHERE contact_no = ?1", [contact_no]).context("cannot remove a login")?
            == 1)
    }
}
