//! The connection test of the settings: sends its requests and shows its reports.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set};
use wasm_bindgen_futures::spawn_local;

use super::application::{Application, refusal_problem};
use super::guard::Refusal;
use crate::browser::{fetch, page_origin};
use crate::connection_test::{Endpoint, Observations, Seen, TestReport, judge};
use crate::http::HttpRequest;
use crate::secrets::{Keyring, Secret, SecretSlot};
use crate::settings::{Connection, ConnectionId};
use crate::ui::page::ConnectionTest;
use crate::vault::{WantedSecret, wanted_secrets};

impl Application {
    /// Tests the endpoints of a connection, with the secrets that are held and with those that were
    /// typed for it. Nothing is posted.
    pub(super) fn test_connection(
        self: &Rc<Self>,
        connection: Connection,
        typed: Vec<(SecretSlot, Secret)>,
    ) {
        let checked = if self.setup.config_is_read.get() {
            self.setup.check_hosts(&connection)
        } else {
            Err(refusal_problem(&Refusal::ConfigUnread))
        };
        if let Err(problem) = checked {
            return self.page.settings_problem.set(Some(problem));
        }
        self.page.settings_problem.set(None);
        let wanted = wanted_secrets(&connection);
        let id = connection.id.clone();
        let vault = connection.vault.map(Endpoint::Vault);
        let server = connection
            .task_server
            .map(Box::new)
            .map(Endpoint::TaskServer);
        let model = connection.model.map(Box::new).map(Endpoint::Model);
        let endpoints: Vec<Endpoint> = model.into_iter().chain(server).chain(vault).collect();
        let keyring = self.keyring_for(&id, &endpoints, typed);
        self.page.connection_test.set(ConnectionTest::Running);
        let app = Rc::clone(self);
        spawn_local(async move {
            let mut reports = Vec::new();
            for endpoint in endpoints {
                reports.push(app.test(endpoint, &keyring, &wanted).await);
            }
            // The dialog may have been closed, and opened for another connection, meanwhile.
            if app.page.connection_test.get_untracked() == ConnectionTest::Running {
                app.page.connection_test.set(ConnectionTest::Done(reports));
            }
        });
    }

    /// The secrets for a test of a connection: those that were typed, and otherwise those that are held.
    fn keyring_for(
        &self,
        connection: &ConnectionId,
        endpoints: &[Endpoint],
        typed: Vec<(SecretSlot, Secret)>,
    ) -> Keyring {
        let mut keyring = Keyring::default();
        let held = self.secrets.borrow();
        for endpoint in endpoints {
            let slots = endpoint.requests().full.secret_slots();
            let copies = slots.into_iter().filter_map(|slot| {
                let secret = held.get_for(connection, &slot, endpoint.address())?;
                Some((slot, secret.copy_for(endpoint.address()).ok()?))
            });
            keyring.add(copies.collect());
        }
        keyring.add(typed);
        keyring
    }

    async fn test(
        &self,
        endpoint: Endpoint,
        keyring: &Keyring,
        wanted: &[WantedSecret],
    ) -> TestReport {
        let requests = endpoint.requests();
        let plain = see(requests.plain.clone(), keyring).await;
        let full = see(requests.full, keyring).await;
        let is_answer = |seen: &Seen| matches!(seen, Seen::Response { .. });
        let is_reached =
            is_answer(&plain) || is_answer(&full) || fetch::reaches(&requests.plain.url).await;
        let seen = Observations {
            origin: page_origin(),
            is_reached,
            plain,
            full,
        };
        let mut report = judge(endpoint, &seen);
        if let (Endpoint::Vault(source), true) = (&report.endpoint, is_reached) {
            let access = self.vault_access().await;
            let token = keyring.get(&SecretSlot::VAULT_TOKEN, &source.address);
            let read = match token.and_then(|token| token.copy_for(&source.address).ok()) {
                None => None,
                Some(token) => Some(
                    access
                        .read((**source).clone(), token, wanted.to_vec())
                        .await,
                ),
            };
            report.steps.push(access.test_step(read.as_ref()));
        }
        report
    }
}

/// Sends a request and says what the page sees of its response.
async fn see(request: HttpRequest, keyring: &Keyring) -> Seen {
    let Ok(request) = request.prepare(keyring) else {
        return Seen::NotSent;
    };
    match fetch::get_bounded(&request).await {
        Ok((status, body)) => Seen::Response {
            status,
            body: request
                .redactor()
                .redact(&String::from_utf8_lossy(&body))
                .to_string(),
        },
        Err(message) => Seen::Nothing { message },
    }
}
