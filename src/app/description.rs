//! Reads how a task server describes itself: its OpenAPI document, or its task schema.

use std::rc::Rc;

use leptos::prelude::Set;
use wasm_bindgen_futures::spawn_local;

use super::application::{Application, problem, refusal_problem, settings_problem};
use super::guard::Refusal;
use crate::browser::fetch;
use crate::http::HttpRequest;
use crate::paste::MAX_PASTE_BYTES;
use crate::secrets::Keyring;
use crate::settings::Address;
use crate::ui::page::Description;

/// What a description contains, and a web page in its place does not.
const MARKS: [&str; 3] = ["\"openapi\"", "\"$schema\"", "\"properties\""];

/// Where servers have a description, relative to their address.
const PATHS: [&str; 3] = ["/openapi.json", "/api/openapi.json", "/tasks/schema"];

impl Application {
    /// Reads the description of the server at `address`: from the URL itself if it is one of a document,
    /// or else from the usual paths. No token is sent.
    pub(super) fn read_description(self: &Rc<Self>, address: Address, is_document: bool) {
        let allowed = if self.setup.config_is_read.get() {
            let hosts = self.setup.hosts.borrow();
            hosts
                .check(&address)
                .map_err(|error| settings_problem(&error))
        } else {
            Err(refusal_problem(&Refusal::ConfigUnread))
        };
        if let Err(problem) = allowed {
            return self.page.description.set(Description::Failed(problem));
        }
        self.page.description.set(Description::Reading);
        let app = Rc::clone(self);
        spawn_local(async move {
            let description = match is_document {
                true => read(&address, "").await,
                false => read_first(&address).await,
            };
            app.page.description.set(match description {
                Some(text) => Description::Read { text, address },
                None => Description::Failed(problem(
                    "no_description",
                    format!(
                        "No description of its tasks could be read from {}",
                        address.host_and_port()
                    ),
                    "The server may have none, or its CORS rule may not allow this page to read it. Open it in a tab of its own, for example at /openapi.json, and paste it here.",
                )),
            });
        });
    }
}

/// The first text at the usual paths that is a description.
async fn read_first(address: &Address) -> Option<String> {
    for path in PATHS {
        if let Some(text) = read(address, path).await {
            return Some(text);
        }
    }
    None
}

/// The text at a path, if it is a description.
async fn read(address: &Address, path: &str) -> Option<String> {
    let url = match path {
        "" => address.to_string(),
        path => address.join(path),
    };
    let request = HttpRequest::get(url, MAX_PASTE_BYTES + 1);
    let request = request.prepare(&Keyring::default()).ok()?;
    let (status, body) = fetch::get_bounded(&request).await.ok()?;
    let text = String::from_utf8_lossy(&body).into_owned();
    // The dialog recognises it: here that code would be reached from two pieces of the module, and so
    // be in its first file.
    let is_description = || path.is_empty() || MARKS.iter().any(|mark| text.contains(mark));
    (status == 200 && is_description()).then_some(text)
}
