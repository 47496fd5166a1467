//! A text is a document exactly where another parser takes it for JSON, however it is split, and
//! an edit changes what it names and not one byte more.

use serde_json::Value;
use taskwright::document::scanner::{ScanLimits, ScanProgress, Scanner};
use taskwright::document::{Document, DocumentError, Fault, Kind, Node, push_token, quote};

use super::json::{Json, is_out_of_range};
use super::splits::Dice;

/// So many parts of a document are removed, one at a time.
const MOST_REMOVED: usize = 32;

/// Panics where a text is read or edited otherwise than that.
pub fn holds(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let whole = Document::parse(&text);
    assert_split_alike(&text, &whole);
    assert_eq!(
        Document::parse(&quote(&text)).map(|it| it.root().as_str().map(|it| it.into_owned())),
        Ok(Some(text.to_string()))
    );
    match (whole, serde_json::from_str::<Json>(&text)) {
        (Ok(document), Ok(value)) => {
            assert!(value.is(document.root()), "{document:?} is {value:?}");
            assert_eq!(document.text(), text.trim_matches([' ', '\t', '\n', '\r']));
            let repeated = !document.duplicate_members().is_empty();
            assert_eq!(value.has_duplicate_members(), repeated, "{document:?}");
            assert_removes_what_is_named(&document);
        }
        (Ok(document), Err(error)) => assert!(is_out_of_range(&error), "{error}: {document:?}"),
        (Err(error), Ok(value)) => assert!(
            matches!(error.fault(), Fault::TooDeep(_)),
            "{error}, and to another parser it is {value:?}"
        ),
        (Err(error), Err(_)) => assert!(error.offset() <= text.len() && error.line() > 0),
    }
}

/// However the text is split, the scanner finds the same document or the same fault at the same
/// place.
fn assert_split_alike(text: &str, whole: &Result<Document, DocumentError>) {
    let mut dice = Dice::of(text.as_bytes());
    for longest in [1, 3, 40] {
        let mut scanner = Scanner::new(ScanLimits::default());
        let mut rest = text;
        let mut result = Ok(ScanProgress::More);
        while !rest.is_empty() && matches!(result, Ok(ScanProgress::More)) {
            let size = 1 + dice.below(longest);
            let end = rest
                .char_indices()
                .nth(size)
                .map_or(rest.len(), |(at, _)| at);
            let (piece, after) = rest.split_at(end);
            result = scanner.push(piece);
            rest = after;
        }
        let document = result.and_then(|_| scanner.into_document(text));
        match (whole, document) {
            (Ok(whole), Ok(document)) => assert_eq!(*whole, document),
            // Nobody told the scanner what stands after its value.
            (Err(error), Ok(_)) => assert_eq!(error.fault(), Fault::TextAfterValue),
            (Err(whole), Err(error)) => {
                assert_eq!(
                    (whole.fault(), whole.offset()),
                    (error.fault(), error.offset())
                );
            }
            (Ok(whole), Err(error)) => panic!("{error}: {whole:?}"),
        }
    }
}

/// Removing a part gives the value without it, and leaves every other part as it was written.
fn assert_removes_what_is_named(document: &Document) {
    let mut pointers = Vec::new();
    collect_pointers(document.root(), "", &mut pointers);
    if !document.duplicate_members().is_empty() {
        // A pointer names one member of several then: which one another parser keeps is open.
        return;
    }
    for pointer in pointers.iter().take(MOST_REMOVED) {
        let ordinal = document.at(pointer).expect("it is there").ordinal();
        let edited = document.without(&[ordinal].into()).expect("not the root");
        let mut expected = document.root().to_value();
        let (parent, last) = pointer.rsplit_once('/').expect("it is not the root");
        match expected.pointer_mut(parent).expect("it is there") {
            Value::Object(members) => {
                let name = last.replace("~1", "/").replace("~0", "~");
                members.shift_remove(&name);
            }
            Value::Array(items) => {
                items.remove(last.parse().expect("an index"));
            }
            other => panic!("{other} has no parts"),
        }
        assert_eq!(
            edited.root().to_value(),
            expected,
            "{pointer} of {document:?}"
        );
        let kept = common_ends(document.text(), edited.text());
        assert!(
            kept >= edited.text().len(),
            "more than {pointer} of {document:?}: {edited:?}"
        );
    }
}

/// How many bytes two texts share at their beginning and at their end together.
fn common_ends(longer: &str, shorter: &str) -> usize {
    let alike = |(one, other): &(u8, u8)| one == other;
    let begin = longer
        .bytes()
        .zip(shorter.bytes())
        .take_while(alike)
        .count();
    let end = longer
        .bytes()
        .rev()
        .zip(shorter.bytes().rev())
        .take_while(alike)
        .count();
    begin + end
}

fn collect_pointers(node: Node<'_>, pointer: &str, found: &mut Vec<String>) {
    match node.kind() {
        Kind::Object => {
            for (name, value) in node.members() {
                let pointer = push_token(pointer, &name);
                found.push(pointer.clone());
                collect_pointers(value, &pointer, found);
            }
        }
        Kind::Array => {
            for (index, item) in node.items().enumerate() {
                let pointer = format!("{pointer}/{index}");
                found.push(pointer.clone());
                collect_pointers(item, &pointer, found);
            }
        }
        _ => {}
    }
}
