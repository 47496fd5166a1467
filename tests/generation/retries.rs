//! Automatic retries of a failed call, as long as no task has arrived.

use proptest::prelude::*;
use taskwright::model::GenerationOutcome;

use super::scenario::{Reply, Scenario, tasks_reported};

#[test]
fn a_failing_endpoint_is_retried_twice_after_growing_waits() {
    let finished = Scenario::default().run([
        Reply::status(503, ""),
        Reply::unreachable(),
        Reply::tasks(["a", "b"]).using(100, 40),
    ]);
    assert_eq!(finished.code(), "complete");
    assert_eq!(tasks_reported(&finished), 2);
    let times = finished.times();
    assert_eq!(times[0], 0);
    assert!((375..=500).contains(&times[1]), "{times:?}");
    assert!((750..=1000).contains(&(times[2] - times[1])), "{times:?}");
    let request = &finished.run.requests()[0];
    assert_eq!((request.retries, request.calls.len()), (2, 3));
    let ended: Vec<_> = request
        .calls
        .iter()
        .map(|call| call.outcome.as_ref().map(GenerationOutcome::code))
        .collect();
    assert_eq!(
        ended,
        [Some("server_error"), Some("unreachable"), Some("complete")]
    );
}

#[test]
fn the_third_failure_is_the_outcome() {
    let finished = Scenario::default().run([
        Reply::status(504, ""),
        Reply::status(502, ""),
        Reply::status(503, ""),
    ]);
    assert_eq!((finished.code(), finished.calls.len()), ("server_error", 3));
}

#[test]
fn the_wait_that_the_endpoint_asks_for_is_respected() {
    for (name, value, wait) in [
        ("retry-after-ms", "1234", 1234),
        ("retry-after", "20", 20_000),
        ("retry-after", "0", 0),
        ("retry-after", "Sun, 06 Nov 1994 08:49:40 GMT", 3000),
        ("retry-after", "Sunday, 06-Nov-94 08:49:40 GMT", 3000),
        ("retry-after", "Sun Nov  6 08:49:40 1994", 3000),
    ] {
        let finished = Scenario::default().run([
            Reply::status(429, "").with_header(name, value),
            Reply::tasks(["a", "b"]),
        ]);
        assert_eq!(finished.times(), [0, wait], "{name}: {value}");
    }
}

#[test]
fn permanent_failures_are_not_retried() {
    let quota = r#"{"error":{"message":"m","code":"insufficient_quota"}}"#;
    for (reply, code) in [
        (Reply::status(429, quota), "quota_used_up"),
        (Reply::status(401, ""), "key_refused"),
        (Reply::status(404, ""), "address_not_found"),
        (Reply::refuses("temperature"), "parameter_refused"),
        (
            Reply::status(502, "").with_header("x-should-retry", "false"),
            "server_error",
        ),
        (Reply::text("Sorry.", "stop"), "no_json"),
        (Reply::text("", "content_filter"), "filtered"),
        (Reply::status(200, "data: [DONE]\n\n"), "interrupted"),
    ] {
        let finished = Scenario::default().run([reply]);
        assert_eq!((finished.code(), finished.calls.len()), (code, 1));
    }
}

#[test]
fn a_call_that_delivered_a_task_is_never_retried() {
    let one_task = r#"{"tasks":[{"key":"a","title":"Do a"},"#;
    let error = "data: {\"error\":{\"message\":\"m\",\"code\":503}}\n\n";
    let body = super::scenario::streamed(one_task, None, None);
    for (reply, code) in [
        (Reply::status(200, &body).broken(), "interrupted"),
        (
            Reply::status(200, &format!("{body}{error}")),
            "server_error",
        ),
    ] {
        let finished = Scenario::default().run([reply]);
        assert_eq!((finished.code(), finished.calls.len()), (code, 1));
        assert_eq!(finished.run.drafts().len(), 1, "the complete task stays");
    }
}

#[test]
fn a_stop_ends_the_wait() {
    for stop_at in [1, 2] {
        let scenario = Scenario {
            stop_at: Some(stop_at),
            ..Scenario::default()
        };
        let finished =
            scenario.run_with(|_| Reply::status(503, "").with_header("retry-after", "60"));
        assert_eq!(finished.calls.len(), stop_at);
        assert_eq!(finished.code(), "cancelled");
    }
}

proptest! {
    #[test]
    fn the_waits_depend_only_on_the_run_id(id in any::<u128>()) {
        let times = |id| {
            let scenario = Scenario { id, ..Scenario::default() };
            scenario.run_with(|_| Reply::status(503, "")).times()
        };
        prop_assert_eq!(times(id), times(id));
        prop_assert_eq!(times(id).len(), 3);
    }

    #[test]
    fn every_generation_ends_and_is_complete_only_if_every_request_is(
        choices in proptest::collection::vec(0_usize..9, 0..12), count in 1_u16..60
    ) {
        let mut remaining = choices.clone();
        remaining.reverse();
        let scenario = Scenario { count, ..Scenario::default() };
        let mut number = 0;
        let finished = scenario.run_with(move |call| {
            let keys: Vec<String> = (0..call.count()).map(|_| {
                number += 1;
                format!("k{number}")
            }).collect();
            let keys = keys.iter().map(String::as_str);
            match remaining.pop().unwrap_or(0) {
                0 => Reply::tasks(keys),
                1 => Reply::status(503, ""),
                2 => Reply::status(429, "").with_header("retry-after", "2"),
                3 => Reply::unreachable(),
                4 => Reply::text(&super::scenario::envelope(keys), "length"),
                5 => Reply::status(401, ""),
                6 => Reply::refuses("response_format"),
                7 => Reply::tasks(keys).broken(),
                _ => Reply::tasks([]),
            }
        });
        let requests = finished.run.requests();
        for request in requests {
            prop_assert!(request.retries <= 2);
            prop_assert!(request.calls.len() <= 5, "two retries and two fallbacks");
        }
        let is_complete = finished.code() == "complete";
        let all = requests.iter().all(|request| request.outcome().is_some_and(GenerationOutcome::is_complete));
        prop_assert_eq!(is_complete, all, "{:?}", choices);
        prop_assert!(requests.len() <= usize::from(count.div_ceil(25)));
        prop_assert_eq!(finished.run.drafts().len(), tasks_reported(&finished));
    }
}
