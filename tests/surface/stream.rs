//! `TaskStream`: the body of a response, in pieces.

use js_sys::{Array, Reflect};
use taskwright::api::stream::JsTaskStream;
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::{code, js, json, member, nothing, string};

/// The body of a finished Chat Completions response with this text.
const BODY: &str = r#"(text) => new TextEncoder().encode(
    ["\n", ...text].map((delta) => "data: " + JSON.stringify({choices: [{index: 0, delta: {content: delta}}]}) + "\n\n").join("")
    + 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    + 'data: {"choices":[],"usage":{"prompt_tokens":1e300,"completion_tokens":2}}\n\ndata: [DONE]\n\n')"#;

async fn opened() -> JsTaskStream {
    let options = js(
        "{api: 'chat_completions', schema: {type: 'object', required: ['n'], \
        additionalProperties: false, properties: {n: {type: 'number'}, note: {type: 'string'}}}}",
    );
    JsTaskStream::open(options).await.ok().unwrap()
}

#[wasm_bindgen_test]
async fn a_stream_returns_exact_task_texts_however_the_bytes_are_split() {
    let answer = r#"{"tasks":[{ "n":12345678901234567890.50 },{"n":"é","note":null}]}"#;
    let body = js_sys::Function::from(js(BODY))
        .call1(&nothing(), &answer.into())
        .unwrap();
    for size in ["1", "7", "100000"] {
        let mut stream = opened().await;
        let pieces = js(&format!(
            "(body) => Array.from({{length: Math.ceil(body.length / {size})}}, \
             (_, at) => body.slice(at * {size}, (at + 1) * {size}))"
        ));
        let pieces = js_sys::Function::from(pieces)
            .call1(&nothing(), &body)
            .unwrap();
        let mut tasks = Vec::new();
        let (mut text, mut input) = (String::new(), 0.0);
        for piece in Array::from(&pieces).iter() {
            for event in Array::from(&stream.push(&piece).unwrap()).iter() {
                match string(&event, "type").as_str() {
                    "task" => tasks.push(event),
                    "text" => text += &string(&event, "delta"),
                    "usage" => input = member(&event, "input").as_f64().unwrap(),
                    other => panic!("{other}"),
                }
            }
        }
        assert_eq!(text.trim_start(), answer);
        assert!(
            input > 1e19,
            "a number beyond 2^53 does not prevent the event"
        );
        assert_eq!(
            string(&tasks[0], "text"),
            r#"{ "n":12345678901234567890.50 }"#
        );
        assert_eq!(json(&member(&tasks[0], "violations")), "[]");
        // The model may write null for an optional member; it is then removed from the task.
        assert_eq!(string(&tasks[1], "text"), r#"{"n":"é"}"#);
        let violations = Array::from(&member(&tasks[1], "violations"));
        assert_eq!(violations.length(), 1, "{}", json(&violations));
        assert_eq!(string(&violations.get(0), "keyword"), "type");
        let outcome = stream.finish().unwrap();
        assert_eq!(string(&outcome, "outcome"), "complete");
        assert_eq!(string(&outcome, "rawText").trim_start(), answer);
        assert_eq!(json(&stream.finish().unwrap()), json(&outcome));
        assert_eq!(code(stream.push(&body)), "stream_finished");
    }
}

#[wasm_bindgen_test]
async fn a_stream_accepts_only_bytes_and_a_partial_response_is_interrupted() {
    let mut stream = opened().await;
    for source in [
        "undefined",
        "null",
        "'data: {}'",
        "[1, 2]",
        "new ArrayBuffer(4)",
        "new Uint16Array(4)",
    ] {
        assert_eq!(
            code(stream.push(&js(source))),
            "invalid_argument",
            "{source}"
        );
    }
    let event = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"{\\\"tasks\\\":[{\\\"n\\\":1}\"}}]}\n\n";
    let bytes = js_sys::Uint8Array::from(event.as_bytes());
    let events = Array::from(&stream.push(&bytes).unwrap());
    assert!(events.iter().any(|event| string(&event, "type") == "task"));
    let outcome = stream.finish().unwrap();
    assert_eq!(string(&outcome, "outcome"), "interrupted");
    assert!(member(&outcome, "retry").is_truthy());
    for name in ["limit", "text", "status", "body", "retryAfter"] {
        assert!(
            !Reflect::has(&outcome, &name.into()).unwrap(),
            "{name} is absent"
        );
    }
    for options in [
        "undefined",
        "{}",
        "{schema: {}}",
        "{schema: {}, api: 'soap'}",
        "{schema: {}, api: null}",
    ] {
        let opened = JsTaskStream::open(js(options)).await.map(JsValue::from);
        assert_eq!(code(opened), "invalid_argument", "{options}");
    }
    let opened = JsTaskStream::open(js("{schema: {type: 7}, api: 'responses'}")).await;
    assert_eq!(code(opened.map(JsValue::from)), "schema_invalid");
}
