//! Who goes next, and when.

use std::sync::Arc;

use crate::delivery::Attempt;
use crate::delivery::receipt::Stage;
use crate::review::DraftId;
use crate::run::event::{Effect, Posting, Step};
use crate::run::{Batch, Mode, Pace, Pause, Run};
use crate::settings::DEFAULT_CONCURRENCY;

/// What is to be done now.
enum Turn {
    /// Send this one.
    Send(DraftId),
    /// Look again then, in milliseconds since 1970.
    WaitUntil(u64),
    /// What is on its way, or the network coming back, brings it on.
    Wait,
    /// All that is left waits for tasks that will not arrive by themselves.
    Blocked,
    /// Nothing is left.
    Done,
}

impl Run {
    /// A timer went off, or the page woke up: what may go now goes.
    pub(in crate::run) fn woke(&mut self, now: u64, step: &mut Step) {
        self.next(now, step);
    }

    /// The browser says whether it has a network. Servers on this machine do not need one.
    pub(in crate::run) fn network_changed(&mut self, is_online: bool, now: u64, step: &mut Step) {
        if self.dispatch.is_offline == is_online {
            self.dispatch.is_offline = !is_online;
            if self.is_posting() {
                step.changes.push(crate::run::Change::Run);
            }
            self.next(now, step);
        }
    }

    /// Sends whoever may go now, as many as may be on their way at a time, and has those that
    /// follow written down meanwhile.
    pub(super) fn next(&mut self, now: u64, step: &mut Step) {
        self.let_written_leave(now, step);
        if self.queue().sending() > self.room() + self.ahead() / 2 {
            // They are written down several at a time: each transaction has its price.
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
            if sending >= self.room() + self.ahead() {
                return;
            }
            match self.turn(now) {
                Turn::Send(id) => self.send(&id, now, step),
                Turn::WaitUntil(at) => {
                    step.effects.push(Effect::WakeAt(at));
                    return;
                }
                Turn::Wait => return,
                Turn::Blocked => return self.pause_for(Pause::Blocked, step),
                Turn::Done => return self.set_batch(Batch::Idle, step),
            }
        }
    }

    /// How many may be on their way at a time.
    fn room(&self) -> usize {
        match self.batch {
            Batch::Running { pace: Pace::Full } => {
                let server = self.task_server();
                usize::from(server.map_or(DEFAULT_CONCURRENCY, |server| server.concurrency))
            }
            _ => 1,
        }
    }

    /// How many may be written down before there is room for them, so that no request waits for
    /// the journal. Only where a server knows keys: should the page be gone before such a task has
    /// left, it is sent again with its key, while one without a key would be of unknown fate.
    fn ahead(&self) -> usize {
        let is_full = matches!(self.batch, Batch::Running { pace: Pace::Full });
        match is_full && self.honours_keys() && !self.dispatch.without_journal {
            true => 2 * self.room(),
            false => 0,
        }
    }

    /// Whether tasks are written down before there is room for them.
    #[must_use]
    pub fn writes_ahead(&self) -> bool {
        self.ahead() > 0
    }

    /// Whether so many are written down that the next transaction can be waited for.
    #[must_use]
    pub fn has_enough_written(&self) -> bool {
        self.dispatch.written.len() >= self.room()
    }

    /// Makes the requests of those that are written down, while there is room. Where the server has
    /// to be waited for they go back to the queue, and are written down again when they are due.
    fn let_written_leave(&mut self, now: u64, step: &mut Step) {
        let has_to_wait = self.is_cut_off() || self.dispatch.hold_until.is_some_and(|at| now < at);
        if self.is_posting() && has_to_wait {
            return self.hold_back(step);
        }
        // A task that was sent by hand goes although others wait behind a pause.
        while !self.dispatch.written.is_empty() && self.queue().under_way() < self.room() {
            if let Some(id) = self.dispatch.written.pop_front() {
                self.leave(&id, now, step);
            }
        }
    }

