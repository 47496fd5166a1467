//! Secrets on the page: what is typed or pasted into their fields.
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
use taskwright::settings::{Address, VaultMethod, VaultSource};
use taskwright::ui::page::{LeakExit, LeakPrompt, SecretPrompt, VaultPrompt};
use ui_support::{Mounted, drawn, focused, mount, type_into};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{HtmlElement, HtmlInputElement};

wasm_bindgen_test_configure!(run_in_browser);

const CORRECT: &str = "Use the corrected value";
const KEEP: &str = "Keep it as it is";

/// A page that asks for a secret.
async fn asked_for(slot: SecretSlot) -> Mounted {
    let mounted = mount();
    mounted.page.secret_prompt.set(Some(SecretPrompt {
        slot,
        address: Address::parse("https://api.example.com").unwrap(),
        refusal: None,
        default_token: None,
    }));
    drawn().await;
    mounted
}

fn value(field: &HtmlElement) -> String {
    field.clone().unchecked_into::<HtmlInputElement>().value()
}

/// Pastes a text. Returns whether the browser would insert it.
async fn paste(field: &HtmlElement, text: &str) -> bool {
    let paste = js_sys::Function::new_with_args(
        "field, text",
        "const clipboardData = new DataTransfer(); clipboardData.setData('text/plain', text);
         return field.dispatchEvent(
           new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));",
    );
    let is_inserted = paste
        .call2(&wasm_bindgen::JsValue::NULL, field, &text.into())
        .unwrap();
    drawn().await;
    is_inserted.as_bool().unwrap()
}

#[wasm_bindgen_test]
async fn what_was_typed_besides_a_secret_is_named_and_can_be_removed() {
    let mounted = asked_for(SecretSlot::API_KEY).await;
    let field = mounted.one("#secret");
    type_into(&field, "export OPENAI_API_KEY=\"sk-hunter2\"").await;
    let notice = mounted.one("#secret-notice").text_content().unwrap();
    assert!(
        notice.contains("a command that sets a variable and quotation marks"),
        "{notice}"
    );
    assert!(!notice.contains("hunter2"));
    let described = field.get_attribute("aria-describedby").unwrap();
    assert!(described.ends_with(" secret-notice"), "{described}");

    mounted.press("Use API key").await;
    assert!(mounted.commands.given.borrow().is_empty(), "it is not used");
    assert_eq!(field.get_attribute("aria-invalid").unwrap(), "true");
    mounted.press(CORRECT).await;
    assert_eq!(value(&field), "sk-hunter2");
    assert_eq!(focused(), "secret");
    assert!(mounted.all("#secret-notice").is_empty());
    mounted.press("Use API key").await;
    assert_eq!(
        *mounted.commands.given.borrow(),
        ["give api_key sk-hunter2 false"]
    );
}

#[wasm_bindgen_test]
async fn an_unusual_secret_can_be_kept_as_it_is() {
    let mounted = asked_for(SecretSlot::AGENT_TOKEN).await;
    let field = mounted.one("#secret");
    type_into(&field, "'hunter 2'").await;
    mounted.press(KEEP).await;
    assert!(mounted.all("#secret-notice").is_empty());
    mounted.press("Use agent token").await;
    assert_eq!(
        *mounted.commands.given.borrow(),
        ["give agent_token 'hunter 2' false"]
    );
}

#[wasm_bindgen_test]
async fn pasted_lines_are_never_joined_unseen() {
    let mounted = asked_for(SecretSlot::API_KEY).await;
    let field = mounted.one("#secret");
    assert!(paste(&field, "sk-hunter2\n").await, "one line is inserted");
    assert!(!paste(&field, "# mine\nOPENAI_API_KEY=sk-hunter2\n").await);
    assert!(!mounted.has_button(KEEP));
    mounted.press(CORRECT).await;
    assert_eq!(value(&field), "sk-hunter2");

    assert!(!paste(&field, "two lines\nof a note").await);
    let notice = mounted.one("#secret-notice").text_content().unwrap();
    assert!(notice.contains("has several lines"), "{notice}");
    assert!(!mounted.has_button(CORRECT));
    type_into(&field, "sk-hunter3").await;
    mounted.press("Use API key").await;
    assert_eq!(
        *mounted.commands.given.borrow(),
        ["give api_key sk-hunter3 false"]
    );
}

