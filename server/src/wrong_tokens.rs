//! Slows down clients that keep sending wrong agent tokens.
//!
//! Only the response to a wrong token is delayed, never that to a right one. So this does not stop a
//! patient attacker with many connections; a long random token does.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::client_address::ClientAddress;

/// A client is forgotten once it has sent no wrong token for this long.
const MEMORY: Duration = Duration::from_secs(60);
/// Wrong tokens without a delay. After a rotation, a page may have 16 requests in flight with the old
/// token.
const WITHOUT_DELAY: u32 = 20;
/// The first delay; each further one is twice as long.
const FIRST_DELAY: Duration = Duration::from_millis(250);
const MAX_DELAY: Duration = Duration::from_secs(4);
/// Maximum clients remembered; beyond it, the one that has been quiet longest is forgotten.
const MAX_CLIENTS: usize = 4096;
/// Maximum responses delayed at a time: each keeps a connection open.
const MAX_DELAYED: usize = 64;

/// The clients that recently sent wrong tokens.
#[derive(Debug)]
pub struct WrongTokens {
    clients: Mutex<HashMap<ClientAddress, Count>>,
    delayed: Semaphore,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    wrong: u32,
    latest: Instant,
}

/// How to respond to a wrong token.
#[derive(Debug)]
pub enum Delay<'a> {
    /// Immediately.
    None,
    /// After this time, during which the permit is held.
    Wait(Duration, SemaphorePermit<'a>),
    /// Immediately with a refusal, because too many responses are delayed already. The client may try
    /// again after this time.
    Refuse(Duration),
}

impl Default for WrongTokens {
    fn default() -> Self {
        Self {
            clients: Mutex::default(),
            delayed: Semaphore::new(MAX_DELAYED),
        }
    }
}

impl WrongTokens {
    /// Notes a wrong token of a client.
    pub fn note(&self, client: ClientAddress, now: Instant) -> Delay<'_> {
        let time = delay(self.count(client, now));
        if time.is_zero() {
            return Delay::None;
        }
        match self.delayed.try_acquire() {
            Ok(permit) => Delay::Wait(time, permit),
            Err(_) => Delay::Refuse(time),
        }
    }

    /// How many wrong tokens the client has sent without a pause, this one included.
    fn count(&self, client: ClientAddress, now: Instant) -> u32 {
        let is_recent = |count: &Count| now.saturating_duration_since(count.latest) < MEMORY;
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MAX_CLIENTS && !clients.contains_key(&client) {
            clients.retain(|_, count| is_recent(count));
            let quietest = clients
                .iter()
                .min_by_key(|(_, count)| count.latest)
                .map(|(client, _)| *client);
            if clients.len() >= MAX_CLIENTS
                && let Some(quietest) = quietest
            {
                clients.remove(&quietest);
            }
        }
        let before = clients
            .get(&client)
            .filter(|count| is_recent(count))
            .map_or(0, |count| count.wrong);
        let wrong = before.saturating_add(1);
        clients.insert(client, Count { wrong, latest: now });
        wrong
    }
}

/// The delay of the response to the `wrong`-th wrong token.
fn delay(wrong: u32) -> Duration {
    match wrong.checked_sub(WITHOUT_DELAY.saturating_add(1)) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_DELAY
            .saturating_mul(2_u32.saturating_pow(doublings))
            .min(MAX_DELAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u32) -> ClientAddress {
        ClientAddress::of(std::net::Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn the_delay_grows_to_a_maximum_after_the_first_wrong_tokens() {
        let delays: Vec<u128> = (19..=26).map(|wrong| delay(wrong).as_millis()).collect();
        assert_eq!(delays, [0, 0, 250, 500, 1_000, 2_000, 4_000, 4_000]);
        assert_eq!(delay(u32::MAX), MAX_DELAY);
    }

    #[test]
    fn a_client_is_forgotten_after_a_minute_without_a_wrong_token() {
        let (wrong, start) = (WrongTokens::default(), Instant::now());
        for _ in 0..WITHOUT_DELAY {
            assert!(matches!(wrong.note(client(1), start), Delay::None));
        }
        assert!(matches!(wrong.note(client(1), start), Delay::Wait(..)));
        assert!(matches!(wrong.note(client(2), start), Delay::None));
        assert!(matches!(wrong.note(client(1), start + MEMORY), Delay::None));
    }

    #[test]
    fn at_most_so_many_responses_are_delayed_at_a_time() {
        let (wrong, now) = (WrongTokens::default(), Instant::now());
        for _ in 0..WITHOUT_DELAY {
            wrong.note(client(1), now);
        }
        let delayed: Vec<_> = (0..MAX_DELAYED)
            .map(|_| wrong.note(client(1), now))
            .collect();
        assert!(delayed.iter().all(|delay| matches!(delay, Delay::Wait(..))));
        assert!(matches!(wrong.note(client(1), now), Delay::Refuse(_)));
        drop(delayed);
        assert!(matches!(wrong.note(client(1), now), Delay::Wait(..)));
    }

    #[test]
    fn the_memory_is_bounded_and_the_most_recent_clients_are_kept() {
        let (wrong, start) = (WrongTokens::default(), Instant::now());
        let later = |number: u32| start + Duration::from_micros(u64::from(number));
        let clients = u32::try_from(MAX_CLIENTS).unwrap() + 100;
        for number in 0..clients {
            wrong.count(client(number), later(number));
        }
        assert_eq!(wrong.clients.lock().unwrap().len(), MAX_CLIENTS);
        assert_eq!(wrong.count(client(clients - 1), later(clients)), 2);
        assert_eq!(wrong.count(client(0), later(clients)), 1);
    }
}
