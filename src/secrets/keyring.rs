//! The secrets held in memory, by slot and origin.

use std::collections::HashMap;
use std::sync::Arc;

use super::task_check::{CurrentRedactor, TaskCheck};
use super::{Redactor, Secret, SecretError, SecretSlot};
use crate::schema::Check;
use crate::settings::Address;

/// The secrets in memory. Each belongs to one slot and one origin.
#[derive(Debug, Default)]
pub struct Keyring {
    secrets: HashMap<(SecretSlot, String), Secret>,
    redactor: CurrentRedactor,
    /// Whether prompts may contain the secrets that are held.
    is_allowed_in_prompts: bool,
}

impl Keyring {
    /// Adds a secret for the origin of `address`, replacing an earlier one.
    ///
    /// # Errors
    /// [`SecretError`] if the value cannot be a secret.
    pub fn give(
        &mut self,
        slot: SecretSlot,
        address: &Address,
        value: &str,
    ) -> Result<(), SecretError> {
        let secret = Secret::new(value, address)?;
        self.secrets.insert((slot, address.origin()), secret);
        self.update_redactor();
        Ok(())
    }

    /// Adds secrets, each in its slot, replacing earlier ones.
    pub fn add(&mut self, secrets: Vec<(SecretSlot, Secret)>) {
        for (slot, secret) in secrets {
            self.secrets.insert((slot, secret.origin.clone()), secret);
        }
        self.update_redactor();
    }

    /// Returns all secrets with their slots.
    #[must_use]
    pub fn into_secrets(self) -> Vec<(SecretSlot, Secret)> {
        let secrets = self.secrets.into_iter();
        secrets.map(|((slot, _), secret)| (slot, secret)).collect()
    }

    /// Returns what removes every secret that is held now from text.
    #[must_use]
    pub fn redactor(&self) -> Arc<Redactor> {
        self.redactor.get()
    }

    /// Returns a check by `schema` that also rejects a task with a secret in it. What counts are the
    /// secrets that this keyring holds when a task is checked.
    #[must_use]
    pub fn task_check(&self, schema: Arc<dyn Check>) -> Arc<dyn Check> {
        Arc::new(TaskCheck {
            schema,
            redactor: self.redactor.clone(),
        })
    }

    /// Lets prompts contain the secrets that are held now, or forbids it: the operator may have agreed,
    /// for one action, because a secret is an ordinary word. What is held later is forbidden again.
    pub fn allow_in_prompts(&mut self, is_allowed: bool) {
        self.is_allowed_in_prompts = is_allowed;
    }

    /// Whether prompts may contain the secrets that are held.
    #[must_use]
    pub fn allows_in_prompts(&self) -> bool {
        self.is_allowed_in_prompts
    }

    fn update_redactor(&mut self) {
        self.is_allowed_in_prompts = false;
        let secrets = self
            .secrets
            .iter()
            .map(|((slot, _), secret)| (slot, secret));
        self.redactor.set(Redactor::of(secrets));
    }

    /// Returns the secret in this slot for the origin of `address`.
    #[must_use]
    pub fn get(&self, slot: &SecretSlot, address: &Address) -> Option<&Secret> {
        self.secrets.get(&(slot.clone(), address.origin()))
    }

    /// Removes a secret and returns it, to compare another one with it.
    pub fn take(&mut self, slot: &SecretSlot, address: &Address) -> Option<Secret> {
        let taken = self.secrets.remove(&(slot.clone(), address.origin()));
        self.update_redactor();
        taken
    }

    /// Forgets one secret.
    pub fn forget(&mut self, slot: &SecretSlot, address: &Address) {
        self.secrets.remove(&(slot.clone(), address.origin()));
        self.update_redactor();
    }

    /// Forgets all secrets.
    pub fn forget_all(&mut self) {
        self.secrets.clear();
        self.update_redactor();
    }

    /// Returns slots and origins of the held secrets, sorted. Never returns a value.
    #[must_use]
    pub fn held(&self) -> Vec<(SecretSlot, String)> {
        let mut held: Vec<_> = self.secrets.keys().cloned().collect();
        held.sort();
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;
    use crate::schema::Violation;
    use crate::secrets::HELD_SECRET;

    #[test]
    fn a_secret_is_returned_for_its_own_origin_only() {
        let home = Address::parse("http://localhost:8080/a").unwrap();
        let other = Address::parse("http://127.0.0.1:8080").unwrap();
        let mut ring = Keyring::default();
        ring.give(SecretSlot::AGENT_TOKEN, &home, "hunter2")
            .unwrap();
        assert!(ring.get(&SecretSlot::AGENT_TOKEN, &home).is_some());
        assert!(ring.get(&SecretSlot::API_KEY, &home).is_none());
        assert!(ring.get(&SecretSlot::AGENT_TOKEN, &other).is_none());
        assert!(!format!("{ring:?}").contains("hunter2"));
        assert_eq!(
            ring.held(),
            [(SecretSlot::AGENT_TOKEN, "http://localhost:8080".to_owned())]
        );
        ring.forget_all();
        assert!(ring.held().is_empty());
    }

    struct AcceptAll;

    impl Check for AcceptAll {
        fn check(&self, _: &Document) -> Vec<Violation> {
            Vec::new()
        }
    }

    #[test]
    fn a_task_is_checked_for_the_secrets_that_are_held_at_that_moment() {
        let home = Address::parse("http://localhost:8080").unwrap();
        let task = Document::parse(r#"{"title":"Log in with hunter2-hunter2"}"#).unwrap();
        let mut ring = Keyring::default();
        let check = ring.task_check(Arc::new(AcceptAll));
        assert_eq!(check.check(&task), []);
        ring.give(SecretSlot::AGENT_TOKEN, &home, "hunter2-hunter2")
            .unwrap();
        let violations = check.check(&task);
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].keyword, HELD_SECRET);
        assert!(violations[0].message.contains("agent token"));
        assert!(!violations[0].message.contains("hunter2"));
        ring.forget(&SecretSlot::AGENT_TOKEN, &home);
        assert_eq!(check.check(&task), []);
    }
}
