//! Any schema that a form supports, any task that is made from it, and any change of it.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::place::node_at as node;
use super::*;
use crate::random::SeededRng;
use crate::review::layout::pretty_print;
use crate::review::sheet::Sheet;
use crate::schema::sample::sample;

/// Schemas with the keywords that a form can carry.
fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop::sample::select(vec![
        json!({ "type": "string", "minLength": 1, "maxLength": 9 }),
        json!({ "type": "string", "format": "date" }),
        json!({ "type": "string", "pattern": "^[a-z]{2,4}$" }),
        json!({ "type": "integer", "minimum": 2, "maximum": 9 }),
        json!({ "type": "number", "exclusiveMinimum": 0, "multipleOf": 0.5 }),
        json!({ "type": "boolean" }),
        json!({ "enum": ["low", 3, null, { "a": [1] }] }),
        json!({ "const": "fixed" }),
        json!({ "type": ["string", "null"], "default": "d" }),
        json!({ "$ref": "#/$defs/level" }),
        json!({ "$ref": "#" }),
        json!({}),
    ]);
    let inner = leaf.prop_recursive(3, 16, 4, |inner| {
        let names = || prop::sample::select(vec!["a", "b/c", "~", "title", "é\"", ""]);
        prop_oneof![
            (inner.clone(), 0..3_u64).prop_map(|(item, least)| {
                json!({ "type": "array", "items": item, "minItems": least, "maxItems": least + 3 })
            }),
            (inner.clone(), inner.clone()).prop_map(|(first, rest)| {
                json!({ "type": "array", "prefixItems": [first], "items": rest })
            }),
            prop::collection::vec((names(), inner.clone(), any::<bool>()), 0..4).prop_map(object),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|of| json!({ "oneOf": of })),
            prop::collection::vec(inner, 1..3).prop_map(|of| json!({ "anyOf": of })),
        ]
    });
    prop::collection::vec(
        (
            prop::sample::select(vec!["title", "parts", "x"]),
            inner,
            any::<bool>(),
        ),
        1..5,
    )
    .prop_map(|members| {
        let mut schema = object(members);
        schema["$defs"] = json!({ "level": { "title": "Level", "enum": ["low", "high"] } });
        // The root refers to itself in optional members only, so that tasks end.
        schema["required"] = json!([]);
        schema
    })
}

fn object(members: Vec<(&str, Value, bool)>) -> Value {
    let required: Vec<&str> = members.iter().filter(|it| it.2).map(|it| it.0).collect();
    let properties: serde_json::Map<String, Value> = members
        .iter()
        .map(|(name, schema, _)| ((*name).to_owned(), schema.clone()))
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": members.len() != 2,
    })
}

/// The text of a task in one of several layouts.
fn laid_out(task: &Value, layout: u8) -> String {
    let compact = Document::parse(&task.to_string()).unwrap();
    match layout {
        0 => compact.text().to_owned(),
        1 => pretty_print(&compact),
        2 => pretty_print(&compact)
            .replace("  ", "\t")
            .replace('\n', "\r\n"),
        _ => pretty_print(&compact)
            .replace('\n', " ")
            .replace("[ ", "[")
            .replace("  ", " "),
    }
}

/// All changes that a form offers for a field.
fn changes(
    task: &Document,
    schema: &TaskSchema,
    sheet: &Sheet,
    key: &FieldKey,
) -> Vec<FieldChange> {
    let actions = sheet.field(key).unwrap().actions;
    let mut all = vec![FieldChange::Replace("[\"new\", 1.50]".to_owned())];
    let mut offer = |is_offered: bool, it: FieldChange| {
        if is_offered {
            all.push(it);
        }
    };
    offer(actions.can_remove, FieldChange::Remove);
    offer(actions.can_move_up, FieldChange::MoveUp);
    offer(actions.can_move_down, FieldChange::MoveDown);
    offer(actions.can_add_item, FieldChange::AddItem);
    if actions.can_add_member {
        let members = new_members(task, schema, key);
        offer(members.is_open, FieldChange::AddMember("free\n".to_owned()));
        let named = members.named.into_iter();
        all.extend(named.map(|member| FieldChange::AddMember(member.name)));
    }
    if actions.can_change_kind {
        let Some(Editor::Choice { choices, .. }) = kinds(task, schema, key) else {
            panic!("kinds to choose from");
        };
        all.extend((0..choices.len()).map(FieldChange::SetKind));
    }
    all
}

