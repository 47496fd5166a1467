//! The mode of the next run: what *Generate* and *Import* do, given what the operator chose and what
//! is configured. The page shows and follows these decisions; the guard then decides about the
//! requests.

use super::Mode;
use crate::settings::{Connection, ModelEndpoint};

/// Whether a model endpoint can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointReadiness {
    /// None is configured.
    NotConfigured,
    /// It requires an API key, and none is held.
    KeyMissing,
    /// It is configured, and what it requires is held.
    Ready,
}

impl EndpointReadiness {
    /// The readiness of this endpoint. `holds_key` tells whether an API key for it is held.
    #[must_use]
    pub fn of(endpoint: Option<&ModelEndpoint>, holds_key: bool) -> EndpointReadiness {
        match endpoint {
            None => EndpointReadiness::NotConfigured,
            Some(endpoint) if endpoint.requires_api_key() && !holds_key => {
                EndpointReadiness::KeyMissing
            }
            Some(_) => EndpointReadiness::Ready,
        }
    }
}

/// What *Generate* does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextRun {
    /// Starts a dry run.
    Dry(DryReason),
    /// Starts a live run.
    Live,
    /// Asks for the API key and then starts a live run. Without the key nothing starts.
    LiveWithKey,
    /// Starts nothing and opens the form for the connection.
    SetUpEndpoint,
}

/// Why the next run is dry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryReason {
    /// The operator or the link chose it.
    Chosen,
    /// Nothing was chosen, and no model endpoint is configured.
    NoEndpoint,
    /// Nothing was chosen, and the API key that the endpoint requires is not held.
    NoApiKey,
}

impl NextRun {
    /// Decides what *Generate* does. A mode that was chosen is never changed: a run that was chosen
    /// to be live never makes the tasks of the dry-run generator.
    #[must_use]
    pub fn decide(chosen: Option<Mode>, endpoint: EndpointReadiness) -> NextRun {
        match (chosen, endpoint) {
            (Some(Mode::Dry), _) => NextRun::Dry(DryReason::Chosen),
            (Some(Mode::Live), EndpointReadiness::NotConfigured) => NextRun::SetUpEndpoint,
            (Some(Mode::Live), EndpointReadiness::KeyMissing) => NextRun::LiveWithKey,
            (_, EndpointReadiness::Ready) => NextRun::Live,
            (None, EndpointReadiness::NotConfigured) => NextRun::Dry(DryReason::NoEndpoint),
            (None, EndpointReadiness::KeyMissing) => NextRun::Dry(DryReason::NoApiKey),
        }
    }

    /// The mode to show.
    #[must_use]
    pub fn mode(self) -> Mode {
        match self {
            NextRun::Dry(_) => Mode::Dry,
            NextRun::Live | NextRun::LiveWithKey | NextRun::SetUpEndpoint => Mode::Live,
        }
    }
}

/// The mode that was chosen for the next run, if any: by the operator, else by the link, else by the
/// live run on the page, else by the last run with this connection in this browser. A live run that was
/// interrupted, such as by a reload, stays live, and who works live need not say so in each tab.
#[must_use]
pub fn chosen_mode(
    by_operator: Option<Mode>,
    link_requests_dry_run: bool,
    on_page: Option<Mode>,
    last_was_live: bool,
) -> Option<Mode> {
    by_operator
        .or(link_requests_dry_run.then_some(Mode::Dry))
        .or(on_page.filter(|mode| *mode == Mode::Live))
        .or(last_was_live.then_some(Mode::Live))
}

