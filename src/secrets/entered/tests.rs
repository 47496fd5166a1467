use proptest::prelude::*;

use super::Surplus::{
    HeaderName, Invisible, LineBreaks, OtherLines, Punctuation, Quotes, Scheme, SetCommand, Spaces,
    Variable,
};
use super::*;
use crate::secrets::{Secret, SecretError};
use crate::settings::Address;

const KEY: SecretUse = SecretUse::Header {
    keeps_scheme: false,
};
const WHOLE_HEADER: SecretUse = SecretUse::Header { keeps_scheme: true };

fn corrected(text: &str, usage: SecretUse) -> Option<(String, Vec<Surplus>)> {
    correct(text, usage).map(|it| (it.value().to_owned(), it.surplus))
}

#[test]
fn what_surrounds_a_secret_is_recognised() {
    for (text, surplus) in [
        ("\"sk-hunter2\"", &[Quotes][..]),
        (" 'sk-hunter2' ", &[Spaces, Quotes]),
        ("“sk-hunter2”", &[Quotes]),
        ("`sk-hunter2`", &[Quotes]),
        ("\"sk-hunter2\",", &[Quotes, Punctuation]),
        ("\u{feff}sk-hunter2\u{200b}", &[Invisible]),
        ("sk-hunter2\u{7}", &[Invisible]),
        ("sk-hun\nter2", &[LineBreaks]),
        ("sk-hun\r\n  ter2\n", &[Spaces, LineBreaks]),
        ("Bearer sk-hunter2", &[Scheme]),
        ("bearer   sk-hunter2", &[Scheme]),
        ("Authorization: Bearer sk-hunter2", &[HeaderName, Scheme]),
        ("authorization:sk-hunter2", &[HeaderName]),
        ("X-AGENT-TOKEN: sk-hunter2", &[HeaderName]),
        ("api-key: sk-hunter2", &[HeaderName]),
        (
            "\"X-Agent-Token\": \"sk-hunter2\",",
            &[HeaderName, Quotes, Punctuation],
        ),
        (
            "\"Authorization: Bearer sk-hunter2\"",
            &[HeaderName, Scheme, Quotes],
        ),
        (
            "-H 'Authorization: Bearer sk-hunter2'",
            &[HeaderName, Scheme, Quotes],
        ),
        (
            "--header \"X-AGENT-TOKEN: sk-hunter2\"",
            &[HeaderName, Quotes],
        ),
        ("OPENAI_API_KEY=sk-hunter2", &[Variable]),
        ("OPENAI_API_KEY=\"sk-hunter2\"", &[Variable, Quotes]),
        ("OPENAI_API_KEY = sk-hunter2 # mine", &[Variable]),
        ("agent_token=sk-hunter2", &[Variable]),
        ("export OPENAI_API_KEY=sk-hunter2", &[SetCommand]),
        (
            "export OPENAI_API_KEY='sk-hunter2';",
            &[SetCommand, Quotes, Punctuation],
        ),
        ("export anything=sk-hunter2 # mine", &[SetCommand]),
        ("set OPENAI_API_KEY=sk-hunter2", &[SetCommand]),
        ("SET \"OPENAI_API_KEY=sk-hunter2\"", &[SetCommand, Quotes]),
        ("setx OPENAI_API_KEY sk-hunter2", &[SetCommand]),
        ("setx OPENAI_API_KEY \"sk-hunter2\"", &[SetCommand, Quotes]),
        ("$env:OPENAI_API_KEY=\"sk-hunter2\"", &[SetCommand, Quotes]),
        ("$Env:OPENAI_API_KEY = 'sk-hunter2'", &[SetCommand, Quotes]),
        (
            "# the key\nOPENAI_API_KEY=sk-hunter2\n",
            &[Spaces, OtherLines, Variable],
        ),
        (
            "POST /tasks HTTP/1.1\r\nX-AGENT-TOKEN: sk-hunter2\r\nAccept: */*",
            &[OtherLines, HeaderName],
        ),
    ] {
        let expected = Some(("sk-hunter2".to_owned(), surplus.to_vec()));
        assert_eq!(corrected(text, KEY), expected, "{text:?}");
    }
}

#[test]
fn an_ordinary_secret_is_used_as_it_is() {
    for text in [
        "",
        "   ",
        "sk-hunter2",
        "  sk-hunter2  ",
        "hunter2 with spaces",
        "it's",
        "\"",
        "\"\"",
        "'half",
        "dGVzdA==",
        "dGVzdDEyMw=",
        "user:hunter2",
        "a=b",
        "k8s:session",
        "hvs.CAESIJ0123456789",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "Bearer",
        "Bearer of bad news",
        "set it",
        "export",
        "schlüssel",
        // Which of the two is meant is not clear.
        "AGENT_TOKEN=hunter2\nAPI_KEY=hunter3",
        "a note\nwith several lines",
    ] {
        assert_eq!(corrected(text, KEY), None, "{text:?}");
    }
}

