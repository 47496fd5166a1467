//! The list of tasks. A long list draws only the rows in view, and the row that has the focus.

use std::collections::HashSet;
use std::ops::Range;

use leptos::html;
use leptos::prelude::*;
use leptos::tachys::reactive_graph::{OwnedView, OwnedViewState};
use leptos::tachys::view::{Mountable, Render};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlElement};

use crate::review::list::RowGeometry;
use crate::review::{DraftId, DraftState};
use crate::run::Event;
use crate::text::{counted, listed};
use crate::ui::controls::button::Button;
use crate::ui::controls::focus::{
    focus_by_id, focus_by_id_soon, has_focus, is_focused, is_from_field,
};
use crate::ui::list::listing::{ListedRows, Listing};
use crate::ui::list::task_row::{TaskRow, TaskRowProps, row_id};
use crate::ui::screen::{Dialog, Screen, TaskTab};

/// A list of at most this many rows is drawn completely, so that the browser's search finds all.
const MAX_DRAWN_COMPLETELY: usize = 200;
/// Rows of a longer list that are drawn before it was measured.
const DRAWN_FIRST: usize = 30;
/// Rows drawn above and below those in view.
const MARGIN: usize = 10;

/// Sizes that the browser measured, in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Measures {
    row_height: f64,
    heading_height: f64,
    list_height: f64,
    scroll_top: f64,
}

impl Measures {
    fn geometry(self, rows: &ListedRows) -> RowGeometry<'_> {
        RowGeometry {
            total: rows.ids.len(),
            groups: &rows.groups,
            row: self.row_height,
            heading: self.heading_height,
        }
    }

    /// The positions of the rows to draw.
    fn drawn(self, rows: &ListedRows) -> Range<usize> {
        let total = rows.ids.len();
        if total <= MAX_DRAWN_COMPLETELY {
            0..total
        } else if self.row_height < 1.0 {
            0..DRAWN_FIRST
        } else {
            self.geometry(rows)
                .drawn(self.scroll_top, self.list_height, MARGIN)
        }
    }
}

/// The list, or a way back if no task passes filter and search.
#[component]
pub fn TaskList(screen: Screen) -> impl IntoView {
    let listing = Listing::of(screen);
    let is_empty = Memo::new(move |_| listing.rows.with(|rows| rows.ids.is_empty()));
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
    let listing = Listing::of(screen);
    let list = NodeRef::<html::Ol>::new();
    let measures = RwSignal::new(Measures::default());
    // The row with the focus stays drawn, however far the list is scrolled.
    let focused = RwSignal::new(Vec::<DraftId>::new());
    let measure = move || {
        if let Some(list) = list.get_untracked() {
            listing
                .rows
                .with_untracked(|rows| measure(&list, rows, measures));
        }
    };
    watch_size(list, measure);
    Effect::new(move |_| {
        if let Some(id) = screen.open_task.get() {
            let position = listing.rows.with_untracked(|rows| position_of(rows, &id));
            if let Some(position) = position {
                scroll_to(listing, list, measures, position);
            }
        }
    });
    // Another filter, search or order is another list, and is read from its start.
    Effect::new(move |is_first: Option<()>| {
        listing.track_question();
        if let (Some(()), Some(list)) = (is_first, list.get_untracked()) {
            list.set_scroll_top(0);
        }
    });
    draw_rows(screen, list, measures, focused);

    let total = Memo::new(move |_| listing.rows.with(|rows| rows.ids.len()));
    let space = move || {
        let groups = listing.rows.with(|rows| rows.groups.len());
        offset(total.get(), groups)
    };
    let headings = move || {
        listing.rows.with(|rows| {
            let drawn = measures.get().drawn(rows);
            let groups = rows.groups.iter().copied().enumerate();
            groups
                .filter(|(_, group)| drawn.contains(&group.start))
                .collect::<Vec<_>>()
        })
    };

    view! {
        <p class="visually-hidden" id="list-keys">
            "Keyboard shortcuts: arrow keys or j and k to move, Page up and Page down, Home and End, right arrow for the buttons of a task, Enter to open, e to edit, a to approve, r to reject, u to undo, x to select, slash to search, question mark for all shortcuts."
        </p>
        <ol
            class="task-list"
            aria-label="Tasks"
            aria-describedby="list-keys"
            aria-busy=move || screen.is_generating.get().then_some("true")
            node_ref=list
            on:scroll=move |_| measure()
            on:focusin=move |event| {
                let row = listing.rows.with_untracked(|rows| {
                    rows.ids.get(focused_position(&event)?).cloned()
                });
                focused.set(row.into_iter().collect());
            }
            on:focusout=move |_| focused.set(Vec::new())
            on:keydown=move |event| handle_key(screen, list, measures, focused, &event)
        >
            <li class="list-space" aria-hidden="true" style:block-size=space></li>
            <For each=headings key=|heading| *heading let((above, group))>
                <li
                    class="list-group"
                    aria-hidden="true"
                    style:inset-block-start=offset(group.start, above)
                >
                    <span>{group.group.label()}</span>
                    <span class="number">{counted(group.len, "task")}</span>
                </li>
            </For>
        </ol>
    }
}

