//! Edits that add a member or an item, or put an item elsewhere, in the layout found there.

use super::node::{Kind, Node};
use super::{Document, EditError, quote};

/// The indentation of a level in a document that shows none of its own.
const INDENTATION: &str = "  ";

/// How the text around a place is laid out.
struct Layout<'a> {
    /// From the end of a name to its value: the colon and the blanks around it.
    colon: &'a str,
    /// The blanks after a comma within a line.
    gap: &'a str,
    /// The line feed and indentation before each part; `None` if the parts are in one line.
    line: Option<Line>,
}

/// The layout of parts that have a line each.
struct Line {
    /// What is before a part: the line feed and the indentation.
    start: String,
    /// How much further the parts of a part are indented.
    step: String,
}

impl Document {
    /// Returns this document with a member at the end of the object of this ordinal. Only the member and
    /// its comma are new, laid out as the members before it; in an empty object, as what is around it.
    ///
    /// # Errors
    /// [`EditError::NoSuchValue`] if there is no such object, and [`EditError::Malformed`] if `value` is
    /// not one JSON value, or the whole would exceed the limits of [`Document::parse`].
    pub fn with_member(
        &self,
        object: usize,
        name: &str,
        value: &str,
    ) -> Result<Document, EditError> {
        self.with_part(object, Kind::Object, Some(name), value)
    }

    /// Returns this document with an item at the end of the array of this ordinal, as
    /// [`Document::with_member`] adds a member.
    ///
    /// # Errors
    /// As [`Document::with_member`].
    pub fn with_item(&self, array: usize, value: &str) -> Result<Document, EditError> {
        self.with_part(array, Kind::Array, None, value)
    }

    /// Returns this document with the item at the position `from` of the array of this ordinal moved to
    /// the position `to`. What is between the items, such as line feeds, stays where it is.
    ///
    /// # Errors
    /// [`EditError::NoSuchValue`] if there is no such array or item.
    pub fn with_item_moved(
        &self,
        array: usize,
        from: usize,
        to: usize,
    ) -> Result<Document, EditError> {
        let chain = self.chain(array).ok_or(EditError::NoSuchValue)?;
        let array = chain.last().ok_or(EditError::NoSuchValue)?;
        let places: Vec<Node<'_>> = array.items().collect();
        if from >= places.len() || to >= places.len() {
            return Err(EditError::NoSuchValue);
        }
        let mut items = places.clone();
        let moved = items.remove(from);
        items.insert(to, moved);
        let text = self.text();
        let mut edited = String::with_capacity(text.len());
        let mut done = 0;
        for (place, item) in places.iter().zip(items) {
            let span = place.span();
            edited.push_str(text.get(done..span.start).unwrap_or_default());
            edited.push_str(item.text());
            done = span.end;
        }
        edited.push_str(text.get(done..).unwrap_or_default());
        Ok(Document::parse(&edited)?)
    }

    fn with_part(
        &self,
        container: usize,
        kind: Kind,
        name: Option<&str>,
        value: &str,
    ) -> Result<Document, EditError> {
        let value = Document::parse(value)?;
        let chain = self.chain(container).ok_or(EditError::NoSuchValue)?;
        let (node, outer) = chain.split_last().ok_or(EditError::NoSuchValue)?;
        if node.kind() != kind {
            return Err(EditError::NoSuchValue);
        }
        let text = self.text();
        let layout = layout(text, *node, outer);
        let mut part = String::new();
        if let Some(name) = name {
            part.push_str(&quote(name));
            part.push_str(layout.colon);
        }
        let start = layout.line.as_ref().map(|line| line.start.as_str());
        write(value.root(), &layout, start, &mut part);
        let parts = parts(*node);
        let [.., (_, last)] = parts.as_slice() else {
            // Only blanks are between the brackets, and they are replaced.
            let (open, close) = brackets(kind);
            let line = layout.line.as_ref();
            let before = line.map_or("", |line| line.start.as_str());
            let after = line.map_or("", |line| outdented(line));
            let filled = format!("{open}{before}{part}{after}{close}");
            return splice(text, node.span(), &filled);
        };
        let before = match parts.as_slice() {
            [.., (_, previous), (next, _)] => {
                text.get(*previous..*next).unwrap_or_default().to_owned()
            }
            _ => match start {
                Some(start) => format!(",{start}"),
                None => format!(",{}", layout.gap),
            },
        };
        splice(text, *last..*last, &format!("{before}{part}"))
    }

    /// The value of this ordinal, after the containers around it, from the root inwards.
    fn chain(&self, ordinal: usize) -> Option<Vec<Node<'_>>> {
        let mut chain = vec![self.root()];
        // The scanner bounds the depth.
        loop {
            let node = *chain.last()?;
            if node.ordinal() == ordinal {
                return Some(chain);
            }
            // Values are numbered in the order of the text.
            let members = node.members().map(|(_, value)| value);
            let inner = members
                .chain(node.items())
                .take_while(|value| value.ordinal() <= ordinal)
                .last()?;
            chain.push(inner);
        }
    }
}

