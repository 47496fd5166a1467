//! The state that the page shows, as signals. The application writes them from the changes that a
//! run reports; components only read them.

use std::collections::HashMap;
use std::sync::Arc;

use leptos::prelude::*;

use crate::brief::{BriefError, BriefForm};
use crate::connection_test::TestReport;
use crate::driver::StoredRun;
use crate::model::{Adaptations, Notice, Usage};
use crate::review::delivered_titles::DeliveredTitles;
use crate::review::history::UndoStep;
use crate::review::{DraftId, DraftState, Review, RunId};
use crate::run::{
    ActionContext, Batch, Change, Confirmation, CostEstimate, Counts, DeliveryProgress,
    DraftActions, GenerationProgress, GenerationRequest, GenerationState, Mode, OpenWork, Run,
    TaskDraft, WaitReason,
};
use crate::schema::TaskSchema;
use crate::secrets::SecretSlot;
use crate::settings::{Address, Connection, ConnectionId, VaultSource};
use crate::vault::{TokenLife, WantedSecret};

/// An error as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable name.
    pub code: String,
    /// What happened, as a heading: capitalised, without a full stop at the end.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

/// A secret that the operator is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPrompt {
    /// Which secret.
    pub slot: SecretSlot,
    /// The server that it belongs to.
    pub address: Address,
    /// Why the last one was not accepted, if there was one.
    pub refusal: Option<String>,
    /// The default token of a local task server, if this may be one.
    pub default_token: Option<&'static str>,
}

/// The sign-in to a Vault that the operator is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultPrompt {
    /// Where the secrets are.
    pub source: Box<VaultSource>,
    /// The secrets that are read there, and the servers that they are sent to.
    pub wanted: Vec<WantedSecret>,
    /// Whether an action waits for one of them.
    pub needs_secret: bool,
    /// Why the last sign-in or reading failed, if one did.
    pub refusal: Option<String>,
    /// Whether the Vault is being asked.
    pub is_busy: bool,
}

/// A Vault token in memory, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldVaultToken {
    /// The origin of its Vault.
    pub origin: String,
    /// How long it lives.
    pub life: TokenLife,
}

/// What the dialogs show about Vaults.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VaultState {
    /// The sign-in to a Vault that the operator is asked for.
    pub prompt: Option<VaultPrompt>,
    /// The Vault tokens in memory.
    pub tokens: Vec<HeldVaultToken>,
}

/// The models that the endpoint offers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Models {
    /// Not requested.
    #[default]
    NotAsked,
    /// Requested, no response yet.
    Asking,
    /// The names of the models.
    Known(Vec<String>),
    /// The request failed.
    Failed(Problem),
}

/// The runs in this browser.
#[derive(Debug, Clone, PartialEq)]
pub struct RunList {
    /// The runs, the last changed first.
    pub runs: Vec<StoredRun>,
    /// How many bytes this origin stores, if the browser tells.
    pub bytes_used: Option<u64>,
    /// Whether the browser keeps the data when space is short, if it tells.
    pub is_persistent: Option<bool>,
}

/// What is about to happen to a run with open work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkAction {
    /// It is taken off the page. It stays stored.
    Leave,
    /// It is deleted.
    Delete,
}

/// A question whether to leave or delete a run with open work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkPrompt {
    /// The open work.
    pub work: OpenWork,
    /// What is about to happen.
    pub action: WorkAction,
}

/// How something would leave the page or be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeakExit {
    /// It is sent to the model endpoint.
    Send,
    /// It is saved as a file.
    Export,
    /// It is stored in this browser, as part of a connection.
    Store,
}

/// A question whether to let out what contains held secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeakPrompt {
    /// How it would leave the page.
    pub exit: LeakExit,
    /// A sentence for each place, which names the secret by its slot.
    pub leaks: Vec<String>,
}

/// How a run was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// It is in the archive.
    Archived,
    /// It is deleted, once this can no longer be undone.
    Deleted,
}

/// A run that was removed and can be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedRun {
    /// Its id.
    pub id: String,
    /// How it was removed.
    pub removal: Removal,
    /// Whether it was on the page.
    pub was_shown: bool,
}

