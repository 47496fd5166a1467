//! The list of tasks. Beyond some hundreds only the rows that are seen are drawn.

use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;

use crate::review::DraftId;
use crate::text::counted;
use crate::ui::controls::focus::{focus_by_id, focus_by_id_soon, is_from_field};
use crate::ui::list::task_row::{TaskRow, row_id};
use crate::ui::screen::{Screen, TaskTab};

/// Up to this many rows are all drawn, so that the browser's own search finds them.
const ALL_DRAWN: usize = 200;
/// Rows that are drawn beyond what is seen, on each side.
const MARGIN: usize = 10;

/// What the browser measured of the list, in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Measures {
    row: f64,
    seen: f64,
    scrolled: f64,
}

impl Measures {
    /// The rows to draw of `total`, from the first to the one behind the last.
    fn window(self, total: usize) -> (usize, usize) {
        if total <= ALL_DRAWN || self.row < 1.0 {
            return (0, total.min(ALL_DRAWN));
        }
        // Heights are small and positive; a cast of anything else saturates.
        let rows = |pixels: f64| (pixels / self.row).floor().max(0.0) as usize;
        let first = rows(self.scrolled).saturating_sub(MARGIN);
        let last = rows(self.scrolled + self.seen) + 1 + MARGIN;
        let last = last.min(total);
        (first.min(last), last)
    }
}

/// The list, or what to do where no task passes filter and search.
#[component]
pub fn TaskList(screen: Screen) -> impl IntoView {
    let is_empty = Memo::new(move |_| screen.listed.with(|listed| listed.is_empty()));
    move || {
        if is_empty.get() {
            view! { <NothingListed screen/> }.into_any()
        } else {
            view! { <Rows screen/> }.into_any()
        }
    }
}

