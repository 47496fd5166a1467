//! Names that stand twice in one object.

use std::collections::HashSet;

use super::node::{Kind, Node};
use super::pointer::push_token;

/// JSON Pointers of the members below `root` whose name stood in the same object before, in the
/// order of the text.
pub(super) fn repeated(root: Node<'_>) -> Vec<String> {
    let mut found = Vec::new();
    // Hardly any text has one, so pointers are made only for one that does.
    if root.repeats_a_name() {
        root.walk(&mut |node, pointer| {
            let mut seen = HashSet::new();
            for (name, _) in node.members() {
                if !seen.insert(name.clone()) {
                    found.push(push_token(pointer, &name));
                }
            }
        });
    }
    found
}

/// Whether two members of this object have the same name; never for what is not an object.
pub(super) fn has_repeated_name(object: Node<'_>) -> bool {
    /// Up to so many members are compared with each other, those that look alike.
    const FEW: usize = 32;
    if object.kind() != Kind::Object {
        return false;
    }
    if object.len() > FEW {
        let mut names = HashSet::new();
        return object.members().any(|(name, _)| !names.insert(name));
    }
    let mut seen = 0_u64;
    object.raw_members().enumerate().any(|(index, (name, _))| {
        let mark = match name.plain_bytes() {
            Some(bytes) => mark(bytes),
            None => mark(name.decoded().as_bytes()),
        };
        let perhaps = seen & mark != 0;
        seen |= mark;
        let mut earlier = object.raw_members().take(index);
        perhaps && earlier.any(|(earlier, _)| earlier.decoded() == name.decoded())
    })
}

/// One of 64 bits, the same for the same name and mostly another one for another name.
fn mark(bytes: &[u8]) -> u64 {
    let end = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or_default());
    let sum = end(bytes.first()) + 7 * end(bytes.last()) + 31 * (bytes.len() & 63);
    1 << (sum & 63)
}