/// The run that is shown, without its drafts.
#[derive(Debug, Clone, PartialEq)]
pub struct RunHead {
    /// The identity of the run.
    pub id: RunId,
    /// Dry or live.
    pub mode: Mode,
    /// When it started, in milliseconds since 1970.
    pub started_at: u64,
    /// The number of tasks requested from the model. `None` for imported tasks.
    pub wanted: Option<u16>,
    /// The state of the generation.
    pub generation: GenerationState,
    /// The requests to the model.
    pub requests: Vec<GenerationRequest>,
    /// The state of the last follow-up request.
    pub follow_up: GenerationState,
    /// The progress of a generation that takes several requests.
    pub progress: Option<GenerationProgress>,
    /// The tokens used, as far as the endpoint reported them.
    pub usage: Option<Usage>,
    /// The state of the delivery.
    pub batch: Batch,
    /// The endpoints.
    pub connection: Connection,
    /// The task schema.
    pub schema: TaskSchema,
    /// Whether the task server is known to honour idempotency keys.
    pub honours_keys: bool,
}

/// Without a run no action is allowed.
const NO_RUN: ActionContext = ActionContext {
    mode: Mode::Dry,
    allows_decisions: false,
    allows_follow_ups: false,
    honours_keys: false,
};

/// The response as it arrives, updated once per animation frame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stream {
    /// Characters received so far.
    pub characters: usize,
    /// The last characters received.
    pub tail: String,
    /// The size of the reasoning so far, in bytes; 0 as soon as the model writes its response.
    pub reasoning_bytes: usize,
}

/// How a task server describes its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Description {
    /// It was not read.
    #[default]
    NotRead,
    /// It is being read.
    Reading {
        /// The number of the reading. What arrives for another one is dropped: its dialog was closed,
        /// or its field was changed.
        number: u32,
    },
    /// Its text, and the address of the server.
    Read {
        /// The text.
        text: String,
        /// The address.
        address: Address,
        /// The URL of the text.
        url: Address,
    },
    /// It could not be read.
    Failed(Problem),
}

/// The connection test of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ConnectionTest {
    /// It was not started.
    #[default]
    NotStarted,
    /// Its requests are being sent.
    Running,
    /// It is done, with a report for each endpoint.
    Done(Vec<TestReport>),
}

/// The connections in this browser, as their dialog shows them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ConnectionList {
    /// The connections, in order.
    pub connections: Vec<Connection>,
    /// The one that comes with the page and was not changed, which cannot be deleted.
    pub unchanged_preset: Option<ConnectionId>,
    /// The connection that was deleted last and can be restored, with its place.
    pub removed: Option<(usize, Connection)>,
    /// The result of the last action.
    pub message: Option<String>,
    /// Why the last action failed.
    pub problem: Option<Problem>,
}

