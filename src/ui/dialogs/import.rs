//! The import of tasks that already exist, pasted or from a file.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;

use super::modal::{Modal, reveal_error_in};
use crate::browser::file;
use crate::review::import::{self, MAX_BYTES};
use crate::run::Mode;
use crate::run::next_run;
use crate::text::{bytes, counted, sentences};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::field::{FieldError, TextField};
use crate::ui::controls::focus::focus_by_id_soon;
use crate::ui::controls::icons::mark;
use crate::ui::screen::{Pane, Screen};

/// The name of the dialog.
const DIALOG: &str = "import";

/// The longest text that is shown in its field, in bytes: 1 MiB. Browsers take seconds to lay out a longer
/// one.
const MAX_SHOWN_BYTES: usize = 1 << 20;

/// The dialog. Text that cannot be imported stays in its field.
#[component]
pub fn ImportDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let text = screen.import_text;
    let file_error = screen.import_error;
    on_cleanup(move || {
        file_error.try_set(None);
    });
    let was_submitted = RwSignal::new(false);
    let count = Memo::new(move |_| text.with(|text| import::count(text).unwrap_or_default()));
    let close = Callback::new(move |()| screen.dialog.set(None));
    let chosen_mode = RwSignal::new(None::<Mode>);
    let mode = Memo::new(move |_| {
        let preselected = page
            .connection
            .with(|connection| next_run::import_mode(screen.mode_choice.get(), connection));
        chosen_mode.get().unwrap_or(preselected)
    });
    let mode_of_run = Memo::new(move |_| page.run.with(|run| run.as_ref().map(|run| run.mode)));
    let import = Callback::new(move |()| {
        was_submitted.set(true);
        let mode = mode.get_untracked();
        let input = text.get_untracked();
        screen.command(move |commands| commands.import(&input, mode));
        if page.import_problem.with_untracked(Option::is_none) {
            text.set(String::new());
            screen.show_all();
            screen.pane.set(Pane::Tasks);
            close.run(());
            focus_by_id_soon("tasks".to_owned());
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
            // `try_set`, because the dialog may be closed by now.
            match file::read_text(&file, MAX_BYTES).await {
                Ok(content) => {
                    file_error.try_set(None);
                    was_submitted.try_set(false);
                    text.try_set(content);
                }
                Err(why) => {
                    file_error.try_set(Some(file::not_read(&file, &why)));
                    reveal_error_in(DIALOG);
                }
            }
        });
    };
    let label = move || match count.get() {
        0 => "Import tasks".to_owned(),
        count => format!("Import {}", counted(count, "task")),
    };
    let is_long = Memo::new(move |_| text.with(|text| text.len() > MAX_SHOWN_BYTES));
    let input = move |input: String| {
        file_error.set(None);
        was_submitted.set(false);
        text.set(input);
    };
    let field = move || {
        if is_long.get() {
            view! { <LongText text error on_remove=move || input(String::new())/> }.into_any()
        } else {
            view! {
                <TextField
                    id="import-text"
                    label="Tasks as JSON"
                    class="paste"
                    rows=2
                    is_code=true
                    autofocus=true
                    placeholder="[{\"key\": \"first-task\", \"title\": \"…\"}]"
                    hint="An array, an object with “tasks”, or JSON Lines. Imported tasks are checked like generated ones; no model is called. You can also paste or drop tasks anywhere on the page."
                    value=text
                    on_input=input
                    error
                />
            }
            .into_any()
        }
    };
    view! {
        <Modal name=DIALOG title="Import tasks" wide=true on_close=close on_submit=import>
            <div class="dialog-body">
                {field}
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
                {move || match mode_of_run.get() {
                    Some(mode) => {
                        let text = match mode {
                            Mode::Dry => "The tasks are added to the dry run on the page.",
                            Mode::Live => "The tasks are added to the live run on the page.",
                        };
                        view! { <p class="hint">{text}</p> }.into_any()
                    }
                    None => view! { <ImportMode mode chosen_mode/> }.into_any(),
                }}
            </div>
            <div class="dialog-foot">
                <Button label="Cancel" on_press=move || close.run(())/>
                <Button kind=ButtonKind::Main label/>
            </div>
        </Modal>
    }
}

/// The id of the button that removes a text that is not shown.
const REMOVE: &str = "import-remove";

/// Stands for a text that is too long to be shown.
#[component]
fn LongText(
    text: RwSignal<String>,
    error: Signal<Option<String>>,
    #[prop(into)] on_remove: Callback<()>,
) -> impl IntoView {
    let size = move || bytes(text.with(String::len) as u64);
    // The field that had the focus is gone.
    focus_by_id_soon(REMOVE.to_owned());
    view! {
        <div class="field">
            <p>
                {move || format!("The text is {} long. It is not shown, but imported as it is.", size())}
            </p>
            <Button
                icon="remove"
                label="Remove the text"
                attr:id=REMOVE
                on_press=move || {
                    on_remove.run(());
                    focus_by_id_soon("import-text".to_owned());
                }
            />
            <FieldError id=REMOVE text=error/>
        </div>
    }
}

/// The mode of the run that the import starts.
#[component]
fn ImportMode(mode: Memo<Mode>, chosen_mode: RwSignal<Option<Mode>>) -> impl IntoView {
    let choice = move |of: Mode, value: &'static str, icon: &'static str, label: &'static str| {
        view! {
            <label data-state=value>
                <input
                    type="radio"
                    name="import-mode"
                    value=value
                    prop:checked=move || mode.get() == of
                    on:change=move |_| chosen_mode.set(Some(of))
                />
                {mark(icon)}
                {label}
            </label>
        }
    };
    view! {
        <fieldset class="segment">
            <legend>"Mode of the run with these tasks"</legend>
            <div class="choices">
                {choice(Mode::Dry, "dry", "state-dry", "Dry run")}
                {choice(Mode::Live, "live", "state-live", "Live")}
            </div>
        </fieldset>
    }
}
