//! CSV (RFC 4180) that is safe to open in a spreadsheet.

/// The media type of CSV with a header (RFC 7111, section 5.1 and RFC 4180, section 3).
pub const MEDIA_TYPE: &str = "text/csv; charset=utf-8; header=present";

/// Characters that start a formula in a spreadsheet.
const FORMULA_STARTS: [char; 4] = ['=', '+', '-', '@'];
/// Characters that separate cells or records in a spreadsheet with other settings than a comma.
const OTHER_SEPARATORS: [char; 4] = [';', '\t', '\r', '\n'];
/// Characters that a spreadsheet may skip before a formula.
const SKIPPED: [char; 2] = [' ', '"'];

/// The text with an apostrophe wherever a spreadsheet would begin a formula, so that it is displayed
/// as text: at the beginning, and after what may separate cells.
#[must_use]
pub fn without_formulas(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    // A spreadsheet may skip these at the beginning.
    if text.starts_with(['\t', '\r', '\n']) {
        safe.push('\'');
    }
    for part in text.split_inclusive(OTHER_SEPARATORS) {
        if part.trim_start_matches(SKIPPED).starts_with(FORMULA_STARTS) {
            safe.push('\'');
        }
        safe.push_str(part);
    }
    safe
}

/// Appends a record. Cells are quoted where they must be.
pub fn push_record<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            text.push(',');
        }
        if cell.contains([',', '"', '\r', '\n']) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(cell);
        }
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_contains_no_formula_whatever_separates_cells() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a-b=c", "a-b=c"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("\n=1", "'\n'=1"),
            ("\tx", "'\tx"),
            (" =1", "' =1"),
            ("\"=1\"", "'\"=1\""),
            ("x;=HYPERLINK(1)", "x;'=HYPERLINK(1)"),
            ("x; @y", "x;' @y"),
            ("x;y", "x;y"),
            ("x\t=1", "x\t'=1"),
            ("x\r\n=1", "x\r\n'=1"),
            ("x\r\ny", "x\r\ny"),
            ("x,=1", "x,=1"),
        ] {
            assert_eq!(without_formulas(text), expected, "{text:?}");
        }
    }
}
