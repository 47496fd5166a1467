//! Duplicate member names.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::node::{Kind, Node};
use super::pointer::{Path, Pointers};

/// JSON Pointers of the members below `root` whose name occurs earlier in the same object, in text
/// order. At most `limit`, and fewer if they are very long.
pub(super) fn duplicate_members(root: Node<'_>, limit: usize) -> Vec<String> {
    let mut found = Pointers::up_to(limit);
    // Duplicates are rare, so names are collected only if there is one.
    if root.has_duplicate_members() {
        root.walk(&mut |node, path| {
            let mut seen = HashSet::new();
            for (name, _) in node.members() {
                if seen.contains(&name) {
                    found.push(&Path::Member(path, &name))?;
                } else {
                    seen.insert(name);
                }
            }
            ControlFlow::Continue(())
        });
    }
    found.into_vec()
}

/// Whether two members of this object have the same name. False for other kinds of value.
pub(super) fn has_duplicates(object: Node<'_>) -> bool {
    /// Up to this many members, names with equal hashes are compared directly; above, a hash set
    /// is built.
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
        let bit = match name.plain_bytes() {
            Some(bytes) => hash_bit(bytes),
            None => hash_bit(name.decoded().as_bytes()),
        };
        let may_repeat = seen & bit != 0;
        seen |= bit;
        let mut earlier = object.raw_members().take(index);
        may_repeat && earlier.any(|(earlier, _)| earlier.decoded() == name.decoded())
    })
}

/// A cheap hash of a name: one of 64 bits, computed from its first and last byte and its length.
fn hash_bit(bytes: &[u8]) -> u64 {
    let value = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or_default());
    let sum = value(bytes.first()) + 7 * value(bytes.last()) + 31 * (bytes.len() & 63);
    1 << (sum & 63)
}
