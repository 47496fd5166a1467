//! The review of tasks: the list, the open task, keyboard and focus.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod ui_support;

use leptos::prelude::*;
use taskwright::model::{GenerationOutcome, Stall};
use taskwright::run::{Event, JournalEntry, Mode};
use taskwright::settings::Api;
use ui_support::{Mounted, drawn, focused, key, mount_run, task, type_into};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

/// A run with these tasks whose generation is complete.
async fn reviewed(tasks: &[String]) -> Mounted {
    let mounted = mount_run(Mode::Live, &tasks.len().to_string());
    for task in tasks {
        mounted.commands.arrive(task);
    }
    mounted.commands.end(GenerationOutcome::Complete);
    drawn().await;
    mounted
}

fn two_valid_and_one_invalid() -> Vec<String> {
    vec![
        task("first", "Take a backup"),
        task("second", "Prove that it restores"),
        r#"{"key":"third","title":"Switch the reads","instructions":"x","priority":"asap"}"#
            .to_owned(),
    ]
}

fn keys_of_rows(mounted: &Mounted) -> Vec<String> {
    mounted
        .all(".task-row .task-key")
        .iter()
        .map(|key| key.text_content().unwrap())
        .collect()
}

#[wasm_bindgen_test]
async fn a_task_appears_while_the_response_arrives_and_cannot_be_approved_yet() {
    let mounted = mount_run(Mode::Live, "3");
    drawn().await;
    assert_eq!(
        mounted.one(".stream-line .count").text_content().unwrap(),
        "0 of 3"
    );
    mounted.commands.arrive(&task("first", "Take a backup"));
    drawn().await;
    assert_eq!(
        mounted.one(".stream-line .count").text_content().unwrap(),
        "1 of 3"
    );
    assert_eq!(keys_of_rows(&mounted), ["first"]);
    assert!(!mounted.has_button("Approve first"));
    mounted.press("Stop generating").await;
    assert_eq!(*mounted.commands.events.borrow(), [Event::StopGeneration]);
    mounted.commands.end(GenerationOutcome::Complete);
    drawn().await;
    assert!(mounted.has_button("Approve first"));
}

#[wasm_bindgen_test]
async fn text_of_the_model_is_never_rendered_as_markup() {
    let title = "<img src=x onerror=alert(1)><b>bold</b>";
    let mounted = reviewed(&[task("first", title)]).await;
    assert_eq!(mounted.one(".task-title").text_content().unwrap(), title);
    mounted.one(".task-open").click();
    drawn().await;
    assert_eq!(mounted.one("#task-title").text_content().unwrap(), title);
    assert!(mounted.all("img").is_empty());
}

