//! What the page shows, as signals. `api` writes them from what a run says changed; components
//! only read.

use std::collections::HashMap;
use std::sync::Arc;

use leptos::prelude::*;

use crate::brief::{BriefError, BriefForm};
use crate::model::{Notice, ResponseFormat, Usage};
use crate::review::{DraftId, DraftState, RunId};
use crate::run::{
    Batch, Change, Confirmation, CostEstimate, Counts, DeliveryProgress, GenerationProgress,
    GenerationRequest, GenerationState, Mode, Run, TaskDraft, Wait,
};
use crate::schema::TaskSchema;
use crate::secrets::SecretSlot;
use crate::settings::{Address, Connection};

/// Something that went wrong, as data for an error panel: what happened, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A stable name.
    pub code: String,
    /// What happened.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

/// A secret that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// Which.
    pub name: SecretSlot,
    /// The server it belongs to.
    pub address: Address,
    /// Why it is asked for now, where an earlier one was not accepted.
    pub refused: Option<String>,
    /// The token that a server on loopback has by default, where this may be one.
    pub offer: Option<&'static str>,
}

/// What the endpoint said of its models.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Models {
    /// Nobody asked.
    #[default]
    NotAsked,
    /// On its way.
    Asking,
    /// Their names.
    Known(Vec<String>),
    /// It did not say.
    Failed(Problem),
}

/// What a list shows of a run apart from its tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct RunHead {
    /// Its identity.
    pub id: RunId,
    /// Dry or live.
    pub mode: Mode,
    /// When it started, in milliseconds since 1970.
    pub started_at: u64,
    /// How many tasks were asked for, where a model was.
    pub wanted: Option<u16>,
    /// How far the answer is.
    pub generation: GenerationState,
    /// The requests to the model.
    pub requests: Vec<GenerationRequest>,
    /// How the last request about single tasks stands.
    pub again: GenerationState,
    /// How far they have come.
    pub asked: Option<GenerationProgress>,
    /// What they used, as far as the endpoint said.
    pub usage: Option<Usage>,
    /// How far the delivery is.
    pub batch: Batch,
    /// The endpoints.
    pub connection: Connection,
    /// The task schema.
    pub schema: TaskSchema,
    /// Whether the server is known to honour idempotency keys.
    pub honours_keys: bool,
}

/// How far the answer has come, flushed once per animation frame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stream {
    /// Characters of the answer so far.
    pub characters: usize,
    /// The last of them.
    pub tail: String,
}

