use super::*;

const SEMICOLON: Style =
    Style::Cells { delimiter: b';', quote: Some(b'"'), line_breaks: true, padded: false, whole: None };

/// Hands out one byte at a time, so that every boundary is met.
struct Drop1<'a>(&'a [u8]);

impl Read for Drop1<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.0.len().min(1);
        into[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn rows_of(input: &mut dyn Read, encoding: &str) -> Vec<String> {
    let mut reader = RowReader::open(input, &Encoding::named(encoding).unwrap(), SEMICOLON).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = reader.next().unwrap() {
        let cells: Vec<_> =
            row.cells.iter().map(|c| String::from_utf8_lossy(&row.bytes[c.range()]).to_string()).collect();
        let flaw = row.flaw.map_or(String::new(), |f| format!(" {f:?}"));
        rows.push(format!("{} {:?} {}{flaw}", row.line, row.range, cells.join("|")));
    }
    rows
}

fn rows(text: &[u8]) -> Vec<String> {
    let whole = rows_of(&mut &text[..], "utf-8");
    assert_eq!(whole, rows_of(&mut Drop1(text), "utf-8"), "the same byte by byte");
    whole
}

#[test]
fn lines_end_with_lf_crlf_or_cr_and_are_counted_alike() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["a;b", "c;\"d", "e\";f", "", "g;h"].join(end);
        let n = end.len() as u64;
        let expected = [
            format!("1 0..{} a|b", 3 + n),
            format!("2 {}..{} c|d{end}e|f", 3 + n, 11 + 3 * n - 1 - 1 + 1),
            format!("5 {}..{} g|h", 11 + 4 * n, 14 + 4 * n),
        ];
        let found = rows(text.as_bytes());
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!((&found[0], &found[2]), (&expected[0], &expected[2]), "{end:?}");
        assert!(found[1].starts_with("2 ") && found[1].ends_with(&format!("c|d{end}e|f")), "{found:?}");
    }
}

#[test]
fn an_unclosed_quote_takes_no_other_line_with_it() {
    assert_eq!(
        rows(b"1;a\n2;\"b\n3;c\n4;\"d\"\n"),
        ["1 0..4 1|a", "2 4..9 2 QuoteUnclosed { column: 2, line: 2 }", "3 9..13 3|c", "4 13..19 4|d"]
    );
    assert_eq!(rows(b"1;\"a\n2;b\n"), ["1 0..5 1 QuoteUnclosed { column: 2, line: 1 }", "2 5..9 2|b"]);
    assert_eq!(rows(b"1;\"a"), ["1 0..4 1 QuoteUnclosed { column: 2, line: 1 }"]);
    // The quote that stays open stands on the row's second line.
    assert_eq!(rows(b"1;\"a\nb\";\"c\n2;d\n"), ["1 0..11 1|a\nb QuoteUnclosed { column: 3, line: 2 }", "3 11..15 2|d"]);
}

#[test]
fn a_flawed_row_has_no_cells_behind_its_end() {
    // The file ends within the second quote: the row is taken back to its first line, and so is the cell that went beyond.
    let found = rows(b"1;\"a\nb\";\"c");
    assert_eq!(found[0], "1 0..5 1 QuoteUnclosed { column: 3, line: 2 }", "{found:?}");
}

#[test]
fn text_behind_a_closing_quote_and_nul_are_flaws() {
    assert_eq!(rows(b"\"x\"y;1\n2;3\n"), ["1 0..7  QuoteMisplaced { column: 1, line: 1 }", "2 7..11 2|3"]);
    assert_eq!(rows(b"a\0b;1\n2;3"), ["1 0..6 a\0b|1 Nul", "2 6..9 2|3"]);
    assert_eq!(rows(b"a;5\"x;\"\"\"q\"\"\"\n"), ["1 0..14 a|5\"x|\"\"q\"\""]);
}

#[test]
fn a_line_without_end_is_skipped_and_its_beginning_kept() {
    let mut text = b"1;a\n2;".to_vec();
    text.resize(5 << 20, b'x');
    text.extend_from_slice(b"\n3;c\n");
    let mut input = &text[..];
    let mut reader = RowReader::open(&mut input, &Encoding::Utf8, SEMICOLON).unwrap();
    assert_eq!(reader.next().unwrap().unwrap().line, 1);
    let long = reader.next().unwrap().unwrap();
    assert_eq!((long.flaw, long.range.clone()), (Some(Flaw::TooLong), 4..(5 << 20) + 1));
    assert_eq!(&long.bytes[long.cells[0].range()], b"2");
    let after = reader.next().unwrap().unwrap();
    assert_eq!((after.line, after.flaw), (3, None));
    assert!(reader.window.bytes().len() < 3 << 20);
}

#[test]
fn a_long_quoted_value_is_limited_too() {
    let mut text = b"1;\"".to_vec();
    for _ in 0..200_000 {
        text.extend_from_slice(b"0123456789\n");
    }
    let mut input = &text[..];
    let mut reader = RowReader::open(&mut input, &Encoding::Utf8, SEMICOLON).unwrap();
    let first = reader.next().unwrap().unwrap();
    assert_eq!((first.flaw, first.range.clone()), (Some(Flaw::QuoteUnclosed { column: 2, line: 1 }), 0..14));
    assert_eq!(reader.next().unwrap().unwrap().line, 2);
}

#[test]
fn places_in_utf16_are_those_of_the_senders_bytes() {
    let text = "a;ä\r\n𝄞;\"b\"\r\n";
    for big in [false, true] {
        let mut bytes: Vec<u8> = if big { vec![0xFE, 0xFF] } else { vec![0xFF, 0xFE] };
        for unit in text.encode_utf16() {
            bytes.extend(if big { unit.to_be_bytes() } else { unit.to_le_bytes() });
        }
        let expected = ["1 2..12 a|ä", "2 12..28 𝄞|b"];
        assert_eq!(rows_of(&mut &bytes[..], "utf-16"), expected);
        assert_eq!(rows_of(&mut Drop1(&bytes), "utf-16"), expected);
    }
    assert_eq!(rows_of(&mut &b"\xEF\xBB\xBFa;b"[..], "latin-1"), ["1 3..6 a|b"]);
}
