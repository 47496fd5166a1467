//! The bytes of a body give the same events however they are split, no task is other than it was
//! written, and no body that was cut before the model's last word is complete.

use super::reading::{APIS, Reading, says_finished, shortest_complete};
use super::splits::ways;

/// Panics where a body is read otherwise than that.
pub fn holds(body: &[u8]) {
    for api in APIS {
        let whole = Reading::of(api, &[body]);
        whole.assert_sound();
        for pieces in ways(body) {
            let told = Reading::of(api, &pieces);
            assert_eq!(told, whole, "in {} pieces", pieces.len());
        }
        // What the model has said stays said, so the shortest one speaks for all longer ones.
        let shortest = shortest_complete(api, body);
        if let Some(cut) = shortest {
            assert!(
                says_finished(api, cut),
                "complete after {} bytes",
                cut.len()
            );
        }
        assert!(shortest.is_some() || !whole.outcome.is_complete());
    }
}
