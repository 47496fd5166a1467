//! Telling pasted texts apart, addresses, configuration files, and texts in the wrong field.

use taskwright::paste::{
    NotRecognized, PastedInstead, Recognized, TokenValue, recognize, what_is_pasted_as_address,
    what_is_pasted_as_schema,
};
use taskwright::schema::{agent_action_schema, agent_task_schema};

fn kind(text: &str) -> &'static str {
    match recognize(text) {
        Recognized::Address(_) => "address",
        Recognized::Request(_) => "request",
        Recognized::OpenApi(_) => "openapi",
        Recognized::Schema(_) => "schema",
        Recognized::Examples(_) => "examples",
        Recognized::AgentConfig(_) => "agent_config",
        Recognized::Config(_) => "config",
        Recognized::Unknown(error) => {
            assert!(!error.to_string().is_empty() && !error.hint().is_empty());
            error.code()
        }
    }
}

#[test]
fn texts_are_told_apart() {
    for (text, expected) in [
        ("", "paste_empty"),
        ("  \n", "paste_empty"),
        (
            "Please write three tasks about the release notes.",
            "paste_unknown",
        ),
        (
            "Note: the server is at https://a.example, ask Ada.",
            "paste_unknown",
        ),
        ("https://tasks.example.com", "address"),
        ("http://localhost:8080/tasks", "address"),
        ("localhost:8080", "address"),
        ("tasks.example.com/v1/tasks", "address"),
        ("127.0.0.1:9000/x", "address"),
        ("openapi.json", "paste_unknown"),
        ("me@example.com", "paste_unknown"),
        ("word", "paste_unknown"),
        ("ftp://files.example", "address"),
        ("curl https://a.example/t", "request"),
        ("```bash\ncurl https://a.example/t\n```", "request"),
        (
            "Post it like this:\n\n  curl https://a.example/t",
            "request",
        ),
        ("Here's how:\n\n$ curl https://a.example/t", "request"),
        ("Here's how:\n\nirm https://a.example/t", "request"),
        (
            "Here's how:\n\nPS C:\\> curl.exe https://a.example/t",
            "request",
        ),
        (
            "Here's how:\n\nawait fetch('https://a.example/t')",
            "request",
        ),
        ("fetch('https://a.example/t')", "request"),
        ("irm https://a.example/t", "request"),
        ("We fetch (daily) the list", "paste_unknown"),
        ("{\"openapi\": \"3.1.0\", \"paths\": {}}", "openapi"),
        ("openapi: 3.1.0\npaths: {}", "openapi"),
        ("{\"swagger\": \"2.0\", \"paths\": {}}", "paste_swagger"),
        ("swagger: '2.0'\npaths: {}", "paste_swagger"),
        ("swagger: 2.0\npaths: {}", "paste_swagger"),
        (
            "openapi: 3.1.0\ninfo:\n  description: |\n    curl https://a.example/t\n    fetch('https://a.example/t')\npaths: {}",
            "openapi",
        ),
        ("openapi: [", "paste_unknown"),
        (
            "{\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"string\"}}}",
            "schema",
        ),
        ("type: object\nproperties:\n  a: {type: string}", "schema"),
        ("{\"title\": \"a\"}", "examples"),
        ("{\"title\": \"a\"}\n{\"title\": \"b\"}", "examples"),
        ("[{\"title\": \"a\"}]", "examples"),
        ("title: a\nurl: b", "paste_unknown"),
        ("[1, 2]", "paste_no_object"),
        ("[]", "paste_no_object"),
        ("{\"title\": \"a\",}", "paste_not_json"),
        ("{title: 'a'}", "paste_not_json"),
        (
            "{\"vault\": {\"secrets_path\": \"secret/agent\"}}",
            "agent_config",
        ),
        ("host: http://localhost\nport: 8080", "agent_config"),
        (
            "{\"task_server\": {\"url\": \"https://a.example\"}}",
            "config",
        ),
    ] {
        assert_eq!(kind(text), expected, "{text}");
    }
    assert_eq!(kind(&" x".repeat(3 << 20)), "paste_too_long");
    for schema in [agent_task_schema(), agent_action_schema()] {
        assert_eq!(kind(schema), "schema");
    }
}

