//! A seeded RNG (SplitMix64).

use std::time::SystemTime;

/// The environment variable with the seed, to repeat a run.
const VARIABLE: &str = "TASKWRIGHT_TEST_SEED";

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed from the environment, otherwise from the clock. Prints it, so that the test runner shows
    /// it if the test fails.
    pub fn seed() -> u64 {
        let given = std::env::var(VARIABLE).ok();
        let seed = given.map_or_else(
            || {
                let since = SystemTime::UNIX_EPOCH.elapsed().unwrap();
                since.as_nanos() as u64
            },
            |text| text.parse().expect(VARIABLE),
        );
        println!("to repeat this run: {VARIABLE}={seed}");
        seed
    }

    /// A number from 0 up to, but not including, `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
