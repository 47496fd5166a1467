//! More tasks than one request asks for.

use std::collections::HashSet;

use proptest::prelude::*;
use taskwright::document::Document;
use taskwright::model::GenerationOutcome;
use taskwright::run::Event;
use taskwright::schema::UNIQUE_KEY;
use taskwright::settings::Bounded;

use super::world::{Asked, Played, Reply, World, envelope};

/// A script that answers every request with as many new tasks as it asks for.
fn fresh() -> impl FnMut(&Asked) -> Reply {
    let mut number = 0;
    move |asked| Reply::tasks(keys(&mut number, asked.count()).iter().map(String::as_str))
}

fn keys(number: &mut u32, count: u32) -> Vec<String> {
    let first = *number + 1;
    *number += count;
    (first..=*number).map(|at| format!("task-{at}")).collect()
}

fn of(count: u16) -> World {
    World {
        count,
        ..World::default()
    }
}

fn counts(played: &Played) -> Vec<u32> {
    played.asked.iter().map(Asked::count).collect()
}

#[test]
fn many_tasks_are_asked_for_in_several_requests_that_name_what_is_there() {
    let played = of(60).play_by(fresh());
    assert_eq!(played.code(), "complete");
    assert_eq!(counts(&played), [25, 25, 10]);
    assert_eq!(played.run.drafts().len(), 60);
    assert!(!played.asked[0].says().contains("already there"));
    let last = played.asked[2].says();
    for at in 1..=50 {
        let named = format!("{{\"key\":\"task-{at}\",\"title\":\"Do task-{at}\"}}\n");
        assert!(last.contains(&named), "{named}");
    }
    assert!(!last.contains("task-51"));
    let progress = played.run.generation_progress().unwrap();
    assert_eq!((progress.request, progress.of, progress.tasks), (3, 3, 60));
    assert_eq!(played.run.approvable().len(), 60);
    for request in played.run.requests() {
        assert!(
            request
                .outcome()
                .is_some_and(GenerationOutcome::is_complete)
        );
        assert!(request.raw_response.starts_with("{\"tasks\":["));
    }
}

#[test]
fn how_many_a_request_asks_for_is_a_setting_and_500_come_in_all() {
    let mut world = of(500);
    assert_eq!(counts(&world.play_by(fresh())), [25; 20]);
    world = of(7);
    world.endpoint.limits.tasks_per_request = Bounded::new(3).unwrap();
    assert_eq!(counts(&world.play_by(fresh())), [3, 3, 1]);
}

#[test]
fn an_answer_with_too_few_or_too_many_changes_what_the_next_request_asks_for() {
    let mut number = 0;
    let played = of(60).play_by(move |asked| {
        let count = match number {
            0 => 20,
            20 => 35,
            _ => asked.count(),
        };
        Reply::tasks(keys(&mut number, count).iter().map(String::as_str))
    });
    assert_eq!(counts(&played), [25, 25, 5]);
    assert_eq!(played.run.drafts().len(), 60);
    // No request more is made than was planned: what is missing is the operator's to ask for.
    let mut number = 0;
    let played = of(60).play_by(move |asked| {
        Reply::tasks(
            keys(&mut number, asked.count() - 5)
                .iter()
                .map(String::as_str),
        )
    });
    assert_eq!(counts(&played), [25, 25, 20]);
    assert_eq!((played.code(), played.run.drafts().len()), ("complete", 55));
    let played = played.then(
        Event::AskForMissing {
            outcome: "complete".to_owned(),
        },
        |asked| Reply::tasks((0..asked.count()).map(|_| "x").take(5)),
    );
    assert_eq!(counts(&played), [5]);
}

#[test]
fn the_first_request_that_is_not_complete_ends_the_run() {
    let mut number = 0;
    let played = of(75).play_by(move |asked| {
        let text = envelope(keys(&mut number, asked.count()).iter().map(String::as_str));
        match number {
            25 => Reply::says(&text, "stop"),
            _ => {
                let cut: String = text.chars().take(text.len() - 60).collect();
                Reply::says(&cut, "length")
            }
        }
    });
    assert_eq!((played.code(), played.asked.len()), ("cut_off", 2));
    assert!(played.run.approvable().is_empty());
    let here = u32::try_from(played.run.drafts().len()).unwrap();
    assert!((26..50).contains(&here));

    let stale = Event::AskForMissing {
        outcome: "stalled".to_owned(),
    };
    assert!(played.run.clone().apply(stale, 0).refused.is_some());
    let mut number = here;
    let go_on = Event::AskForMissing {
        outcome: "cut_off".to_owned(),
    };
    let played = played.then(go_on, move |asked| {
        Reply::tasks(keys(&mut number, asked.count()).iter().map(String::as_str))
    });
    assert_eq!(counts(&played), [25, 75 - here - 25]);
    assert_eq!((played.code(), played.run.drafts().len()), ("complete", 75));
    assert_eq!(played.run.approvable().len(), 75);
    let outcomes: Vec<_> = played
        .run
        .requests()
        .iter()
        .map(|request| request.outcome().map_or("", GenerationOutcome::code))
        .collect();
    assert_eq!(outcomes, ["complete", "cut_off", "complete", "complete"]);
}

#[test]
fn a_stop_between_two_requests_is_no_complete_run() {
    let world = World {
        stop_at: Some(2),
        ..of(75)
    };
    let played = world.play_by(fresh());
    assert_eq!(played.asked.len(), 2);
    assert_eq!(
        (played.code(), played.run.drafts().len()),
        ("cancelled", 50)
    );
}

#[test]
fn a_key_that_is_there_already_is_a_violation_and_never_renamed() {
    let played = of(50).play_by(|asked| {
        let keys: Vec<String> = (0..asked.count()).map(|at| format!("same-{at}")).collect();
        Reply::tasks(keys.iter().map(String::as_str))
    });
    assert_eq!(played.code(), "complete");
    assert_eq!(played.run.approvable().len(), 25);
    let repeated = &played.run.drafts()[25];
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

/// What an operator does to tasks whose keys meet.
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
    fn whatever_is_done_no_two_approved_tasks_have_one_key_and_each_key_can_be_used(
        acts in proptest::collection::vec(act(), 0..40)
    ) {
        let text = |key| format!("{{\"key\":\"{}\"}}", ["a", "b", "c"][usize::from(key)]);
        let mut run = of(1).play([Reply::tasks(["a"])]).run;
        for act in acts {
            let at = |place: usize| run.drafts().get(place).map(|draft| draft.id.clone());
            let event = match act {
                Act::Import(key) => Some(Event::Import { texts: vec![text(key).into()] }),
                Act::Edit(place, key) => at(place).map(|draft| Event::Edit { draft, text: text(key) }),
                Act::Approve(place) => at(place).map(|draft| Event::Approve { drafts: vec![draft] }),
                Act::Reject(place) => at(place).map(|draft| Event::Reject { draft, reason: String::new() }),
                Act::UndoDecisions(place) => at(place).map(|draft| Event::UndoDecisions { drafts: vec![draft] }),
            };
            let Some(event) = event else { continue };
            let step = run.apply(event, 0);
            // The schema has nothing against any of them.
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
                    prop_assert!(draft.is_valid(), "what is rejected has nobody in its way");
                }
            }
            prop_assert_eq!(&wanted, &valid);
        }
    }
}
