//! The brief form and the dialogs.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod ui_support;

use leptos::prelude::*;
use taskwright::secrets::SecretSlot;
use taskwright::settings::{Address, Connection};
use taskwright::ui::page::{Problem, SecretPrompt};
use ui_support::{drawn, focused, mount, type_into};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn errors_of_a_brief_are_shown_at_their_fields_and_the_first_field_gets_the_focus() {
    let mounted = mount();
    drawn().await;
    type_into(&mounted.one("#count"), "ten").await;
    mounted.press("Generate tasks").await;
    assert_eq!(focused(), "goal");
    assert!(
        mounted
            .one("#goal-error")
            .text_content()
            .unwrap()
            .contains("The goal is empty.")
    );
    let count = mounted.one("#count-error").text_content().unwrap();
    assert!(count.contains("“ten” is not a whole number."), "{count}");
    type_into(&mounted.one("#count"), "501").await;
    assert!(
        mounted
            .one("#count-error")
            .text_content()
            .unwrap()
            .contains("501 is more than")
    );
    type_into(&mounted.one("#count"), "5").await;
    type_into(&mounted.one("#goal"), "Ship it").await;
    assert!(
        mounted.all(".field-error").is_empty(),
        "corrected fields have no errors"
    );
    mounted.press("Generate 5 tasks").await;
    // The endpoint needs no key.
    assert_eq!(
        *mounted.commands.given.borrow(),
        ["start Live", "start Live"]
    );
}

#[wasm_bindgen_test]
async fn without_a_model_a_run_is_dry_and_choosing_live_opens_the_settings() {
    let mounted = mount();
    mounted.page.connection.set(Connection::built_in());
    drawn().await;
    assert!(
        mounted
            .one(".mode-band")
            .text_content()
            .unwrap()
            .contains("nothing leaves this page")
    );
    mounted.one("input[name=mode][value=live]").click();
    drawn().await;
    assert_eq!(
        mounted.one("dialog h2").text_content().unwrap(),
        "Settings: Local"
    );
    let live: web_sys::HtmlInputElement =
        mounted.one("input[name=mode][value=live]").unchecked_into();
    assert!(live.checked(), "what was chosen stays chosen");
    type_into(&mounted.one("#base"), "http://model.example.com/v1").await;
    type_into(&mounted.one("#model"), "small").await;
    mounted.press("Save settings").await;
    assert_eq!(focused(), "base");
    assert!(
        !mounted
            .one("#base-error")
            .text_content()
            .unwrap()
            .is_empty()
    );
    assert!(
        mounted.commands.given.borrow().is_empty(),
        "invalid settings are not saved"
    );
    type_into(&mounted.one("#base"), "https://model.example.com/v1").await;
    mounted.press("Save settings").await;
    assert_eq!(*mounted.commands.given.borrow(), ["connect Local"]);
    assert!(mounted.all("dialog").is_empty());
    assert!(live.checked());
    assert!(
        mounted
            .one(".mode-band")
            .text_content()
            .unwrap()
            .contains("Live → Local")
    );
}

#[wasm_bindgen_test]
async fn live_without_an_endpoint_starts_nothing_and_opens_the_settings() {
    let mounted = mount();
    mounted.page.connection.set(Connection::built_in());
    drawn().await;
    type_into(&mounted.one("#goal"), "Ship it").await;
    type_into(&mounted.one("#count"), "3").await;
    mounted.one("input[name=mode][value=live]").click();
    drawn().await;
    mounted.press("Cancel").await;
    mounted.press("Generate 3 tasks").await;
    assert_eq!(
        mounted.one("dialog h2").text_content().unwrap(),
        "Settings: Local"
    );
    assert!(mounted.commands.given.borrow().is_empty());
}

#[wasm_bindgen_test]
async fn without_the_api_key_the_page_says_why_the_run_is_dry_and_offers_to_enter_it() {
    let mounted = mount();
    let mut connection = ui_support::connection();
    if let Some(model) = &mut connection.model {
        model.needs_key = Some(true);
    }
    mounted.page.connection.set(connection);
    drawn().await;
    let why = mounted.one("#mode-why").text_content().unwrap();
    assert!(
        why.contains("No API key for localhost:9 was entered"),
        "{why}"
    );
    mounted.press("Enter API key…").await;
    assert_eq!(*mounted.commands.given.borrow(), ["ask for api_key"]);
}

