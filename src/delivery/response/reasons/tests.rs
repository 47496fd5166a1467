use super::*;
use crate::settings::{BodyTemplate, TemplateValues};

const VALUES: TemplateValues<'static> = TemplateValues {
    uuid: "7d9d1fd4-6f4e-8c1e-9d5e-0f3a5f1b2c3d",
    number: 1,
    run: "run-1",
    time: "2026-01-02T03:04:05.000Z",
};

const URL: &str = "https://tasks.example/api/tasks";
const TASK: &str = r#"{"key":"k","title":"t","priority":7,"depends_on":["x"],
    "inputs":[{"name":"n","value":"v"}],"role":"writer"}"#;

/// The reasons in a response to [`TASK`], as `path: message`.
fn read_text(body: &str) -> Vec<String> {
    in_response(body, TASK, None)
}

fn in_response(body: &str, task: &str, template: Option<&str>) -> Vec<String> {
    let template = template.map(|text| BodyTemplate::parse(text).unwrap());
    let sent_body = template
        .as_ref()
        .map_or(task.to_owned(), |it| it.wrap(task, &VALUES));
    let sent = Sent::new(URL, &sent_body, template.as_ref());
    let value: Value = serde_json::from_str(body).unwrap();
    read(&value, &sent)
        .into_iter()
        .map(|reason| format!("{}: {}", reason.instance_path, reason.message))
        .collect()
}

#[track_caller]
fn assert_reasons(body: &str, expected: &[&str]) {
    assert_eq!(read_text(body), expected, "{body}");
}

