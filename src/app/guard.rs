//! The guard: whether an action is allowed, which address it calls, and with which secret.
//!
//! Every action that may send a request passes through [`decide`] before it reaches a run. The guard
//! has no state and no side effects; `application` collects what it needs to know.

pub mod leak;

use crate::brief::BriefForm;
use crate::delivery::{DeliveryStage, request};
use crate::review::DraftId;
use crate::run::{Batch, Event, Mode, OpenWork, Pause, Run, TaskDraft};
use crate::secrets::{Keyring, SecretSlot};
use crate::settings::{Address, Connection, HostPolicy, ModelEndpoint, SettingsError, TaskServer};
use leak::Leak;

/// Something the operator can do.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// Start a run of this mode from the brief.
    Generate(Mode),
    /// Import tasks, into the current run or a new one.
    Import,
    /// Replace the current run by another one or by none.
    LeaveRun,
    /// Send an event to the current run.
    Send(&'a Event),
    /// List the models of this endpoint.
    ListModels(&'a ModelEndpoint),
}

/// Whether the tab has the run on the page. Only the tab that has a run can change and post it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunLock {
    /// It has the run, and no other tab does.
    Held,
    /// The browser refuses locks, so another tab may have the run as well.
    Refused {
        /// Whether the operator agreed to post the run nevertheless.
        may_post: bool,
    },
    /// Another tab has the run, and this one is read-only.
    OtherTab,
}

/// What the guard needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The connection for new runs.
    pub connection: &'a Connection,
    /// The brief for new runs; `None` if there is none.
    pub brief: Option<&'a BriefForm>,
    /// The run on the page.
    pub run: Option<&'a Run>,
    /// Whether this tab has that run.
    pub lock: RunLock,
    /// Whether the operator agreed to leave the open work of that run.
    pub may_leave_work: bool,
    /// Whether the operator agreed to send a prompt with a held secret in it.
    pub may_repeat_secrets: bool,
    /// The hosts that the deployment allows; `None` until `config.json` has been read.
    pub hosts: Option<&'a HostPolicy>,
    /// The secrets that are held.
    pub secrets: &'a Keyring,
}

/// Where requests go, and which secret they carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The address of the endpoint.
    pub address: Address,
    /// The secret in the requests; `None` if there is none.
    pub slot: Option<SecretSlot>,
}

/// The decision of the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Go ahead: the action sends no request.
    Local,
    /// Go ahead: the action sends requests to this address.
    Send(Access),
    /// Ask the operator first whether to leave the open work of the run on the page.
    ConfirmLeaving(OpenWork),
    /// Ask the operator first whether to post although another tab may post the same tasks.
    ConfirmUnlocked,
    /// Ask the operator for a secret first.
    Prompt {
        /// Which secret.
        slot: SecretSlot,
        /// The endpoint it belongs to.
        address: Address,
    },
    /// Ask the operator first whether to send a prompt that contains held secrets.
    ConfirmLeaks(Vec<Leak>),
    /// Do nothing, and tell the operator why.
    Refuse(Refusal),
}

/// Why an action is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another tab is using the run.
    #[error("Another tab is using this run, and only one tab can change and post it.")]
    ReadOnly,
    /// `config.json` was not read yet and may restrict the hosts.
    #[error("The page has not finished reading config.json.")]
    ConfigUnread,
    /// An address is not allowed.
    #[error(transparent)]
    Address(#[from] SettingsError),
    /// A live run needs a model endpoint.
    #[error("No model endpoint is configured.")]
    NoModel,
    /// Posting needs a task server.
    #[error("No task server is configured.")]
    NoTaskServer,
    /// A run that is being posted stays on the page.
    #[error("Tasks are being posted.")]
    Posting,
    /// There is nothing to post.
    #[error("No task is approved.")]
    NothingApproved,
    /// A task to be approved or posted contains a secret that is held.
    #[error("Task {task} contains the {}.", slot.label())]
    SecretInTask {
        /// The slot of the secret.
        slot: SecretSlot,
        /// The number of the task in its run, from 1.
        task: u32,
    },
}

impl Refusal {
    /// A stable name for the kind of refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::ReadOnly => "other_tab",
            Refusal::ConfigUnread => "still_opening",
            Refusal::Address(error) => error.code(),
            Refusal::NoModel => "no_model",
            Refusal::NoTaskServer => "no_task_server",
            Refusal::Posting => "posting",
            Refusal::NothingApproved => "nothing_approved",
            Refusal::SecretInTask { .. } => "secret_in_task",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Refusal::ReadOnly => "Continue in that tab, or close it: this tab then takes over.",
            Refusal::ConfigUnread => "Try again in a moment.",
            Refusal::Address(error) => error.hint(),
            Refusal::NoModel => "Enter a base URL and a model in the settings, or start a dry run.",
            Refusal::NoTaskServer => "Enter the task server's address in the settings.",
            Refusal::Posting => {
                "Pause or stop posting, wait for the tasks being sent, then try again."
            }
            Refusal::NothingApproved => "Approve at least one task, then post.",
            Refusal::SecretInTask { .. } => {
                "Remove it from the task or reject the task, then continue with the others."
            }
        }
    }
}

