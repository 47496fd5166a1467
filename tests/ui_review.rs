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
use ui_support::{Mounted, Styles, drawn, focused, key, mount_run, start_run, task, type_into};
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
    let [Event::Approve { drafts: approved }, Event::Undo] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(
        approved.iter().map(|id| id.ordinal).collect::<Vec<_>>(),
        [2]
    );
    assert!(mounted.has_button("Undo approval of first") && mounted.has_button("Approve second"));
}

#[wasm_bindgen_test]
async fn a_deleted_task_leaves_the_page_and_undo_brings_it_back() {
    let mounted = reviewed(&two_valid_and_one_invalid()).await;
    assert!(!mounted.has_button("Undo") && !mounted.has_button("Redo"));
    mounted.one(".task-open").click();
    drawn().await;
    mounted.press("Delete task").await;
    assert_eq!(keys_of_rows(&mounted), ["second", "third"]);
    assert!(mounted.all("#task-title").is_empty());
    let heading = mounted.one(".tasks-pane .pane-head h2");
    assert_eq!(heading.text_content().unwrap(), "2 tasks");
    mounted.press("Undo: 1 task deleted").await;
    assert_eq!(keys_of_rows(&mounted), ["first", "second", "third"]);
    assert!(mounted.has_button("Redo: 1 task deleted"));
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

/// A run with this number of tasks, and the style sheets that give rows their height.
async fn long_list(count: usize) -> (Styles, Mounted) {
    let styles = Styles::apply();
    let mounted = mount_run(Mode::Live, "500");
    for at in 0..count {
        mounted
            .commands
            .arrive(&task(&format!("task-{at}"), "Do one of many things"));
    }
    mounted.commands.end(GenerationOutcome::Complete);
    // A narrow window shows one pane.
    mounted.one(".view-switch > .tab:last-child").click();
    for _ in 0..5 {
        drawn().await;
    }
    (styles, mounted)
}

async fn scroll(list: &web_sys::HtmlElement, top: i32) {
    list.set_scroll_top(top);
    for _ in 0..5 {
        drawn().await;
    }
}

fn places(mounted: &Mounted) -> Vec<usize> {
    let rows = mounted.all(".task-row");
    let places = rows.iter().map(|row| row.get_attribute("aria-posinset"));
    places
        .map(|place| place.unwrap().parse().unwrap())
        .collect()
}

#[wasm_bindgen_test]
async fn of_two_thousand_tasks_only_those_in_view_are_drawn_each_with_its_place() {
    let (_styles, mounted) = long_list(2_000).await;
    let drawn_rows = places(&mounted);
    assert!((10..100).contains(&drawn_rows.len()), "{drawn_rows:?}");
    let list = mounted.one(".task-list");
    let row = mounted.one(".task-row").get_bounding_client_rect().height();
    scroll(&list, (row * 1_500.0) as i32).await;
    let drawn_rows = places(&mounted);
    assert!(drawn_rows.len() < 100, "{drawn_rows:?}");
    assert!(drawn_rows.is_sorted(), "{drawn_rows:?}");
    assert!(
        drawn_rows.contains(&1_501) && drawn_rows[0] >= 1_480,
        "{drawn_rows:?}"
    );
    let row = mounted
        .one("#task-1501")
        .closest(".task-row")
        .unwrap()
        .unwrap();
    assert_eq!(row.get_attribute("aria-setsize").as_deref(), Some("2000"));
    let top = row.get_bounding_client_rect().top();
    let list_top = list.get_bounding_client_rect().top();
    assert!(
        (top - list_top).abs() < 2.0,
        "the row is where it was scrolled to: {top}"
    );
}

#[wasm_bindgen_test]
async fn the_row_with_the_focus_stays_in_the_document_while_the_list_is_scrolled() {
    let (_styles, mounted) = long_list(1_000).await;
    let focused_row = mounted.one("#task-3");
    focused_row.focus().unwrap();
    drawn().await;
    let list = mounted.one(".task-list");
    let changes = ui_support::Changes::watch(&mounted.one("#task-3"));
    for top in [5_000, 30_000, 20_000, 400, 0] {
        scroll(&list, top).await;
        assert!(
            focused_row.is_connected() && focused() == "task-3",
            "at {top}"
        );
        assert!(places(&mounted).is_sorted(), "in order at {top}");
    }
    assert!(
        changes.taken().is_empty(),
        "it is the same row all the time"
    );
    mounted.one("#task-1").focus().unwrap();
    scroll(&list, 30_000).await;
    mounted.one("#search").focus().unwrap();
    drawn().await;
    drawn().await;
    assert!(
        !places(&mounted).contains(&1),
        "without the focus it is not drawn"
    );
}

#[wasm_bindgen_test]
async fn keys_lead_to_rows_that_are_not_drawn() {
    let (_styles, mounted) = long_list(1_000).await;
    let list = mounted.one(".task-list");
    mounted.one("#task-1").focus().unwrap();
    let expect = async |pressed: &str, row: &str| {
        key(pressed).await;
        for _ in 0..4 {
            drawn().await;
        }
        assert_eq!(focused(), row, "after {pressed}");
        let row = mounted.one(&format!("#{row}")).get_bounding_client_rect();
        let list = list.get_bounding_client_rect();
        assert!(
            row.top() >= list.top() - 1.0 && row.bottom() <= list.bottom() + 1.0,
            "in sight after {pressed}"
        );
    };
    expect("End", "task-1000").await;
    expect("k", "task-999").await;
    expect("Home", "task-1").await;
    key("PageDown").await;
    for _ in 0..4 {
        drawn().await;
    }
    let after_page: usize = focused().trim_start_matches("task-").parse().unwrap();
    let fit = list.get_bounding_client_rect().height()
        / mounted.one(".task-row").get_bounding_client_rect().height();
    assert_eq!(
        after_page, fit as usize,
        "one less than fit, after the first"
    );
    expect("PageUp", "task-1").await;
}

#[wasm_bindgen_test]
async fn a_row_is_one_tab_stop_and_the_arrow_keys_lead_to_its_buttons() {
    let mounted = reviewed(&two_valid_and_one_invalid()).await;
    let stops = mounted.all(".task-row button:not([tabindex='-1'])");
    assert_eq!(stops.len(), mounted.all(".task-row").len());
    let name = || {
        document()
            .active_element()
            .unwrap()
            .get_attribute("aria-label")
    };
    mounted.one("#task-1").focus().unwrap();
    key("ArrowRight").await;
    assert_eq!(name().as_deref(), Some("Approve first"));
    key("ArrowRight").await;
    assert_eq!(name().as_deref(), Some("Reject first"));
    key("ArrowRight").await;
    assert_eq!(name().as_deref(), Some("Reject first"));
    key("ArrowLeft").await;
    key("ArrowLeft").await;
    assert_eq!(focused(), "task-1");
}

/// Tasks with priorities, labels and dependencies.
fn varied() -> Vec<String> {
    [
        ("deploy", "Deploy", "high", "ops", "test"),
        ("build", "build the parts", "low", "dev", ""),
        ("test", "Check them", "high", "dev", "build"),
        ("write", "Announce it", "normal", "docs", ""),
    ]
    .map(|(key, title, priority, label, after)| {
        let after = if after.is_empty() { String::new() } else { format!("\"{after}\"") };
        format!(
            r#"{{"key":"{key}","title":"{title}","instructions":"x","priority":"{priority}","labels":["{label}"],"depends_on":[{after}]}}"#
        )
    })
    .to_vec()
}

async fn choose(mounted: &Mounted, id: &str, value: &str) {
    let select: web_sys::HtmlSelectElement = mounted.one(&format!("#{id}")).unchecked_into();
    select.set_value(value);
    let event = web_sys::Event::new("change").unwrap();
    select.dispatch_event(&event).unwrap();
    drawn().await;
    drawn().await;
}

fn shown(mounted: &Mounted) -> String {
    mounted.one(".shown > p").text_content().unwrap()
}

#[wasm_bindgen_test]
async fn filters_combine_and_the_page_says_what_they_hide() {
    let mounted = reviewed(&varied()).await;
    assert_eq!(shown(&mounted), "");
    mounted.press("Filter and sort").await;
    choose(&mounted, "filter-priority", "high").await;
    assert_eq!(keys_of_rows(&mounted), ["deploy", "test"]);
    assert_eq!(shown(&mounted), "2 of 4 shown");
    choose(&mounted, "filter-label", "dev").await;
    assert_eq!(keys_of_rows(&mounted), ["test"]);
    assert!(mounted.has_button("Filter and sort (2)"));
    choose(&mounted, "filter-dependencies", "no").await;
    let empty = mounted.one(".empty").text_content().unwrap();
    assert!(
        empty.contains("has the priority “high”, has the label “dev” and depends on no other task"),
        "{empty}"
    );
    choose(&mounted, "filter-dependencies", "").await;
    mounted.press("Clear filters").await;
    assert_eq!(keys_of_rows(&mounted).len(), 4);
    assert_eq!(focused(), "search");
    assert!(mounted.has_button("Filter and sort"));
    type_into(&mounted.one("#search"), "PARTS build").await;
    assert_eq!(keys_of_rows(&mounted), ["build"]);
}

#[wasm_bindgen_test]
async fn an_action_on_several_tasks_is_about_the_tasks_that_are_shown_and_says_so() {
    let mounted = reviewed(&varied()).await;
    assert!(mounted.has_button("Approve 4 valid tasks, 4 not opened"));
    type_into(&mounted.one("#search"), "high").await;
    mounted.commands.events.borrow_mut().clear();
    mounted
        .press("Approve 2 shown valid tasks, 2 not opened")
        .await;
    let events = mounted.commands.events.borrow().clone();
    let [Event::Approve { drafts }] = &events[..] else {
        panic!("{events:?}");
    };
    let ordinals: Vec<u32> = drafts.iter().map(|id| id.ordinal).collect();
    assert_eq!(ordinals, [1, 3]);
    mounted.press("Clear filters").await;
    assert!(mounted.has_button("Approve 2 valid tasks, 2 not opened"));
}

#[wasm_bindgen_test]
async fn a_sorted_list_moves_no_task_until_the_operator_sorts_again() {
    let mounted = reviewed(&varied()).await;
    mounted.press("Filter and sort").await;
    choose(&mounted, "sort-by", "1").await;
    assert_eq!(keys_of_rows(&mounted), ["write", "build", "test", "deploy"]);
    // By state.
    choose(&mounted, "sort-by", "3").await;
    assert_eq!(keys_of_rows(&mounted), ["deploy", "build", "test", "write"]);
    assert!(!mounted.has_button("Sort again"));
    mounted.press("Approve deploy").await;
    drawn().await;
    assert_eq!(keys_of_rows(&mounted), ["deploy", "build", "test", "write"]);
    mounted.press("Sort again").await;
    drawn().await;
    assert_eq!(keys_of_rows(&mounted), ["build", "test", "write", "deploy"]);
    assert!(!mounted.has_button("Sort again"));
}

#[wasm_bindgen_test]
async fn the_list_can_be_grouped_by_dependency_layer_and_the_next_task_follows_it() {
    let mounted = reviewed(&varied()).await;
    mounted.press("Filter and sort").await;
    mounted.one("#list-options input[type=checkbox]").click();
    drawn().await;
    drawn().await;
    assert_eq!(keys_of_rows(&mounted), ["build", "write", "test", "deploy"]);
    let groups: Vec<String> = mounted
        .all(".list-group")
        .iter()
        .map(|group| group.text_content().unwrap())
        .collect();
    assert_eq!(
        groups,
        [
            "Layer 1: no dependencies2 tasks",
            "Layer 2: after layer 11 task",
            "Layer 3: after layer 21 task"
        ]
    );
    mounted.one("#task-4").click();
    drawn().await;
    mounted.press("Approve and next").await;
    let title = mounted.one("#task-title").text_content().unwrap();
    assert_eq!(title, "Check them");
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

#[wasm_bindgen_test]
async fn actions_are_about_the_selected_tasks_while_any_is_selected() {
    let mounted = reviewed(&varied()).await;
    let select = |name: &str| {
        let boxes = mounted.all(".task-select");
        let named = |input: &&web_sys::HtmlElement| {
            input.get_attribute("aria-label").as_deref() == Some(&format!("Select {name}"))
        };
        boxes.iter().find(named).unwrap().click();
    };
    select("Deploy");
    drawn().await;
    assert!(mounted.has_button("Approve 1 selected valid task, 1 not opened"));
    mounted.one("#task-3").focus().unwrap();
    key("x").await;
    drawn().await;
    assert!(mounted.has_button("Approve 2 selected valid tasks, 2 not opened"));
    // What is filtered out is not meant.
    type_into(&mounted.one("#search"), "deploy").await;
    assert!(mounted.has_button("Approve 1 selected valid task, 1 not opened"));
    type_into(&mounted.one("#search"), "").await;
    mounted.commands.events.borrow_mut().clear();
    mounted.press("Reject 2 selected tasks…").await;
    type_into(&mounted.one("#reject-reason"), "Too vague").await;
    mounted.press("Reject 2 tasks").await;
    let events = mounted.commands.events.borrow().clone();
    let [Event::Reject { drafts, reason }] = &events[..] else {
        panic!("{events:?}");
    };
    let ordinals: Vec<u32> = drafts.iter().map(|id| id.ordinal).collect();
    assert_eq!((ordinals, reason.as_str()), (vec![1, 3], "Too vague"));
    mounted.press("Clear selection").await;
    assert!(!mounted.has_button("Reject 2 selected tasks…"));
    assert!(mounted.has_button("Approve 2 valid tasks, 2 not opened"));
}

#[wasm_bindgen_test]
async fn the_brief_is_folded_while_a_task_is_open_unless_the_operator_unfolds_it() {
    let mounted = reviewed(&varied()).await;
    let app = mounted.one(".app");
    let is_folded = || app.get_attribute("data-brief").is_some();
    assert!(!is_folded());
    mounted.one("#task-1").click();
    drawn().await;
    assert!(is_folded());
    let fold = mounted.one(".brief-fold");
    assert_eq!(
        fold.get_attribute("aria-expanded").as_deref(),
        Some("false")
    );
    fold.click();
    drawn().await;
    assert!(!is_folded());
    mounted.one("#task-2").click();
    drawn().await;
    assert!(!is_folded(), "it stays as the operator chose");
    fold.click();
    drawn().await;
    assert!(is_folded());
}

#[wasm_bindgen_test]
async fn a_list_is_replaced_by_that_of_the_next_run() {
    let mounted = reviewed(&varied()).await;
    assert_eq!(keys_of_rows(&mounted).len(), 4);
    // As when the run is archived.
    mounted.page.show(None);
    drawn().await;
    assert!(keys_of_rows(&mounted).is_empty());
    start_run(&mounted, 8, Mode::Live, "1");
    mounted.commands.arrive(&task("other", "Another task"));
    drawn().await;
    assert_eq!(keys_of_rows(&mounted), ["other"]);
    // As when the next is generated while one is there.
    start_run(&mounted, 9, Mode::Live, "1");
    mounted.commands.arrive(&task("third", "A third task"));
    drawn().await;
    assert_eq!(keys_of_rows(&mounted), ["third"]);
}

#[wasm_bindgen_test]
async fn the_export_is_about_the_shown_or_selected_tasks_in_the_order_of_the_list() {
    let mounted = reviewed(&varied()).await;
    let saved = || mounted.commands.given.borrow().last().cloned();
    mounted.press("Export tasks…").await;
    assert_eq!(
        mounted.one("dialog h2").text_content().unwrap(),
        "Export 4 tasks"
    );
    mounted.press("Save file").await;
    assert_eq!(saved().as_deref(), Some("save tasks [1, 2, 3, 4] json"));
    mounted.press("Close").await;
    mounted.press("Filter and sort").await;
    choose(&mounted, "sort-by", "1").await;
    type_into(&mounted.one("#search"), "high").await;
    mounted.press("Export tasks…").await;
    assert_eq!(
        mounted.one("dialog h2").text_content().unwrap(),
        "Export 2 shown tasks"
    );
    mounted.all("dialog input[type=radio]")[3].click();
    mounted.press("Save file").await;
    assert_eq!(saved().as_deref(), Some("save tasks [3, 1] md"));
}
