//! The application behind the page: state, and helpers shared by its parts.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::{Set, Update};
use wasm_bindgen_futures::spawn_local;

use super::controller::RunController;
use crate::model::FormatMemory;
use crate::run::{Event, Mode};
use crate::schema::SchemaError;
use crate::secrets::Keyring;
use crate::settings::link::Link;
use crate::settings::{HostPolicy, SettingsError};
use crate::ui::page::{Page, Problem};

/// Names under which small things are kept in the browser.
pub(super) const KEPT_BRIEF: &str = "brief";
pub(super) const KEPT_CONNECTION: &str = "connection";
pub(super) const KEPT_RUN: &str = "run";
pub(super) const KEPT_FORMATS: &str = "response_formats";

/// What goes on once a secret is there.
pub(super) enum Next {
    Nothing,
    Start(Mode),
    Send(Event),
}

/// Everything behind the desk.
pub struct Application {
    pub(super) page: Page,
    pub(super) controller: Rc<RunController>,
    pub(super) secrets: Rc<RefCell<Keyring>>,
    pub(super) format_memory: Rc<RefCell<FormatMemory>>,
    pub(super) hosts: RefCell<HostPolicy>,
    pub(super) next: RefCell<Next>,
    pub(super) aside: RefCell<Option<String>>,
    pub(super) link_wants_dry: Cell<bool>,
    /// What the deployment allows is not known before its `config.json` was looked for.
    pub(super) config_is_read: Cell<bool>,
}

pub(super) fn problem(code: &str, what: impl ToString, hint: &str) -> Problem {
    Problem {
        code: code.to_owned(),
        what: what.to_string(),
        hint: hint.to_owned(),
    }
}

pub(super) fn settings_problem(error: &SettingsError) -> Problem {
    problem(error.code(), error, error.hint())
}

pub(super) fn schema_problem(error: &SchemaError) -> Problem {
    problem(error.code(), error, error.hint())
}

impl Application {
    /// An office for a page, with what was kept and what the page's address says.
    pub fn open(page: Page, query: &str) -> Rc<Application> {
        let secrets: Rc<RefCell<Keyring>> = Rc::default();
        let format_memory: Rc<RefCell<FormatMemory>> = Rc::default();
        let controller = RunController::new(page, Rc::clone(&secrets), Rc::clone(&format_memory));
        let app = Rc::new(Application {
            page,
            controller,
            secrets,
            format_memory,
            hosts: RefCell::new(HostPolicy::default()),
            next: RefCell::new(Next::Nothing),
            aside: RefCell::new(None),
            link_wants_dry: Cell::new(false),
            config_is_read: Cell::new(false),
        });
        let asking = Rc::downgrade(&app);
        app.controller.on_ask(move |name| {
            if let Some(app) = asking.upgrade() {
                app.follow_up(name);
            }
        });
        let learning = Rc::downgrade(&app);
        app.controller.on_format(move |endpoint, response_format| {
            if let Some(app) = learning.upgrade() {
                app.remember_rung(endpoint, response_format);
            }
        });
        app.read_rungs();
        app.read_brief();
        app.restore_run();
        let link = Link::parse(query);
        app.take_count(&link, query);
        let opening = Rc::clone(&app);
        page.is_open.set(false);
        spawn_local(async move {
            opening.read_config().await;
            opening.follow(link);
            opening.suggest_mode();
            opening.page.is_open.set(true);
        });
        app
    }

    /// Stops what is under way: the page is taken away. What is kept stays kept.
    pub fn close(&self) {
        self.controller.leave();
    }

    pub(super) fn add_problem(&self, problem: Problem) {
        self.page.problems.update(|problems| {
            problems.retain(|held| held.code != problem.code);
            problems.push(problem);
        });
    }

    pub(super) fn note_local(&self, reason: &str) {
        self.add_problem(problem(
            "local_storage",
            format!("What is typed cannot be kept through a reload: {reason}"),
            "Open the page in an ordinary window, or make room in the browser's storage.",
        ));
    }
}
