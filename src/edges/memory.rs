//! Gives back what only the start needed. Reading a configuration and bringing a store up to date touches most of the program's
//! code once; a daemon that rests between files needs a tenth of it. The system would find out under pressure, page by page;
//! told, it keeps the pages as cache, and what is asked for again is mapped again without reading the disk.

use std::fs;

/// After a start or a reload.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes a number; the allocator locks itself.
    unsafe {
        libc::malloc_trim(0);
    }
    for line in fs::read_to_string("/proc/self/maps").unwrap_or_default().lines() {
        let Some((start, end)) = unchanged_code(line) else { continue };
        // SAFETY: only code that is mapped from a file and never written: what is given back is read from that file again
        // when it is next executed, by this thread too.
        unsafe {
            libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED);
        }
    }
}

/// The range of a line of maps that is executed and not written, and stands in a file.
fn unchanged_code(line: &str) -> Option<(usize, usize)> {
    let mut words = line.split_whitespace();
    let (range, rights) = (words.next()?, words.next()?);
    let is_of_file = words.nth(2)? != "0";
    let (start, end) = range.split_once('-')?;
    let range = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    (rights == "r-xp" && is_of_file).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_of_files_is_given_back() {
        for (line, expected) in [
            ("55d0-55f0 r-xp 00011000 fe:01 1234   /usr/bin/nattpost", Some((0x55d0, 0x55f0))),
            ("55d0-55f0 r--p 00011000 fe:01 1234   /usr/bin/nattpost", None),
            ("55d0-55f0 rw-p 00011000 fe:01 1234   /usr/bin/nattpost", None),
            ("55d0-55f0 rwxp 00011000 fe:01 1234   /usr/bin/nattpost", None),
            ("7fff-8000 r-xp 00000000 00:00 0      [vdso]", None),
            ("", None),
        ] {
            assert_eq!(unchanged_code(line), expected, "{line}");
        }
        give_back();
    }
}
