//! Made beginnings of every sort, and what each is called; and what must not be taken for something else.

use super::*;

fn told(head: &[u8]) -> String {
    let Name { sort, what } = name(head);
    what.unwrap_or_else(|| format!("{sort:?}"))
}

#[test]
fn segments_say_which_messages_they_carry() {
    for (text, expected) in [
        ("UNB+UNOC:3+A+B+261122:1200+1'UNH+1+INVOIC:D:96A:UN'BGM+380+1'", "EDIFACT INVOIC"),
        (
            "UNA:+.? '\r\nUNB+UNOA:3+A+B+1'\r\nUNH+1+DESADV:D:96A:UN'\r\nUNT'\r\nUNH+2+INVOIC:D:96A:UN'",
            "EDIFACT DESADV and INVOIC",
        ),
        ("\u{FEFF}UNA|*.?#~\nUNH*1*PRICAT|D|96A|UN~", "EDIFACT PRICAT"),
        ("UNA:+.? 'UNB+UNOC:3+A+B+1'UNZ+0+1'", "EDIFACT without a message"),
        (
            "ISA*00*          *00*          *ZZ*A              *ZZ*B              *261122*1200*U*00401*000000001*0*P*>~GS*IN*A*B*20261122*1200*1*X*004010~ST*810*0001~BIG*1~SE*3*0001~",
            "X12 810",
        ),
        (
            "ISA|00| |00| |ZZ|A|ZZ|B|261122|1200|U|00401|1|0|P|>\nGS|PO|A|B|1|1|1|X|1\nST|850|1\nST|850|2\nST|855|3\n",
            "X12 850 and 855",
        ),
        ("ST*856*0001~BSN*00*1~", "X12 856"),
        (
            "STX=ANA:1+5000000000000:A+5000000000001:B+261122:120000+1'MHD=1+ORDHDR:9'TYP=0430'MTR=3'MHD=2+ORDERS:9'",
            "TRADACOMS ORDHDR and ORDERS",
        ),
    ] {
        assert_eq!(told(text.as_bytes()), expected);
        assert!(is_telling(text.as_bytes().get(..FIRST_BYTES).unwrap()), "{text}");
    }
    let mut control = format!("{:10}{:29}{:30}{:30}{:30}", "EDI_DC40", "100", "ORDERS05", "", "ORDERS");
    assert_eq!(told(control.as_bytes()), "SAP IDoc ORDERS (ORDERS05, flat)");
    control.truncate(60);
    assert_eq!(told(control.as_bytes()), "SAP IDoc ORDERS05 (flat)");
}

#[test]
fn documents_of_standards_are_called_by_their_message() {
    let ubl = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2";
    for (text, expected) in [
        (format!("<?xml version='1.0'?>\n<!-- a --><Invoice xmlns=\"{ubl}\"><ID>1</ID></Invoice>"), "UBL Invoice"),
        (format!("<u:Invoice xmlns:u='{ubl}'/>"), "UBL Invoice"),
        ("<rsm:CrossIndustryInvoice xmlns:rsm='urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100'>".into(), "UN/CEFACT CrossIndustryInvoice (as in ZUGFeRD, Factur-X and XRechnung)"),
        ("<INVOICE xmlns='http://www.opentrans.org/XMLSchema/2.1' version=\"2.1\"/>".into(), "openTRANS 2.1 INVOICE"),
        ("<ORDER xmlns='http://www.opentrans.org/opentrans/1.0/opentrans_order'/>".into(), "openTRANS 1.0 ORDER"),
        ("<BMECAT version=\"2005\"><HEADER/><T_NEW_PRODUCTDATA>".into(), "BMEcat 2005 T_NEW_PRODUCTDATA"),
        ("<!DOCTYPE cXML SYSTEM \"x.dtd\"><cXML payloadID='1'><Header><From/></Header><Request deploymentMode='test'><OrderRequest>".into(), "cXML OrderRequest"),
        ("<ORDERS05><IDOC BEGIN=\"1\"><EDI_DC40 SEGMENT=\"1\"><MESTYP>ORDERS</MESTYP>".into(), "SAP IDoc ORDERS (ORDERS05, XML)"),
        ("<Order xmlns=\"rrn:org.xcbl:schemas/xcbl/v4_0/ordermanagement/v1_0/ordermanagement.xsd\">".into(), "xCBL Order"),
        ("<order:orderMessage xmlns:order='urn:gs1:ecom:order:xsd:3'>".into(), "GS1 XML orderMessage"),
        ("<StandardBusinessDocument xmlns='http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader'><a><Type>Invoice</Type>".into(), "an envelope of GS1 or Peppol (SBDH) with Invoice"),
        ("<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><m:GetPrice>".into(), "a SOAP message with <GetPrice>"),
        ("<orders version=\"1\"/>".into(), "Xml"),
        ("<ORDER><ORDER_HEADER/></ORDER>".into(), "openTRANS ORDER"),
        ("<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head>".into(), "an HTML page (\"404 Not Found\")"),
        ("<HTML><BODY><H1>Login</H1>".into(), "an HTML page (\"Login\")"),
        ("<h1>Bad gateway</h1>".into(), "an HTML page (\"Bad gateway\")"),
    ] {
        assert_eq!(told(text.as_bytes()), expected);
        let wide: Vec<u8> = std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert_eq!(told(&wide), expected, "in UTF-16");
    }
}

