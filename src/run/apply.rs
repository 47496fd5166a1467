//! Dispatches events to the parts of the run.

use super::Run;
use super::event::{Event, Step};

impl Run {
    /// Applies an event that happened at `now`, in milliseconds since 1970. Late events have no
    /// effect, such as the check of an earlier text or the outcome of an attempt that already ended.
    pub fn apply(&mut self, event: Event, now: u64) -> Step {
        let mut step = Step::default();
        let before = self.before_action(&event);
        let result = match event {
            Event::StopGeneration => self.stop_generation(now, &mut step),
            Event::AcceptPartial { outcome } => self.accept_partial(&outcome, &mut step),
            Event::RequestMissing { outcome } => self.request_missing(&outcome, now, &mut step),
            Event::FollowUp(follow_up) => self.follow_up(follow_up, now, &mut step),
            Event::AcceptSuggestedEdits { draft } => self.accept_suggested_edits(&draft, &mut step),
            Event::DiscardSuggestedEdits { draft } => {
                self.discard_suggested_edits(&draft, &mut step)
            }
            Event::TaskArrived {
                document,
                violations,
            } => self.task_arrived(&document, violations, &mut step),
            Event::UsageArrived(usage) => self.usage_arrived(usage, &mut step),
            Event::CallStarted { adaptations } => self.call_started(adaptations, &mut step),
            Event::NoticeArrived(notice) => self.add_notice(notice, &mut step),
            Event::CallEnded {
                outcome,
                raw_response,
                reasoning,
                proposal,
            } => {
                self.keep_response(raw_response, reasoning);
                self.call_ended(outcome, proposal, now, &mut step)
            }

            Event::Rename { name } => {
                self.rename(&name, &mut step);
                Ok(())
            }
            Event::Archive { archived } => {
                self.archive(archived, &mut step);
                Ok(())
            }
            Event::Import { texts } => self.import(&texts, &mut step),
            Event::Open { draft } => self.open(&draft, &mut step),
            Event::Edit { draft, text } => self.edit(&draft, &text, &mut step),
            Event::Restore { draft } => self.restore(&draft, &mut step),
            Event::Approve { drafts } => self.approve(&drafts, &mut step),
            Event::ApproveWithKey { draft, key } => self.approve_with_key(&draft, key, &mut step),
            Event::Reject { drafts, reason } => self.reject(&drafts, &reason, &mut step),
            Event::UndoDecisions { drafts } => self.undo_decisions(&drafts, &mut step),
            Event::Delete { drafts } => self.delete(&drafts, &mut step),
            Event::Undo => self.undo(&mut step),
            Event::Redo => self.redo(&mut step),
            Event::Checked {
                draft,
                revision,
                violations,
            } => self.checked(&draft, revision, violations, &mut step),

            Event::Post { digest } => self.post(&digest, now, &mut step),
            Event::PostTest { draft, digest } => self.post_test(&draft, &digest, now, &mut step),
            Event::Connect(connection) => self.connect(*connection, &mut step),
            Event::Pause => self.pause(&mut step),
            Event::Resume => self.resume(now, &mut step),
            Event::ContinueWithoutJournal => self.continue_without_journal(now, &mut step),
            Event::StopPosting => self.stop_posting(&mut step),
            Event::Retry { drafts } => self.retry(&drafts, now, &mut step),
            Event::ResendSameKey { draft } => self.resend_same_key(&draft, now, &mut step),
            Event::LookUp { draft } => self.look_up(&draft, &mut step),
            Event::Decide { draft, delivered } => self.decide(&draft, delivered, now, &mut step),
            Event::Journaled(entry) => self.journaled(&entry, now, &mut step),
            Event::JournalFailed {
                draft,
                attempt,
                reason,
            } => self.journal_failed(&draft, attempt, reason, &mut step),
            Event::AttemptEnded {
                draft,
                attempt,
                outcome,
            } => self.attempt_ended(&draft, attempt, outcome, now, &mut step),
            Event::LookedUp { draft, key, result } => {
                self.looked_up(&draft, &key, result, now, &mut step)
            }
            Event::Woke => {
                self.send_next(now, &mut step);
                self.retry_call_if_due(now, &mut step);
                Ok(())
            }
            Event::StoreCleared => {
                self.withdraw_unsent_attempts(&mut step);
                self.send_next(now, &mut step);
                Ok(())
            }
            Event::Network { is_online } => {
                self.network_changed(is_online, now, &mut step);
                Ok(())
            }
        };
        if let Err(error) = result {
            step.refused = Some(error);
        }
        if let Some(before) = before {
            self.remember(before, now, &mut step);
        }
        if !step.changes.is_empty() {
            self.changed_at = now;
        }
        step
    }
}
