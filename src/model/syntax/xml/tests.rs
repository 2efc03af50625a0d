//! What the reader tells, refuses and where it says it stands, in every encoding and cut at every byte.

use std::io::Read;

use super::*;

/// Records what is read as text: `<a k=v` at byte/line, text, `/` at byte.
#[derive(Default)]
struct Trace(Vec<String>);

impl Visitor for Trace {
    fn open(&mut self, tag: &Tag<'_>) -> Result<(), Halt> {
        let attributes: String = tag.attributes().map(|a| format!(" {}={}", a.name, a.value)).collect();
        let space = if tag.space.is_empty() { String::new() } else { format!("{{{}}}", tag.space) };
        self.0.push(format!("<{space}{}{attributes} @{}-{} L{}", tag.name, tag.at.byte, tag.end.byte, tag.at.line));
        Ok(())
    }

    fn text(&mut self, piece: &str) -> Result<(), Halt> {
        match self.0.last_mut() {
            Some(last) if last.starts_with('"') => last.push_str(piece),
            _ => self.0.push(format!("\"{piece}")),
        }
        Ok(())
    }

    fn close(&mut self, end: Spot) -> Result<(), Halt> {
        self.0.push(format!("/ @{}", end.byte));
        Ok(())
    }
}

/// Gives one byte at a time.
struct Drops<'a>(&'a [u8]);

impl Read for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(&mut buffer[..1])
    }
}

