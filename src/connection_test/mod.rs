//! The connection test: what a page can find out about an endpoint without posting anything, and what
//! it cannot.
//!
//! A page sees little: a server that is down, a certificate that is not trusted and a missing CORS rule
//! all look the same. So the test sends three `GET`s that differ in what the browser checks
//! ([`requests`]), and [`judge`] compares their results. It claims nothing that they do not show.

mod recipe;

pub use recipe::{Recipe, Rule};

use crate::delivery::{cors, request};
use crate::http::HttpRequest;
use crate::model::models;
use crate::secrets::SecretSlot;
use crate::settings::{Address, ModelEndpoint, TaskServer, VaultSource};
use crate::text::{listed, sentences};
use crate::vault::{self, VaultError, VaultSecrets};

/// The endpoint that is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A task server.
    TaskServer(Box<TaskServer>),
    /// A model endpoint.
    Model(Box<ModelEndpoint>),
    /// The Vault that the secrets are read from.
    Vault(Box<VaultSource>),
}

/// Maximum size of a response to read: 1 MiB.
const MAX_BYTES: usize = 1 << 20;

/// The requests of the test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    /// Sent without asking to read the response, which needs no CORS rule; and then to be read, which
    /// needs `Access-Control-Allow-Origin`.
    pub plain: HttpRequest,
    /// With the headers of the real requests, for which the browser asks in a preflight first.
    pub full: HttpRequest,
}

impl Endpoint {
    /// The name of the endpoint in the interface.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Endpoint::TaskServer(_) => "Task server",
            Endpoint::Model(_) => "Model endpoint",
            Endpoint::Vault(_) => "Vault",
        }
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> &Address {
        match self {
            Endpoint::TaskServer(server) => &server.url,
            Endpoint::Model(model) => &model.base_url,
            Endpoint::Vault(source) => &source.address,
        }
    }

    /// The requests of the test. None of them posts anything.
    #[must_use]
    pub fn requests(&self) -> Requests {
        let full = match self {
            Endpoint::TaskServer(server) => request::check(server),
            Endpoint::Model(model) => models::list_request(model),
            Endpoint::Vault(source) => {
                return Requests {
                    plain: vault::health(source),
                    full: vault::look_up_token(source),
                };
            }
        };
        Requests {
            plain: HttpRequest::get(full.url.clone(), MAX_BYTES),
            full,
        }
    }

    /// The names of the headers that the real requests have, apart from those that the browser adds.
    #[must_use]
    pub fn headers(&self) -> Vec<String> {
        match self {
            Endpoint::TaskServer(server) => cors::sent_headers(server),
            Endpoint::Model(_) => {
                let headers = self.requests().full.headers.into_iter();
                let mut names: Vec<String> = headers.map(|(name, _)| name.into()).collect();
                if !names
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case("content-type"))
                {
                    names.push("Content-Type".to_owned());
                }
                names
            }
            Endpoint::Vault(_) => {
                let headers = self.requests().full.headers.into_iter();
                let names = headers.map(|(name, _)| name.into_owned());
                names.chain(["Content-Type".to_owned()]).collect()
            }
        }
    }

    /// The CORS rule that the endpoint needs for the page at `origin`. It includes `GET`, so that the
    /// test can see through it.
    #[must_use]
    pub fn rule(&self, origin: &str) -> Rule {
        Rule {
            origin: origin.to_owned(),
            headers: self.headers(),
        }
    }
}

/// What the page saw of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It was not sent, because a secret is missing.
    NotSent,
    /// No response, or one that the browser does not let the page read, with the browser's message.
    Nothing {
        /// The message.
        message: String,
    },
    /// A response.
    Response {
        /// Its status; 0 for a redirect, whose status browsers hide (Fetch standard, 2.2.6).
        status: u16,
        /// Its body, as far as it was read.
        body: String,
    },
}

/// What the page saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observations {
    /// The origin of the page.
    pub origin: String,
    /// Whether there was any response to the plain request, readable or not.
    pub is_reached: bool,
    /// The plain request.
    pub plain: Seen,
    /// The request with all headers.
    pub full: Seen,
}

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It works.
    Passed,
    /// It does not work.
    Failed,
    /// What the page sees does not tell.
    NotDetermined,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Verdict::Passed => "Passed",
            Verdict::Failed => "Failed",
            Verdict::NotDetermined => "Not determined",
        }
    }
}

