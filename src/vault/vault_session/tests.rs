//! Sessions with a Vault that responds by a script.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::settings::Address;

/// Responds in the order of a script, and keeps what was sent: method, path, token and body.
struct Script {
    replies: RefCell<VecDeque<Option<(u16, &'static str)>>>,
    sent: RefCell<Vec<String>>,
}

impl Script {
    fn new(replies: &[Option<(u16, &'static str)>]) -> Script {
        Script {
            replies: RefCell::new(replies.iter().copied().collect()),
            sent: RefCell::default(),
        }
    }

    fn sent(&self) -> Vec<String> {
        assert!(self.replies.borrow().is_empty(), "a reply was not needed");
        self.sent.take()
    }
}

impl VaultWire for Script {
    async fn send(&self, request: &PreparedRequest) -> Result<(u16, Zeroizing<Vec<u8>>), String> {
        let headers = request.headers().unwrap();
        let token = headers.iter().find(|(name, _)| *name == "X-Vault-Token");
        let token = token.map(|(_, value)| value.to_string());
        let url = request
            .request()
            .url
            .replace("https://vault.example/v1/", "");
        let body = request.body().unwrap().map(|body| body.to_string());
        self.sent.borrow_mut().push(format!(
            "{} {url} token={} body={}",
            request.request().method.as_str(),
            token.unwrap_or_default(),
            body.unwrap_or_default()
        ));
        let reply = self.replies.borrow_mut().pop_front().unwrap();
        let (status, body) = reply.ok_or("Failed to fetch")?;
        Ok((status, Zeroizing::new(body.as_bytes().to_vec())))
    }

    fn now(&self) -> u64 {
        1_000
    }

    fn origin(&self) -> String {
        "https://page.example".to_owned()
    }
}

/// Runs a future that never waits.
fn now<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

fn vault() -> Address {
    Address::parse("https://vault.example").unwrap()
}

fn source() -> VaultSource {
    VaultSource::at(vault(), "secret/agent")
}

fn secret(value: &str) -> Secret {
    Secret::for_body(value, &vault()).unwrap()
}

fn wanted() -> Vec<WantedSecret> {
    let server = Address::parse("https://tasks.example").unwrap();
    [
        (SecretSlot::AGENT_TOKEN, "token"),
        (SecretSlot::header("X-A"), "a"),
    ]
    .map(|(slot, field)| WantedSecret {
        slot,
        address: server.clone(),
        field: field.to_owned(),
    })
    .into()
}

const MOUNT: &str = r#"{"data":{"path":"secret/","options":{"version":"2"},"type":"kv"}}"#;
const MOUNT_V1: &str = r#"{"data":{"path":"secret/","options":null,"type":"kv"}}"#;
const READ: &str = r#"{"data":{"data":{"token":"t1","a":7},"metadata":{"version":1}}}"#;
const ABSENT: &str = r#"{"errors":[]}"#;
const TOKEN: &str =
    r#"{"auth":{"client_token":"s.new","policies":["p"],"lease_duration":60,"renewable":true}}"#;

#[test]
fn secrets_belong_to_their_endpoint_and_each_missing_one_is_reported() {
    let wire = Script::new(&[Some((200, MOUNT)), Some((200, READ))]);
    let read = now(read_secrets(&wire, &source(), &secret("vt"), &wanted())).unwrap();
    let [(slot, token)] = read.secrets.as_slice() else {
        panic!("{read:?}")
    };
    assert_eq!(*slot, SecretSlot::AGENT_TOKEN);
    let server = Address::parse("https://tasks.example/x").unwrap();
    assert_eq!(token.reveal_to(&server), Ok("t1"));
    assert_eq!(token.reveal_to(&vault()), Err(SecretError::OtherOrigin));
    let [(slot, error)] = read.missing.as_slice() else {
        panic!("{read:?}")
    };
    assert_eq!(*slot, SecretSlot::header("X-A"));
    assert_eq!(error.code(), "vault_field_missing");
    assert_eq!(
        wire.sent(),
        [
            "GET sys/internal/ui/mounts/secret/agent token=vt body=",
            "GET secret/data/agent token=vt body=",
        ]
    );
}

#[test]
fn a_known_version_saves_a_request_and_a_wrong_one_is_found() {
    let known = |version| VaultSource {
        kv_version: Some(version),
        ..source()
    };
    let wire = Script::new(&[Some((200, READ))]);
    let source = known(KvVersion::Two);
    assert!(now(read_secrets(&wire, &source, &secret("vt"), &[])).is_ok());
    assert_eq!(wire.sent(), ["GET secret/data/agent token=vt body="]);

    for (mount, code) in [
        (Some((200, MOUNT_V1)), "vault_wrong_kv_version"),
        (Some((200, MOUNT)), "vault_absent"),
        (Some((403, ABSENT)), "vault_absent"),
    ] {
        let wire = Script::new(&[Some((404, ABSENT)), mount]);
        let error = now(read_secrets(&wire, &source, &secret("vt"), &[])).unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(wire.sent().len(), 2);
    }
}

#[test]
fn a_value_that_no_header_carries_is_not_taken() {
    let body = r#"{"data":{"data":{"token":"a\nb"},"metadata":{"version":1}}}"#;
    let wire = Script::new(&[Some((200, MOUNT)), Some((200, body))]);
    let read = now(read_secrets(
        &wire,
        &source(),
        &secret("vt"),
        &wanted()[..1],
    ))
    .unwrap();
    assert_eq!(read.missing[0].1.code(), "vault_not_a_secret");
}

#[test]
fn a_sign_in_sends_each_credential_where_it_belongs() {
    let looked = r#"{"data":{"ttl":30,"creation_ttl":60,"policies":["p"],"renewable":false}}"#;
    let wire = Script::new(&[Some((200, looked)), Some((200, TOKEN)), Some((200, TOKEN))]);
    let pasted = now(sign_in(
        &wire,
        &source(),
        VaultCredential::Token(secret("pasted")),
    ));
    let pasted = pasted.unwrap();
    assert_eq!(pasted.token.reveal_to(&vault()), Ok("pasted"));
    assert!(!pasted.life.is_own, "a pasted token is never revoked");
    let own = now(sign_in(
        &wire,
        &source(),
        VaultCredential::Password {
            method: VaultMethod::Userpass,
            user_name: "ann".to_owned(),
            password: secret("p ä\""),
        },
    ));
    let own = own.unwrap();
    assert_eq!(own.token.reveal_to(&vault()), Ok("s.new"));
    assert!(own.life.is_own && own.life.ends_at == Some(61_000));
    let unwrapped = now(sign_in(
        &wire,
        &source(),
        VaultCredential::Wrapped(secret("wr")),
    ));
    assert!(unwrapped.unwrap().life.is_own);
    assert_eq!(
        wire.sent(),
        [
            "GET auth/token/lookup-self token=pasted body=",
            "POST auth/userpass/login/ann token= body={\"password\":\"p ä\\\"\"}",
            "POST sys/wrapping/unwrap token=wr body={}",
        ]
    );
}

#[test]
fn a_rejected_sign_in_says_what_was_rejected() {
    let password = || VaultCredential::Password {
        method: VaultMethod::Ldap,
        user_name: "ann".to_owned(),
        password: secret("secret-password"),
    };
    for (credential, status, body, code) in [
        (
            password(),
            400,
            r#"{"errors":["invalid username or password"]}"#,
            "vault_sign_in_rejected",
        ),
        (
            password(),
            403,
            r#"{"errors":["permission denied: secret-password"]}"#,
            "vault_sign_in_rejected",
        ),
        (
            VaultCredential::Wrapped(secret("wr")),
            400,
            r#"{"errors":["wrapping token is not valid or does not exist"]}"#,
            "vault_wrapping_token",
        ),
        (
            VaultCredential::Token(secret("vt")),
            403,
            r#"{"errors":["permission denied"]}"#,
            "vault_denied",
        ),
        (
            password(),
            503,
            r#"{"errors":["Vault is sealed"]}"#,
            "vault_sealed",
        ),
    ] {
        let wire = Script::new(&[Some((status, body))]);
        let error = now(sign_in(&wire, &source(), credential)).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(!error.to_string().contains("secret-password"), "{error}");
        assert_eq!(error.is_about_token(), code != "vault_sealed");
        // Once: a wrapping token is gone after that.
        assert_eq!(wire.sent().len(), 1);
    }
}

#[test]
fn a_token_that_may_not_read_is_gone_only_if_the_vault_no_longer_knows_it() {
    const DENIED: &str = r#"{"errors":["permission denied"]}"#;
    let looked = r#"{"data":{"ttl":30,"creation_ttl":60,"policies":["p"],"renewable":false}}"#;
    for (replies, code, ends_token) in [
        (
            vec![Some((403, DENIED)), Some((200, looked))],
            "vault_not_permitted",
            false,
        ),
        (
            vec![Some((200, MOUNT)), Some((403, DENIED)), Some((200, looked))],
            "vault_not_permitted",
            false,
        ),
        (
            vec![Some((403, DENIED)), Some((403, DENIED))],
            "vault_denied",
            true,
        ),
        // Nothing proves that the token is gone.
        (
            vec![Some((403, DENIED)), None],
            "vault_not_permitted",
            false,
        ),
        (
            vec![Some((403, DENIED)), Some((503, DENIED))],
            "vault_not_permitted",
            false,
        ),
    ] {
        let wire = Script::new(&replies);
        let error = now(read_secrets(&wire, &source(), &secret("vt"), &wanted())).unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(error.ends_token(), ends_token);
        assert!(error.is_about_token(), "another token may help");
        let sent = wire.sent();
        assert_eq!(
            sent.last().unwrap(),
            "GET auth/token/lookup-self token=vt body="
        );
    }
}

#[test]
fn without_a_readable_response_both_causes_and_the_cors_rule_are_named() {
    let wire = Script::new(&[None]);
    let error = now(read_secrets(&wire, &source(), &secret("vt"), &[])).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("cannot be reached"), "{message}");
    assert!(
        message.contains("does not allow https://page.example"),
        "{message}"
    );
    let hint = error.hint();
    assert!(hint.contains("POST /v1/sys/config/cors"), "{hint}");
    assert!(
        hint.contains(r#"{"allowed_origins":["https://page.example"]}"#),
        "{hint}"
    );
}

#[test]
fn a_token_is_renewed_and_revoked() {
    let wire = Script::new(&[Some((200, TOKEN)), Some((204, ""))]);
    let before = TokenLife {
        policies: Vec::new(),
        is_renewable: true,
        ends_at: Some(2_000),
        granted: 60_000,
        is_own: false,
    };
    let life = now(renew(&wire, &source(), &secret("vt"), &before)).unwrap();
    assert_eq!(life.ends_at, Some(61_000));
    assert!(!life.is_own, "a pasted token stays a pasted token");
    now(revoke(&wire, &source(), &secret("vt"))).unwrap();
    assert_eq!(
        wire.sent(),
        [
            "POST auth/token/renew-self token=vt body={}",
            "POST auth/token/revoke-self token=vt body={}",
        ]
    );
}

#[test]
fn a_token_of_another_vault_is_not_sent() {
    let wire = Script::new(&[]);
    let other = Secret::new("vt", &Address::parse("https://other.example").unwrap()).unwrap();
    let error = now(read_secrets(&wire, &source(), &other, &[])).unwrap_err();
    assert_eq!(error.code(), "secret_of_another_origin");
    assert!(wire.sent().is_empty());
}