fn trace(bytes: &[u8]) -> (Vec<String>, Option<(&'static str, u32, u64)>) {
    let mut trace = Trace::default();
    let end = read(&mut Drops(bytes), None, &mut trace).unwrap();
    trace.0.retain(|line| line.len() > 1 && !line[1..].trim().is_empty());
    (trace.0, end.problem.map(|p| (p.code, p.place.line, p.place.byte)))
}

#[test]
fn elements_attributes_and_joined_text_are_told_with_their_places() {
    let (lines, problem) = trace(
        b"<?xml version=\"1.0\"?>\n<a x='1&lt;'>\n<b>R&amp;D<![CDATA[ <&> ]]>&#228;<!-- no -->!</b>\n<c/>\r\n</a>\n<!-- end -->\n",
    );
    assert_eq!(lines, ["<a x=1< @22-35 L2", "<b @36-39 L3", "\"R&D <&> ä!", "/ @85", "<c @86-90 L4", "/ @90", "/ @96"]);
    assert_eq!(problem, None);
}

#[test]
fn places_are_those_of_the_senders_bytes_in_every_encoding() {
    for (label, mark, width) in [("utf-16le", 2, 2), ("utf-16be", 2, 2), ("iso-8859-1", 0, 1), ("cp850", 0, 1)] {
        let charset = Charset::by_label(label).unwrap();
        let head = format!("<?xml version='1.0' encoding='{label}'?>");
        let mut bytes = Vec::new();
        if mark > 0 {
            charset.encode("\u{FEFF}", &mut bytes).unwrap();
        }
        charset.encode(&format!("{head}<ä>Größe</ä>"), &mut bytes).unwrap();
        let (lines, problem) = trace(&bytes);
        let start = mark + head.len() as u64 * width;
        let expected = [
            format!("<ä @{}-{} L1", start, start + 3 * width),
            "\"Größe".to_string(),
            format!("/ @{}", start + 12 * width),
        ];
        assert_eq!((lines, problem), (expected.to_vec(), None), "{label}");
        assert_eq!(bytes.len() as u64, start + 12 * width);
    }
}

#[test]
fn namespaces_are_resolved_by_uri() {
    let (lines, _) = trace(b"<o xmlns='urn:o' xmlns:b='urn:b'><b:x b:k='1'/><c:x xmlns:c='urn:b'/><y xmlns=''/></o>");
    let names: Vec<&str> = lines.iter().filter_map(|l| l.strip_prefix('<')?.split(" @").next()).collect();
    assert_eq!(names, ["{urn:o}o", "{urn:b}x k=1", "{urn:b}x", "y"]);
}

#[test]
fn what_is_no_document_is_refused_with_its_place() {
    let table: &[(&[u8], &str, u32)] = &[
        (b"", "file-empty", 1),
        (b"  \n ", "file-empty", 2),
        (b"<?xml version='1.0'?>\n<!-- nothing -->", "file-empty", 2),
        (b"hello", "xml-invalid", 1),
        (b"<a></a>\nx", "xml-invalid", 2),
        (b"<a/><![CDATA[x]]>", "xml-invalid", 1),
        (b"<a/>&amp;", "xml-invalid", 1),
        (b"<a/>\n\n<b/>", "xml-invalid", 3),
        (b"\n<?xml version='1.0'?><a/>", "xml-invalid", 2),
        (b"<a>\n<b></a>", "xml-invalid", 2),
        (b"<a></a></a>", "xml-invalid", 1),
        (b"<a><b></b", "file-truncated", 1),
        (b"<a><b></b>", "file-truncated", 1),
        (b"<a x='1", "file-truncated", 1),
        (b"<a><!-- x", "file-truncated", 1),
        (b"<a><![CDATA[x", "file-truncated", 1),
        (b"<a><![CD", "file-truncated", 1),
        (b"<a>&am", "file-truncated", 1),
        (b"<a x='1>\n<b></b></a>", "xml-invalid", 1),
        (b"<a x=1/>", "xml-invalid", 1),
        (b"<a x='1' x='2'/>", "xml-invalid", 1),
        (b"<a x='<'/>", "xml-invalid", 1),
        (b"<a x='&b;'/>", "xml-entity", 1),
        (b"<a>\n&nbsp;</a>", "xml-entity", 2),
        (b"<a>&#0;</a>", "xml-entity", 1),
        (b"<a>R & D;</a>", "xml-invalid", 1),
        (b"<a>R & D</a>", "xml-invalid", 1),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "xml-doctype", 1),
        (b"<!DOCTYPE a", "file-truncated", 1),
        (b"<!DOCTYPE a SYSTEM 'b'>\n<a>&c;</a>", "xml-entity", 2),
        (b"<a>\n<!DOCTYPE a></a>", "xml-invalid", 2),
        (b"<a/>\n<!DOCTYPE a>", "xml-invalid", 2),
        (b"<!DOCTYPE a>\n<!DOCTYPE a><a/>", "xml-invalid", 2),
        (b"<!DOCTYPE a>\n<?xml version='1.0'?><a/>", "xml-invalid", 2),
        (b"<a>\n\x01</a>", "xml-invalid", 2),
        (b"<a>\0</a>", "xml-invalid", 1),
        (b"<a>\n\n\xFF</a>", "encoding-invalid", 3),
        (b"<a>\xEF\xBF\xBF</a>", "xml-invalid", 1),
        (b"<p:a/>", "xml-invalid", 1),
        (b"<a p:x='1'/>", "xml-invalid", 1),
        (b"<1/>", "xml-invalid", 1),
        (b"< a/>", "xml-invalid", 1),
        (b"<>x</>", "xml-invalid", 1),
        (b"<a><!bad></a>", "xml-invalid", 1),
        (b"<?xml version='1.0' encoding='klingon'?><a/>", "encoding-invalid", 1),
    ];
    for (bytes, code, line) in table {
        let (_, problem) = trace(bytes);
        let found = problem.map(|(code, line, _)| (code, line));
        assert_eq!(found, Some((*code, *line)), "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn cut_at_every_byte_a_document_is_truncated_or_empty_and_never_panics() {
    let whole = "<?xml version='1.0'?>\n<o k='ü'>\n<a>x &amp; ü</a><![CDATA[y]]><!-- z --><b/>\n</o>".as_bytes();
    for cut in 0..whole.len() {
        let (_, problem) = trace(&whole[..cut]);
        let (code, _, byte) = problem.unwrap_or_else(|| panic!("cut at {cut} passes"));
        assert!(["file-truncated", "file-empty", "encoding-invalid"].contains(&code), "{cut}: {code}");
        assert!(byte <= cut as u64, "{cut}: {byte}");
    }
    assert_eq!(trace(whole).1, None);
}

/// A head, then a piece again and again, then a tail: files larger than memory should be.
struct Repeated<'a> {
    parts: [(&'a [u8], usize); 3],
    part: usize,
    at: usize,
}

fn repeated<'a>(head: &'a [u8], piece: &'a [u8], times: usize, tail: &'a [u8]) -> Repeated<'a> {
    Repeated { parts: [(head, 1), (piece, times), (tail, 1)], part: 0, at: 0 }
}

impl Read for Repeated<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() && self.part < 3 {
            let (piece, times) = self.parts[self.part];
            if self.at == piece.len() * times {
                (self.part, self.at) = (self.part + 1, 0);
                continue;
            }
            let from = self.at % piece.len();
            let count = (piece.len() - from).min(buffer.len() - filled);
            buffer[filled..filled + count].copy_from_slice(&piece[from..from + count]);
            filled += count;
            self.at += count;
        }
        Ok(filled)
    }
}

