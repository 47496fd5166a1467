//! OpenAPI documents with the constructs of well-known public APIs.

use serde_json::{Value, json};
use taskwright::document::Document;
use taskwright::paste::{
    ApiDocument, ApiOperation, Recognized, TokenPlace, recognize, recognize_from,
};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, TaskSchema};
use taskwright::settings::{Address, TemplateValues};

macro_rules! document {
    ($name:literal) => {
        include_str!(concat!("documents/", $name))
    };
}

const DOCUMENTS: [(&str, &str); 11] = [
    ("fastapi", document!("fastapi.json")),
    ("issues", document!("issues.json")),
    ("tracker", document!("tracker.json")),
    ("payments", document!("payments.json")),
    ("graph", document!("graph.json")),
    ("todo", document!("todo.json")),
    ("envelope", document!("envelope.json")),
    ("jobs", document!("jobs.json")),
    ("recursive", document!("recursive.json")),
    ("dialect", document!("dialect.json")),
    ("queue", document!("queue.yaml")),
];

fn read(name: &str) -> ApiDocument {
    let (_, text) = DOCUMENTS.iter().find(|(other, _)| *other == name).unwrap();
    match recognize(text) {
        Recognized::OpenApi(document) => *document,
        other => panic!("{name} is no OpenAPI document: {other:?}"),
    }
}

fn first(name: &str) -> ApiOperation {
    read(name).operations.remove(0)
}

fn compile(text: &str) -> Validator {
    let schema = TaskSchema::parse(text).unwrap();
    Validator::compile(schema.value(), &ValidatorOptions::default()).unwrap()
}

/// Whether a task is valid by a schema.
fn accepts(schema: &str, task: &Value) -> bool {
    let task = Document::parse(&task.to_string()).unwrap();
    compile(schema).check(&task).is_empty()
}

fn tokens(operation: &ApiOperation) -> Vec<String> {
    operation
        .tokens
        .iter()
        .map(|token| {
            let place = match &token.place {
                TokenPlace::Header(name) => format!("header {name}"),
                TokenPlace::Query(name) => format!("query {name}"),
            };
            format!("{place} {}", token.scheme.as_deref().unwrap_or("-"))
        })
        .collect()
}

fn notices(operation: &ApiOperation) -> String {
    let notices: Vec<String> = operation.notices.iter().map(ToString::to_string).collect();
    notices.join("\n")
}

#[test]
fn the_operation_that_takes_tasks_comes_first() {
    for (name, title, method, path, address, tokens_expected, response_id) in [
        (
            "fastapi",
            "Agent queue",
            "POST",
            "/tasks/",
            "-",
            vec!["header x-agent-token -"],
            "/task_id",
        ),
        (
            "issues",
            "Repository API",
            "POST",
            "/repos/{owner}/{repo}/issues",
            "https://api.repos.example",
            vec!["header Authorization Bearer"],
            "/id",
        ),
        (
            "tracker",
            "Tracker platform",
            "POST",
            "/api/3/issue",
            "https://your-domain.tracker.example/rest",
            vec!["header Authorization Basic"],
            "/id",
        ),
        (
            "graph",
            "Planner",
            "POST",
            "/graphql",
            "https://api.planner.example",
            vec!["header Authorization -"],
            "-",
        ),
        (
            "todo",
            "To-do API",
            "POST",
            "/tasks",
            "https://api.todo.example/rest/v2",
            vec!["header Authorization Bearer"],
            "/id",
        ),
        (
            "envelope",
            "Work management",
            "POST",
            "/tasks",
            "https://app.work.example/api/1.0",
            vec!["header Authorization Bearer"],
            "/data/gid",
        ),
        (
            "jobs",
            "Cluster",
            "POST",
            "/apis/batch/v1/namespaces/{namespace}/jobs",
            "-",
            vec!["header authorization -"],
            "-",
        ),
        (
            "recursive",
            "Plans",
            "POST",
            "/work-items",
            "address_no_scheme",
            vec!["query access_token -"],
            "/result/uuid",
        ),
        (
            "dialect",
            "Orders of work",
            "POST",
            "/work-orders",
            "https://work.example/v1",
            vec![],
            "-",
        ),
        (
            "queue",
            "Work queue",
            "POST",
            "/queues/{queue}/messages",
            "https://eu.queue.example/v1",
            vec!["header X-Api-Key -", "header X-Tenant-Token -"],
            "/data/id",
        ),
    ] {
        let document = read(name);
        assert_eq!(document.title, title, "{name}");
        let found = match document.servers.first() {
            None => "-".to_owned(),
            Some(server) => match &server.address {
                Ok(address) => address.to_string(),
                Err(error) => error.code().to_owned(),
            },
        };
        assert_eq!(found, address, "{name}");
        let operation = &document.operations[0];
        assert_eq!(
            (operation.method.as_str(), operation.path.as_str()),
            (method, path),
            "{name}"
        );
        assert_eq!(tokens(operation), tokens_expected, "{name}");
        assert_eq!(
            operation.response_id.as_deref().unwrap_or("-"),
            response_id,
            "{name}"
        );
    }
}

