//! One text after the other, read in place and thrown away.

use super::node::Node;
use super::scanner::{ScanLimits, ScanProgress, Scanner};

/// Reads texts whose values are looked at once and not kept. The memory for the spans is used
/// again, so that most texts need none of their own.
#[derive(Debug, Default)]
pub struct Reader {
    scanner: Scanner,
}

impl Reader {
    /// The value of a text that [`super::Document::parse`] accepts; `None` for any other one, and
    /// that function says why.
    pub fn read<'r>(&'r mut self, text: &'r str) -> Option<Node<'r>> {
        self.scanner.start_again();
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
