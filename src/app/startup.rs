//! What the page starts with: `config.json`, the stored connection and the link that opened it. The page
//! answers once they are read; the rest of the application may still be loading then.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set, Update};

use super::application::{
    LIVE_CONNECTION, STORED_LINK_SERVERS, STORED_MODE, problem, settings_problem,
};
use super::setup::Setup;
use crate::browser::fetch;
use crate::browser::kept_config;
use crate::browser::web_storage::WebStorage;
use crate::http::HttpRequest;
use crate::secrets::Keyring;
use crate::settings::config::{Config, ConfigError, MAX_CONFIG_BYTES};
use crate::settings::link::{self, Link, LinkServer, LinkServerDecisions};
use crate::settings::{Address, Connection, ConnectionColor, ConnectionId, HostPolicy, TaskServer};
use crate::ui::page::Page;

/// Name of the item in `sessionStorage` with the SHA-256 of the known flags of the link whose count was
/// applied.
const APPLIED_LINK: &str = "link";

impl Setup {
    /// Begins with the link in `query`, the query of the page's own address.
    pub fn begin(page: Page, query: &str) -> Rc<Setup> {
        let link = Link::parse(query, &fragment());
        // Before anything can fail or be stored.
        clean_address(&link);
        let setup = Setup::new(page);
        setup.apply_link_count(&link);
        setup.restore_mode(&link);
        *setup.link.borrow_mut() = Some(link);
        setup
    }

    /// Reads the rest, and says that the page is open.
    pub async fn read(&self) {
        self.read_config().await;
        let link = self.link.take();
        if let Some(link) = link {
            self.apply_link(link);
        }
        self.page.is_open.set(true);
    }

    /// Restores the mode that the operator chose in this tab. A link that asks for a dry run counts more:
    /// it may be newer.
    fn restore_mode(&self, link: &Link) {
        let stored = WebStorage::Session
            .read(STORED_MODE)
            .and_then(|text| serde_json::from_str(&text).ok());
        self.page.chosen_mode.set(stored.filter(|_| !link.dry_run));
        let live = WebStorage::Local.read(LIVE_CONNECTION);
        self.page.live_connection.set(live.map(ConnectionId::new));
    }

    pub(super) async fn read_config(&self) {
        let request = HttpRequest::get("config.json", MAX_CONFIG_BYTES + 1);
        let response = match request.prepare(&Keyring::default()) {
            Ok(request) => fetch::get_bounded(&request).await,
            Err(error) => Err(error.to_string()),
        };
        let config = match response {
            Ok((404, _)) => {
                kept_config::offer(None);
                Ok(Config::default())
            }
            Ok((200, body)) => {
                let text = String::from_utf8_lossy(&body);
                let config = Config::parse(&text);
                if config.is_ok() {
                    kept_config::offer(Some(&text));
                }
                config
            }
            Ok((status, _)) => Err(ConfigError::Unreadable {
                reason: format!("status {status}"),
            }),
            Err(reason) => Err(ConfigError::Unreadable { reason }),
        };
        let config = config.unwrap_or_else(|error| {
            self.add_problem(problem(error.code(), &error, error.hint()));
            Config {
                hosts: HostPolicy::unknown(),
                ..Config::default()
            }
        });
        self.page.notice.set(config.notice);
        *self.hosts.borrow_mut() = config.hosts;
        self.config_is_read.set(true);
        *self.deployed.borrow_mut() = config.connection;
        for connection in self.candidates() {
            match self.use_connection(&connection) {
                Ok(()) => return,
                Err(problem) => self.add_problem(problem),
            }
        }
        // The page already uses the built-in connection.
        self.restore_secrets();
    }

    /// Sets the number of tasks that the link asks for, once per tab: after a reload the operator's own
    /// number stays. Nothing is stored for a link with a secret, which loses its flags anyway.
    fn apply_link_count(&self, link: &Link) {
        let Some(count) = &link.count else { return };
        let Some(flags) = &link.known_flags else {
            return self.page.form.update(|form| form.count.clone_from(count));
        };
        let digest = crate::digest::sha256_hex(flags.as_bytes());
        if WebStorage::Session.read(APPLIED_LINK).as_deref() == Some(digest.as_str()) {
            return;
        }
        self.page.form.update(|form| form.count.clone_from(count));
        if let Err(reason) = WebStorage::Session.write(APPLIED_LINK, &digest) {
            self.show_web_storage_error(&reason);
        }
    }

    /// Applies the link: dry run and task server. The operator must accept a server whose address
    /// differs from that of the connection in any way. The decision is remembered in this browser.
    fn apply_link(&self, link: Link) {
        for error in &link.problems {
            self.add_problem(problem(error.code(), error, error.hint()));
        }
        self.page.link_requests_dry_run.set(link.dry_run);
        let Some(address) = link.task_server else {
            return;
        };
        if let Err(error) = self.hosts.borrow().check(&address) {
            return self.add_problem(settings_problem(&error));
        }
        let known = self.page.connection.get_untracked().task_server;
        let decisions = restore_decisions();
        match link::decide_server(known.as_ref(), &address, &decisions) {
            LinkServer::Known => {}
            LinkServer::Rejected => self.add_problem(problem(
                "link_server_rejected",
                format!(
                    "The link's task server is not used, because you rejected it before: {}",
                    TaskServer::at(address).tasks_url()
                ),
                "If you want to use it, enter its address in the settings.",
            )),
            // The operator accepted it before, but for new runs: what is queued or approved in the run
            // that was restored stays with its server.
            LinkServer::Accepted => {
                if let Err(problem) = self.use_connection(&self.connection_to(address)) {
                    self.add_problem(problem);
                }
            }
            LinkServer::Ask => self.page.new_host.set(Some(address)),
        }
    }

    /// The connection with the task server at this address, which has the defaults for everything that
    /// a link does not name: the settings of another server may be wrong for it.
    pub(super) fn connection_to(&self, address: Address) -> Connection {
        let connection = self.page.connection.get_untracked();
        // An id of its own, so that a run with this server follows changes of this connection and of no
        // other one.
        let digest = crate::digest::sha256_hex(address.to_string().as_bytes());
        let id = ConnectionId::new(format!("link-{digest}"));
        let server = TaskServer::at(address);
        Connection {
            id,
            version: 0,
            name: server.url.host_and_port(),
            color: ConnectionColor::default(),
            is_production: false,
            task_server: Some(server),
            // The secrets in the Vault are those of another server.
            vault: None,
            ..connection
        }
    }
}

/// What the operator decided about the servers of earlier links.
pub(super) fn restore_decisions() -> LinkServerDecisions {
    WebStorage::Local
        .read(STORED_LINK_SERVERS)
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}

/// Removes from the address bar and the history what may be a secret, and with it the fragment.
fn clean_address(link: &Link) {
    let (Some(query), Some(window)) = (&link.cleaned_query, web_sys::window()) else {
        return;
    };
    if let (Ok(path), Ok(history)) = (window.location().pathname(), window.history()) {
        let separator = if query.is_empty() { "" } else { "?" };
        let address = format!("{path}{separator}{query}");
        // If the browser refuses, the problem on the page still says what to do.
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&address));
    }
}

/// The fragment of the page's address, with its `#`.
fn fragment() -> String {
    web_sys::window()
        .and_then(|window| window.location().hash().ok())
        .unwrap_or_default()
}
