//! Follow-up requests about single tasks. The response becomes suggested edits; nothing changes until
//! they are accepted.

use taskwright::review::{DraftId, DraftState, SuggestedEditKind};
use taskwright::run::{Event, FollowUp, GenerationState, Run, RunError};

use super::scenario::{Finished, Reply, Scenario};

fn id(finished: &Finished, ordinal: u32) -> DraftId {
    DraftId {
        run: finished.run.id().clone(),
        ordinal,
    }
}

fn text(finished: &Finished, ordinal: u32) -> &str {
    let id = id(finished, ordinal);
    finished.run.draft(&id).unwrap().content.text()
}

fn suggested_edits(finished: &Finished, ordinal: u32) -> Vec<String> {
    let id = id(finished, ordinal);
    let suggested_edits = &finished.run.draft(&id).unwrap().suggested_edits;
    suggested_edits
        .iter()
        .map(|edit| edit.text.to_string())
        .collect()
}

fn apply(finished: &mut Finished, event: Event) -> Vec<taskwright::run::Effect> {
    let step = finished.run.apply(event, 0);
    assert_eq!(step.refused, None);
    step.effects
}

/// Four tasks: the first approved, the second invalid, the third rejected, the fourth undecided.
fn reviewed() -> Finished {
    let scenario = Scenario {
        count: 4,
        ..Scenario::default()
    };
    let response = r#"{"tasks":[{"key":"a","title":"Do a"},{"key":"b","title":"x"},
        {"key":"c","title":"Do c"},{"key":"d","title":"Do d"}]}"#;
    let mut finished = scenario.run([Reply::text(response, "stop").using(400, 100)]);
    let (first, third) = (id(&finished, 1), id(&finished, 3));
    apply(
        &mut finished,
        Event::Approve {
            drafts: vec![first],
        },
    );
    apply(
        &mut finished,
        Event::Reject {
            drafts: vec![third],
            reason: "too vague".to_owned(),
        },
    );
    finished
}

fn all(finished: &Finished) -> Vec<DraftId> {
    finished
        .run
        .drafts()
        .iter()
        .map(|draft| draft.id.clone())
        .collect()
}

