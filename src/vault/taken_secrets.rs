//! Which of the secrets that were read are taken.

use super::vault_session::VaultSecrets;
use super::wanted_secret::WantedSecret;
use crate::secrets::{Keyring, Secret, SecretSlot};

/// The secrets to hold from now on.
#[derive(Debug)]
pub struct TakenSecrets {
    /// The secrets, each in its slot.
    pub secrets: Vec<(SecretSlot, Secret)>,
    /// Whether a request may succeed with them: the needed one is among them, and something differs from
    /// what the endpoint rejected.
    pub is_enough: bool,
}

impl VaultSecrets {
    /// Takes the needed secret and those that are not held. What the operator entered stays, unless the
    /// endpoint rejected it: a rejection may be about any secret of the request, so all that differ are
    /// then replaced.
    #[must_use]
    pub fn take(
        self,
        needed: &SecretSlot,
        rejected: Option<&Secret>,
        wanted: &[WantedSecret],
        held: &Keyring,
    ) -> TakenSecrets {
        let is_for_model = |slot: &SecretSlot| *slot == SecretSlot::API_KEY;
        let mut secrets = Vec::new();
        let (mut has_needed, mut has_new) = (false, false);
        for (slot, secret) in self.secrets {
            let Some(of_slot) = wanted.iter().find(|wanted| wanted.slot == slot) else {
                continue;
            };
            let is_needed = slot == *needed;
            let before = match is_needed {
                true => rejected,
                false => held.get(&slot, &of_slot.address),
            };
            let is_of_request = is_for_model(&slot) == is_for_model(needed);
            let may_replace = is_needed || (is_of_request && rejected.is_some());
            if before.is_some() && !may_replace {
                continue;
            }
            let is_new = before.is_none_or(|before| !before.is_same_as(&secret));
            has_needed |= is_needed;
            has_new |= is_of_request && is_new;
            secrets.push((slot, secret));
        }
        let is_enough = has_needed && has_new;
        if !is_enough {
            secrets.retain(|(slot, _)| slot != needed);
        }
        TakenSecrets { secrets, is_enough }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Address;

    const TOKEN: SecretSlot = SecretSlot::AGENT_TOKEN;
    const KEY: SecretSlot = SecretSlot::API_KEY;

    fn address() -> Address {
        Address::parse("https://both.example").unwrap()
    }

    fn secret(value: &str) -> Secret {
        Secret::new(value, &address()).unwrap()
    }

    /// Reads `token`, `key` and `header` while the earlier ones are held, and returns what is held then.
    fn taken(
        read: [&str; 3],
        held: [Option<&str>; 3],
        needed: &SecretSlot,
        rejected: Option<&str>,
    ) -> (Vec<String>, bool) {
        let slots = || [TOKEN, KEY, SecretSlot::header("X-A")];
        let wanted = slots().map(|slot| WantedSecret {
            slot,
            address: address(),
            field: String::new(),
        });
        let mut keyring = Keyring::default();
        let before = slots().into_iter().zip(held);
        let before = before.filter_map(|(slot, value)| Some((slot, secret(value?))));
        keyring.add(before.collect());
        let read = VaultSecrets {
            secrets: slots().into_iter().zip(read.map(secret)).collect(),
            missing: Vec::new(),
        };
        let rejected = rejected.map(secret);
        let taken = read.take(needed, rejected.as_ref(), &wanted, &keyring);
        let shown = taken.secrets.iter().map(|(slot, secret)| {
            let value = secret.reveal_to(&address()).unwrap();
            format!("{}={value}", slot.name())
        });
        (shown.collect(), taken.is_enough)
    }

    fn shown(of: &[&str]) -> Vec<String> {
        of.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_is_held_stays_until_it_is_rejected() {
        let held = [None, Some("k0"), Some("h0")];
        let read = ["t1", "k1", "h1"];
        let first = taken(read, held, &TOKEN, None);
        assert_eq!(first, (shown(&["agent_token=t1"]), true));
        // A rejection is about a request, and not about those to the other endpoint.
        let again = taken(read, held, &TOKEN, Some("t0"));
        let expected = shown(&["agent_token=t1", "header:X-A=h1"]);
        assert_eq!(again, (expected, true));
        let of_model = taken(read, [Some("t0"), None, None], &KEY, Some("k0"));
        let expected = shown(&["api_key=k1", "header:X-A=h1"]);
        assert_eq!(of_model, (expected, true));
    }

    #[test]
    fn the_rejected_request_is_repeated_only_if_something_in_it_is_new() {
        let held = [None, Some("k0"), Some("h1")];
        let same = taken(["t1", "k1", "h1"], held, &TOKEN, Some("t1"));
        assert_eq!(same, (shown(&["header:X-A=h1"]), false));
        let other_header = taken(["t1", "k1", "h2"], held, &TOKEN, Some("t1"));
        let expected = shown(&["agent_token=t1", "header:X-A=h2"]);
        assert_eq!(other_header, (expected, true));
    }
}
