//! Token usage of the requests of a run, and the limits on it.

use taskwright::settings::{ModelEndpoint, Prices};

use super::scenario::{Reply, Scenario};

fn priced(set: impl FnOnce(&mut ModelEndpoint)) -> Scenario {
    let mut scenario = Scenario {
        count: 75,
        ..Scenario::default()
    };
    scenario.endpoint.prices = Some(Prices {
        input: "1".parse().unwrap(),
        cached_input: None,
        output: "10".parse().unwrap(),
    });
    set(&mut scenario.endpoint);
    scenario
}

/// A script that returns as many tasks as each request asks for, with 1,000 input tokens and 2,500
/// output tokens.
fn complete_replies() -> impl FnMut(&super::scenario::RecordedCall) -> Reply {
    let mut number = 0;
    move |call| {
        let keys: Vec<String> = (0..call.count())
            .map(|_| {
                number += 1;
                format!("k{number}")
            })
            .collect();
        Reply::tasks(keys.iter().map(String::as_str)).using(1000, 2500)
    }
}

#[test]
fn usage_is_counted_per_request_and_in_total_including_failed_requests() {
    let mut complete = complete_replies();
    let mut number = 0;
    let finished = priced(|_| {}).run_with(move |call| {
        number += 1;
        match number {
            // It sent its usage before it failed.
            2 => Reply::status(200, "data: {\"error\":{\"message\":\"m\"}}\n\n").using(900, 7),
            _ => complete(call),
        }
    });
    assert_eq!(finished.code(), "endpoint_error");
    let used: Vec<_> = finished
        .run
        .requests()
        .iter()
        .map(|request| request.usage().map(|usage| (usage.input, usage.output)))
        .collect();
    assert_eq!(used, [Some((1000, 2500)), Some((900, 7))]);
    let sum = finished.run.usage().unwrap();
    assert_eq!((sum.input, sum.output), (1900, 2507));
}

#[test]
fn without_usage_from_the_endpoint_the_total_is_unknown_and_not_zero() {
    let finished = Scenario::default().run([Reply::tasks(["a", "b"])]);
    assert_eq!(finished.run.usage(), None);
}

#[test]
fn a_limit_stops_the_run_before_the_request_that_might_exceed_it() {
    // A request uses 3,500 tokens and costs 0.026. The estimate for the next one is at least that,
    // because it also lists the existing tasks.
    let table: [(&str, Scenario, usize, &str); 5] = [
        ("none", priced(|_| {}), 3, "complete"),
        (
            "tokens of all",
            priced(|end| end.limits.token_limit = std::num::NonZeroU64::new(40_000)),
            3,
            "complete",
        ),
        (
            "tokens of one and a half",
            priced(|end| end.limits.token_limit = std::num::NonZeroU64::new(10_400)),
            2,
            "limit_reached",
        ),
        (
            "cost of one and a half",
            priced(|end| end.limits.cost_limit = Some("0.077".parse().unwrap())),
            2,
            "limit_reached",
        ),
        (
            "not enough for the first",
            priced(|end| end.limits.token_limit = std::num::NonZeroU64::new(10)),
            0,
            "limit_reached",
        ),
    ];
    for (name, scenario, calls, code) in table {
        let limits = scenario.endpoint.limits.clone();
        let prices = scenario.endpoint.prices.unwrap();
        let finished = scenario.run_with(complete_replies());
        assert_eq!(
            (finished.calls.len(), finished.code()),
            (calls, code),
            "{name}"
        );
        let used = finished.run.usage().unwrap_or_default();
        assert!(
            limits
                .token_limit
                .is_none_or(|limit| used.tokens() <= limit.get())
        );
        assert!(
            limits
                .cost_limit
                .is_none_or(|limit| used.cost(&prices) <= limit)
        );
        assert_eq!(
            finished.message().contains(" limit of this run is "),
            code != "complete"
        );
        assert!(finished.run.approvable().is_empty() || code == "complete");
    }
}
