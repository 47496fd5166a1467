//! Filters by state, the search, what the filters hide, and the actions on several tasks.

use leptos::prelude::*;

use crate::review::list::Selection;
use crate::review::{DraftId, DraftState};
use crate::run::FollowUp;
use crate::text::grouped;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::focus::focus_by_id;
use crate::ui::controls::icons::{icon, state_mark, state_name};
use crate::ui::list::list_options::{ListOptions, OPTIONS, OptionsButton};
use crate::ui::list::listing::Listing;
use crate::ui::list::scope::{Scope, in_scope, named};
use crate::ui::screen::{Dialog, Screen};

/// The tools above the list. Only states that occur have a filter.
#[component]
pub fn Filters(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let states = Memo::new(move |_| {
        let selected = screen.filter.with(|filter| filter.state);
        page.counts.with(|counts| {
            DraftState::ALL
                .into_iter()
                .filter(|state| *state != DraftState::Deleted)
                .filter(|state| counts.of(*state) > 0 || selected == Some(*state))
                .collect::<Vec<_>>()
        })
    });
    let total = move || grouped(page.counts.with(|counts| counts.total()));
    let shows_options = RwSignal::new(false);
    view! {
        <div class="list-tools">
            <div class="chips" role="group" aria-label="Filter by state">
                <button
                    class="chip"
                    type="button"
                    aria-pressed=move || {
                        screen.filter.with(|filter| filter.state.is_none()).to_string()
                    }
                    on:click=move |_| screen.filter.update(|filter| filter.state = None)
                >
                    "All "
                    <span class="number">{total}</span>
                </button>
                <For each=move || states.get() key=|state| *state let:state>
                    <StateFilter screen state/>
                </For>
            </div>
            <div class="line">
                <div class="search">
                    {icon("search")}
                    <input
                        class="input"
                        id="search"
                        type="search"
                        aria-label="Search tasks"
                        placeholder="Search"
                        bind:value=screen.search
                    />
                </div>
                <OptionsButton screen is_open=shows_options/>
                <FollowUpButtons screen/>
                <RejectButton screen/>
                <ApproveAllButton screen/>
            </div>
            <div id=OPTIONS hidden=move || !shows_options.get()>
                {move || shows_options.get().then(|| view! { <ListOptions screen/> })}
            </div>
            <Selected screen/>
            <Shown screen/>
        </div>
    }
}

#[component]
fn StateFilter(screen: Screen, state: DraftState) -> impl IntoView {
    let is_selected = move || screen.filter.with(|filter| filter.state == Some(state));
    let count = move || grouped(screen.page.counts.with(|counts| counts.of(state)));
    let toggle = move |_| {
        let selected = (!untrack(is_selected)).then_some(state);
        screen.filter.update(|filter| filter.state = selected);
    };
    view! {
        <button
            class="chip"
            type="button"
            data-state=state_name(state)
            aria-pressed=move || is_selected().to_string()
            on:click=toggle
        >
            {state_mark(state)}
            {state.label()}
            " "
            <span class="number">{count}</span>
        </button>
    }
}

/// How many tasks the filters leave, and whether the list is out of order.
#[component]
fn Shown(screen: Screen) -> impl IntoView {
    let listing = Listing::of(screen);
    let shown = Memo::new(move |_| listing.rows.with(|rows| rows.ids.len()));
    let total = Memo::new(move |_| screen.page.rows.with(Vec::len));
    // An empty list says so itself.
    let is_partial = Memo::new(move |_| screen.is_filtered() && shown.get() > 0);
    let is_out_of_order = listing.is_out_of_order;
    let counts = move || {
        let counts = format!("{} of {} shown", grouped(shown.get()), grouped(total.get()));
        is_partial.get().then_some(counts)
    };
    let order = move || {
        is_out_of_order
            .get()
            .then_some("Tasks arrived or changed since the list was sorted.")
    };
    let then_search = move |act: fn(Screen)| {
        move || {
            act(screen);
            // The pressed button is gone.
            focus_by_id("search");
        }
    };
    view! {
        <div class="shown" class:empty-line=move || !is_partial.get() && !is_out_of_order.get()>
            <p role="status">{counts}</p>
            <Show when=move || is_partial.get()>
                <Button
                    kind=ButtonKind::Link
                    label="Clear filters"
                    on_press=then_search(|screen| screen.show_all())
                />
            </Show>
            <p role="status">{order}</p>
            <Show when=move || is_out_of_order.get()>
                <Button
                    kind=ButtonKind::Link
                    label="Sort again"
                    on_press=then_search(|screen| Listing::of(screen).sort_again())
                />
            </Show>
        </div>
    }
}

