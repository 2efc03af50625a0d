//! A folder of the spool refuses us: says which, what this user needs, and what to do. The folder may be one partner's, so
//! only what needs it waits; everybody else goes on.

use super::{is_denied, of_spool};
use crate::edges::spool::{Denied, Place, Spool, SpoolError};
use crate::edges::who;

/// In words, for the log and `status`; nothing where something else was to blame.
pub fn told(spool: &Spool, places: &[Place<'_>], error: &anyhow::Error) -> Option<String> {
    is_denied(error).then(|| {
        if of_spool(error).is_some_and(SpoolError::is_no_folder) {
            return no_folder(error);
        }
        let found = places.iter().find_map(|place| spool.denied(*place)).or_else(|| spool.denied_anywhere());
        found.map_or_else(|| refused(error), |denied| words(&denied))
    })
}

/// The same where nothing was tried: is a right missing?
pub fn missing(spool: &Spool, places: &[Place<'_>]) -> Option<String> {
    places.iter().find_map(|place| spool.denied(*place)).map(|denied| words(&denied))
}

/// The same for an error of the spool alone.
pub fn told_of_spool(spool: &Spool, places: &[Place<'_>], error: SpoolError) -> Result<String, SpoolError> {
    if !error.is_denied() {
        return Err(error);
    }
    if error.is_no_folder() {
        return Ok(no_folder(&error.into()));
    }
    let found = places.iter().find_map(|place| spool.denied(*place));
    Ok(found.map_or_else(|| refused(&error.into()), |denied| words(&denied)))
}

fn words(denied: &Denied) -> String {
    let Denied { path, uid, gid, mode } = denied;
    let (path, user) = (path.display(), who::name());
    format!(
        "the folder {path} may not be worked in by the user {user}: it belongs to user {uid} and group {gid} with the mode \
         {mode:04o}; expected that {user} may read, write and search it. Give it back (chown {user} {path}; chmod u+rwx {path}); what \
         waits for it then goes on by itself"
    )
}

fn no_folder(error: &anyhow::Error) -> String {
    format!(
        "{error:#}: something else stands where a folder should be. Look at what it is (ls -la), and remove it or move it away; the folder \
         is made anew, and what waits for it goes on by itself"
    )
}

/// By something else than the folder's mode: a sticky folder, an immutable file, a security module.
fn refused(error: &anyhow::Error) -> String {
    format!(
        "{error:#}: the system does not allow that to the user {}, whatever the modes say. Look at sticky folders and at immutable \
         files (lsattr); what waits for it goes on by itself",
        who::name()
    )
}
