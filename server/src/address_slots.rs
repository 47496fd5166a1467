//! A bound on the open connections of each client, so that one client cannot take them all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::client_address::{ClientAddress, TrustedProxies};

/// Counts the open connections of each client. A client without a connection takes no memory.
#[derive(Debug)]
pub struct AddressSlots {
    max: usize,
    /// These have as many connections as they like: they bring the requests of many clients.
    proxies: TrustedProxies,
    open: Mutex<HashMap<ClientAddress, usize>>,
}

/// A connection of a client; ends when it is dropped.
#[derive(Debug)]
pub struct AddressSlot {
    slots: Arc<AddressSlots>,
    /// `None` for a proxy.
    client: Option<ClientAddress>,
}

impl AddressSlots {
    /// Allows each client `max` connections.
    #[must_use]
    pub fn new(max: usize, proxies: TrustedProxies) -> Arc<Self> {
        Arc::new(Self {
            max,
            proxies,
            open: Mutex::default(),
        })
    }

    /// A slot for one more connection from `peer`; `None` if it has as many as it may have.
    #[must_use]
    pub fn take(self: &Arc<Self>, peer: IpAddr) -> Option<AddressSlot> {
        let slots = Arc::clone(self);
        if self.proxies.include(peer) {
            return Some(AddressSlot {
                slots,
                client: None,
            });
        }
        let client = ClientAddress::of(peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(client).or_default();
        if *count >= self.max {
            return None;
        }
        *count = count.saturating_add(1);
        Some(AddressSlot {
            slots,
            client: Some(client),
        })
    }
}

impl Drop for AddressSlot {
    fn drop(&mut self) {
        let Some(client) = self.client else { return };
        let mut open = self
            .slots
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn each_client_has_its_own_slots_and_gets_them_back() {
        let slots = AddressSlots::new(2, TrustedProxies::default());
        let first = slots.take(address(1)).unwrap();
        let second = slots.take(address(1)).unwrap();
        assert!(slots.take(address(1)).is_none());
        assert!(slots.take(address(2)).is_some());
        drop(first);
        assert!(slots.take(address(1)).is_some());
        drop(second);
        assert!(slots.open.lock().unwrap().is_empty());
    }

    #[test]
    fn a_trusted_proxy_has_as_many_connections_as_it_likes() {
        let slots = AddressSlots::new(1, TrustedProxies::new(&[address(1)]));
        let connections: Vec<_> = (0..10).map(|_| slots.take(address(1))).collect();
        assert!(connections.iter().all(Option::is_some));
    }
}
