//! What stands behind the page's desk: turns what is asked for into runs, secrets and settings.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::{GetUntracked, Set, Update};
use wasm_bindgen_futures::spawn_local;

use super::engine::Engine;
use crate::brief::{Brief, BriefForm};
use crate::browser::local::{self, Shelf};
use crate::browser::{fetch, random};
use crate::driver::{self, Loaded};
use crate::model::models;
use crate::review::{RunId, bring};
use crate::run::{Event, Mode, Run, Start};
use crate::schema::validator::{Validator, ValidatorOptions};
use crate::schema::{Check, SchemaError, TaskSchema, agent_task_schema};
use crate::secrets::{Keyring, SecretName};
use crate::settings::config::{Config, ConfigError, MAX_CONFIG_BYTES};
use crate::settings::link::{Link, LinkError};
use crate::settings::{Address, Connection, DEFAULT_LOOPBACK_TOKEN, HostPolicy, SettingsError};
use crate::ui::desk::Desk;
use crate::ui::page::{Asking, Models, Page, Problem};

const KEPT_BRIEF: &str = "brief";
const KEPT_CONNECTION: &str = "connection";
const KEPT_RUN: &str = "run";

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
    hosts: RefCell<HostPolicy>,
    next: RefCell<Next>,
    aside: RefCell<Option<String>>,
    link_wants_dry: Cell<bool>,
}

/// The handle that components hold.
pub(super) struct OfficeDesk(pub Rc<Office>);

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

/// The task schema of a connection: its own text, or the default one.
fn schema_of(connection: &Connection) -> Result<TaskSchema, SchemaError> {
    TaskSchema::parse(
        connection
            .task_schema
            .as_deref()
            .unwrap_or_else(|| agent_task_schema()),
    )
}

fn compile(schema: &TaskSchema) -> Result<Arc<dyn Check>, SchemaError> {
    let validator = Validator::compile(schema.value(), &ValidatorOptions::default())?;
    Ok(Arc::new(validator))
}

