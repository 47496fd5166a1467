//! Who sent a request: its client, and the token that it presented.

use std::sync::{Arc, OnceLock};

use crate::client_address::ClientAddress;

/// The sender of a request. Clones of it are the same sender, so that the log learns which token a
/// handler accepted.
#[derive(Debug, Clone)]
pub struct Caller {
    address: ClientAddress,
    token: Arc<OnceLock<usize>>,
}

impl Caller {
    /// A sender that has presented no accepted token yet.
    #[must_use]
    pub fn at(address: ClientAddress) -> Self {
        Self {
            address,
            token: Arc::default(),
        }
    }

    /// The client of the request.
    #[must_use]
    pub fn address(&self) -> ClientAddress {
        self.address
    }

    /// Notes the number of the token that was accepted.
    pub fn accepted(&self, token: usize) {
        // A request presents one token; a second call would name the same one.
        let _ = self.token.set(token);
    }

    /// The number of the accepted token, from 1; 0 if there is none.
    #[must_use]
    pub fn token(&self) -> usize {
        self.token.get().copied().unwrap_or_default()
    }
}
