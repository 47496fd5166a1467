//! The list of tasks. A long list draws only the rows in view.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use crate::review::{DraftId, DraftState};
use crate::run::Event;
use crate::text::counted;
use crate::ui::controls::button::Button;
use crate::ui::controls::focus::{focus_by_id, focus_by_id_soon, is_from_field};
use crate::ui::list::task_row::{TaskRow, row_id};
use crate::ui::screen::{Dialog, Screen, TaskTab};

/// A list of at most this many rows is drawn completely, so that the browser's search finds all.
const MAX_DRAWN_COMPLETELY: usize = 200;
/// Rows drawn above and below those in view.
const MARGIN: usize = 10;

/// Sizes that the browser measured, in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Measures {
    row_height: f64,
    list_height: f64,
    scroll_top: f64,
}

impl Measures {
    /// The rows to draw of `total`: the index of the first, and the index after the last.
    fn window(self, total: usize) -> (usize, usize) {
        if total <= MAX_DRAWN_COMPLETELY || self.row_height < 1.0 {
            return (0, total.min(MAX_DRAWN_COMPLETELY));
        }
        // The cast saturates; heights are small and positive.
        let rows = |pixels: f64| (pixels / self.row_height).floor().max(0.0) as usize;
        let first = rows(self.scroll_top).saturating_sub(MARGIN);
        let last = rows(self.scroll_top + self.list_height) + 1 + MARGIN;
        let last = last.min(total);
        (first.min(last), last)
    }
}

/// The list, or a way back if no task passes filter and search.
#[component]
pub fn TaskList(screen: Screen) -> impl IntoView {
    let is_empty = Memo::new(move |_| screen.visible_tasks.with(|tasks| tasks.is_empty()));
    move || {
        if is_empty.get() {
            view! { <NoMatch screen/> }.into_any()
        } else {
            view! { <Rows screen/> }.into_any()
        }
    }
}

#[component]
fn Rows(screen: Screen) -> impl IntoView {
    let list = NodeRef::<html::Ol>::new();
    let measures = RwSignal::new(Measures {
        row_height: 0.0,
        list_height: 0.0,
        scroll_top: 0.0,
    });
    let measure = move || {
        if let Some(list) = list.get_untracked() {
            let row_height = list
                .query_selector(".task-row")
                .ok()
                .flatten()
                .map_or(0.0, |row| row.get_bounding_client_rect().height());
            let now = Measures {
                row_height,
                list_height: f64::from(list.client_height()),
                scroll_top: f64::from(list.scroll_top()),
            };
            if measures.get_untracked() != now {
                measures.set(now);
            }
        }
    };
    watch_size(list, measure);
    Effect::new(move |_| {
        if let Some(id) = screen.open_task.get() {
            show_row(screen, list, measures, &id);
        }
    });

    let total = Memo::new(move |_| screen.visible_tasks.with(|tasks| tasks.len()));
    let window = Memo::new(move |_| measures.get().window(total.get()));
    let rows = move || {
        let (first, last) = window.get();
        screen.visible_tasks.with(|tasks| {
            let ids = tasks.get(first..last.min(tasks.len())).unwrap_or_default();
            (first + 1..).zip(ids.iter().cloned()).collect::<Vec<_>>()
        })
    };
    let gap = move |rows: usize| format!("{}px", rows as f64 * measures.get().row_height);
    let before = move || window.get().0;
    let after = move || total.get().saturating_sub(window.get().1);

    view! {
        <p class="visually-hidden" id="list-keys">
            "Keyboard shortcuts: arrow keys or j and k to move, Enter to open, e to edit, a to approve, r to reject, u to undo, slash to search, question mark for all shortcuts."
        </p>
        <ol
            class="task-list"
            aria-label="Tasks"
            aria-describedby="list-keys"
            aria-busy=move || screen.is_generating.get().then_some("true")
            node_ref=list
            on:scroll=move |_| measure()
            on:keydown=move |event| handle_key(screen, list, measures, &event)
        >
            <Show when=move || { before() > 0 }>
                <li class="list-gap" aria-hidden="true" style:height=move || gap(before())></li>
            </Show>
            <For each=rows key=|(place, id)| (*place, id.clone()) let((place, id))>
                <TaskRow screen id place total/>
            </For>
            <Show when=move || { after() > 0 }>
                <li class="list-gap" aria-hidden="true" style:height=move || gap(after())></li>
            </Show>
        </ol>
    }
}

/// Measures the list when it appears and when its size changes.
fn watch_size(list: NodeRef<html::Ol>, measure: impl Fn() + Copy + 'static) {
    let observation =
        StoredValue::new_local(None::<(web_sys::ResizeObserver, Closure<dyn FnMut()>)>);
    list.on_load(move |list| {
        let callback = Closure::<dyn FnMut()>::new(measure);
        // Every browser that runs this module has it. Without one, scrolling still measures the list.
        if let Ok(observer) = web_sys::ResizeObserver::new(callback.as_ref().unchecked_ref()) {
            observer.observe(&list);
            observation.set_value(Some((observer, callback)));
        }
        measure();
    });
    on_cleanup(move || {
        observation.try_update_value(|observation| {
            if let Some((observer, _callback)) = observation.take() {
                observer.disconnect();
            }
        });
    });
}