#[wasm_bindgen_test]
async fn approve_all_approves_the_valid_tasks_and_undo_reverts_exactly_those() {
    let mounted = reviewed(&two_valid_and_one_invalid()).await;
    mounted.press("Approve first").await;
    mounted.commands.events.borrow_mut().clear();
    mounted.press("Approve 1 valid task, 1 not opened").await;
    assert!(mounted.has_button("Undo approval of second"));
    mounted.press("Undo").await;
    let events = mounted.commands.events.borrow().clone();
    let [
        Event::Approve { drafts: approved },
        Event::UndoDecisions { drafts: undone },
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(approved, undone);
    assert_eq!(
        approved.iter().map(|id| id.ordinal).collect::<Vec<_>>(),
        [2]
    );
    assert!(mounted.has_button("Undo approval of first") && mounted.has_button("Approve second"));
}

#[wasm_bindgen_test]
async fn an_invalid_task_shows_its_violations_and_cannot_be_approved() {
    let mounted = reviewed(&two_valid_and_one_invalid()).await;
    assert!(!mounted.has_button("Approve third"));
    mounted.all(".task-open")[2].click();
    drawn().await;
    let violation = mounted.one(".violation").text_content().unwrap();
    assert!(
        violation.contains("/priority") && violation.contains("enum"),
        "{violation}"
    );
    mounted.commands.events.borrow_mut().clear();
    let approve = mounted.button("Approve and next");
    assert_eq!(
        approve.get_attribute("aria-disabled").as_deref(),
        Some("true")
    );
    approve.click();
    drawn().await;
    assert!(mounted.commands.events.borrow().is_empty());
}

#[wasm_bindgen_test]
async fn every_keystroke_is_checked_as_an_edit_and_withdraws_the_approval() {
    let mounted = reviewed(&two_valid_and_one_invalid()).await;
    mounted.press("Approve first").await;
    mounted.all(".task-open")[0].click();
    drawn().await;
    mounted.press("JSON").await;
    mounted.press("Exact text").await;
    let editor = mounted.one("#json");
    type_into(&editor, "{\n  \"key\": ").await;
    let found = mounted.one(".violation").text_content().unwrap();
    assert!(found.contains("Line 2, column 10"), "{found}");
    let text =
        "{\"key\":\"first\",\"title\":\"Take it\",\"instructions\":\"x\",\"priority\":\"low\"}\n";
    type_into(&editor, text).await;
    assert!(mounted.all(".violation").is_empty());
    assert_eq!(
        editor
            .unchecked_ref::<web_sys::HtmlTextAreaElement>()
            .value(),
        text,
        "trailing whitespace stays while typing"
    );
    assert_eq!(
        mounted.one(".task-row .task-state").text_content().unwrap(),
        "Ready"
    );
    mounted.press("Restore original text").await;
    assert_eq!(
        editor
            .unchecked_ref::<web_sys::HtmlTextAreaElement>()
            .value(),
        task("first", "Take a backup")
    );
    assert_eq!(focused(), "json");
}

#[wasm_bindgen_test]
async fn changes_are_shown_line_by_line() {
    let mounted = reviewed(&two_valid_and_one_invalid()).await;
    mounted.all(".task-open")[2].click();
    drawn().await;
    let fixed =
        r#"{"key":"third","title":"Switch the reads","instructions":"x","priority":"high"}"#;
    type_into(&mounted.one("#json"), fixed).await;
    mounted.press("Changes").await;
    assert_eq!(
        mounted.one("del").text_content().unwrap(),
        "  \"priority\": \"asap\""
    );
    assert_eq!(
        mounted.one("ins").text_content().unwrap(),
        "  \"priority\": \"high\""
    );
}

#[wasm_bindgen_test]
async fn the_list_can_be_used_by_keyboard() {
    let mounted = reviewed(&two_valid_and_one_invalid()).await;
    mounted.one("#task-1").focus().unwrap();
    key("j").await;
    assert_eq!(focused(), "task-2");
    key("a").await;
    assert!(mounted.has_button("Undo approval of second"));
    assert_eq!(focused(), "task-2");
    key("ArrowDown").await;
    key("r").await;
    assert!(mounted.has_button("Undo rejection of third"));
    key("Home").await;
    assert_eq!(focused(), "task-1");
    key("e").await;
    drawn().await;
    assert_eq!(focused(), "json");
    key("Escape").await;
    drawn().await;
    assert!(mounted.all(".task-pane").is_empty());
    assert_eq!(focused(), "task-1");
    key("/").await;
    assert_eq!(focused(), "search");
}

#[wasm_bindgen_test]
async fn letters_typed_in_a_field_are_not_shortcuts() {
    let mounted = reviewed(&two_valid_and_one_invalid()).await;
    mounted.one("#search").focus().unwrap();
    key("a").await;
    key("r").await;
    assert!(mounted.commands.events.borrow().is_empty());
}

#[wasm_bindgen_test]
async fn an_empty_list_names_filter_and_search() {
    let mounted = reviewed(&two_valid_and_one_invalid()).await;
    mounted.press("Invalid 1").await;
    assert_eq!(keys_of_rows(&mounted), ["third"]);
    type_into(&mounted.one("#search"), "backup").await;
    let empty = mounted.one(".empty").text_content().unwrap();
    assert!(
        empty.contains("None of the 3 tasks is invalid and contains “backup”."),
        "{empty}"
    );
    mounted.press("Show all 3 tasks").await;
    assert_eq!(keys_of_rows(&mounted).len(), 3);
}

#[wasm_bindgen_test]
async fn when_the_focused_row_leaves_the_list_the_next_row_gets_the_focus() {
    let mounted = reviewed(&two_valid_and_one_invalid()).await;
    mounted.press("Ready 2").await;
    mounted.one("#task-1").focus().unwrap();
    key("a").await;
    drawn().await;
    assert_eq!(keys_of_rows(&mounted), ["second"]);
    assert_eq!(focused(), "task-2");
}

#[wasm_bindgen_test]
async fn a_changed_draft_updates_only_its_own_row() {
    let mounted = reviewed(&two_valid_and_one_invalid()).await;
    let changes = ui_support::Changes::watch(&mounted.one(".task-list"));
    mounted.press("Approve second").await;
    let rows: Vec<String> = changes
        .taken()
        .iter()
        .filter_map(|element| element.closest(".task-row").unwrap())
        .map(|row| row.get_attribute("aria-posinset").unwrap())
        .collect();
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| row == "2"), "{rows:?}");
}

