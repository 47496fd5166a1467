//! The state of the page together with view state: the open task, the search, what can be undone.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::reactive::owner::WeakOwner;

use crate::brief::BriefForm;
use crate::review::duplicate::duplicate;
use crate::review::list::{Selection, SortBy, TaskFilter};
use crate::review::{DraftId, DraftState};
use crate::run::next_run::{self, EndpointReadiness, NextRun};
use crate::run::{Batch, DraftActions, Event, FollowUp, GenerationState, Mode, TaskDraft};
use crate::schema::Roles;
use crate::schema::starting_value::starting_task;
use crate::secrets::SecretSlot;
use crate::secrets::idle::IdleLimit;
use crate::settings::{Connection, ConnectionId};
use crate::text::counted;
use crate::ui::commands::{CommandsHandle, PageCommands};
use crate::ui::controls::focus::{focus_by_id, focus_by_id_soon, has_focus};
use crate::ui::controls::icons::mode_name;
use crate::ui::list::listing::Listing;
use crate::ui::page::{Page, RunHead};
use crate::ui::stored_brief;
use crate::ui::task::pending_edits::PendingEdits;

/// How long the offer to undo stays, unless another action replaces it.
pub const UNDO_TIME: Duration = Duration::from_secs(10);

/// The panes of a narrow page, which shows one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The brief.
    Brief,
    /// The tasks.
    Tasks,
}

/// The tabs of the open task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskTab {
    /// Its fields.
    Task,
    /// Its text.
    Json,
    /// Changes since it was proposed.
    Changes,
    /// All attempts to deliver it.
    Delivery,
}

/// The dialogs that the operator opens. Other dialogs open and close with the state of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialog {
    /// The settings of a connection. One without an id is new.
    Settings(Box<Connection>),
    /// The list of connections.
    Connections,
    /// The confirmation before posting.
    Confirm,
    /// The import of tasks.
    Import,
    /// The export of tasks.
    Export,
    /// The export of receipts.
    Receipts,
    /// The list of runs.
    Runs,
    /// The saved briefs.
    Briefs,
    /// The question whether to post without a journal.
    WithoutJournal,
    /// A follow-up request about single tasks.
    FollowUp(FollowUp),
    /// The rejection of several tasks.
    Reject(Vec<DraftId>),
    /// The keyboard shortcuts.
    Shortcuts,
}

/// The id of the message that says that this tab is read-only.
pub const READ_ONLY_BAND: &str = "read-only-band";

/// Why a task with an open editor is not approved.
pub const UNSAVED: &str = "Save or cancel what you typed first.";

/// Something that can be undone.
#[derive(Debug, Clone, PartialEq)]
pub enum Undo {
    /// The last action on tasks.
    Tasks {
        /// What was done.
        message: String,
    },
    /// Another brief in the form.
    Brief {
        /// What was done.
        message: String,
        /// What was in the form before.
        before: BriefForm,
    },
}

impl Undo {
    /// What was done.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Undo::Tasks { message } | Undo::Brief { message, .. } => message,
        }
    }
}

/// All state of the page. Copies share it.
#[derive(Clone, Copy)]
pub struct Screen {
    /// What the page shows.
    pub page: Page,
    commands: CommandsHandle,
    /// The pane that a narrow page shows.
    pub pane: RwSignal<Pane>,
    /// The open task.
    pub open_task: RwSignal<Option<DraftId>>,
    /// Whether the operator unfolded the brief beside an open task.
    pub is_brief_unfolded: RwSignal<bool>,
    /// Whether the brief is folded, so that reading a task has its room. A narrow page shows one pane at
    /// a time and folds nothing.
    pub is_brief_folded: Memo<bool>,
    /// The tab of the open task.
    pub task_tab: RwSignal<TaskTab>,
    /// Whether the tab *JSON* shows the exact text, to edit it, and not the formatted one.
    pub shows_exact_text: RwSignal<bool>,
    /// What was typed into fields of tasks and not saved yet.
    pub pending_edits: PendingEdits,
    /// What the list is filtered by.
    pub filter: RwSignal<TaskFilter>,
    /// What is searched for in the list.
    pub search: RwSignal<String>,
    /// What the list is sorted by.
    pub sort_by: RwSignal<SortBy>,
    /// Whether the list is grouped by dependency layer.
    pub is_grouped: RwSignal<bool>,
    /// The tasks that are selected in the list.
    pub selection: RwSignal<Selection>,
    /// What the list shows, once there was a list. [`Listing::of`] makes it.
    pub listing: StoredValue<Option<Listing>>,
    /// The owner of what belongs to the page as a whole.
    pub owner: StoredValue<Option<WeakOwner>>,
    /// The dialog that the operator opened.
    pub dialog: RwSignal<Option<Dialog>>,
    /// Whether the settings open as soon as it is known which connection new runs use.
    pub settings_queued: RwSignal<bool>,
    /// The text to import. It outlives its dialog, so that closing it by mistake loses nothing.
    pub import_text: RwSignal<String>,
    /// Why a text or a file was not taken over into the import.
    pub import_error: RwSignal<Option<String>>,
    /// The time without input after which secrets were forgotten, until the operator has seen it.
    pub forgotten_after: RwSignal<Option<IdleLimit>>,
    /// What can be undone.
    pub undo: RwSignal<Option<Undo>>,
    /// The mode that was chosen for the next run, by the operator or otherwise.
    pub mode_choice: Memo<Option<Mode>>,
    /// What *Generate* does.
    pub next_run: Memo<NextRun>,
    /// The mode that the page shows: that of the current run, or else of the next.
    pub mode: Memo<Mode>,
    /// The members that hold a task's key and title.
    pub roles: Memo<Roles>,
    /// Whether tasks are being generated.
    pub is_generating: Memo<bool>,
    /// Whether a follow-up request is in progress.
    pub is_following_up: Memo<bool>,
    /// Whether tasks are being posted.
    pub is_posting: Memo<bool>,
}

