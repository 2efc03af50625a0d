//! Files without a name in the system's folder for temporary files: what a command line that has no spool sorts in.
//! Gone with the process, whatever happens to it.

use std::fs::{self, File};
use std::io;

use rustix::fs::{Mode, OFlags, open};

/// Readable and writable; only this process can reach it.
pub fn file() -> io::Result<File> {
    let folder = std::env::temp_dir();
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match open(&folder, flags, Mode::RUSR | Mode::WUSR) {
        Ok(file) => Ok(File::from(file)),
        // Not every file system has files without a name.
        Err(_) => {
            let number = getrandom::u32().map_err(io::Error::other)?;
            let path = folder.join(format!("nattpost.{}.{number:08x}", std::process::id()));
            let file = File::options().read(true).write(true).create_new(true).open(&path)?;
            fs::remove_file(&path)?;
            Ok(file)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};

    #[test]
    fn what_is_written_can_be_read() {
        let mut file = file().unwrap();
        file.write_all(b"night").unwrap();
        file.rewind().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "night");
    }
}
