use super::scanner::{ScanLimits, ScanProgress, Scanner};
use super::{Document, Fault, Kind, Reader, quote};

fn parse(text: &str) -> Document {
    Document::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_document_keeps_its_text_byte_for_byte() {
    let text = r#"{ "z" : 98765432109876543210, "a":[1.0, 1e2 ,"\u00e9"] }"#;
    let document = parse(&format!("\n {text}\t"));
    assert_eq!(document.text(), text);
    assert_eq!(
        document.root().get("z").unwrap().text(),
        "98765432109876543210"
    );
    let names: Vec<_> = document.root().members().map(|(name, _)| name).collect();
    assert_eq!(names, ["z", "a"]);
    assert_eq!(document.at("/a/2").unwrap().as_str().unwrap(), "é");
    assert_eq!(document.at("/a/1").unwrap().text(), "1e2");
}

#[test]
fn text_that_is_not_strict_json_is_refused_with_its_position() {
    for (text, code) in [
        ("", "json_empty"),
        ("  ", "json_empty"),
        ("{", "json_unfinished"),
        ("[1,", "json_unfinished"),
        ("\"abc", "json_unfinished"),
        ("-", "json_unfinished"),
        ("1.", "json_unfinished"),
        ("[1,]", "json_syntax"),
        ("{\"a\":1,}", "json_syntax"),
        ("{a:1}", "json_syntax"),
        ("{'a':1}", "json_syntax"),
        ("01", "json_text_after_value"),
        ("+1", "json_syntax"),
        (".5", "json_syntax"),
        ("1.e5", "json_syntax"),
        ("[1e]", "json_syntax"),
        ("NaN", "json_syntax"),
        ("nul", "json_unfinished"),
        ("nulL", "json_syntax"),
        ("\"\\x\"", "json_syntax"),
        ("\"\\u12g4\"", "json_syntax"),
        ("\"\\ud800\"", "json_lone_surrogate"),
        ("\"\\ud800\\u0041\"", "json_lone_surrogate"),
        ("\"\\udc00\"", "json_lone_surrogate"),
        ("\"a\nb\"", "json_control_character"),
        ("1 2", "json_text_after_value"),
        ("{} // no", "json_text_after_value"),
        ("[1 2]", "json_syntax"),
        ("{\"a\" 1}", "json_syntax"),
        ("]", "json_syntax"),
        ("[}", "json_syntax"),
    ] {
        let error = Document::parse(text).expect_err(text);
        assert_eq!(error.code(), code, "{text}: {error}");
    }
    let error = Document::parse("{\n  \"é\": tru\n}").unwrap_err();
    assert_eq!((error.line(), error.column()), (2, 11), "{error}");
}

#[test]
fn depth_and_length_have_limits() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(Document::parse(&deep(64)).is_ok());
    assert_eq!(
        Document::parse(&deep(65)).unwrap_err().fault(),
        Fault::TooDeep(64)
    );
    let mut scanner = Scanner::new(ScanLimits {
        depth: 64,
        bytes: 10,
    });
    assert_eq!(scanner.push("[1,2,").unwrap(), ScanProgress::More);
    assert_eq!(
        scanner.push("3,4,5,6]").unwrap_err().code(),
        "json_too_long"
    );
}