impl Screen {
    /// The initial state.
    #[must_use]
    pub fn new(page: Page, commands: CommandsHandle) -> Screen {
        let mode_choice = Memo::new(move |_| {
            let on_page = page.run.with(|run| run.as_ref().map(|run| run.mode));
            next_run::chosen_mode(
                page.chosen_mode.get(),
                page.link_requests_dry_run.get(),
                on_page,
                was_last_live(page),
            )
        });
        let next_run =
            Memo::new(move |_| NextRun::decide(mode_choice.get(), endpoint_readiness(page)));
        let mode = Memo::new(move |_| {
            let of_run = page.run.with(|run| run.as_ref().map(|run| run.mode));
            of_run.unwrap_or_else(|| next_run.get().mode())
        });
        let roles = Memo::new(move |_| {
            let of_run = page
                .run
                .with(|run| run.as_ref().map(|run| run.schema.roles().clone()));
            of_run.unwrap_or_else(|| page.schema.with(|schema| schema.roles().clone()))
        });
        let is_running = move |stage: fn(&RunHead) -> &GenerationState| {
            Memo::new(move |_| {
                page.run.with(|run| {
                    run.as_ref()
                        .is_some_and(|run| matches!(stage(run), GenerationState::Running { .. }))
                })
            })
        };
        let is_generating = is_running(|run| &run.generation);
        let is_following_up = is_running(|run| &run.follow_up);
        let is_posting = Memo::new(move |_| {
            page.run.with(|run| {
                run.as_ref()
                    .is_some_and(|run| matches!(run.batch, Batch::Running { .. }))
            })
        });
        let open_task = RwSignal::new(None);
        let is_brief_unfolded = RwSignal::new(false);
        let is_brief_folded = Memo::new(move |_| {
            open_task.with(Option::is_some)
                && !is_brief_unfolded.get()
                && page.brief_errors.with(Vec::is_empty)
        });
        Screen {
            page,
            commands,
            pane: RwSignal::new(Pane::Brief),
            open_task,
            is_brief_unfolded,
            is_brief_folded,
            task_tab: RwSignal::new(TaskTab::Task),
            shows_exact_text: RwSignal::new(false),
            pending_edits: PendingEdits::new(),
            filter: RwSignal::default(),
            search: RwSignal::new(String::new()),
            sort_by: RwSignal::default(),
            is_grouped: RwSignal::new(false),
            selection: RwSignal::default(),
            listing: StoredValue::new(None),
            owner: StoredValue::new(Owner::current().map(|owner| owner.downgrade())),
            dialog: RwSignal::new(None),
            settings_queued: RwSignal::new(false),
            import_text: RwSignal::new(String::new()),
            import_error: RwSignal::new(None),
            forgotten_after: RwSignal::new(None),
            undo: RwSignal::new(None),
            mode_choice,
            next_run,
            mode,
            roles,
            is_generating,
            is_following_up,
            is_posting,
        }
    }

    /// The name of the connection: that of the current run, or else of the next. Tracks it.
    #[must_use]
    pub fn connection_name(&self) -> String {
        let of_run = self
            .page
            .run
            .with(|run| run.as_ref().map(|run| run.connection.name.clone()));
        of_run.unwrap_or_else(|| self.page.connection.with(|next| next.name.clone()))
    }