/// All signals of the page. Copies share them.
#[derive(Clone, Copy)]
pub struct Page {
    /// The run that is shown.
    pub run: RwSignal<Option<RunHead>>,
    /// Its drafts that were not deleted, in order of arrival.
    pub rows: RwSignal<Vec<DraftId>>,
    /// The number of drafts in each state.
    pub counts: RwSignal<Counts>,
    /// Where the tasks with an outcome went.
    pub destinations: RwSignal<Vec<String>>,
    /// Whether only tests have an outcome.
    pub was_only_tested: RwSignal<bool>,
    /// The tasks that would be posted now.
    pub confirmation: RwSignal<Option<Confirmation>>,
    /// The progress of posting and the time it was measured, in milliseconds since 1970. `None` while
    /// nothing is posted.
    pub progress: RwSignal<Option<(DeliveryProgress, u64)>>,
    /// Why queued tasks wait, if not for their turn.
    pub waits: RwSignal<Arc<HashMap<DraftId, WaitReason>>>,
    /// Whether this tab is read-only because another tab is using the run.
    pub is_read_only: RwSignal<bool>,
    /// The tasks that the button *Approve N valid tasks* approves.
    pub approvable: RwSignal<Vec<DraftId>>,
    /// What other runs delivered; empty until it was read.
    pub delivered_titles: RwSignal<Arc<DeliveredTitles>>,
    /// What can be undone.
    pub undoable: RwSignal<Option<UndoStep>>,
    /// What can be redone.
    pub redoable: RwSignal<Option<UndoStep>>,
    /// The response as it arrives.
    pub stream: RwSignal<Stream>,
    /// The brief in the form.
    pub form: RwSignal<BriefForm>,
    /// The errors found when the brief was last used.
    pub brief_errors: RwSignal<Vec<BriefError>>,
    /// The connection that a new run would use.
    pub connection: RwSignal<Connection>,
    /// The connections in this browser; empty until their dialog is opened.
    pub connection_list: RwSignal<ConnectionList>,
    /// The task schema that a new run would use.
    pub schema: RwSignal<TaskSchema>,
    /// The deployment's notice.
    pub notice: RwSignal<Option<String>>,
    /// Errors that were not dismissed yet.
    pub problems: RwSignal<Vec<Problem>>,
    /// Why the settings were not accepted.
    pub settings_problem: RwSignal<Option<Problem>>,
    /// Why the text was not imported.
    pub import_problem: RwSignal<Option<Problem>>,
    /// The secret that the operator is asked for.
    pub secret_prompt: RwSignal<Option<SecretPrompt>>,
    /// The secret that the open confirmation asks for.
    pub post_prompt: RwSignal<Option<SecretPrompt>>,
    /// What the dialogs show about Vaults.
    pub vaults: RwSignal<VaultState>,
    /// Whether the operator is asked for a sign-in to a Vault.
    pub has_vault_prompt: RwSignal<bool>,
    /// The secrets in memory, by slot and origin.
    pub secrets_held: RwSignal<Vec<(SecretSlot, String)>>,
    /// A task server from a link that the operator has to accept first.
    pub new_host: RwSignal<Option<Address>>,
    /// The description of the task server whose address was pasted into the settings.
    pub description: RwSignal<Description>,
    /// The connection test of the settings.
    pub connection_test: RwSignal<ConnectionTest>,
    /// The models that the endpoint offers.
    pub models: RwSignal<Models>,
    /// Why nothing can be stored, if so.
    pub storage_problem: RwSignal<Option<Problem>>,
    /// Anomalies in the response that do not invalidate it.
    pub warnings: RwSignal<Vec<Notice>>,
    /// The estimate for the follow-up request in the open dialog.
    pub estimate: RwSignal<Option<CostEstimate>>,
    /// The invalid tasks that can be repaired, and the rejected tasks that can be regenerated.
    pub follow_up_candidates: RwSignal<(Vec<DraftId>, Vec<DraftId>)>,
    /// What the run allows for its drafts in general.
    pub action_context: RwSignal<ActionContext>,
    /// The adaptations that the next run starts with.
    pub adaptations: RwSignal<Adaptations>,
    /// Whether the stored state was read. Connection and mode are unknown before that.
    pub is_open: RwSignal<bool>,
    /// Whether the application is loaded, so that commands are carried out at once.
    pub has_application: RwSignal<bool>,
    /// Whether *Generate* was pressed before the page was open or the application loaded.
    pub is_generate_queued: RwSignal<bool>,
    /// Whether a run waits for the validator to be loaded.
    pub awaits_validator: RwSignal<bool>,
    /// The number of pieces of the module that could not be loaded so far.
    pub missing_pieces: RwSignal<usize>,
    /// The runs in this browser; `None` until the list is opened.
    pub run_list: RwSignal<Option<RunList>>,
    /// The result of the last action on the list of runs.
    pub run_list_message: RwSignal<Option<String>>,
    /// A question whether to leave or delete a run with open work.
    pub work_prompt: RwSignal<Option<WorkPrompt>>,
    /// A question whether to let out what contains held secrets.
    pub leak_prompt: RwSignal<Option<LeakPrompt>>,
    /// Whether to ask if tasks are to be posted although another tab may post the same ones.
    pub has_unlocked_prompt: RwSignal<bool>,
    /// The run that was removed last, while it can be restored.
    pub removed_run: RwSignal<Option<RemovedRun>>,
    /// Number of actions on many tasks that are not complete.
    pub running_actions: RwSignal<usize>,
    /// What was undone or redone last, for a while.
    pub history_message: RwSignal<Option<String>>,
    /// The mode that the operator chose for the next run.
    pub chosen_mode: RwSignal<Option<Mode>>,
    /// The connection whose tasks were last generated live in this browser, when the page was opened.
    pub live_connection: RwSignal<Option<ConnectionId>>,
    /// Whether the link that opened the page asks for a dry run.
    pub link_requests_dry_run: RwSignal<bool>,
    /// The name of the last saved file.
    pub saved_file: RwSignal<Option<String>>,
    /// The latest message for screen readers, such as "12 tasks delivered".
    pub announcement: RwSignal<String>,
    drafts: StoredValue<Vec<PageDraft>>,
    /// Notified whenever a draft changes.
    any_draft: Trigger,
}

/// A draft and its signal.
struct PageDraft {
    draft: Arc<TaskDraft>,
    /// Created on first use: only a few of thousands of drafts are on the screen.
    signal: Option<ArcRwSignal<Arc<TaskDraft>>>,
}

