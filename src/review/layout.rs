//! Pretty-printing of JSON with unchanged names, numbers and strings.

use crate::document::{Document, Kind, Node, quote};

/// Formats a document with one member or item per line, indented by two spaces. Changes only the
/// whitespace between tokens, and writes member names with the fewest escapes.
#[must_use]
pub fn pretty_print(document: &Document) -> String {
    pretty_print_value(document.root())
}

/// Formats one value like [`pretty_print`].
#[must_use]
pub fn pretty_print_value(value: Node<'_>) -> String {
    let mut text = String::with_capacity(value.text().len() * 2);
    write(value, 0, &mut text);
    text
}

// The scanner limits the depth of a document, and so the recursion.
fn write(node: Node<'_>, depth: usize, text: &mut String) {
    match node.kind() {
        Kind::Object if !node.is_empty() => {
            text.push('{');
            for (at, (name, value)) in node.members().enumerate() {
                begin_line(at, depth + 1, text);
                text.push_str(&quote(&name));
                text.push_str(": ");
                write(value, depth + 1, text);
            }
            end(depth, '}', text);
        }
        Kind::Array if !node.is_empty() => {
            text.push('[');
            for (at, item) in node.items().enumerate() {
                begin_line(at, depth + 1, text);
                write(item, depth + 1, text);
            }
            end(depth, ']', text);
        }
        Kind::Object => text.push_str("{}"),
        Kind::Array => text.push_str("[]"),
        _ => text.push_str(node.text()),
    }
}

fn begin_line(at: usize, depth: usize, text: &mut String) {
    text.push_str(if at == 0 { "\n" } else { ",\n" });
    text.push_str(&"  ".repeat(depth));
}

fn end(depth: usize, bracket: char, text: &mut String) {
    text.push('\n');
    text.push_str(&"  ".repeat(depth));
    text.push(bracket);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_order_and_duplicate_members_are_preserved() {
        let text = r#"{"b":1.0e2,"a":[10000000000000000001,{}],"b":"\u00e9 / é","c":[]}"#;
        let formatted = pretty_print(&Document::parse(text).unwrap());
        assert_eq!(
            formatted,
            "{\n  \"b\": 1.0e2,\n  \"a\": [\n    10000000000000000001,\n    {}\n  ],\n  \"b\": \"\\u00e9 / é\",\n  \"c\": []\n}"
        );
        let reparsed = Document::parse(&formatted).unwrap();
        assert_eq!(pretty_print(&reparsed), formatted, "idempotent");
    }
}
