//! Archives of files of one layout: read as one file, places that name the member, rejects that are archives again, bombs refused.

mod decoding;
mod sheets;

use std::io::{self, Cursor};

use decoding::{Found, layout_of, spill};
use nattpost::model::json::to_json;
use nattpost::model::layout::{DecodeContext, Decoded, Layout, packed};
use sheets::{Book, archive, row};

fn stock() -> Layout {
    layout_of(
        "layout = \"s\"\ntitle = \"Stock\"\nkind = \"stock\"\nsyntax = \"delimited\"\n[delimited]\n[[record]]\nname = \"row\"\nopens = \"message\"\n\
         fields = [[\"Article\", \"article_no\", \"text required\"], [\"Qty\", \"qty\", \"integer required\"]]\n",
    )
}

fn decode(layout: &Layout, bytes: &[u8]) -> (Found, Decoded) {
    let mut found = Found::default();
    let context = DecodeContext { file_name: "a.zip", zone: chrono_tz::Europe::Berlin, spill: &spill };
    let decoded = layout.decode_packed(&mut Cursor::new(bytes), &context, &mut found).unwrap();
    (found, decoded)
}

fn told(found: &Found, decoded: &Decoded) -> Vec<String> {
    let refused = found.refused.iter().flat_map(|r| &r.problems);
    refused.chain(decoded.fatal.kept()).map(|p| format!("{p} [{}]", p.code)).collect()
}

fn articles(found: &Found) -> Vec<String> {
    found.messages().map(|m| to_json(m)["article_no"].as_str().unwrap().to_string()).collect()
}

const GOOD: &[u8] = b"Article;Qty\nA;1\nB;2\n";
const BAD: &[u8] = b"Article;Qty\nC;x\nD;4\n";

#[test]
fn members_are_read_in_the_order_of_their_names_and_counted_on() {
    let late: &[u8] = b"Article;Qty\nZ;9\n";
    let bytes = archive(&[
        ("stock_10.csv", late),
        ("sub/", b""),
        ("stock_2.csv", GOOD),
        ("stock_3.csv", BAD),
        ("__MACOSX/x", b"?"),
    ]);
    let (found, decoded) = decode(&stock(), &bytes);
    assert_eq!((articles(&found), decoded.messages), (["A", "B", "D", "Z"].map(String::from).to_vec(), 5));
    let numbers: Vec<u64> = found.messages().map(|m| m.origin().number).collect();
    assert_eq!((numbers, found.refused[0].number), (vec![1, 2, 4, 5], 3));
    let told = told(&found, &decoded);
    assert!(told[0].starts_with("stock_3.csv, line 2, \"Qty\": \"x\""), "{told:?}");
    assert!(found.batches.iter().all(|batch| batch.speaker().is_some()));
    // A file that is none is read as before.
    assert_eq!(articles(&decode(&stock(), GOOD).0), ["A", "B"]);
}

#[test]
fn one_member_that_cannot_be_read_refuses_the_archive() {
    let text = |members: &[(&str, &[u8])]| {
        let (found, decoded) = decode(&stock(), &archive(members));
        assert!(!decoded.fatal.is_empty());
        told(&found, &decoded).join("\n")
    };
    assert!(text(&[("a.csv", GOOD), ("b.csv", b"Nr;Qty\nA;1\n")]).contains("b.csv, line 1, the"));
    assert!(text(&[("a.csv", GOOD), ("b.csv", b"")]).contains("b.csv, "));
    assert!(text(&[("a.csv", GOOD), ("b.pdf", b"%PDF-1.7\n\xE2\xE3")]).contains("b.pdf, the file is a PDF document"));
    assert!(text(&[]).contains("holds no file"));
    assert!(text(&[("sub/", b"")]).contains("holds no file"));
    assert!(text(&[("a.csv", GOOD), ("a.csv", GOOD)]).contains("two members named \"a.csv\""));
    assert!(text(&[("b.zip", &archive(&[("a.csv", GOOD)]))]).contains("an archive again"));
    let whole = archive(&[("a.csv", GOOD)]);
    let (found, decoded) = decode(&stock(), &whole[..whole.len() - 5]);
    assert!(told(&found, &decoded)[0].contains("file-truncated"));
    assert!(found.messages().count() == 0);
}

#[test]
fn a_reject_is_an_archive_of_the_refused_rows() {
    let bytes = archive(&[("a.csv", GOOD), ("b.csv", BAD), ("c.csv", b"Article;Qty\nE;5\nF;y\n")]);
    let (found, _) = decode(&stock(), &bytes);
    let ranges: Vec<_> = found.refused.iter().flat_map(|r| r.bytes.clone()).collect();
    let mut reject = Vec::new();
    stock().rebuild_reject(&mut Cursor::new(&bytes), &ranges, &mut reject).unwrap();
    let (again, decoded) = decode(&stock(), &reject);
    let told = told(&again, &decoded);
    assert_eq!((articles(&again).len(), told.len()), (0, 2), "{told:?}");
    assert!(
        told[0].starts_with("b.csv, line 2, \"Qty\": \"x\"") && told[1].starts_with("c.csv, line 2, \"Qty\": \"y\"")
    );
}

#[test]
fn a_workbook_is_no_archive_of_files_and_may_be_in_one() {
    let layout = layout_of(
        "layout = \"s\"\ntitle = \"Stock\"\nkind = \"stock\"\nsyntax = \"xlsx\"\n[xlsx]\n[[record]]\nname = \"row\"\nopens = \"message\"\n\
         fields = [[\"Article\", \"article_no\", \"text required\"], [\"Qty\", \"qty\", \"integer required\"]]\n",
    );
    let book = Book::of(&(row(1, &["Article", "Qty"]) + &row(2, &["A", "1"]) + &row(3, &["B", "x"]))).bytes();
    let (found, decoded) = decode(&layout, &book);
    assert_eq!(articles(&found), ["A"]);
    assert!(told(&found, &decoded)[0].starts_with("Orders!B3, \"Qty\""));
    let packed = archive(&[("b.xlsx", &book)]);
    let (found, decoded) = decode(&layout, &packed);
    assert_eq!(articles(&found), ["A"]);
    assert!(told(&found, &decoded)[0].starts_with("b.xlsx, Orders!B3, \"Qty\""));
    let mut reject = Vec::new();
    layout.rebuild_reject(&mut Cursor::new(&packed), &found.refused[0].bytes, &mut reject).unwrap();
    let (again, decoded) = decode(&layout, &reject);
    assert_eq!((articles(&again).len(), told(&again, &decoded).len()), (0, 1));
}

#[test]
fn the_first_member_tells_the_layout() -> io::Result<()> {
    let bytes = archive(&[("b.csv", BAD), ("a.csv", GOOD)]);
    let mut input = Cursor::new(&bytes[..]);
    assert!(packed::is_archive(&mut input)?);
    assert_eq!(packed::first_head(&mut input)?, Some((GOOD.to_vec(), true)));
    assert_eq!(packed::first_head(&mut Cursor::new(b"PK\x03\x04"))?, None);
    assert!(!packed::is_archive(&mut Cursor::new(GOOD))?);
    Ok(())
}
