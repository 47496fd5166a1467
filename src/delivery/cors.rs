//! The CORS rule that a task server needs, so that a page may post to it.

use super::request;
use crate::review::Approval;
use crate::settings::TaskServer;

/// The response headers (Fetch Standard, section 3.2.3) by which a task server allows the page at
/// `origin` to post to it: on the response to the preflight, which is an `OPTIONS` request, and on
/// every other response, errors included. Allows exactly the headers that the page sends to this
/// server. One header per line.
#[must_use]
pub fn rule(origin: &str, server: &TaskServer) -> String {
    // Tasks are looked up only on a server that honours keys.
    let methods = if server.honours_idempotency_keys {
        "POST, GET"
    } else {
        "POST"
    };
    format!(
        "Access-Control-Allow-Origin: {origin}\n\
         Access-Control-Allow-Methods: {methods}\n\
         Access-Control-Allow-Headers: {}\n\
         Access-Control-Expose-Headers: Location, Retry-After, Idempotent-Replayed",
        sent_headers(server).join(", ")
    )
}

/// The names of the headers that a post to this server has, apart from those that the browser adds.
#[must_use]
pub fn sent_headers(server: &TaskServer) -> Vec<String> {
    let approval = Approval {
        body: "".into(),
        digest: "".into(),
        key: "".into(),
    };
    let headers = request::post(server, &approval).headers;
    headers.into_iter().map(|(name, _)| name.into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Address;

    #[test]
    fn the_rule_allows_exactly_the_headers_that_are_sent() {
        let mut server = TaskServer::at(Address::parse("http://localhost:8080").unwrap());
        server.token_header = "X-Queue".to_owned();
        let origin = "https://pages.example";
        assert_eq!(
            rule(origin, &server),
            "Access-Control-Allow-Origin: https://pages.example\n\
             Access-Control-Allow-Methods: POST\n\
             Access-Control-Allow-Headers: Content-Type, X-Queue\n\
             Access-Control-Expose-Headers: Location, Retry-After, Idempotent-Replayed"
        );
        server.honours_idempotency_keys = true;
        let lines = rule(origin, &server);
        assert!(lines.contains("Methods: POST, GET\n"), "{lines}");
        assert!(
            lines.contains("Allow-Headers: Content-Type, Idempotency-Key, X-Queue\n"),
            "{lines}"
        );
    }
}
