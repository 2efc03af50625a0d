#!/usr/bin/env python3
"""Makes sample.xlsx: the parts of a workbook written by hand, packed always the same. Run it in samples/layouts/workbook-orders."""

import zipfile

NS = "http://schemas.openxmlformats.org/"
REL = NS + "officeDocument/2006/relationships"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def relations(*rows):
    inner = "".join(f'<Relationship Id="{i}" Type="{REL}/{t}" Target="{to}"/>' for i, t, to in rows)
    return f'{HEAD}<Relationships xmlns="{NS}package/2006/relationships">{inner}</Relationships>'


def main_part(inner, root):
    return f'{HEAD}<{root} xmlns="{NS}spreadsheetml/2006/main" xmlns:r="{REL}">{inner}</{root}>'


TEXTS = ["Bestellschein", "Bestellnummer", "B-4711", "Kunde", "vom", "Artikel-Nr.", "Bezeichnung", "Menge", "Preis",
         "EAN", "Liefertermin", "Schraube M4", "sofort", "Mutter M4"]


def t(ref, index):
    return f'<c r="{ref}" t="s"><v>{index}</v></c>'


def n(ref, value, style=0):
    return f'<c r="{ref}" s="{style}"><v>{value}</v></c>'


ROWS = {
    1: t("A1", 0),
    3: t("A3", 1) + t("B3", 2),
    4: t("A4", 3) + n("B4", 10023),
    5: t("A5", 4) + n("B5", 46092, 1),
    7: t("A7", 5) + t("B7", 6) + t("C7", 7) + t("D7", 8) + t("E7", 9) + t("F7", 10),
    # The article number is a number, the price has the trace of a binary fraction, the day is one.
    8: n("A8", 4711) + t("B8", 11) + n("C8", 5) + n("D8", "12.1") + n("E8", "4006381333931") + n("F8", 46098, 1),
    # Nothing ordered.
    9: n("A9", 4712) + t("B9", 13),
    # Leading zeros by the format of the cell, a formula with its value, a day as text.
    11: n("A11", 815, 2) + '<c r="C11"><f>C8*2.5</f><v>12.5</v></c>' + n("D11", "36.299999999999997")
        + '<c r="F11" t="inlineStr"><is><t>20.03.2026</t></is></c>',
}
SHEET = '<sheetData>' + "".join(f'<row r="{r}">{c}</row>' for r, c in ROWS.items()) + '</sheetData>'
STYLES = ('<numFmts count="1"><numFmt numFmtId="164" formatCode="00000"/></numFmts>'
          '<fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>'
          '<cellStyleXfs count="1"><xf numFmtId="0"/></cellStyleXfs>'
          '<cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/></cellXfs>')
PARTS = {
    "[Content_Types].xml": f'{HEAD}<Types xmlns="{NS}package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
        '<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/>'
        '<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
        '</Types>',
    "_rels/.rels": relations(("rId1", "officeDocument", "xl/workbook.xml")),
    "xl/workbook.xml": main_part('<sheets><sheet name="Bestellung" sheetId="1" r:id="rId1"/></sheets>', "workbook"),
    "xl/_rels/workbook.xml.rels": relations(("rId1", "worksheet", "worksheets/sheet1.xml"),
                                            ("rId2", "sharedStrings", "sharedStrings.xml"),
                                            ("rId3", "styles", "styles.xml")),
    "xl/sharedStrings.xml": main_part("".join(f"<si><t>{text}</t></si>" for text in TEXTS), "sst"),
    "xl/styles.xml": main_part(STYLES, "styleSheet"),
    "xl/worksheets/sheet1.xml": main_part(SHEET, "worksheet"),
}
with zipfile.ZipFile("sample.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
    for name, text in PARTS.items():
        archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