/// Decides whether `action` is allowed.
#[must_use]
pub fn decide(action: Action<'_>, situation: &Situation<'_>) -> Decision {
    let decision = match target(action, situation) {
        Ok(None) => Decision::Local,
        Ok(Some(Target::Model(endpoint))) => model_access(endpoint, situation),
        Ok(Some(Target::ModelList(endpoint))) => list_access(endpoint, situation),
        Ok(Some(Target::TaskServer(server))) => server_access(server, situation),
        Err(refusal) => Decision::Refuse(refusal),
    };
    if matches!(decision, Decision::Refuse(_)) {
        return decision;
    }
    if let Some(work) = work_left(action, situation) {
        return Decision::ConfirmLeaving(work);
    }
    if may_duplicate(action, situation) {
        return Decision::ConfirmUnlocked;
    }
    // Last, when the secrets of the action itself are held.
    if matches!(decision, Decision::Send(_)) && !situation.may_repeat_secrets {
        let leaks = leak::in_prompt(action, situation);
        if !leaks.is_empty() {
            return Decision::ConfirmLeaks(leaks);
        }
    }
    decision
}

/// Whether an action sends a prompt to the model.
#[must_use]
pub fn sends_prompt(action: Action<'_>) -> bool {
    matches!(
        action,
        Action::Generate(Mode::Live)
            | Action::Send(Event::RequestMissing { .. } | Event::FollowUp(_))
    )
}

/// Whether `action` posts tasks that another tab may post as well: the browser refuses locks, the server
/// is not known to honour idempotency keys, and the operator did not agree to that.
fn may_duplicate(action: Action<'_>, situation: &Situation<'_>) -> bool {
    let (Action::Send(event), Some(run)) = (action, situation.run) else {
        return false;
    };
    situation.lock == RunLock::Refused { may_post: false }
        && run.mode() == Mode::Live
        && !run.honours_keys()
        && !matches!(event, Event::LookUp { .. })
        && matches!(calls(event, run), Calls::TaskServer)
}

/// The open work that an action takes off the page, unless the operator agreed to that. A read-only tab
/// leaves it to the tab that has the run.
fn work_left(action: Action<'_>, situation: &Situation<'_>) -> Option<OpenWork> {
    match action {
        Action::Generate(_) | Action::LeaveRun
            if !situation.may_leave_work && situation.lock != RunLock::OtherTab =>
        {
            situation.run?.counts().open_work()
        }
        _ => None,
    }
}

/// The endpoint that an action calls.
enum Target<'a> {
    Model(&'a ModelEndpoint),
    ModelList(&'a ModelEndpoint),
    TaskServer(&'a TaskServer),
}

/// Returns the endpoint that `action` calls, after the checks that concern the run.
fn target<'a>(
    action: Action<'a>,
    situation: &Situation<'a>,
) -> Result<Option<Target<'a>>, Refusal> {
    let is_posting = situation
        .run
        .is_some_and(|run| run.is_posting() || run.is_sending());
    match action {
        Action::ListModels(endpoint) => Ok(Some(Target::ModelList(endpoint))),
        Action::Generate(_) | Action::LeaveRun
            if is_posting && situation.lock != RunLock::OtherTab =>
        {
            Err(Refusal::Posting)
        }
        Action::LeaveRun | Action::Generate(Mode::Dry) => Ok(None),
        Action::Generate(Mode::Live) => model(situation.connection).map(Some),
        Action::Import | Action::Send(_)
            if situation.run.is_some() && situation.lock == RunLock::OtherTab =>
        {
            Err(Refusal::ReadOnly)
        }
        Action::Import => Ok(None),
        Action::Send(event) => {
            let Some(run) = situation.run else {
                return Ok(None);
            };
            match event {
                Event::Post { .. } | Event::PostTest { .. } if is_posting => {
                    return Err(Refusal::Posting);
                }
                Event::Post { .. } | Event::PostTest { .. } if run.confirmation().is_none() => {
                    return Err(Refusal::NothingApproved);
                }
                Event::Resume if !matches!(run.batch(), Batch::Paused { .. }) => return Ok(None),
                _ => {}
            }
            if run.mode() == Mode::Live {
                check_tasks(event, run, situation.secrets)?;
            }
            match (calls(event, run), run.mode()) {
                (Calls::Nothing, _) | (_, Mode::Dry) => Ok(None),
                (Calls::Model, Mode::Live) => model(run.connection()).map(Some),
                (Calls::TaskServer, Mode::Live) => {
                    let server = run.connection().task_server.as_ref();
                    let server = server.ok_or(Refusal::NoTaskServer)?;
                    Ok(Some(Target::TaskServer(server)))
                }
            }
        }
    }
}