impl Page {
    /// A page without a run.
    #[must_use]
    pub fn new(connection: Connection, schema: TaskSchema) -> Page {
        Page {
            run: RwSignal::new(None),
            rows: RwSignal::new(Vec::new()),
            counts: RwSignal::new(Counts::default()),
            destinations: RwSignal::new(Vec::new()),
            was_only_tested: RwSignal::new(false),
            confirmation: RwSignal::new(None),
            progress: RwSignal::new(None),
            waits: RwSignal::default(),
            is_read_only: RwSignal::new(false),
            approvable: RwSignal::new(Vec::new()),
            delivered_titles: RwSignal::default(),
            undoable: RwSignal::new(None),
            redoable: RwSignal::new(None),
            stream: RwSignal::new(Stream::default()),
            form: RwSignal::new(BriefForm::default()),
            brief_errors: RwSignal::new(Vec::new()),
            connection: RwSignal::new(connection),
            connection_list: RwSignal::default(),
            schema: RwSignal::new(schema),
            notice: RwSignal::new(None),
            problems: RwSignal::new(Vec::new()),
            settings_problem: RwSignal::new(None),
            import_problem: RwSignal::new(None),
            secret_prompt: RwSignal::new(None),
            post_prompt: RwSignal::new(None),
            vaults: RwSignal::new(VaultState::default()),
            has_vault_prompt: RwSignal::new(false),
            secrets_held: RwSignal::new(Vec::new()),
            new_host: RwSignal::new(None),
            description: RwSignal::default(),
            connection_test: RwSignal::default(),
            models: RwSignal::new(Models::default()),
            storage_problem: RwSignal::new(None),
            warnings: RwSignal::new(Vec::new()),
            estimate: RwSignal::new(None),
            follow_up_candidates: RwSignal::default(),
            action_context: RwSignal::new(NO_RUN),
            adaptations: RwSignal::new(Adaptations::default()),
            is_open: RwSignal::new(true),
            has_application: RwSignal::new(true),
            is_generate_queued: RwSignal::new(false),
            awaits_validator: RwSignal::new(false),
            missing_pieces: RwSignal::new(0),
            run_list: RwSignal::new(None),
            run_list_message: RwSignal::new(None),
            work_prompt: RwSignal::new(None),
            leak_prompt: RwSignal::new(None),
            has_unlocked_prompt: RwSignal::new(false),
            removed_run: RwSignal::new(None),
            running_actions: RwSignal::new(0),
            history_message: RwSignal::new(None),
            chosen_mode: RwSignal::new(None),
            live_connection: RwSignal::new(None),
            link_requests_dry_run: RwSignal::new(false),
            saved_file: RwSignal::new(None),
            announcement: RwSignal::new(String::new()),
            drafts: StoredValue::new(Vec::new()),
            any_draft: Trigger::new(),
        }
    }

    /// The signal of one draft.
    #[must_use]
    pub fn draft(&self, id: &DraftId) -> Option<ArcRwSignal<Arc<TaskDraft>>> {
        self.drafts.try_update_value(|drafts| {
            let shown = drafts.get_mut(id.index()?)?;
            let is_match = shown.draft.id == *id;
            is_match.then(|| {
                let draft = &shown.draft;
                let signal = &mut shown.signal;
                signal
                    .get_or_insert_with(|| ArcRwSignal::new(Arc::clone(draft)))
                    .clone()
            })
        })?
    }

    /// One draft as it is now, without tracking it.
    #[must_use]
    pub fn draft_untracked(&self, id: &DraftId) -> Option<Arc<TaskDraft>> {
        self.drafts.with_value(|drafts| {
            let shown = drafts.get(id.index()?)?;
            (shown.draft.id == *id).then(|| Arc::clone(&shown.draft))
        })
    }

    /// The draft at this index of the run as it is now, without tracking it.
    #[must_use]
    pub fn draft_at(&self, index: usize) -> Option<Arc<TaskDraft>> {
        self.drafts
            .with_value(|drafts| Some(Arc::clone(&drafts.get(index)?.draft)))
    }

    /// The number of drafts of the run with those that were deleted. Not tracked.
    #[must_use]
    pub fn draft_count(&self) -> usize {
        self.drafts.with_value(Vec::len)
    }

    /// The number of drafts that the operator has opened. Tracks every draft.
    #[must_use]
    pub fn opened_count(&self) -> usize {
        self.any_draft.track();
        self.rows.track();
        self.drafts.with_value(|drafts| {
            let is_opened = |draft: &TaskDraft| draft.is_opened && !is_deleted(draft);
            let opened = drafts.iter().filter(|shown| is_opened(&shown.draft));
            opened.count()
        })
    }

    /// Tracks every draft.
    pub fn track_drafts(&self) {
        self.any_draft.track();
    }

    /// The state of one draft, without tracking it.
    #[must_use]
    pub fn state(&self, id: &DraftId) -> Option<DraftState> {
        self.draft_untracked(id).map(|draft| Run::state(&draft))
    }