#[test]
fn pointers_paths_and_locations_beside_messages_are_read() {
    for (body, expected) in [
        // The bundled task server.
        (
            r#"{"violations":[{"instance_path":"/title","schema_path":"/x","keyword":"minLength","message":"too short"}]}"#,
            "/title: too short",
        ),
        // FastAPI and its relatives.
        (
            r#"{"detail":[{"type":"missing","loc":["body","inputs",0,"a/b"],"msg":"Field required","input":{}}]}"#,
            "/inputs/0/a~1b: Field required",
        ),
        (
            r#"{"detail":[{"loc":["body","payload","title"],"msg":"too long"}]}"#,
            "/title: too long",
        ),
        (
            r#"{"errors":[{"loc":["priority"],"msg":"not a word"}]}"#,
            "/priority: not a word",
        ),
        (
            r#"{"error":{"code":422,"details":[{"loc":["body","title"],"msg":"too long"}]}}"#,
            "/title: too long",
        ),
        // RFC 9457, section 3.
        (
            r##"{"title":"No","errors":[{"detail":"must be a word","pointer":"#/priority"}]}"##,
            "/priority: must be a word",
        ),
        (
            r##"{"invalid-params":[{"pointer":"#/inputs/0/a%20b","reason":"unknown"}]}"##,
            "/inputs/0/a b: unknown",
        ),
        (
            r#"{"invalid-params":[{"name":"owner","reason":"is required"}]}"#,
            "/owner: is required",
        ),
        // JSON:API.
        (
            r#"{"errors":[{"status":"422","source":{"pointer":"/data/attributes/title"},"title":"Invalid","detail":"is too long"}]}"#,
            "/title: is too long",
        ),
        (
            r#"{"errors":[{"source":{"pointer":"/data/attributes/owner"},"title":"is missing"}]}"#,
            "/owner: is missing",
        ),
        (
            r#"{"errors":[{"source":{"parameter":"dry"},"title":"is unknown"}]}"#,
            ": parameter dry: is unknown",
        ),
        // express-validator.
        (
            r#"{"errors":[{"type":"field","value":"t","msg":"Too long","path":"title","location":"body"}]}"#,
            "/title: Too long",
        ),
        (
            r#"{"errors":[{"value":"v","msg":"Bad","param":"inputs[0].name","location":"body"}]}"#,
            "/inputs/0/name: Bad",
        ),
        (
            r#"{"errors":{"title":{"msg":"Too long","path":"title","location":"body"}}}"#,
            "/title: Too long",
        ),
        (
            r#"[{"type":"unknown_fields","msg":"Unknown","fields":[{"path":"role","location":"body","value":"w"}]}]"#,
            "/role: Unknown",
        ),
        (
            r#"{"errors":[{"msg":"Required","path":"x-team","location":"headers"}]}"#,
            ": header x-team: Required",
        ),
        // Zod.
        (
            r#"{"issues":[{"code":"too_big","path":["title"],"message":"Too long"}],"name":"ZodError"}"#,
            "/title: Too long",
        ),
        (
            r#"{"success":false,"error":{"name":"ZodError","issues":[{"path":["inputs",0,"name"],"message":"Bad"}]}}"#,
            "/inputs/0/name: Bad",
        ),
        (
            r#"{"error":{"name":"ZodError","message":"[{\"path\":[\"title\"],\"message\":\"Too long\"}]"}}"#,
            "/title: Too long",
        ),
        (
            r#"[{"code":"unrecognized_keys","keys":["role"],"path":[],"message":"Unrecognized key"}]"#,
            "/role: Unrecognized key",
        ),
        (
            r#"{"formErrors":[],"fieldErrors":{"title":["Too long"]}}"#,
            "/title: Too long",
        ),
        (
            r#"{"error":{"_errors":[],"title":{"_errors":["Too long"]}}}"#,
            "/title: Too long",
        ),
        (
            r#"{"error":{"errors":[],"properties":{"inputs":{"errors":[],"items":[{"errors":["Bad"]}]}}}}"#,
            "/inputs/0: Bad",
        ),
        // Other validators of JavaScript.
        (
            r#"{"error":{"errors":[],"properties":{"inputs":{"errors":[],"items":[null,{"errors":[],"properties":{"name":{"errors":["Bad"]}}}]}}}}"#,
            "/inputs/1/name: Bad",
        ),
        (
            r#"[{"instancePath":"/title","keyword":"maxLength","params":{"limit":3},"message":"must NOT have more"}]"#,
            "/title: must NOT have more",
        ),
        (
            r#"{"errors":[{"instancePath":"","keyword":"required","params":{"missingProperty":"owner"},"message":"must have"}]}"#,
            "/owner: must have",
        ),
        (
            r#"{"errors":[{"dataPath":".inputs[0]","message":"should be string"}]}"#,
            "/inputs/0: should be string",
        ),
        (
            r#"{"message":"body/title must NOT have more than 3 characters","code":"FST_ERR_VALIDATION"}"#,
            "/title: body/title must NOT have more than 3 characters",
        ),
        (
            r#"{"message":"\"title\" is too long","details":[{"message":"\"title\" is too long","path":["title"]}]}"#,
            "/title: \"title\" is too long",
        ),
        (
            r#"{"validation":{"body":{"source":"body","keys":["title"],"message":"too long"}}}"#,
            "/title: too long",
        ),
        (
            r#"{"issues":[{"path":[{"type":"object","key":"title"}],"message":"Too long"}]}"#,
            "/title: Too long",
        ),
        (
            r#"{"message":["title must be shorter"],"error":"Bad Request","statusCode":400}"#,
            "/title: title must be shorter",
        ),
        (
            r#"[{"property":"title","constraints":{"maxLength":"title must be shorter"}}]"#,
            "/title: title must be shorter",
        ),
        (
            r#"[{"property":"inputs","children":[{"property":"0","children":[{"property":"name","constraints":{"a":"bad"}}]}]}]"#,
            "/inputs/0/name: bad",
        ),
        (
            r#"{"errors":["Too long"],"inner":[{"path":"title","message":"Too long"}]}"#,
            "/title: Too long",
        ),
        (
            r#"{"errors":{"title":{"message":"Path `title` is too long","kind":"maxlength","path":"title"}}}"#,
            "/title: Path `title` is too long",
        ),
        (
            r#"{"message":"No","errors":[{"path":"/body/title","message":"must be shorter","errorCode":"x"}]}"#,
            "/title: must be shorter",
        ),
        // Java, Go, PHP and others.
        (
            r#"{"status":400,"path":"/api/tasks","errors":[{"objectName":"task","field":"title","defaultMessage":"too long","code":"Size"}]}"#,
            "/title: too long",
        ),
        (
            r#"{"violations":[{"field":"create.task.title","message":"too long"}]}"#,
            "/title: too long",
        ),
        (
            r#"{"violations":[{"propertyPath":"inputs[0].name","message":"bad"}]}"#,
            "/inputs/0/name: bad",
        ),
        (
            r#"{"errors":[{"Field":"Title","Tag":"max","Param":"3"}]}"#,
            "/title: max",
        ),
        (
            r#"{"message":"Validation Failed","errors":[{"resource":"Task","field":"title","code":"too_long"}]}"#,
            "/title: too_long",
        ),
        (
            r#"{"error":{"code":400,"message":"No","details":[{"@type":"BadRequest","fieldViolations":[{"field":"title","description":"too long"}]}]}}"#,
            "/title: too long",
        ),
        (
            r#"[{"memberNames":["Title"],"errorMessage":"too long"}]"#,
            "/title: too long",
        ),
        (
            r#"{"error":"invalid","field":"dependsOn","message":"unknown task"}"#,
            "/depends_on: unknown task",
        ),
    ] {
        assert_reasons(body, &[expected]);
    }
}

