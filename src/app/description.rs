//! Reads how a task server describes itself: its OpenAPI document, or its task schema.

use std::rc::Rc;

use leptos::prelude::{GetUntracked, Set};
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

/// Maximum number of folders that are searched.
const MAX_FOLDERS: usize = 4;

/// Where servers have a description at their root.
const PATHS: [&str; 3] = ["/openapi.json", "/api/openapi.json", "/tasks/schema"];

impl Application {
    /// Reads the description of the server at `address`: from the URL itself if it is one of a document,
    /// or else from the usual places. No token is sent.
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
        let number = self.readings.get().wrapping_add(1);
        self.readings.set(number);
        let reading = Description::Reading { number };
        self.page.description.set(reading.clone());
        let app = Rc::clone(self);
        spawn_local(async move {
            let urls = match is_document {
                true => vec![address.clone()],
                false => usual_urls(&address),
            };
            // The servers that a document names are relative to its origin.
            let server = match is_document {
                true => address.clone(),
                false => Address::parse(&address.origin()).unwrap_or_else(|_| address.clone()),
            };
            let description = match read_first(urls).await {
                Some((url, text)) => Description::Read {
                    text,
                    address: server,
                    url,
                },
                None => Description::Failed(problem(
                    "no_description",
                    format!(
                        "No description of its tasks could be read from {}",
                        address.host_and_port()
                    ),
                    "The server may have none, or its CORS rule may not allow this page to read it. Open it in a tab of its own, for example at /openapi.json, and paste it here.",
                )),
            };
            if app.page.description.get_untracked() == reading {
                app.page.description.set(description);
            }
        });
    }

    /// Says so if the document that the task schema was read from has changed since. A document that
    /// cannot be read now says nothing. Only a document of the task server itself is read, without a token.
    pub(super) fn announce_changed_schema(self: &Rc<Self>) {
        let connection = self.page.connection.get_untracked();
        let Some(source) = connection.schema_source else {
            return;
        };
        // The connection may come from somebody else's file: nothing is asked but its own server.
        let server = connection.task_server.map(|server| server.url.origin());
        let is_of_server = server == Some(source.url.origin());
        if !is_of_server || self.setup.hosts.borrow().check(&source.url).is_err() {
            return;
        }
        let app = Rc::clone(self);
        spawn_local(async move {
            let text = read(&source.url).await;
            if text.is_some_and(|text| source.is_changed_by(&text)) {
                app.add_problem(problem(
                    "schema_source_changed",
                    format!(
                        "The description of the server has changed since the task schema was read from {}",
                        source.url
                    ),
                    "Compare before you approve. To read it again, open Settings, paste the address under Set up by pasting, and press Read and fill in.",
                ));
            }
        });
    }
}

/// The URLs where a server with this address usually has a description: in the folders of its path,
/// the innermost first, and at its root.
fn usual_urls(address: &Address) -> Vec<Address> {
    let origin = address.origin();
    let mut folder = address.to_string();
    let mut urls = Vec::new();
    while folder.len() > origin.len() && urls.len() < MAX_FOLDERS {
        urls.push(format!("{folder}/openapi.json"));
        let end = folder.rfind('/').unwrap_or_default();
        folder.truncate(end);
    }
    urls.extend(PATHS.iter().map(|path| format!("{origin}{path}")));
    urls.iter()
        .filter_map(|url| Address::parse(url).ok())
        .collect()
}

/// The first text at these URLs that is a description, and its URL.
async fn read_first(urls: Vec<Address>) -> Option<(Address, String)> {
    let is_only_one = urls.len() == 1;
    for url in urls {
        if let Some(text) = read(&url).await {
            // The dialog recognises it: here that code would be reached from two pieces of the module,
            // and so be in its first file.
            if is_only_one || MARKS.iter().any(|mark| text.contains(mark)) {
                return Some((url, text));
            }
        }
    }
    None
}

/// The text at a URL.
async fn read(url: &Address) -> Option<String> {
    let request = HttpRequest::get(url.to_string(), MAX_PASTE_BYTES + 1);
    let request = request.prepare(&Keyring::default()).ok()?;
    let (status, body) = fetch::get_bounded(&request).await.ok()?;
    (status == 200).then(|| String::from_utf8_lossy(&body).into_owned())
}
