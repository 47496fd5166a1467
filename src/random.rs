//! The generator's source of chance: small, named, and the same on every platform.

use sha2::{Digest, Sha256};

/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014): a
/// 64-bit state, a full period, no dependence on the platform. For samples and for waits, never for
/// secrets or identifiers that must not be guessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeededRng {
    state: u64,
}

impl SeededRng {
    /// A generator that starts from a number.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        SeededRng { state: seed }
    }

    /// A generator that starts from texts and a number, by SHA-256 over each text's length and
    /// bytes and then the number: the same texts in the same order and the same number, and only
    /// those, start the same sequence.
    #[must_use]
    pub fn from_texts(texts: &[&str], seed: u64) -> Self {
        let mut hash = Sha256::new();
        for text in texts {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        hash.update(seed.to_le_bytes());
        let state = hash
            .finalize()
            .iter()
            .take(8)
            .fold(0u64, |state, byte| (state << 8) | u64::from(*byte));
        SeededRng { state }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below the bound; 0 where the bound is 0. Not corrected for bias, which is at most
    /// the bound divided by 2^64.
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next_u64()) * u128::from(bound);
        (product >> 64) as u64
    }

    /// A number from the first to the last, both included; the first where the last is smaller.
    pub fn between(&mut self, first: i128, last: i128) -> i128 {
        let Ok(span) = u128::try_from(last.saturating_sub(first)) else {
            return first;
        };
        let bits = (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64());
        let offset = match span.checked_add(1) {
            Some(size) => bits % size,
            None => bits,
        };
        first.saturating_add(i128::try_from(offset).unwrap_or(0))
    }

    /// True in so many of so many cases.
    pub fn chance(&mut self, times: u64, of: u64) -> bool {
        self.below(of) < times
    }

    /// One of the items; `None` where there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(items.len() as u64)).ok()?;
        items.get(index)
    }
}
