//! The saved briefs: save the one in the form, use, rename, delete, export, import.

use leptos::prelude::*;

use super::connections::unreadable_file;
use super::modal::Modal;
use crate::brief::BriefForm;
use crate::brief::saved::{
    BriefVersion, MAX_FILE_BYTES, SavedBrief, SavedBriefs, SavedBriefsError,
};
use crate::brief::variables;
use crate::browser::download;
use crate::text::{capitalize, counted};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::field::TextField;
use crate::ui::controls::file_button::FileButton;
use crate::ui::controls::focus::{focus_by_id, focus_by_id_soon};
use crate::ui::controls::times::{date_and_time, machine_time, now};
use crate::ui::controls::visible_text::visible_text;
use crate::ui::header::notices::problem_panel;
use crate::ui::page::Problem;
use crate::ui::saved_briefs;
use crate::ui::screen::Screen;

/// The name of the exported file.
const EXPORT_NAME: &str = "taskwright-briefs.json";

/// The id of the field for another name.
const NEW_NAME: &str = "brief-new-name";

/// What of a brief in the list is being edited.
#[derive(Debug, Clone, PartialEq)]
enum Editing {
    /// Its name.
    Name(String),
    /// The values of its variables, before it is used.
    Values(String),
}

/// The state of the dialog. Copies share it.
#[derive(Clone, Copy)]
struct List {
    screen: Screen,
    briefs: RwSignal<Vec<SavedBrief>>,
    message: RwSignal<Option<String>>,
    problem: RwSignal<Option<Problem>>,
    removed: RwSignal<Option<(usize, SavedBrief)>>,
    editing: RwSignal<Option<Editing>>,
}

impl List {
    fn new(screen: Screen) -> List {
        let (briefs, problem) = match saved_briefs::read() {
            Ok(saved) => (saved.list().to_vec(), None),
            Err(error) => (Vec::new(), Some(unreadable(&error))),
        };
        List {
            screen,
            briefs: RwSignal::new(briefs),
            message: RwSignal::new(None),
            problem: RwSignal::new(problem),
            removed: RwSignal::new(None),
            editing: RwSignal::new(None),
        }
    }

    /// Changes the saved briefs, and returns what the change did unless it failed. Another tab may have
    /// changed them since they were read, so they are read again first.
    fn change<T>(
        self,
        change: impl FnOnce(&mut SavedBriefs) -> Result<T, SavedBriefsError>,
    ) -> Option<T> {
        self.message.set(None);
        self.problem.set(None);
        let changed = saved_briefs::read()
            .map_err(|error| unreadable(&error))
            .and_then(|mut saved| {
                let done = change(&mut saved).map_err(|error| problem_of(&error))?;
                saved_briefs::write(&saved).map_err(|reason| Problem {
                    code: "not_stored".to_owned(),
                    what: format!("The browser did not store the briefs: {reason}"),
                    hint: "Delete runs or briefs that you no longer need, or export the briefs."
                        .to_owned(),
                })?;
                self.briefs.set(saved.list().to_vec());
                Ok(done)
            });
        match changed {
            Ok(done) => Some(done),
            Err(problem) => {
                self.problem.set(Some(problem));
                None
            }
        }
    }

    fn save(self, name: &str) -> bool {
        let name = name.trim().to_owned();
        let form = self.screen.page.form.get_untracked();
        let saved = self.change(|all| all.save(&name, &form, now()));
        if let Some(versions) = saved {
            self.message.set(Some(match versions {
                1 => format!("Saved as “{name}”."),
                _ => format!("“{name}” has {} now.", counted(versions, "version")),
            }));
        }
        saved.is_some()
    }

    fn delete(self, name: &str) {
        if let Some(Some(removed)) = self.change(|all| Ok(all.delete(name))) {
            self.message.set(Some(format!("“{name}” was deleted.")));
            self.removed.set(Some(removed));
        }
    }

    fn restore(self) {
        let Some((place, brief)) = self.removed.get_untracked() else {
            return;
        };
        if let Some(name) = self.change(|all| all.restore(place, brief)) {
            self.message.set(Some(format!("“{name}” was restored.")));
            self.removed.set(None);
        }
    }