    /// Makes the request of an attempt that is written down.
    fn leave(&mut self, id: &DraftId, now: u64, step: &mut Step) {
        let Some(draft) = self.draft(id) else {
            return;
        };
        if draft.delivery.may_have_arrived() && !self.may_resend(draft, now) {
            // It waited so long that the server may have forgotten its key.
            self.take_back(id, step);
            return self.set_stage(id, Stage::Unconfirmed, step);
        }
        let Some(approval) = draft.approval().cloned() else {
            // One that is written down is approved; one that is not never leaves.
            return self.take_back(id, step);
        };
        let Some(draft) = self.draft_mut(id) else {
            return;
        };
        draft.delivery.awaits_slot = false;
        if let Some(last) = draft.delivery.attempts.last_mut() {
            last.left_at = Some(now);
            step.effects.push(Effect::Deliver(Posting {
                draft: id.clone(),
                attempt: last.number,
                approval,
            }));
        }
        step.shown.push(id.clone());
        self.tell_queue(id);
    }

    fn turn(&mut self, now: u64) -> Turn {
        if self.is_cut_off() {
            return Turn::Wait;
        }
        if let Some(until) = self.dispatch.hold_until {
            if now < until {
                return Turn::WaitUntil(until);
            }
            self.dispatch.hold_until = None;
        }
        // While one goes alone, it is the one that was tried before: another one would only be put
        // off as well.
        let is_alone = !matches!(self.batch, Batch::Running { pace: Pace::Full });
        let queue = self.queue();
        let (queued, sending) = (queue.queued(), queue.sending());
        let timed = queue.first_timed();
        let rank = match (timed, queue.first_ready()) {
            (Some((at, rank)), _) if at <= now => rank,
            (Some((at, _)), _) if is_alone => return Turn::WaitUntil(at),
            (_, Some(rank)) => rank,
            (Some((at, _)), None) => return Turn::WaitUntil(at),
            (None, None) if sending > 0 => return Turn::Wait,
            (None, None) if queued > 0 => return Turn::Blocked,
            (None, None) => return Turn::Done,
        };
        let plan = self.plan();
        match plan.at(rank).and_then(|place| self.drafts.get(place)) {
            Some(draft) => Turn::Send(draft.id.clone()),
            None => Turn::Wait,
        }
    }

    /// Whether the browser has no network and the server is not on this machine.
    pub(super) fn is_cut_off(&self) -> bool {
        self.dispatch.is_offline
            && self.mode == Mode::Live
            && self
                .task_server()
                .is_some_and(|server| !server.url.is_loopback())
    }

    /// Writes an attempt down; the request follows once that is done.
    pub(super) fn send(&mut self, id: &DraftId, now: u64, step: &mut Step) {
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
            // It waited so long that the server may have forgotten its key, or the connection
            // changed meanwhile.
            return self.set_stage(id, Stage::Unconfirmed, step);
        }
        let Some(draft) = self.draft_mut(id) else {
            return;
        };
        let Some(approval) = draft.approval().cloned() else {
            // A queued task is approved; one that is not never leaves.
            return self.set_stage(id, Stage::Idle, step);
        };
        let delivery = &mut draft.delivery;
        let number = delivery.last().map_or(0, |last| last.number) + 1;
        delivery.decided_by_operator = false;
        delivery.look_up = None;
        delivery.not_before = None;
        delivery.tries += 1;
        delivery.begin(Attempt {
            number,
            key: Arc::clone(&approval.key),
            digest: Arc::clone(&approval.digest),
            url,
            key_sent,
            started_at: now,
            left_at: without_journal.then_some(now),
            ended_at: None,
            outcome: None,
        });
        self.set_stage(id, Stage::Sending, step);
        step.effects.push(if without_journal {
            Effect::Deliver(Posting {
                draft: id.clone(),
                attempt: number,
                approval,
            })
        } else {
            Effect::Journal {
                draft: id.clone(),
                attempt: number,
            }
        });
    }
}
