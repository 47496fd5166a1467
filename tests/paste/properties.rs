//! Properties of every text, however it is written or broken.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use taskwright::document::Document;
use taskwright::paste::{Recognized, recognize, what_is_pasted_as_schema};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, TaskSchema};

/// Parts of texts that the readers know, in any order.
fn fragments() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "curl ",
        "curl.exe ",
        "-H ",
        "-d ",
        "-X",
        "--data-raw=",
        "-u ",
        "'",
        "\"",
        "\\",
        "\\\n",
        "^",
        "^\n",
        "`",
        "`\n",
        "$'",
        "$(",
        "${",
        "$x",
        "}",
        ")",
        "@'\n",
        "\n'@",
        "@{",
        "@(",
        "%A%",
        "<<EOF\n",
        "EOF\n",
        "&",
        "|",
        ";",
        "#",
        "\n",
        " ",
        "\u{2019}",
        "é",
        "😀",
        "https://a.example/t?x=1&",
        "localhost:1",
        "Invoke-RestMethod ",
        "irm ",
        "-Uri ",
        "-Body ",
        "-Headers ",
        "$h = ",
        "| ConvertTo-Json",
        "(",
        ",",
        "=",
        "fetch(",
        "fetch",
        "{",
        "method: ",
        "body: ",
        "JSON.stringify(",
        "...",
        "const a = ",
        "`${",
        "/*",
        "*/",
        "//",
        "new Headers(",
        ".append(",
        "\\u00",
        "\\x4",
        "openapi: 3.1.0\n",
        "swagger: 2\n",
        "  ",
        "- ",
        ": ",
        "&a ",
        "*a",
        "<<: ",
        "? ",
        "| \n",
        "> \n",
        "!!str ",
        "---\n",
        "[",
        "]",
        "null",
        "1e999",
        "\"$ref\": \"#/\"",
        "\"type\": \"object\"",
        "\"properties\": ",
        "\t",
        "\r\n",
        "-",
        "+",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

