//! Asking the model again about single tasks: what comes is a proposal, and nothing changes before
//! it is accepted.

use taskwright::review::{DraftId, DraftState, SuggestedEditKind};
use taskwright::run::{Event, FollowUp, GenerationState, Run, RunError};

use super::world::{Played, Reply, World};

fn id(played: &Played, ordinal: u32) -> DraftId {
    DraftId {
        run: played.run.id().clone(),
        ordinal,
    }
}

fn text(played: &Played, ordinal: u32) -> &str {
    let id = id(played, ordinal);
    played.run.draft(&id).unwrap().content.text()
}

fn suggested_edits(played: &Played, ordinal: u32) -> Vec<String> {
    let id = id(played, ordinal);
    let suggested_edits = &played.run.draft(&id).unwrap().suggested_edits;
    suggested_edits
        .iter()
        .map(|held| held.text.to_string())
        .collect()
}

fn ok(played: &mut Played, event: Event) -> Vec<taskwright::run::Effect> {
    let step = played.run.apply(event, 0);
    assert_eq!(step.refused, None);
    step.effects
}

/// Four tasks: the first approved, the second invalid, the third rejected, the fourth as it came.
fn reviewed() -> Played {
    let world = World {
        count: 4,
        ..World::default()
    };
    let answer = r#"{"tasks":[{"key":"a","title":"Do a"},{"key":"b","title":"x"},
        {"key":"c","title":"Do c"},{"key":"d","title":"Do d"}]}"#;
    let mut played = world.play([Reply::says(answer, "stop").using(400, 100)]);
    let (first, third) = (id(&played, 1), id(&played, 3));
    ok(
        &mut played,
        Event::Approve {
            drafts: vec![first],
        },
    );
    ok(
        &mut played,
        Event::Reject {
            draft: third,
            reason: "too vague".to_owned(),
        },
    );
    played
}

fn all(played: &Played) -> Vec<DraftId> {
    played
        .run
        .drafts()
        .iter()
        .map(|draft| draft.id.clone())
        .collect()
}