#[test]
fn every_schema_compiles_and_has_no_trace_of_the_document() {
    for (name, _) in DOCUMENTS {
        for operation in read(name).operations {
            let envelope = operation.body.envelope.map(|envelope| envelope.schema);
            for schema in [Some(operation.body.schema), envelope]
                .into_iter()
                .flatten()
            {
                compile(&schema);
                for word in [
                    "#/components",
                    "\"nullable\"",
                    "\"example\"",
                    "\"readOnly\"",
                    "\"xml\"",
                    "x-kube",
                    "discriminator",
                ] {
                    assert!(
                        !schema.contains(word),
                        "{name} {} has {word}:\n{schema}",
                        operation.path
                    );
                }
            }
        }
    }
}

#[test]
fn parameters_say_what_a_request_needs() {
    let operation = first("fastapi");
    assert!(operation.declares_idempotency_key);
    let headers: Vec<_> = operation
        .headers
        .iter()
        .map(|it| {
            (
                it.name.as_str(),
                it.is_required,
                it.value.as_deref(),
                it.is_fixed,
            )
        })
        .collect();
    assert_eq!(
        headers,
        [
            ("X-Tenant", true, None, false),
            ("X-Api-Version", true, Some("2"), true)
        ]
    );
    let queue = &operation.query[0];
    assert_eq!(
        (queue.name.as_str(), queue.value.as_deref(), queue.is_fixed),
        ("queue", Some("default"), false)
    );
    assert!(notices(&operation).contains("needs a value for the header X-Tenant."));

    let operation = first("issues");
    assert!(!operation.declares_idempotency_key);
    let path: Vec<_> = operation
        .path_parameters
        .iter()
        .map(|it| it.name.as_str())
        .collect();
    assert_eq!(path, ["owner", "repo"]);
    assert!(notices(&operation).contains("The path needs a value for owner and repo."));
    assert_eq!(operation.headers[0].value.as_deref(), Some("2022-11-28"));
    assert_eq!(operation.summary.as_deref(), Some("Create an issue"));
}

#[test]
fn an_optional_header_carries_the_token_only_if_nothing_else_does() {
    let tokens_of = |security: Value, required: bool| {
        let document = json!({
            "openapi": "3.1.0",
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
            "security": security,
            "paths": {"/tasks": {"post": {
                "parameters": [{"in": "header", "name": "X-Admin-Token", "required": required, "schema": {}}],
                "requestBody": {"content": {"application/json": {}}}
            }}}
        });
        match recognize(&document.to_string()) {
            Recognized::OpenApi(document) => tokens(&document.operations[0]),
            other => panic!("not recognised: {other:?}"),
        }
    };
    let (bearer, admin) = ("header Authorization Bearer", "header X-Admin-Token -");
    let secured = json!([{"bearer": []}]);
    assert_eq!(tokens_of(json!([]), false), [admin]);
    assert_eq!(tokens_of(json!([]), true), [admin]);
    assert_eq!(tokens_of(secured.clone(), false), [bearer]);
    assert_eq!(tokens_of(secured, true), [bearer, admin]);
}

#[test]
fn references_become_definitions_of_one_schema() {
    let schema = first("fastapi").body.schema;
    let task = |priority: &str| json!({"title": "Write", "owner": {"email": "a@b.example", "name": null}, "priority": priority});
    assert!(accepts(&schema, &task("high")));
    assert!(!accepts(&schema, &task("urgent")));
    assert!(!accepts(&schema, &json!({"title": "Write", "owner": {}})));

    let operation = first("recursive");
    let item = |title: Value| json!({"title": "a", "children": [{"title": title}], "next": {"to": {"title": "b"}}, "missing": 1, "elsewhere": []});
    assert!(accepts(&operation.body.schema, &item(json!("b"))));
    assert!(!accepts(&operation.body.schema, &item(json!(1))));
    let notices = notices(&operation);
    assert!(
        notices.contains("https://other.example/schemas.json#/Thing"),
        "{notices}"
    );
    assert!(
        notices.contains("#/components/schemas/Nothing"),
        "{notices}"
    );
}

