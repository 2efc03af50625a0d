//! How a sample is cut: the syntax that a proposal writes.

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Syntax {
    /// `tag`: the first column tells the record.
    Delimited {
        delimiter: char,
        header: bool,
        tag: bool,
        trailing: bool,
        ragged: bool,
    },
    Fixed {
        width: usize,
        tag: Option<usize>,
        shorter: bool,
    },
    /// A tag, a delimiter, one value a line.
    Tagged {
        delimiter: char,
        prefix: char,
        tag: Option<usize>,
    },
    Xml {
        root: String,
    },
    /// An Excel workbook: its sheet and the row of its headings, where they are not the first.
    Workbook {
        sheet: Option<String>,
        header_row: Option<u32>,
    },
    /// A layout that ships knows it.
    Shipped {
        word: &'static str,
        id: &'static str,
    },
}

impl Syntax {
    pub fn word(&self) -> &'static str {
        match self {
            Syntax::Delimited { .. } => "delimited",
            Syntax::Fixed { .. } => "fixed",
            Syntax::Tagged { .. } => "tagged",
            Syntax::Xml { .. } => "xml",
            Syntax::Workbook { .. } => "xlsx",
            Syntax::Shipped { word, .. } => word,
        }
    }
}
