//! A text is a document if and only if another parser accepts it as JSON, however it is split, and
//! an edit changes only the part that it names.

use serde_json::Value;
use taskwright::document::scanner::{ScanLimits, ScanProgress, Scanner};
use taskwright::document::{Document, DocumentError, Fault, Kind, Node, push_token, quote};

use super::json::{Json, is_out_of_range};
use super::splits::Rng;

/// Maximum number of parts of a document to remove, one at a time.
const MAX_REMOVED: usize = 32;

/// Panics if this does not hold for a text.
pub fn holds(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let parsed = Document::parse(&text);
    assert_same_when_split(&text, &parsed);
    assert_eq!(
        Document::parse(&quote(&text)).map(|it| it.root().as_str().map(|it| it.into_owned())),
        Ok(Some(text.to_string()))
    );
    match (parsed, serde_json::from_str::<Json>(&text)) {
        (Ok(document), Ok(value)) => {
            assert!(value.equals(document.root()), "{document:?} is {value:?}");
            assert_eq!(document.text(), text.trim_matches([' ', '\t', '\n', '\r']));
            let has_duplicates = !document.duplicate_members().is_empty();
            assert_eq!(value.has_duplicate_member(), has_duplicates, "{document:?}");
            assert_remove_changes_nothing_else(&document);
        }
        (Ok(document), Err(error)) => assert!(is_out_of_range(&error), "{error}: {document:?}"),
        (Err(error), Ok(value)) => assert!(
            matches!(error.fault(), Fault::TooDeep(_)),
            "{error}, but another parser reads {value:?}"
        ),
        (Err(error), Err(_)) => assert!(error.offset() <= text.len() && error.line() > 0),
    }
}

/// However the text is split, the scanner finds the same document, or the same fault at the same
/// offset.
fn assert_same_when_split(text: &str, unsplit: &Result<Document, DocumentError>) {
    let mut rng = Rng::of(text.as_bytes());
    for longest in [1, 3, 40] {
        let mut scanner = Scanner::new(ScanLimits::default());
        let mut result = Ok(ScanProgress::More);
        for piece in rng.split_text(text, longest) {
            if !matches!(result, Ok(ScanProgress::More)) {
                break;
            }
            result = scanner.push(piece);
        }
        let document = result.and_then(|_| scanner.into_document(text));
        match (unsplit, document) {
            (Ok(unsplit), Ok(document)) => assert_eq!(*unsplit, document),
            // The scanner did not get the text after its value.
            (Err(error), Ok(_)) => assert_eq!(error.fault(), Fault::TextAfterValue),
            (Err(unsplit), Err(error)) => {
                assert_eq!(
                    (unsplit.fault(), unsplit.offset()),
                    (error.fault(), error.offset())
                );
            }
            (Ok(unsplit), Err(error)) => panic!("{error}: {unsplit:?}"),
        }
    }
}

/// Removing a part produces the value without it and leaves the text of all other parts unchanged.
fn assert_remove_changes_nothing_else(document: &Document) {
    let mut pointers = Vec::new();
    collect_pointers(document.root(), "", &mut pointers);
    if !document.duplicate_members().is_empty() {
        // A pointer is ambiguous then, and parsers differ in which duplicate member they keep.
        return;
    }
    for pointer in pointers.iter().take(MAX_REMOVED) {
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
            "removing {pointer} from {document:?} changed more: {edited:?}"
        );
    }
}

/// The total length of the common prefix and the common suffix of two texts, in bytes.
fn common_ends(longer: &str, shorter: &str) -> usize {
    let is_same = |(one, other): &(u8, u8)| one == other;
    let prefix = longer
        .bytes()
        .zip(shorter.bytes())
        .take_while(is_same)
        .count();
    let suffix = longer
        .bytes()
        .rev()
        .zip(shorter.bytes().rev())
        .take_while(is_same)
        .count();
    prefix + suffix
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