/// The text with `new` in place of a part of it.
fn splice(text: &str, old: std::ops::Range<usize>, new: &str) -> Result<Document, EditError> {
    let before = text.get(..old.start).unwrap_or_default();
    let after = text.get(old.end..).unwrap_or_default();
    Ok(Document::parse(&[before, new, after].concat())?)
}

/// Where each member (with its name) or item begins and ends.
fn parts(container: Node<'_>) -> Vec<(usize, usize)> {
    let members = container
        .raw_members()
        .map(|(name, value)| (name.span().start, value.span().end));
    let items = container
        .items()
        .map(|item| (item.span().start, item.span().end));
    members.chain(items).collect()
}

fn brackets(kind: Kind) -> (char, char) {
    if kind == Kind::Object {
        ('{', '}')
    } else {
        ('[', ']')
    }
}

/// The blanks before the first part of a container, if it has one.
fn lead<'a>(text: &'a str, container: Node<'_>) -> Option<&'a str> {
    let (first, _) = parts(container).first().copied()?;
    text.get(container.span().start + 1..first)
}

/// How a further part of `container` is laid out; `outer` are the containers around it.
fn layout<'a>(text: &'a str, container: Node<'_>, outer: &[Node<'_>]) -> Layout<'a> {
    let outwards = || std::iter::once(&container).chain(outer.iter().rev());
    let colon = outwards()
        .find_map(|node| {
            let (name, value) = node.raw_members().next()?;
            text.get(name.span().end..value.span().start)
        })
        .filter(|colon| !colon.contains(['\n', '\r']))
        .unwrap_or(":");
    let after_comma = |node: &Node<'_>| {
        let parts = parts(*node);
        let (_, first) = parts.first()?;
        let (second, _) = parts.get(1)?;
        let between = text.get(*first..*second)?;
        let (_, gap) = between.split_once(',')?;
        (!gap.contains(['\n', '\r'])).then_some(gap)
    };
    let gap = outwards()
        .find_map(after_comma)
        // With one part on each line, a blank after the colon tells what a blank after a comma would.
        .or_else(|| colon.split_once(':').map(|(_, gap)| gap))
        .unwrap_or_default();
    let around: Vec<&str> = outer.iter().filter_map(|node| lead(text, *node)).collect();
    let line = match lead(text, container) {
        Some(lead) => lead.contains('\n').then(|| {
            let outer = around.last().copied().unwrap_or_default();
            Line {
                start: lead.to_owned(),
                step: step(outer, lead),
            }
        }),
        None => match around.as_slice() {
            [.., parent] if parent.contains('\n') => {
                let grandparent = around.len().checked_sub(2).and_then(|at| around.get(at));
                let step = step(grandparent.copied().unwrap_or_default(), parent);
                Some(Line {
                    start: format!("{parent}{step}"),
                    step,
                })
            }
            _ => None,
        },
    };
    Layout { colon, gap, line }
}

/// How much further a level is indented than the one around it.
fn step(outer: &str, inner: &str) -> String {
    let indentation = |lead: &str| {
        let at = lead.rfind('\n').map_or(0, |at| at + 1);
        lead.get(at..).unwrap_or_default().to_owned()
    };
    let outer = if outer.contains('\n') {
        indentation(outer)
    } else {
        String::new()
    };
    let inner = indentation(inner);
    match inner.strip_prefix(&outer) {
        Some(step) if !step.is_empty() => step.to_owned(),
        _ => INDENTATION.to_owned(),
    }
}

/// The start of the line of the bracket that closes the container of these parts.
fn outdented(line: &Line) -> &str {
    line.start.strip_suffix(&line.step).unwrap_or(&line.start)
}

