//! Undo and redo.

use proptest::prelude::*;

use super::*;
use crate::review::Review;
use crate::review::history::{KeptDecision, UndoableAction};

const A: &str = r#"{"key":"a","title":"A"}"#;
const B: &str = r#"{"key":"b","title":"B"}"#;

impl Harness {
    /// Completes the checks that were asked for: every text is valid.
    fn check_all(&mut self) {
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Check {
                    draft, revision, ..
                } => self.ok(Event::Checked {
                    draft,
                    revision,
                    violations: Vec::new(),
                }),
                other => self.effects.push(other),
            }
        }
    }

    fn text(&self, ordinal: u32) -> String {
        let draft = self.run.draft(&self.id(ordinal)).unwrap();
        draft.content.text().to_owned()
    }

    fn edit(&mut self, ordinal: u32, text: &str) {
        // A pause, so that it is a step of its own.
        self.now += 10_000;
        self.ok(Event::Edit {
            draft: self.id(ordinal),
            text: text.to_owned(),
        });
        self.check_all();
    }

    fn undo(&mut self) {
        self.ok(Event::Undo);
        self.check_all();
    }

    fn redo(&mut self) {
        self.ok(Event::Redo);
        self.check_all();
    }

    fn undoable(&self) -> Option<String> {
        self.run.undoable().map(|step| step.text())
    }

    fn redoable(&self) -> Option<String> {
        self.run.redoable().map(|step| step.text())
    }
}

#[test]
fn an_action_on_many_tasks_is_one_step() {
    let mut harness = Harness::imported(Mode::Live, &[A, B]);
    harness.approve_all();
    let approval = harness
        .run
        .draft(&harness.id(1))
        .unwrap()
        .approval()
        .cloned();
    assert_eq!(harness.undoable().as_deref(), Some("2 tasks approved"));

    harness.undo();
    assert_eq!(harness.state(1), DraftState::Ready);
    assert_eq!(harness.state(2), DraftState::Ready);
    assert_eq!(harness.redoable().as_deref(), Some("2 tasks approved"));

    harness.redo();
    let again = harness.run.draft(&harness.id(1)).unwrap().approval();
    assert_eq!(again, approval.as_ref(), "the same bytes and the same key");
    assert_eq!(harness.state(2), DraftState::Approved);
}

#[test]
fn undo_puts_text_and_decision_back_step_by_step_also_after_a_reload() {
    let mut harness = Harness::imported(Mode::Live, &[A, B]);
    let edited = r#"{"key":"a","title":"A2"}"#;
    harness.edit(1, edited);
    harness.ok(Event::Reject {
        drafts: vec![harness.id(2)],
        reason: "too big".to_owned(),
    });
    harness.ok(Event::Restore {
        draft: harness.id(1),
    });
    harness.check_all();
    harness.reload();

    assert_eq!(
        harness.undoable().as_deref(),
        Some("1 task restored to the original text")
    );
    harness.undo();
    assert_eq!(harness.text(1), edited);
    harness.undo();
    assert_eq!(harness.state(2), DraftState::Ready);
    harness.undo();
    assert_eq!(harness.text(1), A);
    assert_eq!(harness.state(1), DraftState::Ready);

    harness.reload();
    harness.redo();
    assert_eq!(harness.text(1), edited);
    harness.redo();
    let rejected = &harness.run.draft(&harness.id(2)).unwrap().review;
    let reason = "too big".to_owned();
    assert_eq!(*rejected, Review::Rejected { reason });
}