/// One step of the test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestStep {
    /// What was tested.
    pub name: &'static str,
    /// The result.
    pub verdict: Verdict,
    /// What was seen, and what to do about it, in full sentences.
    pub message: String,
}

/// The result of the test of one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The steps, in order. A step that an earlier one makes pointless is left out.
    pub steps: Vec<TestStep>,
}

impl TestReport {
    /// Whether a CORS rule may be what is missing.
    #[must_use]
    pub fn needs_rule(&self) -> bool {
        let is_cors = |step: &TestStep| step.name == ORIGIN || step.name == HEADERS;
        self.steps
            .iter()
            .any(|step| is_cors(step) && step.verdict != Verdict::Passed)
    }

    /// The report as text, without secrets.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut lines = vec![format!(
            "{}: {}",
            self.endpoint.label(),
            self.endpoint.address()
        )];
        let steps = self.steps.iter();
        lines.extend(steps.map(|step| {
            format!(
                "- {}: {}. {}",
                step.name,
                step.verdict.label(),
                step.message
            )
        }));
        lines.join("\n")
    }
}

const REACHED: &str = "Server answers";
const ORIGIN: &str = "Origin allowed";
const HEADERS: &str = "Headers allowed";
const AUTHORIZED: &str = "Authorized";
const EXPECTED: &str = "Response as expected";
const READABLE: &str = "Secrets readable";

/// Judges what the page saw.
#[must_use]
pub fn judge(endpoint: Endpoint, seen: &Observations) -> TestReport {
    let mut steps = vec![reached(&endpoint, seen)];
    if seen.is_reached {
        steps.push(origin_allowed(seen));
        steps.push(headers_allowed(&endpoint, seen));
        if let Seen::Response { status, body } = &seen.full {
            steps.push(authorized(*status));
            match &endpoint {
                Endpoint::TaskServer(server) => steps.push(expected_of_server(server, *status)),
                Endpoint::Model(model) => steps.push(expected_of_model(model, *status, body)),
                // What is read from a Vault is tested by reading it.
                Endpoint::Vault(_) => {}
            }
        }
    }
    TestReport { endpoint, steps }
}

fn step(name: &'static str, verdict: Verdict, message: impl Into<String>) -> TestStep {
    TestStep {
        name,
        verdict,
        message: message.into(),
    }
}

/// The step that reads the secrets of a connection from its Vault; `read` is `None` if nobody is signed
/// in. Names secrets by their kind, and never shows one.
#[must_use]
pub fn secrets_readable(read: Option<&Result<VaultSecrets, VaultError>>) -> TestStep {
    let read = match read {
        None => {
            return step(
                READABLE,
                Verdict::NotDetermined,
                "Nothing was read, because you are not signed in. Sign in to Vault below, then test again.",
            );
        }
        Some(Err(error)) => {
            let message = sentences(&error.to_string(), &error.hint());
            return step(READABLE, Verdict::Failed, message);
        }
        Some(Ok(read)) => read,
    };
    let labels = |slots: Vec<&SecretSlot>| {
        let labels = slots.into_iter().map(|slot| slot.label().to_owned());
        listed(&labels.collect::<Vec<_>>())
    };
    let found = labels(read.secrets.iter().map(|(slot, _)| slot).collect());
    let missing = read.missing.iter();
    let missing = missing.map(|(_, error)| sentences(&error.to_string(), ""));
    let missing: Vec<String> = missing.collect();
    match (found.is_empty(), missing.is_empty()) {
        (_, true) => step(READABLE, Verdict::Passed, format!("It has: {found}.")),
        (true, false) => step(READABLE, Verdict::Failed, missing.join(" ")),
        (false, false) => step(
            READABLE,
            Verdict::NotDetermined,
            format!(
                "It has: {found}. {} You are asked for what is missing.",
                missing.join(" ")
            ),
        ),
    }
}

fn reached(endpoint: &Endpoint, seen: &Observations) -> TestStep {
    let host = endpoint.address().host_and_port();
    if seen.is_reached {
        return step(REACHED, Verdict::Passed, format!("{host} answers."));
    }
    let is_loopback = endpoint.address().is_loopback();
    let causes = if is_loopback {
        "Start the server, check the port, and allow the page to access the local network if the browser asks."
    } else {
        "The server may be down, its name may be wrong, its TLS certificate may not be trusted, or the browser may block the request. Open the address in a tab of its own to see which."
    };
    step(
        REACHED,
        Verdict::Failed,
        format!("There is no answer from {host}. {causes}"),
    )
}

