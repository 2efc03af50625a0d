//! The words of `user`.

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Set a contact's password: asked for twice on a terminal, else the first line of standard input
    #[command(
        after_help = "Example:\n  nattpost user set-password K-1\n\nThe contact must be known, may log in (web_login) and have an e-mail address, \
                      the name to log in with. What is handed to the daemon, and kept, is the hash by argon2id; no command takes the words as an argument. \
                      A new password also enables."
    )]
    SetPassword(OneUser),
    /// List who has a password, since when and by whom; never the password or its hash
    #[command(after_help = "Example:\n  nattpost user list\n  nattpost --json user list")]
    List,
    /// A contact's password is not taken any more, until a new one is set
    #[command(after_help = "Example:\n  nattpost user disable K-1 --comment \"left the company\"")]
    Disable(OneUser),
    /// Forget a contact's password
    #[command(after_help = "Example:\n  nattpost user remove K-1")]
    Remove(OneUser),
}

#[derive(Debug, Args)]
pub struct OneUser {
    /// Number of the contact
    #[arg(value_name = "CONTACT")]
    pub contact: String,
    /// Why, for those who look later
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub comment: String,
}
