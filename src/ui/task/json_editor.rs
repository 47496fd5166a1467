//! The editor for the exact JSON text of a task, with its violations.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;

use crate::document::Document;
use crate::review::layout::pretty_print;
use crate::review::{Content, DraftId, DraftState};
use crate::run::{Event, Run, TaskDraft};
use crate::schema::Violation;
use crate::text::counted;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::screen::Screen;

/// The editor for the text of a task.
#[component]
pub fn JsonEditor(screen: Screen, id: DraftId, draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    let id = StoredValue::new(id);
    let field = NodeRef::<html::Textarea>::new();
    // Whitespace around the value is not part of the task, but stays in the field while typing.
    let typed = RwSignal::new(draft.with_untracked(|draft| draft.content.text().to_owned()));
    let text = move || {
        draft.with(|draft| {
            let stored = draft.content.text();
            typed.with(|typed| {
                if trim(typed) == stored {
                    typed.clone()
                } else {
                    stored.to_owned()
                }
            })
        })
    };
    let edit = move |text: String| {
        typed.set(text.clone());
        screen.send(Event::Edit {
            draft: id.get_value(),
            text,
        });
    };
    // The pressed button may be gone now, so the focus moves to the text.
    let focus_text = move || {
        if let Some(field) = field.get_untracked() {
            // If it fails, the field is one Tab away.
            let _ = field.focus();
        }
    };
    let can_restore =
        Memo::new(move |_| draft.with(|draft| screen.page.actions(draft).can_restore));
    let obstacle = move || edit_obstacle(screen, draft);
    let is_invalid = Memo::new(move |_| {
        draft.with(|draft| {
            !draft.content.is_json()
                || draft
                    .violations
                    .as_ref()
                    .is_some_and(|found| !found.is_empty())
        })
    });
    let formatted = Memo::new(move |_| {
        draft.with(|draft| draft.content.document().as_ref().and_then(formatted))
    });
    view! {
        <label class="visually-hidden" for="json">"Task as JSON"</label>
        <textarea
            class="json-editor"
            id="json"
            spellcheck="false"
            autocapitalize="off"
            autocomplete="off"
            aria-invalid=move || is_invalid.get().then_some("true")
            aria-describedby="json-violations"
            node_ref=field
            readonly=move || obstacle().is_some()
            prop:value=text
            on:input=move |event| edit(event_target_value(&event))
        ></textarea>
        <div id="json-violations">
            <Violations screen draft field/>
        </div>
        <InexactNumbers draft/>
        {move || {
            if let Some(obstacle) = obstacle() {
                return view! { <p class="hint">{obstacle}</p> }.into_any();
            }
            let restore = move || {
                screen.send(Event::Restore { draft: id.get_value() });
                focus_text();
            };
            view! {
                <div class="button-row">
                    <Show when=move || can_restore.get()>
                        <Button icon="undo" label="Restore original text" on_press=restore/>
                    </Show>
                    {move || {
                        formatted
                            .get()
                            .map(|formatted| {
                                let format = move || {
                                    edit(formatted.clone());
                                    focus_text();
                                };
                                view! { <Button label="Format" on_press=format/> }
                            })
                    }}
                </div>
            }
                .into_any()
        }}
    }
}

/// Why a task cannot be edited, if so. Tracks the task.
pub fn edit_obstacle(screen: Screen, draft: RwSignal<Arc<TaskDraft>>) -> Option<&'static str> {
    let (can_edit, state) =
        draft.with(|draft| (screen.page.actions(draft).can_edit, Run::state(draft)));
    if !can_edit {
        Some(if state == DraftState::Queued {
            "This task is queued for posting. Stop posting to edit it."
        } else {
            "This task was sent and can no longer be edited."
        })
    } else if screen.is_read_only() {
        Some("This tab is read-only. Edit the task in the other tab.")
    } else {
        None
    }
}

/// A one-line document in the layout with several lines, if that differs.
fn formatted(document: &Document) -> Option<String> {
    if document.text().contains('\n') {
        return None;
    }
    let formatted = pretty_print(document);
    formatted.contains('\n').then_some(formatted)
}

/// Removes JSON whitespace (RFC 8259, section 2) at both ends.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// All violations, each with its location, keyword and message.
#[component]
fn Violations(
    screen: Screen,
    draft: RwSignal<Arc<TaskDraft>>,
    field: NodeRef<html::Textarea>,
) -> impl IntoView {
    let schema_name = move || {
        screen.page.run.with(|run| {
            run.as_ref()
                .map(|run| run.schema.name().to_owned())
                .unwrap_or_default()
        })
    };
    move || {
        draft.with(|draft| match (&draft.content, &draft.violations) {
            (Content::NotJson { text, error }, _) => {
                let at = format!("Line {}, column {}", error.line(), error.column());
                let caret = utf16_length(text.get(..error.offset()).unwrap_or(text));
                view! {
                    <ul class="violations" aria-label="The text is not JSON">
                        <li class="violation">
                            <Button
                                kind=ButtonKind::Link
                                class="path"
                                label=at
                                on_press=move || set_caret(field, caret)
                            />
                            <code class="keyword">"syntax"</code>
                            <p>{error.to_string()}</p>
                        </li>
                    </ul>
                }
                .into_any()
            }
            (_, None) => view! { <p class="hint">"Checking…"</p> }.into_any(),
            (_, Some(found)) if found.is_empty() => {
                view! { <p class="hint">{format!("Valid against {}.", schema_name())}</p> }
                    .into_any()
            }
            (Content::Json(_), Some(found)) => {
                let document = draft.content.document();
                let items = found
                    .iter()
                    .filter_map(|violation| {
                        Some(violation_item(document.as_ref()?, violation, field))
                    })
                    .collect_view();
                view! {
                    <ul class="violations" aria-label=counted(found.len(), "violation")>
                        {items}
                    </ul>
                }
                .into_any()
            }
        })
    }
}

fn violation_item(
    document: &Document,
    violation: &Violation,
    field: NodeRef<html::Textarea>,
) -> impl IntoView + use<> {
    let Violation {
        instance_path,
        keyword,
        message,
        ..
    } = violation.clone();
    let start = document
        .at(&instance_path)
        .map_or(0, |node| node.span().start);
    let caret = utf16_length(document.text().get(..start).unwrap_or_default());
    let location = if instance_path.is_empty() {
        "The whole task".to_owned()
    } else {
        instance_path
    };
    view! {
        <li class="violation">
            <Button
                kind=ButtonKind::Link
                class="path"
                label=location
                on_press=move || set_caret(field, caret)
            />
            <code class="keyword">{keyword}</code>
            <p>{message}</p>
        </li>
    }
}

/// Numbers that a double cannot hold exactly. They are posted as written, but compared as doubles.
#[component]
fn InexactNumbers(draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    move || {
        let paths: Vec<String> = draft.with(|draft| {
            draft
                .content
                .document()
                .map(|document| document.inexact_numbers())
                .unwrap_or_default()
        });
        (!paths.is_empty()).then(|| {
            view! {
                <p class="hint">
                    "Posted as written, but compared as the nearest double: "
                    <code>{paths.join(", ")}</code>
                </p>
            }
        })
    }
}

/// The length in UTF-16 code units, which text fields count in (HTML standard, text control
/// selection).
fn utf16_length(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX)
}

fn set_caret(field: NodeRef<html::Textarea>, caret: u32) {
    if let Some(field) = field.get_untracked() {
        // If these fail, the caret stays where it was.
        let _ = field.focus();
        let _ = field.set_selection_range(caret, caret);
    }
}
