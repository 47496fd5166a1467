//! The foot of the page: what will be posted, where to, and the button. The progress of posting.

use leptos::prelude::*;

use crate::review::DraftState;
use crate::run::{Batch, Mode};
use crate::text::{counted, grouped};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::delivery::foot_paused::Paused;
use crate::ui::delivery::foot_posting::Posting;
use crate::ui::screen::{Dialog, Screen};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FootView {
    Nothing,
    /// Tasks that can be posted.
    Preview(Mode),
    Posting,
    Paused,
}

/// The foot, while there are tasks to post or being posted.
#[component]
pub fn Foot(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let foot_view = Memo::new(move |_| {
        let has_confirmation = page.confirmation.with(Option::is_some);
        let mode = screen.mode.get();
        page.run
            .with(|run| match run.as_ref().map(|run| &run.batch) {
                None => FootView::Nothing,
                Some(Batch::Running { .. }) => FootView::Posting,
                Some(Batch::Paused { .. }) => FootView::Paused,
                Some(Batch::Idle) if has_confirmation => FootView::Preview(mode),
                Some(Batch::Idle) => FootView::Nothing,
            })
    });
    move || match foot_view.get() {
        FootView::Nothing => ().into_any(),
        FootView::Preview(mode) => view! { <Preview screen mode/> }.into_any(),
        FootView::Posting => view! { <Posting screen/> }.into_any(),
        FootView::Paused => view! { <Paused screen/> }.into_any(),
    }
}

#[component]
fn Preview(screen: Screen, mode: Mode) -> impl IntoView {
    let page = screen.page;
    let is_dry = mode == Mode::Dry;
    let count = Memo::new(move |_| {
        page.confirmation
            .with(|confirmation| confirmation.as_ref().map_or(0, |c| c.count))
    });
    let server = Memo::new(move |_| {
        page.run.with(|run| {
            run.as_ref()
                .and_then(|run| run.connection.task_server.clone())
        })
    });
    let headline = move || {
        let (total, posted) = page
            .counts
            .with(|counts| (counts.total(), counts.of_any(&DraftState::ENDED)));
        let noun = if posted == 0 {
            "task"
        } else {
            "remaining task"
        };
        format!(
            "{} of {} approved",
            grouped(count.get()),
            counted(total.saturating_sub(posted), noun)
        )
    };
    let destination = move || match (is_dry, server.get()) {
        (true, _) => "Dry run: receipts are written in this page, nothing is sent".to_owned(),
        (false, Some(server)) => format!(
            "POST {} · {}",
            server.tasks_url(),
            counted(body_bytes(screen), "byte")
        ),
        (false, None) => "No task server is configured. Add one in the settings.".to_owned(),
    };
    let label = move || match (is_dry, server.get()) {
        (true, _) => format!("Write {}…", counted(count.get(), "dry receipt")),
        (false, Some(server)) => format!(
            "Post {} to {}…",
            counted(count.get(), "task"),
            server.url.host_and_port()
        ),
        (false, None) => "Set up a task server…".to_owned(),
    };
    let post = move || {
        if is_dry || server.with_untracked(Option::is_some) {
            screen.dialog.set(Some(Dialog::Confirm));
        } else {
            screen.open_run_settings();
        }
    };
    view! {
        <footer class="post-bar" aria-label="Post">
            <div class="what">
                <p class="headline">{headline}</p>
                <p class="where" id="post-where">{destination}</p>
            </div>
            <Button
                kind=ButtonKind::Main
                icon=if is_dry { "state-dry" } else { "post" }
                label
                opens_dialog=true
                changes_run=screen
                described_by="post-where"
                on_press=post
                attr:id="post"
                attr:data-state=move || screen.mode_state()
            />
        </footer>
    }
}

/// The size in bytes of the bodies that would be posted.
fn body_bytes(screen: Screen) -> usize {
    screen.page.confirmation.with(|confirmation| {
        confirmation
            .iter()
            .flat_map(|confirmation| &confirmation.order)
            .filter_map(|id| Some(screen.page.draft_untracked(id)?.approval()?.body.len()))
            .sum()
    })
}
