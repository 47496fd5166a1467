//! Setting a connection up from what the operator pastes.

use leptos::html;
use leptos::prelude::*;

use super::settings::Settings;
use crate::paste::{
    NotRecognized, PasteChoice, PasteNotice, PasteNoticeKind, PasteSummary, Recognized, fill,
    recognize, recognize_from,
};
use crate::settings::form::{ConnectionForm, FormField};
use crate::settings::{Address, SchemaSource};
use crate::text::without_hidden;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::code_block::CodeBlock;
use crate::ui::controls::visible_text::visible_text;
use crate::ui::header::notices::problem_panel;
use crate::ui::page::Description;

/// The id of the field.
const FIELD: &str = "paste-connection";

/// What the empty field is recognised as.
const NOTHING: Recognized = Recognized::Unknown(NotRecognized::Empty);

/// The field, what was recognised in it, and the button that takes it over.
#[component]
pub fn PasteGroup(
    settings: Settings,
    /// Whether the connection is new: then the field has the focus.
    is_new: bool,
) -> impl IntoView {
    let page = settings.screen.page;
    // A description that was read for another dialog must not change this form.
    page.description.set(Description::NotRead);
    on_cleanup(move || {
        page.description.try_set(Description::NotRead);
    });
    let field = NodeRef::<html::Textarea>::new();
    let choice = RwSignal::new(PasteChoice::default());
    // What was recognised may hold secrets, so no signal holds it.
    let recognized = StoredValue::new_local(NOTHING);
    // Where the text in the field was read from.
    let source = StoredValue::new(None::<SchemaSource>);
    let changed = Trigger::new();
    let undo = RwSignal::new(None::<ConnectionForm>);
    // What was filled in.
    let filled = RwSignal::new(None::<PasteSummary>);
    let recognize_text = move |text: &str, address: Option<&Address>| {
        choice.set(PasteChoice::default());
        undo.set(None);
        recognized.set_value(match address {
            Some(address) => recognize_from(text, Some(address)),
            None => recognize(text),
        });
        changed.notify();
    };
    let on_input = move |_| {
        source.set_value(None);
        page.description.set(Description::NotRead);
        if let Some(field) = field.get_untracked() {
            recognize_text(&field.value(), None);
        }
    };
    let summary = Memo::new(move |_| {
        changed.track();
        recognized.with_value(|recognized| recognized.summary(choice.get()))
    });
    let server = Memo::new(move |_| {
        changed.track();
        recognized.with_value(|recognized| match recognized {
            Recognized::Address(pasted) => {
                let address = pasted.url.address.clone().ok()?;
                let whole = Address::parse(&address.join(&pasted.url.path)).ok();
                Some((whole.unwrap_or(address), pasted.is_api_document))
            }
            _ => None,
        })
    });
    let read_description = move || {
        let is_reading = matches!(
            page.description.get_untracked(),
            Description::Reading { .. }
        );
        if let Some((address, is_document)) = server.get_untracked().filter(|_| !is_reading) {
            settings
                .screen
                .command(move |commands| commands.read_description(address, is_document));
        }
    };
    let take_over = move || {
        let before = settings.form.get_untracked();
        filled.set(summary.get_untracked());
        let pasted = recognized
            .try_update_value(|recognized| std::mem::replace(recognized, NOTHING))
            .unwrap_or(NOTHING);
        let mut form = before.clone();
        settings.add_pasted_secrets(fill(&mut form, pasted, choice.get_untracked()));
        let has_other_schema = form.schema != before.schema
            || form.text(FormField::SchemaText) != before.text(FormField::SchemaText);
        match source.get_value() {
            Some(source) => form.schema_source = Some(source),
            None if has_other_schema => form.schema_source = None,
            None => {}
        }
        settings.replace(form);
        settings.problems.set(Vec::new());
        if let Some(field) = field.get_untracked() {
            // It may hold a token.
            field.set_value("");
        }
        changed.notify();
        page.description.set(Description::NotRead);
        undo.set(Some(before));
    };
    // What was read from the server is recognised as if it had been pasted, and filled in if it leaves
    // no choice.
    Effect::new(move |_| {
        if let Description::Read { text, address, url } = page.description.get() {
            source.set_value(Some(SchemaSource::new(url, &text)));
            recognize_text(&text, Some(&address));
            let is_clear = summary.with_untracked(|summary| {
                summary.as_ref().is_some_and(|summary| {
                    summary.is_usable
                        && summary.operations.len() <= 1
                        && summary.servers.len() <= 1
                        && summary.envelope.is_none()
                })
            });
            if is_clear {
                take_over();
            }
        }
    });
    let is_address = Memo::new(move |_| server.with(Option::is_some));
    let is_usable =
        Memo::new(move |_| summary.with(|it| it.as_ref().is_some_and(|it| it.is_usable)));
    let is_reading =
        Memo::new(move |_| matches!(page.description.get(), Description::Reading { .. }));
    view! {
        <fieldset class="group">
            <legend class:visually-hidden=!is_new>"Set up by pasting"</legend>
            <div class="field">
                <label for=FIELD>"Paste here"</label>
                <textarea
                    class="input mono"
                    id=FIELD
                    rows="3"
                    spellcheck="false"
                    autocapitalize="off"
                    autocomplete="off"
                    aria-describedby="paste-connection-hint"
                    autofocus=is_new
                    node_ref=field
                    on:input=on_input
                ></textarea>
                <p class="hint" id="paste-connection-hint">
                    "An address, a curl command, an OpenAPI document, an example task or an agent_config.json. It fills in the fields below. Nothing is sent or saved until you say so."
                </p>
            </div>
            <div role="status">
                {move || summary.get().map(|summary| view! { <Recognition summary choice/> })}
                {move || match page.description.get() {
                    Description::Reading { .. } => view! { <p class="soft">"Reading…"</p> }.into_any(),
                    Description::Failed(problem) => problem_panel(problem).into_any(),
                    Description::NotRead | Description::Read { .. } => ().into_any(),
                }}
            </div>
            <div class="button-row">
                <Show when=move || is_address.get()>
                    <Button
                        kind=ButtonKind::Main
                        icon="search"
                        label=move || if is_reading.get() { "Reading…" } else { "Read and fill in" }
                        on_press=read_description
                    />
                    <Button label="Fill in the address only" on_press=take_over/>
                </Show>
                <Show when=move || is_usable.get() && !is_address.get()>
                    <Button
                        kind=ButtonKind::Main
                        icon="check"
                        label="Fill in the settings"
                        on_press=take_over
                    />
                </Show>
            </div>
            <Show when=move || undo.with(Option::is_some)>
                {move || filled.get().map(|summary| view! { <Filled summary/> })}
                <div class="button-row">
                    <p role="status">"The settings are filled in. Check them, then save."</p>
                    <Button
                        icon="undo"
                        label="Undo"
                        name="Undo filling in the settings"
                        on_press=move || {
                            if let Some(before) = undo.get_untracked() {
                                settings.replace(before);
                                settings.add_pasted_secrets(Vec::new());
                                undo.set(None);
                            }
                        }
                    />
                </div>
            </Show>
        </fieldset>
    }
}

