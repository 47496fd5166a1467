//! What the operator looks at: the page's state, and what only the screen knows: which task is
//! open, what is searched for, what can be undone.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;

use crate::brief::BriefForm;
use crate::review::{DraftId, DraftState};
use crate::run::{Batch, Event, FollowUp, GenerationState, Mode, Run, TaskDraft};
use crate::schema::Roles;
use crate::text::counted;
use crate::ui::commands::{CommandsHandle, PageCommands};
use crate::ui::controls::focus::{focus_by_id, has_focus};
use crate::ui::page::Page;

/// How long something can be undone where nothing else is done.
const UNDO_TIME: Duration = Duration::from_secs(10);

/// Which pane is seen where there is room for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The brief.
    Brief,
    /// The tasks.
    Tasks,
}

/// The tabs of the chosen task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskTab {
    /// Its text.
    Json,
    /// What was changed in it.
    Changes,
    /// Every attempt to deliver it.
    Delivery,
}

/// The dialogs that the operator opens. Those that the page opens by itself follow its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialog {
    /// The settings.
    Settings,
    /// The confirmation of a post.
    Confirm,
    /// Tasks that exist already.
    Import,
    /// What became of every task, to be saved.
    Receipts,
    /// The question whether to go on where nothing can be written down.
    WithoutJournal,
    /// Asking the model again about single tasks.
    FollowUp(FollowUp),
}

/// The id of the line that says that another tab has the run.
pub const ONLOOKER_BAND: &str = "onlooker-band";

/// Something that can be taken back.
#[derive(Debug, Clone, PartialEq)]
pub enum Undo {
    /// Decisions about these tasks.
    Decisions {
        /// What was done.
        said: String,
        /// About which tasks.
        drafts: Arc<[DraftId]>,
    },
    /// The run that was put aside.
    Clear,
}

/// Handles to all of it. Copying it copies handles.
#[derive(Clone, Copy)]
pub struct Screen {
    /// What the page shows.
    pub page: Page,
    commands: CommandsHandle,
    /// Which pane is seen where there is room for one.
    pub pane: RwSignal<Pane>,
    /// The task that is open.
    pub chosen: RwSignal<Option<DraftId>>,
    /// Its tab.
    pub task_tab: RwSignal<TaskTab>,
    /// Only tasks in this state are listed.
    pub filter: RwSignal<Option<DraftState>>,
    /// Only tasks that contain this are listed.
    pub search: RwSignal<String>,
    /// The dialog that the operator opened.
    pub dialog: RwSignal<Option<Dialog>>,
    /// The text that is to be brought in. It outlives its dialog: closing that by a slip loses
    /// nothing.
    pub brought: RwSignal<String>,
    /// What can be taken back.
    pub undo: RwSignal<Option<Undo>>,
    /// The mode that the operator chose for the next run.
    pub wished_mode: RwSignal<Option<Mode>>,
    /// The mode of the next run.
    pub next_mode: Memo<Mode>,
    /// The mode that the page is in: that of the shown run, else of the next.
    pub mode: Memo<Mode>,
    /// Which members of a task are its key and title.
    pub roles: Memo<Roles>,
    /// Whether an answer is arriving.
    pub is_generating: Memo<bool>,
    /// Whether the model is being asked again about single tasks.
    pub is_asking_again: Memo<bool>,
    /// Whether tasks are on their way.
    pub is_posting: Memo<bool>,
    /// Whether tasks may be approved.
    pub may_decide: Memo<bool>,
    /// The tasks that are listed, in their order.
    pub listed: Memo<Arc<[DraftId]>>,
}