    /// Whether live tasks go to a connection that is marked as production: that of the current run, or
    /// else of the next. Tracks it.
    #[must_use]
    pub fn is_production(&self) -> bool {
        let of_run = self
            .page
            .run
            .with(|run| run.as_ref().map(|run| run.connection.is_production));
        self.mode.get() == Mode::Live
            && of_run.unwrap_or_else(|| self.page.connection.with(|next| next.is_production))
    }

    /// The name of the mode in markup and style sheets. Tracks it.
    #[must_use]
    pub fn mode_state(&self) -> &'static str {
        if self.is_production() {
            "production"
        } else {
            mode_name(self.mode.get())
        }
    }

    /// Opens the settings of the connection that new runs use, once it is known: while the page still
    /// reads `config.json`, that is the built-in one for a moment, and saving would store it.
    pub fn open_settings(&self) {
        let is_known = self.page.is_open.get_untracked();
        self.settings_queued.set(!is_known);
        if !is_known {
            return;
        }
        let connection = self.page.connection.get_untracked();
        self.dialog
            .set(Some(Dialog::Settings(Box::new(connection))));
    }

    /// Opens the settings of the connection of the run on the page.
    pub fn open_run_settings(&self) {
        let of_run = self
            .page
            .run
            .with_untracked(|run| run.as_ref().map(|run| run.connection.clone()));
        match of_run {
            Some(connection) => self
                .dialog
                .set(Some(Dialog::Settings(Box::new(connection)))),
            None => self.open_settings(),
        }
    }

    /// Gives the application a command.
    pub fn command(&self, command: impl FnOnce(&dyn PageCommands) + 'static) {
        self.commands.get_value().give(command);
    }

    /// Whether this tab is read-only because another tab has the run.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.page.is_read_only.get()
    }

    /// The id of the message that says why the run cannot be changed here, while this tab is
    /// read-only.
    #[must_use]
    pub fn read_only_reason(&self) -> Option<&'static str> {
        self.is_read_only().then_some(READ_ONLY_BAND)
    }

    /// Whether an action is refused because this tab is read-only. Announces it, for an action by
    /// keyboard.
    pub fn refuse_if_read_only(&self) -> bool {
        let is_read_only = self.page.is_read_only.get_untracked();
        if is_read_only {
            let message = "This tab is read-only. Nothing was changed.";
            self.page.announcement.set(message.to_owned());
        }
        is_read_only
    }

    /// Passes an action of the operator to the run. Ends the offer to undo the previous one.
    pub fn send(&self, event: Event) {
        if self.refuse_if_read_only() {
            return;
        }
        self.undo.set(None);
        let had_focus = has_focus();
        self.command(move |commands| commands.send(event));
        // The pressed button may be gone now.
        let open_task = self.open_task;
        if had_focus {
            request_animation_frame(move || {
                let target = match open_task.try_with_untracked(Option::is_some) {
                    Some(true) => "task-title",
                    _ => "tasks",
                };
                if !has_focus() {
                    focus_by_id(target);
                }
            });
        }
    }

    /// Starts a run, and shows the task list.
    pub fn start(&self, mode: Mode) {
        self.undo.set(None);
        self.reset_list();
        self.open_task.set(None);
        self.command(move |commands| commands.start(mode));
        if self.page.brief_errors.with_untracked(Vec::is_empty) {
            self.pane.set(Pane::Tasks);
        }
    }

    /// Changes one field of the brief, and stores the brief in this browser.
    pub fn edit_brief(&self, change: impl FnOnce(&mut BriefForm)) {
        let mut form = self.page.form.get_untracked();
        change(&mut form);
        if let Err(reason) = stored_brief::write(&form) {
            self.command(move |commands| commands.report_unstored_brief(&reason));
        }
        self.page.form.set(form);
    }

    /// Puts another brief into the form, and offers to undo it.
    pub fn replace_brief(&self, brief: BriefForm, message: String) {
        let before = self.page.form.get_untracked();
        self.edit_brief(|form| *form = brief);
        self.offer_undo(Undo::Brief { message, before });
    }

    /// Opens a task, and notes that it was opened.
    pub fn open(&self, id: DraftId, tab: TaskTab) {
        self.task_tab.set(tab);
        let is_opened = self
            .page
            .draft_untracked(&id)
            .is_none_or(|draft| draft.is_opened);
        if !is_opened && !self.page.is_read_only.get_untracked() {
            let draft = id.clone();
            self.command(move |commands| commands.send(Event::Open { draft }));
        }
        self.open_task.set(Some(id));
    }

    /// Shows the exact text of the open task, with the focus in it.
    pub fn edit_as_json(&self) {
        self.shows_exact_text.set(true);
        self.task_tab.set(TaskTab::Json);
        focus_by_id_soon("json".to_owned());
    }

    /// Approves those of the tasks that can be approved, and offers to undo it.
    pub fn approve(&self, drafts: Vec<DraftId>) {
        if self.refuse_if_read_only() {
            return;
        }
        // What was typed and not saved would not be posted.
        let is_unsaved = |id: &DraftId| untrack(|| self.pending_edits.is_any(id));
        if drafts.len() == 1 && drafts.iter().any(is_unsaved) {
            self.page.announcement.set(UNSAVED.to_owned());
        }
        let drafts: Vec<DraftId> = drafts
            .into_iter()
            .filter(|id| self.actions(id).can_approve && !is_unsaved(id))
            .collect();
        if drafts.is_empty() {
            return;
        }
        let message = format!("{} approved", counted(drafts.len(), "task"));
        self.send(Event::Approve { drafts });
        self.offer_undo(Undo::Tasks { message });
    }

    /// Rejects those of the tasks that can be rejected, and offers to undo it.
    pub fn reject(&self, mut drafts: Vec<DraftId>, reason: String) {
        if self.refuse_if_read_only() {
            return;
        }
        drafts.retain(|id| self.actions(id).can_reject);
        if drafts.is_empty() {
            return;
        }
        let message = format!("{} rejected", counted(drafts.len(), "task"));
        self.send(Event::Reject { drafts, reason });
        self.offer_undo(Undo::Tasks { message });
    }

    /// Deletes those of the tasks that can be deleted, and offers to undo it.
    pub fn delete(&self, mut drafts: Vec<DraftId>) {
        if self.refuse_if_read_only() {
            return;
        }
        drafts.retain(|id| self.actions(id).can_delete);
        if drafts.is_empty() {
            return;
        }
        self.open_task
            .update(|open| *open = open.take().filter(|id| !drafts.contains(id)));
        let message = format!("{} deleted", counted(drafts.len(), "task"));
        self.send(Event::Delete { drafts });
        self.offer_undo(Undo::Tasks { message });
    }

    /// Adds a task to the run with the values that the schema suggests, and opens it.
    pub fn add_task(&self) {
        let text = self
            .page
            .run
            .with_untracked(|run| run.as_ref().map(|run| starting_task(run.schema.value())));
        if let Some(text) = text {
            self.import_and_open(text.into(), "Task added");
        }
    }

    /// Adds a task to the run, says so and opens it.
    fn import_and_open(&self, text: Arc<str>, message: &str) {
        let count = self.page.draft_count();
        self.send(Event::Import { texts: vec![text] });
        if let Some(added) = self.page.draft_at(count) {
            self.page.announcement.set(message.to_owned());
            self.open(added.id.clone(), TaskTab::Task);
        }
    }

    /// Adds a copy of a task to the run, with a task key of its own, and opens it.
    pub fn duplicate(&self, id: &DraftId) {
        let rows = self.page.rows.get_untracked();
        let document = self
            .page
            .draft_untracked(id)
            .and_then(|draft| draft.content.document());
        let Some(document) = document else { return };
        let roles = self.roles.get_untracked();
        let used_keys = rows
            .iter()
            .filter_map(|id| key_of(&*self.page.draft_untracked(id)?, &roles))
            .collect();
        let copy = duplicate(&document, &roles, &used_keys);
        self.import_and_open(copy, "Task duplicated");
    }

    /// Archives the run. The application offers to undo it.
    pub fn archive(&self) {
        if self.refuse_if_read_only() {
            return;
        }
        self.undo.set(None);
        self.open_task.set(None);
        self.reset_list();
        self.command(move |commands| commands.archive());
    }

    /// Undoes the last action.
    pub fn undo_last(&self) {
        match self.undo.get_untracked() {
            Some(Undo::Tasks { .. }) => self.undo_tasks(),
            Some(Undo::Brief { before, .. }) => {
                self.undo.set(None);
                self.edit_brief(|form| *form = before);
            }
            None => self.command(move |commands| commands.restore_removed()),
        }
    }

    /// Undoes the last action on tasks. The page says what it was.
    pub fn undo_tasks(&self) {
        self.step_through_history(Event::Undo);
    }

    /// Redoes the action on tasks that was undone last. The page says what it was.
    pub fn redo_tasks(&self) {
        self.step_through_history(Event::Redo);
    }

    fn step_through_history(&self, event: Event) {
        if self.refuse_if_read_only() {
            return;
        }
        self.undo.set(None);
        self.send(event);
    }

    /// Removes filter and search.
    pub fn show_all(&self) {
        self.filter.set(TaskFilter::default());
        self.search.set(String::new());
    }

    /// Lists only the tasks in one state.
    pub fn show_only(&self, state: DraftState) {
        self.search.set(String::new());
        self.filter.set(TaskFilter::of_state(state));
    }

    /// Selects a task or deselects it, and announces the number of selected tasks.
    pub fn toggle_selected(&self, id: DraftId) {
        self.selection.update(|selection| selection.toggle(id));
        self.announce_selection();
    }

    /// Selects the tasks from the one toggled last to this one.
    pub fn select_up_to(&self, id: &DraftId) {
        let rows = Listing::of(*self).rows.get_untracked();
        self.selection
            .update(|selection| selection.extend_to(id, &rows.ids));
        self.announce_selection();
    }

    fn announce_selection(&self) {
        let count = Listing::of(*self).selected.with_untracked(Vec::len);
        let message = format!("{} selected", counted(count, "task"));
        self.page.announcement.set(message);
    }

    /// Lists the tasks of another run: all of them, in the order of proposal.
    pub fn reset_list(&self) {
        self.show_all();
        self.selection.set(Selection::default());
        self.sort_by.set(SortBy::Proposal);
        self.is_grouped.set(false);
    }

    /// Whether the list shows only some of the tasks. Tracks filter and search.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        let is_unfiltered = self.filter.with(TaskFilter::is_empty);
        !is_unfiltered || self.search.with(|search| !search.trim().is_empty())
    }

    /// The actions that a task allows now, without tracking it.
    #[must_use]
    pub fn actions(&self, id: &DraftId) -> DraftActions {
        untrack(|| {
            let draft = self.page.draft_untracked(id);
            draft.map_or_else(DraftActions::default, |draft| self.page.actions(&draft))
        })
    }

    /// All tasks in a state, in order of arrival.
    #[must_use]
    pub fn in_state(&self, state: DraftState) -> Vec<DraftId> {
        let rows = self.page.rows.get_untracked();
        rows.into_iter()
            .filter(|id| self.page.state(id) == Some(state))
            .collect()
    }

    fn offer_undo(&self, undo: Undo) {
        self.undo.set(Some(undo.clone()));
        let offered = self.undo;
        set_timeout(
            move || {
                let is_offered = offered.try_with_untracked(|now| now.as_ref() == Some(&undo));
                if is_offered == Some(true) {
                    offered.set(None);
                }
            },
            UNDO_TIME,
        );
    }
}

