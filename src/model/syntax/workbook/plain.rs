//! Writes a workbook of one sheet whose cells are texts: the least that programs open.

use std::io::{self, BufWriter, Write};

use super::letters;
use crate::model::archive::ArchiveWriter;
use crate::model::syntax::xml::{escape_attribute, escape_text, is_allowed};

const SPACE: &str = "http://schemas.openxmlformats.org";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// Takes the rows in their order.
pub struct PlainRows<'o> {
    out: &'o mut dyn Write,
    text: String,
}

/// `fill` hands the rows over.
pub fn plain_workbook(
    out: &mut dyn Write,
    sheet: &str,
    fill: impl FnOnce(&mut PlainRows<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let mut archive = ArchiveWriter::new(out);
    for (name, content) in parts(sheet) {
        let mut member = archive.begin(name)?;
        member.write_all(DECLARATION.as_bytes())?;
        member.write_all(content.as_bytes())?;
        member.end()?;
    }
    let mut member = BufWriter::new(archive.begin("xl/worksheets/sheet1.xml")?);
    write!(member, "{DECLARATION}<worksheet xmlns=\"{SPACE}/spreadsheetml/2006/main\"><sheetData>")?;
    fill(&mut PlainRows { out: &mut member, text: String::new() })?;
    member.write_all(b"</sheetData></worksheet>")?;
    member.into_inner().map_err(|error| error.into_error())?.end()?;
    archive.finish().map(|_| ())
}

fn parts(sheet: &str) -> [(&'static str, String); 4] {
    let (relation, sheet_type) = (
        format!("{SPACE}/officeDocument/2006/relationships"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml",
    );
    let related = |sort: &str, to: &str| {
        format!(
            "<Relationships xmlns=\"{SPACE}/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"{relation}/{sort}\" Target=\"{to}\"/></Relationships>"
        )
    };
    let mut name = String::new();
    escape_attribute(sheet, &mut name);
    let types = format!(
        "<Types xmlns=\"{SPACE}/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
         <Default Extension=\"xml\" ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"{sheet_type}.sheet.main+xml\"/>\
         <Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"{sheet_type}.worksheet+xml\"/></Types>"
    );
    let book = format!(
        "<workbook xmlns=\"{SPACE}/spreadsheetml/2006/main\" xmlns:r=\"{relation}\"><sheets><sheet name=\"{name}\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    [
        ("[Content_Types].xml", types),
        ("_rels/.rels", related("officeDocument", "xl/workbook.xml")),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", related("worksheet", "worksheets/sheet1.xml")),
    ]
}

impl PlainRows<'_> {
    /// Cells by their column, from 0; empty ones are left out.
    pub fn row<'t>(&mut self, row: u32, cells: impl Iterator<Item = (u32, &'t str)>) -> io::Result<()> {
        write!(self.out, "<row r=\"{row}\">")?;
        for (column, text) in cells.filter(|(_, text)| !text.is_empty()) {
            self.text.clear();
            // What looks like a character written out would be read as one; others XML cannot hold.
            let text: String = text.replace("_x", "_x005F_x").chars().filter(|c| is_allowed(*c)).collect();
            escape_text(&text, &mut self.text);
            let at = letters(column);
            write!(
                self.out,
                "<c r=\"{at}{row}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
                self.text
            )?;
        }
        self.out.write_all(b"</row>")
    }
}