#[test]
fn a_schema_with_definitions_of_its_own_keeps_them() {
    let task = json!({
        "$id": "https://tasks.example/task", "type": "object", "required": ["title"],
        "properties": {"title": {"$ref": "#/$defs/Text"}, "steps": {"type": "array", "items": {"$ref": "#/$defs/Step"}}},
        "$defs": {"Text": {"type": "string", "minLength": 2}, "Step": {"type": "object", "properties": {"do": {"$ref": "#/$defs/Text"}}}}
    });
    let document = json!({
        "openapi": "3.1.0", "components": {"schemas": {"Task": task}},
        "paths": {"/tasks": {"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Task"}}}}}}}
    });
    let Recognized::OpenApi(document) = recognize(&document.to_string()) else {
        panic!("not recognised");
    };
    let operation = &document.operations[0];
    assert!(
        !notices(operation).contains("lead nowhere"),
        "{}",
        notices(operation)
    );
    let schema = &operation.body.schema;
    assert!(accepts(
        schema,
        &json!({"title": "ab", "steps": [{"do": "ab"}]})
    ));
    assert!(!accepts(schema, &json!({"title": "a"})));
    assert!(!accepts(
        schema,
        &json!({"title": "ab", "steps": [{"do": "a"}]})
    ));
}

#[test]
fn the_dialect_of_openapi_3_0_is_translated() {
    let operation = first("dialect");
    let schema = &operation.body.schema;
    let with = |name: &str, value: Value| {
        let mut task = json!({"subject": "Paint", "target": {"kind": "house", "rooms": 3}});
        task[name] = value;
        accepts(schema, &task)
    };
    for (name, value, is_valid) in [
        ("subject", json!("Paint the fence"), true),
        ("subject", json!(null), false),
        ("hours", json!(0), false),
        ("hours", json!(0.5), true),
        ("hours", json!(100), true),
        ("hours", json!(101), false),
        ("when", json!(null), true),
        ("when", json!("2026-11-30T16:00:00Z"), true),
        ("when", json!("soon"), false),
        ("kind", json!("a"), true),
        ("kind", json!(null), true),
        ("kind", json!("c"), false),
        ("note", json!({"text": "x"}), true),
        ("note", json!(null), false),
        ("maybe", json!(null), true),
        ("maybe", json!({"text": 1}), false),
        ("secretNote", json!("x"), true),
        ("target", json!({"kind": "garden"}), true),
        ("target", json!({"kind": "lake"}), false),
    ] {
        assert_eq!(
            with(name, value.clone()),
            is_valid,
            "{name}: {value}\n{schema}"
        );
    }
    let value: Value = serde_json::from_str(schema).unwrap();
    assert_eq!(value["required"], json!(["subject", "target"]));
    assert_eq!(value["properties"].get("id"), None);
    let notices = notices(&operation);
    for text in [
        "nullable was translated",
        "exclusiveMinimum and exclusiveMaximum",
        "discriminator was left out",
        "(readOnly) were left out: id.",
        "invalid value were left out: minLength, required and type.",
        "Unknown keywords were left out: required_.",
        "nullable beside $ref",
    ] {
        assert!(notices.contains(text), "{text} is not in\n{notices}");
    }
}

#[test]
fn the_task_inside_an_envelope_is_offered() {
    for (name, template, valid, invalid) in [
        (
            "envelope",
            r#"{"data": $task}"#,
            json!({"name": "a", "due_on": null}),
            json!({"name": 1}),
        ),
        (
            "queue",
            r#"{"type": "work", "version": 2, "payload": $task}"#,
            json!({"title": "a", "note": null, "owner": {"name": "b"}}),
            json!({"title": "a", "retries": -1}),
        ),
        (
            "tracker",
            r#"{"fields": $task}"#,
            json!({"summary": "a", "project": {"key": "X"}}),
            json!({"summary": "a"}),
        ),
        (
            "graph",
            r#"{"query": "mutation($input: IssueCreateInput!) { issueCreate(input: $input) { issue { id } } }", "variables": {"input": $task}}"#,
            json!({"title": "a", "teamId": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "dueDate": "2026-11-30"}),
            json!({"title": "a"}),
        ),
    ] {
        let operation = first(name);
        let envelope = operation.body.envelope.as_ref().expect(name);
        let text: String = envelope.template.clone().into();
        assert_eq!(text, template, "{name}");
        assert!(
            accepts(&envelope.schema, &valid),
            "{name}\n{}",
            envelope.schema
        );
        assert!(
            !accepts(&envelope.schema, &invalid),
            "{name}\n{}",
            envelope.schema
        );
        // The body that the template makes is valid by the schema of the body.
        let values = TemplateValues {
            uuid: "",
            number: 1,
            run: "",
            time: "",
        };
        let body = envelope.template.wrap(&valid.to_string(), &values);
        let body: Value = serde_json::from_str(&body).unwrap();
        assert!(accepts(&operation.body.schema, &body), "{name}");
    }
    for name in ["fastapi", "todo", "dialect", "recursive", "jobs"] {
        assert_eq!(first(name).body.envelope, None, "{name}");
    }
}

