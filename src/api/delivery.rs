//! Posts tasks for the JavaScript API, by the same state machine as the page, but without review
//! and without a journal: the caller keeps the receipts.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::error::ApiError;
use super::receipt::{JsReceipt, NotSent};
use super::{batch, schema};
use crate::delivery::body::{self, BodyForm};
use crate::delivery::receipt::DeliveryStage;
use crate::document::Document;
use crate::driver::{self, LiveDriver};
use crate::ports::{Clock, ModelTransport, StopSignal, TaskSink};
use crate::review::{Approval, DraftId, RunId};
use crate::run::{Batch, Effect, Event, Mode, Pause, Run, Start, Step, TaskDraft};
use crate::schema::{Check, TaskSchema, UNIQUE_KEY, Violation, agent_task_schema};
use crate::secrets::Keyring;
use crate::settings::{BodyTemplate, Connection, TaskServer};

/// The longest idempotency key that is accepted, in characters.
const MAX_KEY_CHARACTERS: usize = 200;

/// A task as the caller passes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskInput {
    /// The text of one JSON object.
    pub text: String,
    /// The idempotency key to use, such as the key of an earlier receipt. `None` derives a new one.
    pub idempotency_key: Option<String>,
}

/// A batch that was checked and is ready to be posted. Nothing has been sent yet.
#[derive(Debug)]
pub struct PreparedDelivery {
    run: Run,
    /// The step that queued the tasks; empty if none of them can be posted.
    step: Step,
    template: Option<BodyTemplate>,
}

/// Accepts every task, for callers who pass no schema.
struct AnyObject;

impl Check for AnyObject {
    fn check(&self, _task: &Document) -> Vec<Violation> {
        Vec::new()
    }
}

impl PreparedDelivery {
    /// Prepares a batch for `server`. With a `schema`, tasks that violate it are not posted;
    /// without one, every JSON object is, and key and dependencies are the members that the default
    /// schema has for them. New idempotency keys derive from `random`, 128 bits that nobody can
    /// guess. `now` is in milliseconds since 1970. A task that contains one of the `secrets` is not
    /// posted.
    ///
    /// # Errors
    /// [`ApiError::NotJson`] and [`ApiError::NotAnObject`] for texts that are not tasks,
    /// [`ApiError::Argument`] for an idempotency key that no header can carry or that two tasks
    /// share, and [`ApiError::Schema`].
    pub fn prepare(
        tasks: &[TaskInput],
        server: TaskServer,
        schema: Option<TaskSchema>,
        secrets: &Keyring,
        random: u128,
        now: u64,
    ) -> Result<PreparedDelivery, ApiError> {
        check_keys(tasks)?;
        let texts = tasks
            .iter()
            .enumerate()
            .map(|(index, task)| Ok(batch::task(&task.text, Some(index))?.shared_text()))
            .collect::<Result<Vec<Arc<str>>, ApiError>>()?;
        let check: Arc<dyn Check> = match &schema {
            Some(schema) => Arc::new(schema::compile(schema)?),
            None => Arc::new(AnyObject),
        };
        let check = secrets.task_check(check);
        let schema = match schema {
            Some(schema) => schema,
            None => TaskSchema::parse(agent_task_schema())?,
        };
        let template = server.body_template.clone();
        let (mut run, _) = Run::start(Start {
            id: RunId::from_bits(random),
            mode: Mode::Live,
            at: now,
            brief: None,
            connection: Connection {
                task_server: Some(server),
                ..Connection::named("")
            },
            schema,
        });
        for effect in run.apply(Event::Import { texts }, now).effects {
            if let Effect::Check {
                draft,
                revision,
                text,
            } = effect
            {
                run.apply(driver::checked(&*check, draft, revision, &text), now);
            }
        }
        approve(&mut run, tasks, now);
        let step = match run.confirmation() {
            Some(confirmation) => run.apply(
                Event::Post {
                    digest: confirmation.digest,
                },
                now,
            ),
            None => Step::default(),
        };
        Ok(PreparedDelivery {
            run,
            step,
            template,
        })
    }

    /// Posts the batch and returns one receipt for each task, in the order in which the tasks were
    /// given. `on_receipt` receives each receipt as soon as it is final. After `stop` no further
    /// request is made; those in flight are awaited.
    pub async fn post<M: ModelTransport, T: TaskSink, C: Clock>(
        self,
        driver: &LiveDriver<M, T>,
        clock: &C,
        stop: &StopSignal,
        on_receipt: &dyn Fn(&JsReceipt),
    ) -> Vec<JsReceipt> {
        let receipts = Receipts {
            template: self.template,
            started_at: self.run.started_at(),
            issued: RefCell::new(vec![None; self.run.drafts().len()]),
            on_receipt,
        };
        for draft in self.run.drafts() {
            if draft.approval().is_none() {
                receipts.issue_not_sent(draft, why_not_approved(draft));
            }
        }
        let posting = (self.run, self.step);
        let on_change = |draft: &TaskDraft| {
            if is_final(draft.delivery.stage) {
                receipts.issue(draft);
            }
        };
        let mut run = driver::run_delivery(driver, clock, posting, stop, &on_change).await;
        let why = why_not_sent(run.batch());
        // Dequeues the rest, so that a task that may have arrived becomes unconfirmed again.
        run.apply(Event::StopPosting, clock.now());
        for draft in run.drafts() {
            if draft.delivery.attempts.is_empty() {
                receipts.issue_not_sent(draft, why.clone());
            } else {
                receipts.issue(draft);
            }
        }
        receipts.issued.into_inner().into_iter().flatten().collect()
    }
}