/// The height of so many rows and headings. The style sheet knows the height of each.
pub fn offset(rows: usize, headings: usize) -> String {
    format!("calc({rows} * var(--row) + {headings} * var(--heading))")
}

/// A row in the document.
struct DrawnRow {
    id: DraftId,
    position: RwSignal<usize>,
    view: OwnedViewState<<AnyView as Render>::State>,
}

/// Draws the rows in view and the one with the focus, in the order of the list. A row that stays is
/// never moved in the document, because that would take the focus from it; `For` moves rows.
fn draw_rows(
    screen: Screen,
    list: NodeRef<html::Ol>,
    measures: RwSignal<Measures>,
    focused: RwSignal<Vec<DraftId>>,
) {
    let listing = Listing::of(screen);
    let owner = Owner::current().unwrap_or_default();
    let wanted = Memo::new(move |_| {
        listing.rows.with(|rows| {
            let drawn = measures.get().drawn(rows);
            let mut kept: Vec<usize> = focused.with(|focused| {
                let positions = focused.iter().filter_map(|id| position_of(rows, id));
                positions.collect()
            });
            kept.sort_unstable();
            let above = kept.iter().copied().filter(|kept| *kept < drawn.start);
            let below = kept.iter().copied().filter(|kept| *kept >= drawn.end);
            let positions = above.chain(drawn.clone()).chain(below);
            positions
                .filter_map(|position| Some((position, rows.ids.get(position)?.clone())))
                .collect::<Vec<_>>()
        })
    });
    // Not the value of the effect: the rows go with the list, before anything that they read.
    let drawn_rows = StoredValue::new_local(Vec::<DrawnRow>::new());
    Effect::new(move |_| {
        let Some(list) = list.get() else {
            return;
        };
        let wanted = wanted.get();
        let drawn = drawn_rows.try_update_value(std::mem::take);
        let kept = remove_rows(drawn.unwrap_or_default(), &wanted);
        let mut kept = kept.into_iter().peekable();
        let mut rows = Vec::with_capacity(wanted.len());
        for (position, id) in wanted {
            if let Some(row) = kept.next_if(|row| row.id == id) {
                if row.position.get_untracked() != position {
                    row.position.set(position);
                }
                rows.push(row);
                continue;
            }
            let mut row = owner.child().with(|| {
                let position = RwSignal::new(position);
                let view = TaskRow(TaskRowProps {
                    screen,
                    listing,
                    id: id.clone(),
                    position,
                });
                DrawnRow {
                    id,
                    position,
                    view: OwnedView::new(view.into_any()).build(),
                }
            });
            match kept.peek() {
                Some(next) => {
                    next.view.insert_before_this(&mut row.view);
                }
                None => row.view.mount(&list, None),
            }
            rows.push(row);
        }
        drawn_rows.set_value(rows);
    });
}