/// What the task is after a change, worked out on values.
fn expected(task: &Document, key: &FieldKey, it: &FieldChange, after: &Document) -> Value {
    let mut value = task.root().to_value();
    let new = |pointer: &str| after.at(pointer).map(|node| node.to_value()).unwrap();
    let (container, last) = key.pointer.rsplit_once('/').unwrap_or_default();
    let index = || last.parse::<usize>().unwrap();
    let name = last.replace("~1", "/").replace("~0", "~");
    match it {
        FieldChange::Replace(_) | FieldChange::SetKind(_) => {
            *value.pointer_mut(&key.pointer).unwrap() = new(&key.pointer);
        }
        FieldChange::AddMember(name) => {
            let object = value.pointer_mut(&key.pointer).unwrap();
            let pointer = crate::document::push_token(&key.pointer, name);
            object[name.as_str()] = new(&pointer);
        }
        FieldChange::AddItem => {
            let array = value
                .pointer_mut(&key.pointer)
                .and_then(Value::as_array_mut)
                .unwrap();
            array.push(new(&format!("{}/{}", key.pointer, array.len())));
        }
        FieldChange::Remove => match value.pointer_mut(container).unwrap() {
            Value::Array(items) => drop(items.remove(index())),
            object => drop(object.as_object_mut().unwrap().shift_remove(&name)),
        },
        FieldChange::MoveUp | FieldChange::MoveDown => {
            let items = value
                .pointer_mut(container)
                .and_then(Value::as_array_mut)
                .unwrap();
            let at = index();
            items.swap(
                at,
                if *it == FieldChange::MoveUp {
                    at - 1
                } else {
                    at + 1
                },
            );
        }
    }
    value
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 200 } else { 1000 }))]

    #[test]
    fn a_change_is_what_it_says_and_leaves_every_other_byte(
        schema in schemas(),
        seed in any::<u64>(),
        layout in 0..4_u8,
        at in any::<prop::sample::Index>(),
        which in any::<prop::sample::Index>(),
    ) {
        let Ok(task) = sample(&schema, &schema, &mut SeededRng::new(seed)) else { return Ok(()) };
        let task = Document::parse(&laid_out(&task, layout)).unwrap();
        let schema = TaskSchema::parse(&schema.to_string()).unwrap();
        let sheet = Sheet::new(&task, &schema, schema.roles());
        let keys: Vec<FieldKey> = sheet.fields().map(|field| field.key.clone()).collect();
        let key = at.get(&keys);
        let changes = changes(&task, &schema, &sheet, key);
        let it = which.get(&changes);
        let after = change(&task, &schema, key, it).unwrap();
        let ChangedTask { document, field } = after;
        prop_assert_eq!(document.root().to_value(), expected(&task, key, it, &document));
        if let FieldChange::Replace(json) = it {
            prop_assert_eq!(node(&document, &field.steps()).unwrap().text(), json);
        }

        // What is outside of the splice: the value, or for a part its commas and blanks.
        let steps = key.steps();
        let own = node(&task, &steps).unwrap();
        let (start, end) = match it {
            FieldChange::Replace(_) | FieldChange::SetKind(_) => (own.span().start, own.span().end),
            FieldChange::AddMember(_) | FieldChange::AddItem => {
                let last = own.len().checked_sub(1);
                let last = last.and_then(|last| node(&task, &[steps.as_slice(), &[last]].concat()));
                match last {
                    Some(last) => (last.span().end, last.span().end),
                    None => (own.span().start, own.span().end),
                }
            }
            _ => {
                let container = node(&task, &steps[..steps.len() - 1]).unwrap();
                (container.span().start, container.span().end)
            }
        };
        let (old, new) = (task.text(), document.text());
        prop_assert!(new.starts_with(old.get(..start).unwrap()), "{old}\n{new}");
        prop_assert!(new.ends_with(old.get(end..).unwrap()), "{old}\n{new}");
        // All other values are written as before, also within the container.
        if !matches!(it, FieldChange::SetKind(_)) {
            for other in &keys {
                if other == key || other.is_inside(key) || key.is_inside(other) {
                    continue;
                }
                let now = key_after(other, key, it, &document).unwrap();
                let before = node(&task, &other.steps()).unwrap().text();
                prop_assert_eq!(node(&document, &now.steps()).unwrap().text(), before);
            }
        }
        // The offered layout adds blanks only where there are some.
        if layout == 0 && !matches!(it, FieldChange::Replace(_)) {
            prop_assert_eq!(document.text(), document.root().to_value().to_string());
        }
    }

    #[test]
    fn editors_that_are_opened_and_closed_change_nothing(
        schema in schemas(),
        seed in any::<u64>(),
        layout in 0..4_u8,
    ) {
        let Ok(task) = sample(&schema, &schema, &mut SeededRng::new(seed)) else { return Ok(()) };
        let task = Document::parse(&laid_out(&task, layout)).unwrap();
        let schema = TaskSchema::parse(&schema.to_string()).unwrap();
        let sheet = Sheet::new(&task, &schema, schema.roles());
        for field in sheet.fields() {
            if let Some(editor) = &field.editor {
                let unchanged = match editor {
                    Editor::Choice { original: None, .. } => Err(crate::review::sheet::TypedFault::NothingChosen),
                    _ => Ok(None),
                };
                prop_assert_eq!(editor.json(&editor.original()), unchanged);
            }
            let original = node(&task, &field.key.steps()).unwrap().text().to_owned();
            let as_json = Editor::Json { original };
            prop_assert_eq!(as_json.json(&as_json.original()), Ok(None));
        }
    }
}