/// Counts what arrives and the longest piece.
#[derive(Default)]
struct Sizes {
    text: usize,
    longest: usize,
    closed: u64,
}

impl Visitor for Sizes {
    fn open(&mut self, _: &Tag<'_>) -> Result<(), Halt> {
        Ok(())
    }

    fn text(&mut self, piece: &str) -> Result<(), Halt> {
        self.text += piece.len();
        self.longest = self.longest.max(piece.len());
        Ok(())
    }

    fn close(&mut self, end: Spot) -> Result<(), Halt> {
        self.closed = end.byte;
        Ok(())
    }
}

#[test]
fn texts_comments_and_cdata_larger_than_the_window_pass_in_pieces() {
    const TIMES: usize = 2_000_000;
    let size = |head: &'static [u8], piece: &'static [u8], tail: &'static [u8]| {
        let mut sizes = Sizes::default();
        let end = read(&mut repeated(head, piece, TIMES, tail), None, &mut sizes).unwrap();
        assert!(end.problem.is_none(), "{:?}", end.problem);
        assert!(sizes.longest <= 512 * 1024);
        assert_eq!(sizes.closed, (head.len() + piece.len() * TIMES + tail.len()) as u64);
        sizes.text
    };
    assert_eq!(size(b"<a>", "ü]".as_bytes(), b"</a>"), 3 * TIMES);
    assert_eq!(size(b"<a>", b"x\r\n", b"</a>"), 2 * TIMES);
    assert_eq!(size(b"<a><![CDATA[", b"]\r\n]", b"]]></a>"), 3 * TIMES);
    assert_eq!(size(b"<a><!--", b"<->", b"--></a>"), 0);
}

#[test]
fn bombs_are_refused_in_bounded_memory() {
    let code = |head: &'static [u8], piece: &'static [u8], times: usize| {
        let mut sizes = Sizes::default();
        read(&mut repeated(head, piece, times, b""), None, &mut sizes).unwrap().problem.unwrap().code
    };
    assert_eq!(code(b"", b"<a>", 1_000_000), "xml-limit");
    assert_eq!(code(b"<a ", b"xyz='1' ", 1_000_000), "xml-limit");
    assert_eq!(code(b"<a x='", b"xyz", 1_000_000), "xml-limit");
    assert_eq!(code(b"<", b"xyz", 1_000_000), "xml-limit");
    assert_eq!(code(b"<a><?", b"xyz", 1_000_000), "xml-limit");
    assert_eq!(code(b"<a>&", b"xyz", 1_000_000), "xml-invalid");
    assert_eq!(code(b"", b" ", 1_000_000), "file-empty");
}

#[test]
fn what_is_written_reads_back() {
    let mut text = XmlText::new("\n");
    text.declaration("ISO-8859-1");
    text.open("o");
    text.attribute("k", "a\"<&>\n\tü");
    text.open("a");
    text.text("]]> & \r\n <ü> 漢");
    text.close();
    text.open("b");
    text.close();
    text.close();
    let mut bytes = Vec::new();
    text.drain_into(&Charset::by_label("iso-8859-1").unwrap(), &mut bytes);
    let (lines, problem) = trace(&bytes);
    assert_eq!(problem, None);
    assert!(lines[0].starts_with("<o k=a\"<&>\n\tü @"), "{lines:?}");
    assert_eq!(lines[2], "\"]]> & \r\n <ü> 漢");
    assert!(bytes.windows(5).any(|w| w == b"\n  <b"), "elements are indented");
}