fn values() -> impl Strategy<Value = Value> {
    let scalars = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".*".prop_map(Value::from),
        prop::sample::select(vec![
            "low",
            "high",
            "2026-11-30",
            "2026-02-30",
            "2026-11-30T16:00:00Z",
            "2026-11-30T16:00:00+01:00",
            "a@b.example",
            "https://a.example/x?y=z",
            "https://a.example:8080",
            "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            "a@b",
            "http://x",
            "object",
            "string",
            "#/$defs/a",
            "3.1.0",
            "3.0.0",
            "ghp_0123456789abcdefghij",
        ])
        .prop_map(Value::from),
    ];
    scalars.prop_recursive(6, 60, 6, |inner| {
        let names = prop_oneof![
            prop::sample::select(vec![
                "title",
                "a",
                "b",
                "type",
                "properties",
                "required",
                "items",
                "openapi",
                "paths",
                "/tasks",
                "post",
                "requestBody",
                "content",
                "application/json",
                "schema",
                "components",
                "schemas",
                "$ref",
                "allOf",
                "nullable",
                "enum",
                "parameters",
                "name",
                "in",
                "security",
                "responses",
                "200",
                "servers",
                "url",
                "host",
                "port",
                "vault",
                "token",
                "headers",
                "tasks",
                "key",
                "default",
                "discriminator",
                "readOnly",
            ])
            .prop_map(str::to_owned),
            ".{0,6}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((names, inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn objects() -> impl Strategy<Value = Vec<Value>> {
    let object = prop::collection::vec(
        (
            prop::sample::select(vec!["title", "b", "c", "d e", "ü"]),
            values(),
        ),
        0..5,
    )
    .prop_map(|members| {
        let members = members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Value::Object(members.collect::<Map<_, _>>())
    });
    prop::collection::vec(object, 1..8)
}

fn validator(schema: &str) -> Validator {
    let schema = TaskSchema::parse(schema).unwrap();
    Validator::compile(schema.value(), &ValidatorOptions::default()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_text_is_recognised_without_a_panic(text in "(?s).{0,200}") {
        let _ = recognize(&text);
    }

    #[test]
    fn any_mixture_of_known_parts_is_recognised_without_a_panic(text in fragments()) {
        let _ = recognize(&text);
        let _ = recognize(&format!("curl {text}"));
        let _ = recognize(&format!("fetch({text}"));
        let _ = recognize(&format!("irm {text}"));
        let _ = recognize(&format!("openapi: 3.0.0\n{text}"));
    }

    #[test]
    fn any_json_is_recognised_without_a_panic(value in values()) {
        let _ = recognize(&value.to_string());
        let _ = what_is_pasted_as_schema(&serde_json::to_string_pretty(&value).unwrap());
        let document = json!({"openapi": "3.0.0", "paths": {"/tasks": {"post": {"requestBody": {"content": {"application/json": {"schema": value}}}}}}});
        if let Recognized::OpenApi(document) = recognize(&document.to_string()) {
            for operation in document.operations {
                TaskSchema::parse(&operation.body.schema).unwrap();
            }
        }
    }

    #[test]
    fn any_document_that_is_cut_off_is_recognised_without_a_panic(at in 0..20_000_usize) {
        for text in [include_str!("documents/fastapi.json"), include_str!("documents/queue.yaml")] {
            let end = text.char_indices().map(|(end, _)| end).nth(at).unwrap_or(text.len());
            let _ = recognize(&text[..end]);
        }
    }

    #[test]
    fn a_schema_accepts_the_examples_it_was_guessed_from(objects in objects()) {
        let text: Vec<String> = objects.iter().map(Value::to_string).collect();
        let text = format!("[{}]", text.join(","));
        let Recognized::Examples(examples) = recognize(&text) else {
            panic!("{text} is no example");
        };
        let validator = validator(&examples.schema);
        for object in &objects {
            let task = Document::parse(&object.to_string()).unwrap();
            let violations = validator.check(&task);
            prop_assert!(violations.is_empty(), "{object}\n{}\n{violations:?}", examples.schema);
        }
    }

    #[test]
    fn a_secret_is_in_no_output(secret in "[A-Za-z][A-Za-z0-9]{9,30}[0-9]") {
        let texts = [
            format!("curl https://a.example/t -H 'X-Agent-Token: {secret}' -d '{{}}'"),
            format!("curl https://a.example/t -H 'Authorization: Bearer {secret}'"),
            format!("curl https://a.example/t -H 'Authorization: {secret}'"),
            format!("curl https://a.example/t -u 'me:{secret}'"),
            format!("curl https://a.example/t -u '{secret}:'"),
            format!("curl https://me:{secret}@a.example/t"),
            format!("curl https://a.example/t?api_key={secret}"),
            format!("curl https://a.example/t -b 'sid={secret}' -H 'Cookie: a={secret}'"),
            format!("curl https://a.example/t -H \"X-Api-Key: $(echo {secret})\" -H \"X-Token: ${{A:-{secret}}}\""),
            format!("curl http://a.example/t -H 'X-Agent-Token: {secret}'"),
            format!("curl https://a.example/t -d '{{\"password\": \"{secret}\", \"list\": [{{\"apiKey\": \"{secret}\"}}]}}'"),
            format!("curl https://a.example/t -x http://me:{secret}@proxy.example"),
            format!("TOKEN={secret} curl https://a.example/t -H \"X-Token: $TOKEN\""),
            format!("$token = '{secret}'\nirm https://a.example/t -Headers @{{ 'X-Token' = $token }}"),
            format!("irm https://a.example/t -Headers @{{ Authorization = (Get-Token '{secret}') }}"),
            format!("fetch('https://a.example/t', {{headers: {{'X-Api-Key': '{secret}', Authorization: getToken('{secret}')}}}})"),
            format!("https://me:{secret}@a.example/t?token={secret}"),
            format!("{{\"host\": \"https://a.example\", \"port\": 1, \"token\": \"{secret}\", \"other_token\": \"{secret}\", \"vault\": {{\"secrets_path\": \"p\", \"token\": \"{secret}\"}}}}"),
            format!("{{\"title\": \"a\", \"password\": \"{secret}\"}}"),
            format!("{{\"openapi\": \"3.1.0\", \"servers\": [{{\"url\": \"https://me:{secret}@a.example?key={secret}\"}}], \"paths\": {{\"/tasks\": {{\"post\": {{\"parameters\": [{{\"in\": \"header\", \"name\": \"X-Token\", \"schema\": {{\"default\": \"{secret}\"}}}}], \"requestBody\": {{\"content\": {{\"application/json\": {{\"example\": {{\"token\": \"{secret}\"}}, \"schema\": {{\"properties\": {{\"a\": {{\"default\": \"sk-{secret}0123456789\", \"example\": \"{secret}\"}}}}}}}}}}}}}}}}}}}}"),
            format!("{{\"task_server\": {{\"url\": \"https://a.example\", \"token\": \"{secret}\"}}}}"),
        ];
        for text in texts {
            let recognized = recognize(&text);
            let shown = format!("{recognized:?} {:?}", recognized.notices());
            prop_assert!(!shown.contains(&secret), "{text}\nis shown as\n{shown}");
            prop_assert!(!matches!(recognized, Recognized::Unknown(_)), "{text}");
        }
    }
}

#[test]
fn texts_that_repeat_a_part_take_little_stack_and_work_in_proportion_to_their_length() {
    // As much stack as a module in a browser has.
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(recognize_repeated_parts)
        .unwrap()
        .join()
        .unwrap();
}

fn recognize_repeated_parts() {
    let repeated = |part: &str| part.repeat((1 << 15) / part.len());
    for part in [
        "[",
        "{\"a\":",
        "(",
        "$(",
        "${",
        "`${",
        "`",
        "'",
        "\"$(",
        "\"",
        "\\",
        "^",
        "@{a=",
        "@(",
        "(a-b ",
        "$x=(",
        "/*",
        "//\n",
        "fetch(",
        "fetch({a:",
        "curl\n",
        "-H a:$b ",
        "-d a&",
        "&",
        "|",
        "<<A\n",
        "x=y ",
        "[a]",
        "a,",
        "`n",
        "...",
        "? ",
        "- ",
        "*a ",
        "&a ",
        "a: ",
        "<<: ",
        "irm\n",
        "$a=1;",
        "%A",
        "%A%",
        "é",
        "\\ud83d",
        "> \n",
        "{",
        "a:\n ",
        "\"a\": {}, ",
    ] {
        for start in [
            "",
            "curl ",
            "curl a.example -d \"",
            "irm ",
            "fetch(",
            "fetch(`",
            "irm -Body ",
            "openapi: 3.0.0\na: ",
            "{",
        ] {
            let text = format!("{start}{}", repeated(part));
            let before = Instant::now();
            let _ = recognize(&text);
            let time = before.elapsed();
            assert!(
                time < Duration::from_secs(20),
                "{start}{part}… took {time:?}"
            );
        }
    }
}
