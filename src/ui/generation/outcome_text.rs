//! Texts for the outcome of a generation.

use crate::model::{Failure, FailureKind, GenerationOutcome, Stall};
use crate::text::{counted, grouped};

/// The heading of a banner: what happened. `count` tasks arrived; `wanted` were requested.
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
            "The endpoint's content filter blocked the response".to_owned()
        }
        GenerationOutcome::Interrupted { .. } => format!("The response was interrupted {after}"),
        GenerationOutcome::Stalled(Stall::FirstToken) => {
            "The model wrote nothing in time".to_owned()
        }
        GenerationOutcome::Stalled(Stall::Idle) => format!("The stream stalled {after}"),
        GenerationOutcome::Failed(failure) => failure_title(failure),
        GenerationOutcome::Cancelled => format!("Cancelled {after}"),
    }
}

/// An outcome in one or two words, for lists.
#[must_use]
pub fn short(outcome: &GenerationOutcome) -> &'static str {
    match outcome {
        GenerationOutcome::Complete => "Complete",
        GenerationOutcome::CutOff { .. } => "Cut off",
        GenerationOutcome::Refused { .. } => "Model refusal",
        GenerationOutcome::Filtered => "Filtered",
        GenerationOutcome::Interrupted { .. } => "Interrupted",
        GenerationOutcome::Stalled(_) => "Stalled",
        GenerationOutcome::Failed(_) => "Generation failed",
        GenerationOutcome::Cancelled => "Cancelled",
    }
}

fn failure_title(failure: &Failure) -> String {
    use FailureKind as K;
    let summary = match failure.kind {
        K::NotConfigured => "No model endpoint is configured",
        K::DryRun => "The dry run cannot generate tasks for this schema",
        K::LimitReached => "The cost or token limit of this run is reached",
        K::NotSent => "The request could not be sent",
        K::TookTooLong => "The request timeout was reached",
        K::Unreachable => "The model endpoint did not respond",
        K::NotConnected => "The model endpoint cannot be reached",
        K::KeyRefused => "The model endpoint rejected the API key",
        K::Forbidden => "The model endpoint does not allow this request",
        K::ModelNotFound => "The model endpoint does not have this model",
        K::AddressNotFound => "There is no model endpoint at this base URL",
        K::Redirected => "The model endpoint redirects to another address",
        K::WebPage => "The base URL returned a web page",
        K::QuotaUsedUp => "Account quota exhausted",
        K::RateLimited => "Rate limited by the model endpoint",
        K::TimedOut => "The model endpoint timed out",
        K::ServerError => "Server error at the model endpoint",
        K::ParameterRefused => "The model endpoint rejected a parameter",
        K::ContextTooLong => "The brief is too long for the model",
        K::RequestTooLarge => "The request is too large for the model endpoint",
        K::PromptFiltered => "The endpoint's content filter blocked the brief",
        K::RequestRefused => "The model endpoint rejected the request",
        K::UnexpectedStatus => "The model endpoint returned an unexpected status",
        K::EndpointError => "The model endpoint reported an error",
        K::ToolCall => "The model called a tool instead of responding",
        K::EmptyResponse => "The model returned an empty response",
        K::OnlyReasoning => "The model wrote only reasoning",
        K::NoJson => "The response contains no JSON",
        K::TooManyTasks => "The response contains too many tasks",
        _ => "The response cannot be used",
    };
    let mut text = summary.to_owned();
    if let Some(status) = failure.status {
        text.push_str(&format!(": {status}"));
        if let Some(code) = &failure.endpoint_code {
            text.push_str(&format!(" {code}"));
        }
    }
    text
}