/// What quick-xml makes of a document, in the words of `trace` without places; nothing where it refuses.
fn oracle(text: &str) -> Option<Vec<String>> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(text.trim_start_matches('\u{FEFF}'));
    reader.config_mut().expand_empty_elements = true;
    let mut lines: Vec<String> = Vec::new();
    let mut add = |piece: &str| match lines.last_mut() {
        Some(last) if last.starts_with('"') && piece.starts_with('"') => last.push_str(&piece[1..]),
        _ => lines.push(piece.to_string()),
    };
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                let mut line = format!("<{}", names::split(tag.name().as_ref()).1);
                for attribute in tag.attributes() {
                    let attribute = attribute.ok()?;
                    let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0).ok()?;
                    let name: &str = attribute.key.as_ref();
                    if !name.starts_with("xmlns") {
                        line.push_str(&format!(" {}={value}", names::split(name).1));
                    }
                }
                add(&line);
            }
            Event::End(_) => add("/"),
            Event::Text(piece) => add(&format!("\"{}", piece.xml10_content())),
            Event::CData(piece) => add(&format!("\"{}", piece.xml10_content())),
            Event::GeneralRef(name) => match name.resolve_char_ref().ok()? {
                Some(c) => add(&format!("\"{c}")),
                None => add(&format!("\"{}", quick_xml::escape::resolve_predefined_entity(&name)?)),
            },
            Event::Eof => return Some(lines),
            _ => {}
        }
    }
}

#[test]
fn what_is_taken_is_what_another_reader_reads_too() {
    let sample = "<?xml version='1.0'?>\n<o k='v&amp;' xmlns:p='u'>\r\n<p:a x=\"1\" y='>'>t &lt; ü</p:a><b/><![CDATA[<c>]]><!-- d --></o>\n";
    let pieces =
        ["<", ">", "/", "&", ";", "\"", "'", "=", " ", "<b>", "</b>", "<b/>", "&#65;", "]]>", "<!--", "-->", "\r"];
    let mut dice = 1u64;
    let mut below = |end: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((dice >> 33) % end as u64) as usize
    };
    let (mut taken, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut text: Vec<char> = sample.chars().collect();
        for _ in 0..=below(2) {
            let at = below(text.len());
            let end = (at + below(4)).min(text.len());
            text.splice(at..end, pieces[below(pieces.len())].chars());
        }
        let text: String = text.into_iter().collect();
        let mut ours = Trace::default();
        let end = read(&mut text.as_bytes(), None, &mut ours).unwrap();
        if end.problem.is_some() {
            refused += 1;
            continue;
        }
        taken += 1;
        let without_places = |line: &String| match line.chars().next() {
            Some('<') => {
                let line = &line[..line.rfind(" @").unwrap()];
                line.split_once('}').map_or(line.to_string(), |(_, name)| format!("<{name}"))
            }
            Some('/') => "/".to_string(),
            _ => line.clone(),
        };
        let ours: Vec<String> = ours.0.iter().map(without_places).filter(|l| l != "\"").collect();
        // White space outside the root is no text of ours.
        let mut theirs = oracle(&text).unwrap_or_else(|| panic!("quick-xml refuses what we take: {text}"));
        let outside = |line: &String| line.starts_with('"') && line[1..].trim().is_empty();
        while theirs.first().is_some_and(outside) {
            theirs.remove(0);
        }
        while theirs.last().is_some_and(outside) {
            theirs.pop();
        }
        theirs.retain(|line| line != "\"");
        assert_eq!(ours, theirs, "{text}");
    }
    assert!(taken > 1_000 && refused > 1_000, "{taken} taken, {refused} refused");
}
