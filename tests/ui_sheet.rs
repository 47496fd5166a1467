//! The open task as a document: reading it, editing its fields in place, and moving on.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod ui_support;

use leptos::prelude::*;
use taskwright::model::GenerationOutcome;
use taskwright::run::{Event, Mode};
use ui_support::{Mounted, drawn, focused, key, mount_run, task, type_into};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const NOTES: &str = r#"{"key":"write-notes", "title":"Write the notes","instructions":"Read all.\nThen write.","priority":"high","labels":["docs"],"depends_on":["collect","gone"]}"#;
const WRONG: &str = r#"{"key":"wrong","title":"Wrong","instructions":"x","priority":"asap","inputs":[{"name":"n"}]}"#;

/// A run with these tasks whose generation is complete.
async fn reviewed(tasks: &[&str]) -> Mounted {
    let mounted = mount_run(Mode::Live, &tasks.len().to_string());
    for task in tasks {
        mounted.commands.arrive(task);
    }
    mounted.commands.end(GenerationOutcome::Complete);
    drawn().await;
    mounted
}

async fn open(mounted: &Mounted, ordinal: usize) {
    mounted.all(".task-open")[ordinal - 1].click();
    drawn().await;
}

fn text(mounted: &Mounted, selector: &str) -> String {
    mounted.one(selector).text_content().unwrap()
}

/// The text of the field at a location.
fn field(mounted: &Mounted, pointer: &str) -> String {
    text(mounted, &format!("[data-pointer='{pointer}']"))
}

/// The edits that were sent.
fn edits(mounted: &Mounted) -> Vec<String> {
    let events = mounted.commands.events.borrow();
    events
        .iter()
        .filter_map(|event| match event {
            Event::Edit { text, .. } => Some(text.clone()),
            _ => None,
        })
        .collect()
}

#[wasm_bindgen_test]
async fn a_task_is_shown_as_title_labelled_fields_and_dependencies_with_their_state() {
    let mounted = reviewed(&[&task("collect", "Collect"), NOTES]).await;
    open(&mounted, 2).await;
    assert_eq!(text(&mounted, "#task-title"), "Write the notes");
    assert_eq!(text(&mounted, ".prose"), "Read all.\nThen write.");
    assert_eq!(field(&mounted, "/priority"), "Priorityhigh");
    assert_eq!(text(&mounted, ".value-chip"), "high");
    let dependencies = field(&mounted, "/depends_on");
    assert!(dependencies.contains("collectReady"), "{dependencies}");
    assert!(dependencies.contains("goneno such task"), "{dependencies}");
    mounted.press("Open collect: Collect").await;
    assert_eq!(text(&mounted, "#task-title"), "Collect");
}

#[wasm_bindgen_test]
async fn text_of_the_model_is_text_and_hidden_characters_are_marked() {
    let odd = r#"{"key":"odd","title":"<b>x</b>","instructions":"<img src=x onerror=alert(1)> pay\u202eload\nhttps://example.com","priority":"low"}"#;
    let mounted = reviewed(&[odd]).await;
    open(&mounted, 1).await;
    assert_eq!(text(&mounted, "#task-title"), "<b>x</b>");
    assert!(text(&mounted, ".prose").starts_with("<img src=x onerror=alert(1)> pay"));
    assert_eq!(text(&mounted, ".prose .hidden-character"), "U+202E");
    assert!(
        mounted
            .all(".task-pane img, .task-pane b, .task-pane a")
            .is_empty()
    );
}

#[wasm_bindgen_test]
async fn violations_stand_at_their_fields_and_missing_members_at_their_object() {
    let mounted = reviewed(&[WRONG]).await;
    open(&mounted, 1).await;
    assert!(!mounted.all("[data-pointer='/priority'] .remark").is_empty());
    assert!(
        !mounted
            .all("[data-pointer='/inputs/0'] > .remarks .remark")
            .is_empty()
    );
    assert!(mounted.all("[data-pointer='/key'] .remark").is_empty());
    assert!(text(&mounted, ".remark-summary").starts_with("2 problems:"));
    mounted.press("Priority").await;
    assert_eq!(focused(), mounted.one("[data-pointer='/priority']").id());
}

