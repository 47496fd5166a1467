//! TLS.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::{connect, get, post};
use crate::server::{Start, TASK, TestServer};

fn secure_server() -> (TestServer, CertificateDer<'static>) {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let start = Start::new();
    start.file("checkout/index.html", "<!doctype html>");
    let certificate = start.file("cert.pem", &pair.cert.pem());
    let key = start.file("key.pem", &pair.signing_key.serialize_pem());
    let folder = start.folder().join("checkout");
    let server = start
        .argument("--tls-cert", certificate)
        .argument("--tls-key", key)
        .argument("--static-dir", folder)
        .run();
    (server, pair.cert.der().clone())
}

#[test]
fn tasks_are_accepted_over_tls() {
    let (server, certificate) = secure_server();
    assert!(server.announcement.contains("https://"));
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let host = format!("localhost:{}", server.address.port());
    let send = |request: crate::client::Request| {
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::clone(&config), name).unwrap();
        let mut stream = StreamOwned::new(connection, connect(server.address).unwrap());
        request.send_on(&mut stream, &host).unwrap()
    };
    let origin = format!("https://{host}");
    let response = send(
        post("/tasks")
            .token("changeme")
            .header("Origin", &origin)
            .json(TASK),
    );
    assert_eq!(response.status, 201);
    assert_eq!(
        response.header("access-control-allow-origin"),
        Some(origin.as_str())
    );
    let config = send(get("/config.json")).json();
    assert_eq!(config["task_server"]["url"], origin);
}

#[test]
fn the_gateway_trusts_an_endpoint_by_the_systems_certificates_only() {
    // Its response to an unknown path shows that it was reached.
    let (endpoint, _) = secure_server();
    let url = format!("https://localhost:{}/v1", endpoint.address.port());
    let gateway = |trusted: bool| {
        let mut start = Start::new()
            .variable("AGENT_MODEL_TOKEN", "model-token")
            .variable("OPENAI_API_KEY", "s3cret-key")
            .argument("--model-endpoint", &url);
        if trusted {
            let file = endpoint.folder().join("cert.pem");
            start = start.variable("SSL_CERT_FILE", file.to_str().unwrap());
        }
        start.run()
    };
    let ask = get("/v1/models").token("model-token");
    gateway(true).send(&ask).problem(404, "not_found");
    let distrustful = gateway(false);
    distrustful.send(&ask).problem(502, "model_unreachable");
    let log = distrustful.log();
    assert!(log.contains("certificate"), "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn plain_http_gets_no_response_from_a_tls_port() {
    let (server, _) = secure_server();
    let response = get("/healthz").try_send(server.address);
    assert!(!response.is_ok_and(|response| response.status == 200));
}

#[test]
fn a_certificate_with_a_foreign_key_is_refused() {
    let start = Start::new();
    let one = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = start.file("cert.pem", &one.cert.pem());
    let key = start.file("key.pem", &other.signing_key.serialize_pem());
    let output = start
        .argument("--tls-cert", certificate)
        .argument("--tls-key", key)
        .fail();
    assert_eq!(output.status.code(), Some(78));
}
