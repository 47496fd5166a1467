//! The secrets that were given, by name and origin. In memory only.

use std::collections::HashMap;

use super::{Secret, SecretError, SecretName};
use crate::settings::Address;

/// Holds each secret for the origin it was given for.
#[derive(Debug, Default)]
pub struct Keyring {
    secrets: HashMap<(SecretName, String), Secret>,
}

impl Keyring {
    /// Keeps a secret for an address's origin, in place of an earlier one.
    ///
    /// # Errors
    /// [`SecretError`] where it cannot be one.
    pub fn give(
        &mut self,
        name: SecretName,
        address: &Address,
        value: &str,
    ) -> Result<(), SecretError> {
        let secret = Secret::new(value, address)?;
        self.secrets.insert((name, address.origin()), secret);
        Ok(())
    }

    /// The secret of this name for this address's origin.
    #[must_use]
    pub fn get(&self, name: SecretName, address: &Address) -> Option<&Secret> {
        self.secrets.get(&(name, address.origin()))
    }

    /// Forgets one that was not accepted.
    pub fn forget(&mut self, name: SecretName, address: &Address) {
        self.secrets.remove(&(name, address.origin()));
    }

    /// Forgets all.
    pub fn forget_all(&mut self) {
        self.secrets.clear();
    }

    /// Names and origins of what is held, sorted; never a value.
    #[must_use]
    pub fn held(&self) -> Vec<(SecretName, String)> {
        let mut held: Vec<_> = self.secrets.keys().cloned().collect();
        held.sort_by(|a, b| (a.0.word(), &a.1).cmp(&(b.0.word(), &b.1)));
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_for_its_own_origin_only() {
        let home = Address::parse("http://localhost:8080/a").unwrap();
        let other = Address::parse("http://127.0.0.1:8080").unwrap();
        let mut ring = Keyring::default();
        ring.give(SecretName::AgentToken, &home, "hunter2").unwrap();
        assert!(ring.get(SecretName::AgentToken, &home).is_some());
        assert!(ring.get(SecretName::ModelKey, &home).is_none());
        assert!(ring.get(SecretName::AgentToken, &other).is_none());
        assert!(!format!("{ring:?}").contains("hunter2"));
        assert_eq!(
            ring.held(),
            [(SecretName::AgentToken, "http://localhost:8080".to_owned())]
        );
        ring.forget_all();
        assert!(ring.held().is_empty());
    }
}
