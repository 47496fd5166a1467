//! The bytes to post, fixed when a task is approved.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::digest::sha256_hex;
use crate::review::{Approval, DraftId};
use crate::settings::{BodyTemplate, TemplateValues};
use crate::time;

/// What the bodies of a run are built from, beside the tasks. Nothing in it changes while the run lasts,
/// so that a body is the same however often it is built.
#[derive(Debug, Clone, Copy, Default)]
pub struct BodyForm<'a> {
    /// The server's body template, if it has one.
    pub template: Option<&'a BodyTemplate>,
    /// When the run was started, in milliseconds since 1970.
    pub started_at: u64,
}

impl BodyForm<'_> {
    /// The body for a task: its exact text, in the server's template if it has one.
    #[must_use]
    pub fn body(&self, id: &DraftId, task: &Arc<str>) -> Arc<str> {
        let Some(template) = self.template else {
            return Arc::clone(task);
        };
        let values = TemplateValues {
            uuid: &uuid(&format!("taskwright task\n{id}")),
            number: id.ordinal,
            run: &id.run.to_string(),
            time: &time::rfc3339(self.started_at).unwrap_or_default(),
        };
        template.wrap(task, &values).into()
    }
}

/// Creates the approval of a task: its body, the SHA-256 of the body, and its idempotency key.
///
/// The key is derived from the draft's identity (128 random bits and a number) and the digest. So
/// the same approved body has the same key in every tab and after every reload, and different
/// bodies have different keys. The key is a version 8 UUID (RFC 9562, section 5.8).
#[must_use]
pub fn approve(id: &DraftId, task: &Arc<str>, form: BodyForm<'_>) -> Approval {
    let body = form.body(id, task);
    let digest = sha256_hex(body.as_bytes());
    Approval {
        key: key(id, &digest).into(),
        body,
        digest: digest.into(),
    }
}

/// Whether body, digest and key of an approval of this draft belong together.
#[must_use]
pub fn is_intact(id: &DraftId, approval: &Approval) -> bool {
    *approval.digest == *sha256_hex(approval.body.as_bytes())
        && *approval.key == *key(id, &approval.digest)
}

/// The idempotency key of a draft's body with this digest.
fn key(id: &DraftId, digest: &str) -> String {
    uuid(&format!("taskwright key\n{id}\n{digest}"))
}

/// The version 8 UUID of a text (RFC 9562, section 5.8).
fn uuid(of: &str) -> String {
    let seed: [u8; 32] = Sha256::digest(of).into();
    let [
        first_bytes @ ..,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
    ] = seed;
    let uuid = uuid::Builder::from_custom_bytes(first_bytes).into_uuid();
    uuid.to_string()
}

/// The digest of a batch: a digest of the digests of its bodies, in this order.
#[must_use]
pub fn batch_digest<'a>(digests: impl Iterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for digest in digests {
        hash.update(digest.as_bytes());
        hash.update(b"\n");
    }
    format!("{:x}", hash.finalize())
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
    fn the_key_depends_on_the_draft_and_its_exact_bytes() {
        let task = Arc::from("{\"a\": 1}");
        let respaced = Arc::from("{\"a\":1}");
        let approval = approve(&id(7, 1), &task, BodyForm::default());
        assert_eq!(&*approval.body, "{\"a\": 1}");
        assert_eq!(approval, approve(&id(7, 1), &task, BodyForm::default()));
        assert_ne!(
            approval.key,
            approve(&id(7, 2), &task, BodyForm::default()).key
        );
        assert_ne!(
            approval.key,
            approve(&id(8, 1), &task, BodyForm::default()).key
        );
        assert_ne!(
            approval.key,
            approve(&id(7, 1), &respaced, BodyForm::default()).key
        );
        let template = BodyTemplate::parse("[$task]").unwrap();
        let form = BodyForm {
            template: Some(&template),
            started_at: 0,
        };
        let wrapped = approve(&id(7, 1), &task, form);
        assert_eq!(&*wrapped.body, "[{\"a\": 1}]");
        assert_eq!(*wrapped.digest, *sha256_hex(b"[{\"a\": 1}]"));
        assert_ne!(approval.key, wrapped.key);
        let groups: Vec<_> = approval.key.split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        assert_eq!(approval.key.chars().nth(14), Some('8'));
    }

    #[test]
    fn an_approval_is_intact_only_with_its_own_body_digest_and_key() {
        let approval = approve(&id(7, 1), &Arc::from("{}"), BodyForm::default());
        assert!(is_intact(&id(7, 1), &approval));
        assert!(!is_intact(&id(7, 2), &approval), "the key of another draft");
        for changed in [
            Approval {
                body: "[]".into(),
                ..approval.clone()
            },
            Approval {
                digest: sha256_hex(b"[]").into(),
                ..approval.clone()
            },
            Approval {
                body: "[]".into(),
                digest: sha256_hex(b"[]").into(),
                ..approval.clone()
            },
            Approval {
                key: "k".into(),
                ..approval.clone()
            },
        ] {
            assert!(!is_intact(&id(7, 1), &changed), "{changed:?}");
        }
    }

    #[test]
    fn the_batch_digest_depends_on_the_order() {
        let digest = batch_digest(["a", "b"].into_iter());
        assert_ne!(digest, batch_digest(["b", "a"].into_iter()));
    }
}
