//! Receipts as CSV (RFC 4180), safe to open in a spreadsheet.

use serde_json::{Map, Value};

use super::Receipt;

/// Characters that start a formula in a spreadsheet, or are skipped before one.
const FORMULA_STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A header and a record per receipt. The columns are the members of a receipt, in order.
pub(super) fn text(receipts: impl Iterator<Item = Receipt>) -> String {
    let mut text = String::new();
    let header = row(&Receipt::default());
    write(&mut text, header.keys().map(String::as_str));
    for receipt in receipts {
        let row = row(&receipt);
        let cells: Vec<String> = row.values().map(cell).collect();
        write(&mut text, cells.iter().map(String::as_str));
    }
    text
}

fn row(receipt: &Receipt) -> Map<String, Value> {
    match serde_json::to_value(receipt) {
        Ok(Value::Object(row)) => row,
        // Unreachable: a struct serializes as an object.
        _ => Map::new(),
    }
}

/// The content of a cell. A text that a spreadsheet would evaluate as a formula is prefixed with an
/// apostrophe, so that it is displayed as text.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(FORMULA_STARTS) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn write<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
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
