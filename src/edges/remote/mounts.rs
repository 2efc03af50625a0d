//! A folder that lies where something should be mounted, and is not: it is there, empty, and takes files that its partner never
//! sees. What should be mounted is said by /etc/fstab, what is by the kernel. Mounts nothing.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

const SHOULD_BE: &str = "/etc/fstab";
const ARE: &str = "/proc/self/mountinfo";
/// Of a line: where it is mounted.
const PLACE_IN_FSTAB: usize = 1;
const PLACE_IN_MOUNTINFO: usize = 4;

/// The place nearest to the folder at which something should be mounted and is not.
pub fn missing_at(folder: &Path) -> Option<PathBuf> {
    let should_be = fs::read(SHOULD_BE).ok()?;
    let is = fs::read(ARE).ok()?;
    // A link may lead there.
    let folder = folder.canonicalize().ok()?;
    missing(&should_be, &is, &folder)
}

fn missing(fstab: &[u8], mountinfo: &[u8], folder: &Path) -> Option<PathBuf> {
    let should_be = places(fstab, PLACE_IN_FSTAB).filter(|place| *place != Path::new("/") && folder.starts_with(place));
    let nearest = should_be.max_by_key(|place| place.components().count())?;
    let is_mounted = places(mountinfo, PLACE_IN_MOUNTINFO).any(|place| place == nearest);
    (!is_mounted).then_some(nearest)
}

fn places(lines: &[u8], field: usize) -> impl Iterator<Item = PathBuf> {
    let lines = lines.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.starts_with(b"#"));
    let fields =
        lines.filter_map(move |line| line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).nth(field));
    fields.map(plain).filter(|place| place.is_absolute()).map(|place| place.components().collect())
}

/// Blanks and the like stand as `\040` there.
fn plain(word: &[u8]) -> PathBuf {
    let (mut bytes, mut at) = (Vec::with_capacity(word.len()), 0);
    while let Some(byte) = word.get(at) {
        let digits =
            word.get(at + 1..at + 4).filter(|_| *byte == b'\\').and_then(|octal| std::str::from_utf8(octal).ok());
        match digits.and_then(|octal| u8::from_str_radix(octal, 8).ok()) {
            Some(escaped) => {
                bytes.push(escaped);
                at += 4;
            }
            None => {
                bytes.push(*byte);
                at += 1;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FSTAB: &[u8] = b"# what is mounted where\n\
        UUID=1 / ext4 defaults 0 1\n\
        UUID=2 none swap sw 0 0\n\
        //nas/shop\t/mnt/the\\040shop/ cifs credentials=/etc/nas 0 0\n\
        nas:/all /mnt nfs noauto 0 0\n";

    #[test]
    fn what_should_be_mounted_and_is_not_is_found() {
        let none = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
        let all = "23 22 0:40 / /mnt rw - nfs nas:/all rw\n24 23 0:41 / /mnt/the\\040shop rw - cifs //nas/shop rw\n";
        for (folder, mounted, missing_place) in [
            ("/mnt/the shop/out", none.to_owned(), Some("/mnt/the shop")),
            ("/mnt/the shop", none.to_owned(), Some("/mnt/the shop")),
            ("/mnt/other", none.to_owned(), Some("/mnt")),
            ("/mnt/the shop/out", format!("{none}{all}"), None),
            ("/mnt/other", format!("{none}{all}"), None),
            // The one above it does not stand for the one that belongs there.
            ("/mnt/the shop/out", format!("{none}{}", all.lines().next().unwrap()), Some("/mnt/the shop")),
            ("/mnt/the shoplifters", format!("{none}{all}"), None),
            ("/srv/shop", none.to_owned(), None),
        ] {
            let found = missing(FSTAB, mounted.as_bytes(), Path::new(folder));
            assert_eq!(found.as_deref(), missing_place.map(Path::new), "{folder} {mounted}");
        }
    }
}
