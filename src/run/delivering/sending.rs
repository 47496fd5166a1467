//! Which tasks are posted next, and when.

use std::sync::Arc;

use super::stage_when_unqueued;
use crate::delivery::{Attempt, DeliveryStage, retry};
use crate::review::{Approval, DraftId};
use crate::run::event::{Effect, JournalEntry, Posting, Step};
use crate::run::{Batch, Mode, Pace, Pause, Run};
use crate::settings::DEFAULT_CONCURRENCY;

/// The next action of a running batch.
enum NextStep {
    /// Begin an attempt for this task.
    Begin(DraftId),
    /// Wait until this time, in milliseconds since 1970.
    WaitUntil(u64),
    /// Wait for a request in flight or for the network.
    Wait,
    /// All remaining tasks wait for dependencies that will not be delivered without the operator.
    Blocked,
    /// Nothing is left to do.
    End,
}

impl Run {
    /// Handles a change of the browser's network status.
    pub(in crate::run) fn network_changed(&mut self, is_online: bool, now: u64, step: &mut Step) {
        let was_online = !self.dispatch.is_offline;
        if was_online == is_online {
            return;
        }
        self.dispatch.is_offline = !is_online;
        if self.is_posting() {
            step.changes.push(crate::run::Change::Run);
        }
        self.send_next(now, step);
    }

    /// Sends journaled tasks up to the concurrency limit, and begins attempts for the tasks that
    /// follow so that they are journaled in the meantime.
    pub(in crate::run) fn send_next(&mut self, now: u64, step: &mut Step) {
        self.send_journaled(now, step);
        if self.queue().sending() > self.concurrency_limit() + self.journal_ahead_limit() / 2 {
            // Wait until half of the attempts journaled ahead are sent, so that the next ones share
            // a transaction.
            return;
        }
        loop {
            let (queued, sending) = (self.queue().queued(), self.queue().sending());
            if !self.is_posting() {
                if queued == 0 && sending == 0 {
                    self.set_batch(Batch::Idle, step);
                }
                return;
            }
            if sending >= self.concurrency_limit() + self.journal_ahead_limit() {
                return;
            }
            match self.next_step(now) {
                NextStep::Begin(id) => self.begin_attempt(&id, now, step),
                NextStep::WaitUntil(at) => {
                    step.effects.push(Effect::WakeAt(at));
                    return;
                }
                NextStep::Wait => return,
                NextStep::Blocked => return self.pause_for(Pause::Blocked, step),
                NextStep::End => return self.set_batch(Batch::Idle, step),
            }
        }
    }

    /// Maximum number of concurrent requests.
    fn concurrency_limit(&self) -> usize {
        match self.batch {
            Batch::Running { pace: Pace::Full } => {
                let server = self.task_server();
                usize::from(server.map_or(DEFAULT_CONCURRENCY, |server| server.concurrency))
            }
            _ => 1,
        }
    }

    /// How many attempts are journaled beyond the concurrency limit, so that no request waits for
    /// the journal. Only if the server honours keys: if the page is closed before such a task is
    /// sent, the task is posted again with its key. Without a key, it would be unconfirmed.
    fn journal_ahead_limit(&self) -> usize {
        let is_full = matches!(self.batch, Batch::Running { pace: Pace::Full });
        if is_full && self.honours_keys() && !self.dispatch.without_journal {
            2 * self.concurrency_limit()
        } else {
            0
        }
    }

    /// Whether attempts are journaled beyond the concurrency limit.
    #[must_use]
    pub fn journals_ahead(&self) -> bool {
        self.journal_ahead_limit() > 0
    }

    /// Whether enough attempts are journaled to delay the next transaction.
    #[must_use]
    pub fn has_enough_journaled(&self) -> bool {
        self.dispatch.ready_to_send.len() >= self.concurrency_limit()
    }

    /// Sends journaled tasks up to the concurrency limit. If sending has to wait for the server or
    /// the network, queues them again; they are journaled again when they are due.
    fn send_journaled(&mut self, now: u64, step: &mut Step) {
        let has_to_wait = self.lacks_network() || self.server_wait(now).is_some();
        if self.is_posting() && has_to_wait {
            return self.withdraw_unsent_attempts(step);
        }
        // While posting is paused, only a task that the operator resends individually can be ready.
        while !self.dispatch.ready_to_send.is_empty()
            && self.queue().in_flight() < self.concurrency_limit()
        {
            if let Some(id) = self.dispatch.ready_to_send.pop_front() {
                self.send_request(&id, now, step);
            }
        }
    }

    /// Until when the server asked to send nothing, if that is after `now`, in milliseconds since
    /// 1970. A wait beyond the retry limit does not count: the clock was set back.
    fn server_wait(&self, now: u64) -> Option<u64> {
        let until = self.dispatch.server_wait_until?;
        let wait = until.checked_sub(now)?;
        (wait > 0 && wait <= retry::MAX_TRYING_TIME).then_some(until)
    }