#[test]
fn maps_from_fields_to_messages_are_read() {
    for (body, expected) in [
        // Rails, Laravel, Django and others.
        (
            r#"{"errors":{"title":["is too long","is taken"]}}"#,
            &["/title: is too long", "/title: is taken"][..],
        ),
        (
            r#"{"errors":{"title":"is too long"}}"#,
            &["/title: is too long"],
        ),
        (r#"{"title":["is too long"]}"#, &["/title: is too long"]),
        (r#"{"title":"is too long"}"#, &["/title: is too long"]),
        (
            r#"{"owner":["This field is required."]}"#,
            &["/owner: This field is required."],
        ),
        (
            r#"{"errors":{"owner":["is missing"],"base":["No more today"]}}"#,
            &["/owner: is missing", ": No more today"],
        ),
        (
            r#"{"non_field_errors":["No more today"],"title":["is too long"]}"#,
            &["/title: is too long", ": No more today"],
        ),
        (
            r#"{"inputs":[{"name":["is bad"]}]}"#,
            &["/inputs/0/name: is bad"],
        ),
        (
            r#"{"message":"The given data was invalid.","errors":{"inputs.0.name":["is bad"]}}"#,
            &["/inputs/0/name: is bad"],
        ),
        (
            r#"{"errors":{"title":[{"error":"is too long","count":3}]}}"#,
            &["/title: is too long"],
        ),
        (
            r#"{"errors":{"json":{"title":["is too long"]}}}"#,
            &["/title: is too long"],
        ),
        (
            r#"{"messages":{"inputs":{"0":{"name":["is bad"]}}}}"#,
            &["/inputs/0/name: is bad"],
        ),
        // ASP.NET.
        (
            r#"{"title":"One or more validation errors occurred.","status":400,"traceId":"00-1","errors":{"Title":["too long"],"$.priority":["not a word"]}}"#,
            &["/title: too long", "/priority: not a word"],
        ),
        (
            r#"{"errors":[{"title":"is too long"},{"role":"is unknown"}]}"#,
            &["/title: is too long", "/role: is unknown"],
        ),
        // Sentences that begin with a field.
        (
            r#"{"errors":["Title is too long","Depends on is unknown","No more today"]}"#,
            &[
                "/title: Title is too long",
                "/depends_on: Depends on is unknown",
                ": No more today",
            ],
        ),
    ] {
        assert_reasons(body, expected);
    }
}

#[test]
fn what_is_no_reason_is_not_read() {
    for body in [
        r#"{"detail":"Not Found"}"#,
        r#"{"title":"Bad Request","status":400,"type":"about:blank","instance":"/api/tasks"}"#,
        r#"{"timestamp":"now","status":400,"error":"Bad Request","path":"/api/tasks"}"#,
        r#"{"error":"No","stack":["at a","at b"],"allowed":["GET"]}"#,
        r#"{"error":"No","title":"t","depends_on":["x"],"inputs":[{"name":"n","value":"v"}]}"#,
        r#"{"message":"No","received":{"title":"t"}}"#,
        "[]",
        "7",
        "null",
        r#""No""#,
    ] {
        assert_reasons(body, &[]);
    }
}

#[test]
fn a_path_to_a_member_that_the_template_moved_is_its_path_in_the_task() {
    let moved = r#"{"name": $task.title, "meta": {"level": $task.priority}, "by": "page", "with": $task.inputs}"#;
    let kinds = r#"{"kind": "work", "item": $task}"#;
    let beside = r#"{"tenant": "north", ...$task, "id": $uuid}"#;
    for (template, loc, expected) in [
        (moved, r#"["body", "name"]"#, "/title: no"),
        (moved, r#"["name"]"#, "/title: no"),
        (moved, r#"["body", "meta", "level"]"#, "/priority: no"),
        (
            moved,
            r#"["body", "with", 0, "value"]"#,
            "/inputs/0/value: no",
        ),
        (moved, r#"["body", "by"]"#, ": by: no"),
        // The template's own member, although the task has one of that name.
        (kinds, r#"["kind"]"#, ": kind: no"),
        (kinds, r#"["body", "kind"]"#, ": kind: no"),
        (kinds, r#"["item", "kind"]"#, "/kind: no"),
        (kinds, r#"["title"]"#, "/title: no"),
        (beside, r#"["body", "title"]"#, "/title: no"),
        (
            beside,
            r#"["body", "inputs", 0, "name"]"#,
            "/inputs/0/name: no",
        ),
        (beside, r#"["body", "tenant"]"#, ": tenant: no"),
        (beside, r#"["body", "missing"]"#, "/missing: no"),
    ] {
        let body = format!(r#"{{"detail":[{{"loc":{loc},"msg":"no"}}]}}"#);
        assert_eq!(
            in_response(&body, TASK, Some(template)),
            [expected],
            "{template} {loc}"
        );
    }
}

#[test]
fn a_path_is_relative_to_the_task_inside_its_template() {
    let template = r#"{"type":"work","data":{"attributes":$task}}"#;
    for (body, expected) in [
        (
            r#"{"detail":[{"loc":["body","data","attributes","title"],"msg":"no"}]}"#,
            "/title: no",
        ),
        (
            r#"{"detail":[{"loc":["body","data","attributes","owner"],"msg":"no"}]}"#,
            "/owner: no",
        ),
        (
            r#"{"errors":[{"pointer":"/data/attributes/owner","detail":"no"}]}"#,
            "/owner: no",
        ),
        (
            r#"{"errors":{"data.attributes.priority":["no"]}}"#,
            "/priority: no",
        ),
        (
            r#"{"detail":[{"loc":["body","type"],"msg":"no"}]}"#,
            ": type: no",
        ),
    ] {
        assert_eq!(
            in_response(body, TASK, Some(template)),
            [expected],
            "{body}"
        );
    }
}

#[test]
fn members_of_the_task_are_told_from_members_of_reasons() {
    // Each of these names also occurs in responses.
    let task =
        r#"{"message":"m","path":"p","error":"e","code":"c","detail":"d","body":"b","name":"n"}"#;
    for (body, expected) in [
        (
            r#"{"errors":{"message":["is too long"],"path":["is bad"]}}"#,
            vec!["/message: is too long", "/path: is bad"],
        ),
        (
            r#"{"errors":{"code":"is unknown","error":["no"]}}"#,
            vec!["/code: is unknown", "/error: no"],
        ),
        (
            r#"{"detail":[{"loc":["body","body"],"msg":"no"}]}"#,
            vec!["/body: no"],
        ),
        (
            r#"{"errors":[{"field":"name","message":"no"}]}"#,
            vec!["/name: no"],
        ),
        (
            r#"{"errors":[{"path":["detail"],"message":"no"}]}"#,
            vec!["/detail: no"],
        ),
    ] {
        assert_eq!(in_response(body, task, None), expected, "{body}");
    }
}

#[test]
fn a_message_about_a_field_is_not_repeated_for_the_task() {
    assert_reasons(
        r#"{"errors":[{"message":"a"},{"message":"a"},{"path":"title","message":"a"}],"message":["a","b"]}"#,
        &["/title: a", ": b"],
    );
}

#[test]
fn the_number_and_length_of_reasons_are_bounded() {
    let many: Vec<Value> = (0..500)
        .map(|n| serde_json::json!({"path": ["inputs", n], "message": format!("{n}{}", "x".repeat(999))}))
        .collect();
    let sent = Sent::new(URL, TASK, None);
    let found = read(&serde_json::json!({ "errors": many }), &sent);
    assert_eq!(found.len(), MAX_REASONS);
    assert!(
        found
            .iter()
            .all(|it| it.message.chars().count() <= MAX_CHARACTERS + 1)
    );
    let mut deep = serde_json::json!("no");
    for _ in 0..100 {
        deep = serde_json::json!({ "errors": [deep] });
    }
    read(&deep, &sent);
}
