//! The page with its style sheets: what scrolls, what is visible, and where errors are shown.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod ui_support;

use leptos::prelude::*;
use taskwright::delivery::{DeliveryOutcome, Reason};
use taskwright::model::GenerationOutcome;
use taskwright::run::{Event, JournalEntry, Mode};
use taskwright::ui::page::{Models, Problem};
use ui_support::{Mounted, Styles, drawn, focused, mount, mount_run, task, type_into};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{DomRect, HtmlElement};

wasm_bindgen_test_configure!(run_in_browser);

fn rect(element: &HtmlElement) -> DomRect {
    element.get_bounding_client_rect()
}

/// Whether an element is inside the visible part of another one, to a pixel.
fn is_within(inner: &HtmlElement, outer: &HtmlElement) -> bool {
    let (inner, outer) = (rect(inner), rect(outer));
    inner.top() >= outer.top() - 1.0 && inner.bottom() <= outer.bottom() + 1.0
}

fn problem(what: &str) -> Problem {
    Problem {
        code: "test".to_owned(),
        what: what.to_owned(),
        hint: "Correct it.".to_owned(),
    }
}

/// The settings with a schema of one's own, whose field makes the dialog longer than the window.
async fn open_settings(mounted: &Mounted) {
    drawn().await;
    mounted.press("Settings").await;
    let radios = mounted.all("dialog input[type=radio]");
    radios.last().unwrap().click();
    drawn().await;
    let long = "{\n".to_owned() + &"  \"description\": \"a line\",\n".repeat(40);
    type_into(&mounted.one("#schema-text"), &long).await;
}

/// Fails if the dialog itself is scrolled or its head and foot are not at its edges.
fn expect_whole(mounted: &Mounted, after: &str) {
    let dialog = mounted.one("dialog");
    assert_eq!(dialog.scroll_top(), 0, "the dialog scrolls {after}");
    let (frame, head, foot) = (
        rect(&dialog),
        rect(&mounted.one(".dialog-head")),
        rect(&mounted.one(".dialog-foot")),
    );
    assert!((head.top() - frame.top()).abs() < 2.0, "head {after}");
    assert!(
        (foot.bottom() - frame.bottom()).abs() < 2.0,
        "foot {after}: {} of {}",
        foot.bottom(),
        frame.bottom()
    );
}

#[wasm_bindgen_test]
async fn choosing_any_option_of_the_settings_scrolls_their_body_and_never_the_dialog() {
    let _styles = Styles::apply();
    let mounted = mount();
    open_settings(&mounted).await;
    expect_whole(&mounted, "after opening");
    let body = mounted.one(".dialog-body");
    for radio in mounted.all("dialog input[type=radio]") {
        for top in [0, 300, 10_000] {
            // An element that has the focus is not scrolled to again.
            radio.blur().unwrap();
            body.set_scroll_top(top);
            radio.focus().unwrap();
            radio.click();
            drawn().await;
            expect_whole(&mounted, &format!("after a choice at {top}"));
            assert!(
                is_within(&radio, &body),
                "the focused option is out of sight"
            );
        }
    }
}

#[wasm_bindgen_test]
async fn an_error_of_the_settings_gets_the_focus_and_is_in_sight_wherever_it_is() {
    let _styles = Styles::apply();
    let mounted = mount();
    open_settings(&mounted).await;
    let body = mounted.one(".dialog-body");

    // At the top, below the head.
    body.set_scroll_top(10_000);
    type_into(&mounted.one("#base"), "http://model.example.com/v1").await;
    type_into(&mounted.one("#schema-text"), "{}").await;
    mounted.press("Save settings").await;
    assert_eq!(focused(), "base");
    assert!(is_within(&mounted.one("#base"), &body));
    assert!(is_within(&mounted.one("#base-error"), &body));

    // In a closed group.
    type_into(&mounted.one("#base"), "https://model.example.com/v1").await;
    type_into(&mounted.one("#cost-limit"), "much").await;
    mounted
        .one("dialog details")
        .remove_attribute("open")
        .unwrap();
    body.set_scroll_top(10_000);
    mounted.press("Save settings").await;
    assert_eq!(focused(), "cost-limit");
    assert!(is_within(&mounted.one("#cost-limit-error"), &body));

    // At the bottom, above the foot.
    type_into(&mounted.one("#cost-limit"), "").await;
    let long = "{\n".to_owned() + &"  \"description\": \"a line\",\n".repeat(40);
    type_into(&mounted.one("#schema-text"), &long).await;
    body.set_scroll_top(0);
    mounted.press("Save settings").await;
    assert_eq!(focused(), "schema-text");
    assert!(is_within(&mounted.one("#schema-text-error"), &body));
}

