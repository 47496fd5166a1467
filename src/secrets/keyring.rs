//! The secrets held in memory, by slot and origin.

use std::collections::HashMap;

use super::{Secret, SecretError, SecretSlot};
use crate::settings::Address;

/// The secrets in memory. Each belongs to one slot and one origin.
#[derive(Debug, Default)]
pub struct Keyring {
    secrets: HashMap<(SecretSlot, String), Secret>,
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
        Ok(())
    }

    /// Returns the secret in this slot for the origin of `address`.
    #[must_use]
    pub fn get(&self, slot: &SecretSlot, address: &Address) -> Option<&Secret> {
        self.secrets.get(&(slot.clone(), address.origin()))
    }

    /// Forgets one secret.
    pub fn forget(&mut self, slot: &SecretSlot, address: &Address) {
        self.secrets.remove(&(slot.clone(), address.origin()));
    }

    /// Forgets all secrets.
    pub fn forget_all(&mut self) {
        self.secrets.clear();
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
}