impl Office {
    /// An office for a page, with what was kept and what the page's address says.
    pub fn open(page: Page, query: &str) -> Rc<Office> {
        let secrets: Rc<RefCell<Keyring>> = Rc::default();
        let engine = Engine::new(page, Rc::clone(&secrets));
        let office = Rc::new(Office {
            page,
            engine,
            secrets,
            hosts: RefCell::new(HostPolicy::default()),
            next: RefCell::new(Next::Nothing),
            aside: RefCell::new(None),
            link_wants_dry: Cell::new(false),
        });
        let asking = Rc::downgrade(&office);
        office.engine.on_ask(move |name| {
            if let Some(office) = asking.upgrade() {
                office.ask_again(name);
            }
        });
        office.read_brief();
        office.restore_run();
        let link = Link::parse(query);
        let opening = Rc::clone(&office);
        spawn_local(async move {
            opening.read_config().await;
            opening.follow(link);
            opening.suggest_mode();
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

    fn read_brief(&self) {
        let kept = local::read(Shelf::Browser, KEPT_BRIEF)
            .and_then(|text| serde_json::from_str::<BriefForm>(&text).ok());
        if let Some(form) = kept {
            self.page.form.set(form);
        }
    }

    async fn read_config(&self) {
        let config = match fetch::look_up("config.json", None, MAX_CONFIG_BYTES + 1).await {
            Ok((404, _)) => Ok(Config::default()),
            Ok((200, body)) => Config::parse(&String::from_utf8_lossy(&body)),
            Ok((status, _)) => Err(ConfigError::Unreadable {
                reason: format!("status {status}"),
            }),
            Err(reason) => Err(ConfigError::Unreadable { reason }),
        };
        let config = config.unwrap_or_else(|error| {
            self.add_problem(problem(error.code(), &error, error.hint()));
            Config::default()
        });
        self.page.notice.set(config.notice);
        *self.hosts.borrow_mut() = config.hosts;
        let kept = local::read(Shelf::Browser, KEPT_CONNECTION)
            .and_then(|text| serde_json::from_str::<Connection>(&text).ok());
        let candidates = kept.into_iter().chain(config.connection);
        for connection in candidates {
            match self.use_connection(&connection) {
                Ok(()) => return,
                Err(problem) => self.add_problem(problem),
            }
        }
        // What is built in was shown from the start.
        self.load_kept_secrets();
    }

    /// Uses these endpoints for new runs, and for the delivery of the one that is shown.
    fn use_connection(&self, connection: &Connection) -> Result<(), Problem> {
        let hosts = self.hosts.borrow();
        if let Some(server) = &connection.task_server {
            server.check().map_err(|error| settings_problem(&error))?;
            hosts
                .check(&server.url)
                .map_err(|error| settings_problem(&error))?;
        }
        if let Some(model) = &connection.model {
            hosts
                .check(&model.base_url)
                .map_err(|error| settings_problem(&error))?;
        }
        let schema = schema_of(connection).map_err(|error| schema_problem(&error))?;
        compile(&schema).map_err(|error| schema_problem(&error))?;
        self.page.connection.set(connection.clone());
        self.page.schema.set(schema);
        self.load_kept_secrets();
        self.suggest_mode();
        Ok(())
    }

    /// Does what the page's address asks for.
    fn follow(&self, link: Link) {
        for error in &link.problems {
            self.add_problem(problem(error.code(), error, error.hint()));
        }
        if link
            .problems
            .iter()
            .any(|error| matches!(error, LinkError::Secret { .. }))
        {
            forget_query();
        }
        self.link_wants_dry.set(link.dry_run);
        if let Some(count) = link.count {
            self.page.form.update(|form| form.count = count);
        }
        let Some(address) = link.task_server else {
            return;
        };
        if let Err(error) = self.hosts.borrow().check(&address) {
            return self.add_problem(settings_problem(&error));
        }
        let known = self.page.connection.get_untracked().task_server;
        if known.as_ref().is_some_and(|server| server.url == address) {
            return;
        }
        let is_known_origin = known.is_some_and(|server| server.url.origin() == address.origin());
        if is_known_origin {
            self.use_server_at(address);
        } else {
            self.page.new_host.set(Some(address));
        }
    }

    fn use_server_at(&self, address: Address) {
        let mut connection = self.page.connection.get_untracked();
        let mut server = crate::settings::TaskServer::at(address);
        if let Some(known) = &connection.task_server {
            server.path.clone_from(&known.path);
            server.token_header.clone_from(&known.token_header);
        }
        connection.name = server.url.host_and_port();
        connection.task_server = Some(server);
        match self.use_connection(&connection) {
            Ok(()) => self.engine.apply(Event::Connect(connection)),
            Err(problem) => self.add_problem(problem),
        }
    }

    fn suggest_mode(&self) {
        let connection = self.page.connection.get_untracked();
        let can_ask = connection.model.as_ref().is_some_and(|endpoint| {
            !endpoint.wants_key()
                || self
                    .secrets
                    .borrow()
                    .get(SecretName::ModelKey, &endpoint.base_url)
                    .is_some()
        });
        self.page
            .suggested_mode
            .set(if can_ask && !self.link_wants_dry.get() {
                Mode::Live
            } else {
                Mode::Dry
            });
    }

    fn restore_run(self: &Rc<Self>) {
        let Some(id) = local::read(Shelf::Browser, KEPT_RUN) else {
            return;
        };
        let office = Rc::clone(self);
        spawn_local(async move { office.load_run(&id).await });
    }

    async fn load_run(self: &Rc<Self>, id: &str) {
        match driver::load(self.engine.store(), id, self.engine.now()).await {
            Ok(Loaded::Run(run)) => match compile(run.schema()) {
                // A run that was started while this one was read stays.
                Ok(check) if self.engine.with_run(|_| ()).is_none() => {
                    self.engine.begin(*run, check, crate::run::Step::default());
                }
                Ok(_) => {}
                Err(error) => self.add_problem(schema_problem(&error)),
            },
            Ok(Loaded::Absent) => {}
            Ok(Loaded::Unreadable(error)) => {
                self.add_problem(problem(
                    error.code(),
                    format!("The last run: {error}"),
                    error.hint(),
                ));
            }
            Err(error) => self.engine.note_storage(Some(error)),
        }
    }

    fn start_run(self: &Rc<Self>, brief: Option<Brief>, mode: Mode) -> bool {
        let schema = self.page.schema.get_untracked();
        let check = match compile(&schema) {
            Ok(check) => check,
            Err(error) => {
                self.add_problem(schema_problem(&error));
                return false;
            }
        };
        let Some(start) = self.starting(brief, mode, schema) else {
            return false;
        };
        let (run, step) = Run::start(start);
        self.show(run, check, step);
        true
    }

    fn starting(&self, brief: Option<Brief>, mode: Mode, schema: TaskSchema) -> Option<Start> {
        match random::bits() {
            Ok(bits) => Some(Start {
                id: RunId::from_bits(bits),
                mode,
                at: self.engine.now(),
                brief,
                connection: self.page.connection.get_untracked(),
                schema,
            }),
            Err(reason) => {
                self.add_problem(problem(
                    "no_randomness",
                    format!("This browser gives no random numbers: {reason}"),
                    "Open the page in a current browser.",
                ));
                None
            }
        }
    }

    fn show(self: &Rc<Self>, run: Run, check: Arc<dyn Check>, step: crate::run::Step) {
        *self.aside.borrow_mut() = self.engine.with_run(|run| run.id().to_string());
        if let Err(reason) = local::write(Shelf::Browser, KEPT_RUN, &run.id().to_string()) {
            self.note_local(&reason);
        }
        self.engine.begin(run, check, step);
    }

    fn note_local(&self, reason: &str) {
        self.engine
            .note_storage(Some(crate::ports::StoreError::Unavailable {
                reason: reason.to_owned(),
            }));
    }

    /// Whether a new run may take the place of the one that is shown.
    fn may_begin(&self) -> bool {
        let is_posting = self.engine.with_run(Run::is_posting).unwrap_or(false);
        if is_posting {
            self.add_problem(problem(
                "posting",
                "Tasks are being posted.",
                "Pause or stop posting first, then start anew.",
            ));
        }
        !is_posting
    }

    /// The address that a secret belongs to.
    fn address_of(&self, name: SecretName) -> Option<Address> {
        let shown = self.engine.with_run(|run| run.connection().clone());
        match name {
            // A key is asked for before a run starts, a token for the run that is shown.
            SecretName::ModelKey => {
                let endpoint = self.page.connection.get_untracked().model;
                endpoint.map(|endpoint| endpoint.base_url)
            }
            SecretName::AgentToken => shown
                .unwrap_or_else(|| self.page.connection.get_untracked())
                .task_server
                .map(|server| server.url),
        }
    }

    fn ask(&self, name: SecretName, refused: Option<String>, next: Next) {
        let Some(address) = self.address_of(name) else {
            return self.add_problem(problem(
                "nothing_configured",
                "There is no server to give it to.",
                "Name the server in the settings.",
            ));
        };
        let on_loopback = page_is_on_loopback() && address.is_loopback();
        let offer =
            (name == SecretName::AgentToken && on_loopback).then_some(DEFAULT_LOOPBACK_TOKEN);
        *self.next.borrow_mut() = next;
        self.page.asking.set(Some(Asking {
            name,
            address,
            refused,
            offer,
        }));
    }

    /// A run's secret was not accepted, or was missing.
    fn ask_again(&self, name: SecretName) {
        let Some(address) = self.address_of(name) else {
            return;
        };
        let was_held = self.secrets.borrow().get(name, &address).is_some();
        self.secrets.borrow_mut().forget(name, &address);
        local::remove(Shelf::Tab, &kept_secret(name, &address));
        self.show_held();
        let refused = was_held.then(|| {
            format!(
                "{} does not accept the {} it was given.",
                address.host_and_port(),
                name.word()
            )
        });
        self.ask(name, refused, Next::Send(Event::Resume));
    }

    fn holds(&self, name: SecretName) -> bool {
        self.address_of(name)
            .is_some_and(|address| self.secrets.borrow().get(name, &address).is_some())
    }

    fn show_held(&self) {
        self.page.secrets_held.set(self.secrets.borrow().held());
        self.suggest_mode();
    }

    fn load_kept_secrets(&self) {
        for name in [SecretName::ModelKey, SecretName::AgentToken] {
            let Some(address) = self.address_of(name) else {
                continue;
            };
            if let Some(value) = local::read(Shelf::Tab, &kept_secret(name, &address)) {
                // What was kept was accepted when it was typed.
                let _ = self.secrets.borrow_mut().give(name, &address, &value);
            }
        }
        self.page.secrets_held.set(self.secrets.borrow().held());
    }

    fn go_on(self: &Rc<Self>) {
        match std::mem::replace(&mut *self.next.borrow_mut(), Next::Nothing) {
            Next::Nothing => {}
            Next::Start(mode) => self.start(mode),
            Next::Send(event) => self.send(event),
        }
    }

    fn start(self: &Rc<Self>, mode: Mode) {
        if !self.may_begin() {
            return;
        }
        // The same brief gives the same dry run.
        let brief = match self.page.form.get_untracked().check(0) {
            Ok(brief) => {
                self.page.brief_errors.set(Vec::new());
                brief
            }
            Err(errors) => return self.page.brief_errors.set(errors),
        };
        if mode == Mode::Live {
            let Some(endpoint) = self.page.connection.get_untracked().model else {
                return self.add_problem(problem(
                    "no_model",
                    "No model endpoint is configured.",
                    "Name a base address and a model in the settings, or make a dry run.",
                ));
            };
            if endpoint.wants_key() && !self.holds(SecretName::ModelKey) {
                return self.ask(SecretName::ModelKey, None, Next::Start(mode));
            }
        }
        self.start_run(Some(brief), mode);
    }

    fn send(self: &Rc<Self>, event: Event) {
        let leaves = matches!(
            event,
            Event::Post { .. } | Event::Resume | Event::Retry { .. } | Event::ResendSameKey { .. }
        );
        let is_live = self
            .engine
            .with_run(|run| run.mode() == Mode::Live)
            .unwrap_or(false);
        if leaves && is_live && !self.holds(SecretName::AgentToken) {
            return self.ask(SecretName::AgentToken, None, Next::Send(event));
        }
        self.engine.apply(event);
    }
}

impl Desk for OfficeDesk {
    fn start(&self, mode: Mode) {
        self.0.start(mode);
    }

    fn go_live(&self) {
        let office = &self.0;
        if office.engine.is_busy() {
            return office.add_problem(problem(
                "busy",
                "The dry run is still under way.",
                "Let it end, or stop it, then go live.",
            ));
        }
        let brief = office.engine.with_run(|run| run.brief().cloned()).flatten();
        let schema = office.page.schema.get_untracked();
        let brought: Vec<String> = office
            .engine
            .with_run(|run| {
                run.drafts()
                    .iter()
                    .filter(|draft| draft.origin == crate::review::Origin::Pasted)
                    .map(|draft| draft.content.text().to_owned())
                    .collect()
            })
            .unwrap_or_default();
        if brief.is_some() && brought.is_empty() {
            return office.start(Mode::Live);
        }
        let check = match compile(&schema) {
            Ok(check) => check,
            Err(error) => return office.add_problem(schema_problem(&error)),
        };
        let Some(start) = office.starting(None, Mode::Live, schema) else {
            return;
        };
        if let Some((run, step)) = office.engine.with_run(|run| run.go_live(start)) {
            office.show(run, check, step);
        }
    }

    fn bring(&self, text: &str, mode: Mode) {
        let office = &self.0;
        let texts = match bring::split(text) {
            Ok(texts) => texts,
            Err(error) => {
                let problem = problem(error.code(), &error, error.hint());
                return office.page.bring_problem.set(Some(problem));
            }
        };
        office.page.bring_problem.set(None);
        let there_is_one = office.engine.with_run(|_| ()).is_some();
        if there_is_one || office.start_run(None, mode) {
            office.engine.apply(Event::Bring { texts });
        }
    }

    fn send(&self, event: Event) {
        self.0.send(event);
    }

    fn typed(&self, form: BriefForm) {
        let office = &self.0;
        if let Ok(text) = serde_json::to_string(&form)
            && let Err(reason) = local::write(Shelf::Browser, KEPT_BRIEF, &text)
        {
            office.note_local(&reason);
        }
        office.page.form.set(form);
    }

    fn give_secret(&self, name: SecretName, value: &str, keep_for_tab: bool) {
        let office = &self.0;
        let Some(asking) = office.page.asking.get_untracked() else {
            return;
        };
        let given = office
            .secrets
            .borrow_mut()
            .give(name, &asking.address, value);
        match given {
            Err(error) => office.page.asking.set(Some(Asking {
                refused: Some(format!(
                    "This cannot be a {}: {error}. {}",
                    name.word(),
                    error.hint()
                )),
                ..asking
            })),
            Ok(()) => {
                if keep_for_tab {
                    let kept = kept_secret(name, &asking.address);
                    if let Err(reason) = local::write(Shelf::Tab, &kept, value.trim()) {
                        office.note_local(&reason);
                    }
                }
                office.page.asking.set(None);
                office.show_held();
                office.go_on();
            }
        }
    }

    fn ask_for(&self, name: SecretName) {
        self.0.ask(name, None, Next::Nothing);
    }

    fn keep_asking_later(&self) {
        *self.0.next.borrow_mut() = Next::Nothing;
        self.0.page.asking.set(None);
    }

    fn forget_secrets(&self) {
        let office = &self.0;
        for (name, origin) in office.secrets.borrow().held() {
            if let Ok(address) = Address::parse(&origin) {
                local::remove(Shelf::Tab, &kept_secret(name, &address));
            }
        }
        office.secrets.borrow_mut().forget_all();
        office.show_held();
    }

    fn connect(&self, connection: Connection) {
        let office = &self.0;
        match office.use_connection(&connection) {
            Err(problem) => office.page.settings_problem.set(Some(problem)),
            Ok(()) => {
                office.page.settings_problem.set(None);
                if let Ok(text) = serde_json::to_string(&connection)
                    && let Err(reason) = local::write(Shelf::Browser, KEPT_CONNECTION, &text)
                {
                    office.note_local(&reason);
                }
                // A delivery that waits goes on with what was corrected.
                office.engine.apply(Event::Connect(connection));
            }
        }
    }

    fn suggest_models(&self, connection: Connection) {
        let office = Rc::clone(&self.0);
        let Some(endpoint) = connection.model else {
            return;
        };
        if let Err(error) = office.hosts.borrow().check(&endpoint.base_url) {
            return office
                .page
                .models
                .set(Models::Failed(settings_problem(&error)));
        }
        office.page.models.set(Models::Asking);
        spawn_local(async move {
            let key = office
                .secrets
                .borrow()
                .get(SecretName::ModelKey, &endpoint.base_url)
                .and_then(|key| key.copy_for(&endpoint.base_url).ok());
            let (url, _) = models::list_request(&endpoint);
            let key = key.as_ref().map(|key| (&endpoint, key));
            let answer = fetch::look_up(&url, key, models::MAX_LIST_BYTES).await;
            let found = match answer {
                Ok((200, body)) => models::parse(&body)
                    .map_err(|error| problem(error.code(), &error, error.hint())),
                Ok((status, body)) => {
                    let failure = crate::model::http::failure(status, |_| None, &body);
                    Err(problem(failure.code(), &failure.message, &failure.hint()))
                }
                Err(reason) => {
                    let failure = crate::model::Failure::unreachable(&reason);
                    Err(problem(failure.code(), &failure.message, &failure.hint()))
                }
            };
            office.page.models.set(match found {
                Ok(names) => Models::Known(names),
                Err(problem) => Models::Failed(problem),
            });
        });
    }

    fn decide_host(&self, accepted: bool) {
        let office = &self.0;
        let address = office.page.new_host.get_untracked();
        office.page.new_host.set(None);
        if let (true, Some(address)) = (accepted, address) {
            office.use_server_at(address);
        }
    }

    fn clear(&self) {
        let office = &self.0;
        if office.may_begin() {
            *office.aside.borrow_mut() = office.engine.with_run(|run| run.id().to_string());
            local::remove(Shelf::Browser, KEPT_RUN);
            office.engine.leave();
        }
    }

    fn bring_back(&self) {
        let office = Rc::clone(&self.0);
        let Some(id) = office.aside.borrow_mut().take() else {
            return;
        };
        if !office.may_begin() {
            return;
        }
        office.engine.leave();
        if let Err(reason) = local::write(Shelf::Browser, KEPT_RUN, &id) {
            office.note_local(&reason);
        }
        spawn_local(async move { office.load_run(&id).await });
    }

    fn dismiss(&self, code: &str) {
        self.0
            .page
            .problems
            .update(|problems| problems.retain(|held| held.code != code));
    }
}

fn kept_secret(name: SecretName, address: &Address) -> String {
    format!("secret.{}.{}", name.word(), address.origin())
}

/// Whether the page itself comes from this machine.
fn page_is_on_loopback() -> bool {
    web_sys::window()
        .and_then(|window| window.location().origin().ok())
        .and_then(|origin| Address::parse(&origin).ok())
        .is_some_and(|address| address.is_loopback())
}

/// Takes the query out of the address bar and the history, where a secret stood in it.
fn forget_query() {
    let Some(window) = web_sys::window() else {
        return;
    };
    if let (Ok(path), Ok(history)) = (window.location().pathname(), window.history()) {
        // Where the browser does not allow it, the problem that is shown says what to do.
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&path));
    }
}