#[wasm_bindgen_test]
async fn of_two_thousand_tasks_only_those_in_view_are_drawn() {
    let mounted = mount_run(Mode::Live, "500");
    for at in 0..2_000 {
        mounted
            .commands
            .arrive(&task(&format!("task-{at}"), "Do one of many things"));
    }
    mounted.commands.end(GenerationOutcome::Complete);
    drawn().await;
    let list = mounted.one(".task-list");
    // Without the page's style sheets the list would be as tall as all its rows.
    list.set_class_name("task-list");
    let style: web_sys::Element = document().create_element("style").unwrap();
    style.set_text_content(Some(
        ".task-list { height: 400px; overflow: auto } .task-row { height: 40px; overflow: hidden }",
    ));
    list.parent_element().unwrap().append_child(&style).unwrap();
    for _ in 0..5 {
        drawn().await;
    }
    let drawn_rows = mounted.all(".task-row").len();
    assert!((10..100).contains(&drawn_rows), "{drawn_rows} rows");
    list.set_scroll_top(40 * 1_500);
    for _ in 0..5 {
        drawn().await;
    }
    let first = mounted
        .one(".task-row")
        .get_attribute("aria-posinset")
        .unwrap();
    let first: usize = first.parse().unwrap();
    assert!((1_480..=1_501).contains(&first), "{first}");
    assert_eq!(
        mounted
            .one(".task-row")
            .get_attribute("aria-setsize")
            .as_deref(),
        Some("2000")
    );
}

#[wasm_bindgen_test]
async fn tasks_of_a_cut_off_response_can_be_approved_only_after_it_is_accepted() {
    let mounted = mount_run(Mode::Live, "3");
    mounted.commands.arrive(&task("first", "Take a backup"));
    mounted
        .commands
        .end(GenerationOutcome::cut_off(Api::ChatCompletions));
    drawn().await;
    let banner = mounted.one(".banner").text_content().unwrap();
    assert!(banner.contains("Cut off after 1 of 3 tasks"), "{banner}");
    assert!(banner.contains("max_completion_tokens"), "{banner}");
    assert!(banner.contains("Raw response, 10 characters"), "{banner}");
    assert!(!mounted.has_button("Approve first"));
    mounted.press("Accept partial response (1 task)").await;
    let events = mounted.commands.events.borrow().clone();
    assert_eq!(
        events,
        [Event::AcceptPartial {
            outcome: "cut_off".to_owned()
        }]
    );
    assert!(mounted.has_button("Approve first"));
}

#[wasm_bindgen_test]
async fn every_outcome_shows_what_happened_and_what_to_do() {
    for (outcome, text) in [
        (
            GenerationOutcome::Refused {
                text: "I cannot.".to_owned(),
            },
            "I cannot.",
        ),
        (GenerationOutcome::Filtered, "content filter"),
        (
            GenerationOutcome::Interrupted { reason: None },
            "interrupted after 0 of 3 tasks",
        ),
        (
            GenerationOutcome::Stalled(Stall::Idle),
            "The stream stalled",
        ),
        (GenerationOutcome::Cancelled, "Cancelled after 0 of 3 tasks"),
        (
            // A failure that is not retried automatically.
            GenerationOutcome::Failed(Box::new(taskwright::model::Failure::not_configured())),
            "configured",
        ),
    ] {
        let mounted = mount_run(Mode::Live, "3");
        let hint = outcome.hint();
        mounted.commands.end(outcome);
        drawn().await;
        let banner = mounted.one(".banner").text_content().unwrap();
        assert!(banner.contains(text) && banner.contains(&hint), "{banner}");
        assert!(mounted.has_button("Generate again"));
    }
}

