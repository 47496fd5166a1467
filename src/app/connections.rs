//! Connections: using, saving and listing them, and listing the models of an endpoint.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set, Update};
use wasm_bindgen_futures::spawn_local;

use super::application::{
    Application, Next, STORED_LINK_SERVERS, problem, refusal_problem, schema_problem,
};
use super::guard::{Action, Decision, leak};
use super::runs::compile;
use super::setup::schema_of;
use super::startup::restore_decisions;
use crate::browser::web_storage::WebStorage;
use crate::browser::{download, fetch, random};
use crate::model::models;
use crate::run::Event;
use crate::secrets::{Keyring, Secret, SecretSlot};
use crate::settings::connections::{Connections, ConnectionsError};
use crate::settings::{Connection, ConnectionId};
use crate::ui::page::{LeakExit, Models, Problem};

/// The name of the file with exported connections.
const EXPORT_NAME: &str = "taskwright-connections.json";

impl Application {
    /// Uses this connection for new runs ([`Setup::use_connection`]).
    ///
    /// [`Setup::use_connection`]: super::setup::Setup::use_connection
    pub(super) fn use_connection(&self, connection: &Connection) -> Result<(), Problem> {
        self.setup.use_connection(connection)?;
        self.show_adaptations();
        self.controller.recheck_for_secrets();
        Ok(())
    }

    /// Whether the task schema of the page is valid. If not, the page says why.
    pub(super) fn check_schema(&self) {
        let schema = self.page.schema.get_untracked();
        if let Err(problem) = compile(&schema) {
            self.add_problem(problem);
        }
    }

    /// Saves a connection. A new one, and the one that new runs use, is used from now on. A run that
    /// was started with it follows the change, so that paused posting can resume with the correction.
    /// The secrets go to the keyring.
    pub(super) fn connect(
        self: &Rc<Self>,
        connection: Connection,
        secrets: Vec<(SecretSlot, Secret)>,
    ) {
        // The secrets that were typed with it must not be in it either.
        let mut typed = Keyring::default();
        typed.add(secrets);
        let mut leaks = leak::in_connections(&[&connection], &typed.redactor());
        let held = self.secrets.borrow().redactor();
        leaks.extend(leak::in_connections(&[&connection], &held));
        let secrets = typed.into_secrets();
        if !self.may_let_out(&leaks) {
            self.page.settings_problem.set(None);
            let next = Next::Connect(Box::new(connection), secrets);
            return self.ask_about_leaks(&leaks, LeakExit::Store, next);
        }
        let is_used = self.page.connection.get_untracked().id == connection.id;
        let compiled = schema_of(&connection)
            .map_err(|error| schema_problem(&error))
            .and_then(|schema| compile(&schema))
            .and_then(|_| self.setup.check_hosts(&connection));
        let is_new = connection.id.is_empty();
        let saved =
            compiled.and_then(|()| self.change_connections(|all, id| all.save(connection, id)));
        match saved {
            Err(problem) => self.page.settings_problem.set(Some(problem)),
            Ok(saved) => {
                self.page.settings_problem.set(None);
                self.secrets.borrow_mut().add_for(&saved.id, secrets);
                if is_used || is_new {
                    self.use_saved(&saved);
                }
                self.update_run_connection(&saved);
                self.setup.show_held_secrets();
                self.controller.recheck_for_secrets();
            }
        }
    }

    /// Uses a saved connection for new runs, in this tab and in new ones.
    fn use_saved(&self, connection: &Connection) {
        match self.use_connection(connection) {
            Ok(()) => {
                if let Err(reason) = self.setup.remember_connection(&connection.id) {
                    self.show_web_storage_error(&reason);
                }
            }
            Err(problem) => self.add_problem(problem),
        }
    }

    /// Lets the current run follow a change of the connection that it was started with.
    fn update_run_connection(self: &Rc<Self>, connection: &Connection) {
        let is_of_run = self.controller.with_run(|run| {
            let of_run = run.connection();
            of_run.id == connection.id && of_run != connection
        });
        if is_of_run == Some(true) {
            self.controller
                .apply_unless_read_only(Event::Connect(Box::new(connection.clone())));
        }
    }

