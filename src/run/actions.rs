//! The actions that a draft allows. The task list, the open task, the keyboard and the run itself
//! all use these definitions.

use super::event::RunError;
use super::{Mode, Run, TaskDraft};
use crate::delivery::ResendRisk;
#[cfg(test)]
use crate::delivery::body::BodyForm;
use crate::delivery::receipt::DeliveryStage;
use crate::review::{DraftState, Origin, Review};
use crate::settings::Connection;

/// What a run allows for its drafts in general.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionContext {
    /// Whether the run is dry or live.
    pub mode: Mode,
    /// Whether tasks can be approved and rejected: generation is complete, or its partial response
    /// was accepted.
    pub allows_decisions: bool,
    /// Whether the model can be asked about single tasks.
    pub allows_follow_ups: bool,
    /// Whether the task server is known to honour idempotency keys.
    pub honours_keys: bool,
}

/// The actions that one draft allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DraftActions {
    /// Approve the task.
    pub can_approve: bool,
    /// Reject the task.
    pub can_reject: bool,
    /// Withdraw its approval or its rejection.
    pub can_undo: bool,
    /// Delete it from the run.
    pub can_delete: bool,
    /// Change its text.
    pub can_edit: bool,
    /// Go back to the text as it was proposed.
    pub can_restore: bool,
    /// Ask the model to revise or split it.
    pub can_follow_up: bool,
    /// Post it again after the server refused it or did not accept it.
    pub can_retry: bool,
    /// Look it up on the task server. Its key must have been sent to a server that honours keys.
    pub can_look_up: bool,
    /// Decide whether it was delivered.
    pub can_decide: bool,
}

impl DraftActions {
    /// The actions that `draft` allows in `context`.
    #[must_use]
    pub fn new(draft: &TaskDraft, context: &ActionContext) -> DraftActions {
        let state = Run::state(draft);
        let can_edit = check_editable(draft).is_ok();
        let is_unconfirmed = state == DraftState::Unconfirmed;
        DraftActions {
            can_approve: can_approve(draft, context),
            can_reject: context.allows_decisions
                && matches!(
                    state,
                    DraftState::Checking
                        | DraftState::Invalid
                        | DraftState::Ready
                        | DraftState::Approved
                ),
            can_undo: matches!(state, DraftState::Approved | DraftState::Rejected),
            can_delete: can_delete(draft),
            can_edit,
            can_restore: can_edit && draft.is_edited(),
            can_follow_up: context.allows_follow_ups && can_edit && draft.content.is_json(),
            can_retry: matches!(state, DraftState::Refused | DraftState::Failed)
                && draft.approval().is_some(),
            can_look_up: is_unconfirmed
                && context.mode == Mode::Live
                && context.honours_keys
                && draft.delivery.is_key_sent(),
            can_decide: is_unconfirmed,
        }
    }
}

impl Run {
    /// What this run allows for its drafts in general.
    #[must_use]
    pub fn action_context(&self) -> ActionContext {
        ActionContext {
            mode: self.mode,
            allows_decisions: self.generation.allows_approval(),
            allows_follow_ups: self.may_follow_up(),
            honours_keys: self.honours_keys(),
        }
    }

    /// The actions that one of its drafts allows.
    #[must_use]
    pub fn actions(&self, draft: &TaskDraft) -> DraftActions {
        DraftActions::new(draft, &self.action_context())
    }
}

/// Whether a draft can be approved: it is valid, nothing was decided about it yet, and generation
/// has ended.
pub(super) fn can_approve(draft: &TaskDraft, context: &ActionContext) -> bool {
    context.allows_decisions
        && Run::state(draft) == DraftState::Ready
        && check_approvable(draft, context.mode).is_ok()
}

/// Checks that text and decision of a draft may change: it was neither deleted nor sent.
pub(super) fn check_editable(draft: &TaskDraft) -> Result<(), RunError> {
    if draft.review == Review::Deleted {
        return Err(RunError::NoSuchTask);
    }
    check_unsent(draft)
}

/// Checks that a draft was not sent. A queued task waits in its approved form. One that was sent, or may
/// have been, stays as it is.
pub(super) fn check_unsent(draft: &TaskDraft) -> Result<(), RunError> {
    match draft.delivery.stage {
        DeliveryStage::Idle
        | DeliveryStage::Dry
        | DeliveryStage::Refused
        | DeliveryStage::Failed => Ok(()),
        DeliveryStage::Queued => Err(RunError::WrongState),
        DeliveryStage::Sending | DeliveryStage::Delivered | DeliveryStage::Unconfirmed => {
            Err(RunError::HasLeft)
        }
    }
}

