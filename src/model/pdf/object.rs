//! The objects of a PDF as they are written: numbers, names, lists, dictionaries, references. Of texts only that there is one.

use super::Flaw;

/// Lists in lists go no deeper.
pub const MOST_DEPTH: usize = 40;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// Also what is no number of ours: `true`, `1.5`, a text.
    Other,
    Null,
    Number(i64),
    Name(Vec<u8>),
    List(Vec<Object>),
    Dict(Vec<(Vec<u8>, Object)>),
    /// To the object of this number; generations are not told apart, since the newest of a number is what counts.
    Ref(u32),
}

impl Object {
    /// The last of its name, as most readers take it.
    pub fn get(&self, name: &str) -> Option<&Object> {
        match self {
            Object::Dict(entries) => {
                entries.iter().rev().find(|(key, _)| key == name.as_bytes()).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub fn is_name(&self, name: &str) -> bool {
        matches!(self, Object::Name(own) if own == name.as_bytes())
    }

    pub fn number(&self) -> Option<i64> {
        if let Object::Number(number) = self { Some(*number) } else { None }
    }
}

pub struct Lexer<'b> {
    pub bytes: &'b [u8],
    pub at: usize,
}

const UNREADABLE: Flaw = Flaw::Broken("objects cannot be read");

pub fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

fn ends_word(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

impl<'b> Lexer<'b> {
    pub fn new(bytes: &'b [u8], at: usize) -> Self {
        Lexer { bytes, at: at.min(bytes.len()) }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Behind spaces and comments.
    pub fn skip(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'%' => {
                    while self.peek().is_some_and(|b| b != b'\n' && b != b'\r') {
                        self.at += 1;
                    }
                }
                _ if is_space(byte) => self.at += 1,
                _ => break,
            }
        }
    }

    /// The letters and digits that stand next; empty before anything else.
    pub fn word(&mut self) -> &'b [u8] {
        self.skip();
        let from = self.at;
        while self.peek().is_some_and(|b| !ends_word(b)) {
            self.at += 1;
        }
        &self.bytes[from..self.at]
    }

    pub fn expect(&mut self, word: &[u8]) -> bool {
        let before = self.at;
        let is = self.word() == word;
        if !is {
            self.at = before;
        }
        is
    }

    pub fn number(&mut self) -> Option<i64> {
        let before = self.at;
        let number = whole(self.word());
        if number.is_none() {
            self.at = before;
        }
        number
    }

    pub fn object(&mut self) -> Result<Object, Flaw> {
        self.nested(MOST_DEPTH)
    }

    fn nested(&mut self, room: usize) -> Result<Object, Flaw> {
        if room == 0 {
            return Err(Flaw::TooMuch("lists in lists beyond any need"));
        }
        self.skip();
        match self.peek().ok_or(UNREADABLE)? {
            b'/' => {
                self.at += 1;
                Ok(Object::Name(self.name()))
            }
            b'(' => self.text().map(|()| Object::Other),
            b'[' => {
                self.at += 1;
                self.list(room)
            }
            b'<' if self.bytes.get(self.at + 1) == Some(&b'<') => {
                self.at += 2;
                self.dict(room)
            }
            b'<' => {
                let length = self.bytes[self.at..].iter().position(|b| *b == b'>').ok_or(UNREADABLE)?;
                self.at += length + 1;
                Ok(Object::Other)
            }
            _ => self.plain(),
        }
    }

    fn plain(&mut self) -> Result<Object, Flaw> {
        let word = self.word();
        if word.is_empty() {
            return Err(UNREADABLE);
        }
        let Some(number) = whole(word) else {
            return Ok(if word == b"null" { Object::Null } else { Object::Other });
        };
        // "12 0 R"
        let behind = self.at;
        if let Ok(referred) = u32::try_from(number)
            && self.number().is_some_and(|generation| generation >= 0)
            && self.word() == b"R"
        {
            return Ok(Object::Ref(referred));
        }
        self.at = behind;
        Ok(Object::Number(number))
    }

    fn name(&mut self) -> Vec<u8> {
        let from = self.at;
        while self.peek().is_some_and(|b| !ends_word(b)) {
            self.at += 1;
        }
        let raw = &self.bytes[from..self.at];
        let mut name = Vec::with_capacity(raw.len());
        let mut at = 0;
        while at < raw.len() {
            let escaped = raw.get(at + 1..at + 3).filter(|_| raw[at] == b'#');
            let code = escaped.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
            name.push(code.unwrap_or(raw[at]));
            at += if code.is_some() { 3 } else { 1 };
        }
        name
    }

    fn text(&mut self) -> Result<(), Flaw> {
        let mut open = 0usize;
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'(' => open += 1,
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
        Err(UNREADABLE)
    }

    fn list(&mut self, room: usize) -> Result<Object, Flaw> {
        let mut items = Vec::new();
        loop {
            self.skip();
            if self.peek().ok_or(UNREADABLE)? == b']' {
                self.at += 1;
                return Ok(Object::List(items));
            }
            items.push(self.nested(room - 1)?);
        }
    }

    fn dict(&mut self, room: usize) -> Result<Object, Flaw> {
        let mut entries = Vec::new();
        loop {
            self.skip();
            match self.peek().ok_or(UNREADABLE)? {
                b'>' if self.bytes.get(self.at + 1) == Some(&b'>') => {
                    self.at += 2;
                    return Ok(Object::Dict(entries));
                }
                b'/' => {
                    self.at += 1;
                    let key = self.name();
                    entries.push((key, self.nested(room - 1)?));
                }
                _ => return Err(UNREADABLE),
            }
        }
    }
}

fn whole(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok().filter(|word| word.len() <= 18)?.parse().ok()
}
