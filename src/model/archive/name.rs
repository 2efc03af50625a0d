//! Names of members: in UTF-8 where the archive says so or the bytes are, else in the code page of the first IBM PCs, as
//! the format has it.

use super::{Flaw, NAME_BYTES};
use crate::model::diagnostic::shown;
use crate::model::syntax::encoding::Encoding;

/// The name as text. What leads out of a folder is refused, though no path is ever made of it: nobody means well by it.
pub fn read(bytes: &[u8], is_utf8: bool) -> Result<String, Flaw> {
    if bytes.len() > NAME_BYTES {
        return Err(Flaw::Limit(format!("the name of a member has more than {NAME_BYTES} bytes.")));
    }
    let name = match std::str::from_utf8(bytes) {
        Ok(name) => name.to_string(),
        Err(_) if is_utf8 => String::from_utf8_lossy(bytes).into_owned(),
        Err(_) => in_code_page(bytes),
    };
    let parts = || name.split(['/', '\\']);
    let absolute = name.starts_with(['/', '\\']) || name.as_bytes().get(1) == Some(&b':');
    if name.is_empty() || absolute || parts().any(|part| part == "..") || name.contains('\0') {
        return Err(Flaw::NotTaken(format!(
            "the name of its member \"{}\" leads out of the archive's own folder; expected a plain name. Pack it again from \
             within its folder.",
            shown(&name)
        )));
    }
    Ok(name)
}

fn in_code_page(bytes: &[u8]) -> String {
    let mut name = String::new();
    match Encoding::named("cp437").map(|encoding| encoding.decode(bytes, &mut name)) {
        Some(Ok(())) => name,
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}
