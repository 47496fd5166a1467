//! `GET` requests: tasks, the schema, the OpenAPI document and health.

use std::time::{Duration, Instant};

use taskwright::paste::{Recognized, TokenPlace, recognize};

use crate::client::{Request, get, post};
use crate::durability::{open_file, stall_reads};
use crate::server::{Start, TASK};

#[test]
fn a_task_is_returned_byte_for_byte() {
    let server = Start::new().any_task().run();
    for text in [
        r#"{"z":12345678901234567890,"a":{"y":1,"b":2}}"#,
        r#"{ "big": 1e400,	"exact": 0.10000000000000000001 , "zero": -0.0 }"#,
        "\n {\"spaced\" : [ 1 ,2,  3 ]\r\n}\n",
        r#"{"escaped":"\u00e4\/\ud83d\ude00","plain":"ä/😀"}"#,
        "\"just a string\"",
    ] {
        let receipt = server.post(text).json();
        let id = receipt["id"].as_str().unwrap();
        let one = server.get(&format!("/tasks/{id}"));
        let expected = format!(
            r#"{{"id":"{id}","status":"queued","received_at":{},"idempotency_key":null,"task":{text}}}"#,
            receipt["received_at"]
        );
        assert_eq!(one.text(), expected);
        let page = server.get("/tasks");
        assert!(page.text().contains(&expected), "{}", page.text());
    }
}

