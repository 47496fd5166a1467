use super::*;
use crate::settings::Address;

const SECRET: &str = "sk-hun/ter~2+x=";

fn redactor_of(values: &[&str]) -> Arc<Redactor> {
    let home = Address::parse("https://api.example.com").unwrap();
    let secrets: Vec<Secret> = values
        .iter()
        .map(|value| Secret::new(value, &home).unwrap())
        .collect();
    let slot = SecretSlot::API_KEY;
    Arc::new(Redactor::of(secrets.iter().map(|secret| (&slot, secret))))
}

fn hex(value: &str) -> String {
    value.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// The secret with every byte that `is_escaped` selects escaped.
fn escaped(escape: impl Fn(u8) -> String, is_escaped: impl Fn(u8) -> bool) -> String {
    SECRET
        .bytes()
        .map(|byte| {
            if is_escaped(byte) {
                escape(byte)
            } else {
                char::from(byte).to_string()
            }
        })
        .collect()
}

/// The secret in every form that a server may repeat it in.
fn forms() -> Vec<String> {
    let special = |byte: u8| !byte.is_ascii_alphanumeric();
    let percent = |byte: u8| format!("%{byte:02X}");
    let json = |byte: u8| format!("\\u{byte:04x}");
    vec![
        SECRET.to_owned(),
        escaped(percent, special),
        escaped(|byte| format!("%{byte:02x}"), |_| true),
        escaped(json, special),
        escaped(json, |_| true),
        SECRET.replace('/', "\\/"),
        SECRET.replace('~', "~0").replace('/', "~1"),
        escaped(|byte| format!("&#{byte};"), special),
        escaped(|byte| format!("&#x{byte:X};"), special),
        hex(SECRET),
        hex(SECRET).to_uppercase(),
        "c2staHVuL3Rlcn4yK3g9".to_owned(),
        // Escaped twice.
        escaped(json, special).replace('\\', "\\\\"),
        escaped(json, special).replace('\\', "%5C"),
        "c2staHVuL3Rlcn4yK3g9".replace('9', "%39"),
    ]
}

#[test]
fn a_secret_is_redacted_in_every_form() {
    let redactor = redactor_of(&[SECRET]);
    for form in forms() {
        let text = format!("no such key: {form}, sorry ({form})");
        assert_eq!(
            redactor.redact(&text),
            "no such key: [secret], sorry ([secret])",
            "{form}"
        );
    }
    assert_eq!(
        redactor.redact("100 % of it\\n&c. ~"),
        "100 % of it\\n&c. ~"
    );
}

#[test]
fn the_text_of_a_stream_never_holds_a_secret_however_it_is_split() {
    let redactor = redactor_of(&[SECRET]);
    for form in forms() {
        let text = format!("é {form}é{form}{form} \\u00e9 sk-hu");
        let expected = "é [secret]é[secret][secret] \\u00e9 sk-hu";
        for size in 1..=text.chars().count() {
            let mut stream = StreamRedactor::new(Arc::clone(&redactor));
            let characters: Vec<char> = text.chars().collect();
            let mut shown = String::new();
            for piece in characters.chunks(size) {
                let piece: String = piece.iter().collect();
                shown.push_str(&stream.push(&piece));
            }
            shown.push_str(&stream.finish());
            assert_eq!(shown, expected, "{form} in pieces of {size}");
        }
        assert_eq!(redactor.redact_long(&text), expected);
    }
}

#[test]
fn a_stream_holds_back_only_what_may_be_the_beginning_of_a_secret() {
    let mut stream = StreamRedactor::new(redactor_of(&["sk-hunter2"]));
    assert_eq!(stream.push("a task "), "a task ");
    assert_eq!(stream.push("sk-hunt"), "");
    assert_eq!(stream.push("ing and"), "sk-hunting and");
    assert_eq!(stream.push(" sk-hunter2"), " [secret]");
    assert_eq!(stream.push("\\u00"), "");
    assert_eq!(stream.push("e9"), "\\u00e9");
    assert_eq!(stream.finish(), "");
}

#[test]
fn a_secret_that_overlaps_itself_is_covered_as_a_whole() {
    let redactor = redactor_of(&["abcabcabc"]);
    let text = "xabcabcabcabcabcx";
    assert_eq!(redactor.redact(text), "x[secret]x");
    let mut stream = StreamRedactor::new(redactor);
    let shown: String = text
        .chars()
        .map(|character| stream.push(&character.to_string()))
        .collect();
    assert_eq!(shown + &stream.finish(), "x[secret]x");
}

#[test]
fn a_secret_that_was_cut_off_is_redacted() {
    let redactor = redactor_of(&["sk-hunter2-long", "s3cret"]);
    for (text, expected) in [
        ("got sk-hunter2-l…", "got [secret]…"),
        ("got sk-…", "got [secret]…"),
        ("got s3c…", "got [secret]…"),
        (
            "a page (“sk-hunt…”), not a task server's",
            "a page (“[secret]…”), not a task server's",
        ),
        ("got sk%2Dhunter%…", "got [secret]…"),
        ("got sk-hunter2-", "got [secret]"),
        ("it is…", "it is…"),
        ("s…", "s…"),
    ] {
        assert_eq!(redactor.redact(text), expected);
    }
}

#[test]
fn a_short_secret_is_redacted_as_a_whole_word_only() {
    let redactor = redactor_of(&["test"]);
    for (text, expected) in [
        (
            "test is not a token (got \"test\")",
            "[secret] is not a token (got \"[secret]\")",
        ),
        (
            "the latest tests, test-1, test_2",
            "the latest tests, test-1, test_2",
        ),
        ("“test”", "“[secret]”"),
    ] {
        assert_eq!(redactor.redact(text), expected);
        let mut stream = StreamRedactor::new(Arc::clone(&redactor));
        let shown: String = text.chars().map(|c| stream.push(&c.to_string())).collect();
        assert_eq!(shown + &stream.finish(), expected);
    }
}

#[test]
fn the_structure_of_a_json_body_is_kept() {
    let redactor = redactor_of(&["sk-hunter2", "12345678", "id"]);
    for (body, expected) in [
        (
            r#"{"id":"t-1","detail":"sk\u002dhunter2 is unknown","n":1.50}"#,
            r#"{"id":"t-1","detail":"[secret] is unknown","n":1.5}"#,
        ),
        (
            r#"{"id":12345678,"sk-hunter2":["sk-hunter2"]}"#,
            r#"{"id":"[secret]","[secret]":["[secret]"]}"#,
        ),
        ("<p>sk&#45;hunter2", "<p>[secret]"),
    ] {
        assert_eq!(redactor.redact_body(body), expected);
    }
    let unchanged = r#"{ "n": 98765432109876543210 }"#;
    assert!(matches!(redactor.redact_body(unchanged), Cow::Borrowed(text) if text == unchanged));
}

#[test]
fn a_secret_in_a_task_is_found_by_its_slot_unless_it_may_be_a_word() {
    let redactor = redactor_of(&["sk-hunter2", "test", "a"]);
    let in_task = |text| redactor.find_in_task(text).map(SecretSlot::name);
    assert_eq!(
        in_task(r#"{"title":"use sk\u002dhunter2"}"#),
        Some("api_key")
    );
    assert_eq!(in_task(r#"{"title":"a test"}"#), Some("api_key"));
    assert_eq!(in_task(r#"{"title":"a latest one, sk-hunter"}"#), None);
    assert!(redactor.find_in_request("a test").is_none());
    assert!(redactor.find_in_request("a sk-hunter2").is_some());
}

#[test]
fn a_text_of_nothing_but_beginnings_takes_linear_time() {
    // With a cost of text times secret this would take minutes.
    let secret = format!("{}b", "a".repeat(8000));
    let redactor = redactor_of(&[&secret]);
    let text = "a".repeat(1 << 20);
    assert_eq!(
        redactor.redact_long(&text).len(),
        text.len() - 8000 + REDACTED.len()
    );
}

#[test]
fn debug_shows_no_secret() {
    let redactor = redactor_of(&["sk-hunter2"]);
    assert!(!format!("{redactor:?}").contains("hunter2"));
}