    /// Lets the current run follow what was changed in its connection while it was not on the page.
    pub(super) fn refresh_run_connection(self: &Rc<Self>) {
        if !self.setup.config_is_read.get() {
            return;
        }
        let Some(id) = self.controller.with_run(|run| run.connection().id.clone()) else {
            return;
        };
        let connections = self.setup.connections();
        if let Some(saved) = connections.saved(&id) {
            self.update_run_connection(saved);
        }
    }

    /// Uses another connection for new runs.
    pub(super) fn choose_connection(&self, id: &ConnectionId) {
        let connections = self.setup.connections();
        if let Some(connection) = connections.get(id) {
            self.use_saved(connection);
        }
        self.show_connections();
    }

    /// Adds a copy of a connection.
    pub(super) fn duplicate_connection(&self, id: &ConnectionId) {
        let copied = self.change_connections(|all, new_id| all.duplicate(id, new_id));
        self.show_result(copied.map(|copy| {
            copy.map(|copy| format!("“{}” was added.", copy.name))
                .unwrap_or_default()
        }));
    }

    /// Deletes a connection, until the operator restores it.
    pub(super) fn delete_connection(&self, id: &ConnectionId) {
        let deleted = self.change_connections(|all, _| Ok(all.delete(id)));
        let removed = match deleted {
            Ok(removed) => removed,
            Err(problem) => return self.show_result(Err(problem)),
        };
        if let Some((_, connection)) = &removed {
            self.show_result(Ok(format!("“{}” was deleted.", connection.name)));
            if self.page.connection.get_untracked().id == *id {
                let connections = self.setup.connections();
                let next = connections.get(id).or(connections.list().first().copied());
                if let Some(next) = next {
                    self.use_saved(next);
                }
            }
        }
        self.page
            .connection_list
            .update(|list| list.removed = removed);
    }

    /// Restores the connection that was deleted last.
    pub(super) fn restore_connection(&self) {
        let removed = self.page.connection_list.get_untracked().removed;
        let Some((place, connection)) = removed else {
            return;
        };
        let name = connection.name.clone();
        let restored = self.change_connections(|all, _| {
            all.restore(place, connection);
            Ok(())
        });
        self.show_result(restored.map(|()| format!("“{name}” was restored.")));
        self.page.connection_list.update(|list| list.removed = None);
    }

    /// Saves all connections as a file, without secrets.
    pub(super) fn export_connections(&self) {
        let connections = self.setup.connections();
        let redactor = self.secrets.borrow().redactor();
        let leaks = leak::in_connections(&connections.list(), &redactor);
        if !self.may_let_out(&leaks) {
            return self.ask_about_leaks(&leaks, LeakExit::Export, Next::ExportConnections);
        }
        let text = Connections::export(&connections.list());
        let saved = download::save(EXPORT_NAME, "application/json", &text);
        self.show_result(
            saved
                .map(|()| format!("Saved as {EXPORT_NAME}."))
                .map_err(|reason| {
                    problem(
                        "not_saved",
                        format!("The connections could not be saved: {reason}"),
                        "Allow downloads for this page, then try again.",
                    )
                }),
        );
    }

    /// Adds the connections of a file.
    pub(super) fn import_connections(&self, text: &str) {
        let leaks = leak::in_file(text, &self.secrets.borrow().redactor());
        if !self.may_let_out(&leaks) {
            let next = Next::ImportConnections(text.to_owned());
            return self.ask_about_leaks(&leaks, LeakExit::Store, next);
        }
        let imported = self.change_connections(|all, id| {
            let mut number = 0;
            all.import(text, &self.setup.hosts.borrow(), || {
                number += 1;
                ConnectionId::new(format!("{}-{number}", id.as_str()))
            })
        });
        self.show_result(imported.map(|added| {
            let names: Vec<String> = added.iter().map(|it| format!("“{}”", it.name)).collect();
            format!("Added {}.", names.join(", "))
        }));
    }