#[test]
fn a_scheme_stays_where_the_request_adds_none() {
    assert_eq!(corrected("Bearer sk-hunter2", WHOLE_HEADER), None);
    assert_eq!(
        corrected("Authorization: Bearer sk-hunter2", WHOLE_HEADER),
        Some(("Bearer sk-hunter2".to_owned(), vec![HeaderName]))
    );
}

#[test]
fn spaces_of_a_password_are_asked_about_and_its_words_are_not() {
    assert_eq!(
        corrected(" open sesame ", SecretUse::Body),
        Some(("open sesame".to_owned(), vec![Spaces]))
    );
    assert_eq!(corrected("Bearer hunter2", SecretUse::Body), None);
    assert_eq!(
        corrected("'open sesame'", SecretUse::Body),
        Some(("open sesame".to_owned(), vec![Quotes]))
    );
}

#[test]
fn a_text_that_cannot_be_sent_cannot_be_kept() {
    for (text, usage, is_optional) in [
        ("'open sesame'", SecretUse::Body, true),
        ("'schlüssel'", SecretUse::Body, true),
        ("'hunter2'", KEY, true),
        (" 'hunter2'\n", KEY, true),
        ("“hunter2”", KEY, false),
        ("“hunter2”", SecretUse::Body, true),
        ("hun\nter2", KEY, false),
        ("hunter2\n", SecretUse::Body, false),
    ] {
        let correction = correct(text, usage).unwrap();
        assert_eq!(correction.is_optional, is_optional, "{text:?}");
    }
    assert_eq!(
        correct("'schlüssel'", KEY),
        None,
        "a header cannot carry it"
    );
}

#[test]
fn what_was_recognised_has_words_and_debug_shows_no_secret() {
    let all = [
        Spaces,
        Invisible,
        LineBreaks,
        OtherLines,
        SetCommand,
        Variable,
        HeaderName,
        Scheme,
        Quotes,
        Punctuation,
    ];
    let mut labels: Vec<&str> = all.iter().map(|surplus| surplus.label()).collect();
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), all.len());
    let correction = correct("'hunter2'", KEY).unwrap();
    assert!(!format!("{correction:?}").contains("hunter2"));
}

#[test]
fn the_name_of_a_variable_is_not_its_value() {
    let home = Address::parse("https://a.example").unwrap();
    for text in [
        "$AGENT_API_TOKEN",
        "${OPENAI_API_KEY}",
        "$env:AGENT_API_TOKEN",
        "%OPENAI_API_KEY%",
        "{{ agent_token }}",
        "${{ secrets.AGENT_API_TOKEN }}",
    ] {
        let refused = Secret::new(text, &home).unwrap_err();
        assert_eq!(refused, SecretError::VariableName, "{text}");
        let assigned = format!("export AGENT_API_TOKEN={text}");
        assert_eq!(corrected(&assigned, KEY), None, "{text}");
    }
    for text in ["$2b$10$abcdefgh", "%token", "$HOME", "pa$$word", "{}", "$"] {
        assert!(Secret::new(text, &home).is_ok(), "{text}");
    }
}

proptest! {
    #[test]
    fn a_correction_is_part_of_the_text_and_can_be_used(text in "(?s).{0,60}") {
        let home = Address::parse("https://a.example").unwrap();
        for usage in [KEY, WHOLE_HEADER, SecretUse::Body] {
            let Some(correction) = correct(&text, usage) else { continue };
            let secret = match usage {
                SecretUse::Body => Secret::for_body(correction.value(), &home),
                SecretUse::Header { .. } => Secret::new(correction.value(), &home),
            };
            prop_assert!(secret.is_ok());
            let as_it_is = match usage {
                SecretUse::Body => Secret::for_body(&text, &home),
                SecretUse::Header { .. } => Secret::new(&text, &home),
            };
            prop_assert_eq!(as_it_is.is_ok(), correction.is_optional);
            if !correction.surplus.contains(&LineBreaks) {
                prop_assert!(text.contains(correction.value()));
            }
        }
    }

    #[test]
    fn a_key_is_found_again_in_whatever_it_is_wrapped(
        key in "[a-z]{2,4}-[A-Za-z0-9]{8,40}",
        wrapping in 0..7_usize,
    ) {
        let text = match wrapping {
            0 => format!("export OPENAI_API_KEY=\"{key}\""),
            1 => format!("set AGENT_API_TOKEN={key}"),
            2 => format!("$env:AGENT_API_TOKEN=\"{key}\""),
            3 => format!("AGENT_API_TOKEN='{key}'"),
            4 => format!("Authorization: Bearer {key}"),
            5 => format!("X-AGENT-TOKEN: {key}"),
            _ => format!("“{key}”"),
        };
        let found = correct(&text, KEY);
        prop_assert_eq!(found.as_ref().map(Correction::value), Some(key.as_str()));
        prop_assert!(correct(&key, KEY).is_none());
    }
}
