//! The bytes that leave, fixed when a task is approved.

use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::review::{Approval, DraftId};
use crate::settings::BodyTemplate;

/// Fixes what leaves for a draft: its text, in the server's envelope where it wants one, the
/// SHA-256 of those bytes, and the idempotency key.
///
/// The key is derived from the draft's identity (128 random bits and a number) and the digest, so
/// that the same approved body has the same key in every tab and after every reload, and another
/// body another one. It has the form of a UUID of version 8 (RFC 9562, section 5.8).
#[must_use]
pub fn approve(id: &DraftId, task: &Arc<str>, template: Option<&BodyTemplate>) -> Approval {
    let body = match template {
        None => Arc::clone(task),
        Some(template) => template.around(task).into(),
    };
    let digest = sha256_hex(body.as_bytes());
    let seed = Sha256::digest(format!("taskwright key\n{id}\n{digest}").as_bytes());
    Approval {
        key: uuid_v8(&seed).into(),
        body,
        digest: digest.into(),
    }
}

/// One digest over a batch: over the digests of its bodies, in the order given.
#[must_use]
pub fn batch_digest<'a>(digests: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for digest in digests {
        hash.update(digest.as_bytes());
        hash.update(b"\n");
    }
    hex(&hash.finalize())
}

/// SHA-256 (FIPS 180-4) in lower-case hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn uuid_v8(seed: &[u8]) -> String {
    let bits = seed
        .iter()
        .take(16)
        .fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    let version = (bits & !(0xF << 76)) | (0x8 << 76);
    let uuid = (version & !(0x3 << 62)) | (0x2 << 62);
    let text = format!("{uuid:032x}");
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    [
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::RunId;

    fn id(run: u128, ordinal: u32) -> DraftId {
        DraftId {
            run: RunId::from_bits(run),
            ordinal,
        }
    }

    #[test]
    fn the_key_belongs_to_the_draft_and_its_exact_bytes() {
        let task = Arc::from("{\"a\": 1}");
        let respaced = Arc::from("{\"a\":1}");
        let approval = approve(&id(7, 1), &task, None);
        assert_eq!(&*approval.body, "{\"a\": 1}");
        assert_eq!(approval, approve(&id(7, 1), &task, None));
        assert_ne!(approval.key, approve(&id(7, 2), &task, None).key);
        assert_ne!(approval.key, approve(&id(8, 1), &task, None).key);
        assert_ne!(approval.key, approve(&id(7, 1), &respaced, None).key);
        let envelope = BodyTemplate::parse("[$task]").unwrap();
        let enveloped = approve(&id(7, 1), &task, Some(&envelope));
        assert_eq!(&*enveloped.body, "[{\"a\": 1}]");
        assert_eq!(*enveloped.digest, *sha256_hex(b"[{\"a\": 1}]"));
        assert_ne!(approval.key, enveloped.key);
        let groups: Vec<_> = approval.key.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert_eq!(approval.key.chars().nth(14), Some('8'));
    }

    #[test]
    fn digests_are_sha_256() {
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        let forth = batch_digest(["a", "b"].into_iter());
        assert_ne!(forth, batch_digest(["b", "a"].into_iter()));
    }
}
