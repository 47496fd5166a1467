//! A row of tabs: one of them is in the tab order, the arrow keys move between them.

use leptos::prelude::*;

use crate::ui::controls::focus::focus_by_id;

/// One tab.
#[derive(Clone)]
pub struct Tab<T> {
    /// The value that selects it.
    pub value: T,
    /// The tab has the id `tab-{name}`, its panel `panel-{name}`.
    pub name: &'static str,
    /// Its text.
    pub label: &'static str,
    /// A number after the text.
    pub number: Signal<Option<usize>>,
}

impl<T> Tab<T> {
    /// A tab without a number.
    pub fn new(value: T, name: &'static str, label: &'static str) -> Tab<T> {
        Tab {
            value,
            name,
            label,
            number: Signal::stored(None),
        }
    }
}

/// A row of tabs.
#[component]
pub fn Tabs<T>(
    /// The name of the row.
    label: &'static str,
    /// The tabs in order, at least one.
    tabs: Vec<Tab<T>>,
    /// The value of the open tab.
    selected: RwSignal<T>,
) -> impl IntoView
where
    T: Copy + PartialEq + Send + Sync + 'static,
{
    let order: Vec<(T, &'static str)> = tabs.iter().map(|tab| (tab.value, tab.name)).collect();
    let move_selection = move |event: web_sys::KeyboardEvent| {
        let current = selected.get_untracked();
        let at = order
            .iter()
            .position(|(value, _)| *value == current)
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
        <div class="tabs" role="tablist" aria-label=label on:keydown=move_selection>
            {tabs
                .into_iter()
                .map(|tab| {
                    let Tab { value, name, label, number } = tab;
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
                            {label}
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