/// Removes the rows that are not wanted, and those that would have to move among the others. If the
/// row with the focus is removed, the one that took its place gets the focus.
fn remove_rows(drawn: Vec<DrawnRow>, wanted: &[(usize, DraftId)]) -> Vec<DrawnRow> {
    let wanted_ids: HashSet<&DraftId> = wanted.iter().map(|(_, id)| id).collect();
    let is_focused = |row: &DrawnRow| is_focused(&row_id(&row.id));
    let in_order: HashSet<DraftId> = {
        let stay = drawn.iter().filter(|row| wanted_ids.contains(&row.id));
        let stay: Vec<&DrawnRow> = stay.collect();
        let order = wanted.iter().map(|(_, id)| id);
        let mut order = order.filter(|id| stay.iter().any(|row| row.id == **id));
        if stay.iter().all(|row| order.next() == Some(&row.id)) {
            stay.iter().map(|row| row.id.clone()).collect()
        } else {
            let stay = stay.iter().filter(|row| is_focused(row));
            stay.map(|row| row.id.clone()).collect()
        }
    };
    let mut kept = Vec::with_capacity(in_order.len());
    for mut row in drawn {
        if in_order.contains(&row.id) {
            kept.push(row);
            continue;
        }
        if is_focused(&row) {
            let position = row.position.get_untracked();
            let next = wanted.iter().find(|(at, _)| *at >= position);
            if let Some((_, id)) = next.or(wanted.last()) {
                let next = row_id(id);
                request_animation_frame(move || {
                    if !has_focus() {
                        focus_by_id(&next);
                    }
                });
            }
        }
        row.view.unmount();
    }
    kept
}

fn position_of(rows: &ListedRows, id: &DraftId) -> Option<usize> {
    rows.ids.iter().position(|listed| listed == id)
}

/// Measures the list. If its rows have another height now, the row at the top stays there.
fn measure(list: &web_sys::HtmlOListElement, rows: &ListedRows, measures: RwSignal<Measures>) {
    let height = |selector: &str| {
        let element = list.query_selector(selector).ok().flatten();
        element.map_or(0.0, |element| element.get_bounding_client_rect().height())
    };
    let before = measures.get_untracked();
    let row_height = height(".task-row");
    let headings = rows.groups.len() as f64;
    let heading_height = if rows.groups.is_empty() {
        0.0
    } else {
        (height(".list-space") - rows.ids.len() as f64 * row_height).max(0.0) / headings
    };
    if before.row_height > 0.0 && (row_height - before.row_height).abs() > 0.5 {
        list.set_scroll_top((before.scroll_top * row_height / before.row_height) as i32);
    }
    let now = Measures {
        row_height,
        heading_height,
        list_height: f64::from(list.client_height()),
        scroll_top: f64::from(list.scroll_top()),
    };
    if before != now {
        measures.set(now);
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

/// Scrolls to the row at a position if it is out of sight.
fn scroll_to(
    listing: Listing,
    list: NodeRef<html::Ol>,
    measures: RwSignal<Measures>,
    position: usize,
) {
    let Some(list) = list.get_untracked() else {
        return;
    };
    let now = measures.get_untracked();
    let to = listing.rows.with_untracked(|rows| {
        let scroll_top = f64::from(list.scroll_top());
        now.geometry(rows)
            .scroll_to(position, scroll_top, now.list_height)
    });
    if let Some(to) = to {
        list.set_scroll_top(to.ceil() as i32);
    }
}

/// Handles a key pressed while the focus is on a row.
fn handle_key(
    screen: Screen,
    list: NodeRef<html::Ol>,
    measures: RwSignal<Measures>,
    focused: RwSignal<Vec<DraftId>>,
    event: &web_sys::KeyboardEvent,
) {
    if is_from_field(event) || event.ctrl_key() || event.meta_key() || event.alt_key() {
        return;
    }
    let listing = Listing::of(screen);
    let rows = listing.rows.get_untracked();
    let Some(position) = focused_position(event) else {
        return;
    };
    let last = rows.ids.len().saturating_sub(1);
    let now = measures.get_untracked();
    let page = now.geometry(&rows).page(now.list_height);
    let target = match event.key().as_str() {
        "ArrowDown" | "j" => position + 1,
        "ArrowUp" | "k" => position.saturating_sub(1),
        "PageDown" => position + page,
        "PageUp" => position.saturating_sub(page),
        "Home" => 0,
        "End" => last,
        key @ ("ArrowRight" | "ArrowLeft") => {
            event.prevent_default();
            focus_beside(event, key == "ArrowRight");
            return;
        }
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
            if let Some(id) = rows.ids.get(position) {
                handle_action_key(screen, id, position, key, event);
            }
            return;
        }
    };
    event.prevent_default();
    let target = target.min(last);
    let Some(id) = rows.ids.get(target) else {
        return;
    };
    scroll_to(listing, list, measures, target);
    let row = row_id(id);
    if !focus_by_id(&row) {
        // It will be drawn wherever it is, and so will the row that has the focus until then.
        focused.update(|focused| focused.push(id.clone()));
        focus_by_id_soon(row);
    }
}

/// Moves the focus between the buttons of a row: the one that opens the task, then its actions.
fn focus_beside(event: &web_sys::Event, is_forward: bool) {
    let target = event.target().and_then(|target| target.dyn_into().ok());
    let Some(target): Option<Element> = target else {
        return;
    };
    let row = target.closest(".task-row").ok().flatten();
    let in_row = |selector: &str| row.as_ref()?.query_selector(selector).ok()?;
    let opens_task = target.class_list().contains("task-open");
    let next = match (opens_task, is_forward) {
        (true, true) => in_row(".task-actions > button"),
        (true, false) => None,
        (false, true) => target.next_element_sibling(),
        (false, false) => target
            .previous_element_sibling()
            .or_else(|| in_row(".task-open")),
    };
    if let Some(button) = next.and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
        // Only an element that cannot take the focus refuses it.
        let _ = button.focus();
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
        "x" => screen.toggle_selected(id.clone()),
        "Delete" => screen.delete(vec![id.clone()]),
        "a" => screen.approve(vec![id.clone()]),
        "r" => screen.reject(vec![id.clone()], String::new()),
        _ => return,
    }
    event.prevent_default();
    keep_focus_in_list(screen, index);
}