#[test]
fn duplicate_members_are_found_even_if_they_are_escaped_differently() {
    let document = parse(r#"{"a":1,"b":{"x/y":1,"x\u002fy":2},"\u0061":3}"#);
    let mut found = document.duplicate_members();
    found.sort();
    assert_eq!(found, ["/a", "/b/x~1y"]);
    assert_eq!(document.root().get("a").unwrap().text(), "3");
    assert!(
        parse(r#"{"a":{"a":{"a":1}}}"#)
            .duplicate_members()
            .is_empty()
    );
}

#[test]
fn numbers_that_no_machine_number_represents_are_listed() {
    let document = parse(
        "[18446744073709551615, 98765432109876543210, 0.1, 1e400, 1.2345678901234567890, -9223372036854775808, 1e-400, 0e9]",
    );
    assert_eq!(document.inexact_numbers(), ["/1", "/3", "/4", "/6"]);
}

fn remove(document: &Document, pointer: &str) -> Document {
    let ordinal = document.at(pointer).unwrap().ordinal();
    document.without(&[ordinal].into()).unwrap()
}

#[test]
fn removing_a_member_or_item_leaves_every_other_byte() {
    let text = "{ \"a\" : 1,\n  \"b\" : [ 1 , 2 ],\n  \"c\" : null }";
    for (pointer, expected) in [
        ("/a", "{ \"b\" : [ 1 , 2 ],\n  \"c\" : null }"),
        ("/b", "{ \"a\" : 1,\n  \"c\" : null }"),
        ("/c", "{ \"a\" : 1,\n  \"b\" : [ 1 , 2 ] }"),
        ("/b/0", "{ \"a\" : 1,\n  \"b\" : [ 2 ],\n  \"c\" : null }"),
        ("/b/1", "{ \"a\" : 1,\n  \"b\" : [ 1 ],\n  \"c\" : null }"),
    ] {
        assert_eq!(remove(&parse(text), pointer).text(), expected, "{pointer}");
    }
    assert_eq!(remove(&parse("{\"only\":1}"), "/only").text(), "{}");
    assert!(parse(text).at("/b/2").is_none());
    assert!(parse(text).at("/nothing").is_none());
}

#[test]
fn removing_several_values_equals_removing_them_in_turn() {
    let document = parse("[ {\"a\" : 1, \"b\":[ 1 ,2 ,3], \"c\":4} , 5 ,6 ]");
    let ordinal = |pointer: &str| document.at(pointer).unwrap().ordinal();
    for (pointers, expected) in [
        (vec![], document.text()),
        (vec!["/0/a", "/0/c"], "[ {\"b\":[ 1 ,2 ,3]} , 5 ,6 ]"),
        (
            vec!["/0/b/1", "/0/b/2", "/2"],
            "[ {\"a\" : 1, \"b\":[ 1], \"c\":4} , 5 ]",
        ),
        (
            vec!["/0/b/0", "/0/b/1", "/0/b/2"],
            "[ {\"a\" : 1, \"b\":[ ], \"c\":4} , 5 ,6 ]",
        ),
        (vec!["/0", "/0/b/0", "/2"], "[ 5 ]"),
        (vec!["/0", "/1", "/2"], "[  ]"),
    ] {
        let unwanted = pointers.iter().map(|it| ordinal(it)).collect();
        let edited = document.without(&unwanted).unwrap();
        assert_eq!(edited.text(), expected, "{pointers:?}");
        let in_turn = pointers
            .iter()
            .rev()
            .fold(document.clone(), |left, pointer| remove(&left, pointer));
        assert_eq!(in_turn, edited, "{pointers:?}");
    }
    assert!(document.without(&[ordinal("")].into()).is_err());
}

#[test]
fn a_scanner_stops_where_its_value_closes() {
    let mut scanner = Scanner::new(ScanLimits::default());
    assert_eq!(scanner.push(" {\"a\":").unwrap(), ScanProgress::More);
    assert_eq!(
        scanner.push("[]}, {").unwrap(),
        ScanProgress::Done { consumed: 3 }
    );
    assert_eq!(
        scanner.push("more").unwrap(),
        ScanProgress::Done { consumed: 0 }
    );
    let document = scanner.into_document(" {\"a\":[]}, {").unwrap();
    assert_eq!(document.text(), "{\"a\":[]}");
    assert_eq!(document.at("/a").unwrap().kind(), Kind::Array);
    let mut number = Scanner::new(ScanLimits::default());
    assert_eq!(number.push("12").unwrap(), ScanProgress::More);
    assert_eq!(
        number.push("3,").unwrap(),
        ScanProgress::Done { consumed: 1 }
    );
    assert_eq!(number.into_document("123").unwrap().text(), "123");
}

#[test]
fn names_with_equal_hashes_are_duplicates_only_if_they_are_equal() {
    let object = |names: &[String]| {
        let members: Vec<String> = names
            .iter()
            .map(|name| format!("{}:0", quote(name)))
            .collect();
        format!("{{{}}}", members.join(","))
    };
    for count in [2, 5, 32, 33, 200] {
        // The same first and last letter and the same length.
        let mut names: Vec<String> = (0..count).map(|index| format!("a{index:03}z")).collect();
        let document = parse(&format!("[{}]", object(&names)));
        assert!(document.duplicate_members().is_empty(), "{count}");
        assert!(!document.root().has_duplicate_members(), "{count}");
        names.push("a000z".to_owned());
        let document = parse(&format!("[{}]", object(&names)));
        assert_eq!(document.duplicate_members(), ["/0/a000z"], "{count}");
        assert!(document.root().has_duplicate_members(), "{count}");
    }
}

#[test]
fn a_reused_reader_accepts_the_same_texts_as_document_parse() {
    let mut reader = Reader::default();
    for text in [
        " {\"a\": [1, \"b\\n\"]} ",
        "",
        "[1,",
        "12",
        "12 13",
        "{\"a\":1}\u{a0}",
        "\"\\ud800\"",
        "[[],{}]\n",
        "-",
        "null",
    ] {
        let document = Document::parse(text).ok();
        let read = reader.read(text).map(|node| node.text().to_owned());
        assert_eq!(
            read.as_deref(),
            document.as_ref().map(Document::text),
            "{text}"
        );
        let value = reader.read(text).map(|node| node.to_value());
        assert_eq!(
            value,
            document.map(|document| document.root().to_value()),
            "{text}"
        );
    }
}

#[test]
fn a_value_is_replaced_only_by_one_json_value_and_only_where_there_is_one() {
    let document = parse(r#"{"a": 1}"#);
    let at = document.at("/a").unwrap().ordinal();
    let edited = document.with_value(at, " [2] ").unwrap();
    assert_eq!(edited.text(), r#"{"a": [2]}"#);
    assert!(document.with_value(at, r#"1, "b": 2"#).is_err());
    assert!(document.with_value(at, "").is_err());
    assert!(document.with_value(99, "1").is_err());
    assert!(
        document.with_value(at - 1, "1").is_err(),
        "a name is no value"
    );
}

#[test]
fn a_quoted_string_parses_to_the_original() {
    for text in ["", "plain", "\"\\\n\r\t\u{1}", "é 日本 🦀", "</script>"] {
        assert_eq!(parse(&quote(text)).root().as_str().unwrap(), text);
    }
}

mod properties {
    use super::super::scanner::{ScanLimits, ScanProgress, Scanner};
    use super::super::{Document, Reader};
    use proptest::prelude::*;

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(|n| serde_json::json!(n)),
            ".{0,12}".prop_map(Into::into),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::vec((".{0,6}", inner), 0..6).prop_map(|members| {
                    serde_json::Value::Object(members.into_iter().collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn accepted_text_has_the_same_value_in_serde_json(value in json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let document = Document::parse(&text).unwrap();
            prop_assert_eq!(document.text(), &text);
            prop_assert_eq!(document.root().to_value(), serde_json::from_str::<serde_json::Value>(&text).unwrap());
        }

        #[test]
        fn any_split_into_pieces_yields_the_same_document(value in json(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
            let text = serde_json::to_string(&value).unwrap();
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).filter(|at| text.is_char_boundary(*at)).collect();
            ends.push(text.len());
            ends.sort_unstable();
            let mut scanner = Scanner::new(ScanLimits::default());
            let mut from = 0;
            for end in ends {
                if let ScanProgress::Done { consumed } = scanner.push(text.get(from..end).unwrap()).unwrap() {
                    prop_assert!(from + consumed == text.len() || end < text.len() || consumed == end - from);
                }
                from = end;
            }
            let whole = Document::parse(&text).unwrap();
            let pieced = scanner.into_document(&text).unwrap();
            prop_assert_eq!(pieced.root().to_value(), whole.root().to_value());
        }

        #[test]
        fn no_input_panics_and_both_parsers_agree(text in "[\\[\\]{}\",:0-9eE.+\\-\\\\u tfnrals\n]{0,24}") {
            let ours = Document::parse(&text);
            prop_assert_eq!(Reader::default().read(&text).is_some(), ours.is_ok());
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            if let Err(error) = &theirs {
                // serde_json refuses numbers that overflow; we keep their digits.
                if error.to_string().contains("out of range") { return Ok(()); }
            }
            prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} {:?}", ours, theirs);
        }
    }
}