    /// Puts a brief into the form and closes the dialog. What is there now is saved first.
    fn use_brief(self, name: &str, brief: BriefForm) {
        let current = self.screen.page.form.get_untracked();
        let Some(kept) = self.change(|all| all.keep(&current, now())) else {
            return;
        };
        let kept = kept.map_or_else(String::new, |kept| {
            format!(" Your previous text is saved as “{kept}”.")
        });
        self.screen.dialog.set(None);
        self.screen
            .replace_brief(brief, format!("“{name}” is in the form.{kept}"));
    }

    fn import(self, text: &str) {
        if let Some(names) = self.change(|all| all.import(text)) {
            let names: Vec<String> = names.iter().map(|name| format!("“{name}”")).collect();
            self.message.set(Some(match names.as_slice() {
                [] => "All briefs of the file are here already.".to_owned(),
                names => format!("Added {}.", names.join(", ")),
            }));
        }
    }

    fn export(self) {
        self.message.set(None);
        self.problem.set(None);
        let saved = saved_briefs::read()
            .map_err(|error| unreadable(&error))
            .and_then(|saved| {
                download::save(EXPORT_NAME, "application/json", &saved.to_text()).map_err(
                    |reason| Problem {
                        code: "not_saved".to_owned(),
                        what: format!("The briefs could not be saved: {reason}"),
                        hint: "Allow downloads for this page, then try again.".to_owned(),
                    },
                )
            });
        match saved {
            Ok(()) => self.message.set(Some(format!("Saved as {EXPORT_NAME}."))),
            Err(problem) => self.problem.set(Some(problem)),
        }
    }
}

/// The dialog.
#[component]
pub fn BriefsDialog(screen: Screen) -> impl IntoView {
    let list = List::new(screen);
    let close = Callback::new(move |()| screen.dialog.set(None));
    let import = Callback::new(move |(text,): (Result<String, String>,)| match text {
        Ok(text) => list.import(&text),
        Err(reason) => {
            list.message.set(None);
            list.problem.set(Some(unreadable_file(&reason)));
        }
    });
    let is_empty = Memo::new(move |_| list.briefs.with(Vec::is_empty));
    view! {
        <Modal name="briefs" title="Saved briefs" wide=true on_close=close on_submit=close>
            <div class="dialog-body">
                <SaveField list/>
                {move || list.problem.get().map(problem_panel)}
                <div role="status">
                    {move || list.message.get().map(|message| view! { <p class="soft">{message}</p> })}
                    <Show when=move || list.removed.with(Option::is_some)>
                        <div class="button-row">
                            <Button
                                icon="undo"
                                label="Undo"
                                name="Undo the deletion"
                                on_press=move || list.restore()
                            />
                        </div>
                    </Show>
                </div>
                <Show when=move || is_empty.get()>
                    <p class="soft">
                        "There are no saved briefs yet. Write a brief, then save it here under a name. Where a word changes from one use to the next, write a variable such as {{service}}: you are asked for its value."
                    </p>
                </Show>
                <ul class="run-list" aria-label="Saved briefs">
                    <For
                        each=move || list.briefs.get()
                        key=|brief| (brief.name.clone(), brief.newest().map(|it| it.saved_at))
                        let:brief
                    >
                        <BriefEntry list brief/>
                    </For>
                </ul>
                <div class="button-row">
                    <Show when=move || !is_empty.get()>
                        <Button icon="download" label="Export all" on_press=move || list.export()/>
                    </Show>
                    <FileButton
                        label="Import…"
                        name="File with briefs"
                        accept="application/json,.json"
                        max_bytes=MAX_FILE_BYTES
                        on_text=import
                    />
                </div>
            </div>
            <div class="dialog-foot">
                <Button label="Close"/>
            </div>
        </Modal>
    }
}

/// The field that saves what is in the form.
#[component]
fn SaveField(list: List) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let save = move || {
        if name.with_untracked(|name| list.save(name)) {
            name.set(String::new());
        }
    };
    let is_known = Memo::new(move |_| {
        let name = name.get();
        list.briefs
            .with(|briefs| briefs.iter().any(|brief| brief.name == name.trim()))
    });
    let label = move || match is_known.get() {
        true => "Save as new version",
        false => "Save brief",
    };
    view! {
        <div class="rename" on:keydown=on_keys(save, || false)>
            <TextField
                id="brief-name"
                label="Save this brief as"
                hint="Using an existing name adds a version to that brief."
                autofocus=true
                value=name
                on_input=move |text| name.set(text)
            />
            <div class="button-row">
                <Button label on_press=save/>
            </div>
        </div>
    }
}

