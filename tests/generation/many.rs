//! Briefs for more tasks than fit into one request.

use std::collections::HashSet;

use proptest::prelude::*;
use taskwright::document::Document;
use taskwright::model::GenerationOutcome;
use taskwright::run::Event;
use taskwright::schema::UNIQUE_KEY;
use taskwright::settings::Bounded;

use super::scenario::{Finished, RecordedCall, Reply, Scenario, envelope};

/// A script that returns as many new tasks as each request asks for.
fn new_tasks() -> impl FnMut(&RecordedCall) -> Reply {
    let mut number = 0;
    move |call| Reply::tasks(keys(&mut number, call.count()).iter().map(String::as_str))
}

fn keys(number: &mut u32, count: u32) -> Vec<String> {
    let first = *number + 1;
    *number += count;
    (first..=*number).map(|at| format!("task-{at}")).collect()
}

fn of(count: u16) -> Scenario {
    Scenario {
        count,
        ..Scenario::default()
    }
}

fn counts(finished: &Finished) -> Vec<u32> {
    finished.calls.iter().map(RecordedCall::count).collect()
}

#[test]
fn many_tasks_take_several_requests_that_list_the_existing_tasks() {
    let finished = of(60).run_with(new_tasks());
    assert_eq!(finished.code(), "complete");
    assert_eq!(counts(&finished), [25, 25, 10]);
    assert_eq!(finished.run.drafts().len(), 60);
    assert!(!finished.calls[0].user_message().contains("already exist"));
    let last = finished.calls[2].user_message();
    for at in 1..=50 {
        let named = format!("{{\"key\":\"task-{at}\",\"title\":\"Do task-{at}\"}}\n");
        assert!(last.contains(&named), "{named}");
    }
    assert!(!last.contains("task-51"));
    let progress = finished.run.generation_progress().unwrap();
    assert_eq!(
        (progress.request, progress.total, progress.tasks),
        (3, 3, 60)
    );
    assert_eq!(finished.run.approvable().len(), 60);
    for request in finished.run.requests() {
        assert!(
            request
                .outcome()
                .is_some_and(GenerationOutcome::is_complete)
        );
        assert!(request.raw_response.starts_with("{\"tasks\":["));
    }
}

#[test]
fn tasks_per_request_is_a_setting_and_500_tasks_are_generated() {
    let mut scenario = of(500);
    assert_eq!(counts(&scenario.run_with(new_tasks())), [25; 20]);
    scenario = of(7);
    scenario.endpoint.limits.tasks_per_request = Bounded::new(3).unwrap();
    assert_eq!(counts(&scenario.run_with(new_tasks())), [3, 3, 1]);
}

#[test]
fn too_few_or_too_many_tasks_change_the_count_of_the_next_request() {
    let mut number = 0;
    let finished = of(60).run_with(move |call| {
        let count = match number {
            0 => 20,
            20 => 35,
            _ => call.count(),
        };
        Reply::tasks(keys(&mut number, count).iter().map(String::as_str))
    });
    assert_eq!(counts(&finished), [25, 25, 5]);
    assert_eq!(finished.run.drafts().len(), 60);
    // No extra request is made for missing tasks: that is for the operator to decide.
    let mut number = 0;
    let finished = of(60).run_with(move |call| {
        Reply::tasks(
            keys(&mut number, call.count() - 5)
                .iter()
                .map(String::as_str),
        )
    });
    assert_eq!(counts(&finished), [25, 25, 20]);
    assert_eq!(
        (finished.code(), finished.run.drafts().len()),
        ("complete", 55)
    );
    let finished = finished.then(
        Event::RequestMissing {
            outcome: "complete".to_owned(),
        },
        |call| Reply::tasks((0..call.count()).map(|_| "x").take(5)),
    );
    assert_eq!(counts(&finished), [5]);
}

#[test]
fn the_first_incomplete_response_ends_the_generation() {
    let mut number = 0;
    let finished = of(75).run_with(move |call| {
        let text = envelope(keys(&mut number, call.count()).iter().map(String::as_str));
        match number {
            25 => Reply::text(&text, "stop"),
            _ => {
                let cut: String = text.chars().take(text.len() - 60).collect();
                Reply::text(&cut, "length")
            }
        }
    });
    assert_eq!((finished.code(), finished.calls.len()), ("cut_off", 2));
    assert!(finished.run.approvable().is_empty());
    let arrived = u32::try_from(finished.run.drafts().len()).unwrap();
    assert!((26..50).contains(&arrived));

    let stale = Event::RequestMissing {
        outcome: "stalled".to_owned(),
    };
    assert!(finished.run.clone().apply(stale, 0).refused.is_some());
    let mut number = arrived;
    let ask_for_missing = Event::RequestMissing {
        outcome: "cut_off".to_owned(),
    };
    let finished = finished.then(ask_for_missing, move |call| {
        Reply::tasks(keys(&mut number, call.count()).iter().map(String::as_str))
    });
    assert_eq!(counts(&finished), [25, 75 - arrived - 25]);
    assert_eq!(
        (finished.code(), finished.run.drafts().len()),
        ("complete", 75)
    );
    assert_eq!(finished.run.approvable().len(), 75);
    let outcomes: Vec<_> = finished
        .run
        .requests()
        .iter()
        .map(|request| request.outcome().map_or("", GenerationOutcome::code))
        .collect();
    assert_eq!(outcomes, ["complete", "cut_off", "complete", "complete"]);
}

