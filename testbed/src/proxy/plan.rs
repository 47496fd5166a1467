//! The choice of a fault for each `POST`: by its number, or pseudo-randomly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::fault::Fault;

/// Maximum number of `POST`s that a plan names.
const NAMED_LIMIT: usize = 10_000;
/// Maximum delay of a response, in milliseconds.
const DELAY_LIMIT_MS: u64 = 600_000;
/// Maximum `Retry-After`, in seconds.
const RETRY_AFTER_LIMIT_S: u64 = 86_400;
/// Tolerance for the sum of the shares, because decimal fractions do not add up exactly.
const SHARE_SLACK: f64 = 1e-9;

/// Chooses a fault for each `POST`. `POST`s count from 1, in the order in which they arrived
/// completely. The same plan always gives the same number the same fault.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// The seed of the pseudo-random choice.
    pub seed: u64,
    /// The share of each fault, from 0 to 1; the sum is at most 1.
    pub faults: BTreeMap<Fault, f64>,
    /// The faults of single `POST`s by number, which take precedence over the shares.
    pub at: BTreeMap<u64, Fault>,
    /// The delay of [`Fault::Delay`], in milliseconds, up to ten minutes.
    pub delay_ms: u64,
    /// The `Retry-After` of [`Fault::Status429`] and [`Fault::Status503`], in seconds, up to a day.
    pub retry_after_s: u64,
}

/// A plan without any fault.
impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 0,
            faults: BTreeMap::new(),
            at: BTreeMap::new(),
            delay_ms: 1_000,
            retry_after_s: 1,
        }
    }
}

/// Why a plan is invalid.
#[derive(Debug, Error)]
pub enum PlanError {
    /// It is not JSON, or does not have the expected form.
    #[error("the plan is malformed: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A share is not a number from 0 to 1.
    #[error("the share of {fault} is {share}, which is not from 0 to 1")]
    BadShare {
        /// The fault.
        fault: Fault,
        /// Its share.
        share: f64,
    },
    /// The shares add up to more than 1.
    #[error("the shares add up to {0}, which is more than 1")]
    TooManyFaults(f64),
    /// It names a `POST` with number 0.
    #[error("there is no POST number 0: POSTs count from 1")]
    NoSuchPost,
    /// It names too many `POST`s.
    #[error("the plan names {0} POSTs, which is more than {NAMED_LIMIT}")]
    TooManyNamed(usize),
    /// A time is too long.
    #[error("`{name}` is {value}, which is more than {limit}")]
    TooLong {
        /// The name of the time.
        name: &'static str,
        /// Its value.
        value: u64,
        /// Its limit.
        limit: u64,
    },
}

impl PlanError {
    /// A stable code for the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed_plan",
            Self::BadShare { .. } => "bad_share",
            Self::TooManyFaults(_) => "too_many_faults",
            Self::NoSuchPost => "no_such_post",
            Self::TooManyNamed(_) => "too_many_named",
            Self::TooLong { .. } => "too_long",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "See testbed/README.md for the members of a plan.",
            Self::BadShare { .. } | Self::TooManyFaults(_) => {
                "Set the share of all POSTs for each fault; the remaining POSTs get none."
            }
            Self::NoSuchPost => "Use number 1 for the first POST.",
            Self::TooManyNamed(_) => "Name fewer POSTs, or use shares.",
            Self::TooLong { .. } => "Set a shorter time.",
        }
    }
}

impl Plan {
    /// Parses a plan. Missing members have their default.
    ///
    /// # Errors
    /// When the plan is malformed or invalid.
    pub fn from_json(json: &[u8]) -> Result<Self, PlanError> {
        serde_json::from_slice::<Self>(json)?.checked()
    }

    /// Returns the plan if it is valid.
    ///
    /// # Errors
    /// When a share, a number or a time is out of bounds.
    pub fn checked(self) -> Result<Self, PlanError> {
        for (fault, share) in &self.faults {
            if !(0.0..=1.0).contains(share) {
                return Err(PlanError::BadShare {
                    fault: *fault,
                    share: *share,
                });
            }
        }
        let sum: f64 = self.faults.values().sum();
        if sum > 1.0 + SHARE_SLACK {
            return Err(PlanError::TooManyFaults(sum));
        }
        if self.at.contains_key(&0) {
            return Err(PlanError::NoSuchPost);
        }
        if self.at.len() > NAMED_LIMIT {
            return Err(PlanError::TooManyNamed(self.at.len()));
        }
        for (name, value, limit) in [
            ("delay_ms", self.delay_ms, DELAY_LIMIT_MS),
            ("retry_after_s", self.retry_after_s, RETRY_AFTER_LIMIT_S),
        ] {
            if value > limit {
                return Err(PlanError::TooLong { name, value, limit });
            }
        }
        Ok(self)
    }

