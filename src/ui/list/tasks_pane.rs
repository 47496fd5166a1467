//! The right pane: the tasks of the run, or the purpose of the page if there is no run.

use leptos::prelude::*;

use crate::ui::lazy::lazy_view;
use crate::ui::screen::Screen;
use crate::ui::work::Part;

/// The right pane.
#[component]
pub fn TasksPane(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let has_run = Memo::new(move |_| page.run.with(Option::is_some));
    let run_tasks = lazy_view(screen, Part::RunTasks, || view! { <Loading/> }.into_any());
    let content = move || {
        if has_run.get() {
            run_tasks()
        } else if page.awaits_validator.get() {
            view! { <Loading/> }.into_any()
        } else {
            view! { <FirstVisit/> }.into_any()
        }
    };
    view! {
        <section class="pane tasks-pane" id="tasks" tabindex="-1" aria-label="Tasks">
            {content}
        </section>
    }
}

/// A run is coming, but a piece that it needs is still being loaded.
#[component]
fn Loading() -> impl IntoView {
    view! {
        <div class="pane-head">
            <h2>"Tasks"</h2>
        </div>
        <div class="empty" role="status">
            <p>"Loading…"</p>
        </div>
    }
}

/// The purpose of the page. The shell in `index.html` has the same text.
#[component]
fn FirstVisit() -> impl IntoView {
    view! {
        <div class="pane-head">
            <h2>"Tasks"</h2>
        </div>
        // With the focus, it can be scrolled by keyboard on a low screen.
        <div class="empty" tabindex="0">
            <h3>"From a brief to posted tasks"</h3>
            <ol class="steps">
                <li>"Describe what you want done, and how many tasks to create."</li>
                <li>
                    "A model proposes tasks. Each is checked against your schema as it arrives."
                </li>
                <li>
                    "Read, edit, approve. Only what you approved is posted to your task server, byte for byte."
                </li>
            </ol>
            <p class="soft">
                "A dry run shows every step without an API key, a server or a single network request."
            </p>
        </div>
    }
}
