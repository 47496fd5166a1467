//! Which `POST` meets which fault: by a seed, or by its place in the order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::fault::Fault;

/// The most `POST`s that a plan names.
const NAMED_LIMIT: usize = 10_000;
/// The longest time an answer is held, in milliseconds.
const DELAY_LIMIT_MS: u64 = 600_000;
/// The longest `Retry-After`, in seconds.
const RETRY_AFTER_LIMIT_S: u64 = 86_400;
/// How far above 1 the sum of the shares may be: decimal fractions do not add up exactly.
const SHARE_SLACK: f64 = 1e-9;

/// Which `POST` meets which fault. `POST`s count from 1, in the order in which they had arrived
/// whole; the same plan gives the same `POST` the same fault, always.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// What the shares are drawn by.
    pub seed: u64,
    /// How often each fault comes, from 0 to 1; together at most 1.
    pub faults: BTreeMap<Fault, f64>,
    /// The faults of single `POST`s, by their number. For these nothing is drawn.
    pub at: BTreeMap<u64, Fault>,
    /// How long [`Fault::Delay`] holds an answer, in milliseconds, up to ten minutes.
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

/// Why a plan cannot be followed.
#[derive(Debug, Error)]
pub enum PlanError {
    /// It is no JSON, or JSON of another shape.
    #[error("the plan is not right: {0}")]
    Malformed(#[from] serde_json::Error),
    /// A share is not a number from 0 to 1.
    #[error("the share of {fault} is {share}, and not from 0 to 1")]
    BadShare {
        /// The fault.
        fault: Fault,
        /// Its share.
        share: f64,
    },
    /// The shares add up to more than 1.
    #[error("the shares add up to {0}, and not to 1 at most")]
    TooManyFaults(f64),
    /// A `POST` is called number 0.
    #[error("there is no POST number 0: they count from 1")]
    NoSuchPost,
    /// It names more `POST`s than it may.
    #[error("the plan names {0} POSTs, and not {NAMED_LIMIT} at most")]
    TooManyNamed(usize),
    /// A time is longer than it may be.
    #[error("`{name}` is {value}, and not {limit} at most")]
    TooLong {
        /// Which time.
        name: &'static str,
        /// What it was given.
        value: u64,
        /// The most it may be.
        limit: u64,
    },
}

impl PlanError {
    /// A stable name of the error.
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

    /// What to do about it, in a sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "Compare it with testbed/README.md, which describes a plan.",
            Self::BadShare { .. } | Self::TooManyFaults(_) => {
                "Give each fault a share of all POSTs; what is left over meets no fault."
            }
            Self::NoSuchPost => "Call the first POST number 1.",
            Self::TooManyNamed(_) => "Name fewer, or let a seed choose them by shares.",
            Self::TooLong { .. } => "Give a shorter time.",
        }
    }
}

impl Plan {
    /// Reads a plan from JSON. What it leaves out is as in the plan without any fault.
    ///
    /// # Errors
    /// When it is not a plan, or one that cannot be followed.
    pub fn from_json(json: &[u8]) -> Result<Self, PlanError> {
        serde_json::from_slice::<Self>(json)?.checked()
    }

    /// The plan, if it can be followed.
    ///
    /// # Errors
    /// When a share, a number or a time is out of its bounds.
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

    /// The fault that befalls the `POST` of this number, from 1.
    #[must_use]
    pub fn fault(&self, post: u64) -> Option<Fault> {
        if let Some(fault) = self.at.get(&post) {
            return Some(*fault);
        }
        let mut left = drawn(self.seed, post);
        for (fault, share) in &self.faults {
            if left < *share {
                return Some(*fault);
            }
            left -= share;
        }
        None
    }
}

/// A number from 0 to below 1 for a seed and a place: the output function of SplitMix64 (Steele,
/// Lea and Flood, 2014) at that place of the seed's sequence, so that no draw depends on another.
fn drawn(seed: u64, place: u64) -> f64 {
    let mut bits = seed.wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    // The upper 53 bits are as many as a double holds exactly.
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
    fn a_seed_says_which_posts_meet_a_fault_and_another_one_says_otherwise() {
        let faults = |seed| -> Vec<Option<Fault>> {
            (1..=200).map(|post| seeded(seed).fault(post)).collect()
        };
        assert_eq!(faults(7), faults(7));
        assert_ne!(faults(7), faults(8));
    }

    #[test]
    fn faults_come_about_as_often_as_their_shares_say() {
        for seed in 0..20 {
            let plan = seeded(seed);
            let count = |wanted| {
                (1..=4_000)
                    .filter(|post| plan.fault(*post) == wanted)
                    .count()
            };
            for (wanted, expected) in [
                (Some(Fault::DropAfter), 1_000_usize),
                (Some(Fault::Status429), 2_000),
                (None, 1_000),
            ] {
                let off = count(wanted).abs_diff(expected);
                assert!(off < 160, "seed {seed}, {wanted:?}: off by {off}");
            }
        }
    }

    #[test]
    fn a_named_post_meets_its_fault_whatever_the_seed_says() {
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
    fn a_plan_reads_back_from_its_own_json() {
        let json = br#"{"seed": 7, "faults": {"drop_after": 0.1}, "at": {"3": "status_503"}}"#;
        let plan = Plan::from_json(json).unwrap();
        assert_eq!((plan.delay_ms, plan.retry_after_s), (1_000, 1));
        assert_eq!(plan.fault(3), Some(Fault::Status503));
        let again = serde_json::to_vec(&plan).unwrap();
        assert_eq!(Plan::from_json(&again).unwrap(), plan);
    }

    #[test]
    fn a_plan_that_cannot_be_followed_is_refused_with_the_reason() {
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
