//! The token limit and the cost limit of a run.

use super::{Mode, Run};
use crate::model::{Failure, GenerationOutcome, Usage};
use crate::settings::Amount;
use crate::text::grouped;

impl Run {
    /// Whether a request that is expected to use this much stays within the limits of the run. A dry
    /// run has none.
    ///
    /// # Errors
    /// The generation outcome if a limit might be exceeded.
    pub(super) fn check_limits(&self, expected: Usage) -> Result<(), GenerationOutcome> {
        let Some(model) = &self.connection.model else {
            return Ok(());
        };
        if self.mode == Mode::Dry {
            return Ok(());
        }
        let used = self.usage().unwrap_or_default();
        let after = used.plus(expected);
        if let Some(limit) = model.limits.token_limit
            && after.tokens() > limit.get()
        {
            return Err(limit_reached(token_limit_message(
                limit.get(),
                used.tokens(),
                expected.tokens(),
            )));
        }
        if let (Some(prices), Some(limit)) = (&model.prices, model.limits.cost_limit)
            && after.cost(prices) > limit
        {
            return Err(limit_reached(cost_limit_message(
                limit,
                used.cost(prices),
                expected.cost(prices),
            )));
        }
        Ok(())
    }
}

fn limit_reached(message: String) -> GenerationOutcome {
    GenerationOutcome::Failed(Box::new(Failure::limit_reached(message)))
}

fn token_limit_message(limit: u64, used: u64, expected: u64) -> String {
    let tokens = |count: u64| grouped(usize::try_from(count).unwrap_or(usize::MAX));
    format!(
        "The token limit of this run is {}. It has used {}, and the next request is expected to use about {}.",
        tokens(limit),
        tokens(used),
        tokens(expected),
    )
}

fn cost_limit_message(limit: Amount, used: Amount, expected: Amount) -> String {
    format!(
        "The cost limit of this run is {limit}. It has cost {used}, and the next request is expected to cost about {expected}.",
    )
}