#[test]
fn a_stop_between_two_requests_cancels_the_generation() {
    let scenario = Scenario {
        stop_at: Some(2),
        ..of(75)
    };
    let finished = scenario.run_with(new_tasks());
    assert_eq!(finished.calls.len(), 2);
    assert_eq!(
        (finished.code(), finished.run.drafts().len()),
        ("cancelled", 50)
    );
}

#[test]
fn a_duplicate_task_key_is_a_violation_and_is_not_renamed() {
    let finished = of(50).run_with(|call| {
        let keys: Vec<String> = (0..call.count()).map(|at| format!("same-{at}")).collect();
        Reply::tasks(keys.iter().map(String::as_str))
    });
    assert_eq!(finished.code(), "complete");
    assert_eq!(finished.run.approvable().len(), 25);
    let repeated = &finished.run.drafts()[25];
    let violations = repeated.violations.as_ref().unwrap();
    assert_eq!(violations.len(), 1);
    assert_eq!(
        (
            violations[0].keyword.as_str(),
            violations[0].instance_path.as_str()
        ),
        (UNIQUE_KEY, "/key")
    );
    assert!(repeated.content.text().contains("\"same-0\""));
}

/// What an operator does to tasks with the same key.
#[derive(Debug, Clone)]
enum Act {
    Import(u8),
    Edit(usize, u8),
    Approve(usize),
    Reject(usize),
    UndoDecisions(usize),
}

fn act() -> impl Strategy<Value = Act> {
    let place = 0_usize..6;
    prop_oneof![
        (0_u8..3).prop_map(Act::Import),
        (place.clone(), 0_u8..3).prop_map(|(place, key)| Act::Edit(place, key)),
        place.clone().prop_map(Act::Approve),
        place.clone().prop_map(Act::Reject),
        place.prop_map(Act::UndoDecisions),
    ]
}

proptest! {
    #[test]
    fn no_two_approved_tasks_share_a_key_and_every_key_stays_usable(
        acts in proptest::collection::vec(act(), 0..40)
    ) {
        let text = |key| format!("{{\"key\":\"{}\"}}", ["a", "b", "c"][usize::from(key)]);
        let mut run = of(1).run([Reply::tasks(["a"])]).run;
        for act in acts {
            let at = |place: usize| run.drafts().get(place).map(|draft| draft.id.clone());
            let event = match act {
                Act::Import(key) => Some(Event::Import { texts: vec![text(key).into()] }),
                Act::Edit(place, key) => at(place).map(|draft| Event::Edit { draft, text: text(key) }),
                Act::Approve(place) => at(place).map(|draft| Event::Approve { drafts: vec![draft] }),
                Act::Reject(place) => at(place).map(|draft| Event::Reject { drafts: vec![draft], reason: String::new() }),
                Act::UndoDecisions(place) => at(place).map(|draft| Event::UndoDecisions { drafts: vec![draft] }),
            };
            let Some(event) = event else { continue };
            let step = run.apply(event, 0);
            // All of them follow the schema.
            for effect in step.effects {
                if let taskwright::run::Effect::Check { draft, revision, .. } = effect {
                    run.apply(Event::Checked { draft, revision, violations: Vec::new() }, 0);
                }
            }
            let key = |text: &str| Document::parse(text).unwrap().root().get("key").unwrap().text().to_owned();
            let mut approved = HashSet::new();
            let mut wanted = HashSet::new();
            let mut valid = HashSet::new();
            for draft in run.drafts() {
                let key = key(draft.content.text());
                if draft.approval().is_some() {
                    prop_assert!(approved.insert(key.clone()), "{key} was approved twice");
                }
                if !matches!(draft.review, taskwright::review::Review::Rejected { .. }) {
                    wanted.insert(key.clone());
                    if draft.is_valid() {
                        prop_assert!(valid.insert(key.clone()), "{key} is valid twice");
                    }
                } else {
                    prop_assert!(draft.is_valid(), "a rejected task conflicts with none");
                }
            }
            prop_assert_eq!(&wanted, &valid);
        }
    }
}
