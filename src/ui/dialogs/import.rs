//! Tasks that exist already, pasted or from a file.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::modal::Modal;
use crate::review::import;
use crate::text::counted;
use crate::ui::controls::field::{FieldError, described_by};
use crate::ui::screen::{Pane, Screen};

/// The dialog. What is refused stays in its field.
#[component]
pub fn ImportDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let text = screen.brought;
    let unreadable = RwSignal::new(None::<String>);
    let was_submitted = RwSignal::new(false);
    let count = Memo::new(move |_| text.with(|text| import::count(text).unwrap_or_default()));
    let close = Callback::new(move |()| screen.dialog.set(None));
    let add = Callback::new(move |()| {
        was_submitted.set(true);
        let mode = screen.next_mode.get_untracked();
        // A text may be as long as 10,000 tasks: it is not copied.
        text.with_untracked(|given| screen.ask(|commands| commands.bring(given, mode)));
        if page.import_problem.with_untracked(Option::is_none) {
            text.set(String::new());
            screen.show_all();
            screen.pane.set(Pane::Tasks);
            close.run(());
        }
    });
    let error = Signal::derive(move || {
        if let Some(reason) = unreadable.get() {
            return Some(reason);
        }
        if !was_submitted.get() {
            return None;
        }
        page.import_problem
            .with(|problem| problem.as_ref().map(|p| format!("{}. {}", p.what, p.hint)))
    });
    let has_error = Signal::derive(move || error.with(Option::is_some));
    let read_file = move |event: leptos::ev::Event| {
        let file = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok())
            .and_then(|input| input.files())
            .and_then(|files| files.get(0));
        let Some(file) = file else { return };
        spawn_local(async move {
            let read = JsFuture::from(file.text()).await;
            // The dialog may have been closed meanwhile.
            match read.ok().and_then(|content| content.as_string()) {
                Some(content) => {
                    unreadable.try_set(None);
                    was_submitted.try_set(false);
                    text.try_set(content);
                }
                None => {
                    let name = file.name();
                    unreadable.try_set(Some(format!(
                        "“{name}” could not be read. Choose it again."
                    )));
                }
            }
        });
    };
    let words = move || match count.get() {
        0 => "Add the tasks".to_owned(),
        count => format!("Add {}", counted(count, "task")),
    };
    view! {
        <Modal name="paste" title="Paste tasks" wide=true on_close=close on_submit=add>
            <div class="dialog-body">
                <div class="field">
                    <label for="paste">"Tasks as JSON"</label>
                    <textarea
                        class="input paste"
                        id="paste"
                        spellcheck="false"
                        autofocus
                        placeholder="[{\"key\": \"first-task\", \"title\": \"…\"}]"
                        aria-invalid=move || has_error.get().then_some("true")
                        aria-describedby=described_by(Some("paste-hint"), "paste-error", has_error)
                        prop:value=text
                        on:input=move |event| {
                            unreadable.set(None);
                            was_submitted.set(false);
                            text.set(event_target_value(&event));
                        }
                    ></textarea>
                    <p class="hint" id="paste-hint">
                        "An array, an object with “tasks”, or JSON Lines. They are checked like any other; no model is asked."
                    </p>
                    <FieldError id="paste-error" text=error/>
                </div>
                <div class="field">
                    <label for="paste-file">"Or a file, .json or .jsonl"</label>
                    <input
                        class="input"
                        id="paste-file"
                        type="file"
                        accept=".json,.jsonl,.ndjson,application/json"
                        on:change=read_file
                    />
                </div>
            </div>
            <div class="dialog-foot">
                <button class="button" type="button" on:click=move |_| close.run(())>
                    "Cancel"
                </button>
                <button class="button main" type="submit">
                    {words}
                </button>
            </div>
        </Modal>
    }
}