#[test]
fn a_new_action_ends_what_could_be_redone() {
    let mut harness = Harness::imported(Mode::Live, &[A, B]);
    harness.edit(1, r#"{"key":"x"}"#);
    harness.undo();
    assert!(harness.redoable().is_some());
    harness.ok(Event::Approve {
        drafts: vec![harness.id(2)],
    });
    assert_eq!(harness.redoable(), None);
    assert_eq!(harness.apply(Event::Redo), Some(RunError::NothingToUndo));
}

#[test]
fn keystrokes_without_a_pause_are_one_step() {
    let mut harness = Harness::imported(Mode::Live, &[A, B]);
    for text in ["{", r#"{"key""#, r#"{"key":"x"}"#] {
        harness.now += 1_500;
        harness.ok(Event::Edit {
            draft: harness.id(1),
            text: text.to_owned(),
        });
    }
    harness.check_all();
    harness.undo();
    assert_eq!(harness.text(1), A);
    harness.redo();
    assert_eq!(harness.text(1), r#"{"key":"x"}"#);
    // What was redone is not changed by the next edit, and neither is an action between two edits.
    harness.edit(1, r#"{"key":"y"}"#);
    harness.ok(Event::Approve {
        drafts: vec![harness.id(2)],
    });
    harness.ok(Event::Edit {
        draft: harness.id(1),
        text: r#"{"key":"z"}"#.to_owned(),
    });
    harness.check_all();
    harness.undo();
    assert_eq!(harness.text(1), r#"{"key":"y"}"#);
    assert_eq!(harness.state(2), DraftState::Approved);
}

#[test]
fn an_action_without_effect_is_no_step() {
    let mut harness = Harness::imported(Mode::Live, &[A]);
    harness.edit(1, A);
    harness.ok(Event::UndoDecisions {
        drafts: vec![harness.id(1)],
    });
    harness.ok(Event::Open {
        draft: harness.id(1),
    });
    assert_eq!(harness.undoable().as_deref(), Some("1 task added"));
}

#[test]
fn the_approval_of_a_text_comes_back_only_with_that_text() {
    let mut harness = Harness::imported(Mode::Live, &[A]);
    harness.approve_all();
    harness.edit(1, r#"{"key":"a","title":"A2"}"#);
    harness.undo();
    // The text is checked again, so the operator decides again.
    assert_eq!(harness.text(1), A);
    assert_eq!(harness.state(1), DraftState::Ready);
    assert_eq!(harness.undoable().as_deref(), Some("1 task added"));
}

#[test]
fn approvals_for_another_server_do_not_come_back() {
    let elsewhere = |harness: &Harness| {
        let mut connection = harness.run.connection().clone();
        connection.task_server.as_mut().unwrap().url =
            Address::parse("https://elsewhere.example").unwrap();
        Event::Connect(Box::new(connection))
    };
    let mut harness = Harness::imported(Mode::Live, &[A]);
    harness.approve_all();
    harness.undo();
    harness.ok(elsewhere(&harness));
    assert_eq!(harness.redoable(), None);
    assert_eq!(harness.state(1), DraftState::Ready);

    let mut harness = Harness::imported(Mode::Live, &[A]);
    harness.approve_all();
    harness.ok(Event::Reject {
        drafts: vec![harness.id(1)],
        reason: String::new(),
    });
    harness.ok(elsewhere(&harness));
    harness.undo();
    assert_eq!(harness.state(1), DraftState::Ready);
}

#[test]
fn what_was_sent_is_not_undone() {
    let mut harness = Harness::imported(Mode::Live, &[A, B]);
    harness.approve_all();
    harness.post();
    assert_eq!(harness.run.undoable(), None, "both are queued");
    let mut is_first = true;
    harness.run_effects(|_| {
        if std::mem::take(&mut is_first) {
            delivered()
        } else {
            refused()
        }
    });
    assert_eq!(harness.state(1), DraftState::Delivered);
    assert_eq!(harness.state(2), DraftState::Refused);
    assert_eq!(harness.apply(Event::Undo), Some(RunError::NothingToUndo));
    // A refused task is edited again, and this can be undone.
    harness.edit(2, r#"{"key":"b","title":"B2"}"#);
    harness.undo();
    assert_eq!(harness.text(2), B);
    assert_eq!(harness.state(1), DraftState::Delivered);
}

#[test]
fn a_deleted_task_leaves_the_run_and_comes_back_by_undo() {
    let mut harness = Harness::imported(Mode::Live, &[A, A, B]);
    assert_eq!(harness.state(2), DraftState::Invalid, "it has the same key");
    harness.ok(Event::Delete {
        drafts: vec![harness.id(1)],
    });
    assert_eq!(harness.state(1), DraftState::Deleted);
    assert_eq!(harness.run.counts().total(), 2);
    assert_eq!(harness.state(2), DraftState::Ready, "the key is free");
    for event in [
        Event::Edit {
            draft: harness.id(1),
            text: B.to_owned(),
        },
        Event::Approve {
            drafts: vec![harness.id(1)],
        },
        Event::Reject {
            drafts: vec![harness.id(1)],
            reason: String::new(),
        },
        Event::UndoDecisions {
            drafts: vec![harness.id(1)],
        },
        Event::Delete {
            drafts: vec![harness.id(1)],
        },
    ] {
        assert!(harness.apply(event.clone()).is_some(), "{event:?}");
        assert_eq!(harness.state(1), DraftState::Deleted, "{event:?}");
    }
    harness.approve_all();
    harness.post();
    let sent = harness.run_effects(|_| delivered());
    assert_eq!(sent.len(), 2);
    harness.reload();
    assert_eq!(harness.undoable().as_deref(), Some("1 task deleted"));
    harness.undo();
    assert_eq!(harness.state(1), DraftState::Invalid, "its key is taken");
}

#[test]
fn a_task_that_was_posted_is_not_deleted() {
    let mut harness = Harness::imported(Mode::Live, &[A]);
    harness.approve_all();
    harness.post();
    harness.run_effects(|_| refused());
    let drafts = vec![harness.id(1)];
    let refusal = harness.apply(Event::Delete { drafts });
    assert_eq!(refusal, Some(RunError::HasLeft));
}

#[test]
fn imported_tasks_are_removed_and_added_again() {
    let mut harness = Harness::imported(Mode::Live, &[A]);
    harness.ok(Event::Import {
        texts: vec![B.into(), r#"{"key":"c"}"#.into()],
    });
    harness.check_all();
    let step = harness.run.undoable().unwrap();
    assert_eq!((step.action, step.count), (UndoableAction::Add, 2));
    harness.undo();
    assert_eq!(harness.run.counts().total(), 1);
    harness.redo();
    assert_eq!(harness.run.counts().total(), 3);
    assert_eq!(harness.state(3), DraftState::Ready);
}

#[test]
fn the_parts_of_a_split_are_undone_with_it() {
    let mut harness = Harness::new(Mode::Live);
    harness.arrive(A, Vec::new());
    harness.end(GenerationOutcome::Complete);
    harness.ok(Event::FollowUp(FollowUp::Split {
        draft: harness.id(1),
        parts: 2,
        instruction: String::new(),
    }));
    harness.arrive(r#"{"key":"a1"}"#, Vec::new());
    harness.arrive(r#"{"key":"a2"}"#, Vec::new());
    harness.end(GenerationOutcome::Complete);
    harness.ok(Event::AcceptSuggestedEdits {
        draft: harness.id(1),
    });
    assert_eq!(harness.run.counts().total(), 3);
    harness.undo();
    assert_eq!(harness.run.counts().total(), 1);
    assert_eq!(harness.state(1), DraftState::Ready);
    harness.redo();
    assert_eq!(harness.state(1), DraftState::Rejected);
    assert_eq!(harness.state(3), DraftState::Ready);
}

/// An action on some of three tasks.
fn action() -> impl Strategy<Value = (u8, Vec<u32>, u8)> {
    (0..6u8, prop::collection::vec(1..=3u32, 1..3), 0..4u8)
}

/// Text, decision and state of each task.
fn seen(run: &Run) -> Vec<(String, KeptDecision, DraftState)> {
    let of = |draft: &Arc<TaskDraft>| {
        let decision = KeptDecision::from(&draft.review);
        (draft.content.text().to_owned(), decision, Run::state(draft))
    };
    run.drafts().iter().map(of).collect()
}

#[test]
fn the_parts_of_one_action_are_undone_and_redone_together() {
    let mut harness = Harness::imported(Mode::Live, &[A, B]);
    harness.check_all();
    let whole = harness.run.last_action();
    let part = |harness: &mut Harness, ordinal, action| {
        let drafts = vec![harness.id(ordinal)];
        let step = harness
            .run
            .apply_part(Event::Approve { drafts }, harness.now, action);
        assert_eq!(step.refused, None);
        harness.run.last_action()
    };
    let action = part(&mut harness, 1, None);
    assert!(action > whole);
    assert_eq!(part(&mut harness, 2, Some(action)), action);
    assert_eq!(harness.undoable().as_deref(), Some("2 tasks approved"));
    harness.undo();
    assert_eq!(harness.run.counts().of(DraftState::Ready), 2);
    assert_eq!(harness.redoable().as_deref(), Some("2 tasks approved"));
    harness.redo();
    assert_eq!(harness.run.counts().of(DraftState::Approved), 2);
}

#[test]
fn a_part_about_a_task_that_was_changed_meanwhile_is_an_action_of_its_own() {
    let mut harness = Harness::imported(Mode::Live, &[A, B]);
    harness.check_all();
    let first = harness.id(1);
    harness.ok(Event::Approve {
        drafts: vec![first],
    });
    let action = harness.run.last_action();
    harness.edit(2, r#"{"key":"b","title":"Changed"}"#);
    let drafts = vec![harness.id(2)];
    let step = harness
        .run
        .apply_part(Event::Approve { drafts }, harness.now, Some(action));
    assert_eq!(step.refused, None);
    for expected in [
        "1 task approved",
        "1 task edited",
        "1 task approved",
        "2 tasks added",
    ] {
        assert_eq!(harness.undoable().as_deref(), Some(expected));
        harness.undo();
    }
}

#[test]
fn a_step_that_would_change_nothing_is_passed_over() {
    let mut harness = Harness::imported(Mode::Live, &[A]);
    harness.check_all();
    let first = harness.id(1);
    harness.ok(Event::Approve {
        drafts: vec![first],
    });
    harness.edit(1, r#"{"key":"a","title":"Changed"}"#);
    harness.undo();
    assert_eq!(harness.text(1), A);
    // The text was restored without its approval, so no approval is left to undo.
    assert_eq!(harness.undoable().as_deref(), Some("1 task added"));
    harness.undo();
    assert_eq!(harness.undoable(), None);
    harness.redo();
    assert_eq!(harness.redoable().as_deref(), Some("1 task edited"));
    harness.redo();
    assert_eq!(harness.text(1), r#"{"key":"a","title":"Changed"}"#);
    assert_eq!(harness.redoable(), None);
}

proptest! {
    /// Undoing every step leads through the states in reverse order, except that an approval that an edit
    /// withdrew stays withdrawn, and redoing all leads to the texts and decisions of the end.
    #[test]
    fn undo_and_redo_are_inverse(actions in prop::collection::vec(action(), 1..12)) {
        let mut harness = Harness::imported(Mode::Live, &[A, B, r#"{"key":"c"}"#]);
        let mut states = vec![seen(&harness.run)];
        for (kind, ordinals, text) in actions {
            let drafts: Vec<DraftId> = ordinals.iter().map(|ordinal| harness.id(*ordinal)).collect();
            // An approval that an edit withdrew would come back as undecided.
            let is_approved = |id: &DraftId| harness.run.draft(id).unwrap().approval().is_some();
            let first = drafts[0].clone();
            let event = match kind {
                0 => Event::Approve { drafts },
                1 => Event::Reject { drafts, reason: format!("r{text}") },
                2 => Event::UndoDecisions { drafts },
                3 => Event::Delete { drafts },
                4 if is_approved(&first) => continue,
                4 => Event::Edit {
                    text: format!(r#"{{"key":"k{}","title":"{text}"}}"#, first.ordinal),
                    draft: first,
                },
                _ => Event::Import { texts: vec![format!(r#"{{"key":"n{}"}}"#, harness.run.drafts().len()).into()] },
            };
            harness.now += 10_000;
            harness.apply(event);
            harness.check_all();
            let now = seen(&harness.run);
            if Some(&now) != states.last() {
                states.push(now);
            }
        }
        let end = states.last().cloned();
        for expected in states.iter().rev().skip(1) {
            harness.reload();
            harness.undo();
            let shown = seen(&harness.run);
            prop_assert_eq!(&shown[..expected.len()], &expected[..]);
            prop_assert!(shown[expected.len()..].iter().all(|(_, _, state)| *state == DraftState::Deleted));
        }
        for _ in 1..states.len() {
            harness.redo();
        }
        prop_assert_eq!(Some(seen(&harness.run)), end);
        prop_assert_eq!(harness.run.redoable(), None);
    }
}