/// Scrolls to the row of a task if it is out of sight.
fn show_row(screen: Screen, list: NodeRef<html::Ol>, measures: RwSignal<Measures>, id: &DraftId) {
    let place = screen
        .visible_tasks
        .with_untracked(|tasks| tasks.iter().position(|listed| listed == id));
    let (Some(place), Some(list)) = (place, list.get_untracked()) else {
        return;
    };
    let Measures {
        row_height,
        list_height,
        ..
    } = measures.get_untracked();
    let top = place as f64 * row_height;
    let scroll_top = f64::from(list.scroll_top());
    if top < scroll_top {
        list.set_scroll_top(top as i32);
    } else if top + row_height > scroll_top + list_height {
        list.set_scroll_top((top + row_height - list_height).ceil() as i32);
    }
}

/// Handles a key pressed while the focus is on a row.
fn handle_key(
    screen: Screen,
    list: NodeRef<html::Ol>,
    measures: RwSignal<Measures>,
    event: &web_sys::KeyboardEvent,
) {
    if is_from_field(event) || event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let tasks = screen.visible_tasks.get_untracked();
    let Some(index) = focused_index(event, &tasks) else {
        return;
    };
    let last = tasks.len().saturating_sub(1);
    let target = match event.key().as_str() {
        "ArrowDown" | "j" => (index + 1).min(last),
        "ArrowUp" | "k" => index.saturating_sub(1),
        "Home" => 0,
        "End" => last,
        "/" => {
            event.prevent_default();
            focus_by_id("search");
            return;
        }
        "?" => {
            event.prevent_default();
            screen.dialog.set(Some(Dialog::Shortcuts));
            return;
        }
        key => {
            if let Some(id) = tasks.get(index) {
                handle_action_key(screen, id, index, key, event);
            }
            return;
        }
    };
    event.prevent_default();
    let Some(id) = tasks.get(target).map(row_id) else {
        return;
    };
    if !focus_by_id(&id) {
        // The row is not drawn: scroll to it, and focus it once it is.
        if let Some(list) = list.get_untracked() {
            let top = target as f64 * measures.get_untracked().row_height;
            list.set_scroll_top(top as i32);
        }
        request_animation_frame(move || focus_by_id_soon(id));
    }
}

fn handle_action_key(
    screen: Screen,
    id: &DraftId,
    index: usize,
    key: &str,
    event: &web_sys::KeyboardEvent,
) {
    match key {
        "e" => {
            screen.open(id.clone(), TaskTab::Json);
            screen.edit_as_json();
        }
        "u" if screen.actions(id).can_undo => screen.send(Event::UndoDecisions {
            drafts: vec![id.clone()],
        }),
        "a" => screen.approve(vec![id.clone()]),
        "r" => screen.reject(id.clone(), String::new()),
        _ => return,
    }
    event.prevent_default();
    keep_focus_in_list(screen, index);
}

/// If an action removed the row at `index` from the list, focuses the row that took its place.
pub fn keep_focus_in_list(screen: Screen, index: usize) {
    request_animation_frame(move || {
        let tasks = screen.visible_tasks.get_untracked();
        let index = index.min(tasks.len().saturating_sub(1));
        let is_lost = document()
            .active_element()
            .is_none_or(|element| element.tag_name() == "BODY" || element.id() == "tasks");
        if let (true, Some(id)) = (is_lost, tasks.get(index)) {
            focus_by_id_soon(row_id(id));
        }
    });
}

/// The index in the list of the row that the event came from.
fn focused_index(event: &web_sys::KeyboardEvent, tasks: &Arc<[DraftId]>) -> Option<usize> {
    let row = event
        .target()?
        .dyn_into::<web_sys::Element>()
        .ok()?
        .closest(".task-row")
        .ok()??;
    let position: usize = row.get_attribute("aria-posinset")?.parse().ok()?;
    position.checked_sub(1).filter(|index| *index < tasks.len())
}

#[component]
fn NoMatch(screen: Screen) -> impl IntoView {
    let total = move || screen.page.rows.with(Vec::len);
    let message = move || {
        let state = screen.filter.get().map(|state| match state {
            DraftState::DryDelivered => "has a dry receipt".to_owned(),
            DraftState::Sending => "is being sent".to_owned(),
            DraftState::Checking => "is being checked".to_owned(),
            state => format!("is {}", state.label().to_lowercase()),
        });
        let search = screen.search.with(|search| {
            let search = search.trim();
            (!search.is_empty()).then(|| format!("contains “{search}”"))
        });
        let conditions: Vec<String> = state.into_iter().chain(search).collect();
        format!(
            "None of the {} {}.",
            counted(total(), "task"),
            conditions.join(" and ")
        )
    };
    view! {
        <div class="empty">
            <h3>"No tasks match"</h3>
            <p>{message}</p>
            <Button
                label=move || format!("Show all {}", counted(total(), "task"))
                on_press=move || screen.show_all()
            />
        </div>
    }
}