fn origin_allowed(seen: &Observations) -> TestStep {
    let origin = &seen.origin;
    match (&seen.plain, &seen.full) {
        (Seen::Response { .. }, _) | (_, Seen::Response { .. }) => step(
            ORIGIN,
            Verdict::Passed,
            format!("The page at {origin} may read responses."),
        ),
        _ => step(
            ORIGIN,
            Verdict::NotDetermined,
            format!(
                "The response to a GET does not allow {origin} to read it. A rule for POST alone cannot be seen without posting. If posting fails too, add the CORS rule below."
            ),
        ),
    }
}

fn headers_allowed(endpoint: &Endpoint, seen: &Observations) -> TestStep {
    let headers = listed(&endpoint.headers());
    match &seen.full {
        Seen::Response { .. } => step(
            HEADERS,
            Verdict::Passed,
            format!("The preflight allows {headers}."),
        ),
        Seen::NotSent => step(
            HEADERS,
            Verdict::NotDetermined,
            "The request was not sent, because it needs a secret that is not held. Enter it, then test again.",
        ),
        Seen::Nothing { .. } => step(
            HEADERS,
            Verdict::NotDetermined,
            format!(
                "The browser's preflight for a GET with {headers} was refused: the rule allows neither this method nor these headers, or one of them is missing. Whether it allows them for POST cannot be seen without posting."
            ),
        ),
    }
}

fn authorized(status: u16) -> TestStep {
    match status {
        401 | 403 => step(
            AUTHORIZED,
            Verdict::Failed,
            format!(
                "The server responded with {status}: it rejects the key or token. Enter another one."
            ),
        ),
        200..=299 => step(
            AUTHORIZED,
            Verdict::Passed,
            "The server accepts the request.",
        ),
        0 | 300..=399 => step(
            AUTHORIZED,
            Verdict::NotDetermined,
            "The server redirects, which says nothing about the key or token.",
        ),
        _ => step(
            AUTHORIZED,
            Verdict::NotDetermined,
            format!(
                "The server responded with {status}, which says nothing about the key or token."
            ),
        ),
    }
}

fn expected_of_server(server: &TaskServer, status: u16) -> TestStep {
    let url = server.tasks_url();
    match status {
        200..=299 => step(
            EXPECTED,
            Verdict::Passed,
            format!("{url} exists and responds to a GET with {status}."),
        ),
        405 => step(
            EXPECTED,
            Verdict::Passed,
            format!("{url} exists. It takes no GET (405), as many task servers do."),
        ),
        404 => step(
            EXPECTED,
            Verdict::NotDetermined,
            format!(
                "The server has nothing to GET at {url} (404). Some servers respond so to a path that takes POST. Check the path, with or without the slash at its end."
            ),
        ),
        0 | 300..=399 => step(
            EXPECTED,
            Verdict::Failed,
            format!(
                "{url} redirects, and a page does not follow redirects with a token. Enter the address that it redirects to, often with or without the slash at the end."
            ),
        ),
        500..=599 => step(
            EXPECTED,
            Verdict::Failed,
            format!(
                "The server responded with {status}: it has a problem of its own. See its log."
            ),
        ),
        _ => step(
            EXPECTED,
            Verdict::NotDetermined,
            format!("{url} responded to a GET with {status}."),
        ),
    }
}

fn expected_of_model(model: &ModelEndpoint, status: u16, body: &str) -> TestStep {
    if !(200..300).contains(&status) {
        return step(
            EXPECTED,
            Verdict::NotDetermined,
            format!(
                "The endpoint responded to the request for its models with {status}. Not every endpoint lists its models. The base URL usually ends in /v1."
            ),
        );
    }
    match models::parse(body.as_bytes()) {
        Err(error) => step(
            EXPECTED,
            Verdict::Failed,
            format!("{error}. {}", error.hint()),
        ),
        Ok(names) if names.contains(&model.model) => step(
            EXPECTED,
            Verdict::Passed,
            format!("The endpoint lists the model {}.", model.model),
        ),
        Ok(_) => step(
            EXPECTED,
            Verdict::NotDetermined,
            format!(
                "The endpoint lists its models, and {} is not among them. Check its name.",
                model.model
            ),
        ),
    }
}

#[cfg(test)]
mod tests;