#[test]
fn a_repair_sends_the_invalid_tasks_with_their_errors_as_json_pointers() {
    let finished = reviewed();
    let before = finished.run.drafts().to_vec();
    let repair = FollowUp::Repair {
        drafts: all(&finished),
    };
    let estimate = finished.run.estimate(repair.clone()).unwrap();
    assert_eq!((estimate.tasks, estimate.cost), (1, None));
    assert!(
        estimate.usage.input > 0 && estimate.usage.output == 25,
        "{estimate:?}"
    );
    let mut finished = finished.then(Event::FollowUp(repair), |call| {
        let message = call.user_message();
        assert!(
            message.contains("{\"key\":\"b\",\"title\":\"x\"}\n- /title: "),
            "{message}"
        );
        assert!(
            message.contains("{\"key\":\"a\",\"title\":\"Do a\"}\n"),
            "tasks that stay are listed"
        );
        assert!(!message.contains("Do c"), "a rejected task is not listed");
        assert_eq!(call.count(), 1);
        Reply::text(r#"{"tasks":[{"key":"b","title":"Do b"}]}"#, "stop")
    });
    assert_eq!(
        suggested_edits(&finished, 2),
        [r#"{"key":"b","title":"Do b"}"#]
    );
    for (old, new) in before.iter().zip(finished.run.drafts()) {
        assert_eq!((&old.content, &old.review), (&new.content, &new.review));
    }
    assert_eq!(
        finished.code(),
        "complete",
        "the outcome of the batch is unchanged"
    );
    let second = id(&finished, 2);
    apply(
        &mut finished,
        Event::AcceptSuggestedEdits {
            draft: second.clone(),
        },
    );
    assert_eq!(text(&finished, 2), r#"{"key":"b","title":"Do b"}"#);
    assert!(suggested_edits(&finished, 2).is_empty());
    let second_time = finished
        .run
        .apply(Event::AcceptSuggestedEdits { draft: second }, 0);
    assert_eq!(second_time.refused, Some(RunError::WrongState));
}

#[test]
fn a_regeneration_sends_the_rejected_tasks_with_the_reasons() {
    let finished = reviewed();
    let replace = FollowUp::Regenerate {
        drafts: all(&finished),
    };
    let mut finished = finished.then(Event::FollowUp(replace), |call| {
        assert!(
            call.user_message()
                .contains("{\"key\":\"c\",\"title\":\"Do c\"}\nRejected because: too vague\n")
        );
        Reply::tasks(["c-2"])
    });
    let third = id(&finished, 3);
    apply(
        &mut finished,
        Event::AcceptSuggestedEdits {
            draft: third.clone(),
        },
    );
    let draft = finished.run.draft(&third).unwrap();
    assert_eq!(draft.content.text(), r#"{"key":"c-2","title":"Do c-2"}"#);
    assert_ne!(
        Run::state(draft),
        DraftState::Rejected,
        "it needs a new decision"
    );
}

#[test]
fn an_approved_task_stays_approved_until_its_revision_is_accepted() {
    let finished = reviewed();
    let first = id(&finished, 1);
    let revise = |instruction: &str| FollowUp::Revise {
        draft: first.clone(),
        instruction: instruction.to_owned(),
    };
    assert_eq!(
        finished.run.estimate(revise("  ")),
        None,
        "without an instruction there is no request"
    );
    let mut finished = finished.then(Event::FollowUp(revise("Say it in French")), |call| {
        let message = call.user_message();
        assert!(
            message
                .contains("{\"key\":\"a\",\"title\":\"Do a\"}\n\nInstruction: Say it in French\n")
        );
        Reply::text(
            r#"{"tasks":[{"key":"a","title":"Faire a"},{"key":"z","title":"Extra"}]}"#,
            "stop",
        )
    });
    assert_eq!(
        suggested_edits(&finished, 1),
        [r#"{"key":"a","title":"Faire a"}"#]
    );
    assert_eq!(
        finished.run.drafts().len(),
        4,
        "an unrequested task is dropped"
    );
    assert!(finished.run.draft(&first).unwrap().approval().is_some());
    apply(
        &mut finished,
        Event::AcceptSuggestedEdits {
            draft: first.clone(),
        },
    );
    assert!(finished.run.draft(&first).unwrap().approval().is_none());
    assert_eq!(text(&finished, 1), r#"{"key":"a","title":"Faire a"}"#);
}

#[test]
fn accepting_a_split_rejects_the_task_and_adds_its_parts() {
    let finished = reviewed();
    let fourth = id(&finished, 4);
    let split = |parts| FollowUp::Split {
        draft: fourth.clone(),
        parts,
        instruction: String::new(),
    };
    for parts in [0, 1, 21] {
        assert_eq!(finished.run.estimate(split(parts)), None);
    }
    let mut finished = finished.then(Event::FollowUp(split(2)), |call| {
        assert_eq!(call.count(), 2);
        Reply::tasks(["d-1", "d-2"])
    });
    let kinds: Vec<_> = {
        let edits = &finished.run.draft(&fourth).unwrap().suggested_edits;
        edits.iter().map(|edit| edit.kind).collect()
    };
    assert_eq!(kinds, [SuggestedEditKind::Part; 2]);
    apply(
        &mut finished,
        Event::AcceptSuggestedEdits {
            draft: fourth.clone(),
        },
    );
    let fourth = finished.run.draft(&fourth).unwrap();
    assert_eq!(Run::state(fourth), DraftState::Rejected);
    assert_eq!(text(&finished, 5), r#"{"key":"d-1","title":"Do d-1"}"#);
    assert_eq!(text(&finished, 6), r#"{"key":"d-2","title":"Do d-2"}"#);
    assert_eq!(finished.run.generation_progress().unwrap().tasks, 4);
}

#[test]
fn suggested_edits_are_matched_by_key_and_replace_earlier_ones() {
    let scenario = Scenario {
        count: 2,
        ..Scenario::default()
    };
    let response = r#"{"tasks":[{"key":"a","title":"x"},{"key":"b","title":"y"}]}"#;
    let finished = scenario.run([Reply::text(response, "stop")]);
    let repair = FollowUp::Repair {
        drafts: all(&finished),
    };
    let finished = finished.then(Event::FollowUp(repair.clone()), |_| {
        Reply::tasks(["b", "a"])
    });
    assert!(suggested_edits(&finished, 1)[0].contains("Do a"));
    assert!(suggested_edits(&finished, 2)[0].contains("Do b"));
    let mut finished = finished.then(Event::FollowUp(repair), |_| Reply::tasks(["a"]));
    assert_eq!(suggested_edits(&finished, 1).len(), 1);
    let second = id(&finished, 2);
    apply(
        &mut finished,
        Event::DiscardSuggestedEdits { draft: second },
    );
    assert!(suggested_edits(&finished, 2).is_empty());
}

#[test]
fn the_outcome_of_a_follow_up_does_not_affect_the_batch() {
    let finished = reviewed();
    let repair = FollowUp::Repair {
        drafts: all(&finished),
    };
    let finished = finished.then(Event::FollowUp(repair), |_| Reply::status(401, ""));
    assert_eq!(finished.code(), "complete");
    let GenerationState::Ended { outcome, .. } = finished.run.follow_up_state() else {
        panic!("the follow-up has not ended");
    };
    assert_eq!(outcome.code(), "key_refused");
    assert!(!finished.run.approvable().is_empty());
}

#[test]
fn suggested_edits_survive_a_restore() {
    let finished = reviewed();
    let repair = FollowUp::Repair {
        drafts: all(&finished),
    };
    let finished = finished.then(Event::FollowUp(repair), |_| Reply::tasks(["b"]));
    let (restored, _) = Run::restore_from(finished.run.records(), 0).unwrap();
    assert_eq!(restored.drafts(), finished.run.drafts());
    assert_eq!(restored.requests(), finished.run.requests());
    assert_eq!(restored.follow_up_state(), finished.run.follow_up_state());
}