#[wasm_bindgen_test]
async fn a_rejection_is_sent_with_its_reason_and_shows_it() {
    let mounted = reviewed(&two_valid_and_one_invalid()).await;
    mounted.all(".task-open")[0].click();
    drawn().await;
    mounted.commands.events.borrow_mut().clear();
    mounted.press("Reject…").await;
    assert_eq!(focused(), "reason");
    type_into(&mounted.one("#reason"), " Too vague ").await;
    mounted.press("Reject task").await;
    let events = mounted.commands.events.borrow().clone();
    assert!(
        matches!(&events[..], [Event::Reject { reason, .. }] if reason == "Too vague"),
        "{events:?}"
    );
    let decisions: Vec<String> = mounted
        .all(".decisions")
        .iter()
        .filter_map(|group| group.text_content())
        .collect();
    let is_shown = |group: &String| group.contains("Rejected: Too vague");
    assert!(decisions.iter().any(is_shown), "{decisions:?}");
}

#[wasm_bindgen_test]
async fn only_pressing_the_confirmation_posts_and_it_posts_the_shown_digest() {
    let mounted = reviewed(&two_valid_and_one_invalid()).await;
    mounted.press("Approve 2 valid tasks, 2 not opened").await;
    mounted.commands.events.borrow_mut().clear();
    mounted.press("Post 2 tasks to localhost:8080…").await;
    let dialog = mounted.one("dialog").text_content().unwrap();
    assert!(dialog.contains("http://localhost:8080/tasks"), "{dialog}");
    assert!(dialog.contains("Not entered yet"), "{dialog}");
    assert!(mounted.commands.events.borrow().is_empty());
    let digest = mounted.page.confirmation.get_untracked().unwrap().digest;
    assert!(dialog.contains(&digest));
    mounted.one("dialog button[type=submit]").click();
    drawn().await;
    assert_eq!(*mounted.commands.events.borrow(), [Event::Post { digest }]);
    assert!(mounted.all("dialog").is_empty());
}

#[wasm_bindgen_test]
async fn an_unconfirmed_task_is_decided_by_the_operator_and_never_resent_blindly() {
    let mounted = reviewed(&[task("first", "Take a backup")]).await;
    mounted.press("Approve 1 valid task, 1 not opened").await;
    let confirmation = mounted.page.confirmation.get_untracked().unwrap();
    let draft = confirmation.order[0].clone();
    mounted.commands.apply(Event::Post {
        digest: confirmation.digest,
    });
    let approved = mounted.page.draft_untracked(&draft).unwrap();
    mounted.commands.apply(Event::Journaled(JournalEntry {
        draft: draft.clone(),
        attempt: 1,
        digest: approved.approval().unwrap().digest.clone(),
    }));
    drawn().await;
    assert!(mounted.has_button("Pause posting"));
    mounted.commands.apply(Event::AttemptEnded {
        draft: draft.clone(),
        attempt: 1,
        outcome: taskwright::delivery::DeliveryOutcome::Unconfirmed {
            status: None,
            cause: taskwright::delivery::UnconfirmedCause::NoResponse,
            message: "Failed to fetch".to_owned(),
        },
    });
    drawn().await;
    mounted.one(".task-open").click();
    drawn().await;
    let delivery = mounted.one("#panel-delivery").text_content().unwrap();
    assert!(
        delivery.contains("Unconfirmed: no readable response"),
        "{delivery}"
    );
    assert!(delivery.contains("Failed to fetch"), "{delivery}");
    assert!(
        delivery.contains("the server may hold this task more than once"),
        "{delivery}"
    );
    assert!(!mounted.has_button("Resend with the same idempotency key"));
    assert!(!mounted.has_button("Resend first"));
    assert!(
        mounted.one("#json").has_attribute("readonly"),
        "a task that may have been sent cannot be edited"
    );
    mounted.commands.events.borrow_mut().clear();
    mounted.press("Mark as delivered").await;
    assert_eq!(
        *mounted.commands.events.borrow(),
        [Event::Decide {
            draft,
            delivered: true
        }]
    );
    assert_eq!(
        mounted.one(".task-row .task-state").text_content().unwrap(),
        "Delivered"
    );
}
