//! How an answer ended, in the words of a banner.

use crate::model::{Failure, FailureKind, GenerationOutcome};
use crate::text::{counted, grouped};

/// The heading of a banner: what happened. `count` tasks were whole; `wanted` were asked for.
#[must_use]
pub fn title(outcome: &GenerationOutcome, count: usize, wanted: Option<usize>) -> String {
    let after = match (count, wanted) {
        (count, Some(wanted)) => {
            format!("after {} of {}", grouped(count), counted(wanted, "task"))
        }
        (count, None) => format!("after {}", counted(count, "task")),
    };
    match outcome {
        GenerationOutcome::Complete => format!("Complete: {}", counted(count, "task")),
        GenerationOutcome::CutOff { .. } => format!("Cut off {after}"),
        GenerationOutcome::Refused { .. } => "The model refused".to_owned(),
        GenerationOutcome::Filtered => {
            "The endpoint's content filter stopped the answer".to_owned()
        }
        GenerationOutcome::Interrupted { .. } => format!("The answer broke off {after}"),
        GenerationOutcome::Stalled => format!("Nothing arrived any more {after}"),
        GenerationOutcome::Failed(failure) => failure_title(failure),
        GenerationOutcome::Cancelled => format!("You stopped it {after}"),
    }
}

/// What the tasks that could be kept are tasks of.
#[must_use]
pub fn keep_words(outcome: &GenerationOutcome) -> &'static str {
    match outcome {
        GenerationOutcome::Complete => "the answer",
        GenerationOutcome::CutOff { .. } => "a cut-off answer",
        GenerationOutcome::Refused { .. } => "a refused answer",
        GenerationOutcome::Filtered => "a filtered answer",
        GenerationOutcome::Interrupted { .. } => "an interrupted answer",
        GenerationOutcome::Stalled => "a stalled answer",
        GenerationOutcome::Failed(_) => "a failed answer",
        GenerationOutcome::Cancelled => "a stopped answer",
    }
}

/// An outcome in a word or two, for lists.
#[must_use]
pub fn short(outcome: &GenerationOutcome) -> &'static str {
    match outcome {
        GenerationOutcome::Complete => "Complete",
        GenerationOutcome::CutOff { .. } => "Cut off",
        GenerationOutcome::Refused { .. } => "Refused",
        GenerationOutcome::Filtered => "Filtered",
        GenerationOutcome::Interrupted { .. } => "Interrupted",
        GenerationOutcome::Stalled => "Stalled",
        GenerationOutcome::Failed(_) => "Failed",
        GenerationOutcome::Cancelled => "Stopped",
    }
}

fn failure_title(failure: &Failure) -> String {
    use FailureKind as K;
    let said = match failure.kind {
        K::BudgetReached => "The budget of this run is reached",
        K::NotSent => "The request could not be made",
        K::TookTooLong => "The answer took too long",
        K::Unreachable => "The model endpoint did not answer",
        K::KeyRefused => "The model endpoint refused the key",
        K::Forbidden => "The model endpoint does not allow this",
        K::ModelNotFound => "The model endpoint does not have this model",
        K::AddressNotFound => "There is no model endpoint at this address",
        K::Redirected => "The model endpoint points to another address",
        K::WebPage => "A web page answered in place of a model",
        K::QuotaUsedUp => "The account of the model endpoint is used up",
        K::RateLimited => "The model endpoint is asked too often",
        K::TimedOut => "The model endpoint took too long",
        K::ServerError => "The model endpoint is in trouble",
        K::ParameterRefused => "The model endpoint does not take a parameter",
        K::ContextTooLong => "The brief is too long for the model",
        K::RequestTooLarge => "The request is too large for the model endpoint",
        K::PromptFiltered => "The endpoint's content filter stopped the brief",
        K::RequestRefused => "The model endpoint refused the request",
        K::UnexpectedStatus => "The model endpoint answered with an unexpected status",
        K::EndpointError => "The model endpoint reported an error",
        K::ToolCall => "The model asked for a tool in place of an answer",
        K::EmptyResponse => "The model said nothing",
        K::NoJson => "The model answered without JSON",
        K::TooManyTasks => "The model sent too many tasks",
        _ => "The answer cannot be used",
    };
    let mut text = said.to_owned();
    if let Some(status) = failure.status {
        text.push_str(&format!(": {status}"));
        if let Some(code) = &failure.endpoint_code {
            text.push_str(&format!(" {code}"));
        }
    }
    text
}