#[wasm_bindgen_test]
async fn the_fields_of_the_settings_correct_what_is_typed() {
    let mounted = mount();
    mounted.press("Settings").await;
    let (key, token) = (mounted.one("#api-key"), mounted.one("#agent-token"));
    type_into(&key, "Bearer sk-hunter2").await;
    type_into(&token, "X-AGENT-TOKEN: hunter2-hunter2").await;
    mounted.press("Save settings").await;
    assert!(
        mounted.commands.given.borrow().is_empty(),
        "nothing is saved"
    );
    mounted.press(CORRECT).await;
    assert_eq!(value(&key), "sk-hunter2");
    mounted.press(CORRECT).await;
    assert_eq!(value(&token), "hunter2-hunter2");

    // Where the whole header is the token, its scheme belongs to it.
    type_into(&mounted.one("#token-header"), "Authorization").await;
    type_into(&token, "Bearer hunter2").await;
    assert!(mounted.all("#agent-token-notice").is_empty());
    type_into(&mounted.one("#token-scheme"), "Bearer").await;
    mounted.press("Save settings").await;
    assert!(!mounted.all("#agent-token-notice").is_empty());
    mounted.press(CORRECT).await;
    mounted.press("Save settings").await;
    let given = mounted.commands.given.borrow();
    assert!(given[0].starts_with("connect "), "{given:?}");
}

#[wasm_bindgen_test]
async fn the_spaces_of_a_vault_password_are_asked_about() {
    let mounted = mount();
    let address = Address::parse("https://vault.example.com").unwrap();
    let source = VaultSource {
        sign_in: VaultMethod::Userpass,
        user_name: Some("ann".to_owned()),
        ..VaultSource::at(address, "secret/agent")
    };
    mounted.page.vaults.update(|vaults| {
        vaults.prompt = Some(VaultPrompt {
            source: Box::new(source),
            wanted: Vec::new(),
            needs_secret: false,
            refusal: None,
            is_busy: false,
        });
    });
    mounted.page.has_vault_prompt.set(true);
    drawn().await;
    let field = mounted.one("#vault-secret");
    type_into(&field, " open sesame ").await;
    mounted.press("Sign in").await;
    assert!(mounted.commands.given.borrow().is_empty());
    mounted.press(KEEP).await;
    mounted.press("Sign in").await;
    assert_eq!(*mounted.commands.given.borrow(), ["sign in to vault"]);
}

#[wasm_bindgen_test]
async fn secrets_that_would_leave_are_named_by_place_and_enter_sends_nothing() {
    for (exit, title, label) in [
        (LeakExit::Send, "Send a secret to the model?", "Send anyway"),
        (LeakExit::Export, "Export a secret?", "Export anyway"),
        (
            LeakExit::Store,
            "Store a secret in this browser?",
            "Save anyway",
        ),
    ] {
        let mounted = mount();
        let prompt = LeakPrompt {
            exit,
            leaks: vec!["The goal contains the API key.".to_owned()],
        };
        mounted.page.leak_prompt.set(Some(prompt.clone()));
        drawn().await;
        assert_eq!(mounted.one("dialog h2").text_content().unwrap(), title);
        let text = mounted.one("dialog .points").text_content().unwrap();
        assert_eq!(text, "The goal contains the API key.");
        mounted.press("Cancel").await;
        mounted.page.leak_prompt.set(Some(prompt));
        drawn().await;
        mounted.press(label).await;
        assert_eq!(
            *mounted.commands.given.borrow(),
            ["leaks false", "leaks true"]
        );
    }
}

#[wasm_bindgen_test]
async fn what_looks_like_a_key_in_the_brief_is_pointed_out_and_blocks_nothing() {
    let mounted = mount();
    type_into(&mounted.one("#goal"), "Rotate sk-hunter2-0123456789abcdef").await;
    let warning = mounted.one("#key-like").text_content().unwrap();
    assert!(warning.contains("in the goal"), "{warning}");
    assert!(!warning.contains("hunter2"));
    assert!(
        !mounted
            .button("Generate 3 tasks")
            .has_attribute("aria-disabled")
    );
    type_into(&mounted.one("#goal"), "Rotate the key").await;
    assert!(mounted.all("#key-like").is_empty());
}
