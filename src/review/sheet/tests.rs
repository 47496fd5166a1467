use super::*;
use crate::schema::{Violation, agent_action_schema, agent_task_schema};

fn sheet_of(task: &str, schema: &str) -> Sheet {
    let schema = TaskSchema::parse(schema).unwrap();
    Sheet::new(&Document::parse(task).unwrap(), &schema, schema.roles())
}

/// A field and the fields inside it, one per line.
fn outline(field: &Field, depth: usize, out: &mut String) {
    let block = match &field.block {
        Block::Title(text) => format!("title {text}"),
        Block::Prose(text) => format!("prose {text:?}"),
        Block::Line(text) => format!("line {text}"),
        Block::Chip(text) => format!("chip {text}"),
        Block::Number(digits) => format!("number {digits}"),
        Block::Null => "null".to_owned(),
        Block::Dependency(key) => format!("dependency {key}"),
        Block::Words(_) => "words".to_owned(),
        Block::List(_) => "list".to_owned(),
        Block::Sections(_) => "sections".to_owned(),
        Block::Members(_) => "members".to_owned(),
        Block::Empty(text) => (*text).to_owned(),
        Block::Json(text) => format!("json {text:?}"),
    };
    let duplicate = if field.is_duplicate {
        " (duplicate)"
    } else {
        ""
    };
    out.push_str(&format!(
        "{}{}{duplicate}: {block}\n",
        "  ".repeat(depth),
        field.label
    ));
    for inner in field.block.fields() {
        outline(inner, depth + 1, out);
    }
}

fn outlined(task: &str, schema: &str) -> String {
    let mut out = String::new();
    outline(&sheet_of(task, schema).root, 0, &mut out);
    out
}

#[test]
fn an_agent_task_is_set_as_title_prose_chips_lists_and_dependencies() {
    let task = r#"{"key":"write-notes","title":"Write the notes","instructions":"Read.\nWrite.",
        "priority":"high","inputs":[{"name":"Repository","value":"https://example.com/r"}],
        "acceptance":["Every change is named."],"labels":["docs","release-2"],
        "depends_on":["collect"],"due":"2026-12-01"}"#;
    assert_eq!(
        outlined(task, agent_task_schema()),
        r#"Task: members
  Key: line write-notes
  Title: title Write the notes
  Instructions: prose "Read.\nWrite."
  Priority: chip high
  Inputs: sections
    Inputs 1: members
      Name: line Repository
      Value: line https://example.com/r
  Acceptance: list
    Acceptance 1: line Every change is named.
  Labels: words
    Labels 1: line docs
    Labels 2: line release-2
  Depends on: words
    Depends on 1: dependency collect
  Due: line 2026-12-01
"#
    );
}

#[test]
fn an_action_is_set_by_the_alternative_that_it_is() {
    let task = r#"{"action":"write_file","title":"Keep it","arguments":{"path":"a.md","content":"x","overwrite":true}}"#;
    let sheet = sheet_of(task, agent_action_schema());
    let editor = |pointer: &str| {
        let field = sheet.fields().find(|field| field.key.pointer == pointer);
        field.and_then(|field| field.editor.clone())
    };
    assert_eq!(editor("/action"), None, "there is nothing else to choose");
    assert!(matches!(
        editor("/arguments/overwrite"),
        Some(Editor::Choice { .. })
    ));
    let outline = outlined(task, agent_action_schema());
    assert!(outline.contains("Action: chip write_file\n"), "{outline}");
    assert!(outline.contains("    Overwrite: chip true\n"), "{outline}");
}

#[test]
fn any_schema_and_any_task_are_set() {
    let odd = r#"{
        "properties": {
            "taskTitle": { "type": "string", "title": "What to do" },
            "severity": { "type": "integer", "enum": [1, 2, 3] },
            "after": { "type": "string" }
        }
    }"#;
    let task = r#"{"taskTitle":"T","severity":2,"amount":1.50e3,"none":null,"after":"a-1","empty":[],"nothing":{},"":"","matrix":[[1,2],[3]],"severity":9}"#;
    assert_eq!(
        outlined(task, odd),
        r"Task: members
  What to do: title T
  Severity: number 2
  amount: number 1.50e3
  none: null
  After: dependency a-1
  empty: []
  nothing: {}
  (no name): line 
  matrix: sections
    matrix 1: words
      matrix 1 1: number 1
      matrix 1 2: number 2
    matrix 2: words
      matrix 2 1: number 3
  Severity (duplicate): number 9
"
    );
    for scalar in ["null", "3", "\"text\"", "true", "[]", "{}"] {
        assert!(sheet_of(scalar, odd).fields().count() == 1, "{scalar}");
    }
}

