//! Bodies as OpenBao 2.7.2 sends them.

use super::*;
use crate::secrets::{Keyring, SecretSlot};
use crate::settings::Address;

fn source() -> VaultSource {
    let address = Address::parse("https://vault.example").unwrap();
    VaultSource::at(address, "secret/agent")
}

fn reply(status: u16, body: &str) -> VaultReply {
    VaultReply {
        status,
        body: Zeroizing::new(body.as_bytes().to_vec()),
    }
}

const VERSIONED: &str = r#"{"request_id":"c28249f6","lease_id":"","renewable":false,"lease_duration":0,"data":{"data":{"agent_token":"t1","api_key":"k1","port":8080,"on":true,"of":null,"list":["a"],"map":{"a":1}},"metadata":{"created_time":"2026-11-30T23:11:25.67999746Z","custom_metadata":null,"deletion_time":"","destroyed":false,"version":1}},"wrap_info":null,"warnings":null,"auth":null}"#;
const UNVERSIONED: &str = r#"{"request_id":"df27bf8d","lease_id":"","renewable":false,"lease_duration":2764800,"data":{"agent_token":"t1","api_key":"k1"},"wrap_info":null,"warnings":null,"auth":null}"#;
const V1_PATH_ON_V2: &str = r#"{"request_id":"cee5dfd6","lease_id":"","renewable":false,"lease_duration":0,"data":null,"wrap_info":null,"warnings":["Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. If using the OpenBao CLI, use 'bao kv get' for this operation."],"auth":null}"#;
const DELETED: &str = r#"{"request_id":"5edd6907","lease_id":"","renewable":false,"lease_duration":0,"data":{"data":null,"metadata":{"created_time":"2026-11-30T23:11:25.67999746Z","custom_metadata":null,"deletion_time":"2026-11-30T23:11:27.044074122Z","destroyed":false,"version":1}},"wrap_info":null,"warnings":null,"auth":null}"#;
const LOGGED_IN: &str = r#"{"request_id":"b79c32ea","lease_id":"","renewable":false,"lease_duration":0,"data":null,"wrap_info":null,"warnings":null,"auth":{"client_token":"s.u8U4URW11AK6qorco03unIKM","accessor":"kmeOHY2oyjdV40PjUmOMkS0f","policies":["default","reader"],"token_policies":["default","reader"],"metadata":{"username":"ann"},"lease_duration":3600,"renewable":true,"entity_id":"7f8b6d27","token_type":"service","orphan":true,"mfa_requirement":null,"num_uses":0}}"#;
const LOOKED_UP: &str = r#"{"request_id":"eb278309","lease_id":"","renewable":false,"lease_duration":0,"data":{"accessor":"m3CNOZCkiP4sOXpp20GjWh1b","creation_time":1796080286,"creation_ttl":60,"display_name":"token","entity_id":"","expire_time":"2026-11-30T23:12:26.859530788Z","explicit_max_ttl":0,"id":"s.Ww3C3OQIULvI7H978VzFpNXV","issue_time":"2026-11-30T23:11:26.859535022Z","meta":null,"num_uses":0,"orphan":false,"path":"auth/token/create","policies":["default","reader"],"renewable":true,"ttl":59,"type":"service"},"wrap_info":null,"warnings":null,"auth":null}"#;
const MOUNT_V2: &str = r#"{"request_id":"70722ead","data":{"accessor":"kv_ca3f5534","deprecation_status":"supported","local":false,"options":{"version":"2"},"path":"secret/","type":"kv"},"wrap_info":null,"warnings":null,"auth":null}"#;
const MOUNT_V1: &str = r#"{"request_id":"7f4a98f4","data":{"accessor":"kv_4a9cd94b","local":false,"options":{"version":"1"},"path":"kv1/","type":"kv"},"wrap_info":null,"warnings":null,"auth":null}"#;
const WRAPPED_SECRET: &str = r#"{"request_id":"70722ead","data":{"api_key":"k1"},"wrap_info":null,"warnings":null,"auth":null}"#;

#[test]
fn the_fields_of_a_secret_are_read_in_both_versions() {
    let redactor = Redactor::default();
    for (version, body) in [(KvVersion::Two, VERSIONED), (KvVersion::One, UNVERSIONED)] {
        let fields = reply(200, body).fields(&source(), version, &redactor);
        let fields = fields.unwrap_or_else(|error| panic!("{error}"));
        let text = |name: &str| fields.get(name).and_then(|it| it.0.as_deref()).cloned();
        assert_eq!(text("api_key").as_deref(), Some("k1"));
        assert_eq!(text("agent_token").as_deref(), Some("t1"));
        assert_eq!(text("port"), None, "a number is no text");
    }
}