    /// Sends the request of a journaled attempt.
    fn send_request(&mut self, id: &DraftId, now: u64, step: &mut Step) {
        let Some(draft) = self.draft(id) else {
            return;
        };
        if draft.delivery.may_have_arrived() && !self.may_resend(draft, now) {
            // The server may have forgotten this task's key since the attempt was journaled.
            self.withdraw_attempt(id, step);
            return self.set_stage(id, DeliveryStage::Unconfirmed, step);
        }
        let is_journaled = |approval: &&Approval| {
            let last = draft.delivery.last();
            last.is_some_and(|last| last.digest == approval.digest)
        };
        let Some(approval) = draft.approval().filter(is_journaled).cloned() else {
            // Journaled tasks are approved. Without its approval, or with the approval of another
            // body, a task is never sent.
            return self.withdraw_attempt(id, step);
        };
        let Some(draft) = self.draft_mut(id) else {
            return;
        };
        draft.delivery.is_ready_to_send = false;
        if let Some(last) = draft.delivery.attempts.last_mut() {
            last.sent_at = Some(now);
            step.effects.push(Effect::Deliver(Posting {
                draft: id.clone(),
                attempt: last.number,
                approval,
            }));
        }
        step.display_changes.push(id.clone());
        self.update_queue(id);
    }

    fn next_step(&mut self, now: u64) -> NextStep {
        if self.lacks_network() {
            return NextStep::Wait;
        }
        if let Some(until) = self.server_wait(now) {
            return NextStep::WaitUntil(until);
        }
        self.dispatch.server_wait_until = None;
        // While posting one task at a time, retry the task that failed: another one would only be
        // delayed as well.
        let is_sequential = !matches!(self.batch, Batch::Running { pace: Pace::Full });
        let queue = self.queue();
        let (queued, sending) = (queue.queued(), queue.sending());
        let rank = match (queue.first_delayed(), queue.first_ready()) {
            (Some((at, rank)), _) if is_due(at, now) => rank,
            (Some((at, _)), _) if is_sequential => return NextStep::WaitUntil(at),
            (_, Some(rank)) => self.first_not_forbidden().unwrap_or(rank),
            (Some((at, _)), None) => return NextStep::WaitUntil(at),
            (None, None) if sending > 0 => return NextStep::Wait,
            (None, None) if queued > 0 => return NextStep::Blocked,
            (None, None) => return NextStep::End,
        };
        let plan = self.plan();
        match plan.at(rank).and_then(|index| self.drafts.get(index)) {
            Some(draft) => NextStep::Begin(draft.id.clone()),
            None => NextStep::Wait,
        }
    }

    /// The rank of the first task that may be posted now and was not answered with 403 twice in a row.
    pub(super) fn first_not_forbidden(&mut self) -> Option<usize> {
        let plan = self.plan();
        self.queue();
        let queue = self.dispatch.queue.as_ref()?;
        queue.ready().find(|rank| {
            let draft = plan.at(*rank).and_then(|index| self.drafts.get(index));
            draft.is_some_and(|draft| !draft.delivery.is_forbidden_repeatedly())
        })
    }

    /// Whether the browser is offline and the task server is not on this machine.
    pub(super) fn lacks_network(&self) -> bool {
        self.dispatch.is_offline
            && self.mode == Mode::Live
            && self
                .task_server()
                .is_some_and(|server| !server.url.is_loopback())
    }

    /// Begins an attempt. Its request is sent once the attempt is journaled.
    pub(super) fn begin_attempt(&mut self, id: &DraftId, now: u64, step: &mut Step) {
        let url = match self.mode {
            Mode::Dry => None,
            Mode::Live => self.tasks_url(),
        };
        let key_sent = url.is_some() && self.honours_keys();
        let without_journal = self.dispatch.without_journal;
        let Some(draft) = self.draft(id) else {
            return;
        };
        if draft.delivery.may_have_arrived() && !self.may_resend(draft, now) {
            // The server may have forgotten this task's key, or the connection may have changed.
            return self.set_stage(id, DeliveryStage::Unconfirmed, step);
        }
        // A repetition has the body and the address of the attempt that may have arrived.
        if !draft.delivery.may_have_arrived() && !self.is_approved_here(draft) {
            return self.withdraw_approval(id, step);
        }
        let Some(draft) = self.draft_mut(id) else {
            return;
        };
        let Some(approval) = draft.approval().cloned() else {
            // Queued tasks are approved. A task without approval is never sent.
            let stage = stage_when_unqueued(&draft.delivery);
            return self.set_stage(id, stage, step);
        };
        // What was sent is no longer undone.
        draft.history.clear();
        let delivery = &mut draft.delivery;
        let number = delivery.next_attempt_number();
        delivery.decided_by_operator = false;
        delivery.look_up = None;
        delivery.not_before = None;
        delivery.tries += 1;
        delivery.add_attempt(Attempt {
            number,
            key: Arc::clone(&approval.key),
            digest: Arc::clone(&approval.digest),
            url,
            key_sent,
            is_test: delivery.is_test,
            started_at: now,
            sent_at: without_journal.then_some(now),
            ended_at: None,
            outcome: None,
        });
        self.set_stage(id, DeliveryStage::Sending, step);
        step.effects.push(if without_journal {
            Effect::Deliver(Posting {
                draft: id.clone(),
                attempt: number,
                approval,
            })
        } else {
            Effect::Journal(JournalEntry {
                draft: id.clone(),
                attempt: number,
                digest: approval.digest,
            })
        });
    }
}

/// Whether a retry at `at` is due. A later one than the retry limit allows is: the clock was set
/// back.
fn is_due(at: u64, now: u64) -> bool {
    at.saturating_sub(now) == 0 || at.saturating_sub(now) > retry::MAX_TRYING_TIME
}
