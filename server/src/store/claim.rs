//! Who decides what becomes of an insert: the writer that stores it, or the sender that gives it up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The decision about one insert, which only one side can take.
///
/// Without it, a sender whose time is over could report "not stored" at the very moment at which the
/// writer begins to store the task.
#[derive(Debug, Clone, Default)]
pub(super) struct Claim(Arc<AtomicBool>);

impl Claim {
    /// Takes the decision. Returns false if it has been taken before.
    pub fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// Whether the decision has been taken.
    pub fn is_taken(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Gives an insert up when its sender is gone, for example because the connection broke: nobody
/// would learn that the task is stored.
#[derive(Debug)]
pub(super) struct GiveUpOnDrop(pub Claim);

impl Drop for GiveUpOnDrop {
    fn drop(&mut self) {
        self.0.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_side_can_take_the_decision() {
        let claim = Claim::default();
        let writer = claim.clone();
        assert!(!claim.is_taken());
        assert!(writer.take());
        assert!(!claim.take());
        assert!(claim.is_taken());
    }

    #[test]
    fn a_sender_that_is_gone_has_given_its_insert_up() {
        let claim = Claim::default();
        drop(GiveUpOnDrop(claim.clone()));
        assert!(!claim.take());
    }
}