    /// Shows the list of connections, without the result of an earlier action.
    pub(super) fn list_connections(&self) {
        self.page.connection_list.update(|list| {
            list.message = None;
            list.problem = None;
        });
        self.show_connections();
    }

    fn show_connections(&self) {
        let connections = self.setup.connections();
        self.page.connection_list.update(|list| {
            list.connections = connections.list().into_iter().cloned().collect();
            list.unchanged_preset = connections
                .list()
                .into_iter()
                .map(|it| it.id.clone())
                .find(|id| connections.saved(id).is_none());
        });
    }

    fn show_result(&self, result: Result<String, Problem>) {
        let (message, problem) = match result {
            Ok(message) => (Some(message), None),
            Err(problem) => (None, Some(problem)),
        };
        self.page.connection_list.update(|list| {
            list.message = message;
            list.problem = problem;
        });
        self.show_connections();
    }

    /// Changes the stored connections. The change gets an id for a new connection. Other tabs may have
    /// changed them since they were read, so they are read again first.
    fn change_connections<T>(
        &self,
        change: impl FnOnce(&mut Connections, ConnectionId) -> Result<T, ConnectionsError>,
    ) -> Result<T, Problem> {
        let bits = random::bits().map_err(|reason| {
            problem(
                "no_randomness",
                format!("The browser's random number generator failed: {reason}"),
                "Open the page in a current browser.",
            )
        })?;
        let mut connections = self.setup.connections();
        let changed = change(&mut connections, ConnectionId::new(format!("{bits:032x}")))
            .map_err(|error| problem(error.code(), &error, error.hint()))?;
        if let Err(reason) = self.setup.store_connections(&connections) {
            self.show_web_storage_error(&reason);
        }
        Ok(changed)
    }

    pub(super) fn decide_host(self: &Rc<Self>, accepted: bool) {
        let Some(address) = self.page.new_host.get_untracked() else {
            return;
        };
        self.page.new_host.set(None);
        let mut decisions = restore_decisions();
        decisions.remember(&address, accepted);
        if let Ok(text) = serde_json::to_string(&decisions)
            && let Err(reason) = WebStorage::Local.write(STORED_LINK_SERVERS, &text)
        {
            self.show_web_storage_error(&reason);
        }
        if !accepted {
            return;
        }
        let connection = self.setup.connection_to(address);
        match self.use_connection(&connection) {
            Ok(()) => self
                .controller
                .apply_unless_read_only(Event::Connect(Box::new(connection))),
            Err(problem) => self.add_problem(problem),
        }
    }

    pub(super) fn list_models(self: &Rc<Self>, connection: Connection) {
        let Some(mut endpoint) = connection.model else {
            return;
        };
        let decision = self.decide(Action::ListModels(&endpoint));
        let slot = match decision {
            Decision::Send(access) => access.slot,
            Decision::Refuse(refusal) => {
                let problem = refusal_problem(&refusal);
                return self.page.models.set(Models::Failed(problem));
            }
            Decision::Local
            | Decision::ConfirmLeaving(_)
            | Decision::ConfirmUnlocked
            | Decision::ConfirmLeaks(_)
            | Decision::Prompt { .. } => None,
        };
        endpoint.needs_key = Some(slot.is_some());
        let request = models::list_request(&endpoint).prepare(&self.secrets.borrow());
        self.page.models.set(Models::Asking);
        let app = Rc::clone(self);
        spawn_local(async move {
            let found = match request {
                Err(error) => Err(problem(error.code(), &error, error.hint())),
                Ok(request) => {
                    let reply = fetch::get_bounded(&request).await;
                    models::read(reply, request.redactor(), app.controller.now())
                        .map_err(|error| problem(error.code(), error.message(), &error.hint()))
                }
            };
            app.page.models.set(match found {
                Ok(names) => Models::Known(names),
                Err(problem) => Models::Failed(problem),
            });
        });
    }
}
