//! An answer of the control connection: three digits and a text, over several lines where a `-` follows the digits; then the
//! same digits and a blank end it (RFC 959). What is no answer at all is told, since from there on nothing is in step.

use super::super::fault::Reply;

/// Of one answer, all lines together; FEAT and long greetings stay far below.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// What a person reads of it.
const WORDS_MAX: usize = 300;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub code: u16,
    /// Without the digits of the first and the last; as bytes, since names stand in them.
    pub lines: Vec<Vec<u8>>,
}

impl Answer {
    pub fn is_done(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// For people: one line, without what a terminal would take for an order.
    pub fn words(&self) -> String {
        readable(&self.lines.join(&b' '))
    }

    pub fn to_reply(&self) -> Reply {
        Reply { code: Some(self.code), text: self.words() }
    }
}

/// Bytes of a server as one short line.
pub fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let words: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WORDS_MAX).collect();
    words.trim().to_owned()
}

/// Gathers lines until the answer is whole.
#[derive(Debug, Default)]
pub struct Gathering {
    code: Option<u16>,
    lines: Vec<Vec<u8>>,
    bytes: usize,
}

impl Gathering {
    /// `line` without its end. `Err`: it is no answer; the line for a person.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<Answer>, String> {
        self.bytes += line.len();
        if self.bytes > ANSWER_BYTES_MAX {
            return Err(format!("an answer longer than {ANSWER_BYTES_MAX} bytes"));
        }
        let begins = code_of(line);
        let Some(code) = self.code else {
            let code = begins.ok_or_else(|| readable(line))?;
            self.code = Some(code);
            self.lines.push(line.get(4..).unwrap_or_default().to_vec());
            return Ok((line.get(3) != Some(&b'-')).then(|| self.take(code)));
        };
        let is_last = begins == Some(code) && line.get(3) != Some(&b'-');
        self.lines.push(if begins == Some(code) { line.get(4..).unwrap_or_default() } else { line }.to_vec());
        Ok(is_last.then(|| self.take(code)))
    }

    fn take(&mut self, code: u16) -> Answer {
        let lines = std::mem::take(&mut self.lines);
        *self = Gathering::default();
        Answer { code, lines }
    }
}

/// Three digits, then the end, a blank or a `-`.
fn code_of(line: &[u8]) -> Option<u16> {
    let digits = line.get(..3)?;
    let is_parted = matches!(line.get(3), None | Some(b' ' | b'-'));
    (is_parted && (b'1'..=b'6').contains(&digits[0]) && digits.iter().all(u8::is_ascii_digit))
        .then(|| digits.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Option<Answer>, String> {
        let mut gathering = Gathering::default();
        for (number, line) in lines.iter().enumerate() {
            match gathering.line(line.as_bytes())? {
                Some(answer) => {
                    assert_eq!(number + 1, lines.len(), "it ended too early: {lines:?}");
                    return Ok(Some(answer));
                }
                None => continue,
            }
        }
        Ok(None)
    }

    #[test]
    fn answers_of_one_and_of_several_lines() {
        for (lines, code, words) in [
            (&["250 Done."][..], 250, "Done."),
            (&["226"], 226, ""),
            (&["211 no features"], 211, "no features"),
            (&["211-Features:", " MDTM", "SIZE", "211 End"], 211, "Features:  MDTM SIZE End"),
            (
                &["220-Welcome", "100 users are here", "220-more", "221 is not the end", "220 go"],
                220,
                "Welcome 100 users are here more 221 is not the end go",
            ),
        ] {
            let answer = read(lines).unwrap().unwrap();
            assert_eq!((answer.code, answer.words().as_str()), (code, words));
        }
        assert_eq!(read(&["230-Welcome", "nothing more"]), Ok(None));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for line in ["", "ok", "2500 x", "2x0 y", "HTTP/1.1 400 Bad Request", "990 x"] {
            assert!(read(&[line]).is_err(), "{line}");
        }
        let mut gathering = Gathering::default();
        gathering.line(b"220-begin").unwrap();
        let endless = (0..).find_map(|_| gathering.line(&[b'x'; 1000]).err()).unwrap();
        assert!(endless.contains("longer than"), "{endless}");
    }

    #[test]
    fn a_terminal_is_given_no_orders() {
        assert_eq!(readable(b"\x1b[31mred\x07\r"), "[31mred");
        assert_eq!(readable(&[b'x'; 5000]).len(), WORDS_MAX);
    }
}
