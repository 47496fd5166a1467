//! The page as a whole.

use leptos::prelude::*;

use crate::ui::brief::brief_pane::BriefPane;
use crate::ui::commands::CommandsHandle;
use crate::ui::controls::icons::Sprite;
use crate::ui::delivery::foot::Foot;
use crate::ui::dialogs::Dialogs;
use crate::ui::header::app_header::AppHeader;
use crate::ui::header::mode_band::ModeBand;
use crate::ui::header::notices::{Announcement, Notices};
use crate::ui::header::toasts::Toasts;
use crate::ui::list::tasks_pane::TasksPane;
use crate::ui::page::Page;
use crate::ui::screen::{Pane, Screen};
use crate::ui::task::task_detail::TaskPane;

/// The page. It replaces the shell in `index.html`.
#[component]
pub fn App(
    /// The state that it shows.
    page: Page,
    /// The commands that it gives.
    commands: CommandsHandle,
) -> impl IntoView {
    let screen = Screen::new(page, commands);
    let view = move || match screen.pane.get() {
        Pane::Brief => "brief",
        Pane::Tasks => "tasks",
    };
    view! {
        <div class="app" data-view=view>
            <Sprite/>
            <a class="skip-link" href="#tasks">"Skip to tasks"</a>
            <AppHeader screen/>
            <ModeBand screen/>
            <Notices screen/>
            <ViewSwitch screen/>
            <main class="workspace">
                <BriefPane screen/>
                <TasksPane screen/>
                <TaskPane screen/>
            </main>
            <Foot screen/>
            <Toasts screen/>
            <Announcement screen/>
            <Dialogs screen/>
        </div>
    }
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