impl Screen {
    /// A screen at its start.
    #[must_use]
    pub fn new(page: Page, commands: CommandsHandle) -> Screen {
        let wished_mode = RwSignal::new(None);
        let filter = RwSignal::new(None);
        let search = RwSignal::new(String::new());
        let next_mode = Memo::new(move |_| next_mode(page, wished_mode.get()));
        let mode = Memo::new(move |_| {
            let of_run = page.run.with(|run| run.as_ref().map(|run| run.mode));
            of_run.unwrap_or_else(|| next_mode.get())
        });
        let roles = Memo::new(move |_| {
            let of_run = page
                .run
                .with(|run| run.as_ref().map(|run| run.schema.roles().clone()));
            of_run.unwrap_or_else(|| page.schema.with(|schema| schema.roles().clone()))
        });
        let generation = move |is: fn(&GenerationState) -> bool| {
            Memo::new(move |_| {
                page.run
                    .with(|run| run.as_ref().is_some_and(|run| is(&run.generation)))
            })
        };
        let is_generating = generation(|stage| matches!(stage, GenerationState::Running { .. }));
        let is_asking_again = Memo::new(move |_| {
            page.run.with(|run| {
                run.as_ref()
                    .is_some_and(|run| matches!(run.again, GenerationState::Running { .. }))
            })
        });
        let may_decide = generation(GenerationState::allows_approval);
        let is_posting = Memo::new(move |_| {
            page.run.with(|run| {
                run.as_ref()
                    .is_some_and(|run| matches!(run.batch, Batch::Running { .. }))
            })
        });
        let listed = Memo::new(move |_| list(page, filter.get(), &search.read()));
        Screen {
            page,
            commands,
            pane: RwSignal::new(Pane::Brief),
            chosen: RwSignal::new(None),
            task_tab: RwSignal::new(TaskTab::Json),
            filter,
            search,
            dialog: RwSignal::new(None),
            brought: RwSignal::new(String::new()),
            undo: RwSignal::new(None),
            wished_mode,
            next_mode,
            mode,
            roles,
            is_generating,
            is_asking_again,
            is_posting,
            may_decide,
            listed,
        }
    }

    /// Asks the desk for something.
    pub fn ask(&self, what: impl FnOnce(&dyn PageCommands)) {
        what(&*self.commands.get_value());
    }

    /// Whether acts that change the run are barred, because another tab has it; followed. For
    /// `aria-disabled`.
    #[must_use]
    pub fn barred(&self) -> Option<&'static str> {
        self.page.is_read_only.get().then_some("true")
    }

    /// What says why they are, for `aria-describedby`.
    #[must_use]
    pub fn barred_by(&self) -> Option<&'static str> {
        self.page.is_read_only.get().then_some(ONLOOKER_BAND)
    }

    /// Whether an act is refused here. Says so for those who did not come by its button.
    fn refuses(&self) -> bool {
        let refuses = self.page.is_read_only.get_untracked();
        if refuses {
            let words = "Another tab has this run. Nothing was changed.";
            self.page.announcement.set(words.to_owned());
        }
        refuses
    }

    /// Tells the run what the operator did. What could be undone before cannot any more.
    pub fn send(&self, event: Event) {
        if self.refuses() {
            return;
        }
        self.undo.set(None);
        let had_focus = has_focus();
        self.ask(|commands| commands.send(event));
        // The button that was pressed may be gone after it.
        let chosen = self.chosen;
        if had_focus {
            request_animation_frame(move || {
                let place = match chosen.try_with_untracked(Option::is_some) {
                    Some(true) => "task-title",
                    _ => "tasks",
                };
                if !has_focus() {
                    focus_by_id(place);
                }
            });
        }
    }

    /// Starts a run, and shows where its tasks will arrive.
    pub fn start(&self, mode: Mode) {
        self.undo.set(None);
        self.show_all();
        self.chosen.set(None);
        self.ask(|commands| commands.start(mode));
        if self.page.brief_errors.with_untracked(Vec::is_empty) {
            self.pane.set(Pane::Tasks);
        }
    }

    /// Changes one field of the brief.
    pub fn type_brief(&self, change: impl FnOnce(&mut BriefForm)) {
        let mut form = self.page.form.get_untracked();
        change(&mut form);
        self.ask(|commands| commands.typed(form));
    }

    /// Opens a task.
    pub fn open(&self, id: DraftId, tab: TaskTab) {
        self.task_tab.set(tab);
        self.chosen.set(Some(id));
    }

    /// Approves those of these tasks that are ready, and offers to take it back.
    pub fn approve(&self, drafts: Vec<DraftId>) {
        if self.refuses() {
            return;
        }
        let drafts: Vec<DraftId> = drafts
            .into_iter()
            .filter(|id| self.state(id) == Some(DraftState::Ready))
            .collect();
        if drafts.is_empty() {
            return;
        }
        let said = format!("{} approved", counted(drafts.len(), "task"));
        self.send(Event::Approve {
            drafts: drafts.clone(),
        });
        let drafts = drafts.into();
        self.offer_undo(Undo::Decisions { said, drafts });
    }

    /// Rejects a task, and offers to take it back.
    pub fn reject(&self, draft: DraftId, reason: String) {
        if self.refuses() {
            return;
        }
        self.send(Event::Reject {
            draft: draft.clone(),
            reason,
        });
        self.offer_undo(Undo::Decisions {
            said: "1 task rejected".to_owned(),
            drafts: Arc::new([draft]),
        });
    }

    /// Puts the run aside, and offers to bring it back.
    pub fn clear(&self) {
        if self.refuses() {
            return;
        }
        self.chosen.set(None);
        self.show_all();
        self.ask(|commands| commands.clear());
        self.offer_undo(Undo::Clear);
    }

    /// Takes back what was done last.
    pub fn take_back(&self) {
        match self.undo.get_untracked() {
            Some(Undo::Decisions { drafts, .. }) => self.send(Event::UndoDecisions {
                drafts: drafts.to_vec(),
            }),
            Some(Undo::Clear) => {
                self.undo.set(None);
                self.ask(|commands| commands.restore_archived());
            }
            None => {}
        }
    }

    /// Lists every task.
    pub fn show_all(&self) {
        self.filter.set(None);
        self.search.set(String::new());
    }

    /// Lists the tasks in one state.
    pub fn show_only(&self, state: DraftState) {
        self.search.set(String::new());
        self.filter.set(Some(state));
    }

    /// What a task is, now, without following it.
    #[must_use]
    pub fn state(&self, id: &DraftId) -> Option<DraftState> {
        self.page.state(id)
    }

    /// Every task in a state, in the order of arrival.
    #[must_use]
    pub fn in_state(&self, state: DraftState) -> Vec<DraftId> {
        let rows = self.page.rows.get_untracked();
        rows.into_iter()
            .filter(|id| self.state(id) == Some(state))
            .collect()
    }

    fn offer_undo(&self, undo: Undo) {
        self.undo.set(Some(undo.clone()));
        let shown = self.undo;
        set_timeout(
            move || {
                let is_shown = shown.try_with_untracked(|now| now.as_ref() == Some(&undo));
                if is_shown == Some(true) {
                    shown.set(None);
                }
            },
            UNDO_TIME,
        );
    }
}

