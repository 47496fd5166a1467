//! The secrets held in memory, by slot, origin and connection.

use std::collections::HashMap;
use std::sync::Arc;

use super::task_check::{CurrentRedactor, TaskCheck};
use super::{Redactor, Secret, SecretError, SecretSlot};
use crate::schema::Check;
use crate::settings::{Address, ConnectionId};

/// The secrets in memory. Each belongs to one slot and one origin, and if it is for a task server, to one
/// connection as well.
#[derive(Debug, Default)]
pub struct Keyring {
    secrets: HashMap<Place, Secret>,
    /// The connection whose task server the secrets are used for.
    connection: ConnectionId,
    redactor: CurrentRedactor,
    /// Whether prompts may contain the secrets that are held.
    is_allowed_in_prompts: bool,
}

/// Where a secret belongs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    slot: SecretSlot,
    origin: String,
    /// Empty for a secret that all connections share.
    connection: ConnectionId,
}

impl Place {
    fn new(slot: SecretSlot, origin: String, connection: &ConnectionId) -> Place {
        let connection = match slot.is_of_connection() {
            true => connection.clone(),
            false => ConnectionId::default(),
        };
        Place {
            slot,
            origin,
            connection,
        }
    }
}

impl Keyring {
    /// Uses the secrets of this connection's task server from now on: gives, returns and removes them. An
    /// empty id stands for the only connection there is.
    pub fn use_connection(&mut self, connection: &ConnectionId) {
        self.connection.clone_from(connection);
    }

    /// The connection whose task server the secrets are used for.
    #[must_use]
    pub fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    fn place(&self, slot: &SecretSlot, address: &Address) -> Place {
        Place::new(slot.clone(), address.origin(), &self.connection)
    }

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
        self.add(vec![(slot, secret)]);
        Ok(())
    }

    /// Adds secrets, each in its slot, replacing earlier ones.
    pub fn add(&mut self, secrets: Vec<(SecretSlot, Secret)>) {
        self.add_for(&self.connection.clone(), secrets);
    }

    /// Adds secrets of another connection, each in its slot, replacing earlier ones.
    pub fn add_for(&mut self, connection: &ConnectionId, secrets: Vec<(SecretSlot, Secret)>) {
        for (slot, secret) in secrets {
            let place = Place::new(slot, secret.origin.clone(), connection);
            self.secrets.insert(place, secret);
        }
        self.update_redactor();
    }

    /// Returns all secrets with their slots.
    #[must_use]
    pub fn into_secrets(self) -> Vec<(SecretSlot, Secret)> {
        let secrets = self.secrets.into_iter();
        secrets
            .map(|(place, secret)| (place.slot, secret))
            .collect()
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
            .map(|(place, secret)| (&place.slot, secret));
        self.redactor.set(Redactor::of(secrets));
    }

    /// Returns the secret in this slot for the origin of `address`.
    #[must_use]
    pub fn get(&self, slot: &SecretSlot, address: &Address) -> Option<&Secret> {
        self.secrets.get(&self.place(slot, address))
    }

    /// Returns the secret in this slot for the origin of `address` in another connection.
    #[must_use]
    pub fn get_for(
        &self,
        connection: &ConnectionId,
        slot: &SecretSlot,
        address: &Address,
    ) -> Option<&Secret> {
        let place = Place::new(slot.clone(), address.origin(), connection);
        self.secrets.get(&place)
    }

    /// Removes a secret and returns it, to compare another one with it.
    pub fn take(&mut self, slot: &SecretSlot, address: &Address) -> Option<Secret> {
        let taken = self.secrets.remove(&self.place(slot, address));
        self.update_redactor();
        taken
    }

    /// Forgets one secret.
    pub fn forget(&mut self, slot: &SecretSlot, address: &Address) {
        self.secrets.remove(&self.place(slot, address));
        self.update_redactor();
    }

    /// Forgets all secrets.
    pub fn forget_all(&mut self) {
        self.secrets.clear();
        self.update_redactor();
    }

    /// Returns slots and origins of the held secrets of all connections, sorted, each once. Never returns a
    /// value.
    #[must_use]
    pub fn held(&self) -> Vec<(SecretSlot, String)> {
        let places = self.secrets.keys();
        let mut held: Vec<_> = places
            .map(|place| (place.slot.clone(), place.origin.clone()))
            .collect();
        held.sort();
        held.dedup();
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;
    use crate::schema::Violation;
    use crate::secrets::{HELD_SECRET, REDACTED};

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

    #[test]
    fn two_connections_to_one_server_have_tokens_of_their_own_and_share_the_api_key() {
        let home = Address::parse("http://localhost:8080").unwrap();
        let (north, south) = (ConnectionId::new("north"), ConnectionId::new("south"));
        let tenant = SecretSlot::header("X-Tenant-Key");
        let mut ring = Keyring::default();
        ring.use_connection(&north);
        for slot in [SecretSlot::AGENT_TOKEN, tenant.clone(), SecretSlot::API_KEY] {
            ring.give(slot, &home, "token-of-north").unwrap();
        }
        ring.use_connection(&south);
        assert!(ring.get(&SecretSlot::AGENT_TOKEN, &home).is_none());
        assert!(ring.get(&tenant, &home).is_none());
        assert!(ring.get(&SecretSlot::API_KEY, &home).is_some());
        ring.give(SecretSlot::AGENT_TOKEN, &home, "token-of-south")
            .unwrap();
        assert_eq!(ring.held().len(), 3, "each slot and origin once");
        assert!(ring.redactor().redact("token-of-north").contains(REDACTED));

        let revealed = |connection: &ConnectionId| {
            let secret = ring.get_for(connection, &SecretSlot::AGENT_TOKEN, &home);
            secret.map(|secret| secret.reveal_to(&home).unwrap().to_owned())
        };
        assert_eq!(revealed(&north).as_deref(), Some("token-of-north"));
        assert_eq!(revealed(&south).as_deref(), Some("token-of-south"));
        ring.forget(&SecretSlot::AGENT_TOKEN, &home);
        ring.use_connection(&north);
        assert!(ring.get(&SecretSlot::AGENT_TOKEN, &home).is_some());
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
