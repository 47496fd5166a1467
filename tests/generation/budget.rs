//! What the requests of a run use, and where a budget stops it.

use taskwright::settings::{ModelEndpoint, Prices};

use super::world::{Reply, World};

fn priced(set: impl FnOnce(&mut ModelEndpoint)) -> World {
    let mut world = World {
        count: 75,
        ..World::default()
    };
    world.endpoint.prices = Some(Prices {
        input: "1".parse().unwrap(),
        cached_input: None,
        output: "10".parse().unwrap(),
    });
    set(&mut world.endpoint);
    world
}

/// Answers every request with as many tasks as it asks for, 1,000 tokens in and 2,500 out.
fn answering() -> impl FnMut(&super::world::Asked) -> Reply {
    let mut number = 0;
    move |asked| {
        let keys: Vec<String> = (0..asked.count())
            .map(|_| {
                number += 1;
                format!("k{number}")
            })
            .collect();
        Reply::tasks(keys.iter().map(String::as_str)).using(1000, 2500)
    }
}

#[test]
fn what_is_used_is_counted_for_each_request_and_in_all_those_that_failed_included() {
    let mut answer = answering();
    let mut number = 0;
    let played = priced(|_| {}).play_by(move |asked| {
        number += 1;
        match number {
            // It had counted before it failed.
            2 => Reply::status(200, "data: {\"error\":{\"message\":\"m\"}}\n\n").using(900, 7),
            _ => answer(asked),
        }
    });
    assert_eq!(played.code(), "endpoint_error");
    let used: Vec<_> = played
        .run
        .requests()
        .iter()
        .map(|request| request.usage().map(|usage| (usage.input, usage.output)))
        .collect();
    assert_eq!(used, [Some((1000, 2500)), Some((900, 7))]);
    let sum = played.run.usage().unwrap();
    assert_eq!((sum.input, sum.output), (1900, 2507));
}

#[test]
fn an_endpoint_that_never_says_what_it_used_is_not_said_to_have_used_nothing() {
    let played = World::default().play([Reply::tasks(["a", "b"])]);
    assert_eq!(played.run.usage(), None);
}

#[test]
fn a_budget_stops_the_run_before_the_request_that_might_pass_it() {
    // A request uses 3,500 tokens and costs 0.026; the next one is expected to be like it or more,
    // because it names what is there.
    let table: [(&str, World, usize, &str); 5] = [
        ("none", priced(|_| {}), 3, "complete"),
        (
            "tokens for all",
            priced(|end| end.limits.token_limit = std::num::NonZeroU64::new(40_000)),
            3,
            "complete",
        ),
        (
            "tokens for one and a half",
            priced(|end| end.limits.token_limit = std::num::NonZeroU64::new(10_400)),
            2,
            "budget_reached",
        ),
        (
            "money for one and a half",
            priced(|end| end.limits.cost_limit = Some("0.077".parse().unwrap())),
            2,
            "budget_reached",
        ),
        (
            "not enough for the first",
            priced(|end| end.limits.token_limit = std::num::NonZeroU64::new(10)),
            0,
            "budget_reached",
        ),
    ];
    for (name, world, calls, code) in table {
        let budget = world.endpoint.limits.clone();
        let prices = world.endpoint.prices.unwrap();
        let played = world.play_by(answering());
        assert_eq!((played.asked.len(), played.code()), (calls, code), "{name}");
        let used = played.run.usage().unwrap_or_default();
        assert!(
            budget
                .token_limit
                .is_none_or(|most| used.tokens() <= most.get())
        );
        assert!(
            budget
                .cost_limit
                .is_none_or(|most| used.cost(&prices) <= most)
        );
        assert_eq!(
            played.message().starts_with("The budget of this run is"),
            code != "complete"
        );
        assert!(played.run.approvable().is_empty() || code == "complete");
    }
}