/// One brief, with its actions.
#[component]
fn BriefEntry(list: List, brief: SavedBrief) -> impl IntoView {
    let name = StoredValue::new(brief.name.clone());
    let newest = brief.versions.len().saturating_sub(1);
    let version = RwSignal::new(newest);
    let versions = StoredValue::new(brief.versions.clone());
    let chosen = move || {
        versions.with_value(|versions| {
            let version = versions.get(version.get_untracked());
            version
                .map(|version| version.brief.clone())
                .unwrap_or_default()
        })
    };
    let is_editing = move |editing: fn(String) -> Editing| {
        Memo::new(move |_| list.editing.get() == Some(editing(name.get_value())))
    };
    let is_renaming = is_editing(Editing::Name);
    let is_filling = is_editing(Editing::Values);
    let edit = move |editing: fn(String) -> Editing| {
        list.editing.set(Some(editing(name.get_value())));
    };
    let use_it = move || {
        let brief = chosen();
        if variables::names(&brief).is_empty() {
            list.use_brief(&name.get_value(), brief);
        } else {
            edit(Editing::Values);
        }
    };
    let of = move |action: &str| format!("{action} {}", name.get_value());
    let goal = move || {
        versions.with_value(|versions| {
            let version = versions.get(version.get());
            version
                .map(|version| first_line(&version.brief))
                .unwrap_or_default()
        })
    };
    view! {
        <li class="run-entry">
            <div class="run-text">
                <h3>{brief.name.clone()}</h3>
                <p class="soft">{move || visible_text(&goal())}</p>
                <VersionChoice list name=of("Version of") versions=brief.versions version/>
            </div>
            <div class="button-row">
                <Button label="Use" name=of("Use") on_press=use_it/>
                <Button
                    kind=ButtonKind::IconOnly
                    icon="rename"
                    label=of("Rename")
                    on_press=move || edit(Editing::Name)
                />
                <Button
                    kind=ButtonKind::IconOnly
                    icon="remove"
                    label=of("Delete")
                    on_press=move || name.with_value(|name| list.delete(name))
                />
            </div>
            <Show when=move || is_renaming.get()>
                <Rename list name/>
            </Show>
            <Show when=move || is_filling.get()>
                <Values list name brief=chosen()/>
            </Show>
        </li>
    }
}

/// When the brief was saved, or the choice between its versions.
#[component]
fn VersionChoice(
    list: List,
    /// The accessible name of the choice.
    name: String,
    versions: Vec<BriefVersion>,
    /// The index of the chosen version.
    version: RwSignal<usize>,
) -> impl IntoView {
    let count = versions.len();
    if let [only] = versions.as_slice() {
        let at = only.saved_at;
        return view! {
            <p class="soft">
                <time datetime=machine_time(at)>{date_and_time(at)}</time>
            </p>
        }
        .into_any();
    }
    let options = versions
        .iter()
        .enumerate()
        .rev()
        .map(|(index, version)| {
            let label = format!(
                "Version {} of {count}, {}",
                index + 1,
                date_and_time(version.saved_at)
            );
            view! { <option value=index.to_string()>{label}</option> }
        })
        .collect_view();
    view! {
        <select
            class="input"
            aria-label=name
            on:change=move |event| {
                // Its variables are those of the other version.
                list.editing.set(None);
                version.set(event_target_value(&event).parse().unwrap_or_default());
            }
        >
            {options}
        </select>
    }
    .into_any()
}

/// The field for another name.
#[component]
fn Rename(list: List, name: StoredValue<String>) -> impl IntoView {
    let typed = RwSignal::new(name.get_value());
    focus_by_id_soon(NEW_NAME.to_owned());
    let cancel = move || list.editing.set(None);
    let save = move || {
        let to = typed.get_untracked();
        let renamed = list.change(|all| name.with_value(|name| all.rename(name, &to)));
        if renamed.is_some() {
            cancel();
        }
    };
    view! {
        <div
            class="rename"
            on:keydown=on_keys(
                save,
                move || {
                    cancel();
                    true
                },
            )
        >
            <TextField
                id=NEW_NAME
                label="Name"
                value=typed
                on_input=move |text| typed.set(text)
            />
            <div class="button-row">
                <Button kind=ButtonKind::Main label="Rename" on_press=save/>
                <Button label="Cancel" on_press=cancel/>
            </div>
        </div>
    }
}

