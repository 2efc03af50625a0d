//! Archives of files of one layout: read as one file, places that name the member, rejects that are archives again, bombs refused.

mod archive_faults;
mod decoding;
mod sheets;

use std::io::{self, Cursor, Write};

use decoding::{Found, layout_of, spill};
use nattpost::model::archive::gzip;
use nattpost::model::json::to_json;
use nattpost::model::layout::packed::{self, Packing};
use nattpost::model::layout::{Completeness, DecodeContext, Decoded, Layout};
use sheets::{Book, archive, row};

fn stock() -> Layout {
    layout_of(
        "layout = \"s\"\ntitle = \"Stock\"\nkind = \"stock\"\nsyntax = \"delimited\"\n[delimited]\n[[record]]\nname = \"row\"\nopens = \"message\"\n\
         fields = [[\"Article\", \"article_no\", \"text required\"], [\"Qty\", \"qty\", \"integer required\"]]\n",
    )
}

fn decode(layout: &Layout, bytes: &[u8]) -> (Found, Decoded) {
    let name = if gzip::begins_like_gzip(bytes) { "stock.csv.gz" } else { "a.zip" };
    let mut found = Found::default();
    let context = DecodeContext { file_name: name, zone: chrono_tz::Europe::Berlin, spill: &spill };
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
    assert_eq!(packed::packing(&mut input)?, Some(Packing::Zip));
    assert_eq!(packed::first_head(Packing::Zip, &mut input)?, Some((GOOD.to_vec(), true)));
    assert_eq!(packed::first_head(Packing::Zip, &mut Cursor::new(b"PK\x03\x04"))?, None);
    assert_eq!(packed::packing(&mut Cursor::new(GOOD))?, None);
    let bytes = gzipped(GOOD);
    let mut input = Cursor::new(&bytes[..]);
    assert_eq!(packed::packing(&mut input)?, Some(Packing::Gzip));
    assert_eq!(packed::first_head(Packing::Gzip, &mut input)?, Some((GOOD.to_vec(), true)));
    assert_eq!(packed::first_head(Packing::Gzip, &mut Cursor::new(&bytes[..9]))?, None);
    Ok(())
}

#[test]
fn what_gzip_packed_is_read_as_the_file_in_it() {
    let (found, decoded) = decode(&stock(), &[gzipped(BAD), gzipped(b"E;5\n")].concat());
    assert_eq!((articles(&found), decoded.messages), (["D", "E"].map(String::from).to_vec(), 3));
    assert!(told(&found, &decoded)[0].starts_with("stock.csv, line 2, \"Qty\": \"x\""), "{:?}", told(&found, &decoded));

    let mut reject = Vec::new();
    let bytes = gzipped(BAD);
    let (found, _) = decode(&stock(), &bytes);
    stock().rebuild_reject(&mut Cursor::new(&bytes), &found.refused[0].bytes, &mut reject).unwrap();
    let (again, decoded) = decode(&stock(), &reject);
    assert_eq!((articles(&again).len(), decoded.messages), (0, 1));

    let text = |bytes: &[u8]| {
        let (found, decoded) = decode(&stock(), bytes);
        assert!(!decoded.fatal.is_empty() && found.messages().count() == 0);
        told(&found, &decoded).join("\n")
    };
    let cut = text(&bytes[..bytes.len() - 3]);
    assert!(cut.starts_with("the gzip file is not taken: it ends") && cut.ends_with("[file-truncated]"), "{cut}");
    let mut changed = bytes.clone();
    let at = changed.len() - 6;
    changed[at] ^= 1;
    assert!(
        text(&changed).contains("another checksum than its end says. Pack it anew and send it again. [")
            && text(&changed).contains("[archive-damaged]")
    );
    assert!(text(&gzipped(&bytes)).contains("its member \"stock.csv\" is an archive again"));
    assert!(text(&gzipped(&archive(&[("a.csv", GOOD)]))).contains("an archive again"));
    assert!(text(&archive(&[("a.csv.gz", &bytes)])).contains("an archive again"));
    assert!(text(&gzipped(&vec![b'\n'; 64 << 20])).contains("[archive-limit]"));
    assert!(text(&gzipped(b"")).contains("stock.csv, the file holds no message"), "{}", text(&gzipped(b"")));

    let whole = |bytes: &[u8]| packed::completeness(Packing::Gzip, &mut Cursor::new(bytes), b"").unwrap();
    assert_eq!(whole(&bytes), Completeness::Complete);
    assert!(matches!(whole(&bytes[..bytes.len() - 1]), Completeness::Incomplete(_)));
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut out = gzip::writer(Vec::new());
    out.write_all(content).unwrap();
    out.finish().unwrap()
}