    /// The actions that a draft of the run allows. Tracks the run, not the draft.
    #[must_use]
    pub fn actions(&self, draft: &TaskDraft) -> DraftActions {
        DraftActions::new(draft, &self.action_context.get())
    }

    /// Shows another run, or no run.
    pub fn show(&self, run: Option<&Run>) {
        self.drafts.update_value(Vec::clear);
        self.stream.set(Stream::default());
        match run {
            None => {
                self.rows.set(Vec::new());
                self.run.set(None);
                self.counts.set(Counts::default());
                self.destinations.set(Vec::new());
                self.was_only_tested.set(false);
                self.confirmation.set(None);
                self.approvable.set(Vec::new());
                self.delivered_titles.set(Arc::default());
                self.undoable.set(None);
                self.redoable.set(None);
                self.progress.set(None);
                self.waits.set(Arc::default());
                self.is_read_only.set(false);
                self.warnings.set(Vec::new());
                self.follow_up_candidates.set(Default::default());
                self.action_context.set(NO_RUN);
            }
            Some(run) => {
                self.rows.set(Vec::new());
                self.refresh(run, &run.all_parts());
            }
        }
    }

    /// Shows the changes of a run, and notifies nothing else.
    pub fn refresh(&self, run: &Run, changes: &[Change]) {
        self.refresh_parts(run, changes);
        self.summarize(run);
    }

    /// Updates what depends on the run as a whole: counts, what would be posted, what can be approved.
    /// Reads every draft, so call it once after many changes.
    pub fn summarize(&self, run: &Run) {
        set_if_changed(self.destinations, run.destinations());
        set_if_changed(self.was_only_tested, run.was_only_tested());
        set_if_changed(self.counts, run.counts());
        set_if_changed(self.confirmation, run.confirmation());
        set_if_changed(self.approvable, run.approvable());
        set_if_changed(self.undoable, run.undoable());
        set_if_changed(self.redoable, run.redoable());
        set_if_changed(self.follow_up_candidates, run.follow_up_candidates());
        set_if_changed(self.action_context, run.action_context());
        set_if_changed(
            self.waits,
            Arc::new(run.wait_reasons().into_iter().collect()),
        );
    }

    /// Shows the changed drafts, and the run itself if it changed.
    pub fn refresh_parts(&self, run: &Run, changes: &[Change]) {
        let mut changed = Vec::new();
        let mut arrived = Vec::new();
        // Whether tasks were deleted or restored.
        let mut are_others = false;
        self.drafts.update_value(|shown| {
            for change in changes {
                let Change::Draft(id) = change else { continue };
                let place = id.index().and_then(|place| shown.get_mut(place));
                if let (Some(shown), Some(draft)) = (place, run.draft(id)) {
                    are_others |= is_deleted(&shown.draft) != is_deleted(draft);
                    shown.draft = Arc::clone(draft);
                    changed.extend(shown.signal.clone().map(|signal| (signal, draft)));
                }
            }
            for draft in run.drafts().iter().skip(shown.len()) {
                if !is_deleted(draft) {
                    arrived.push(draft.id.clone());
                }
                shown.push(PageDraft {
                    draft: Arc::clone(draft),
                    signal: None,
                });
            }
        });
        for (signal, draft) in changed {
            signal.set(Arc::clone(draft));
        }
        if are_others {
            self.rows.set(self.drafts.with_value(|drafts| {
                let listed = drafts.iter().filter(|shown| !is_deleted(&shown.draft));
                listed.map(|shown| shown.draft.id.clone()).collect()
            }));
        } else if !arrived.is_empty() {
            self.rows.update(|rows| rows.extend(arrived));
        }
        if changes
            .iter()
            .any(|change| matches!(change, Change::Draft(_)))
        {
            self.any_draft.notify();
        }
        if changes
            .iter()
            .any(|change| !matches!(change, Change::Draft(_)))
        {
            self.run.set(Some(RunHead {
                id: run.id().clone(),
                mode: run.mode(),
                started_at: run.started_at(),
                wanted: run.brief().map(|brief| brief.count.get()),
                generation: run.generation().clone(),
                requests: run.requests().to_vec(),
                follow_up: run.follow_up_state().clone(),
                progress: run.generation_progress(),
                usage: run.usage(),
                batch: run.batch().clone(),
                connection: run.connection().clone(),
                schema: run.schema().clone(),
                honours_keys: run.honours_keys(),
            }));
            set_if_changed(self.warnings, run.notices().to_vec());
        }
    }
}

fn is_deleted(draft: &TaskDraft) -> bool {
    draft.review == Review::Deleted
}

fn set_if_changed<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|current| *current != value) {
        signal.set(value);
    }
}