/// The mode that is preselected for imported tasks, which need no model: live if a task server is
/// configured, unless a dry run was chosen.
#[must_use]
pub fn import_mode(chosen: Option<Mode>, connection: &Connection) -> Mode {
    if connection.task_server.is_some() && chosen != Some(Mode::Dry) {
        Mode::Live
    } else {
        Mode::Dry
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Address;

    #[test]
    fn generate_does_what_was_chosen_or_else_what_is_possible() {
        use EndpointReadiness::{KeyMissing, NotConfigured, Ready};
        for (chosen, endpoint, expected) in [
            (None, NotConfigured, NextRun::Dry(DryReason::NoEndpoint)),
            (None, KeyMissing, NextRun::Dry(DryReason::NoApiKey)),
            (None, Ready, NextRun::Live),
            (Some(Mode::Live), NotConfigured, NextRun::SetUpEndpoint),
            (Some(Mode::Live), KeyMissing, NextRun::LiveWithKey),
            (Some(Mode::Live), Ready, NextRun::Live),
            (
                Some(Mode::Dry),
                NotConfigured,
                NextRun::Dry(DryReason::Chosen),
            ),
            (Some(Mode::Dry), KeyMissing, NextRun::Dry(DryReason::Chosen)),
            (Some(Mode::Dry), Ready, NextRun::Dry(DryReason::Chosen)),
        ] {
            let next = NextRun::decide(chosen, endpoint);
            assert_eq!(next, expected, "{chosen:?} {endpoint:?}");
            // Whatever is configured, the mode that was chosen is the mode that is shown.
            assert_eq!(next.mode(), chosen.unwrap_or(next.mode()));
        }
    }

    #[test]
    fn an_endpoint_is_ready_once_its_required_key_is_held() {
        let endpoint = |address: &str, needs_key| ModelEndpoint {
            needs_key,
            ..ModelEndpoint::at(Address::parse(address).unwrap(), "m")
        };
        let remote = "https://model.example/v1";
        let local = "http://localhost:4000/v1";
        for (address, needs_key, holds_key, expected) in [
            (remote, None, false, EndpointReadiness::KeyMissing),
            (remote, None, true, EndpointReadiness::Ready),
            (remote, Some(false), false, EndpointReadiness::Ready),
            (local, None, false, EndpointReadiness::Ready),
            (local, Some(true), false, EndpointReadiness::KeyMissing),
            (local, Some(true), true, EndpointReadiness::Ready),
        ] {
            let endpoint = endpoint(address, needs_key);
            assert_eq!(
                EndpointReadiness::of(Some(&endpoint), holds_key),
                expected,
                "{address} {needs_key:?} {holds_key}"
            );
        }
        for holds_key in [true, false] {
            assert_eq!(
                EndpointReadiness::of(None, holds_key),
                EndpointReadiness::NotConfigured
            );
        }
    }

    #[test]
    fn the_operator_chooses_before_the_link_and_the_link_before_the_run_on_the_page() {
        let (dry, live) = (Some(Mode::Dry), Some(Mode::Live));
        for (by_operator, link, on_page, last_was_live, expected) in [
            (None, false, None, false, None),
            (None, false, dry, false, None),
            (None, false, live, false, live),
            (None, true, None, true, dry),
            (None, true, live, true, dry),
            (live, true, dry, false, live),
            (dry, false, live, true, dry),
            (None, false, None, true, live),
            (None, false, dry, true, live),
        ] {
            assert_eq!(
                chosen_mode(by_operator, link, on_page, last_was_live),
                expected,
                "{by_operator:?} {link} {on_page:?} {last_was_live}"
            );
        }
    }

    #[test]
    fn an_import_is_live_if_there_is_a_task_server_and_no_dry_run_was_chosen() {
        let with_server = Connection::built_in();
        let without_server = Connection {
            task_server: None,
            ..Connection::built_in()
        };
        for (chosen, connection, expected) in [
            (None, &with_server, Mode::Live),
            (Some(Mode::Live), &with_server, Mode::Live),
            (Some(Mode::Dry), &with_server, Mode::Dry),
            (None, &without_server, Mode::Dry),
            (Some(Mode::Live), &without_server, Mode::Dry),
        ] {
            assert_eq!(import_mode(chosen, connection), expected, "{chosen:?}");
        }
    }
}