#[test]
fn invalid_tasks_are_asked_for_again_with_their_errors_as_json_pointers() {
    let played = reviewed();
    let before = played.run.drafts().to_vec();
    let mend = FollowUp::Repair {
        drafts: all(&played),
    };
    let estimate = played.run.estimate(mend.clone()).unwrap();
    assert_eq!((estimate.tasks, estimate.cost), (1, None));
    assert!(
        estimate.usage.input > 0 && estimate.usage.output == 25,
        "{estimate:?}"
    );
    let mut played = played.then(Event::FollowUp(mend), |asked| {
        let says = asked.says();
        assert!(
            says.contains("{\"key\":\"b\",\"title\":\"x\"}\n- /title: "),
            "{says}"
        );
        assert!(
            says.contains("{\"key\":\"a\",\"title\":\"Do a\"}\n"),
            "the kept ones are named"
        );
        assert!(!says.contains("Do c"), "a rejected one is not");
        assert_eq!(asked.count(), 1);
        Reply::says(r#"{"tasks":[{"key":"b","title":"Do b"}]}"#, "stop")
    });
    assert_eq!(
        suggested_edits(&played, 2),
        [r#"{"key":"b","title":"Do b"}"#]
    );
    for (old, new) in before.iter().zip(played.run.drafts()) {
        assert_eq!((&old.content, &old.review), (&new.content, &new.review));
    }
    assert_eq!(played.code(), "complete", "the batch's own outcome stays");
    let second = id(&played, 2);
    ok(
        &mut played,
        Event::AcceptSuggestedEdits {
            draft: second.clone(),
        },
    );
    assert_eq!(text(&played, 2), r#"{"key":"b","title":"Do b"}"#);
    assert!(suggested_edits(&played, 2).is_empty());
    let again = played
        .run
        .apply(Event::AcceptSuggestedEdits { draft: second }, 0);
    assert_eq!(again.refused, Some(RunError::WrongState));
}

#[test]
fn rejected_tasks_are_asked_for_again_with_the_reasons() {
    let played = reviewed();
    let replace = FollowUp::Regenerate {
        drafts: all(&played),
    };
    let mut played = played.then(Event::FollowUp(replace), |asked| {
        assert!(
            asked
                .says()
                .contains("{\"key\":\"c\",\"title\":\"Do c\"}\nRejected because: too vague\n")
        );
        Reply::tasks(["c-2"])
    });
    let third = id(&played, 3);
    ok(
        &mut played,
        Event::AcceptSuggestedEdits {
            draft: third.clone(),
        },
    );
    let draft = played.run.draft(&third).unwrap();
    assert_eq!(draft.content.text(), r#"{"key":"c-2","title":"Do c-2"}"#);
    assert_ne!(
        Run::state(draft),
        DraftState::Rejected,
        "it is looked at anew"
    );
}

#[test]
fn a_revised_task_stays_as_it_was_approved_until_the_revision_is_accepted() {
    let played = reviewed();
    let first = id(&played, 1);
    let revise = |instruction: &str| FollowUp::Revise {
        draft: first.clone(),
        instruction: instruction.to_owned(),
    };
    assert_eq!(
        played.run.estimate(revise("  ")),
        None,
        "without words there is nothing to ask"
    );
    let mut played = played.then(Event::FollowUp(revise("Say it in French")), |asked| {
        let says = asked.says();
        assert!(
            says.contains("{\"key\":\"a\",\"title\":\"Do a\"}\n\nInstruction: Say it in French\n")
        );
        Reply::says(
            r#"{"tasks":[{"key":"a","title":"Faire a"},{"key":"z","title":"Unasked"}]}"#,
            "stop",
        )
    });
    assert_eq!(
        suggested_edits(&played, 1),
        [r#"{"key":"a","title":"Faire a"}"#]
    );
    assert_eq!(
        played.run.drafts().len(),
        4,
        "what nobody asked for is no task"
    );
    assert!(played.run.draft(&first).unwrap().approval().is_some());
    ok(
        &mut played,
        Event::AcceptSuggestedEdits {
            draft: first.clone(),
        },
    );
    assert!(played.run.draft(&first).unwrap().approval().is_none());
    assert_eq!(text(&played, 1), r#"{"key":"a","title":"Faire a"}"#);
}

#[test]
fn a_task_is_split_into_tasks_of_their_own() {
    let played = reviewed();
    let fourth = id(&played, 4);
    let split = |parts| FollowUp::Split {
        draft: fourth.clone(),
        parts,
        instruction: String::new(),
    };
    for parts in [0, 1, 21] {
        assert_eq!(played.run.estimate(split(parts)), None);
    }
    let mut played = played.then(Event::FollowUp(split(2)), |asked| {
        assert_eq!(asked.count(), 2);
        Reply::tasks(["d-1", "d-2"])
    });
    let kinds: Vec<_> = {
        let held = &played.run.draft(&fourth).unwrap().suggested_edits;
        held.iter().map(|one| one.kind).collect()
    };
    assert_eq!(kinds, [SuggestedEditKind::Part; 2]);
    ok(
        &mut played,
        Event::AcceptSuggestedEdits {
            draft: fourth.clone(),
        },
    );
    let fourth = played.run.draft(&fourth).unwrap();
    assert_eq!(Run::state(fourth), DraftState::Rejected);
    assert_eq!(text(&played, 5), r#"{"key":"d-1","title":"Do d-1"}"#);
    assert_eq!(text(&played, 6), r#"{"key":"d-2","title":"Do d-2"}"#);
    assert_eq!(played.run.generation_progress().unwrap().tasks, 4);
}

#[test]
fn answers_find_their_tasks_by_key_and_a_later_answer_takes_an_earlier_ones_place() {
    let world = World {
        count: 2,
        ..World::default()
    };
    let answer = r#"{"tasks":[{"key":"a","title":"x"},{"key":"b","title":"y"}]}"#;
    let played = world.play([Reply::says(answer, "stop")]);
    let mend = FollowUp::Repair {
        drafts: all(&played),
    };
    let played = played.then(Event::FollowUp(mend.clone()), |_| Reply::tasks(["b", "a"]));
    assert!(suggested_edits(&played, 1)[0].contains("Do a"));
    assert!(suggested_edits(&played, 2)[0].contains("Do b"));
    let mut played = played.then(Event::FollowUp(mend), |_| Reply::tasks(["a"]));
    assert_eq!(suggested_edits(&played, 1).len(), 1);
    let second = id(&played, 2);
    ok(&mut played, Event::DiscardSuggestedEdits { draft: second });
    assert!(suggested_edits(&played, 2).is_empty());
}

#[test]
fn how_asking_again_ends_says_nothing_of_the_batch() {
    let played = reviewed();
    let mend = FollowUp::Repair {
        drafts: all(&played),
    };
    let played = played.then(Event::FollowUp(mend), |_| Reply::status(401, ""));
    assert_eq!(played.code(), "complete");
    let GenerationState::Ended { outcome, .. } = played.run.follow_up_state() else {
        panic!("it has ended");
    };
    assert_eq!(outcome.code(), "key_refused");
    assert!(!played.run.approvable().is_empty());
}

#[test]
fn what_has_proposals_comes_back_with_them() {
    let played = reviewed();
    let mend = FollowUp::Repair {
        drafts: all(&played),
    };
    let played = played.then(Event::FollowUp(mend), |_| Reply::tasks(["b"]));
    let record = serde_json::to_string(&played.run.record()).unwrap();
    let drafts = played.run.drafts().iter().map(|draft| {
        let text = serde_json::to_string(&Run::draft_record(draft)).unwrap();
        taskwright::run::DraftRecord::read(&text).unwrap()
    });
    let record = taskwright::run::RunRecord::read(&record).unwrap();
    let (back, _) = Run::restore_from(record, drafts.collect(), 0).unwrap();
    assert_eq!(back.drafts(), played.run.drafts());
    assert_eq!(back.requests(), played.run.requests());
    assert_eq!(back.follow_up_state(), played.run.follow_up_state());
}
