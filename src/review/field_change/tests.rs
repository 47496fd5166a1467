use super::*;
use crate::schema::{agent_action_schema, agent_task_schema};

fn key(task: &Document, pointer: &str) -> FieldKey {
    fn find(task: &Document, steps: &mut Vec<usize>, pointer: &str) -> Option<FieldKey> {
        let key = FieldKey::at(task, steps)?;
        if key.pointer == pointer {
            return Some(key);
        }
        for step in 0.. {
            steps.push(step);
            let found = FieldKey::at(task, steps).map(|_| find(task, steps, pointer));
            steps.pop();
            match found {
                Some(None) => {}
                Some(found) => return found,
                None => return None,
            }
        }
        None
    }
    find(task, &mut Vec::new(), pointer).unwrap_or_else(|| panic!("no {pointer}"))
}

fn changed(
    schema: &str,
    task: &str,
    pointer: &str,
    it: &FieldChange,
) -> Result<(String, String), FieldChangeError> {
    let task = Document::parse(task).unwrap();
    let schema = TaskSchema::parse(schema).unwrap();
    let after = change(&task, &schema, &key(&task, pointer), it)?;
    Ok((after.document.text().to_owned(), after.field.pointer))
}

const TASK: &str =
    r#"{"key":"a", "title":"T","inputs":[{"name":"n","value":"v"}],"labels":["x" ,"y","z"]}"#;