/// Whether a draft can be deleted: it was never posted, so no receipt is about it.
pub(super) fn can_delete(draft: &TaskDraft) -> bool {
    draft.delivery.stage == DeliveryStage::Idle
        && draft.delivery.attempts.is_empty()
        && draft.review != Review::Deleted
}

/// Checks that a draft may be approved in a run of this mode.
pub(super) fn check_approvable(draft: &TaskDraft, mode: Mode) -> Result<(), RunError> {
    check_editable(draft)?;
    if mode == Mode::Live && draft.origin == Origin::DryRun {
        return Err(RunError::MadeDry);
    }
    if !draft.is_valid() {
        return Err(RunError::NotValid);
    }
    Ok(())
}

/// Why posting an unconfirmed task again with its idempotency key could store it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResendObstacle {
    /// An earlier attempt cannot be repeated safely.
    Attempt(ResendRisk),
    /// The task server is not known to honour idempotency keys, or there is none.
    KeysNotHonoured,
}

/// What keeps `draft` from being posted again with its idempotency key at `now`, in milliseconds
/// since 1970. `None` if it can be, without being stored twice.
#[must_use]
pub fn resend_obstacle(
    connection: &Connection,
    draft: &TaskDraft,
    now: u64,
) -> Option<ResendObstacle> {
    let Some(server) = &connection.task_server else {
        return Some(ResendObstacle::KeysNotHonoured);
    };
    draft
        .delivery
        .resend_risk(
            &server.tasks_url(),
            server.idempotency_key_retention_ms(),
            now,
        )
        .map(ResendObstacle::Attempt)
        .or((!server.honours_idempotency_keys).then_some(ResendObstacle::KeysNotHonoured))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::delivery::{Attempt, Delivery, body};
    use crate::review::history::ReviewHistory;
    use crate::review::{Content, Draft, DraftId, Review, RunId};
    use crate::schema::Violation;

    const LIVE: ActionContext = ActionContext {
        mode: Mode::Live,
        allows_decisions: true,
        allows_follow_ups: true,
        honours_keys: true,
    };

    fn ready() -> TaskDraft {
        let text: Arc<str> = r#"{"key":"a"}"#.into();
        Draft {
            id: DraftId {
                run: RunId::from_bits(7),
                ordinal: 1,
            },
            origin: Origin::Model,
            proposed: Arc::clone(&text),
            content: Content::read(&text),
            revision: 0,
            violations: Some(Vec::new()),
            review: Review::Undecided,
            suggested_edits: Vec::new(),
            is_opened: false,
            history: ReviewHistory::default(),
            delivery: Delivery::default(),
        }
    }

    /// A draft in this state, reached the usual way: what was posted was approved and attempted.
    fn draft_in(state: DraftState) -> TaskDraft {
        let mut draft = ready();
        match state {
            DraftState::Ready => {}
            DraftState::Checking => draft.violations = None,
            DraftState::Invalid => {
                draft.violations = Some(vec![Violation {
                    instance_path: String::new(),
                    schema_path: String::new(),
                    keyword: "required".to_owned(),
                    message: "a title is required".to_owned(),
                    ..Violation::default()
                }]);
            }
            DraftState::Rejected => {
                draft.review = Review::Rejected {
                    reason: String::new(),
                };
            }
            DraftState::Deleted => draft.review = Review::Deleted,
            _ => {
                let text = draft.content.shared_text();
                draft.review =
                    Review::Approved(body::approve(&draft.id, &text, BodyForm::default()));
            }
        }
        draft.delivery.stage = match state {
            DraftState::Queued => DeliveryStage::Queued,
            DraftState::Sending => DeliveryStage::Sending,
            DraftState::Delivered => DeliveryStage::Delivered,
            DraftState::DryDelivered => DeliveryStage::Dry,
            DraftState::Refused => DeliveryStage::Refused,
            DraftState::Failed => DeliveryStage::Failed,
            DraftState::Unconfirmed => DeliveryStage::Unconfirmed,
            _ => DeliveryStage::Idle,
        };
        if let (DeliveryStage::Unconfirmed, Some(approval)) =
            (draft.delivery.stage, draft.approval())
        {
            let attempt = Attempt {
                number: 1,
                key: Arc::clone(&approval.key),
                digest: Arc::clone(&approval.digest),
                url: None,
                key_sent: true,
                is_test: false,
                started_at: 0,
                sent_at: Some(0),
                ended_at: Some(0),
                outcome: None,
            };
            draft.delivery.add_attempt(attempt);
        }
        assert_eq!(Run::state(&draft), state);
        draft
    }

    /// The names of the allowed actions.
    fn names(actions: DraftActions) -> Vec<&'static str> {
        let all = [
            ("approve", actions.can_approve),
            ("reject", actions.can_reject),
            ("undo", actions.can_undo),
            ("delete", actions.can_delete),
            ("edit", actions.can_edit),
            ("restore", actions.can_restore),
            ("follow up", actions.can_follow_up),
            ("retry", actions.can_retry),
            ("look up", actions.can_look_up),
            ("decide", actions.can_decide),
        ];
        let allowed = all.into_iter().filter(|(_, is_allowed)| *is_allowed);
        allowed.map(|(name, _)| name).collect()
    }

    #[test]
    fn each_state_allows_exactly_its_actions() {
        let expected: [(DraftState, &[&str]); 13] = [
            (
                DraftState::Checking,
                &["reject", "delete", "edit", "follow up"],
            ),
            (
                DraftState::Invalid,
                &["reject", "delete", "edit", "follow up"],
            ),
            (
                DraftState::Ready,
                &["approve", "reject", "delete", "edit", "follow up"],
            ),
            (
                DraftState::Approved,
                &["reject", "undo", "delete", "edit", "follow up"],
            ),
            (
                DraftState::Rejected,
                &["undo", "delete", "edit", "follow up"],
            ),
            (DraftState::Queued, &[]),
            (DraftState::Sending, &[]),
            (DraftState::Delivered, &[]),
            (DraftState::DryDelivered, &["edit", "follow up"]),
            (DraftState::Refused, &["edit", "follow up", "retry"]),
            (DraftState::Failed, &["edit", "follow up", "retry"]),
            (DraftState::Unconfirmed, &["look up", "decide"]),
            (DraftState::Deleted, &[]),
        ];
        for state in DraftState::ALL {
            let actions = names(DraftActions::new(&draft_in(state), &LIVE));
            let (_, expected) = expected.iter().find(|(of, _)| *of == state).unwrap();
            assert_eq!(actions, *expected, "{state:?}");
        }
    }

    #[test]
    fn a_task_can_be_looked_up_only_by_a_key_that_the_server_received() {
        let mut draft = draft_in(DraftState::Unconfirmed);
        let plain = ActionContext {
            honours_keys: false,
            ..LIVE
        };
        assert_eq!(names(DraftActions::new(&draft, &plain)), ["decide"]);
        for attempt in &mut draft.delivery.attempts {
            attempt.key_sent = false;
        }
        assert_eq!(names(DraftActions::new(&draft, &LIVE)), ["decide"]);
    }

    #[test]
    fn an_edited_task_can_be_restored_and_text_that_is_not_json_cannot_be_followed_up() {
        let mut draft = ready();
        draft.content = Content::read(&Arc::from("{"));
        assert_eq!(
            names(DraftActions::new(&draft, &LIVE)),
            ["reject", "delete", "edit", "restore"]
        );
    }

    #[test]
    fn while_tasks_arrive_no_decision_is_allowed_but_one_that_was_made_can_be_undone() {
        let context = ActionContext {
            allows_decisions: false,
            allows_follow_ups: false,
            ..LIVE
        };
        for (state, expected) in [
            (DraftState::Ready, &["delete", "edit"][..]),
            (DraftState::Approved, &["undo", "delete", "edit"]),
        ] {
            assert_eq!(
                names(DraftActions::new(&draft_in(state), &context)),
                expected,
                "{state:?}"
            );
        }
    }

    #[test]
    fn a_task_of_a_dry_run_can_be_approved_in_a_dry_run_only() {
        let mut draft = ready();
        draft.origin = Origin::DryRun;
        assert!(!DraftActions::new(&draft, &LIVE).can_approve);
        let dry = ActionContext {
            mode: Mode::Dry,
            ..LIVE
        };
        assert!(DraftActions::new(&draft, &dry).can_approve);
    }

    #[test]
    fn resending_needs_a_server_that_honours_keys_and_attempts_that_are_safe_to_repeat() {
        let mut connection = Connection::built_in();
        let draft = ready();
        assert_eq!(
            resend_obstacle(&connection, &draft, 0),
            Some(ResendObstacle::KeysNotHonoured)
        );
        if let Some(server) = &mut connection.task_server {
            server.honours_idempotency_keys = true;
        }
        assert_eq!(resend_obstacle(&connection, &draft, 0), None);
        connection.task_server = None;
        assert_eq!(
            resend_obstacle(&connection, &draft, 0),
            Some(ResendObstacle::KeysNotHonoured)
        );
    }
}