#[test]
fn operations_without_json_are_named() {
    let document = read("payments");
    assert!(document.operations.is_empty());
    let notices: Vec<String> = document.notices.iter().map(ToString::to_string).collect();
    let notices = notices.join("\n");
    assert!(
        notices.contains("POST /v1/charges (application/x-www-form-urlencoded)"),
        "{notices}"
    );
    assert!(
        notices.contains("no operation that takes a JSON body"),
        "{notices}"
    );
}

#[test]
fn a_relative_server_is_seen_from_the_address_of_the_document() {
    let (_, text) = DOCUMENTS
        .iter()
        .find(|(name, _)| *name == "recursive")
        .unwrap();
    let address = Address::parse("https://plans.example/docs/openapi.json").unwrap();
    let Recognized::OpenApi(document) = recognize_from(text, Some(&address)) else {
        panic!("not recognised");
    };
    let server = document.servers[0].address.as_ref().unwrap();
    assert_eq!(server.to_string(), "https://plans.example/api");
    let (_, text) = DOCUMENTS
        .iter()
        .find(|(name, _)| *name == "fastapi")
        .unwrap();
    let Recognized::OpenApi(document) = recognize_from(text, Some(&address)) else {
        panic!("not recognised");
    };
    let server = document.servers[0].address.as_ref().unwrap();
    assert_eq!(server.to_string(), "https://plans.example");
}

#[test]
fn a_member_of_an_unexpected_form_does_not_refuse_the_document() {
    let document = json!({
        "openapi": "3.1.0", "info": 1, "servers": {"url": 2}, "security": "x",
        "paths": {
            "/broken": {"post": [], "parameters": 3},
            "/tasks": {
                "parameters": "none",
                "post": {
                    "summary": 5, "tags": {}, "parameters": [1, {"name": "a"}, {"$ref": "#/nowhere"}],
                    "requestBody": {"content": {"application/json": {"schema": {
                        "type": "objekt", "properties": {"title": {"type": "string", "enum": "x"}, "b": 7},
                        "required": "title", "allOf": {}, "items": 1, "pattern": 2, "minimum": "1"
                    }}}},
                    "responses": []
                }
            }
        },
        "components": []
    });
    let Recognized::OpenApi(document) = recognize(&document.to_string()) else {
        panic!("not recognised");
    };
    assert_eq!(document.operations[0].path, "/tasks");
    assert!(accepts(
        &document.operations[0].body.schema,
        &json!({"title": "a", "b": 1})
    ));
}

#[test]
fn a_large_document_is_read_in_bounded_work() {
    let mut schemas = serde_json::Map::new();
    for number in 0..2_000 {
        let properties: serde_json::Map<String, Value> = (0..5)
            .map(|at| {
                let target = (number * 7 + at * 13) % 2_000;
                (
                    format!("p{at}"),
                    json!({"$ref": format!("#/components/schemas/S{target}")}),
                )
            })
            .collect();
        schemas.insert(
            format!("S{number}"),
            json!({"type": "object", "properties": properties}),
        );
    }
    let paths: serde_json::Map<String, Value> = (0..2_000)
        .map(|number| {
            let body = json!({"post": {"requestBody": {"content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/S{number}")}}}}, "responses": {}}});
            (format!("/things/{number}"), body)
        })
        .collect();
    let document = json!({"openapi": "3.1.0", "paths": paths, "components": {"schemas": schemas}});
    let Recognized::OpenApi(document) = recognize(&document.to_string()) else {
        panic!("not recognised");
    };
    assert_eq!(document.operations.len(), 60);
    let notices: Vec<String> = document.notices.iter().map(ToString::to_string).collect();
    assert!(
        notices.join("\n").contains("1940 were left out"),
        "{notices:?}"
    );
}
