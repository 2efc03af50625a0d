//! A folder as a remote (and for logins the scripted server), through the real binary: files collected once and delivered once, whatever call the process dies at.
//! What stands there is counted with `ls`, what was applied in the database.

#[path = "ftp_double/mod.rs"]
mod ftp_double;

mod remotes {
    pub mod collecting;
    pub mod connecting;
    pub mod delivering;
    pub mod ending;
    pub mod gone;
    pub mod logins;
    pub mod modes;
    pub mod mounts;
    pub mod place;
    pub mod queue;
    pub mod short;
    pub mod superseding;
    pub mod telling;
    pub mod together;
}