/// Writes a value that begins on a line with this start, in the layout.
fn write(node: Node<'_>, layout: &Layout<'_>, start: Option<&str>, text: &mut String) {
    if node.is_empty() {
        text.push_str(node.text());
        return;
    }
    let (open, close) = brackets(node.kind());
    let step = layout.line.as_ref().map(|line| line.step.as_str());
    let inner = start
        .zip(step)
        .map(|(start, step)| format!("{start}{step}"));
    let begin = |at: usize, text: &mut String| {
        if at > 0 {
            text.push(',');
        }
        match &inner {
            Some(inner) => text.push_str(inner),
            None if at > 0 => text.push_str(layout.gap),
            None => {}
        }
    };
    text.push(open);
    // The scanner bounds the depth and thus the recursion.
    for (at, (name, value)) in node.members().enumerate() {
        begin(at, text);
        text.push_str(&quote(&name));
        text.push_str(layout.colon);
        write(value, layout, inner.as_deref(), text);
    }
    for (at, item) in node.items().enumerate() {
        begin(at, text);
        write(item, layout, inner.as_deref(), text);
    }
    text.push_str(start.filter(|_| inner.is_some()).unwrap_or_default());
    text.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Document {
        Document::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn at(document: &Document, pointer: &str) -> usize {
        document.at(pointer).unwrap().ordinal()
    }

    #[test]
    fn a_member_is_added_in_the_layout_of_its_object() {
        let value = r#"{"c":[1,2],"d":{}}"#;
        for (text, pointer, expected) in [
            (
                r#"{"a":1,"b":2}"#,
                "",
                r#"{"a":1,"b":2,"n":{"c":[1,2],"d":{}}}"#,
            ),
            (
                r#"{"a": 1, "b": 2}"#,
                "",
                r#"{"a": 1, "b": 2, "n": {"c": [1, 2], "d": {}}}"#,
            ),
            (
                r#"{"a": 1}"#,
                "",
                r#"{"a": 1, "n": {"c": [1, 2], "d": {}}}"#,
            ),
            (
                r#"{ "a" : 1 , "b" : 2 }"#,
                "",
                r#"{ "a" : 1 , "b" : 2 , "n" : {"c" : [1, 2], "d" : {}} }"#,
            ),
            ("{}", "", r#"{"n":{"c":[1,2],"d":{}}}"#),
            (
                r#"{"a": {}, "b": 2}"#,
                "/a",
                r#"{"a": {"n": {"c": [1, 2], "d": {}}}, "b": 2}"#,
            ),
            (
                "{\n\t\"a\": 1\n}",
                "",
                "{\n\t\"a\": 1,\n\t\"n\": {\n\t\t\"c\": [\n\t\t\t1,\n\t\t\t2\n\t\t],\n\t\t\"d\": {}\n\t}\n}",
            ),
            (
                "{\r\n    \"a\": { }\r\n}",
                "/a",
                "{\r\n    \"a\": {\r\n        \"n\": {\r\n            \"c\": [\r\n                1,\r\n                2\r\n            ],\r\n            \"d\": {}\r\n        }\r\n    }\r\n}",
            ),
        ] {
            let document = parse(text);
            let edited = document
                .with_member(at(&document, pointer), "n", value)
                .unwrap();
            assert_eq!(edited.text(), expected, "{text} {pointer}");
        }
    }

    #[test]
    fn an_item_is_added_in_the_layout_of_its_array() {
        for (text, pointer, expected) in [
            ("[]", "", "[9]"),
            ("[1,2]", "", "[1,2,9]"),
            ("[ 1, 2 ]", "", "[ 1, 2, 9 ]"),
            (r#"{"a": [1]}"#, "/a", r#"{"a": [1, 9]}"#),
            (r#"{"a":[1]}"#, "/a", r#"{"a":[1,9]}"#),
            (
                "{\n  \"a\": [\n    1\n  ]\n}",
                "/a",
                "{\n  \"a\": [\n    1,\n    9\n  ]\n}",
            ),
            (
                "{\n  \"a\": [],\n  \"b\": 1\n}",
                "/a",
                "{\n  \"a\": [\n    9\n  ],\n  \"b\": 1\n}",
            ),
            ("{\n  \"a\": [1]\n}", "/a", "{\n  \"a\": [1, 9]\n}"),
            ("[[[]]]", "/0/0", "[[[9]]]"),
        ] {
            let document = parse(text);
            let edited = document.with_item(at(&document, pointer), "9").unwrap();
            assert_eq!(edited.text(), expected, "{text} {pointer}");
        }
    }

    #[test]
    fn a_moved_item_takes_the_place_of_the_others_and_leaves_what_is_between() {
        let document = parse("{\"a\":[ 1,\n2 , {\"b\": 3} ]}");
        let array = at(&document, "/a");
        let moved = |from, to| document.with_item_moved(array, from, to);
        assert_eq!(
            moved(0, 1).unwrap().text(),
            "{\"a\":[ 2,\n1 , {\"b\": 3} ]}"
        );
        assert_eq!(
            moved(2, 0).unwrap().text(),
            "{\"a\":[ {\"b\": 3},\n1 , 2 ]}"
        );
        assert_eq!(moved(1, 1).unwrap(), document);
        assert_eq!(moved(0, 3), Err(EditError::NoSuchValue));
        assert_eq!(moved(3, 0), Err(EditError::NoSuchValue));
    }

    #[test]
    fn what_is_no_container_of_the_kind_and_what_is_no_value_are_refused() {
        let document = parse(r#"{"a": [1]}"#);
        let array = at(&document, "/a");
        assert_eq!(
            document.with_member(array, "n", "1"),
            Err(EditError::NoSuchValue)
        );
        assert_eq!(document.with_item(0, "1"), Err(EditError::NoSuchValue));
        // A name has an ordinal too.
        assert_eq!(document.with_item(1, "1"), Err(EditError::NoSuchValue));
        assert_eq!(document.with_item(99, "1"), Err(EditError::NoSuchValue));
        assert!(document.with_item(array, "1, 2").is_err());
        let deep = parse(&format!("{}{}", "[".repeat(64), "]".repeat(64)));
        assert!(deep.with_item(63, "[]").is_err(), "the limit of the depth");
    }
}
