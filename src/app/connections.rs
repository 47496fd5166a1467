//! Using a connection, and listing the models of its endpoint.

use std::rc::Rc;

use leptos::prelude::Set;
use wasm_bindgen_futures::spawn_local;

use super::application::{
    Application, STORED_CONNECTION, problem, refusal_problem, schema_problem, settings_problem,
};
use super::guard::{Action, Decision};
use super::runs::{compile, schema_of};
use crate::browser::fetch;
use crate::browser::web_storage::WebStorage;
use crate::model::models;
use crate::run::Event;
use crate::settings::{Connection, SettingsError};
use crate::ui::page::{Models, Problem};

impl Application {
    /// Checks whether requests may go to these endpoints, by the general rules for addresses and by the
    /// hosts that the deployment allows.
    fn check_hosts(&self, connection: &Connection) -> Result<(), Problem> {
        let hosts = self.hosts.borrow();
        let server = connection.task_server.iter().map(|server| {
            server.check()?;
            hosts.check(&server.url)
        });
        let model = connection
            .model
            .iter()
            .map(|model| hosts.check(&model.base_url));
        server
            .chain(model)
            .collect::<Result<(), SettingsError>>()
            .map_err(|error| settings_problem(&error))
    }

    /// Uses this connection for new runs, if its addresses and its task schema are valid.
    pub(super) fn use_connection(&self, connection: &Connection) -> Result<(), Problem> {
        self.check_hosts(connection)?;
        let schema = schema_of(connection).map_err(|error| schema_problem(&error))?;
        compile(&schema).map_err(|error| schema_problem(&error))?;
        self.page.connection.set(connection.clone());
        self.page.schema.set(schema);
        self.show_format();
        self.restore_secrets();
        Ok(())
    }

    pub(super) fn connect(self: &Rc<Self>, connection: Connection) {
        match self.use_connection(&connection) {
            Err(problem) => self.page.settings_problem.set(Some(problem)),
            Ok(()) => {
                self.page.settings_problem.set(None);
                if let Some(endpoint) = &connection.model {
                    self.forget_format(endpoint);
                }
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