#[wasm_bindgen_test]
async fn a_field_is_edited_in_place_and_every_other_byte_stays() {
    let mounted = reviewed(&[NOTES]).await;
    mounted.press("Approve write-notes").await;
    open(&mounted, 1).await;
    mounted.press("Edit Priority").await;
    let select = mounted.one(".field-editor select");
    assert_eq!(focused(), select.id());
    js_sys::Reflect::set(&select, &"value".into(), &"0".into()).unwrap();
    select
        .dispatch_event(&web_sys::Event::new("change").unwrap())
        .unwrap();
    mounted.press("Save Priority").await;
    assert_eq!(
        edits(&mounted),
        [NOTES.replace(r#""high""#, r#""low""#)],
        "the space after the first comma is still there"
    );
    assert_eq!(text(&mounted, ".value-chip"), "low");
    assert_eq!(
        text(&mounted, ".task-row .task-state"),
        "Ready",
        "the approval is withdrawn"
    );
    drawn().await;
    assert!(focused().starts_with("edit-"), "{}", focused());
}

#[wasm_bindgen_test]
async fn escape_restores_a_field_and_what_was_typed_survives_another_task() {
    let other = task("other", "Other");
    let mounted = reviewed(&[NOTES, &other]).await;
    open(&mounted, 1).await;
    mounted.press("Edit Labels 1").await;
    type_into(&mounted.one(".field-editor input"), "manual").await;
    let approve = mounted.button("Approve and next");
    assert_eq!(
        approve.get_attribute("aria-disabled").as_deref(),
        Some("true")
    );
    assert_eq!(
        text(&mounted, "#approve-why"),
        "Save or cancel what you typed first."
    );
    open(&mounted, 2).await;
    assert!(mounted.all(".field-editor").is_empty());
    mounted.press("Approve write-notes").await;
    assert!(
        !mounted.has_button("Undo approval of write-notes"),
        "a text is not saved"
    );
    open(&mounted, 1).await;
    let input = mounted.one(".field-editor input");
    let typed = js_sys::Reflect::get(&input, &"value".into()).unwrap();
    assert_eq!(typed.as_string().unwrap(), "manual");
    input.focus().unwrap();
    key("Escape").await;
    drawn().await;
    assert!(mounted.all(".field-editor").is_empty() && !mounted.all(".task-pane").is_empty());
    assert!(edits(&mounted).is_empty());
}

/// A task with a list of objects and a list of words.
const LISTS: &str = r#"{"key":"a", "title":"T","instructions":"Do it.","priority":"high","inputs":[{"name":"n","value":"v"}],"labels":["x" ,"y","z"]}"#;

/// What was announced last.
fn announced(mounted: &Mounted) -> String {
    mounted.page.announcement.get_untracked()
}

async fn choose(mounted: &Mounted, selector: &str, value: &str) {
    let select = mounted.one(selector);
    js_sys::Reflect::set(&select, &"value".into(), &value.into()).unwrap();
    select
        .dispatch_event(&web_sys::Event::new("change").unwrap())
        .unwrap();
    drawn().await;
}

#[wasm_bindgen_test]
async fn items_are_added_moved_and_removed_and_every_other_byte_stays() {
    let mounted = reviewed(&[LISTS]).await;
    open(&mounted, 1).await;
    mounted.press("Edit Labels").await;
    assert!(focused().starts_with("add-item-"), "{}", focused());
    mounted.press("Add item to Labels").await;
    assert_eq!(announced(&mounted), "Labels 4 added");
    assert_eq!(focused(), mounted.one(".field-editor input").id());
    type_into(&mounted.one(".field-editor input"), "new").await;
    mounted.press("Move up Labels 4").await;
    assert_eq!(announced(&mounted), "Labels 4 moved up");
    assert_eq!(focused(), mounted.button("Move up Labels 3").id());
    assert!(
        !mounted.has_button("Move down Labels 4"),
        "it is another item"
    );
    mounted.press("Save Labels 3").await;
    let with_item = |items: &str| LISTS.replace(r#""x" ,"y","z""#, items);
    assert_eq!(
        edits(&mounted),
        [
            with_item(r#""x" ,"y","z","""#),
            with_item(r#""x" ,"y","","z""#),
            with_item(r#""x" ,"y","new","z""#),
        ]
    );
    mounted.press("Edit Labels 1").await;
    assert!(
        !mounted.has_button("Move up Labels 1"),
        "it is the first one"
    );
    mounted.press("Remove Labels 1").await;
    assert_eq!(announced(&mounted), "Labels 1 removed");
    assert_eq!(focused(), mounted.one("[data-pointer='/labels/0']").id());
    assert_eq!(edits(&mounted).last(), Some(&with_item(r#""y","new","z""#)));
    key("Escape").await;
}

#[wasm_bindgen_test]
async fn an_item_that_is_an_object_begins_with_what_the_schema_requires() {
    let mounted = reviewed(&[LISTS]).await;
    open(&mounted, 1).await;
    mounted.press("Edit Inputs").await;
    mounted.press("Add item to Inputs").await;
    let first = mounted.one(".field-editor input");
    assert_eq!(first.get_attribute("aria-label").as_deref(), Some("Name"));
    assert_eq!(focused(), first.id());
    let added = LISTS.replace(r#""v"}"#, r#""v"}, {"name":"", "value":""}"#);
    assert_eq!(edits(&mounted), std::slice::from_ref(&added));
    mounted.press("Edit Inputs 2").await;
    mounted.press("Remove Inputs 2").await;
    assert_eq!(
        text(&mounted, ".field-tools > .field-error:not([hidden])"),
        "Save or cancel what you typed first."
    );
    mounted.press("Cancel editing Name").await;
    mounted.press("Remove Inputs 2").await;
    assert_eq!(edits(&mounted), [added, LISTS.to_owned()]);
}

#[wasm_bindgen_test]
async fn an_optional_field_is_added_from_the_list_and_removed_again() {
    let mounted = reviewed(&[LISTS]).await;
    open(&mounted, 1).await;
    mounted.press("Add field to Task").await;
    let select = mounted.one(".field-editor select");
    assert_eq!(focused(), select.id());
    mounted.press("Add the field to Task").await;
    assert!(text(&mounted, ".field-error:not([hidden])").contains("Choose a field."));
    let offered = select.text_content().unwrap();
    assert!(
        offered.contains("Due") && !offered.contains("Labels"),
        "{offered}"
    );
    choose(&mounted, ".field-editor select", "=due").await;
    mounted.press("Add the field to Task").await;
    assert_eq!(announced(&mounted), "Due added");
    let input = mounted.one(".field-editor input");
    assert_eq!(input.get_attribute("type").as_deref(), Some("date"));
    assert_eq!(focused(), input.id());
    type_into(&input, "2027-01-31").await;
    mounted.press("Save Due").await;
    let with_due = |due: &str| LISTS.replace(r#""z"]}"#, &format!(r#""z"],"due":"{due}"}}"#));
    assert_eq!(edits(&mounted), [with_due(""), with_due("2027-01-31")]);
    mounted.press("Edit Due").await;
    mounted.press("Remove Due").await;
    assert_eq!(edits(&mounted).last().unwrap(), LISTS);
    mounted.press("Edit Title").await;
    assert!(
        !mounted.has_button("Remove Title"),
        "a task must have a title"
    );
}

#[wasm_bindgen_test]
async fn any_value_is_edited_as_json_in_place_and_its_error_stands_there() {
    let mounted = reviewed(&[LISTS]).await;
    open(&mounted, 1).await;
    mounted.press("Edit Inputs").await;
    mounted.press("Edit Inputs as JSON").await;
    let area = mounted.one(".field-editor textarea");
    assert_eq!(focused(), area.id());
    let shown = js_sys::Reflect::get(&area, &"value".into()).unwrap();
    assert_eq!(shown.as_string().unwrap(), r#"[{"name":"n","value":"v"}]"#);
    type_into(&area, "[1,]").await;
    mounted.press("Save Inputs").await;
    assert!(text(&mounted, ".field-error:not([hidden])").contains("line 1, column 4"));
    assert_eq!(area.get_attribute("aria-invalid").as_deref(), Some("true"));
    type_into(&area, "[ 1 ]").await;
    mounted.press("Save Inputs").await;
    assert_eq!(
        edits(&mounted),
        [LISTS.replace(r#"[{"name":"n","value":"v"}]"#, "[ 1 ]")]
    );
    // What was typed into a field is taken along into its JSON text.
    mounted.press("Edit Instructions").await;
    type_into(&mounted.one(".field-editor input"), "Say \"hi\"").await;
    mounted.press("Edit Instructions as JSON").await;
    let area = mounted.one(".field-editor textarea");
    let shown = js_sys::Reflect::get(&area, &"value".into()).unwrap();
    assert_eq!(shown.as_string().unwrap(), r#""Say \"hi\"""#);
    area.focus().unwrap();
    key("Escape").await;
    assert_eq!(edits(&mounted).len(), 1);
}

#[wasm_bindgen_test]
async fn a_number_keeps_its_digits_and_what_is_no_number_is_not_saved() {
    let mounted = reviewed(&[r#"{"key":"a","title":"Title","amount":1.50}"#]).await;
    open(&mounted, 1).await;
    assert_eq!(field(&mounted, "/amount").replace("amount", ""), "1.50");
    mounted.press("Edit amount").await;
    type_into(&mounted.one(".field-editor input"), "1,75").await;
    mounted.press("Save amount").await;
    assert!(text(&mounted, ".field-error").contains("This is not a JSON number."));
    type_into(&mounted.one(".field-editor input"), "1.750").await;
    mounted.press("Save amount").await;
    assert_eq!(
        edits(&mounted),
        [r#"{"key":"a","title":"Title","amount":1.750}"#]
    );
}

#[wasm_bindgen_test]
async fn tasks_are_approved_one_after_the_other_by_keyboard() {
    let tasks = [
        task("one", "First"),
        task("two", "Second"),
        task("three", "Third"),
    ];
    let mounted = reviewed(&tasks.each_ref().map(String::as_str)).await;
    assert!(text(&mounted, ".read-count").contains("0 of 3 read"));
    open(&mounted, 1).await;
    assert_eq!(focused(), "task-title");
    key("j").await;
    assert_eq!(text(&mounted, "#task-title"), "Second");
    key("k").await;
    assert_eq!(text(&mounted, "#task-title"), "First");
    key("a").await;
    assert_eq!(text(&mounted, "#task-title"), "Second");
    assert_eq!(focused(), "task-title");
    assert!(text(&mounted, ".read-count").contains("2 of 3 read"));
    assert!(mounted.has_button("Approve 2 valid tasks, 1 not opened"));
    mounted.press("Approve and next").await;
    assert_eq!(text(&mounted, "#task-title"), "Third");
    mounted.press("Approve").await;
    assert_eq!(
        text(&mounted, "#task-title"),
        "Third",
        "no undecided task is left"
    );
    mounted.one("#task-title").focus().unwrap();
    key("u").await;
    assert!(mounted.has_button("Approve three"));
    key("r").await;
    drawn().await;
    assert_eq!(focused(), "reason");
    key("j").await;
    assert_eq!(
        text(&mounted, "#task-title"),
        "Third",
        "letters in a field are text"
    );
}

#[wasm_bindgen_test]
async fn the_shortcuts_are_listed_by_the_question_mark() {
    let mounted = reviewed(&[NOTES]).await;
    mounted.one("#task-1").focus().unwrap();
    key("?").await;
    drawn().await;
    assert!(text(&mounted, "dialog").contains("Keyboard shortcuts"));
    mounted.press("Close").await;
    open(&mounted, 1).await;
    key("?").await;
    assert_eq!(mounted.all("dialog").len(), 1);
}

#[wasm_bindgen_test]
async fn a_row_shows_priority_and_dependencies() {
    let mounted = reviewed(&[&task("collect", "Collect"), NOTES]).await;
    let row = mounted.all(".task-row")[1].text_content().unwrap();
    assert!(
        row.contains("high") && row.contains("after 2 tasks"),
        "{row}"
    );
}

#[wasm_bindgen_test]
async fn the_json_is_formatted_for_reading_and_reading_changes_nothing() {
    let mounted = reviewed(&[NOTES, WRONG]).await;
    open(&mounted, 1).await;
    mounted.press("JSON").await;
    assert_eq!(mounted.all(".json-lines li").len(), 13);
    open(&mounted, 2).await;
    mounted.press("JSON").await;
    let marked = text(&mounted, ".json-lines [data-state=invalid]");
    assert!(marked.contains("\"priority\": \"asap\""), "{marked}");
    assert!(edits(&mounted).is_empty());
    mounted.press("Exact text").await;
    drawn().await;
    assert_eq!(focused(), "json");
    assert!(mounted.all(".json-lines").is_empty());
}

#[wasm_bindgen_test]
async fn in_a_read_only_tab_no_field_can_be_edited() {
    let mounted = reviewed(&[NOTES]).await;
    mounted.page.is_read_only.set(true);
    open(&mounted, 1).await;
    assert!(!mounted.has_button("Edit Priority"));
    assert!(text(&mounted, "#edit-why").contains("read-only"));
    assert!(
        mounted.commands.events.borrow().is_empty(),
        "opening it is not noted either"
    );
}
