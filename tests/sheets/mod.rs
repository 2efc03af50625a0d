//! Workbooks made for tests: parts written by hand, packed by the product's own writer.

// Not every test that shares this file needs all of it.
#![allow(dead_code)]

use std::io::Write;

use nattpost::model::archive::ArchiveWriter;

const SPACE: &str = "http://schemas.openxmlformats.org/";

/// An archive of these members.
pub fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Vec::new());
    for (name, bytes) in members {
        let mut member = writer.begin(name).unwrap();
        member.write_all(bytes).unwrap();
        member.end().unwrap();
    }
    writer.finish().unwrap()
}

/// A workbook; styles: 1 is a day, 2 is five digits, 3 is a share in percent.
pub struct Book<'b> {
    /// Name, `state`, what stands in `sheetData`.
    pub sheets: Vec<(&'b str, &'b str, String)>,
    pub texts: &'b [&'b str],
    pub since_1904: bool,
    /// Merged ranges of each sheet.
    pub merged: &'b [&'b str],
    /// Further parts.
    pub more: Vec<(&'b str, String)>,
}

impl<'b> Book<'b> {
    pub fn of(rows: &str) -> Book<'b> {
        Book {
            sheets: vec![("Orders", "visible", rows.to_string())],
            texts: &[],
            since_1904: false,
            merged: &[],
            more: Vec::new(),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let (main, rel) =
            (format!("{SPACE}spreadsheetml/2006/main"), format!("{SPACE}officeDocument/2006/relationships"));
        let relations = |rows: &[(String, String, String)]| {
            let rows = rows
                .iter()
                .map(|(id, sort, to)| format!("<Relationship Id=\"{id}\" Type=\"{rel}/{sort}\" Target=\"{to}\"/>"));
            format!(
                "<Relationships xmlns=\"{SPACE}package/2006/relationships\">{}</Relationships>",
                rows.collect::<String>()
            )
        };
        let own = |words: [&str; 3]| (words[0].to_string(), words[1].to_string(), words[2].to_string());
        let mut related =
            vec![own(["t", "sharedStrings", "sharedStrings.xml"]), own(["s", "styles", "/xl/styles.xml"])];
        let mut list = String::new();
        let mut parts: Vec<(String, String)> = Vec::new();
        let merged: String = self.merged.iter().map(|range| format!("<mergeCell ref=\"{range}\"/>")).collect();
        let merged = if merged.is_empty() { merged } else { format!("<mergeCells count=\"1\">{merged}</mergeCells>") };
        for (index, (name, state, rows)) in self.sheets.iter().enumerate() {
            list.push_str(&format!("<sheet name=\"{name}\" sheetId=\"{index}\" state=\"{state}\" r:id=\"r{index}\"/>"));
            related.push((format!("r{index}"), "worksheet".to_string(), format!("worksheets/sheet{index}.xml")));
            let sheet = format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData>{merged}</worksheet>");
            parts.push((format!("xl/worksheets/sheet{index}.xml"), sheet));
        }
        let texts: String = self.texts.iter().map(|text| format!("<si>{text}</si>")).collect();
        let book = format!(
            "<workbook xmlns=\"{main}\" xmlns:r=\"{rel}\"><workbookPr date1904=\"{}\"/><sheets>{list}</sheets></workbook>",
            u8::from(self.since_1904)
        );
        let styles = format!(
            "<styleSheet xmlns=\"{main}\"><numFmts><numFmt numFmtId=\"170\" formatCode=\"00000\"/></numFmts><cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"170\"/><xf numFmtId=\"9\"/></cellXfs></styleSheet>"
        );
        let part = |name: &str, text: String| (name.to_string(), text);
        parts.push(part("_rels/.rels", relations(&[own(["a", "officeDocument", "xl/workbook.xml"])])));
        parts.push(part("xl/workbook.xml", book));
        parts.push(part("xl/_rels/workbook.xml.rels", relations(&related)));
        parts.push(part("xl/sharedStrings.xml", format!("<sst xmlns=\"{main}\">{texts}</sst>")));
        parts.push(part("xl/styles.xml", styles));
        parts.extend(self.more.iter().map(|(name, text)| part(name, text.clone())));
        let members: Vec<(&str, &[u8])> = parts.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
        archive(&members)
    }
}

/// A row of texts, from column A on; what begins with `<` is taken as it is, an empty one is no cell.
pub fn row(number: u32, cells: &[&str]) -> String {
    let cell = |(column, text): (usize, &&str)| {
        let at = format!("{}{number}", char::from(b'A' + column as u8));
        match *text {
            "" => String::new(),
            given if given.starts_with('<') => given.replacen("<c", &format!("<c r=\"{at}\""), 1),
            text => format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{text}</t></is></c>"),
        }
    };
    let cells: String = cells.iter().enumerate().map(cell).collect();
    format!("<row r=\"{number}\">{cells}</row>")
}
