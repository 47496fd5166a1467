//! The bytes of a body produce the same events however they are split, tasks keep their text, and a
//! body that ends before the model says that it has finished is never complete.

use super::reading::{APIS, Reading, says_finished};
use super::splits::Rng;

/// Panics if this does not hold for a body.
pub fn holds(body: &[u8]) {
    for api in APIS {
        let unsplit = Reading::of(api, &[body]);
        unsplit.assert_sound();
        let pieces = Rng::of(body).split_bytes(body);
        assert_eq!(
            Reading::of(api, &pieces),
            unsplit,
            "in {} pieces",
            pieces.len()
        );
        let (byte_by_byte, shortest) = Reading::byte_by_byte(api, body);
        assert_eq!(byte_by_byte, unsplit, "byte by byte");
        // A longer prefix contains the same statement, so checking the shortest one is enough.
        match shortest.and_then(|end| body.get(..end)) {
            Some(prefix) => assert!(
                says_finished(api, prefix),
                "complete after {} bytes, but the model did not say that it had finished",
                prefix.len()
            ),
            None => assert!(!unsplit.outcome.is_complete()),
        }
    }
}