/// What the operator chose, else what fits; dry where no model is configured.
fn next_mode(page: Page, wished: Option<Mode>) -> Mode {
    if page
        .connection
        .with(|connection| connection.model.is_none())
    {
        return Mode::Dry;
    }
    wished.unwrap_or_else(|| page.suggested_mode.get())
}

/// The tasks that pass filter and search. Where neither is set, no task is looked at.
fn list(page: Page, filter: Option<DraftState>, search: &str) -> Arc<[DraftId]> {
    let search = search.trim().to_lowercase();
    page.rows.with(|rows| {
        if filter.is_none() && search.is_empty() {
            return rows.as_slice().into();
        }
        page.follow_all();
        let passes = |draft: &TaskDraft| {
            filter.is_none_or(|state| Run::state(draft) == state)
                && (search.is_empty() || draft.content.text().to_lowercase().contains(&search))
        };
        rows.iter()
            .filter(|id| page.look(id).is_some_and(|draft| passes(&draft)))
            .cloned()
            .collect()
    })
}

/// What a task is called: its title, else its key, else its place.
#[must_use]
pub fn title_of(draft: &TaskDraft, roles: &Roles) -> String {
    let is_shown = |text: &String| !text.trim().is_empty();
    draft
        .title(roles)
        .filter(is_shown)
        .or_else(|| draft.key(roles).filter(is_shown))
        .unwrap_or_else(|| format!("Task {}", draft.id.ordinal))
}

/// What a task's buttons call it: its key, else its place.
#[must_use]
pub fn label_of(draft: &TaskDraft, roles: &Roles) -> String {
    key_of(draft, roles).unwrap_or_else(|| format!("task {}", draft.id.ordinal))
}

/// A task's key, where it has one.
#[must_use]
pub fn key_of(draft: &TaskDraft, roles: &Roles) -> Option<String> {
    draft.key(roles).filter(|text| !text.trim().is_empty())
}
