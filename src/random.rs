//! A seeded pseudo-random number generator whose output is the same on every platform.

use sha2::{Digest, Sha256};

/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014): 64
/// bits of state, full period, platform-independent. For samples and retry delays, never for
/// secrets or identifiers that must be unpredictable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeededRng {
    state: u64,
}

impl SeededRng {
    /// Creates a generator from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        SeededRng { state: seed }
    }

    /// Creates a generator from texts and a seed: hashes the length and bytes of each text and then
    /// the seed with SHA-256. Different texts, another order or another seed start another
    /// sequence.
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

    /// Returns a number below `bound`, or 0 if `bound` is 0. Not corrected for bias, which is at
    /// most `bound` / 2^64.
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next_u64()) * u128::from(bound);
        (product >> 64) as u64
    }

    /// Returns a number from `first` to `last`, both inclusive; `first` if `last` is smaller.
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

    /// Returns true with probability `times` / `of`.
    pub fn chance(&mut self, times: u64, of: u64) -> bool {
        self.below(of) < times
    }

    /// Returns one of the items; `None` if there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(items.len() as u64)).ok()?;
        items.get(index)
    }
}
