//! How long a Vault token lives, and what it may do.

/// What is known about a Vault token. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenLife {
    /// The names of its policies.
    pub policies: Vec<String>,
    /// Whether it can be renewed.
    pub is_renewable: bool,
    /// When it ends; `None` if it does not.
    pub ends_at: Option<u64>,
    /// For how long it was issued or renewed, in milliseconds.
    pub granted: u64,
    /// Whether the page obtained it by a sign-in. Only such a token may be revoked by the page: one that
    /// was pasted may be in use elsewhere.
    pub is_own: bool,
}

impl TokenLife {
    /// Whether to renew it now, if it is in use: in the last third of its life.
    #[must_use]
    pub fn is_due(&self, now: u64) -> bool {
        self.is_renewable
            && self
                .ends_at
                .is_some_and(|end| now < end && end - now <= self.granted / 3)
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self, now: u64) -> bool {
        self.ends_at.is_some_and(|end| now >= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life() -> TokenLife {
        TokenLife {
            policies: Vec::new(),
            is_renewable: true,
            ends_at: Some(90_000),
            granted: 60_000,
            is_own: true,
        }
    }

    #[test]
    fn a_token_is_renewed_in_the_last_third_of_its_life() {
        for (now, is_due, is_over) in [
            (30_000, false, false),
            (69_999, false, false),
            (70_000, true, false),
            (89_999, true, false),
            (90_000, false, true),
        ] {
            assert_eq!(life().is_due(now), is_due, "{now}");
            assert_eq!(life().is_over(now), is_over, "{now}");
        }
    }

    #[test]
    fn a_token_that_cannot_be_renewed_or_has_no_end_is_left_alone() {
        let fixed = TokenLife {
            is_renewable: false,
            ..life()
        };
        assert!(!fixed.is_due(80_000));
        let root = TokenLife {
            ends_at: None,
            ..life()
        };
        assert!(!root.is_due(80_000) && !root.is_over(u64::MAX));
    }
}
