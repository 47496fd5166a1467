//! The button that all panes and dialogs use.

use leptos::prelude::*;
use leptos::text_prop::TextProp;

use crate::ui::controls::icons;
use crate::ui::screen::Screen;

/// The look of a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ButtonKind {
    /// One of several actions.
    #[default]
    Plain,
    /// The main action of its surroundings.
    Main,
    /// An action that must not distract.
    Quiet,
    /// A quiet button that shows its icon only; the label becomes its name.
    IconOnly,
    /// An action that loses or risks something.
    Danger,
    /// A button in running text.
    Link,
}

impl ButtonKind {
    fn class(self) -> &'static str {
        match self {
            ButtonKind::Plain => "button",
            ButtonKind::Main => "button main",
            ButtonKind::Quiet => "button quiet",
            ButtonKind::IconOnly => "button quiet icon-only",
            ButtonKind::Danger => "button danger",
            ButtonKind::Link => "link-button",
        }
    }
}

/// A button. While it is disabled it keeps the focus, does nothing, and is described by the element
/// that says why.
#[component]
pub fn Button(
    /// Its text.
    #[prop(into)]
    label: TextProp,
    /// Its look.
    #[prop(optional)]
    kind: ButtonKind,
    /// An icon before the text, by its name in the sprite.
    #[prop(optional)]
    icon: Option<&'static str>,
    /// Its accessible name, if the text alone does not say enough.
    #[prop(optional, into)]
    name: Option<TextProp>,
    /// Further class names.
    #[prop(optional)]
    class: &'static str,
    /// Whether it opens a dialog.
    #[prop(optional)]
    opens_dialog: bool,
    /// Whether it has the focus when its dialog opens.
    #[prop(optional)]
    autofocus: bool,
    /// Given for an action that changes the run: a read-only tab disables it.
    #[prop(optional)]
    changes_run: Option<Screen>,
    /// While the button is disabled: the id of the element that says why.
    #[prop(optional, into)]
    disabled_by: Option<Signal<Option<&'static str>>>,
    /// The id of the element that describes the button while it is enabled.
    #[prop(optional)]
    described_by: Option<&'static str>,
    /// The action. Without one, the button submits its form.
    #[prop(optional, into)]
    on_press: Option<Callback<()>>,
) -> impl IntoView {
    let is_icon_only = kind == ButtonKind::IconOnly;
    let name = name.or_else(|| is_icon_only.then(|| label.clone()));
    let read_only_reason = move || changes_run.and_then(|screen| screen.read_only_reason());
    let reason = move || read_only_reason().or_else(|| disabled_by.and_then(|by| by.get()));
    let press = move |event: web_sys::MouseEvent| {
        if untrack(reason).is_some() {
            event.prevent_default();
            if let Some(screen) = changes_run {
                screen.refuse_if_read_only();
            }
        } else if let Some(on_press) = on_press {
            on_press.run(());
        }
    };
    view! {
        <button
            class=format!("{} {class}", kind.class()).trim_end().to_owned()
            type=if on_press.is_some() { "button" } else { "submit" }
            autofocus=autofocus
            aria-label=move || name.as_ref().map(TextProp::get)
            aria-haspopup=opens_dialog.then_some("dialog")
            aria-disabled=move || reason().map(|_| "true")
            aria-describedby=move || reason().or(described_by)
            on:click=press
        >
            {icon.map(icons::icon)}
            {(!is_icon_only).then_some(move || label.get())}
        </button>
    }
    .into_any()
}
