//! What the next run uses: the connection on the page, the hosts that may be called, and the secrets.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set, Update, WithUntracked};

use super::application::{
    STORED_CONNECTION_ID, STORED_CONNECTIONS, STORED_SINGLE_CONNECTION, problem, schema_problem,
    settings_problem,
};
use crate::browser::web_storage::WebStorage;
use crate::delivery::request;
use crate::schema::{SchemaError, TaskSchema, agent_task_schema};
use crate::secrets::{Keyring, Secret, SecretSlot};
use crate::settings::connections::Connections;
use crate::settings::link::Link;
use crate::settings::{Address, Connection, ConnectionId, HostPolicy};
use crate::ui::page::{Page, Problem};

/// Prefix of the names under which secrets are stored for the tab.
pub(super) const SECRET_PREFIX: &str = "secret.";

/// What the next run uses.
pub struct Setup {
    pub(super) page: Page,
    pub(super) secrets: Rc<RefCell<Keyring>>,
    pub(super) hosts: RefCell<HostPolicy>,
    /// The connection of `config.json`.
    pub(super) deployed: RefCell<Option<Connection>>,
    /// Whether `config.json` was read, so that the allowed hosts are known.
    pub(super) config_is_read: Cell<bool>,
    /// The link that opened the page, until it is applied.
    pub(super) link: RefCell<Option<Link>>,
}

impl Setup {
    pub(super) fn new(page: Page) -> Rc<Setup> {
        Rc::new(Setup {
            page,
            secrets: Rc::default(),
            hosts: RefCell::new(HostPolicy::default()),
            deployed: RefCell::new(None),
            config_is_read: Cell::new(false),
            link: RefCell::new(None),
        })
    }

    pub(super) fn add_problem(&self, problem: Problem) {
        self.page.problems.update(|problems| {
            problems.retain(|shown| shown.code != problem.code);
            problems.push(problem);
        });
    }

    pub(super) fn show_web_storage_error(&self, reason: &str) {
        self.add_problem(problem(
            "local_storage",
            format!("Your input and settings cannot be stored, so a reload loses them: {reason}"),
            "Open the page in a regular (not private) window, or free some browser storage.",
        ));
    }

    /// Checks whether requests may go to these endpoints, by the general rules for addresses and by the
    /// hosts that the deployment allows.
    pub(super) fn check_hosts(&self, connection: &Connection) -> Result<(), Problem> {
        connection
            .check(&self.hosts.borrow())
            .map_err(|error| settings_problem(&error))
    }

    /// The connections in this browser.
    pub(super) fn connections(&self) -> Connections {
        Connections::read(
            WebStorage::Local.read(STORED_CONNECTIONS).as_deref(),
            WebStorage::Local.read(STORED_SINGLE_CONNECTION).as_deref(),
            self.deployed.borrow().clone(),
        )
    }

    /// Stores the connections for all tabs.
    pub(super) fn store_connections(&self, connections: &Connections) -> Result<(), String> {
        WebStorage::Local.write(STORED_CONNECTIONS, &connections.to_stored())?;
        WebStorage::Local.remove(STORED_SINGLE_CONNECTION);
        Ok(())
    }

    /// Remembers which connection new runs use, in this tab and in new ones.
    pub(super) fn remember_connection(&self, id: &ConnectionId) -> Result<(), String> {
        WebStorage::Session.write(STORED_CONNECTION_ID, id.as_str())?;
        WebStorage::Local.write(STORED_CONNECTION_ID, id.as_str())
    }

    /// The connections to try for new runs, in this order: the one that this tab used last, or else the
    /// one that any tab used last; then the others.
    pub(super) fn candidates(&self) -> Vec<Connection> {
        let connections = self.connections();
        let id = WebStorage::Session
            .read(STORED_CONNECTION_ID)
            .or_else(|| WebStorage::Local.read(STORED_CONNECTION_ID))
            .map(ConnectionId::new);
        let last = id.and_then(|id| connections.get(&id).cloned());
        let others = connections.list().into_iter().cloned();
        last.into_iter().chain(others).collect()
    }

    /// Uses this connection for new runs, if its addresses are valid and its task schema is a JSON
    /// object. Whether that is a valid schema is found when the validator is loaded, before it is used.
    pub(super) fn use_connection(&self, connection: &Connection) -> Result<(), Problem> {
        self.check_hosts(connection)?;
        let schema = schema_of(connection).map_err(|error| schema_problem(&error))?;
        self.page.connection.set(connection.clone());
        self.page.schema.set(schema);
        // A run keeps its own connection.
        if self.page.run.with_untracked(Option::is_none) {
            self.secrets.borrow_mut().use_connection(&connection.id);
        }
        self.restore_secrets();
        Ok(())
    }

    /// Takes the secrets for the connection on the page that were stored for the tab.
    pub(super) fn restore_secrets(&self) {
        let connection = self.page.connection.get_untracked();
        if let Some(endpoint) = &connection.model {
            self.restore_secret(SecretSlot::API_KEY, &endpoint.base_url, &connection.id);
        }
        self.restore_server_secrets(&connection);
        self.show_held_secrets();
    }

    /// Takes the secrets of a connection's task server that were stored for the tab.
    pub(super) fn restore_server_secrets(&self, connection: &Connection) {
        let Some(server) = &connection.task_server else {
            return;
        };
        for slot in request::secret_slots(server) {
            self.restore_secret(slot, &server.url, &connection.id);
        }
    }

    fn restore_secret(&self, slot: SecretSlot, address: &Address, connection: &ConnectionId) {
        let stored = WebStorage::Session.read(&storage_name(&slot, address, connection));
        // It was valid when it was entered.
        if let Some(Ok(secret)) = stored.map(|value| Secret::new(&value, address)) {
            self.secrets
                .borrow_mut()
                .add_for(connection, vec![(slot, secret)]);
        }
    }

    pub(super) fn show_held_secrets(&self) {
        self.page.secrets_held.set(self.secrets.borrow().held());
    }
}

/// The name under which a secret is stored for the tab.
pub(super) fn storage_name(
    slot: &SecretSlot,
    address: &Address,
    connection: &ConnectionId,
) -> String {
    let shared = format!("{SECRET_PREFIX}{}.{}", slot.name(), address.origin());
    match slot.is_of_connection() {
        true => format!("{shared}.{}", connection.as_str()),
        false => shared,
    }
}

/// Returns the task schema of a connection, or the default one.
pub(super) fn schema_of(connection: &Connection) -> Result<TaskSchema, SchemaError> {
    TaskSchema::parse(
        connection
            .task_schema
            .as_deref()
            .unwrap_or_else(|| agent_task_schema()),
    )
    .map(|schema| schema.with_roles(&connection.roles))
}
