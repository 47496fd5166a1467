//! The request that posts a task: `POST {url}{path}` with the agent token in a header, and with the
//! headers and the query of the connection.

use std::sync::Arc;

use super::response::MAX_BODY_BYTES;
use crate::http::{HeaderValue, HttpRequest, RedirectPolicy};
use crate::review::Approval;
use crate::secrets::SecretSlot;
use crate::settings::TaskServer;

/// The header that carries the idempotency key.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// Builds the request that posts an approved body. Its only headers are `Content-Type`, the agent token
/// and those of the connection, because the CORS rules of task servers often allow no more, and the
/// idempotency key if the server is known to honour it.
#[must_use]
pub fn post(server: &TaskServer, approval: &Approval) -> HttpRequest {
    let mut request = HttpRequest::post_json(server.tasks_url(), Arc::clone(&approval.body));
    if server.honours_idempotency_keys {
        let key = HeaderValue::Plain(approval.key.to_string().into());
        request = request.header(IDEMPOTENCY_KEY, key);
    }
    for_task_server(request, server)
}

/// Builds the request by which the connection test sees whether the server lets the page send the headers
/// of a post: a `GET` of the same URL with the same headers. It changes nothing.
#[must_use]
pub fn check(server: &TaskServer) -> HttpRequest {
    let json = HeaderValue::Plain("application/json".into());
    let mut request =
        HttpRequest::get(server.tasks_url(), MAX_BODY_BYTES).header("Content-Type", json);
    if server.honours_idempotency_keys {
        let key = HeaderValue::Plain("connection-test".into());
        request = request.header(IDEMPOTENCY_KEY, key);
    }
    for_task_server(request, server)
}

/// Builds the request that tells what an address does with a `GET`, to learn where a redirect leads.
/// It carries no token and changes nothing.
#[must_use]
pub fn probe(url: impl Into<String>) -> HttpRequest {
    HttpRequest {
        redirects: RedirectPolicy::Report,
        ..HttpRequest::get(url, MAX_BODY_BYTES)
    }
}

/// Adds what every request to a task server has: the agent token, the connection's headers, the redirect
/// policy and the size limit.
pub(super) fn for_task_server(request: HttpRequest, server: &TaskServer) -> HttpRequest {
    let token = HeaderValue::Secret {
        prefix: match &server.token_scheme {
            Some(scheme) => format!("{scheme} ").into(),
            None => "".into(),
        },
        slot: SecretSlot::AGENT_TOKEN,
    };
    let mut request = request.header(server.token_header.clone(), token);
    for (name, value) in &server.extra_headers {
        request = request.header(name.clone(), HeaderValue::Plain(value.clone().into()));
    }
    for name in &server.secret_headers {
        let value = HeaderValue::Secret {
            prefix: "".into(),
            slot: SecretSlot::header(name),
        };
        request = request.header(name.clone(), value);
    }
    HttpRequest {
        redirects: RedirectPolicy::Report,
        max_response_bytes: Some(MAX_BODY_BYTES),
        ..request
    }
}

/// The slots of the secrets that every request to this server carries, the agent token first.
#[must_use]
pub fn secret_slots(server: &TaskServer) -> Vec<SecretSlot> {
    for_task_server(HttpRequest::get("", 0), server).secret_slots()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Address;

    #[test]
    fn a_post_carries_only_headers_that_the_server_is_known_to_accept() {
        let mut server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
        let approval = Approval {
            body: "{}".into(),
            digest: "d".into(),
            key: "k".into(),
        };
        let sent = |server: &TaskServer| -> Vec<String> {
            let request = post(server, &approval);
            assert_eq!(request.url, "http://localhost:8080/tasks");
            assert_eq!(request.body.as_deref(), Some("{}"));
            let headers = request.headers.iter();
            headers
                .map(|(name, value)| format!("{name}: {}", value.with_placeholder()))
                .collect()
        };
        let plain = [
            "Content-Type: application/json",
            "X-AGENT-TOKEN: $AGENT_API_TOKEN",
        ];
        assert_eq!(sent(&server), plain);
        server.honours_idempotency_keys = true;
        assert_eq!(sent(&server), [plain[0], "Idempotency-Key: k", plain[1]]);
        server.honours_idempotency_keys = false;
        server.token_scheme = Some("Bearer".to_owned());
        server.extra_headers = [("X-Tenant".to_owned(), "north".to_owned())].into();
        server.secret_headers = ["X-Signature".to_owned()].into();
        assert_eq!(
            sent(&server),
            [
                plain[0],
                "X-AGENT-TOKEN: Bearer $AGENT_API_TOKEN",
                "X-Tenant: north",
                "X-Signature: $X_SIGNATURE",
            ]
        );
        assert_eq!(
            secret_slots(&server),
            [SecretSlot::AGENT_TOKEN, SecretSlot::header("X-Signature")]
        );
    }
}

// proptest is a dependency of native builds only.
#[cfg(test)]
mod properties {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::delivery::body::{BodyForm, approve, is_intact};
    use crate::review::{DraftId, RunId};
    use crate::settings::{Address, BodyTemplate};

    fn texts() -> impl Strategy<Value = BTreeMap<String, String>> {
        prop::collection::btree_map("[A-Za-z][A-Za-z0-9-]{0,6}", ".{0,12}", 0..4)
    }

    proptest! {
        /// The operator approves the body: what else a request has is never in it, and does not change it.
        #[test]
        fn headers_and_query_never_change_the_approved_body(
            task in "[ -~é\n]{0,40}",
            template in prop::option::of(prop::sample::select(vec![
                "$task",
                "{\"a\": $task, \"id\": $uuid}",
                "{\"t\": $time, \"n\": $number, \"run\": $run, \"title\": $task.title}",
                "{\"x\": 1, ...$task}",
            ])),
            extra_headers in texts(),
            extra_query in texts(),
            token_scheme in prop::option::of("[A-Za-z]{1,8}"),
            honours_idempotency_keys: bool,
            run: u128,
            ordinal in 1_u32..9,
            started_at: u64,
        ) {
            let template = template.map(|text| BodyTemplate::parse(text).unwrap());
            let plain = TaskServer::at(Address::parse("https://tasks.example/api").unwrap());
            let server = TaskServer {
                extra_headers,
                extra_query,
                token_scheme,
                honours_idempotency_keys,
                body_template: template.clone(),
                ..plain.clone()
            };
            let id = DraftId { run: RunId::from_bits(run), ordinal };
            let task: Arc<str> = serde_json::json!({"title": task}).to_string().into();
            let form = BodyForm { template: template.as_ref(), started_at };
            let approval = approve(&id, &task, form);
            prop_assert_eq!(&approval, &approve(&id, &task, form));
            prop_assert!(is_intact(&id, &approval));
            let request = post(&server, &approval);
            prop_assert_eq!(&request, &post(&server, &approval));
            prop_assert_eq!(request.body.as_ref(), Some(&approval.body));
            prop_assert_eq!(&request.body, &post(&plain, &approval).body);
            let path = request.url.split('?').next().unwrap_or_default();
            prop_assert_eq!(path, "https://tasks.example/api/tasks");
        }
    }
}