#[test]
fn what_was_pasted_into_the_wrong_field_is_recognised() {
    for (text, as_schema, as_address) in [
        ("https://a.example", Some(PastedInstead::Address), None),
        (
            "curl https://a.example",
            Some(PastedInstead::Request),
            Some(PastedInstead::Request),
        ),
        (
            "{\"openapi\": \"3.1.0\"}",
            Some(PastedInstead::OpenApi),
            Some(PastedInstead::OpenApi),
        ),
        (
            "{\"swagger\": \"2.0\"}",
            Some(PastedInstead::Swagger),
            Some(PastedInstead::Swagger),
        ),
        (
            "{\"title\": \"a\"}",
            Some(PastedInstead::Example),
            Some(PastedInstead::Example),
        ),
        ("{\"type\": \"object\"}", None, Some(PastedInstead::Schema)),
        ("{}", None, Some(PastedInstead::Schema)),
        (
            "{\"host\": \"a\", \"port\": 1}",
            Some(PastedInstead::AgentConfig),
            Some(PastedInstead::AgentConfig),
        ),
        (
            "{\"allowed_hosts\": []}",
            Some(PastedInstead::Config),
            Some(PastedInstead::Config),
        ),
        ("nothing", None, None),
        ("", None, None),
    ] {
        assert_eq!(what_is_pasted_as_schema(text), as_schema, "{text}");
        assert_eq!(what_is_pasted_as_address(text), as_address, "{text}");
        for found in [as_schema, as_address].into_iter().flatten() {
            assert!(found.code().starts_with("pasted_"));
            assert!(found.to_string().starts_with("this is ") && found.hint().ends_with('.'));
        }
    }
}

#[test]
fn an_address_is_taken_apart() {
    let Recognized::Address(address) = recognize(
        "https://me:hunter2@tasks.example.com:8443/v1/tasks?queue=blue&access_token=hunter3#x",
    ) else {
        panic!("not recognised");
    };
    assert_eq!(
        address.url.address.as_ref().unwrap().to_string(),
        "https://tasks.example.com:8443"
    );
    assert_eq!(address.url.path, "/v1/tasks");
    assert_eq!(address.url.query, [("queue".to_owned(), "blue".to_owned())]);
    assert_eq!(address.tokens.len(), 2);
    let shown = format!("{address:?}");
    assert!(!shown.contains("hunter"), "{shown}");
    let Recognized::Address(address) = recognize("https://a.example/openapi.json") else {
        panic!("not recognised");
    };
    assert!(address.is_api_document);
}