/// Every signal of the page. Copying it copies handles.
#[derive(Clone, Copy)]
pub struct Page {
    /// The run that is shown.
    pub run: RwSignal<Option<RunHead>>,
    /// Its drafts in the order of arrival.
    pub rows: RwSignal<Vec<DraftId>>,
    /// How many are in each state.
    pub counts: RwSignal<Counts>,
    /// What would be posted now.
    pub confirmation: RwSignal<Option<Confirmation>>,
    /// How far posting is, and when that was said, in milliseconds since 1970; none while nothing
    /// is posted.
    pub progress: RwSignal<Option<(DeliveryProgress, u64)>>,
    /// What queued tasks wait for, apart from their turn.
    pub waits: RwSignal<Arc<HashMap<DraftId, Wait>>>,
    /// Whether another tab has the run that is shown, and this one looks on.
    pub is_read_only: RwSignal<bool>,
    /// The tasks that *approve all valid* would approve.
    pub approvable: RwSignal<Vec<DraftId>>,
    /// The answer as it arrives.
    pub stream: RwSignal<Stream>,
    /// The brief as it is typed.
    pub form: RwSignal<BriefForm>,
    /// What is wrong with it, after an attempt to use it.
    pub brief_errors: RwSignal<Vec<BriefError>>,
    /// The endpoints that a new run would use.
    pub connection: RwSignal<Connection>,
    /// The task schema that a new run would use.
    pub schema: RwSignal<TaskSchema>,
    /// A line of the deployment's own.
    pub notice: RwSignal<Option<String>>,
    /// What went wrong and was not dismissed yet.
    pub problems: RwSignal<Vec<Problem>>,
    /// What is wrong in the settings dialog.
    pub settings_problem: RwSignal<Option<Problem>>,
    /// What is wrong with the text that is to be brought in.
    pub import_problem: RwSignal<Option<Problem>>,
    /// The secret that is asked for.
    pub asking: RwSignal<Option<Asking>>,
    /// Which secrets are there, by name and origin.
    pub secrets_held: RwSignal<Vec<(SecretSlot, String)>>,
    /// A host that came from a link and waits to be accepted.
    pub new_host: RwSignal<Option<Address>>,
    /// The endpoint's models.
    pub models: RwSignal<Models>,
    /// Why nothing can be stored, where it cannot.
    pub storage_problem: RwSignal<Option<Problem>>,
    /// Odd things about the answer that take nothing away from it.
    pub warnings: RwSignal<Vec<Notice>>,
    /// What asking again, as it is being considered, is expected to use.
    pub estimate: RwSignal<Option<CostEstimate>>,
    /// The tasks that the model can be asked to mend, and to replace.
    pub follow_up_candidates: RwSignal<(Vec<DraftId>, Vec<DraftId>)>,
    /// Whether the model can be asked about single tasks.
    pub may_follow_up: RwSignal<bool>,
    /// How much of structured output the endpoint of the next run is asked for.
    pub response_format: RwSignal<ResponseFormat>,
    /// Whether what the page begins with was read. Before that nothing can be said of connection
    /// and mode.
    pub is_open: RwSignal<bool>,
    /// What a new run should be: live where everything for it is there, else dry.
    pub suggested_mode: RwSignal<Mode>,
    /// The name of the file that was saved last.
    pub saved_file: RwSignal<Option<String>>,
    /// What was done last, said once: "12 tasks delivered".
    pub announcement: RwSignal<String>,
    drafts: StoredValue<Vec<Shown>>,
    /// Told whenever any draft changed.
    any_draft: Trigger,
}

/// A draft as it is shown.
struct Shown {
    draft: Arc<TaskDraft>,
    /// Made when somebody follows the draft: of thousands, few are looked at.
    signal: Option<ArcRwSignal<Arc<TaskDraft>>>,
}