    /// The fault of the `POST` with this number, from 1.
    #[must_use]
    pub fn fault(&self, post: u64) -> Option<Fault> {
        if let Some(fault) = self.at.get(&post) {
            return Some(*fault);
        }
        let mut rest = random_fraction(self.seed, post);
        for (fault, share) in &self.faults {
            if rest < *share {
                return Some(*fault);
            }
            rest -= share;
        }
        None
    }
}

/// A number from 0 (inclusive) to 1 (exclusive): the output of SplitMix64 (Steele, Lea and Flood,
/// 2014) at `index` of the seed's sequence, so that it does not depend on other indices.
fn random_fraction(seed: u64, index: u64) -> f64 {
    let mut bits = seed.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    // A double holds 53 bits exactly.
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeded(seed: u64) -> Plan {
        Plan {
            seed,
            faults: BTreeMap::from([(Fault::DropAfter, 0.25), (Fault::Status429, 0.5)]),
            ..Plan::default()
        }
    }

    #[test]
    fn a_seed_determines_the_faults() {
        let faults = |seed| -> Vec<Option<Fault>> {
            (1..=200).map(|post| seeded(seed).fault(post)).collect()
        };
        assert_eq!(faults(7), faults(7));
        assert_ne!(faults(7), faults(8));
    }

    #[test]
    fn faults_occur_in_proportion_to_their_shares() {
        for seed in 0..20 {
            let plan = seeded(seed);
            let count = |fault: Option<Fault>| {
                (1..=4_000)
                    .filter(|post| plan.fault(*post) == fault)
                    .count()
            };
            for (fault, expected) in [
                (Some(Fault::DropAfter), 1_000_usize),
                (Some(Fault::Status429), 2_000),
                (None, 1_000),
            ] {
                let off = count(fault).abs_diff(expected);
                assert!(off < 160, "seed {seed}, {fault:?}: off by {off}");
            }
        }
    }

    #[test]
    fn a_fault_by_number_takes_precedence_over_the_shares() {
        let plan = Plan {
            at: BTreeMap::from([(3, Fault::Reset)]),
            ..seeded(1)
        };
        assert_eq!(plan.fault(3), Some(Fault::Reset));
        assert_eq!(plan.fault(4), seeded(1).fault(4));
        assert_eq!(Plan::default().fault(3), None);
    }

    #[test]
    fn shares_of_0_and_1_mean_never_and_always() {
        let plan = Plan {
            faults: BTreeMap::from([(Fault::Delay, 0.0), (Fault::Truncate, 1.0)]),
            ..Plan::default()
        };
        assert!((1..=1_000).all(|post| plan.fault(post) == Some(Fault::Truncate)));
    }

    #[test]
    fn a_plan_round_trips_through_json() {
        let json = br#"{"seed": 7, "faults": {"drop_after": 0.1}, "at": {"3": "status_503"}}"#;
        let plan = Plan::from_json(json).unwrap();
        assert_eq!((plan.delay_ms, plan.retry_after_s), (1_000, 1));
        assert_eq!(plan.fault(3), Some(Fault::Status503));
        let again = serde_json::to_vec(&plan).unwrap();
        assert_eq!(Plan::from_json(&again).unwrap(), plan);
    }

    #[test]
    fn an_invalid_plan_is_refused_with_a_code_and_a_hint() {
        for (json, code) in [
            ("", "malformed_plan"),
            (r#"{"seeds": 1}"#, "malformed_plan"),
            (r#"{"seed": -1}"#, "malformed_plan"),
            (r#"{"faults": {"drop": 0.1}}"#, "malformed_plan"),
            (r#"{"at": {"x": "reset"}}"#, "malformed_plan"),
            (r#"{"faults": {"reset": 1.1}}"#, "bad_share"),
            (r#"{"faults": {"reset": -0.1}}"#, "bad_share"),
            (
                r#"{"faults": {"reset": 0.6, "delay": 0.6}}"#,
                "too_many_faults",
            ),
            (r#"{"at": {"0": "reset"}}"#, "no_such_post"),
            (r#"{"delay_ms": 600001}"#, "too_long"),
            (r#"{"retry_after_s": 86401}"#, "too_long"),
        ] {
            let error = Plan::from_json(json.as_bytes()).unwrap_err();
            assert_eq!(error.code(), code, "{json}");
            assert!(error.hint().len() > 10);
        }
        let many = Plan {
            at: (1..=10_001).map(|post| (post, Fault::Reset)).collect(),
            ..Plan::default()
        };
        assert_eq!(many.checked().unwrap_err().code(), "too_many_named");
    }
}
