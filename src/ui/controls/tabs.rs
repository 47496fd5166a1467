//! A row of tabs: one is in the tab order, the arrow keys move between them.

use leptos::prelude::*;

use crate::ui::controls::focus::focus_by_id;

/// One tab.
#[derive(Clone)]
pub struct Tab<T> {
    /// What it stands for.
    pub value: T,
    /// Its name: the tab's id is `tab-{name}`, its panel's `panel-{name}`.
    pub name: &'static str,
    /// Its words.
    pub words: &'static str,
    /// A number beside them, where there is one.
    pub number: Signal<Option<usize>>,
}

impl<T> Tab<T> {
    /// A tab without a number.
    pub fn new(value: T, name: &'static str, words: &'static str) -> Tab<T> {
        Tab {
            value,
            name,
            words,
            number: Signal::stored(None),
        }
    }
}

/// The row. `selected` is the open one.
#[component]
pub fn Tabs<T>(
    /// What the row is called.
    label: &'static str,
    /// The tabs in their order; there is at least one.
    tabs: Vec<Tab<T>>,
    /// The open one.
    selected: RwSignal<T>,
) -> impl IntoView
where
    T: Copy + PartialEq + Send + Sync + 'static,
{
    let order: Vec<(T, &'static str)> = tabs.iter().map(|tab| (tab.value, tab.name)).collect();
    let step = move |event: web_sys::KeyboardEvent| {
        let now = selected.get_untracked();
        let at = order
            .iter()
            .position(|(value, _)| *value == now)
            .unwrap_or(0);
        let last = order.len().saturating_sub(1);
        let to = match event.key().as_str() {
            "ArrowRight" if at == last => 0,
            "ArrowRight" => at + 1,
            "ArrowLeft" if at == 0 => last,
            "ArrowLeft" => at - 1,
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        if let Some((value, name)) = order.get(to) {
            event.prevent_default();
            selected.set(*value);
            focus_by_id(&format!("tab-{name}"));
        }
    };
    view! {
        <div class="tabs" role="tablist" aria-label=label on:keydown=step>
            {tabs
                .into_iter()
                .map(|tab| {
                    let Tab { value, name, words, number } = tab;
                    let is_selected = move || selected.get() == value;
                    view! {
                        <button
                            class="tab"
                            type="button"
                            role="tab"
                            id=format!("tab-{name}")
                            aria-controls=format!("panel-{name}")
                            aria-selected=move || is_selected().to_string()
                            tabindex=move || if is_selected() { "0" } else { "-1" }
                            on:click=move |_| selected.set(value)
                        >
                            {words}
                            {move || {
                                number
                                    .get()
                                    .map(|number| {
                                        view! {
                                            " "
                                            <span class="number">{number}</span>
                                        }
                                    })
                            }}
                        </button>
                    }
                })
                .collect_view()}
        </div>
    }
}
