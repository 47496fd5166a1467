//! Using a connection, and listing the models of its endpoint.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set};
use wasm_bindgen_futures::spawn_local;

use super::application::{
    Application, STORED_CONNECTION, STORED_LINK_SERVERS, problem, refusal_problem, schema_problem,
};
use super::guard::{Action, Decision};
use super::runs::compile;
use super::setup::schema_of;
use super::startup::restore_decisions;
use crate::browser::fetch;
use crate::browser::web_storage::WebStorage;
use crate::model::models;
use crate::run::Event;
use crate::settings::Connection;
use crate::ui::page::{Models, Problem};

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

    pub(super) fn connect(self: &Rc<Self>, connection: Connection) {
        let compiled = schema_of(&connection)
            .map_err(|error| schema_problem(&error))
            .and_then(|schema| compile(&schema));
        match compiled.and_then(|_| self.use_connection(&connection)) {
            Err(problem) => self.page.settings_problem.set(Some(problem)),
            Ok(()) => {
                self.page.settings_problem.set(None);
                if let Ok(text) = serde_json::to_string(&connection)
                    && let Err(reason) = WebStorage::Local.write(STORED_CONNECTION, &text)
                {
                    self.show_web_storage_error(&reason);
                }
                // The current run uses it as well, so that paused posting can resume with the correction.
                self.controller
                    .apply_unless_read_only(Event::Connect(Box::new(connection)));
            }
        }
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