#[test]
fn each_change_splices_the_text_and_says_where_the_field_is() {
    use FieldChange as Change;
    for (pointer, it, old, new, field) in [
        (
            "/title",
            Change::Replace(" \"U\" ".to_owned()),
            r#""T""#,
            r#""U""#,
            "/title",
        ),
        (
            "",
            Change::AddMember("due".to_owned()),
            r#"["x" ,"y","z"]"#,
            r#"["x" ,"y","z"],"due":"""#,
            "/due",
        ),
        (
            "",
            Change::AddMember("priority".to_owned()),
            r#"["x" ,"y","z"]"#,
            r#"["x" ,"y","z"],"priority":"low""#,
            "/priority",
        ),
        (
            "/inputs",
            Change::AddItem,
            r#""v"}"#,
            r#""v"}, {"name":"", "value":""}"#,
            "/inputs/1",
        ),
        (
            "/labels",
            Change::AddItem,
            r#""z""#,
            r#""z","""#,
            "/labels/3",
        ),
        ("/labels/0", Change::Remove, r#""x" ,"#, "", "/labels/0"),
        ("/labels/2", Change::Remove, r#","z""#, "", "/labels/1"),
        (
            "/inputs/0",
            Change::Remove,
            r#"{"name":"n","value":"v"}"#,
            "",
            "/inputs",
        ),
        (
            "/labels",
            Change::Remove,
            r#","labels":["x" ,"y","z"]"#,
            "",
            "/inputs",
        ),
        (
            "/labels/0",
            Change::MoveDown,
            r#""x" ,"y""#,
            r#""y" ,"x""#,
            "/labels/1",
        ),
        (
            "/labels/2",
            Change::MoveUp,
            r#""y","z""#,
            r#""z","y""#,
            "/labels/1",
        ),
    ] {
        let (text, at) = changed(agent_task_schema(), TASK, pointer, &it).unwrap();
        assert_eq!(text, TASK.replacen(old, new, 1), "{pointer} {it:?}");
        assert_eq!(at, field, "{pointer} {it:?}");
    }
}

#[test]
fn what_cannot_be_changed_says_why() {
    use FieldChange as Change;
    let fault = |pointer: &str, it: Change| {
        changed(agent_task_schema(), TASK, pointer, &it).map_err(|error| error.code())
    };
    assert_eq!(
        fault("", Change::AddMember("title".to_owned())),
        Err("name_taken")
    );
    assert_eq!(fault("", Change::Remove), Err("no_such_field"));
    assert_eq!(fault("/labels/0", Change::MoveUp), Err("no_such_field"));
    assert_eq!(fault("/labels/2", Change::MoveDown), Err("not_edited"));
    assert_eq!(fault("/title", Change::AddItem), Err("not_edited"));
    assert_eq!(
        fault("/title", Change::Replace("1 2".to_owned())),
        Err("not_edited")
    );
    assert_eq!(fault("/title", Change::SetKind(0)), Err("no_such_field"));
    let task = Document::parse(TASK).unwrap();
    let schema = TaskSchema::parse(agent_task_schema()).unwrap();
    let other = FieldKey {
        pointer: "/gone".to_owned(),
        positions: "1".to_owned(),
    };
    let error = change(&task, &schema, &other, &Change::Remove).unwrap_err();
    assert_eq!(error.code(), "no_such_field");
}

#[test]
fn another_kind_keeps_the_members_that_both_have() {
    let task =
        r#"{"action":"write_file", "title" : "Keep it","arguments":{"path":"a.md","content":"x"}}"#;
    let document = Document::parse(task).unwrap();
    let schema = TaskSchema::parse(agent_action_schema()).unwrap();
    let root = key(&document, "");
    let Some(Editor::Choice { choices, original }) = kinds(&document, &schema, &root) else {
        panic!("the schema has alternatives");
    };
    let labels: Vec<&str> = choices.iter().map(|choice| choice.label.as_str()).collect();
    assert_eq!(
        original,
        labels.iter().position(|label| *label == "Write a file")
    );
    let send = labels
        .iter()
        .position(|label| *label == "Send a message")
        .unwrap();
    let (text, _) = changed(agent_action_schema(), task, "", &FieldChange::SetKind(send)).unwrap();
    assert_eq!(
        text,
        r#"{"action":"send_message", "title" : "Keep it","arguments":{"to":[""], "subject":"", "body":""}}"#
    );
}

#[test]
fn a_value_changes_between_the_types_and_the_alternatives_of_its_place() {
    let schema = r##"{
        "properties": {
            "count": { "type": ["integer", "null"] },
            "owner": { "oneOf": [
                { "title": "Person", "type": "object", "properties": { "name": {} }, "required": ["name"] },
                { "$ref": "#/$defs/team" },
                { "type": "string" },
                { "const": 7 }
            ] }
        },
        "$defs": { "team": { "type": "object", "properties": { "team": { "enum": ["red"] } }, "required": ["team"] } }
    }"##;
    let task = r#"{"count":null,"owner":{"name":"N"}}"#;
    let document = Document::parse(task).unwrap();
    let parsed = TaskSchema::parse(schema).unwrap();
    let labels = |pointer: &str| match kinds(&document, &parsed, &key(&document, pointer)) {
        Some(Editor::Choice { choices, original }) => {
            let labels: Vec<String> = choices.into_iter().map(|choice| choice.label).collect();
            (labels.join("; "), original)
        }
        _ => (String::new(), None),
    };
    assert_eq!(labels("/count"), ("whole number; null".to_owned(), Some(1)));
    assert_eq!(
        labels("/owner"),
        ("Person; team; text; 7".to_owned(), Some(0))
    );
    for (pointer, kind, expected) in [
        ("/count", 0, r#"{"count":0,"owner":{"name":"N"}}"#),
        ("/owner", 1, r#"{"count":null,"owner":{"team":"red"}}"#),
        ("/owner", 2, r#"{"count":null,"owner":""}"#),
        ("/owner", 3, r#"{"count":null,"owner":7}"#),
    ] {
        let (text, at) = changed(schema, task, pointer, &FieldChange::SetKind(kind)).unwrap();
        assert_eq!((text.as_str(), at.as_str()), (expected, pointer));
    }
}

#[test]
fn missing_members_are_listed_with_their_labels() {
    let task = Document::parse(r#"{"title":"T","when":{}}"#).unwrap();
    let schema = r#"{
        "properties": {
            "title": {}, "due_date": { "description": "When" }, "never": false,
            "when": { "properties": { "at": { "title": "Time" } }, "additionalProperties": false }
        }
    }"#;
    let schema = TaskSchema::parse(schema).unwrap();
    let offered = |pointer: &str| {
        let members = new_members(&task, &schema, &key(&task, pointer));
        let labels: Vec<String> = members
            .named
            .into_iter()
            .map(|member| format!("{} ({})", member.label, member.name))
            .collect();
        (labels.join(", "), members.is_open)
    };
    assert_eq!(offered(""), ("Due date (due_date)".to_owned(), true));
    assert_eq!(offered("/when"), ("Time (at)".to_owned(), false));
}

#[test]
fn open_editors_follow_the_fields_that_they_belong_to() {
    let task = Document::parse(TASK).unwrap();
    let schema = TaskSchema::parse(agent_task_schema()).unwrap();
    let follow = |pointer: &str, at: &str, it: FieldChange| {
        let at = key(&task, at);
        let after = change(&task, &schema, &at, &it).unwrap();
        let now = key_after(&key(&task, pointer), &at, &it, &after.document);
        now.map(|now| now.pointer)
    };
    let is = |pointer: &str| Some(pointer.to_owned());
    assert_eq!(
        follow("/labels/2", "/labels/0", FieldChange::Remove),
        is("/labels/1")
    );
    assert_eq!(follow("/labels/0", "/labels/0", FieldChange::Remove), None);
    assert_eq!(
        follow("/labels/0", "/labels/2", FieldChange::Remove),
        is("/labels/0")
    );
    assert_eq!(
        follow("/labels/0", "/labels/1", FieldChange::MoveUp),
        is("/labels/1")
    );
    assert_eq!(
        follow("/labels/1", "/labels/1", FieldChange::MoveUp),
        is("/labels/0")
    );
    assert_eq!(
        follow("/labels/1", "/labels/0", FieldChange::MoveDown),
        is("/labels/0")
    );
    assert_eq!(
        follow("/labels/2", "/labels/0", FieldChange::MoveDown),
        is("/labels/2")
    );
    assert_eq!(
        follow("/labels/2", "/inputs", FieldChange::Remove),
        is("/labels/2")
    );
    assert_eq!(
        follow("/title", "", FieldChange::AddMember("due".to_owned())),
        is("/title")
    );
}
