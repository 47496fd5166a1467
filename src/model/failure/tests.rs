use super::*;
use serde_json::json;

fn of(status: Option<u16>, body: serde_json::Value) -> Failure {
    Failure::of_error(status, ErrorBody::find(&body).unwrap_or_default())
}

#[test]
fn errors_of_known_endpoints_are_classified_with_a_hint_and_a_retry() {
    let table = [
        (
            Some(401),
            json!({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}),
            "key_refused",
            false,
        ),
        (
            Some(402),
            json!({"error": {"message": "Insufficient credits", "code": 402}}),
            "quota_used_up",
            false,
        ),
        (
            Some(403),
            json!({"error": {"message": "Country not supported"}}),
            "forbidden",
            false,
        ),
        (
            Some(404),
            json!({"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}),
            "model_not_found",
            false,
        ),
        (
            Some(404),
            json!({"error": {"message": "model 'x' not found", "type": "not_found_error"}}),
            "model_not_found",
            false,
        ),
        (
            Some(404),
            json!({"detail": "Not Found"}),
            "address_not_found",
            false,
        ),
        (
            Some(429),
            json!({"error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "code": "insufficient_quota"}}),
            "quota_used_up",
            false,
        ),
        (
            Some(429),
            json!({"error": {"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}}),
            "rate_limited",
            true,
        ),
        (Some(429), json!({}), "rate_limited", true),
        (
            Some(400),
            json!({"error": {"message": "Unsupported value", "param": "temperature", "code": "unsupported_value"}}),
            "parameter_refused",
            false,
        ),
        (
            Some(400),
            json!({"error": {"message": "This model does not support response_format json_schema"}}),
            "parameter_refused",
            false,
        ),
        (
            Some(422),
            json!({"detail": [{"loc": ["body", "response_format", "type"], "msg": "bad"}]}),
            "parameter_refused",
            false,
        ),
        (
            Some(400),
            json!({"error": {"message": "Nothing was stored, please restore"}}),
            "request_refused",
            false,
        ),
        (
            Some(400),
            json!({"error": {"message": "This model's maximum context length is 8192 tokens", "code": "context_length_exceeded"}}),
            "context_too_long",
            false,
        ),
        (
            Some(400),
            json!({"error": {"code": 400, "message": "the request exceeds the available context size", "type": "exceed_context_size_error"}}),
            "context_too_long",
            false,
        ),
        (
            Some(400),
            json!({"error": {"message": "filtered", "code": "content_filter", "param": "prompt"}}),
            "prompt_filtered",
            false,
        ),
        (
            Some(400),
            json!({"error": {"message": "bad"}}),
            "request_refused",
            false,
        ),
        (Some(413), json!({}), "request_too_large", false),
        (Some(308), json!({}), "redirected", false),
        (Some(408), json!({}), "timed_out", true),
        (Some(504), json!({}), "timed_out", true),
        (
            Some(500),
            json!({"error": {"message": "m", "type": "server_error"}}),
            "server_error",
            true,
        ),
        (
            Some(503),
            json!({"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}),
            "server_error",
            true,
        ),
        (
            None,
            json!({"error": {"code": 503, "message": "busy"}}),
            "server_error",
            true,
        ),
        (
            None,
            json!({"error": {"code": "rate_limit_exceeded", "message": "slow down"}}),
            "rate_limited",
            true,
        ),
        (
            None,
            json!({"error": {"code": "server_error", "message": "m"}}),
            "server_error",
            true,
        ),
        (None, json!({"error": "gone"}), "endpoint_error", true),
        (Some(204), json!({}), "unexpected_status", false),
    ];
    for (status, body, code, retry) in table {
        let failure = of(status, body.clone());
        assert_eq!((failure.code(), failure.retry()), (code, retry), "{body}");
        assert!(failure.hint().len() > 10);
        assert!(!failure.message.is_empty());
    }
}

#[test]
fn a_refused_parameter_is_named_even_if_only_the_message_mentions_it() {
    for (body, name) in [
        (
            json!({"error": {"message": "m", "param": "top_p"}}),
            "top_p",
        ),
        (
            json!({"error": {"message": "'max_tokens' is not supported"}}),
            "max_tokens",
        ),
        (
            json!({"detail": [{"loc": ["body", "stream_options"], "msg": "extra"}]}),
            "stream_options",
        ),
    ] {
        let failure = of(Some(400), body);
        assert_eq!(failure.parameter.as_deref(), Some(name));
        assert!(failure.hint().contains(name));
    }
}

#[test]
fn the_endpoint_can_forbid_a_retry() {
    let mut failure = of(Some(500), json!({}));
    failure.should_retry = Some(false);
    assert!(!failure.retry());
}

#[test]
fn each_kind_is_stored_under_its_code() {
    use FailureKind as K;
    for kind in [
        K::NotConfigured,
        K::DryRun,
        K::LimitReached,
        K::NotSent,
        K::TookTooLong,
        K::Unreachable,
        K::KeyRefused,
        K::Forbidden,
        K::ModelNotFound,
        K::AddressNotFound,
        K::Redirected,
        K::WebPage,
        K::QuotaUsedUp,
        K::RateLimited,
        K::TimedOut,
        K::ServerError,
        K::ParameterRefused,
        K::ContextTooLong,
        K::RequestTooLarge,
        K::PromptFiltered,
        K::RequestRefused,
        K::UnexpectedStatus,
        K::EndpointError,
        K::NotAModelResponse,
        K::MalformedStream,
        K::StreamTooLong,
        K::TextMismatch,
        K::ToolCall,
        K::UnknownFinish,
        K::MalformedResponse,
        K::JsonNotClosed,
        K::EmptyResponse,
        K::NoJson,
        K::SeveralDocuments,
        K::TaskTooLarge,
        K::TaskTooDeep,
        K::TooManyTasks,
        K::ResponseTooLarge,
    ] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.code());
        assert!(Failure::new(kind, "m").hint().len() > 10);
    }
}

#[test]
fn a_stored_kind_can_be_read_by_its_former_name() {
    use FailureKind as K;
    for (name, kind) in [
        ("budget_reached", K::LimitReached),
        ("malformed_answer", K::MalformedResponse),
        ("answer_not_closed", K::JsonNotClosed),
        ("empty_answer", K::EmptyResponse),
        ("not_an_answer", K::NotAModelResponse),
        ("answer_too_large", K::ResponseTooLarge),
    ] {
        assert_eq!(serde_json::from_value::<K>(name.into()).unwrap(), kind);
    }
}

#[test]
fn messages_made_from_errors_are_sentences() {
    let failure = Failure::from(EnvelopeError::TooManyTasks);
    assert_eq!(
        failure.message,
        "The response contains more than 10000 tasks."
    );
}
