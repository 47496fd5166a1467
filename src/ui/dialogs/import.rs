//! The import of tasks that already exist, pasted or from a file.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::modal::{Modal, reveal_error_in};
use crate::review::import;
use crate::text::{counted, sentences};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::field::TextField;
use crate::ui::screen::{Pane, Screen};

/// The name of the dialog.
const DIALOG: &str = "import";

/// The dialog. Text that cannot be imported stays in its field.
#[component]
pub fn ImportDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let text = screen.import_text;
    let file_error = RwSignal::new(None::<String>);
    let was_submitted = RwSignal::new(false);
    let count = Memo::new(move |_| text.with(|text| import::count(text).unwrap_or_default()));
    let close = Callback::new(move |()| screen.dialog.set(None));
    let import = Callback::new(move |()| {
        was_submitted.set(true);
        let mode = screen.next_mode.get_untracked();
        // Passed by reference: the text of 10,000 tasks is long.
        text.with_untracked(|text| screen.command(|commands| commands.import(text, mode)));
        if page.import_problem.with_untracked(Option::is_none) {
            text.set(String::new());
            screen.show_all();
            screen.pane.set(Pane::Tasks);
            close.run(());
        }
    });
    let error = Signal::derive(move || {
        if let Some(file_error) = file_error.get() {
            return Some(file_error);
        }
        if !was_submitted.get() {
            return None;
        }
        page.import_problem
            .with(|problem| problem.as_ref().map(|p| sentences(&p.what, &p.hint)))
    });
    let read_file = move |event: leptos::ev::Event| {
        let file = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok())
            .and_then(|input| input.files())
            .and_then(|files| files.get(0));
        let Some(file) = file else { return };
        spawn_local(async move {
            let content = JsFuture::from(file.text()).await;
            // `try_set`, because the dialog may be closed by now.
            match content.ok().and_then(|content| content.as_string()) {
                Some(content) => {
                    file_error.try_set(None);
                    was_submitted.try_set(false);
                    text.try_set(content);
                }
                None => {
                    let name = file.name();
                    file_error.try_set(Some(format!(
                        "“{name}” could not be read. Choose it again."
                    )));
                    reveal_error_in(DIALOG);
                }
            }
        });
    };
    let label = move || match count.get() {
        0 => "Import tasks".to_owned(),
        count => format!("Import {}", counted(count, "task")),
    };
    view! {
        <Modal name=DIALOG title="Import tasks" wide=true on_close=close on_submit=import>
            <div class="dialog-body">
                <TextField
                    id="import-text"
                    label="Tasks as JSON"
                    class="paste"
                    rows=2
                    is_code=true
                    autofocus=true
                    placeholder="[{\"key\": \"first-task\", \"title\": \"…\"}]"
                    hint="An array, an object with “tasks”, or JSON Lines. Imported tasks are checked like generated ones; no model is called."
                    value=text
                    on_input=move |input| {
                        file_error.set(None);
                        was_submitted.set(false);
                        text.set(input);
                    }
                    error
                />
                <div class="field">
                    <label for="import-file">"Or choose a .json or .jsonl file"</label>
                    <input
                        class="input"
                        id="import-file"
                        type="file"
                        accept=".json,.jsonl,.ndjson,application/json"
                        on:change=read_file
                    />
                </div>
            </div>
            <div class="dialog-foot">
                <Button label="Cancel" on_press=move || close.run(())/>
                <Button kind=ButtonKind::Main label/>
            </div>
        </Modal>
    }
}