#[test]
fn the_title_is_the_last_member_of_its_name_unless_it_is_blank() {
    let title = |task: &str| {
        let sheet = sheet_of(task, agent_task_schema());
        sheet.title().map(|field| field.block.clone())
    };
    let shown = |text: &str| Some(Block::Title(text.to_owned()));
    assert_eq!(title(r#"{"title":"A","title":"B"}"#), shown("B"));
    assert_eq!(title(r#"{"title":"A","title":" "}"#), None);
    assert_eq!(title(r#"{"inputs":{"title":"A"}}"#), None);
    assert_eq!(title("[]"), None);
}

#[test]
fn what_is_too_deep_too_large_or_has_too_long_a_name_is_shown_as_json() {
    let deep = format!("{}1{}", "[".repeat(60), "]".repeat(60));
    let sheet = sheet_of(&deep, "{}");
    assert!(
        sheet
            .fields()
            .any(|field| matches!(&field.block, Block::Json(text) if text.contains('1')))
    );
    let wide = format!(r#"{{"title":"T","rows":[{}0]}}"#, "0,".repeat(MAX_FIELDS));
    let sheet = sheet_of(&wide, agent_task_schema());
    assert!(sheet.title().is_some(), "only what does not fit is JSON");
    assert!(sheet.fields().count() <= MAX_FIELDS + 1);
    let long = format!(r#"{{"{}":[1,2,3]}}"#, "n".repeat(1 << 20));
    assert_eq!(sheet_of(&long, "{}").fields().count(), 2);
}

#[test]
fn editors_write_the_json_of_what_was_typed_and_nothing_if_it_is_the_same() {
    let schema = r#"{"properties":{
        "level":{"enum":["low","high",null,3]},
        "many":{"enum":[{"a":1},"b"]},
        "only":{"const":"x"},
        "day":{"format":"date"},
        "new_day":{"format":"date"},
        "no_day":{"format":"date"},
        "parts":{"enum":[["a"],["a",{"b":1}]]}
    }}"#;
    let task = r#"{"text":"a\u0062","windows":"a\r\nb","digits":1.50,"yes":true,"level":"low","level2":null,"many":"b","only":"x","null":null,"day":"2024-02-29","new_day":"","no_day":"2023-02-29","parts":["a"]}"#;
    let sheet = sheet_of(task, schema);
    let json = |name: &str, typed: &str| {
        let field = sheet
            .fields()
            .find(|field| field.name.as_deref() == Some(name))
            .unwrap();
        field.editor.as_ref().map(|editor| editor.json(typed))
    };
    for (name, typed, expected) in [
        ("text", "ab", Some(Ok(None))),
        ("text", "a\"b", Some(Ok(Some(r#""a\"b""#)))),
        ("windows", "a\nb", Some(Ok(None))),
        ("windows", "a\nc", Some(Ok(Some(r#""a\r\nc""#)))),
        ("digits", "1.50", Some(Ok(None))),
        (
            "digits",
            " 1.500000000000000000001 ",
            Some(Ok(Some("1.500000000000000000001"))),
        ),
        ("digits", "1,5", Some(Err(TypedFault::NotANumber))),
        ("digits", "", Some(Err(TypedFault::NotANumber))),
        ("digits", "\"1\"", Some(Err(TypedFault::NotANumber))),
        ("yes", "1", Some(Ok(Some("false")))),
        ("level", "0", Some(Ok(None))),
        ("level", "2", Some(Ok(Some("null")))),
        ("level", "3", Some(Ok(Some("3")))),
        ("level", "", Some(Err(TypedFault::NothingChosen))),
        ("level", "9", Some(Err(TypedFault::NothingChosen))),
        ("only", "", None),
        ("null", "", None),
        ("day", "2024-02-29", Some(Ok(None))),
        ("day", "2027-01-31", Some(Ok(Some(r#""2027-01-31""#)))),
        ("day", "", Some(Err(TypedFault::NotADate))),
        ("day", "2027-02-29", Some(Err(TypedFault::NotADate))),
        ("new_day", "", Some(Ok(None))),
        (
            "no_day",
            "2023-02-29 or so",
            Some(Ok(Some(r#""2023-02-29 or so""#))),
        ),
        ("parts", "1", Some(Ok(Some(r#"["a",{"b":1}]"#)))),
    ] {
        let expected = expected
            .map(|result: Result<Option<&str>, _>| result.map(|json| json.map(str::to_owned)));
        assert_eq!(json(name, typed), expected, "{name} {typed:?}");
    }
}

#[test]
fn the_editor_for_json_keeps_line_ends_and_says_where_the_text_is_wrong() {
    let editor = Editor::Json {
        original: "{\r\n\"a\": 1}".to_owned(),
    };
    assert_eq!(editor.json("{\n\"a\": 1}"), Ok(None));
    assert_eq!(editor.json(" [1, 2.0] "), Ok(Some("[1, 2.0]".to_owned())));
    let fault = editor.json("[1,\n]").unwrap_err();
    assert_eq!(fault.code(), "not_json");
    assert!(fault.to_string().contains("line 2"), "{fault}");
}

#[test]
fn remarks_stand_at_their_field_or_at_the_nearest_container_that_exists() {
    let task = r#"{"title":"T","inputs":[{"name":"n"}],"title":"U"}"#;
    let sheet = sheet_of(task, agent_task_schema());
    let violation = |path: &str, message: &str| Violation {
        instance_path: path.to_owned(),
        message: message.to_owned(),
        ..Violation::default()
    };
    let remarks = Remarks::new(
        &sheet,
        &[
            violation("", "“key” is missing"),
            violation("/title", "twice"),
            violation("/inputs/0", "“value” is missing"),
        ],
        [
            ("/inputs/0/value", "Field required"),
            ("/inputs/7/name", "too short"),
            ("not a pointer", "odd"),
        ],
        RemarkSource::Server,
    );
    let at: Vec<(String, String)> = sheet
        .fields()
        .flat_map(|field| {
            let of_field = remarks.of(field).iter();
            of_field.map(|remark| {
                let elsewhere = remark.elsewhere.as_deref().unwrap_or("here");
                let place = format!("{}@{}", field.key.pointer, field.key.positions);
                (place, format!("{elsewhere}: {}", remark.message))
            })
        })
        .collect();
    let expected = [
        ("@", "here: “key” is missing"),
        ("@", "not a pointer: odd"),
        ("/inputs@1", "/inputs/7/name: too short"),
        ("/inputs/0@1.0", "here: “value” is missing"),
        ("/inputs/0@1.0", "/inputs/0/value: Field required"),
        ("/title@2", "here: twice"),
    ]
    .map(|(place, text)| (place.to_owned(), text.to_owned()));
    assert_eq!(at, expected);
}

mod properties {
    use proptest::prelude::*;

    use super::*;
    use crate::document::{Kind, Node, push_token};

    /// Every scalar of a value with its location, and its text as a sheet has it.
    fn scalars(node: Node<'_>, pointer: &str, found: &mut Vec<(String, String)>) {
        match node.kind() {
            Kind::Object => {
                for (name, value) in node.members() {
                    scalars(value, &push_token(pointer, &name), found);
                }
            }
            Kind::Array => {
                for (index, item) in node.items().enumerate() {
                    scalars(item, &format!("{pointer}/{index}"), found);
                }
            }
            _ => {
                let text = node.as_str().map_or(node.text().to_owned(), Into::into);
                found.push((pointer.to_owned(), text));
            }
        }
    }

    /// The text of a scalar field.
    fn text_of(field: &Field) -> Option<String> {
        match &field.block {
            Block::Title(text)
            | Block::Prose(text)
            | Block::Line(text)
            | Block::Chip(text)
            | Block::Number(text)
            | Block::Dependency(text) => Some(text.clone()),
            Block::Null => Some("null".to_owned()),
            _ => None,
        }
    }

    /// JSON texts, with duplicate members and escapes.
    fn json() -> impl Strategy<Value = String> {
        let name = || {
            prop::sample::select(vec![
                "title",
                "priority",
                "depends_on",
                "a/b",
                "~",
                "",
                "inputs",
            ])
        };
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|value| value.to_string()),
            any::<i64>().prop_map(|value| value.to_string()),
            Just("1.500e+2".to_owned()),
            ".{0,12}".prop_map(|text| crate::document::quote(&text)),
            Just(r#""\u0061\n""#.to_owned()),
        ];
        leaf.prop_recursive(9, 60, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6)
                    .prop_map(|items| format!("[ {} ]", items.join(" ,"))),
                prop::collection::vec((name(), inner), 0..6).prop_map(|members| {
                    let members: Vec<String> = members
                        .into_iter()
                        .map(|(name, value)| format!("\"{name}\" : {value}"))
                        .collect();
                    format!("{{{}}}", members.join(", "))
                }),
            ]
        })
    }

    fn schemas() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![agent_task_schema(), agent_action_schema(), "{}"])
    }

    proptest! {
        #[test]
        fn every_scalar_of_a_task_is_a_field_or_in_the_json_text_of_its_container(
            task in json(),
            schema in schemas(),
        ) {
            let document = Document::parse(&task).unwrap();
            let sheet = sheet_of(&task, schema);
            let mut expected = Vec::new();
            scalars(document.root(), "", &mut expected);
            let mut shown = Vec::new();
            for field in sheet.fields() {
                if let Some(text) = text_of(field) {
                    shown.push((field.key.pointer.clone(), text));
                } else if let Block::Json(text) = &field.block {
                    scalars(Document::parse(text).unwrap().root(), &field.key.pointer, &mut shown);
                }
            }
            prop_assert_eq!(shown, expected);
        }

        #[test]
        fn a_field_changed_in_place_leaves_every_other_byte_as_it_is(
            task in json(),
            chosen in any::<prop::sample::Index>(),
            typed in ".{0,12}",
        ) {
            let document = Document::parse(&task).unwrap();
            let sheet = sheet_of(&task, agent_task_schema());
            let fields: Vec<&Field> = sheet.fields().collect();
            let field = chosen.get(&fields);
            let Some(editor) = &field.editor else { return Ok(()) };
            let typed = match editor {
                Editor::Text { .. } => typed,
                Editor::Number { .. } => "-0.10e5".to_owned(),
                Editor::Choice { .. } => "0".to_owned(),
                Editor::Date { .. } => "2027-01-31".to_owned(),
                Editor::Json { .. } => "{}".to_owned(),
            };
            let Some(value) = editor.json(&typed).unwrap() else { return Ok(()) };
            let edited = document.with_value(field.ordinal, &value).unwrap();
            let end = edited.text().len() - (document.text().len() - end_of(&document, field.ordinal));
            let start = end - value.len();
            let original = document.text();
            let text = edited.text();
            prop_assert_eq!(text.get(..start), original.get(..start));
            prop_assert_eq!(text.get(start..end), Some(value.as_str()));
            let rest = original.get(end_of(&document, field.ordinal)..);
            prop_assert_eq!(text.get(end..), rest);
        }

        #[test]
        fn no_location_of_a_remark_loses_it(task in json(), location in "[/a-z0-9~]{0,12}") {
            let sheet = sheet_of(&task, "{}");
            let remarks = Remarks::new(
                &sheet,
                &[],
                [(location.as_str(), "wrong")],
                RemarkSource::ServerBeforeEdit,
            );
            let placed: usize = sheet.fields().map(|field| remarks.of(field).len()).sum();
            prop_assert_eq!(placed, 1);
        }
    }

    /// Where the value of this ordinal ends in the text.
    fn end_of(document: &Document, ordinal: usize) -> usize {
        fn find(node: Node<'_>, ordinal: usize) -> Option<usize> {
            if node.ordinal() == ordinal {
                return Some(node.span().end);
            }
            let members = node.members().map(|(_, value)| value);
            members
                .chain(node.items())
                .find_map(|inner| find(inner, ordinal))
        }
        find(document.root(), ordinal).unwrap()
    }
}