/// What was recognised, with the choices that it leaves.
#[component]
fn Recognition(summary: PasteSummary, choice: RwSignal<PasteChoice>) -> impl IntoView {
    let operations = choices(
        "paste-operation",
        "Operation that takes tasks",
        &summary.operations,
        choice.with_untracked(|choice| choice.operation),
        move |operation| {
            choice.set(PasteChoice {
                operation,
                ..PasteChoice::default()
            });
        },
    );
    let servers = choices(
        "paste-server",
        "Server",
        &summary.servers,
        choice.with_untracked(|choice| choice.server),
        move |server| choice.update(|choice| choice.server = server),
    );
    let envelope = summary.envelope.map(|template| {
        let is_used = choice.with_untracked(|choice| !choice.ignores_envelope);
        view! {
            <label class="check">
                <input
                    type="checkbox"
                    prop:checked=is_used
                    on:change=move |event| {
                        let is_checked = event_target_checked(&event);
                        choice.update(|choice| choice.ignores_envelope = !is_checked);
                    }
                />
                <span>
                    "The task is inside an envelope: "
                    <code>{visible_text(&template)}</code>
                </span>
            </label>
        }
    });
    let notices = notice_list(summary.notices);
    let schema = summary.schema.map(|schema| {
        view! {
            <details class="fold">
                <summary>"Task schema"</summary>
                <CodeBlock
                    caption=Signal::stored("JSON Schema of one task".to_owned())
                    copy="Copy schema"
                    text=Signal::stored(schema)
                />
            </details>
        }
    });
    view! {
        <p>
            <strong>{visible_text(&summary.title)}</strong>
        </p>
        {operations}
        {servers}
        {envelope}
        {notices}
        {schema}
    }
}

/// What was filled in.
#[component]
fn Filled(summary: PasteSummary) -> impl IntoView {
    view! {
        <p>
            <strong>{visible_text(&summary.title)}</strong>
        </p>
        {notice_list(summary.notices)}
    }
}

fn notice_list(notices: Vec<PasteNotice>) -> impl IntoView {
    let items = notices
        .into_iter()
        .map(|notice| {
            let kind = match notice.kind {
                PasteNoticeKind::Recognized => "recognized",
                PasteNoticeKind::Changed => "changed",
                PasteNoticeKind::Missing => "missing",
                PasteNoticeKind::LeftOut => "left-out",
            };
            view! { <li data-kind=kind>{visible_text(&notice.text)}</li> }
        })
        .collect_view();
    view! { <ul class="paste-notices">{items}</ul> }
}

/// A field that chooses one of several texts; `None` if there is nothing to choose.
fn choices(
    id: &'static str,
    label: &'static str,
    texts: &[String],
    chosen: usize,
    on_choose: impl Fn(usize) + 'static,
) -> Option<AnyView> {
    let options = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            view! {
                <option value=index.to_string() selected=index == chosen>
                    {without_hidden(text)}
                </option>
            }
        })
        .collect_view();
    let on_change = move |event: web_sys::Event| {
        on_choose(event_target_value(&event).parse().unwrap_or_default());
    };
    (texts.len() > 1).then(|| {
        view! {
            <div class="field">
                <label for=id>{label}</label>
                <select class="input" id=id on:change=on_change>
                    {options}
                </select>
            </div>
        }
        .into_any()
    })
}
