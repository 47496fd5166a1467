//! What stands behind the page's desk: turns what is asked for into runs, secrets and settings.
//!
//! `opening` reads what was there before the page; `connections`, `secrets` and `runs` do what
//! their names say, and `receipts` saves what became of a run; `desk` is the handle that components hold.

mod connections;
mod desk;
mod opening;
mod receipts;
mod rungs;
mod runs;
mod secrets;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::{Set, Update};
use wasm_bindgen_futures::spawn_local;

use super::engine::Engine;
use crate::model::RungMemory;
use crate::run::{Event, Mode};
use crate::schema::SchemaError;
use crate::secrets::Keyring;
use crate::settings::link::Link;
use crate::settings::{HostPolicy, SettingsError};
use crate::ui::page::{Page, Problem};

pub(super) use desk::OfficeDesk;

/// Names under which small things are kept in the browser.
const KEPT_BRIEF: &str = "brief";
const KEPT_CONNECTION: &str = "connection";
const KEPT_RUN: &str = "run";
const KEPT_RUNGS: &str = "rungs";

/// What goes on once a secret is there.
enum Next {
    Nothing,
    Start(Mode),
    Send(Event),
}

/// Everything behind the desk.
pub(super) struct Office {
    page: Page,
    engine: Rc<Engine>,
    secrets: Rc<RefCell<Keyring>>,
    rungs: Rc<RefCell<RungMemory>>,
    hosts: RefCell<HostPolicy>,
    next: RefCell<Next>,
    aside: RefCell<Option<String>>,
    link_wants_dry: Cell<bool>,
    /// What the deployment allows is not known before its `config.json` was looked for.
    config_is_read: Cell<bool>,
}

fn problem(code: &str, what: impl ToString, hint: &str) -> Problem {
    Problem {
        code: code.to_owned(),
        what: what.to_string(),
        hint: hint.to_owned(),
    }
}

fn settings_problem(error: &SettingsError) -> Problem {
    problem(error.code(), error, error.hint())
}

fn schema_problem(error: &SchemaError) -> Problem {
    problem(error.code(), error, error.hint())
}

impl Office {
    /// An office for a page, with what was kept and what the page's address says.
    pub fn open(page: Page, query: &str) -> Rc<Office> {
        let secrets: Rc<RefCell<Keyring>> = Rc::default();
        let rungs: Rc<RefCell<RungMemory>> = Rc::default();
        let engine = Engine::new(page, Rc::clone(&secrets), Rc::clone(&rungs));
        let office = Rc::new(Office {
            page,
            engine,
            secrets,
            rungs,
            hosts: RefCell::new(HostPolicy::default()),
            next: RefCell::new(Next::Nothing),
            aside: RefCell::new(None),
            link_wants_dry: Cell::new(false),
            config_is_read: Cell::new(false),
        });
        let asking = Rc::downgrade(&office);
        office.engine.on_ask(move |name| {
            if let Some(office) = asking.upgrade() {
                office.ask_again(name);
            }
        });
        let learning = Rc::downgrade(&office);
        office.engine.on_rung(move |endpoint, rung| {
            if let Some(office) = learning.upgrade() {
                office.remember_rung(endpoint, rung);
            }
        });
        office.read_rungs();
        office.read_brief();
        office.restore_run();
        let link = Link::parse(query);
        office.take_count(&link, query);
        let opening = Rc::clone(&office);
        page.is_open.set(false);
        spawn_local(async move {
            opening.read_config().await;
            opening.follow(link);
            opening.suggest_mode();
            opening.page.is_open.set(true);
        });
        office
    }

    /// Stops what is under way: the page is taken away. What is kept stays kept.
    pub fn close(&self) {
        self.engine.leave();
    }

    fn add_problem(&self, problem: Problem) {
        self.page.problems.update(|problems| {
            problems.retain(|held| held.code != problem.code);
            problems.push(problem);
        });
    }

    fn note_local(&self, reason: &str) {
        self.add_problem(problem(
            "local_storage",
            format!("What is typed cannot be kept through a reload: {reason}"),
            "Open the page in an ordinary window, or make room in the browser's storage.",
        ));
    }
}