#[test]
fn an_agent_config_is_read_in_any_usual_shape() {
    for (text, address, path, token) in [
        (
            r#"{"host": "http://localhost", "port": 8080, "token": "hunter2"}"#,
            "http://localhost:8080",
            "",
            "X-AGENT-TOKEN=hunter2",
        ),
        (
            r#"{"host": "localhost", "port": "8080", "vault": {"secrets_path": "secret/data/agent"}}"#,
            "http://localhost:8080",
            "",
            "",
        ),
        (
            r#"{"server": {"url": "https://a.example/api", "path": "tasks", "api_token": "hunter2", "token_header": "X-Token"}}"#,
            "https://a.example",
            "/api/tasks",
            "X-Token=hunter2",
        ),
        (
            r#"{"mcp_server": {"base_url": "https://a.example"}, "AGENT_API_TOKEN": "hunter2"}"#,
            "https://a.example",
            "",
            "X-AGENT-TOKEN=hunter2",
        ),
        (
            r#"{"mcpServers": {"queue": {"url": "https://a.example/mcp", "headers": {"Authorization": "Bearer hunter2", "X-Tenant": "b"}}}}"#,
            "https://a.example",
            "/mcp",
            "Authorization=hunter2",
        ),
        (
            r#"{"server": "https://a.example", "vault": {"path": "secret/x", "address": "https://vault.example"}}"#,
            "https://a.example",
            "",
            "",
        ),
        (
            r#"{"host": "http://localhost:9000/x", "port": 8080}"#,
            "http://localhost:9000",
            "/x",
            "",
        ),
    ] {
        let Recognized::AgentConfig(config) = recognize(text) else {
            panic!("{text} is not recognised");
        };
        let url = config.url.as_ref().unwrap();
        let found = url.address.as_ref().unwrap();
        assert_eq!(
            (found.to_string().as_str(), url.path.as_str()),
            (address, path),
            "{text}"
        );
        let tokens: Vec<String> = config
            .tokens
            .iter()
            .map(|token| match &token.value {
                TokenValue::Given(secret) => format!(
                    "{}={}",
                    token.form.place.name(),
                    secret.reveal_to(found).unwrap()
                ),
                _ => "?".to_owned(),
            })
            .collect();
        assert_eq!(tokens.join(" "), token, "{text}");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}

#[test]
fn of_several_agent_tokens_the_first_one_is_taken_over() {
    let text = r#"{"AGENT_API_TOKEN": "hunter2, hunter3", "host": "localhost", "port": 1}"#;
    let Recognized::AgentConfig(config) = recognize(text) else {
        panic!("not recognised");
    };
    let address = config.url.as_ref().unwrap().address.as_ref().unwrap();
    assert!(matches!(
        &config.tokens[0].value,
        TokenValue::Given(secret) if secret.reveal_to(address) == Ok("hunter2")
    ));
    let Recognized::AgentConfig(config) = recognize(r#"{"AGENT_API_TOKEN": "hunter2"}"#) else {
        panic!("not recognised");
    };
    assert!(config.url.is_none());
    assert!(matches!(config.tokens[0].value, TokenValue::WithoutAddress));
}

#[test]
fn members_of_an_agent_config_that_are_not_known_are_named() {
    let text = r#"{"host": "http://localhost", "port": 1, "colour": "red", "openai_api_key": "hunter2",
        "vault": {"secrets_path": "secret/agent", "token": "hunter3", "mount": "kv"}, "retry": {"max": 2}}"#;
    let Recognized::AgentConfig(config) = recognize(text) else {
        panic!("not recognised");
    };
    assert_eq!(
        config.unknown_members,
        ["/colour", "/vault/mount", "/retry"]
    );
    let vault = config.vault.as_ref().unwrap();
    assert_eq!(
        (vault.secrets_path.as_str(), vault.address.is_none()),
        ("secret/agent", true)
    );
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter"), "{shown}");
    assert!(
        shown.contains("/openai_api_key") && shown.contains("/vault/token"),
        "{shown}"
    );
}

#[test]
fn keywords_of_openapi_in_a_schema_are_named_and_translated() {
    let text = r##"{"type": "object", "properties": {"due": {"type": "string", "nullable": true}, "owner": {"$ref": "#/definitions/Owner"}}, "definitions": {"Owner": {"type": "object"}}}"##;
    let Recognized::Schema(schema) = recognize(text) else {
        panic!("not recognised");
    };
    assert_eq!(schema.text, text);
    let translated = schema.translated.unwrap();
    assert!(
        translated.contains("\"null\"") && translated.contains("#/$defs/Owner"),
        "{translated}"
    );
    assert!(schema.notices.iter().any(|it| it.text.contains("nullable")));
    let Recognized::Schema(schema) = recognize(agent_task_schema()) else {
        panic!("not recognised");
    };
    assert_eq!((schema.translated, schema.notices.len()), (None, 0));
}

#[test]
fn a_config_with_an_error_says_what_is_wrong() {
    let Recognized::Config(config) =
        recognize(r#"{"task_server": {"url": "https://a.example", "token": "hunter2"}}"#)
    else {
        panic!("not recognised");
    };
    assert_eq!(
        config.as_ref().as_ref().unwrap_err().code(),
        "config_holds_secret"
    );
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(matches!(
        recognize("{\"a\": hunter2}"),
        Recognized::Unknown(NotRecognized::NotJson { reason }) if !reason.contains("hunter2")
    ));
}