/// The receipts of one delivery; each is issued once.
struct Receipts<'a> {
    template: Option<BodyTemplate>,
    /// When the delivery was prepared, in milliseconds since 1970.
    started_at: u64,
    /// By place in the batch.
    issued: RefCell<Vec<Option<JsReceipt>>>,
    on_receipt: &'a dyn Fn(&JsReceipt),
}

impl Receipts<'_> {
    fn form(&self) -> BodyForm<'_> {
        BodyForm {
            template: self.template.as_ref(),
            started_at: self.started_at,
        }
    }

    /// Issues the receipt of a task that was posted at least once.
    fn issue(&self, draft: &TaskDraft) {
        self.add(draft, |index, approval| {
            JsReceipt::of_delivery(index, approval, &draft.delivery)
        });
    }

    /// Issues the receipt of a task that was never posted.
    fn issue_not_sent(&self, draft: &TaskDraft, why: NotSent) {
        self.add(draft, |index, approval| {
            JsReceipt::not_sent(index, approval, why)
        });
    }

    fn add(&self, draft: &TaskDraft, make: impl FnOnce(usize, &Approval) -> JsReceipt) {
        let Some(index) = draft.id.index() else {
            return;
        };
        if self.issued.borrow().get(index).is_none_or(Option::is_some) {
            return;
        }
        let receipt = match draft.approval() {
            Some(approval) => make(index, approval),
            None => {
                let text = draft.content.shared_text();
                make(index, &body::approve(&draft.id, &text, self.form()))
            }
        };
        if let Some(issued) = self.issued.borrow_mut().get_mut(index) {
            *issued = Some(receipt.clone());
        }
        (self.on_receipt)(&receipt);
    }
}

/// Checks the idempotency keys that the caller chose.
fn check_keys(tasks: &[TaskInput]) -> Result<(), ApiError> {
    let wrong = |reason: String| ApiError::Argument {
        argument: "tasks",
        reason,
    };
    let mut used: HashMap<&str, usize> = HashMap::new();
    for (index, task) in tasks.iter().enumerate() {
        let Some(key) = task.idempotency_key.as_deref() else {
            continue;
        };
        let is_key = !key.is_empty()
            && key.len() <= MAX_KEY_CHARACTERS
            && key.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_key {
            return Err(wrong(format!(
                "[{index}] idempotencyKey must be 1 to {MAX_KEY_CHARACTERS} visible ASCII characters"
            )));
        }
        if let Some(other) = used.insert(key, index) {
            return Err(wrong(format!(
                "[{index}] has the same idempotencyKey as [{other}]"
            )));
        }
    }
    Ok(())
}

/// Approves the tasks of a run that break no rule, each under the key that the caller chose, if any.
fn approve(run: &mut Run, tasks: &[TaskInput], now: u64) {
    let ids: Vec<DraftId> = run.drafts().iter().map(|draft| draft.id.clone()).collect();
    let mut without_key = Vec::new();
    for (draft, task) in ids.into_iter().zip(tasks) {
        match &task.idempotency_key {
            Some(key) => {
                let key = key.as_str().into();
                // A task that breaks a rule is refused here and gets its receipt later.
                run.apply(Event::ApproveWithKey { draft, key }, now);
            }
            None => without_key.push(draft),
        }
    }
    run.apply(
        Event::Approve {
            drafts: without_key,
        },
        now,
    );
}

fn is_final(stage: DeliveryStage) -> bool {
    match stage {
        DeliveryStage::Delivered
        | DeliveryStage::Dry
        | DeliveryStage::Refused
        | DeliveryStage::Failed
        | DeliveryStage::Unconfirmed => true,
        DeliveryStage::Idle | DeliveryStage::Queued | DeliveryStage::Sending => false,
    }
}

fn why_not_approved(draft: &TaskDraft) -> NotSent {
    let (duplicate_keys, violations) = draft
        .violations
        .iter()
        .flatten()
        .cloned()
        .partition::<Vec<Violation>, _>(|violation| violation.keyword == UNIQUE_KEY);
    match duplicate_keys.into_iter().next() {
        Some(duplicate) if violations.is_empty() => NotSent::DuplicateKey {
            pointer: duplicate.instance_path,
        },
        _ => NotSent::SchemaViolation(violations),
    }
}

/// Why the remaining tasks were not sent.
fn why_not_sent(batch: &Batch) -> NotSent {
    let Batch::Paused { why } = batch else {
        return NotSent::Stopped;
    };
    match why {
        Pause::TokenRefused { .. } | Pause::TokenMissing => NotSent::TokenRefused,
        Pause::NotSent { reason } => NotSent::RequestNotMade(reason.clone()),
        Pause::FirstNotTaken => NotSent::FirstNotTaken,
        Pause::FirstUnconfirmed { .. } | Pause::ServerInTrouble => NotSent::ServerInTrouble,
        Pause::Blocked => NotSent::DependencyNotDelivered,
        // The last two do not occur here: there is no journal and no page.
        Pause::Operator | Pause::NotStored { .. } | Pause::PageClosed => NotSent::Stopped,
    }
}

#[cfg(test)]
mod tests;
