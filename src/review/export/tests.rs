use ::csv as csv_reader;
use proptest::prelude::*;
use pulldown_cmark::{Event, Options, Parser, Tag};

use super::*;
use crate::document::quote;
use crate::review::import;
use crate::schema::agent_task_schema;

fn schema() -> TaskSchema {
    TaskSchema::parse(agent_task_schema()).unwrap()
}

fn exported(texts: &[&str], format: ExportFormat) -> String {
    let tasks: Vec<Document> = texts
        .iter()
        .map(|text| Document::parse(text).unwrap())
        .collect();
    let schema = schema();
    export(&tasks, format, &schema, schema.roles())
}

#[test]
fn json_has_the_exact_texts_and_json_lines_one_per_line() {
    let texts = [r#"{ "key":"a", "n": 1.50 }"#, "{\n  \"key\": \"b\\n\"\r\n}"];
    assert_eq!(
        exported(&texts, ExportFormat::Json),
        format!("[\n{},\n{}\n]\n", texts[0], texts[1])
    );
    assert_eq!(
        exported(&texts, ExportFormat::JsonLines),
        format!("{}\n{{   \"key\": \"b\\n\"  }}\n", texts[0])
    );
    assert_eq!(exported(&[], ExportFormat::Json), "[]\n");
}

#[test]
fn csv_has_a_column_for_each_member_and_no_formula() {
    let texts = [
        r#"{"key":"a","title":"=1+1","labels":["x","y"],"done":true}"#,
        r#"{"key":"b","n":1.50,"title":"two\nlines, \"quoted\"","none":null,"key":"c"}"#,
    ];
    assert_eq!(
        exported(&texts, ExportFormat::Csv),
        "key,title,labels,done,n,none\r\n\
         a,'=1+1,\"[\"\"x\"\",\"\"y\"\"]\",true,,\r\n\
         c,\"two\nlines, \"\"quoted\"\"\",,,1.50,\r\n"
    );
}

#[test]
fn members_with_too_many_names_share_a_column() {
    let names: Vec<String> = (0..250).map(|at| format!("\"m{at}\":{at}")).collect();
    let wide = format!("{{{}}}", names.join(","));
    let text = exported(&[&wide, r#"{"m1":7}"#], ExportFormat::Csv);
    let mut records = csv_reader::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.as_bytes());
    let records: Vec<csv_reader::StringRecord> = records.records().map(Result::unwrap).collect();
    assert!(records.iter().all(|record| record.len() == 201));
    assert_eq!(&records[0][200], "other members");
    assert!(
        records[1][200].starts_with(r#"{"m200":200,"#),
        "{}",
        &records[1][200]
    );
    assert_eq!((&records[2][1], &records[2][200]), ("7", ""));
}

#[test]
fn markdown_is_the_task_as_a_document() {
    let text = exported(
        &[
            r#"{"key":"write-notes","title":"Write *the* notes","instructions":"Read.\n- Write.\n\n1. Send.",
            "priority":"high","inputs":[{"name":"Repository","value":"https://example.com/r"}],
            "acceptance":["Every change is named."],"depends_on":["collect"],"due":"2026-12-01"}"#,
            r#"{"key":"b"}"#,
        ],
        ExportFormat::Markdown,
    );
    assert_eq!(
        text,
        r"## Write \*the\* notes

**Key:** write-notes

**Instructions**

Read.\
\- Write.

1\. Send.

**Priority:** high

**Inputs**

- **Name:** Repository

  **Value:** https://example.com/r

**Acceptance**

- Every change is named.

**Depends on:** collect

**Due:** 2026-12-01

## Task 2

**Key:** b

"
    );
}

/// A value of a task, nested a little.
fn value() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        "[-+=#>*_`~<>&|\\[\\]()!:.\\\\0-9a-c\n\r ]{0,12}".prop_map(|text| quote(&text)),
        "\\PC{0,8}".prop_map(|text| quote(&text)),
        Just("1.50".to_owned()),
        Just("null".to_owned()),
    ];
    scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            proptest::collection::vec(("[a-c*_<]{1,3}", inner), 0..3).prop_map(|members| {
                let members = members.iter();
                let members = members.map(|(name, value)| format!("{}:\n{value}", quote(name)));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }),
        ]
    })
}

fn tasks() -> impl Strategy<Value = Vec<String>> {
    let task = proptest::collection::vec(("(title|instructions|[a-c=]{1,3})", value()), 0..5);
    let task = task.prop_map(|members| {
        let members = members.iter();
        let members = members.map(|(name, value)| format!("{}: {value}", quote(name)));
        format!("{{{}}}", members.collect::<Vec<_>>().join(" ,"))
    });
    proptest::collection::vec(task, 0..4)
}

proptest! {
    #[test]
    fn what_is_exported_as_json_is_imported_as_it_was(tasks in tasks()) {
        let texts: Vec<&str> = tasks.iter().map(String::as_str).collect();
        if texts.is_empty() {
            return Ok(());
        }
        let json = import::split(&exported(&texts, ExportFormat::Json)).unwrap();
        let json: Vec<&str> = json.iter().map(AsRef::as_ref).collect();
        prop_assert_eq!(&json, &texts);
        let lines = import::split(&exported(&texts, ExportFormat::JsonLines)).unwrap();
        prop_assert_eq!(lines.len(), texts.len());
        for (line, text) in lines.iter().zip(&texts) {
            let value = |text: &str| Document::parse(text).unwrap().root().to_value();
            prop_assert_eq!(value(line), value(text));
        }
    }

    #[test]
    fn every_csv_reader_finds_a_record_per_task_with_all_columns(tasks in tasks()) {
        let texts: Vec<&str> = tasks.iter().map(String::as_str).collect();
        let text = exported(&texts, ExportFormat::Csv);
        let has_members = texts.iter().any(|text| !Document::parse(text).unwrap().root().is_empty());
        if !has_members {
            return Ok(());
        }
        let mut reader = csv_reader::ReaderBuilder::new().from_reader(text.as_bytes());
        // The reader skips records that are empty lines.
        let columns = reader.headers().unwrap().len();
        for record in reader.records() {
            prop_assert_eq!(record.unwrap().len(), columns);
        }
    }

    #[test]
    fn texts_are_never_markup_in_markdown(tasks in tasks()) {
        let texts: Vec<&str> = tasks.iter().map(String::as_str).collect();
        let text = exported(&texts, ExportFormat::Markdown);
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
        let mut headings = 0;
        for event in Parser::new_ext(&text, options) {
            match event {
                Event::Start(Tag::Heading { .. }) => headings += 1,
                Event::Start(
                    Tag::Paragraph | Tag::Strong | Tag::List(None) | Tag::Item | Tag::CodeBlock(_),
                )
                | Event::End(_)
                | Event::Text(_)
                | Event::SoftBreak
                | Event::HardBreak => {}
                other => prop_assert!(false, "{:?} in\n{}", other, text),
            }
        }
        prop_assert_eq!(headings, texts.len(), "{}", text);
    }
}
