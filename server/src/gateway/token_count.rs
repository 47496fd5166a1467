//! Counts the model's tokens of one request against the limit of its agent token.

use std::sync::Arc;
use std::time::Instant;

use crate::problem::Problem;
use crate::tokens::AcceptedToken;

use super::usage_scan::UsageScan;

/// Bytes of a request that count as one token before the endpoint has reported its usage.
const BYTES_PER_TOKEN: usize = 4;

/// The tokens of one request: first estimated from its size, then replaced by what its response
/// reports, or by an estimate of what has passed.
#[derive(Debug)]
pub struct TokenCount {
    token: Arc<AcceptedToken>,
    counted: u32,
}

impl TokenCount {
    /// Counts a request with a body of so many bytes.
    ///
    /// # Errors
    /// [`Problem::ModelRateLimited`] if the limit per minute does not allow it.
    pub fn of_request(
        token: Arc<AcceptedToken>,
        body_bytes: usize,
        per_minute: Option<u32>,
    ) -> Result<Self, Problem> {
        let counted = u32::try_from(body_bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u32::MAX);
        if let Some(per_minute) = per_minute {
            token
                .model_tokens()
                .take(counted, per_minute, Instant::now())
                .map_err(|wait| Problem::ModelRateLimited {
                    unit: "tokens",
                    retry_after: wait.as_secs().saturating_add(1),
                })?;
        }
        Ok(Self { token, counted })
    }

    /// Nothing was used: the endpoint did not get the request, or refused it.
    pub fn nothing(self) {
        self.replace(0);
    }

    /// Counts what a response has shown, be it complete or not. Returns the tokens.
    pub fn of_response(self, scan: &UsageScan) -> u64 {
        let estimated = || scan.estimated_output().saturating_add(self.counted.into());
        let actual = scan.reported().unwrap_or_else(estimated);
        self.replace(u32::try_from(actual).unwrap_or(u32::MAX));
        actual
    }

    fn replace(&self, actual: u32) {
        self.token.model_tokens().correct(self.counted, actual);
    }
}