#[test]
fn each_failure_to_read_has_an_error_of_its_own() {
    let path = || "secret/agent".to_owned();
    let mount = || "secret".to_owned();
    let redactor = Redactor::default();
    for (version, status, body, expected) in [
        (
            KvVersion::One,
            404,
            V1_PATH_ON_V2,
            VaultError::WrongKvVersion {
                mount: mount(),
                actual: KvVersion::Two,
            },
        ),
        (
            KvVersion::Two,
            404,
            DELETED,
            VaultError::DeletedVersion {
                path: path(),
                version: 1,
                is_destroyed: false,
            },
        ),
        (
            KvVersion::Two,
            404,
            &DELETED.replace(r#""destroyed":false"#, r#""destroyed":true"#),
            VaultError::DeletedVersion {
                path: path(),
                version: 1,
                is_destroyed: true,
            },
        ),
        // An absent path, an absent version, and the path of version 2 on a mount of version 1.
        (
            KvVersion::Two,
            404,
            r#"{"errors":[]}"#,
            VaultError::Absent { path: path() },
        ),
        (
            KvVersion::Two,
            404,
            r#"{"errors":["no handler for route \"nomount/data/x\". route entry not found."]}"#,
            VaultError::NoMount { mount: mount() },
        ),
        (
            KvVersion::Two,
            403,
            r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#,
            VaultError::Denied {
                message: "1 error occurred: * permission denied".to_owned(),
            },
        ),
        (
            KvVersion::Two,
            503,
            r#"{"errors":["Vault is sealed"]}"#,
            VaultError::Sealed,
        ),
        (
            KvVersion::Two,
            500,
            r#"{"errors":["local node not active but active cluster node not found"]}"#,
            VaultError::Standby,
        ),
        (KvVersion::Two, 0, "", VaultError::Standby),
        (
            KvVersion::Two,
            429,
            r#"{"errors":["request path \"x\": rate limit quota exceeded"]}"#,
            VaultError::Failed {
                status: 429,
                message: "request path \"x\": rate limit quota exceeded".to_owned(),
            },
        ),
        (
            KvVersion::Two,
            404,
            "<html>Not found</html>",
            VaultError::NotAVault { status: 404 },
        ),
        (
            KvVersion::Two,
            200,
            "<html>Welcome</html>",
            VaultError::NotAVault { status: 200 },
        ),
        (
            KvVersion::One,
            401,
            r#"{"detail":"no"}"#,
            VaultError::NotAVault { status: 401 },
        ),
    ] {
        let Err(error) = reply(status, body).fields(&source(), version, &redactor) else {
            panic!("{body}")
        };
        assert_eq!(error, expected, "{body}");
        assert!(error.code().starts_with("vault_"));
        assert!(error.hint().ends_with('.'), "{error:?}");
    }
}

#[test]
fn a_mount_says_its_version() {
    let redactor = Redactor::default();
    for (body, version) in [(MOUNT_V2, KvVersion::Two), (MOUNT_V1, KvVersion::One)] {
        let read = reply(200, body).kv_version(&source(), &redactor);
        assert_eq!(read, Ok(version));
    }
    let denied = r#"{"errors":["preflight capability check returned 403, please ensure client's policies grant access to path \"nope/agent/\""]}"#;
    let read = reply(403, denied).kv_version(&source(), &redactor);
    assert!(matches!(read, Err(VaultError::Denied { .. })), "{read:?}");
    let read = reply(200, "{}").kv_version(&source(), &redactor);
    assert_eq!(read, Err(VaultError::NotAVault { status: 200 }));
}

#[test]
fn a_token_comes_with_its_life() {
    let redactor = Redactor::default();
    let (token, life) = reply(200, LOGGED_IN).token(1_000, &redactor).unwrap();
    assert_eq!(*token, "s.u8U4URW11AK6qorco03unIKM");
    let expected = TokenLife {
        policies: vec!["default".to_owned(), "reader".to_owned()],
        is_renewable: true,
        ends_at: Some(3_601_000),
        granted: 3_600_000,
        is_own: true,
    };
    assert_eq!(life, expected);
    let life = reply(200, LOOKED_UP).life(1_000, &redactor).unwrap();
    let expected = TokenLife {
        ends_at: Some(60_000),
        granted: 60_000,
        is_own: false,
        ..expected
    };
    assert_eq!(life, expected);
    let wrapped = reply(200, WRAPPED_SECRET).token(0, &redactor);
    assert_eq!(wrapped.unwrap_err(), VaultError::NoTokenInside);
}

#[test]
fn what_the_vault_writes_is_redacted() {
    let vault = Address::parse("https://vault.example").unwrap();
    let mut keyring = Keyring::default();
    keyring
        .give(SecretSlot::VAULT_TOKEN, &vault, "s.hunter2hunter2")
        .unwrap();
    let body = r#"{"errors":["bad token s.hunter2hunter2"]}"#;
    let error = reply(403, body).error(&keyring.redactor());
    assert_eq!(
        error.to_string(),
        "the Vault denied the request: bad token [secret]"
    );
}
