//! A document laid out over lines for reading, every name, number and string as it was written.

use crate::document::{Document, Kind, Node, quote};

/// The document with one member or item a line, indented by two spaces. Only whitespace between
/// tokens differs from the document's text; member names are written in their shortest form.
#[must_use]
pub fn laid_out(document: &Document) -> String {
    let mut text = String::with_capacity(document.text().len() * 2);
    write(document.root(), 0, &mut text);
    text
}

// Depth is bounded by the scanner, so recursion is.
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
    fn digits_order_and_doubled_names_stay_as_they_were_written() {
        let text = r#"{"b":1.0e2,"a":[10000000000000000001,{}],"b":"\u00e9 / é","c":[]}"#;
        let laid = laid_out(&Document::parse(text).unwrap());
        assert_eq!(
            laid,
            "{\n  \"b\": 1.0e2,\n  \"a\": [\n    10000000000000000001,\n    {}\n  ],\n  \"b\": \"\\u00e9 / é\",\n  \"c\": []\n}"
        );
        let again = Document::parse(&laid).unwrap();
        assert_eq!(laid_out(&again), laid, "laying out twice changes nothing");
    }
}