/// Whether the tasks of the connection were last generated live, before the page was opened.
fn was_last_live(page: Page) -> bool {
    page.connection.with(|connection| {
        let is_it = |live: &Option<ConnectionId>| live.as_ref() == Some(&connection.id);
        connection.model.is_some() && page.live_connection.with(is_it)
    })
}

/// Whether the model endpoint of the next run can be called.
fn endpoint_readiness(page: Page) -> EndpointReadiness {
    page.connection.with(|connection| {
        let endpoint = connection.model.as_ref();
        let holds_key = endpoint.is_some_and(|endpoint| {
            let origin = endpoint.base_url.origin();
            page.secrets_held.with(|secrets| {
                let mut secrets = secrets.iter();
                secrets.any(|(slot, of)| *slot == SecretSlot::API_KEY && *of == origin)
            })
        });
        // A key in a Vault is read when it is needed.
        EndpointReadiness::of(endpoint, holds_key || connection.vault.is_some())
    })
}

/// The title of a task, or else its key, or else its number.
#[must_use]
pub fn title_of(draft: &TaskDraft, roles: &Roles) -> String {
    let is_visible = |text: &String| !text.trim().is_empty();
    draft
        .title(roles)
        .filter(is_visible)
        .or_else(|| draft.key(roles).filter(is_visible))
        .unwrap_or_else(|| format!("Task {}", draft.id.ordinal))
}

/// The short name of a task for buttons: its key, or else its number.
#[must_use]
pub fn label_of(draft: &TaskDraft, roles: &Roles) -> String {
    key_of(draft, roles).unwrap_or_else(|| format!("task {}", draft.id.ordinal))
}

/// The key of a task, if it has one.
#[must_use]
pub fn key_of(draft: &TaskDraft, roles: &Roles) -> Option<String> {
    draft.key(roles).filter(|text| !text.trim().is_empty())
}
