//! A parser that reuses its memory.

use super::node::Node;
use super::scanner::{ScanLimits, ScanProgress, Scanner};

/// Parses texts whose values are read once and not kept. The buffer for the spans is reused, so
/// most texts need no allocation.
#[derive(Debug, Default)]
pub struct Reader {
    scanner: Scanner,
}

impl Reader {
    /// Returns the root value of `text`, or `None` if [`super::Document::parse`] would return an
    /// error.
    pub fn read<'r>(&'r mut self, text: &'r str) -> Option<Node<'r>> {
        self.scanner.reset();
        if let ScanProgress::Done { consumed } = self.scanner.push(text).ok()? {
            let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
            if !text.as_bytes().get(consumed..)?.iter().all(blank) {
                return None;
            }
        }
        self.scanner.finish().ok()?;
        Some(Node::new(text, self.scanner.records(), 0))
    }
}

impl Default for Scanner {
    fn default() -> Self {
        Scanner::new(ScanLimits::default())
    }
}