impl Page {
    /// A page with nothing on it yet.
    #[must_use]
    pub fn new(connection: Connection, schema: TaskSchema) -> Page {
        Page {
            run: RwSignal::new(None),
            rows: RwSignal::new(Vec::new()),
            counts: RwSignal::new(Counts::default()),
            confirmation: RwSignal::new(None),
            progress: RwSignal::new(None),
            waits: RwSignal::default(),
            is_read_only: RwSignal::new(false),
            approvable: RwSignal::new(Vec::new()),
            stream: RwSignal::new(Stream::default()),
            form: RwSignal::new(BriefForm::default()),
            brief_errors: RwSignal::new(Vec::new()),
            connection: RwSignal::new(connection),
            schema: RwSignal::new(schema),
            notice: RwSignal::new(None),
            problems: RwSignal::new(Vec::new()),
            settings_problem: RwSignal::new(None),
            import_problem: RwSignal::new(None),
            asking: RwSignal::new(None),
            secrets_held: RwSignal::new(Vec::new()),
            new_host: RwSignal::new(None),
            models: RwSignal::new(Models::default()),
            storage_problem: RwSignal::new(None),
            warnings: RwSignal::new(Vec::new()),
            estimate: RwSignal::new(None),
            follow_up_candidates: RwSignal::default(),
            may_follow_up: RwSignal::new(false),
            response_format: RwSignal::new(ResponseFormat::default()),
            is_open: RwSignal::new(true),
            suggested_mode: RwSignal::new(Mode::Dry),
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
            let shown = drafts.get_mut(id.place()?)?;
            let is_it = shown.draft.id == *id;
            is_it.then(|| {
                let draft = &shown.draft;
                let signal = &mut shown.signal;
                signal
                    .get_or_insert_with(|| ArcRwSignal::new(Arc::clone(draft)))
                    .clone()
            })
        })?
    }

    /// One draft as it stands, not followed.
    #[must_use]
    pub fn look(&self, id: &DraftId) -> Option<Arc<TaskDraft>> {
        self.drafts.with_value(|drafts| {
            let shown = drafts.get(id.place()?)?;
            (shown.draft.id == *id).then(|| Arc::clone(&shown.draft))
        })
    }

    /// Follows all drafts at once: for what depends on every one of them.
    pub fn follow_all(&self) {
        self.any_draft.track();
    }

    /// The state of one draft, not followed.
    #[must_use]
    pub fn state(&self, id: &DraftId) -> Option<DraftState> {
        self.look(id).map(|draft| Run::state(&draft))
    }

    /// Shows another run, or none.
    pub fn show(&self, run: Option<&Run>) {
        self.drafts.update_value(Vec::clear);
        self.stream.set(Stream::default());
        match run {
            None => {
                self.rows.set(Vec::new());
                self.run.set(None);
                self.counts.set(Counts::default());
                self.confirmation.set(None);
                self.approvable.set(Vec::new());
                self.progress.set(None);
                self.waits.set(Arc::default());
                self.is_read_only.set(false);
                self.warnings.set(Vec::new());
                self.follow_up_candidates.set(Default::default());
                self.may_follow_up.set(false);
            }
            Some(run) => {
                let mut changes = vec![Change::Run];
                changes.extend(
                    run.drafts()
                        .iter()
                        .map(|draft| Change::Draft(draft.id.clone())),
                );
                self.rows.set(Vec::new());
                self.refresh(run, &changes);
            }
        }
    }

    /// Shows what changed in a run, and wakes nothing else.
    pub fn refresh(&self, run: &Run, changes: &[Change]) {
        self.refresh_parts(run, changes);
        self.summarize(run);
    }

    /// Shows what is said of the run as a whole: counts, what would be posted, what can be
    /// approved. Looks at every draft, so many changes are best followed by one of these.
    pub fn summarize(&self, run: &Run) {
        set_if_other(self.counts, run.counts());
        set_if_other(self.confirmation, run.confirmation());
        set_if_other(self.approvable, run.approvable());
        set_if_other(self.follow_up_candidates, run.follow_up_candidates());
        set_if_other(self.may_follow_up, run.may_follow_up());
        set_if_other(self.waits, Arc::new(run.waits().into_iter().collect()));
    }

    /// Shows the drafts and the head of the run that changed.
    pub fn refresh_parts(&self, run: &Run, changes: &[Change]) {
        let mut followed = Vec::new();
        let mut arrived = Vec::new();
        self.drafts.update_value(|shown| {
            for change in changes {
                let Change::Draft(id) = change else { continue };
                let place = id.place().and_then(|place| shown.get_mut(place));
                if let (Some(shown), Some(draft)) = (place, run.draft(id)) {
                    shown.draft = Arc::clone(draft);
                    followed.extend(shown.signal.clone().map(|signal| (signal, draft)));
                }
            }
            for draft in run.drafts().iter().skip(shown.len()) {
                arrived.push(draft.id.clone());
                shown.push(Shown {
                    draft: Arc::clone(draft),
                    signal: None,
                });
            }
        });
        for (signal, draft) in followed {
            signal.set(Arc::clone(draft));
        }
        if !arrived.is_empty() {
            self.rows.update(|rows| rows.extend(arrived));
        }
        if changes
            .iter()
            .any(|change| matches!(change, Change::Draft(_)))
        {
            self.any_draft.notify();
        }
        if changes.contains(&Change::Run) {
            self.run.set(Some(RunHead {
                id: run.id().clone(),
                mode: run.mode(),
                started_at: run.started_at(),
                wanted: run.brief().map(|brief| brief.count.get()),
                generation: run.generation().clone(),
                requests: run.requests().to_vec(),
                again: run.again().clone(),
                asked: run.generation_progress(),
                usage: run.usage(),
                batch: run.batch().clone(),
                connection: run.connection().clone(),
                schema: run.schema().clone(),
                honours_keys: run.honours_keys(),
            }));
            set_if_other(self.warnings, run.notices().to_vec());
        }
    }
}

fn set_if_other<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|held| *held != value) {
        signal.set(value);
    }
}
