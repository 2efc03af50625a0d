//! Until the readers give their own answers (being written): every end counts as complete, the first layout is taken.
use super::*;
use std::ops::Range;
impl Layout {
    pub fn completeness(&self, _tail: &[u8], _whole: bool) -> Completeness {
        Completeness::Complete
    }
    pub fn recognises(&self, _head: &[u8]) -> bool {
        true
    }
    pub fn rebuild_reject(
        &self,
        original: &mut dyn Input,
        ranges: &[Range<u64>],
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        for r in ranges {
            original.seek(io::SeekFrom::Start(r.start))?;
            let mut v = vec![0; (r.end - r.start) as usize];
            original.read_exact(&mut v)?;
            out.write_all(&v)?;
        }
        Ok(())
    }
}
