//! Filters by state, the search, and the actions on several tasks.

use leptos::prelude::*;

use crate::review::{DraftId, DraftState};
use crate::run::FollowUp;
use crate::text::{counted, grouped};
use crate::ui::controls::button::Button;
use crate::ui::controls::icons::{icon, state_mark, state_name};
use crate::ui::screen::{Dialog, Screen};

/// The tools above the list. Only states that occur have a filter.
#[component]
pub fn Filters(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let states = Memo::new(move |_| {
        let selected = screen.filter.get();
        page.counts.with(|counts| {
            DraftState::ALL
                .into_iter()
                .filter(|state| counts.of(*state) > 0 || selected == Some(*state))
                .collect::<Vec<_>>()
        })
    });
    let total = move || grouped(page.counts.with(|counts| counts.total()));
    view! {
        <div class="list-tools">
            <div class="chips" role="group" aria-label="Filter by state">
                <button
                    class="chip"
                    type="button"
                    aria-pressed=move || screen.filter.with(Option::is_none).to_string()
                    on:click=move |_| screen.filter.set(None)
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
                <FollowUpButtons screen/>
                <ApproveAllButton screen/>
            </div>
        </div>
    }
}

#[component]
fn StateFilter(screen: Screen, state: DraftState) -> impl IntoView {
    let is_selected = move || screen.filter.get() == Some(state);
    let count = move || grouped(screen.page.counts.with(|counts| counts.of(state)));
    view! {
        <button
            class="chip"
            type="button"
            data-state=state_name(state)
            aria-pressed=move || is_selected().to_string()
            on:click=move |_| screen.filter.set((!untrack(is_selected)).then_some(state))
        >
            {state_mark(state)}
            {state.label()}
            " "
            <span class="number">{count}</span>
        </button>
    }
}

/// Buttons that repair all invalid tasks and regenerate all rejected ones.
#[component]
fn FollowUpButtons(screen: Screen) -> impl IntoView {
    let candidates = screen.page.follow_up_candidates;
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
            let label = format!("Repair {}…", counted(invalid.len(), "invalid task"));
            button(label, FollowUp::Repair { drafts: invalid })
        });
        let regenerate = (!rejected.is_empty()).then(|| {
            let label = format!("Regenerate {}…", counted(rejected.len(), "rejected task"));
            button(label, FollowUp::Regenerate { drafts: rejected })
        });
        Some((repair, regenerate))
    }
}

#[component]
fn ApproveAllButton(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let count = Memo::new(move |_| page.approvable.with(Vec::len));
    let unread = Memo::new(move |_| {
        page.track_drafts();
        page.approvable.with(|ids| {
            let is_unread = |id: &&DraftId| {
                page.draft_untracked(id)
                    .is_some_and(|draft| !draft.is_opened)
            };
            ids.iter().filter(is_unread).count()
        })
    });
    let label = move || {
        let tasks = counted(count.get(), "valid task");
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
                on_press=move || screen.approve(screen.page.approvable.get_untracked())
            />
        </Show>
    }
}