/// Whether posting continues by itself once the tasks that the others wait for are delivered.
fn is_blocked(run: &Run) -> bool {
    matches!(
        run.batch(),
        Batch::Paused {
            why: Pause::Blocked
        }
    )
}

/// Checks that no task that `event` approves or posts contains a secret. A task is also checked when its
/// text changes, but the secret may have been entered since.
fn check_tasks(event: &Event, run: &Run, secrets: &Keyring) -> Result<(), Refusal> {
    let redactor = secrets.redactor();
    let check = |draft: &TaskDraft, text: &str| match redactor.find_in_task(text) {
        None => Ok(()),
        Some(slot) => Err(Refusal::SecretInTask {
            slot: slot.clone(),
            task: draft.id.ordinal,
        }),
    };
    let check_texts = |ids: &[DraftId]| {
        let mut drafts = ids.iter().filter_map(|id| run.draft(id));
        drafts.try_for_each(|draft| check(draft, draft.content.text()))
    };
    let check_body = |draft: &TaskDraft| match draft.approval() {
        Some(approval) => check(draft, &approval.body),
        None => Ok(()),
    };
    let check_bodies = |ids: &[DraftId]| {
        let mut drafts = ids.iter().filter_map(|id| run.draft(id));
        drafts.try_for_each(|draft| check_body(draft))
    };
    match event {
        Event::Approve { drafts } => check_texts(drafts),
        Event::ApproveWithKey { draft, .. } => check_texts(std::slice::from_ref(draft)),
        Event::Post { .. }
        | Event::PostTest { .. }
        | Event::Resume
        | Event::ContinueWithoutJournal => {
            let is_due = |draft: &&TaskDraft| {
                matches!(
                    draft.delivery.stage,
                    DeliveryStage::Idle | DeliveryStage::Queued | DeliveryStage::Sending
                )
            };
            let mut due = run.drafts().iter().map(|draft| &**draft).filter(is_due);
            due.try_for_each(check_body)
        }
        Event::Retry { drafts } => check_bodies(drafts),
        Event::ResendSameKey { draft } => check_bodies(std::slice::from_ref(draft)),
        _ => Ok(()),
    }
}

fn model(connection: &Connection) -> Result<Target<'_>, Refusal> {
    let endpoint = connection.model.as_ref().ok_or(Refusal::NoModel)?;
    Ok(Target::Model(endpoint))
}

/// Which endpoint the effects of an event call.
enum Calls {
    Nothing,
    Model,
    TaskServer,
}

fn calls(event: &Event, run: &Run) -> Calls {
    match event {
        Event::Post { .. }
        | Event::PostTest { .. }
        | Event::Resume
        | Event::ContinueWithoutJournal
        | Event::Retry { .. }
        | Event::ResendSameKey { .. }
        | Event::LookUp { .. } => Calls::TaskServer,
        Event::Decide {
            delivered: true, ..
        } if is_blocked(run) => Calls::TaskServer,
        Event::RequestMissing { .. } | Event::FollowUp(_) => Calls::Model,
        _ => Calls::Nothing,
    }
}

fn model_access(endpoint: &ModelEndpoint, situation: &Situation<'_>) -> Decision {
    let address = &endpoint.base_url;
    if let Err(refusal) = allow(address, situation) {
        return Decision::Refuse(refusal);
    }
    let slot = SecretSlot::API_KEY;
    let is_held = situation.secrets.get(&slot, address).is_some();
    if endpoint.requires_api_key() && !is_held {
        return Decision::Prompt {
            slot,
            address: address.clone(),
        };
    }
    Decision::Send(Access {
        address: address.clone(),
        slot: is_held.then_some(slot),
    })
}

/// Many endpoints list their models without a key, so it is sent if it is held, and never asked for.
fn list_access(endpoint: &ModelEndpoint, situation: &Situation<'_>) -> Decision {
    let keyless = ModelEndpoint {
        needs_key: Some(false),
        ..endpoint.clone()
    };
    model_access(&keyless, situation)
}

fn server_access(server: &TaskServer, situation: &Situation<'_>) -> Decision {
    let address = &server.url;
    let checked = server.check().map_err(Refusal::from);
    if let Err(refusal) = checked.and_then(|()| allow(address, situation)) {
        return Decision::Refuse(refusal);
    }
    let address = address.clone();
    let is_missing = |slot: &SecretSlot| situation.secrets.get(slot, &address).is_none();
    match request::secret_slots(server).into_iter().find(is_missing) {
        Some(slot) => Decision::Prompt { slot, address },
        None => Decision::Send(Access {
            address,
            slot: Some(SecretSlot::AGENT_TOKEN),
        }),
    }
}

fn allow(address: &Address, situation: &Situation<'_>) -> Result<(), Refusal> {
    let hosts = situation.hosts.ok_or(Refusal::ConfigUnread)?;
    hosts.check(address).map_err(Refusal::from)
}

#[cfg(test)]
mod tests;
