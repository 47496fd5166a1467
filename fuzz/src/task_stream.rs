//! The bytes of a body give the same events however they are split, no task is other than it was
//! written, and no body that was cut before the model's last word is complete.

use super::reading::{APIS, Reading, says_finished};
use super::splits::Dice;

/// Panics where a body is read otherwise than that.
pub fn holds(body: &[u8]) {
    for api in APIS {
        let whole = Reading::of(api, &[body]);
        whole.assert_sound();
        let pieces = Dice::of(body).cut(body);
        let told = Reading::of(api, &pieces);
        assert_eq!(told, whole, "in {} pieces", pieces.len());
        let (told, shortest) = Reading::byte_by_byte(api, body);
        assert_eq!(told, whole, "byte by byte");
        // What the model has said stays said, so the shortest one speaks for all longer ones.
        match shortest.and_then(|end| body.get(..end)) {
            Some(begun) => assert!(
                says_finished(api, begun),
                "complete after {} bytes, and nobody said so",
                begun.len()
            ),
            None => assert!(!whole.outcome.is_complete()),
        }
    }
}
