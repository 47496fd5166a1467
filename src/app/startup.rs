//! What was there before the page: what was kept, `config.json`, and the page's own address.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set, Update};

use super::application::{Application, KEPT_BRIEF, KEPT_CONNECTION, problem, settings_problem};
use crate::brief::BriefForm;
use crate::browser::local::WebStorage;
use crate::browser::{fetch, local};
use crate::http::HttpRequest;
use crate::run::Event;
use crate::secrets::Keyring;
use crate::settings::config::{Config, ConfigError, MAX_CONFIG_BYTES};
use crate::settings::link::{Link, LinkError};
use crate::settings::{Address, AddressError, Connection, TaskServer};

/// Under this name stands the SHA-256 of the link whose count was taken over, in this tab.
const FOLLOWED_LINK: &str = "link";

impl Application {
    pub(super) fn read_brief(&self) {
        let kept = local::read(WebStorage::Local, KEPT_BRIEF)
            .and_then(|text| serde_json::from_str::<BriefForm>(&text).ok());
        if let Some(form) = kept {
            self.page.form.set(form);
        }
    }

    pub(super) async fn read_config(&self) {
        let request = HttpRequest::get("config.json", MAX_CONFIG_BYTES + 1);
        let response = match request.prepare(&Keyring::default()) {
            Ok(request) => fetch::get_bounded(&request).await,
            Err(error) => Err(error.to_string()),
        };
        let config = match response {
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
        self.config_is_read.set(true);
        let kept = local::read(WebStorage::Local, KEPT_CONNECTION)
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

    /// Takes the link's count over, once: what was typed since stays through a reload.
    pub(super) fn take_count(&self, link: &Link, query: &str) {
        let Some(count) = &link.count else { return };
        let fingerprint = crate::digest::sha256_hex(query.as_bytes());
        if local::read(WebStorage::Session, FOLLOWED_LINK).as_deref() == Some(fingerprint.as_str())
        {
            return;
        }
        self.page.form.update(|form| form.count.clone_from(count));
        if let Err(reason) = local::write(WebStorage::Session, FOLLOWED_LINK, &fingerprint) {
            self.note_local(&reason);
        }
    }

    /// Does what the page's address asks for.
    pub(super) fn follow(&self, link: Link) {
        for error in &link.problems {
            self.add_problem(problem(error.code(), error, error.hint()));
        }
        let holds_secret = |error: &LinkError| {
            matches!(
                error,
                LinkError::Secret { .. } | LinkError::Address(AddressError::Credentials)
            )
        };
        if link.problems.iter().any(holds_secret) {
            forget_query();
        }
        self.link_wants_dry.set(link.dry_run);
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

    pub(super) fn use_server_at(&self, address: Address) {
        let mut connection = self.page.connection.get_untracked();
        // Another path on a known origin is the same server: its other settings stay. A new origin
        // takes over nothing.
        let known = connection.task_server.take();
        let server = match known.filter(|known| known.url.origin() == address.origin()) {
            Some(known) => TaskServer {
                url: address,
                ..known
            },
            None => TaskServer::at(address),
        };
        connection.name = server.url.host_and_port();
        connection.task_server = Some(server);
        match self.use_connection(&connection) {
            Ok(()) => self
                .controller
                .apply_in_charge(Event::Connect(Box::new(connection))),
            Err(problem) => self.add_problem(problem),
        }
    }

    pub(super) fn decide_host(self: &Rc<Self>, accepted: bool) {
        let address = self.page.new_host.get_untracked();
        self.page.new_host.set(None);
        if let (true, Some(address)) = (accepted, address) {
            self.use_server_at(address);
        }
    }
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
