//! Filters by state, the search, and the button that approves all valid tasks.

use leptos::prelude::*;

use crate::review::DraftState;
use crate::run::FollowUp;
use crate::text::{counted, grouped};
use crate::ui::controls::icons::{icon, state_mark, state_name};
use crate::ui::screen::{Dialog, Screen};

/// The tools above the list. Only states that occur have a filter.
#[component]
pub fn Filters(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let states = Memo::new(move |_| {
        let chosen = screen.filter.get();
        page.counts.with(|counts| {
            DraftState::ALL
                .into_iter()
                .filter(|state| counts.of(*state) > 0 || chosen == Some(*state))
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
                    <Chip screen state/>
                </For>
            </div>
            <div class="line">
                <div class="search">
                    {icon("search")}
                    <input
                        class="input"
                        id="search"
                        type="search"
                        aria-label="Search the tasks"
                        placeholder="Search"
                        prop:value=move || screen.search.get()
                        on:input=move |event| screen.search.set(event_target_value(&event))
                    />
                </div>
                <FollowUp screen/>
                <ApproveAll screen/>
            </div>
        </div>
    }
}

#[component]
fn Chip(screen: Screen, state: DraftState) -> impl IntoView {
    let is_chosen = move || screen.filter.get() == Some(state);
    let count = move || grouped(screen.page.counts.with(|counts| counts.of(state)));
    view! {
        <button
            class="chip"
            type="button"
            data-state=state_name(state)
            aria-pressed=move || is_chosen().to_string()
            on:click=move |_| screen.filter.set((!untrack(is_chosen)).then_some(state))
        >
            {state_mark(state)}
            {state.label()}
            " "
            <span class="number">{count}</span>
        </button>
    }
}

/// The ways to ask the model again about what is invalid, and about what was rejected.
#[component]
fn FollowUp(screen: Screen) -> impl IntoView {
    let follow_up_candidates = screen.page.follow_up_candidates;
    let button = move |label: String, again: FollowUp| {
        view! {
            <button
                class="button"
                type="button"
                aria-haspopup="dialog"
                on:click=move |_| screen.dialog.set(Some(Dialog::FollowUp(again.clone())))
            >
                {icon("retry")}
                {label}
            </button>
        }
    };
    move || {
        // A tab that looks on asks nobody.
        let (faulty, rejected) = match screen.barred() {
            None => follow_up_candidates.get(),
            Some(_) => Default::default(),
        };
        let mend = (!faulty.is_empty()).then(|| {
            let label = format!("Mend {}…", counted(faulty.len(), "invalid task"));
            button(label, FollowUp::Repair { drafts: faulty })
        });
        let replace = (!rejected.is_empty()).then(|| {
            let label = format!("Replace {}…", counted(rejected.len(), "rejected task"));
            button(label, FollowUp::Regenerate { drafts: rejected })
        });
        view! {
            {mend}
            {replace}
        }
    }
}

#[component]
fn ApproveAll(screen: Screen) -> impl IntoView {
    let count = Memo::new(move |_| screen.page.approvable.with(Vec::len));
    move || {
        (count.get() > 0).then(|| {
            view! {
                <button
                    class="button"
                    type="button"
                    aria-disabled=move || screen.barred()
                    aria-describedby=move || screen.barred_by()
                    on:click=move |_| screen.approve(screen.page.approvable.get_untracked())
                >
                    {icon("check")}
                    {move || format!("Approve {}", counted(count.get(), "valid task"))}
                </button>
            }
        })
    }
}
