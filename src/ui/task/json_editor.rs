//! The task as exact JSON text, with what is wrong with it beside it as it is typed.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;

use crate::document::Document;
use crate::review::layout::pretty_print;
use crate::review::{Content, DraftId};
use crate::run::{Event, TaskDraft};
use crate::schema::Violation;
use crate::text::counted;
use crate::ui::controls::icons::icon;
use crate::ui::screen::Screen;

/// The editor.
#[component]
pub fn JsonEditor(screen: Screen, id: DraftId, draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    let id = StoredValue::new(id);
    let field = NodeRef::<html::Textarea>::new();
    // Whitespace around a value is no part of a task, but stays in the field while one types.
    let typed = RwSignal::new(draft.with_untracked(|draft| draft.content.text().to_owned()));
    let text = move || {
        draft.with(|draft| {
            let held = draft.content.text();
            typed.with(|typed| {
                let is_same = trim(typed) == held;
                if is_same {
                    typed.clone()
                } else {
                    held.to_owned()
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
    // The button that was pressed may be gone after it; the text is what it was about.
    let back_to_text = move || {
        if let Some(field) = field.get_untracked() {
            // Without the focus the field is one Tab away.
            let _ = field.focus();
        }
    };
    let is_fixed = Memo::new(move |_| draft.with(|draft| draft.delivery.has_left()));
    let is_queued = Memo::new(move |_| {
        draft.with(|draft| draft.delivery.stage == crate::delivery::receipt::DeliveryStage::Queued)
    });
    let is_edited = Memo::new(move |_| draft.with(|draft| draft.is_edited()));
    let is_wrong = Memo::new(move |_| {
        draft.with(|draft| {
            !draft.content.is_json()
                || draft
                    .violations
                    .as_ref()
                    .is_some_and(|found| !found.is_empty())
        })
    });
    let on_one_line = Memo::new(move |_| {
        draft.with(|draft| draft.content.document().as_ref().and_then(one_line))
    });
    view! {
        <label class="visually-hidden" for="json">"The task as JSON"</label>
        <textarea
            class="json-editor"
            id="json"
            spellcheck="false"
            autocapitalize="off"
            autocomplete="off"
            aria-invalid=move || is_wrong.get().then_some("true")
            aria-describedby="json-violations"
            node_ref=field
            readonly=move || is_fixed.get() || is_queued.get() || screen.barred().is_some()
            prop:value=text
            on:input=move |event| edit(event_target_value(&event))
        ></textarea>
        <div id="json-violations">
            <Findings screen draft field/>
        </div>
        <Inexact draft/>
        {move || {
            if is_fixed.get() {
                view! {
                    <p class="hint">"This task has left; what was sent cannot be changed."</p>
                }
                    .into_any()
            } else if is_queued.get() {
                view! {
                    <p class="hint">
                        "This task waits to be posted as it was approved. Stop posting to change it."
                    </p>
                }
                    .into_any()
            } else if screen.barred().is_some() {
                view! {
                    <p class="hint">"Another tab has this run. It is changed there."</p>
                }
                    .into_any()
            } else {
                view! {
                    <div class="button-row">
                        <Show when=move || is_edited.get()>
                            <button
                                class="button"
                                type="button"
                                on:click=move |_| {
                                    screen.send(Event::Restore { draft: id.get_value() });
                                    back_to_text();
                                }
                            >
                                {icon("undo")}
                                "Restore what was proposed"
                            </button>
                        </Show>
                        {move || {
                            on_one_line
                                .get()
                                .map(|laid| {
                                    view! {
                                        <button
                                            class="button"
                                            type="button"
                                            on:click=move |_| {
                                                edit(laid.clone());
                                                back_to_text();
                                            }
                                        >
                                            "Lay it out over lines"
                                        </button>
                                    }
                                })
                        }}
                    </div>
                }
                    .into_any()
            }
        }}
    }
}

/// The layout over lines of a document that stands on one.
fn one_line(document: &Document) -> Option<String> {
    if document.text().contains('\n') {
        return None;
    }
    let laid = pretty_print(document);
    laid.contains('\n').then_some(laid)
}

/// The whitespace of JSON (RFC 8259, section 2).
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// Every violation with its place, keyword and words.
#[component]
fn Findings(
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
                            <button
                                class="link-button path"
                                type="button"
                                on:click=move |_| put_caret(field, caret)
                            >
                                {at}
                            </button>
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
    let place = if instance_path.is_empty() {
        "The whole task".to_owned()
    } else {
        instance_path
    };
    view! {
        <li class="violation">
            <button
                class="link-button path"
                type="button"
                on:click=move |_| put_caret(field, caret)
            >
                {place}
            </button>
            <code class="keyword">{keyword}</code>
            <p>{message}</p>
        </li>
    }
}

/// Numbers that no machine number holds: they leave as written, and are compared as something else.
#[component]
fn Inexact(draft: RwSignal<Arc<TaskDraft>>) -> impl IntoView {
    move || {
        let places: Vec<String> = draft.with(|draft| {
            draft
                .content
                .document()
                .map(|document| document.inexact_numbers())
                .unwrap_or_default()
        });
        (!places.is_empty()).then(|| {
            view! {
                <p class="hint">
                    "Posted as written; compared as the nearest double: "
                    <code>{places.join(", ")}</code>
                </p>
            }
        })
    }
}

/// Places in a field are counted in UTF-16 code units (the HTML standard's text control selection).
fn utf16_length(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX)
}

fn put_caret(field: NodeRef<html::Textarea>, caret: u32) {
    if let Some(field) = field.get_untracked() {
        // The field is there and takes the focus; were it otherwise, nothing would be lost.
        let _ = field.focus();
        let _ = field.set_selection_range(caret, caret);
    }
}