/// How many tasks are selected.
#[component]
fn Selected(screen: Screen) -> impl IntoView {
    let selected = Listing::of(screen).selected;
    let count = Memo::new(move |_| selected.with(Vec::len));
    let clear = move || {
        screen.selection.set(Selection::default());
        // The pressed button is gone.
        focus_by_id("search");
    };
    let deletable = Memo::new(move |_| {
        screen.page.track_drafts();
        selected.with(|ids| {
            let can_delete = |id: &&DraftId| screen.actions(id).can_delete;
            ids.iter().filter(can_delete).cloned().collect::<Vec<_>>()
        })
    });
    let delete = move || {
        screen.delete(deletable.get_untracked());
        focus_by_id("search");
    };
    view! {
        <Show when=move || { count.get() > 0 }>
            <div class="shown">
                <p>{move || format!("{} selected", grouped(count.get()))}</p>
                <Button kind=ButtonKind::Link label="Clear selection" on_press=clear/>
                <Show when=move || deletable.with(|ids| !ids.is_empty())>
                    <Button
                        kind=ButtonKind::Link
                        label=move || format!("Delete {}", grouped(deletable.with(Vec::len)))
                        name=move || format!("Delete {} selected", grouped(deletable.with(Vec::len)))
                        changes_run=screen
                        on_press=delete
                    />
                </Show>
            </div>
        </Show>
    }
}

/// The button that rejects the tasks that are selected or that a filter leaves.
#[component]
fn RejectButton(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let rejectable = Memo::new(move |_| {
        if Scope::of(screen) == Scope::All {
            return Vec::new();
        }
        page.track_drafts();
        let can_reject = |id: &DraftId| screen.actions(id).can_reject;
        let ids = page.rows.with(|ids| in_scope(screen, ids));
        ids.into_iter().filter(can_reject).collect()
    });
    let count = Memo::new(move |_| rejectable.with(Vec::len));
    view! {
        <Show when=move || { count.get() > 0 }>
            <Button
                icon="cross"
                label=move || format!("Reject {}…", named(screen, count.get(), ""))
                opens_dialog=true
                changes_run=screen
                on_press=move || {
                    screen.dialog.set(Some(Dialog::Reject(rejectable.get_untracked())));
                }
            />
        </Show>
    }
}

/// Buttons that repair the invalid tasks and regenerate the rejected ones in scope.
#[component]
fn FollowUpButtons(screen: Screen) -> impl IntoView {
    let candidates = Memo::new(move |_| {
        screen
            .page
            .follow_up_candidates
            .with(|(invalid, rejected)| (in_scope(screen, invalid), in_scope(screen, rejected)))
    });
    let button = move |label: String, follow_up: FollowUp| {
        let open = move || screen.dialog.set(Some(Dialog::FollowUp(follow_up.clone())));
        view! { <Button icon="retry" label opens_dialog=true on_press=open/> }
    };
    move || {
        if screen.is_read_only() {
            return None;
        }
        let (invalid, rejected) = candidates.get();
        let repair = (!invalid.is_empty()).then(|| {
            let label = format!("Repair {}…", named(screen, invalid.len(), "invalid "));
            button(label, FollowUp::Repair { drafts: invalid })
        });
        let regenerate = (!rejected.is_empty()).then(|| {
            let label = format!("Regenerate {}…", named(screen, rejected.len(), "rejected "));
            button(label, FollowUp::Regenerate { drafts: rejected })
        });
        Some((repair, regenerate))
    }
}

/// The button that approves the valid tasks in scope.
#[component]
fn ApproveAllButton(screen: Screen) -> impl IntoView {
    let page = screen.page;
    // Those with text that was typed and not saved are left out, as the approval does.
    let approvable = Memo::new(move |_| {
        let mut ids = page.approvable.with(|ids| in_scope(screen, ids));
        ids.retain(|id| !screen.pending_edits.is_any(id));
        ids
    });
    let count = Memo::new(move |_| approvable.with(Vec::len));
    let unread = Memo::new(move |_| {
        page.track_drafts();
        approvable.with(|ids| {
            let is_unread = |id: &&DraftId| {
                page.draft_untracked(id)
                    .is_some_and(|draft| !draft.is_opened)
            };
            ids.iter().filter(is_unread).count()
        })
    });
    let label = move || {
        let tasks = named(screen, count.get(), "valid ");
        match unread.get() {
            0 => format!("Approve {tasks}"),
            unread => format!("Approve {tasks}, {} not opened", grouped(unread)),
        }
    };
    view! {
        <Show when=move || { count.get() > 0 }>
            <Button
                icon="check"
                label
                changes_run=screen
                on_press=move || screen.approve(approvable.get_untracked())
            />
        </Show>
    }
}