#[component]
fn Rows(screen: Screen) -> impl IntoView {
    let list = NodeRef::<html::Ol>::new();
    let measures = RwSignal::new(Measures {
        row: 0.0,
        seen: 0.0,
        scrolled: 0.0,
    });
    let measure = move || {
        if let Some(list) = list.get_untracked() {
            let row = list
                .query_selector(".task-row")
                .ok()
                .flatten()
                .map_or(0.0, |row| row.get_bounding_client_rect().height());
            let now = Measures {
                row,
                seen: f64::from(list.client_height()),
                scrolled: f64::from(list.scroll_top()),
            };
            if measures.get_untracked() != now {
                measures.set(now);
            }
        }
    };
    watch_size(list, measure);

    let total = Memo::new(move |_| screen.listed.with(|listed| listed.len()));
    let window = Memo::new(move |_| measures.get().window(total.get()));
    let rows = move || {
        let (first, last) = window.get();
        screen.listed.with(|listed| {
            let ids = listed
                .get(first..last.min(listed.len()))
                .unwrap_or_default();
            (first + 1..).zip(ids.iter().cloned()).collect::<Vec<_>>()
        })
    };
    let gap = move |rows: usize| format!("{}px", rows as f64 * measures.get().row);
    let before = move || window.get().0;
    let after = move || total.get().saturating_sub(window.get().1);

    view! {
        <p class="visually-hidden" id="list-keys">
            "Keys in the list: arrow keys or j and k move, Enter opens, e edits, a approves, r rejects, slash searches."
        </p>
        <ol
            class="task-list"
            aria-label="Tasks"
            aria-describedby="list-keys"
            aria-busy=move || screen.is_generating.get().then_some("true")
            node_ref=list
            on:scroll=move |_| measure()
            on:keydown=move |event| act_on_key(screen, list, measures, &event)
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

/// Measures the list when it appears and whenever its size changes.
fn watch_size(list: NodeRef<html::Ol>, measure: impl Fn() + Copy + 'static) {
    let watching = StoredValue::new_local(None::<(web_sys::ResizeObserver, Closure<dyn FnMut()>)>);
    list.on_load(move |list| {
        let callback = Closure::<dyn FnMut()>::new(measure);
        // Every browser that runs this module has it; without one the list is measured at scrolling.
        if let Ok(observer) = web_sys::ResizeObserver::new(callback.as_ref().unchecked_ref()) {
            observer.observe(&list);
            watching.set_value(Some((observer, callback)));
        }
        measure();
    });
    on_cleanup(move || {
        watching.try_update_value(|watching| {
            if let Some((observer, _callback)) = watching.take() {
                observer.disconnect();
            }
        });
    });
}

/// What a key does while the focus is on a row.
fn act_on_key(
    screen: Screen,
    list: NodeRef<html::Ol>,
    measures: RwSignal<Measures>,
    event: &web_sys::KeyboardEvent,
) {
    if is_from_field(event) || event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let listed = screen.listed.get_untracked();
    let Some(at) = focused_place(event, &listed) else {
        return;
    };
    let last = listed.len().saturating_sub(1);
    let to = match event.key().as_str() {
        "ArrowDown" | "j" => (at + 1).min(last),
        "ArrowUp" | "k" => at.saturating_sub(1),
        "Home" => 0,
        "End" => last,
        "/" => {
            event.prevent_default();
            focus_by_id("search");
            return;
        }
        key => {
            if let Some(id) = listed.get(at) {
                decide_on_key(screen, id, at, key, event);
            }
            return;
        }
    };
    event.prevent_default();
    let Some(id) = listed.get(to).map(row_id) else {
        return;
    };
    if !focus_by_id(&id) {
        // Not drawn yet: scroll to where it will be, then wait until it is drawn.
        if let Some(list) = list.get_untracked() {
            let top = to as f64 * measures.get_untracked().row;
            list.set_scroll_top(top as i32);
        }
        request_animation_frame(move || focus_by_id_soon(id));
    }
}

fn decide_on_key(
    screen: Screen,
    id: &DraftId,
    at: usize,
    key: &str,
    event: &web_sys::KeyboardEvent,
) {
    match key {
        "e" => {
            screen.open(id.clone(), TaskTab::Json);
            focus_by_id_soon("json".to_owned());
        }
        "a" if screen.may_decide.get_untracked() => screen.approve(vec![id.clone()]),
        "r" if screen.may_decide.get_untracked() => {
            use crate::review::DraftState as S;
            if matches!(
                screen.state(id),
                Some(S::Ready | S::Approved | S::Invalid | S::Checking)
            ) {
                screen.reject(id.clone(), String::new());
            }
        }
        _ => return,
    }
    event.prevent_default();
    keep_place(screen, at);
}

/// Where the decision took the row out of the list, the focus goes to the one in its place.
pub fn keep_place(screen: Screen, at: usize) {
    request_animation_frame(move || {
        let listed = screen.listed.get_untracked();
        let still = at.min(listed.len().saturating_sub(1));
        let lost = document()
            .active_element()
            .is_none_or(|element| element.tag_name() == "BODY" || element.id() == "tasks");
        if let (true, Some(id)) = (lost, listed.get(still)) {
            focus_by_id_soon(row_id(id));
        }
    });
}

/// The place in the list of the row that the event came from.
fn focused_place(event: &web_sys::KeyboardEvent, listed: &Arc<[DraftId]>) -> Option<usize> {
    let row = event
        .target()?
        .dyn_into::<web_sys::Element>()
        .ok()?
        .closest(".task-row")
        .ok()??;
    let place: usize = row.get_attribute("aria-posinset")?.parse().ok()?;
    place.checked_sub(1).filter(|at| *at < listed.len())
}

#[component]
fn NothingListed(screen: Screen) -> impl IntoView {
    let total = move || screen.page.rows.with(Vec::len);
    let why = move || {
        let state = screen
            .filter
            .get()
            .map(|state| format!("is {}", state.label().to_lowercase()));
        let search = screen.search.with(|search| {
            let search = search.trim();
            (!search.is_empty()).then(|| format!("contains “{search}”"))
        });
        let both: Vec<String> = state.into_iter().chain(search).collect();
        format!(
            "None of the {} {}.",
            counted(total(), "task"),
            both.join(" and ")
        )
    };
    view! {
        <div class="empty">
            <h3>"No task matches"</h3>
            <p>{why}</p>
            <button class="button" type="button" on:click=move |_| screen.show_all()>
                {move || format!("Show all {}", counted(total(), "task"))}
            </button>
        </div>
    }
}
