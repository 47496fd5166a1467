//! A call that failed by chance is made again, while no task has arrived.

use proptest::prelude::*;
use taskwright::model::GenerationOutcome;

use super::world::{Reply, World, tasks_told};

#[test]
fn an_endpoint_in_trouble_is_asked_again_twice_after_growing_waits() {
    let played = World::default().play([
        Reply::status(503, ""),
        Reply::unreachable(),
        Reply::tasks(["a", "b"]).using(100, 40),
    ]);
    assert_eq!(played.code(), "complete");
    assert_eq!(tasks_told(&played), 2);
    let times = played.times();
    assert_eq!(times[0], 0);
    assert!((375..=500).contains(&times[1]), "{times:?}");
    assert!((750..=1000).contains(&(times[2] - times[1])), "{times:?}");
    let request = &played.run.requests()[0];
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
    let played = World::default().play([
        Reply::status(500, ""),
        Reply::status(502, ""),
        Reply::status(503, ""),
    ]);
    assert_eq!((played.code(), played.asked.len()), ("server_error", 3));
}

#[test]
fn what_the_endpoint_asks_to_wait_is_waited() {
    for (name, value, wait) in [
        ("retry-after-ms", "1234", 1234),
        ("retry-after", "20", 20_000),
        ("retry-after", "0", 0),
        ("retry-after", "Sun, 06 Nov 1994 08:49:40 GMT", 3000),
        ("retry-after", "Sunday, 06-Nov-94 08:49:40 GMT", 3000),
        ("retry-after", "Sun Nov  6 08:49:40 1994", 3000),
    ] {
        let played = World::default().play([
            Reply::status(429, "").with_header(name, value),
            Reply::tasks(["a", "b"]),
        ]);
        assert_eq!(played.times(), [0, wait], "{name}: {value}");
    }
}

#[test]
fn what_another_try_cannot_mend_is_told_at_once() {
    let quota = r#"{"error":{"message":"m","code":"insufficient_quota"}}"#;
    for (reply, code) in [
        (Reply::status(429, quota), "quota_used_up"),
        (Reply::status(401, ""), "key_refused"),
        (Reply::status(404, ""), "address_not_found"),
        (Reply::refuses("temperature"), "parameter_refused"),
        (
            Reply::status(500, "").with_header("x-should-retry", "false"),
            "server_error",
        ),
        (Reply::says("Sorry.", "stop"), "no_json"),
        (Reply::says("", "content_filter"), "filtered"),
        (Reply::status(200, "data: [DONE]\n\n"), "interrupted"),
    ] {
        let played = World::default().play([reply]);
        assert_eq!((played.code(), played.asked.len()), (code, 1));
    }
}

#[test]
fn once_a_task_has_arrived_the_call_is_never_made_again_by_itself() {
    let whole = r#"{"tasks":[{"key":"a","title":"Do a"},"#;
    let error = "data: {\"error\":{\"message\":\"m\",\"code\":503}}\n\n";
    let body = super::world::streamed(whole, None, None);
    for (reply, code) in [
        (Reply::status(200, &body).broken(), "interrupted"),
        (
            Reply::status(200, &format!("{body}{error}")),
            "server_error",
        ),
    ] {
        let played = World::default().play([reply]);
        assert_eq!((played.code(), played.asked.len()), (code, 1));
        assert_eq!(played.run.drafts().len(), 1, "what is whole stays");
    }
}

#[test]
fn a_stop_ends_the_waiting() {
    for stop_at in [1, 2] {
        let world = World {
            stop_at: Some(stop_at),
            ..World::default()
        };
        let played = world.play_by(|_| Reply::status(503, "").with_header("retry-after", "60"));
        assert_eq!(played.asked.len(), stop_at);
        assert_eq!(played.code(), "cancelled");
    }
}

proptest! {
    #[test]
    fn each_run_waits_otherwise_and_always_the_same(id in any::<u128>()) {
        let times = |id| {
            let world = World { id, ..World::default() };
            world.play_by(|_| Reply::status(503, "")).times()
        };
        prop_assert_eq!(times(id), times(id));
        prop_assert_eq!(times(id).len(), 3);
    }

    #[test]
    fn whatever_comes_a_run_ends_and_is_complete_only_with_a_whole_answer(
        choices in proptest::collection::vec(0_usize..9, 0..12), count in 1_u16..60
    ) {
        let mut left = choices.clone();
        left.reverse();
        let world = World { count, ..World::default() };
        let mut number = 0;
        let played = world.play_by(move |asked| {
            let keys: Vec<String> = (0..asked.count()).map(|_| {
                number += 1;
                format!("k{number}")
            }).collect();
            let keys = keys.iter().map(String::as_str);
            match left.pop().unwrap_or(0) {
                0 => Reply::tasks(keys),
                1 => Reply::status(503, ""),
                2 => Reply::status(429, "").with_header("retry-after", "2"),
                3 => Reply::unreachable(),
                4 => Reply::says(&super::world::envelope(keys), "length"),
                5 => Reply::status(401, ""),
                6 => Reply::refuses("response_format"),
                7 => Reply::tasks(keys).broken(),
                _ => Reply::tasks([]),
            }
        });
        let requests = played.run.requests();
        for request in requests {
            prop_assert!(request.retries <= 2);
            prop_assert!(request.calls.len() <= 5, "two retries and two steps down");
        }
        let is_complete = played.code() == "complete";
        let all = requests.iter().all(|request| request.outcome().is_some_and(GenerationOutcome::is_complete));
        prop_assert_eq!(is_complete, all, "{:?}", choices);
        prop_assert!(requests.len() <= usize::from(count.div_ceil(25)));
        prop_assert_eq!(played.run.drafts().len(), tasks_told(&played));
    }
}