/// The fields for the values of the variables of a brief.
#[component]
fn Values(list: List, name: StoredValue<String>, brief: BriefForm) -> impl IntoView {
    let names = variables::names(&brief);
    let values = StoredValue::new(
        names
            .iter()
            .map(|name| (name.clone(), String::new()))
            .collect::<Vec<_>>(),
    );
    let brief = StoredValue::new(brief);
    focus_by_id_soon(variable_id(0));
    let cancel = move || list.editing.set(None);
    let use_it = move || {
        let filled = brief.with_value(|brief| {
            values.with_value(|values| {
                // What is left empty can still be replaced in the form.
                let given: Vec<_> = values
                    .iter()
                    .filter(|(_, value)| !value.is_empty())
                    .cloned()
                    .collect();
                variables::filled(brief, &given)
            })
        });
        list.use_brief(&name.get_value(), filled);
    };
    // Whoever types a value and presses Enter goes on to the next one without a value.
    let confirm = move || {
        let focused = document().active_element().map(|field| field.id());
        let next = values.with_value(|values| {
            let is_focused = |index: &usize| focused.as_ref() == Some(&variable_id(*index));
            let from = (0..values.len()).find(is_focused)? + 1;
            let after = values.iter().enumerate().skip(from);
            let mut without = after.filter(|(_, (_, value))| value.is_empty());
            without.next().map(|(index, _)| index)
        });
        match next {
            Some(index) => {
                focus_by_id(&variable_id(index));
            }
            None => use_it(),
        }
    };
    let fields = names
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            let id = variable_id(index);
            view! {
                <div class="field">
                    <label for=id.clone()>{capitalize(&name)}</label>
                    <input
                        class="input"
                        id=id
                        on:input:target=move |event| {
                            let typed = event.target().value();
                            values
                                .update_value(|values| {
                                    if let Some((_, value)) = values.get_mut(index) {
                                        *value = typed;
                                    }
                                });
                        }
                    />
                </div>
            }
        })
        .collect_view();
    view! {
        <div
            class="rename"
            on:keydown=on_keys(
                confirm,
                move || {
                    cancel();
                    true
                },
            )
        >
            {fields}
            <p class="hint">"A variable without a value stays in the text as it is."</p>
            <div class="button-row">
                <Button kind=ButtonKind::Main label="Use these values" on_press=use_it/>
                <Button label="Cancel" on_press=cancel/>
            </div>
        </div>
    }
}

/// The id of the field for the value of a variable.
fn variable_id(index: usize) -> String {
    format!("brief-variable-{index}")
}

/// Handles keys in a field of the list: Enter confirms instead of closing the dialog, and Escape calls
/// `cancel`, which tells whether there was something to cancel.
fn on_keys(
    confirm: impl Fn() + 'static,
    cancel: impl Fn() -> bool + 'static,
) -> impl Fn(web_sys::KeyboardEvent) + 'static {
    move |event| {
        let is_in_field = event_target::<web_sys::Element>(&event).tag_name() == "INPUT";
        match event.key().as_str() {
            // Enter also ends the composition of an input method.
            "Enter" if is_in_field && !event.is_composing() => {
                event.prevent_default();
                confirm();
            }
            "Escape" if cancel() => {
                event.prevent_default();
                event.stop_propagation();
            }
            _ => {}
        }
    }
}

/// The line of a brief that tells most about it.
fn first_line(brief: &BriefForm) -> String {
    let mut lines = brief.goal.lines().chain(brief.context.lines());
    let first = lines.find(|line| !line.trim().is_empty());
    first.unwrap_or_default().to_owned()
}

fn problem_of(error: &SavedBriefsError) -> Problem {
    Problem {
        code: error.code().to_owned(),
        what: capitalize(&error.to_string()),
        hint: error.hint().to_owned(),
    }
}

/// The problem of stored briefs that cannot be read. They are left unchanged.
fn unreadable(error: &SavedBriefsError) -> Problem {
    Problem {
        code: error.code().to_owned(),
        what: format!("The saved briefs of this browser cannot be read: {error}"),
        hint: "A newer version of this page may have written them; reload it. They are left unchanged."
            .to_owned(),
    }
}
