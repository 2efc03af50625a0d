//! Words for what is wrong with an archive or a workbook.

use crate::model::archive::Flaw;
use crate::model::diagnostic::{Place, Problem, shown};
use crate::model::syntax::workbook::BadCell;

/// `what`: "archive" or "workbook".
pub fn archive_flaw(what: &str, flaw: &Flaw) -> Problem {
    let advice = match flaw {
        Flaw::Cut(_) => "It was cut off, or is none; send it again whole.",
        Flaw::Damaged(_) if what == "workbook" => "Save it anew in Excel and send it again.",
        Flaw::Damaged(_) => "Pack it anew and send it again.",
        Flaw::Limit(_) | Flaw::NotTaken(_) => "",
    };
    let text = format!("the {what} is not taken: {flaw} {advice}");
    let text = text.trim_end().to_string();
    match flaw {
        Flaw::Cut(_) => Problem::new("file-truncated", Place::default(), text),
        Flaw::Damaged(_) => Problem::new("archive-damaged", Place::default(), text),
        Flaw::Limit(_) => Problem::new("archive-limit", Place::default(), text),
        Flaw::NotTaken(_) => Problem::new("archive-not-taken", Place::default(), text),
    }
}

pub fn cell_invalid(place: Place, what: BadCell, found: &str) -> Problem {
    let found = shown(found);
    let text = match what {
        BadCell::Error => format!("\"{found}\" is an error of a formula, no value. Correct it in Excel and save again."),
        BadCell::Unvalued => {
            "here is a formula without a value: the program that wrote the file did not compute it. Open it in Excel, save it and send it again."
                .to_string()
        }
        BadCell::Digits => format!(
            "\"{found}\" is a number of more than 15 digits, of which Excel has lost the last ones. Enter it as text (with an apostrophe before it)."
        ),
        BadCell::Moment => format!("\"{found}\" is shown as a day, but is no day of the calendar. Enter the day anew."),
        BadCell::Merged => format!(
            "\"{found}\" stands in merged cells, and nothing says to which of their rows or columns it belongs. Unmerge them in Excel and write the value where it belongs."
        ),
        BadCell::Unnamed => format!("\"{found}\" stands under no heading, so that it would be lost. Remove it, or give its column a heading."),
    };
    Problem::new("cell-invalid", place, text)
}

pub fn sheet_missing(wanted: &str, there: &[String]) -> Problem {
    let there: Vec<String> = there.iter().map(|name| format!("\"{}\"", shown(name))).collect();
    let text = format!(
        "the workbook has no sheet {wanted}; it has {}. Name the sheet so, or send the agreed workbook.",
        there.join(", ")
    );
    Problem::new("layout-mismatch", Place::default(), text)
}

pub fn no_workbook() -> Problem {
    let text = "the file is no Excel workbook; expected .xlsx, as Excel saves it. Send the agreed workbook.";
    Problem::new("layout-mismatch", Place::default(), text.to_string())
}

/// A cell above the list that the layout names lies in or below it.
pub fn cell_below_heading(place: Place, cell: &str) -> Problem {
    let text =
        format!("the headings stand here, but the cell {cell} is expected above them. Send the agreed workbook.");
    Problem::new("layout-mismatch", place, text)
}