#[test]
fn what_is_no_text_is_called_what_it_is() {
    let old = |part: &str| {
        let mut file = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
        file.resize(512, 0);
        file.extend(part.encode_utf16().flat_map(u16::to_le_bytes));
        file
    };
    let mut tar = b"orders.xml".to_vec();
    tar.resize(257, 0);
    tar.extend(b"ustar\x0000");
    for (head, expected) in [
        (b"%PDF-1.7\n%\xE2\xE3".to_vec(), "a PDF document"),
        (b"\x89PNG\r\n\x1A\n\0\0".to_vec(), "a picture (PNG)"),
        (b"\xFF\xD8\xFF\xE0\0\x10JFIF".to_vec(), "a picture (JPEG)"),
        (b"GIF89a\x01\0".to_vec(), "a picture (GIF)"),
        (b"II*\0\x08".to_vec(), "a picture (TIFF)"),
        (b"BM\x36\0\0\0\0\0\0\0\x36".to_vec(), "a picture (BMP)"),
        (b"RIFF\x10\0\0\0WEBPVP8 ".to_vec(), "a picture (WebP)"),
        (b"PK\x03\x04\x14\0orders.csv".to_vec(), "a ZIP archive"),
        (b"PK\x03\x04\x14\0[Content_Types].xml ... xl/workbook.xml".to_vec(), "an Excel workbook (xlsx)"),
        (b"PK\x03\x04\x14\0[Content_Types].xml ... word/document.xml".to_vec(), "a Word document (docx)"),
        (
            b"PK\x03\x04\x14\0mimetypeapplication/vnd.oasis.opendocument.spreadsheet".to_vec(),
            "an OpenDocument spreadsheet (ods)",
        ),
        (old("Workbook"), "an old Excel workbook (xls)"),
        (old("WordDocument"), "an old Word document (doc)"),
        (old("__substg1.0_0037"), "an Outlook message (msg)"),
        (b"\x1F\x8B\x08\0".to_vec(), "a file compressed with gzip"),
        (b"BZh91AY&SY\x10\x01".to_vec(), "a file compressed with bzip2"),
        (b"7z\xBC\xAF\x27\x1C\0\x04".to_vec(), "a 7z archive"),
        (b"Rar!\x1A\x07\x01\0".to_vec(), "a RAR archive"),
        (tar, "a tar archive"),
        (b"{\\rtf1\\ansi".to_vec(), "a word processor's file (RTF)"),
        (vec![0; 40], "nothing but zero bytes"),
    ] {
        assert_eq!(told(&head), expected);
        assert!(expected == "a tar archive" || is_telling(&head[..head.len().min(FIRST_BYTES)]), "{expected}");
    }
}

#[test]
fn rows_of_text_are_nothing_else() {
    for text in [
        "order;article;qty\n1;A;2\n",
        "ISA;1;2\n",
        "ISA is a name\n",
        "ST;850\n",
        "STK;1\n",
        "GS1;EAN\n",
        "UNA Ltd;1\n",
        "UNB;1\n",
        "MZ;4711;Muenze\n",
        "BZh;1\n",
        "BM 12\n",
        "[1] remark\n",
        "{a};b\n",
        "EAN;PK;1\n",
        "II*;x\n",
        "MSCF;1\n",
        "<3 this\n",
    ] {
        assert_eq!(name(text.as_bytes()).sort, Sort::Text, "{text}");
    }
    for (text, expected) in [
        ("{\"order\": 1}", "JSON"),
        ("[{\"a\":1}]", "JSON"),
        ("", "Empty"),
        ("Received: from a\r\nMIME-Version: 1.0\r\n\r\nhello", "an e-mail with its headings"),
    ] {
        assert_eq!(told(text.as_bytes()), expected);
    }
}

#[test]
fn a_beginning_that_is_cut_anywhere_is_named_without_fear() {
    let texts = [
        "UNA:+.? 'UNH+1+ORDERS:D'",
        "ISA*00*\u{e9}*00*a*b*c*d*e*f*g*h*i~ST*810*",
        "<a:b xmlns:a='\u{1F4E6}'><!-- x",
        "EDI_DC40\u{e4}\u{e4}",
        "STX=A'MHD=1+",
    ];
    for text in texts {
        for end in 0..=text.len() {
            let _ = name(&text.as_bytes()[..end]);
            let _ = is_telling(&text.as_bytes()[..end]);
        }
    }
}