#[wasm_bindgen_test]
async fn an_import_asks_for_its_mode_and_prefers_live() {
    let mounted = mount();
    mounted.page.connection.set(Connection::built_in());
    drawn().await;
    mounted.press("Import tasks…").await;
    type_into(&mounted.one("#import-text"), r#"[{"key":"a"}]"#).await;
    let live: web_sys::HtmlInputElement = mounted
        .one("input[name=import-mode][value=live]")
        .unchecked_into();
    assert!(live.checked(), "a task server is configured");
    mounted.one("input[name=import-mode][value=dry]").click();
    drawn().await;
    mounted.press("Import 1 task").await;
    assert_eq!(
        *mounted.commands.given.borrow(),
        [r#"import Dry [{"key":"a"}]"#]
    );
}

#[wasm_bindgen_test]
async fn a_secret_is_entered_for_its_host_and_leaves_no_trace_in_the_page() {
    let mounted = mount();
    mounted.page.secret_prompt.set(Some(SecretPrompt {
        slot: SecretSlot::AGENT_TOKEN,
        address: Address::parse("http://127.0.0.1:8080").unwrap(),
        refusal: Some("127.0.0.1:8080 rejected the agent token.".to_owned()),
        default_token: Some("changeme"),
    }));
    drawn().await;
    assert_eq!(
        mounted.one("dialog h2").text_content().unwrap(),
        "Agent token for 127.0.0.1:8080"
    );
    assert_eq!(focused(), "secret");
    let field: web_sys::HtmlInputElement = mounted.one("#secret").unchecked_into();
    assert_eq!(field.type_(), "password");
    mounted.press("Show agent token").await;
    assert_eq!(field.type_(), "text");
    type_into(&mounted.one("#secret"), "hunter2").await;
    mounted.one("dialog input[type=checkbox]").click();
    mounted.press("Use agent token").await;
    assert_eq!(
        *mounted.commands.given.borrow(),
        ["give agent_token hunter2 true"]
    );
    assert!(mounted.all("dialog").is_empty());
    let page = document().document_element().unwrap().outer_html();
    assert!(!page.contains("hunter2"));
}

#[wasm_bindgen_test]
async fn a_host_from_a_link_is_shown_in_full_and_closing_the_dialog_rejects_it() {
    let mounted = mount();
    mounted.page.new_host.set(Some(
        Address::parse("https://tasks.example.com:8443/a/b").unwrap(),
    ));
    drawn().await;
    assert_eq!(
        mounted.one("dialog .host").text_content().unwrap(),
        "https://tasks.example.com:8443/a/b/tasks"
    );
    mounted.press("Close").await;
    assert_eq!(*mounted.commands.given.borrow(), ["host false"]);
}

#[wasm_bindgen_test]
async fn text_that_cannot_be_imported_stays_in_its_field() {
    let mounted = mount();
    drawn().await;
    mounted.press("Import tasks…").await;
    type_into(&mounted.one("#import-text"), r#"[{"key":"a"},{"key":"b"}]"#).await;
    assert!(mounted.has_button("Import 2 tasks"));
    type_into(&mounted.one("#import-text"), "[{]").await;
    mounted.page.import_problem.set(Some(Problem {
        code: "json_syntax".to_owned(),
        what: "This is not JSON".to_owned(),
        hint: "Correct it.".to_owned(),
    }));
    mounted.press("Import tasks").await;
    assert!(
        mounted
            .one("#import-text-error")
            .text_content()
            .unwrap()
            .contains("This is not JSON")
    );
    let field: web_sys::HtmlTextAreaElement = mounted.one("#import-text").unchecked_into();
    assert_eq!(field.value(), "[{]");
}

#[wasm_bindgen_test]
async fn the_exact_request_is_shown_with_the_key_as_a_placeholder() {
    let mounted = mount();
    let mut connection = ui_support::connection();
    if let Some(model) = &mut connection.model {
        model.needs_key = Some(true);
    }
    mounted.page.connection.set(connection);
    drawn().await;
    type_into(&mounted.one("#goal"), "Ship the \"release\"").await;
    mounted.press("Request").await;
    let shown = mounted.one("#panel-request").text_content().unwrap();
    assert!(
        shown.contains("POST http://localhost:9/v1/chat/completions"),
        "{shown}"
    );
    assert!(shown.contains("${OPENAI_API_KEY}"), "{shown}");
    assert!(
        shown.contains("Ship the \\\\\\\"release\\\\\\\"")
            || shown.contains("Ship the \\\"release\\\"")
    );
}

#[wasm_bindgen_test]
async fn a_problem_shows_what_to_do_and_can_be_dismissed() {
    let mounted = mount();
    mounted.page.problems.set(vec![Problem {
        code: "config_holds_secret".to_owned(),
        what: "config.json holds a secret".to_owned(),
        hint: "Remove it.".to_owned(),
    }]);
    drawn().await;
    assert!(
        mounted
            .one(".notices .problem")
            .text_content()
            .unwrap()
            .contains("Remove it.")
    );
    mounted.press("Dismiss: config.json holds a secret").await;
    assert_eq!(
        *mounted.commands.given.borrow(),
        ["dismiss config_holds_secret"]
    );
}