#[wasm_bindgen_test]
async fn settings_that_the_application_refuses_show_the_reason_in_sight() {
    let _styles = Styles::apply();
    let mounted = mount();
    open_settings(&mounted).await;
    type_into(&mounted.one("#schema-text"), r#"{"type":"object"}"#).await;
    let body = mounted.one(".dialog-body");
    body.set_scroll_top(10_000);
    mounted
        .page
        .settings_problem
        .set(Some(problem("The schema refers to another document")));
    mounted.press("Save settings").await;
    let panel = mounted.one("dialog .problem");
    assert!(is_within(&panel, &body));
    let active = document().active_element().unwrap();
    assert!(
        active
            .text_content()
            .unwrap()
            .contains("refers to another document")
    );
}

#[wasm_bindgen_test]
async fn a_failed_listing_of_models_is_shown_without_taking_the_focus_from_another_field() {
    let _styles = Styles::apply();
    let mounted = mount();
    open_settings(&mounted).await;
    mounted.page.models.set(Models::Asking);
    mounted.one("#list-models").focus().unwrap();
    drawn().await;
    mounted
        .page
        .models
        .set(Models::Failed(problem("The endpoint does not respond")));
    drawn().await;
    let active = document().active_element().unwrap();
    assert_eq!(active.get_attribute("role").as_deref(), Some("alert"));

    mounted.page.models.set(Models::Asking);
    mounted.one("#name").focus().unwrap();
    drawn().await;
    mounted
        .page
        .models
        .set(Models::Failed(problem("The endpoint does not respond")));
    drawn().await;
    assert_eq!(focused(), "name");
}

#[wasm_bindgen_test]
async fn an_error_of_a_follow_up_request_is_at_the_field_that_it_is_about() {
    let mounted = mount_run(Mode::Live, "1");
    mounted.commands.arrive(&task("a", "Do it"));
    mounted.commands.end(GenerationOutcome::Complete);
    drawn().await;
    mounted.one(".task-open").click();
    drawn().await;
    mounted.press("Split…").await;
    type_into(&mounted.one("#parts"), "many").await;
    mounted.press("Split task").await;
    assert_eq!(focused(), "parts");
    assert!(mounted.all("#instruction-error").is_empty());
}

/// A page with an open task that the server refused, at its attempts.
async fn refused(message: &str) -> Mounted {
    let mounted = mount_run(Mode::Live, "1");
    mounted.commands.arrive(&task("a", "Do it"));
    mounted.commands.end(GenerationOutcome::Complete);
    drawn().await;
    let drafts = mounted.page.approvable.get_untracked();
    mounted.commands.apply(Event::Approve {
        drafts: drafts.clone(),
    });
    let digest = mounted.page.confirmation.get_untracked().unwrap().digest;
    mounted.commands.apply(Event::Post { digest });
    let draft = drafts[0].clone();
    mounted.commands.apply(Event::Journaled(JournalEntry {
        draft: draft.clone(),
        attempt: 1,
        digest: mounted
            .page
            .draft_untracked(&draft)
            .and_then(|draft| draft.approval().map(|approval| approval.digest.clone()))
            .unwrap(),
    }));
    let reason = |path: &str, message: &str| Reason {
        instance_path: path.to_owned(),
        message: message.to_owned(),
    };
    mounted.commands.apply(Event::AttemptEnded {
        draft,
        attempt: 1,
        outcome: DeliveryOutcome::Refused {
            status: Some(422),
            code: "http_422".to_owned(),
            message: message.to_owned(),
            reasons: vec![
                reason("/owner", "Field required"),
                reason(
                    "/a_member_with_a_very_long_name/and_another_one_inside_of_it/0",
                    "Input should be a valid string that matches the pattern of this field",
                ),
            ],
        },
    });
    drawn().await;
    // A narrow window shows the brief first.
    mounted.press("Tasks 1").await;
    mounted.one(".task-open").click();
    drawn().await;
    mounted.press("Delivery 1").await;
    mounted
}

#[wasm_bindgen_test]
async fn everything_that_an_attempt_says_is_as_wide_as_the_attempt() {
    let _styles = Styles::apply();
    let mounted = refused(r#"{"detail":[{"loc":["body","owner"],"msg":"Field required"}]}"#).await;
    let attempt = rect(&mounted.one(".attempt"));
    let parts = mounted.all(".attempt > p, .attempt > ul, .attempt > details");
    assert_eq!(parts.len(), 4, "meaning, reasons, response, details");
    let mut bottom = attempt.top();
    for part in &parts {
        let part = rect(part);
        assert!(
            part.left() > attempt.left(),
            "not in the column of the mark"
        );
        assert!(
            part.width() > 0.8 * attempt.width().min(600.0),
            "{} of {}",
            part.width(),
            attempt.width()
        );
        assert!(part.top() >= bottom, "parts overlap");
        bottom = part.bottom();
    }
}

#[wasm_bindgen_test]
async fn a_response_that_is_json_is_folded_away_and_a_sentence_is_not() {
    let mounted = refused(r#"{"detail":[{"loc":["body","owner"],"msg":"Field required"}]}"#).await;
    let attempt = mounted.one(".attempt");
    assert!(
        mounted
            .one(".attempt > details > pre")
            .text_content()
            .unwrap()
            .contains("Field required")
    );
    assert_eq!(mounted.all(".attempt > p").len(), 1);
    let heading = attempt.query_selector("strong").unwrap().unwrap();
    assert_eq!(heading.text_content().unwrap(), "Refused: 422");
    drop(mounted);

    let mounted = refused("The owner is missing.").await;
    assert_eq!(mounted.all(".attempt > p").len(), 2);
}