#[test]
fn a_task_is_found_by_its_idempotency_key() {
    let server = Start::new().run();
    server.post_with_key("other", TASK);
    let receipt = server.post_with_key("run 1/draft=2&+", TASK).json();
    let found = server
        .get("/tasks?idempotency_key=run+1%2Fdraft%3D2%26%2B")
        .json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(found["items"][0]["id"], receipt["id"]);
    assert_eq!(found["items"][0]["idempotency_key"], "run 1/draft=2&+");
    let absent = server.get("/tasks?idempotency_key=never-sent");
    assert_eq!(absent.text(), r#"{"items":[],"next_cursor":null}"#);
}

#[test]
fn pages_list_every_task_once_in_order_while_more_arrive() {
    let server = Start::new().any_task().run();
    for number in 0..7 {
        server.post(number.to_string());
    }
    let mut seen = Vec::new();
    let mut target = "/tasks?limit=3".to_owned();
    loop {
        let page = server.get(&target).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        seen.extend(items.iter().map(|item| item["task"].as_u64().unwrap()));
        if seen.len() == 3 {
            server.post("7");
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => target = format!("/tasks?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn tasks_are_filtered_by_status() {
    let server = Start::new().run();
    server.post(TASK);
    let queued = server.get("/tasks?status=queued").json();
    assert_eq!(queued["items"].as_array().unwrap().len(), 1);
    let done = server.get("/tasks?status=done").json();
    assert_eq!(done["items"].as_array().unwrap().len(), 0);
}

#[test]
fn an_invalid_query_is_refused() {
    let server = Start::new().run();
    let long = format!("idempotency_key={}", "k".repeat(256));
    let status = format!("status={}", "s".repeat(65));
    for query in [
        "limit=0",
        "limit=201",
        "limit=ten",
        "limit=-1",
        "limit=99999999999999999999",
        "cursor=",
        "cursor=nonsense",
        "status=",
        &status,
        "idempotency_key=",
        &long,
        "idempotencykey=k",
        "limit=1&limit=2",
        "idempotency_key=%ff",
    ] {
        server
            .get(&format!("/tasks?{query}"))
            .problem(400, "invalid_query");
    }
}

#[test]
fn the_schema_and_health_need_no_token() {
    let server = Start::new().run();
    let schema = server.send(&get("/tasks/schema"));
    assert_eq!(schema.status, 200);
    assert_eq!(
        schema.header("content-type"),
        Some("application/schema+json")
    );
    assert_eq!(schema.text(), taskwright::schema::agent_task_schema());

    let health = server.send(&get("/healthz"));
    assert_eq!((health.status, health.text()), (200, r#"{"status":"ok"}"#));
}

#[test]
fn the_openapi_document_describes_the_idempotency_key_the_token_and_the_task() {
    let server = Start::new().run();
    let response = server.send(&get("/openapi.json"));
    assert_eq!(response.status, 200);
    let document = response.json();
    assert_eq!(document["openapi"], "3.1.0");
    let post = &document["paths"]["/tasks"]["post"];
    let key = &post["parameters"][0];
    assert_eq!(
        (&key["name"], &key["in"]),
        (&"Idempotency-Key".into(), &"header".into())
    );
    let security = &document["components"]["securitySchemes"]["AgentToken"];
    assert_eq!(security["name"], "X-AGENT-TOKEN");
    assert!(post["security"][0]["AgentToken"].is_array());

    // Every reference resolves, and every documented path exists.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        let task_schema = &document["components"]["schemas"]["Task"];
        assert!(
            document
                .pointer(pointer)
                .or(task_schema.pointer(pointer))
                .is_some(),
            "{pointer}"
        );
    }
    for path in document["paths"].as_object().unwrap().keys() {
        let target = path.replace("{id}", "none");
        let response = server.get(&target);
        assert!(response.status == 200 || path.contains("{id}"), "{path}");
    }

    // The page finds the operation, the token and the schema in it.
    let Recognized::OpenApi(read) = recognize(&text) else {
        panic!("the page does not recognise the document");
    };
    let operation = &read.operations[0];
    assert_eq!(
        (operation.method.as_str(), operation.path.as_str()),
        ("POST", "/tasks")
    );
    assert!(operation.declares_idempotency_key);
    assert_eq!(
        operation.tokens[0].place,
        TokenPlace::Header("X-AGENT-TOKEN".to_owned())
    );
    assert_eq!(operation.response_id.as_deref(), Some("/id"));
    let schema: serde_json::Value = serde_json::from_str(&operation.body.schema).unwrap();
    assert_eq!(
        schema["required"],
        document["components"]["schemas"]["Task"]["required"]
    );

    // The task schema in the document is the enforced one.
    let mut task = document["components"]["schemas"]["Task"].clone();
    let enforced: serde_json::Value =
        serde_json::from_str(taskwright::schema::agent_task_schema()).unwrap();
    if enforced.get("$id").is_none() {
        task.as_object_mut().unwrap().remove("$id");
    }
    assert_eq!(task, enforced);
}

#[test]
fn responses_are_documented_with_status_media_type_and_code() {
    let server = Start::new().argument("--rate-limit", "10").run();
    let document = server.send(&get("/openapi.json")).json();
    let task = || post("/tasks").token("changeme");
    let keyed = |key: &str| task().header("Idempotency-Key", key);
    let requests = [
        ("/tasks", "post", keyed("k").json(TASK)),
        ("/tasks", "post", keyed("k").json(TASK)),
        ("/tasks", "post", keyed("k").json("{}")),
        ("/tasks", "post", keyed("\t").json(TASK)),
        ("/tasks", "post", task().json("{")),
        ("/tasks", "post", task().body(TASK)),
        ("/tasks", "post", task().json(" ".repeat(2 << 20))),
        ("/tasks", "post", post("/tasks").json(TASK)),
        ("/tasks", "get", get("/tasks").token("changeme")),
        ("/tasks", "get", get("/tasks?x=1").token("changeme")),
        ("/tasks", "get", get("/tasks").token("wrong")),
        ("/tasks/{id}", "get", get("/tasks/none").token("changeme")),
        ("/tasks/{id}", "get", get("/tasks/%ff").token("changeme")),
        ("/tasks/schema", "get", get("/tasks/schema")),
        ("/healthz", "get", get("/healthz")),
        (
            "/healthz",
            "get",
            get("/healthz").header("Host", "example.org"),
        ),
        ("/openapi.json", "get", get("/openapi.json")),
        ("/tasks", "get", get("/tasks").token("changeme")),
        ("/tasks", "get", get("/tasks").token("changeme")),
    ];
    let mut statuses = Vec::new();
    for (path, method, request) in requests {
        let response = server.send(&request);
        statuses.push(response.status);
        let documented = &document["paths"][path][method]["responses"][response.status.to_string()];
        let media_type = response.header("content-type").unwrap();
        let schema = &documented["content"][media_type]["schema"];
        assert!(!schema.is_null(), "{path} {method} {response:?}");
        if media_type == "application/problem+json" {
            let codes = schema["allOf"][1]["properties"]["code"]["enum"].as_array();
            assert!(
                codes.unwrap().contains(&response.json()["code"]),
                "{response:?}"
            );
        }
        for (name, header) in documented["headers"].as_object().into_iter().flatten() {
            let is_required = header["required"] == true;
            assert!(
                !is_required || response.header(name).is_some(),
                "{name} {response:?}"
            );
        }
        if response.header("retry-after").is_some() {
            assert!(
                documented["headers"]["Retry-After"].is_object(),
                "{response:?}"
            );
        }
    }
    for status in [200, 201, 400, 401, 404, 413, 415, 421, 422, 429] {
        assert!(statuses.contains(&status), "{status}: {statuses:?}");
    }
}

#[test]
fn a_time_far_in_the_future_is_listed() {
    let server = Start::new().run();
    assert_eq!(server.post(TASK).status, 201);
    open_file(&server)
        .execute("UPDATE tasks SET received_at = ?1", [i64::MAX])
        .unwrap();
    let listed = server.get("/tasks");
    assert_eq!(listed.status, 200, "{listed:?}");
    assert_eq!(
        listed.json()["items"][0]["received_at"],
        "9999-12-31T23:59:59.999Z"
    );
}

#[test]
fn health_is_reported_without_waiting_for_other_reads() {
    let server = Start::new().argument("--store-timeout", "4").run();
    assert_eq!(server.post(TASK).status, 201);
    stall_reads(&open_file(&server), Duration::from_secs(30));
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| server.get("/tasks"));
        // Long enough for the read to have begun.
        std::thread::sleep(Duration::from_millis(500));
        let started = Instant::now();
        assert_eq!(server.get("/healthz").status, 200);
        assert!(started.elapsed() < Duration::from_secs(2));
        // A read that takes too long is answered as well, and shows in the state of the server.
        slow.join().unwrap().problem(503, "store_unavailable");
        server.get("/healthz").problem(503, "store_unavailable");
    });
}

#[test]
fn an_unknown_path_is_a_problem() {
    let server = Start::new().run();
    for target in [
        "/",
        "/tasks/",
        "/Tasks",
        "/tasks/unknown",
        "/tasks/a/b",
        "/config.json",
        "/admin",
    ] {
        server.get(target).problem(404, "not_found");
    }
    server
        .send(&Request::new("POST", "/tasks/").token("changeme").json(TASK))
        .problem(404, "not_found");
}

#[test]
fn a_refused_method_names_the_allowed_ones() {
    let server = Start::new().run();
    for (method, target, allow) in [
        ("PUT", "/tasks", "GET, HEAD, POST, OPTIONS"),
        ("DELETE", "/tasks/some-id", "GET, HEAD, OPTIONS"),
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
        ("POST", "/tasks/schema", "GET, HEAD, OPTIONS"),
    ] {
        let response = server.send(&Request::new(method, target).token("changeme"));
        response.problem(405, "method_not_allowed");
        let sorted = |list: &str| {
            let mut methods: Vec<String> = list.split(", ").map(str::to_owned).collect();
            methods.sort();
            methods
        };
        assert_eq!(sorted(response.header("allow").unwrap()), sorted(allow));
    }
}

#[test]
fn options_needs_no_token_and_head_has_no_body() {
    let server = Start::new().run();
    let options = server.send(&Request::new("OPTIONS", "/tasks"));
    assert_eq!(options.status, 204);
    assert!(options.header("allow").unwrap().contains("POST"));
    let head = server.send(&Request::new("HEAD", "/tasks").token("changeme"));
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length"), Some("31"));
    assert!(head.body.is_empty());
}
