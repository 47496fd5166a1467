use super::*;
use crate::secrets::Secret;

fn server() -> Endpoint {
    let url = Address::parse("https://tasks.example").unwrap();
    Endpoint::TaskServer(Box::new(TaskServer::at(url)))
}

fn model() -> Endpoint {
    let url = Address::parse("http://localhost:11434/v1").unwrap();
    Endpoint::Model(Box::new(ModelEndpoint::at(url, "llama")))
}

fn blocked() -> Seen {
    Seen::Nothing {
        message: "Failed to fetch".to_owned(),
    }
}

fn response(status: u16, body: &str) -> Seen {
    Seen::Response {
        status,
        body: body.to_owned(),
    }
}

fn verdicts(endpoint: Endpoint, is_reached: bool, plain: Seen, full: Seen) -> Vec<String> {
    let seen = Observations {
        origin: "https://page.example".to_owned(),
        is_reached,
        plain,
        full,
    };
    let report = judge(endpoint, &seen);
    for step in &report.steps {
        assert!(step.message.ends_with('.'), "{}", step.message);
    }
    let steps = report.steps.iter();
    steps
        .map(|step| format!("{}: {}", step.name, step.verdict.label()))
        .collect()
}

#[test]
fn each_failure_is_identified_or_named_as_not_determined() {
    type Case = (
        &'static str,
        Endpoint,
        bool,
        Seen,
        Seen,
        &'static [&'static str],
    );
    let cases: [Case; 10] = [
        (
            "a redirect, as for a missing slash",
            server(),
            true,
            response(0, ""),
            response(0, ""),
            &[
                "Server answers: Passed",
                "Origin allowed: Passed",
                "Headers allowed: Passed",
                "Authorized: Not determined",
                "Response as expected: Failed",
            ],
        ),
        (
            "a server that is down",
            server(),
            false,
            blocked(),
            blocked(),
            &["Server answers: Failed"],
        ),
        (
            "no CORS rule, or one for POST alone",
            server(),
            true,
            blocked(),
            blocked(),
            &[
                "Server answers: Passed",
                "Origin allowed: Not determined",
                "Headers allowed: Not determined",
            ],
        ),
        (
            "a rule without the token's header",
            server(),
            true,
            response(401, ""),
            blocked(),
            &[
                "Server answers: Passed",
                "Origin allowed: Passed",
                "Headers allowed: Not determined",
            ],
        ),
        (
            "a wrong token",
            server(),
            true,
            response(401, ""),
            response(401, ""),
            &[
                "Server answers: Passed",
                "Origin allowed: Passed",
                "Headers allowed: Passed",
                "Authorized: Failed",
                "Response as expected: Not determined",
            ],
        ),
        (
            "no token held",
            server(),
            true,
            response(401, ""),
            Seen::NotSent,
            &[
                "Server answers: Passed",
                "Origin allowed: Passed",
                "Headers allowed: Not determined",
            ],
        ),
        (
            "a path that takes POST only",
            server(),
            true,
            response(405, ""),
            response(405, ""),
            &[
                "Server answers: Passed",
                "Origin allowed: Passed",
                "Headers allowed: Passed",
                "Authorized: Not determined",
                "Response as expected: Passed",
            ],
        ),
        (
            "a wrong path",
            server(),
            true,
            response(404, ""),
            response(404, ""),
            &[
                "Server answers: Passed",
                "Origin allowed: Passed",
                "Headers allowed: Passed",
                "Authorized: Not determined",
                "Response as expected: Not determined",
            ],
        ),
        (
            "a model that the endpoint has",
            model(),
            true,
            response(200, ""),
            response(200, r#"{"data": [{"id": "llama"}]}"#),
            &[
                "Server answers: Passed",
                "Origin allowed: Passed",
                "Headers allowed: Passed",
                "Authorized: Passed",
                "Response as expected: Passed",
            ],
        ),
        (
            "a web page in place of the API",
            model(),
            true,
            response(200, "<html>"),
            response(200, "<html>"),
            &[
                "Server answers: Passed",
                "Origin allowed: Passed",
                "Headers allowed: Passed",
                "Authorized: Passed",
                "Response as expected: Failed",
            ],
        ),
    ];
    for (what, endpoint, is_reached, plain, full, expected) in cases {
        let found = verdicts(endpoint, is_reached, plain, full);
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn no_request_of_the_test_posts_anything() {
    for endpoint in [server(), model()] {
        let requests = endpoint.requests();
        for request in [&requests.plain, &requests.full] {
            assert_eq!(request.method.as_str(), "GET");
            assert_eq!(request.body, None);
        }
        assert_eq!(requests.plain.headers, []);
    }
}

#[test]
fn every_recipe_names_the_origin_and_each_header() {
    let rule = server().rule("https://page.example");
    assert_eq!(rule.headers, ["Content-Type", "X-AGENT-TOKEN"]);
    for recipe in Recipe::ALL {
        let text = recipe.text(&rule);
        let names_headers = !matches!(recipe, Recipe::Ollama | Recipe::LmStudio);
        if recipe != Recipe::LmStudio {
            assert!(text.contains("https://page.example"), "{text}");
        }
        for header in rule.headers.iter().filter(|_| names_headers) {
            let lower = header.to_ascii_lowercase();
            assert!(
                text.contains(header.as_str()) || text.contains(&lower),
                "{text}"
            );
        }
    }
}

#[test]
fn the_report_is_text_without_secrets() {
    let seen = Observations {
        origin: "https://page.example".to_owned(),
        is_reached: false,
        plain: blocked(),
        full: blocked(),
    };
    let text = judge(server(), &seen).to_text();
    assert!(
        text.starts_with("Task server: https://tasks.example\n- Server answers: Failed. "),
        "{text}"
    );
}

#[test]
fn a_vault_is_tested_by_health_token_and_secrets() {
    let address = Address::parse("https://vault.example").unwrap();
    let source = VaultSource::at(address, "secret/agent");
    let endpoint = Endpoint::Vault(Box::new(source));
    let requests = endpoint.requests();
    assert_eq!(requests.plain.url, "https://vault.example/v1/sys/health");
    assert_eq!(requests.plain.secret_slots(), []);
    assert_eq!(requests.full.secret_slots(), [SecretSlot::VAULT_TOKEN]);
    assert_eq!(endpoint.headers(), ["X-Vault-Token", "Content-Type"]);
    let seen = Observations {
        origin: "https://page.example".to_owned(),
        is_reached: true,
        plain: Seen::Response {
            status: 200,
            body: "{}".to_owned(),
        },
        full: Seen::Response {
            status: 403,
            body: "{}".to_owned(),
        },
    };
    let report = judge(endpoint, &seen);
    let verdicts: Vec<_> = report.steps.iter().map(|step| step.verdict).collect();
    use Verdict::{Failed, NotDetermined, Passed};
    assert_eq!(verdicts, [Passed, Passed, Passed, Failed]);

    let slot = SecretSlot::AGENT_TOKEN;
    let missing = || {
        let error = VaultError::FieldMissing {
            field: "OPENAI_API_KEY".to_owned(),
            slot: SecretSlot::API_KEY,
        };
        vec![(SecretSlot::API_KEY, error)]
    };
    let secret = || {
        let server = Address::parse("https://tasks.example").unwrap();
        Secret::new("hunter2-hunter2", &server).unwrap()
    };
    for (read, verdict, part) in [
        (None, NotDetermined, "not signed in"),
        (
            Some(Err(VaultError::Sealed)),
            Failed,
            "The Vault is sealed. Unseal it",
        ),
        (
            Some(Ok(VaultSecrets {
                secrets: vec![(slot.clone(), secret())],
                missing: Vec::new(),
            })),
            Passed,
            "It has: agent token.",
        ),
        (
            Some(Ok(VaultSecrets {
                secrets: vec![(slot.clone(), secret())],
                missing: missing(),
            })),
            NotDetermined,
            "no text in the field OPENAI_API_KEY",
        ),
        (
            Some(Ok(VaultSecrets {
                secrets: Vec::new(),
                missing: missing(),
            })),
            Failed,
            "for the API key.",
        ),
    ] {
        let step = secrets_readable(read.as_ref());
        assert_eq!(step.verdict, verdict, "{}", step.message);
        assert!(step.message.contains(part), "{}", step.message);
        assert!(!step.message.contains("hunter2"), "{}", step.message);
    }
}
