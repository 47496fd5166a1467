//! Text fields with their label, hint and error.

use leptos::prelude::*;

use crate::ui::controls::icons::icon;

/// A text field. Its hint has the id `{id}-hint`, its error `{id}-error`; both describe it.
#[component]
pub fn TextField(
    /// The id of the field.
    id: &'static str,
    /// Its label.
    label: &'static str,
    /// Its text.
    #[prop(into)]
    value: Signal<String>,
    /// Called with the text after each change.
    #[prop(into)]
    on_input: Callback<(String,)>,
    /// The height in lines of a field that takes several.
    #[prop(optional)]
    rows: Option<u8>,
    /// Further class names.
    #[prop(optional)]
    class: &'static str,
    /// Whether the label says that the field may stay empty.
    #[prop(optional)]
    is_optional: bool,
    /// Whether the text is not prose, so that the browser neither corrects nor completes it.
    #[prop(optional)]
    is_code: bool,
    /// Whether the field has the focus when its dialog opens.
    #[prop(optional)]
    autofocus: bool,
    /// Shown while the field is empty.
    #[prop(optional)]
    placeholder: &'static str,
    /// The keyboard that a phone shows.
    #[prop(optional)]
    input_mode: &'static str,
    /// The id of a list of suggestions.
    #[prop(optional)]
    list: &'static str,
    /// A sentence below the field.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with the text.
    #[prop(default = Signal::stored(None), into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    let class = format!("input {class}").trim_end().to_owned();
    let given = |text: &'static str| (!text.is_empty()).then_some(text);
    let off = is_code.then_some("off");
    let spellcheck = is_code.then_some("false");
    let has_error = Signal::derive(move || error.with(Option::is_some));
    let invalid = move || has_error.get().then_some("true");
    let described_by = described_by(id, !hint.is_empty(), has_error);
    let edit = move |text: String| on_input.run((text,));
    let field = match rows {
        Some(rows) => view! {
            <textarea
                class=class
                id=id
                rows=rows.to_string()
                autofocus=autofocus
                placeholder=given(placeholder)
                spellcheck=spellcheck
                autocapitalize=off
                autocomplete=off
                aria-invalid=invalid
                aria-describedby=described_by
                prop:value=value
                on:input:target=move |event| edit(event.target().value())
            ></textarea>
        }
        .into_any(),
        None => view! {
            <input
                class=class
                id=id
                autofocus=autofocus
                placeholder=given(placeholder)
                inputmode=given(input_mode)
                list=given(list)
                spellcheck=spellcheck
                autocapitalize=off
                autocomplete=off
                aria-invalid=invalid
                aria-describedby=described_by
                prop:value=value
                on:input:target=move |event| edit(event.target().value())
            />
        }
        .into_any(),
    };
    view! {
        <div class="field">
            <label for=id>
                {label} {is_optional.then(|| view! { " " <span class="optional">"optional"</span> })}
            </label>
            {field}
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=format!("{id}-hint")>{hint}</p> })}
            <FieldError id text=error/>
        </div>
    }
    .into_any()
}

/// What is wrong with the field of this id, below it.
#[component]
pub fn FieldError(
    /// The id of the field.
    id: &'static str,
    /// The error, if there is one.
    #[prop(into)]
    text: Signal<Option<String>>,
) -> impl IntoView {
    move || {
        text.get().map(|text| {
            view! {
                <p class="field-error" id=format!("{id}-error")>
                    {icon("warning")}
                    <span>{text}</span>
                </p>
            }
        })
    }
}

/// The value of `aria-describedby` for the field of this id: its hint and its error.
pub fn described_by(
    id: &'static str,
    has_hint: bool,
    has_error: Signal<bool>,
) -> impl Fn() -> Option<String> + Clone {
    move || match (has_hint, has_error.get()) {
        (false, false) => None,
        (true, false) => Some(format!("{id}-hint")),
        (false, true) => Some(format!("{id}-error")),
        (true, true) => Some(format!("{id}-hint {id}-error")),
    }
}