/// If an action removed the row at `index` from the list, focuses the row that took its place.
pub fn keep_focus_in_list(screen: Screen, index: usize) {
    request_animation_frame(move || {
        let rows = Listing::of(screen).rows.get_untracked();
        let index = index.min(rows.ids.len().saturating_sub(1));
        let is_lost = document()
            .active_element()
            .is_none_or(|element| element.tag_name() == "BODY" || element.id() == "tasks");
        if let (true, Some(id)) = (is_lost, rows.ids.get(index)) {
            focus_by_id_soon(row_id(id));
        }
    });
}

/// The position in the list of the row that the event came from.
fn focused_position(event: &web_sys::Event) -> Option<usize> {
    let row = event
        .target()?
        .dyn_into::<Element>()
        .ok()?
        .closest(".task-row")
        .ok()??;
    let place: usize = row.get_attribute("aria-posinset")?.parse().ok()?;
    place.checked_sub(1)
}

#[component]
fn NoMatch(screen: Screen) -> impl IntoView {
    let total = move || screen.page.rows.with(Vec::len);
    let message = move || {
        let filter = screen.filter.get();
        let state = filter.state.map(|state| match state {
            DraftState::DryDelivered => "has a dry receipt".to_owned(),
            DraftState::Sending => "is being sent".to_owned(),
            DraftState::Checking => "is being checked".to_owned(),
            state => format!("is {}", state.label().to_lowercase()),
        });
        let finding = filter
            .finding
            .map(|finding| format!("has the finding “{}”", finding.label()));
        let priority = filter
            .priority
            .map(|priority| format!("has the priority “{priority}”"));
        let label = filter.label.map(|label| format!("has the label “{label}”"));
        let dependencies = filter.has_dependencies.map(|has_dependencies| {
            let other = if has_dependencies {
                "another"
            } else {
                "no other"
            };
            format!("depends on {other} task")
        });
        let search = screen.search.with(|search| {
            let search = search.trim();
            (!search.is_empty()).then(|| format!("contains “{search}”"))
        });
        let conditions: Vec<String> = [state, finding, priority, label, dependencies, search]
            .into_iter()
            .flatten()
            .collect();
        format!(
            "None of the {} {}.",
            counted(total(), "task"),
            listed(&conditions)
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
