//! Which part of the run an event belongs to.

use super::Run;
use super::event::{Event, Step};

impl Run {
    /// Takes an event that happened at `now` (milliseconds since 1970). Events that come too late
    /// (a check of an earlier text, an answer to an attempt that was settled) change nothing.
    pub fn apply(&mut self, event: Event, now: u64) -> Step {
        let mut step = Step::default();
        let done = match event {
            Event::StopGeneration => self.stop_generation(now, &mut step),
            Event::AcceptPartial { outcome } => self.accept_partial(&outcome, &mut step),
            Event::AskForMissing { outcome } => self.ask_for_missing(&outcome, now, &mut step),
            Event::FollowUp(again) => self.follow_up(again, now, &mut step),
            Event::AcceptSuggestedEdits { draft } => self.accept_suggested_edits(&draft, &mut step),
            Event::DiscardSuggestedEdits { draft } => {
                self.discard_suggested_edits(&draft, &mut step)
            }
            Event::TaskArrived {
                document,
                violations,
            } => self.task_arrived(&document, violations, &mut step),
            Event::UsageArrived(usage) => self.usage_arrived(usage, &mut step),
            Event::CallStarted { response_format } => self.call_made(response_format, &mut step),
            Event::NoticeArrived(note) => self.noted(note, &mut step),
            Event::CallEnded {
                outcome,
                raw_response,
            } => self.call_ended(outcome, raw_response, now, &mut step),

            Event::Import { texts } => self.bring(&texts, &mut step),
            Event::Edit { draft, text } => self.edit(&draft, &text, &mut step),
            Event::Restore { draft } => self.restore(&draft, &mut step),
            Event::Approve { drafts } => self.approve(&drafts, &mut step),
            Event::ApproveWithKey { draft, key } => self.approve_with_key(&draft, key, &mut step),
            Event::Reject { draft, reason } => self.reject(&draft, reason, &mut step),
            Event::UndoDecisions { drafts } => self.put_back(&drafts, &mut step),
            Event::Checked {
                draft,
                revision,
                violations,
            } => self.checked(&draft, revision, violations, &mut step),

            Event::Post { digest } => self.post(&digest, now, &mut step),
            Event::Connect(connection) => self.connect(*connection, &mut step),
            Event::Pause => self.pause(&mut step),
            Event::Resume => self.resume(now, &mut step),
            Event::ContinueWithoutJournal => self.continue_without_journal(now, &mut step),
            Event::StopPosting => self.stop_posting(&mut step),
            Event::Retry { drafts } => self.retry(&drafts, now, &mut step),
            Event::ResendSameKey { draft } => self.resend_same_key(&draft, now, &mut step),
            Event::LookUp { draft } => self.look_up(&draft, &mut step),
            Event::Decide { draft, delivered } => self.decide(&draft, delivered, &mut step),
            Event::Journaled { draft, attempt } => self.journaled(&draft, attempt, now, &mut step),
            Event::JournalFailed {
                draft,
                attempt,
                reason,
            } => self.journal_failed(&draft, attempt, reason, &mut step),
            Event::Answered {
                draft,
                attempt,
                outcome,
            } => self.answered(&draft, attempt, outcome, now, &mut step),
            Event::LookedUp { draft, answer } => self.looked_up(&draft, answer, now, &mut step),
            Event::Woke => {
                self.woke(now, &mut step);
                self.make_due_call(now, &mut step);
                Ok(())
            }
            Event::Network { is_online } => {
                self.network_changed(is_online, now, &mut step);
                Ok(())
            }
        };
        if let Err(error) = done {
            step.refused = Some(error);
        }
        step
    }
}
