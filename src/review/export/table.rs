//! Tasks as CSV: a record for each, a column for each member.

use std::collections::HashMap;

use crate::csv::{push_record, without_formulas};
use crate::document::{Document, Kind, Node};

/// Most columns. Members with further names are left to the column [`OTHERS`].
const MAX_COLUMNS: usize = 200;
/// The header of the column with further members, as a JSON object each.
const OTHERS: &str = "other members";

/// The columns are the names of the members, in the order in which they first occur. A text is a cell
/// as it is, any other value its JSON text. Of duplicate members, the last one is taken, as most parsers
/// do. An array of tasks that are not objects has no columns.
pub(super) fn csv(tasks: &[Document]) -> String {
    let mut columns: Vec<String> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut has_others = false;
    for (name, _) in tasks.iter().flat_map(|task| task.root().members()) {
        if places.contains_key(name.as_ref()) {
            continue;
        }
        if columns.len() == MAX_COLUMNS {
            has_others = true;
            continue;
        }
        places.insert(name.to_string(), columns.len());
        columns.push(name.into_owned());
    }
    let mut text = String::new();
    let header: Vec<String> = columns.iter().map(|name| without_formulas(name)).collect();
    let others = has_others.then_some(OTHERS);
    push_record(&mut text, header.iter().map(String::as_str).chain(others));
    for task in tasks {
        let mut cells = vec![String::new(); columns.len()];
        let mut rest = Vec::new();
        for (name, value) in task.root().members() {
            match places.get(name.as_ref()).and_then(|at| cells.get_mut(*at)) {
                Some(place) => *place = cell(value),
                None => rest.push(format!(
                    "{}:{}",
                    crate::document::quote(&name),
                    value.text()
                )),
            }
        }
        let rest = has_others.then(|| match rest.is_empty() {
            true => String::new(),
            false => format!("{{{}}}", rest.join(",")),
        });
        let cells = cells.iter().map(String::as_str);
        push_record(&mut text, cells.chain(rest.as_deref()));
    }
    text
}

fn cell(value: Node<'_>) -> String {
    match value.kind() {
        Kind::Null => String::new(),
        Kind::String => without_formulas(&value.as_str().unwrap_or_default()),
        Kind::Number | Kind::Boolean => value.text().to_owned(),
        Kind::Array | Kind::Object => without_formulas(value.text()),
    }
}
