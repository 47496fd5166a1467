//! The page as a whole.

use leptos::prelude::*;

use crate::ui::brief::brief_pane::BriefPane;
use crate::ui::commands::CommandsHandle;
use crate::ui::controls::icons::Sprite;
use crate::ui::controls::steady_press::keep_presses_steady;
use crate::ui::header::app_header::AppHeader;
use crate::ui::header::mode_band::ModeBand;
use crate::ui::header::notices::{Announcement, Notices};
use crate::ui::header::toasts::Toasts;
use crate::ui::lazy::lazy_view;
use crate::ui::list::tasks_pane::TasksPane;
use crate::ui::page::Page;
use crate::ui::screen::{Pane, Screen};
use crate::ui::work::Part;

/// The page. It replaces the shell in `index.html`.
#[component]
pub fn App(
    /// The state that it shows.
    page: Page,
    /// The commands that it gives.
    commands: CommandsHandle,
) -> impl IntoView {
    let screen = Screen::new(page, commands);
    keep_presses_steady();
    let view = move || match screen.pane.get() {
        Pane::Brief => "brief",
        Pane::Tasks => "tasks",
    };
    let has_run = Memo::new(move |_| page.run.with(Option::is_some));
    let open_task = lazy_view(screen, Part::OpenTask, || ().into_any());
    let foot = lazy_view(screen, Part::Foot, || ().into_any());
    let incoming = lazy_view(screen, Part::Incoming, || ().into_any());
    view! {
        <div
            class="app"
            data-view=view
            data-brief=move || screen.is_brief_folded.get().then_some("folded")
        >
            <Sprite/>
            <a class="skip-link" href="#tasks">"Skip to tasks"</a>
            <AppHeader screen/>
            <ModeBand screen/>
            <Notices screen/>
            <ViewSwitch screen/>
            <main class="workspace">
                <BriefPane screen/>
                <TasksPane screen/>
                {move || has_run.get().then(&open_task)}
            </main>
            {move || has_run.get().then(&foot)}
            <Toasts screen/>
            <Announcement screen/>
            <OpenDialogs screen/>
            {move || page.has_application.get().then(&incoming)}
        </div>
    }
}

/// The open dialogs. They are loaded when one is opened first, if not before.
#[component]
fn OpenDialogs(screen: Screen) -> impl IntoView {
    let page = screen.page;
    // Memoised, so that one dialog that follows another does not render all of them again.
    let is_any_open = Memo::new(move |_| {
        page.has_application.get()
            && (screen.dialog.with(Option::is_some)
                || page.secret_prompt.with(Option::is_some)
                || page.has_vault_prompt.get()
                || page.work_prompt.with(Option::is_some)
                || page.leak_prompt.with(Option::is_some)
                || page.has_unlocked_prompt.get()
                || page.new_host.with(Option::is_some))
    });
    let dialogs = lazy_view(screen, Part::Dialogs, || {
        view! {
            <div class="toasts" role="status">
                <p class="toast">"Loading…"</p>
            </div>
        }
        .into_any()
    });
    move || is_any_open.get().then(&dialogs)
}

/// Switches between the panes of a narrow page.
#[component]
fn ViewSwitch(screen: Screen) -> impl IntoView {
    let current = move |pane| move || (screen.pane.get() == pane).then_some("true");
    let count = move || screen.page.rows.with(Vec::len);
    view! {
        <nav class="view-switch" aria-label="View">
            <button
                class="tab"
                type="button"
                aria-current=current(Pane::Brief)
                on:click=move |_| screen.pane.set(Pane::Brief)
            >
                "Brief"
            </button>
            <button
                class="tab"
                type="button"
                aria-current=current(Pane::Tasks)
                on:click=move |_| screen.pane.set(Pane::Tasks)
            >
                "Tasks "
                {move || (count() > 0).then(|| view! { <span class="number">{count()}</span> })}
            </button>
        </nav>
    }
}
