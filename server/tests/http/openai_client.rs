//! The gateway as OpenAI's own client for Python sees it. `cargo xtask test --peers` installs it and
//! names the program in `PEERS_PYTHON`.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json as value};

use crate::server::Start;
use crate::upstream::{CHUNKED, Upstream, chunk, json};

/// A stream of these events.
fn stream(events: &[Value]) -> String {
    let events: String = events
        .iter()
        .map(|event| chunk(&format!("data: {event}\n\n")))
        .collect();
    format!("{CHUNKED}{events}{}0\r\n\r\n", chunk("data: [DONE]\n\n"))
}

fn completion(object: &str, choices: Value, usage: Value) -> Value {
    value!({
        "id": "c", "object": object, "created": 1, "model": "m", "choices": choices, "usage": usage
    })
}

/// The endpoint's responses to the requests of the script.
fn answer(line: &str, body: &[u8]) -> String {
    let is_stream = serde_json::from_slice::<Value>(body).is_ok_and(|body| body["stream"] == true);
    let usage = value!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3});
    if line.contains("/models") {
        let model = value!({"id": "m", "object": "model", "created": 1, "owned_by": "o"});
        return json(
            "200 OK",
            "",
            &value!({"object": "list", "data": [model]}).to_string(),
        );
    }
    if line.contains("/responses") {
        return stream(&[
            value!({"type": "response.output_text.delta", "sequence_number": 0, "item_id": "i",
                "output_index": 0, "content_index": 0, "delta": "Hi", "logprobs": []}),
        ]);
    }
    if !is_stream {
        let message = value!({"role": "assistant", "content": "Hello"});
        let choice = value!([{"index": 0, "message": message, "finish_reason": "stop"}]);
        let body = completion("chat.completion", choice, usage);
        return json("200 OK", "", &body.to_string());
    }
    let piece = |text: &str| {
        let choice = value!([{"index": 0, "delta": {"content": text}, "finish_reason": null}]);
        completion("chat.completion.chunk", choice, Value::Null)
    };
    stream(&[
        piece("Hel"),
        piece("lo ä"),
        completion("chat.completion.chunk", value!([]), usage),
    ])
}

#[test]
#[ignore = "needs OpenAI's client; run by `cargo xtask test --peers`"]
fn openais_own_client_works_with_the_gateway() {
    let upstream = Upstream::start(|request, stream| {
        stream.write_all(answer(&request.line, &request.body).as_bytes())
    });
    let server = Start::new()
        .tokens("task-token")
        .variable("AGENT_MODEL_TOKEN", "model-token")
        .variable("OPENAI_API_KEY", "the-key-of-the-endpoint")
        .argument("--model-endpoint", upstream.url())
        .run();
    let python = std::env::var("PEERS_PYTHON").expect("run `cargo xtask test --peers`");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/peers/openai_client.py");
    let output = Command::new(python)
        .arg(script)
        .arg(format!("http://{}/v1", server.address))
        .args(["model-token", "task-token"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        seen,
        value!({
            "models": ["m"], "streamed": "Hello ä", "usage": 3, "whole": "Hello",
            "events": ["response.output_text.delta"],
            "wrong": ["AuthenticationError", 401, "bad_token"],
            "other": ["PermissionDeniedError", 403, "insufficient_scope"]
        })
    );
    for request in upstream.received() {
        let key = request.header("authorization");
        assert_eq!(key, Some("Bearer the-key-of-the-endpoint"));
        assert!(!format!("{request:?}").contains("model-token"));
    }
}
