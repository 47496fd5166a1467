//! What will be posted, where to, and the button; while posting, how far it is.

use leptos::prelude::*;

use crate::run::{Batch, Mode};
use crate::text::{counted, grouped};
use crate::ui::controls::icons::icon;
use crate::ui::delivery::foot_paused::Paused;
use crate::ui::delivery::foot_posting::Posting;
use crate::ui::screen::{Dialog, Screen};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    Nothing,
    WhatWouldBePosted,
    Posting,
    Paused,
}

/// The foot, while there is something to post or being posted.
#[component]
pub fn Foot(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let shows = Memo::new(move |_| {
        let has_confirmation = page.confirmation.with(Option::is_some);
        page.run
            .with(|run| match run.as_ref().map(|run| &run.batch) {
                None => Shows::Nothing,
                Some(Batch::Running { .. }) => Shows::Posting,
                Some(Batch::Paused { .. }) => Shows::Paused,
                Some(Batch::Idle) if has_confirmation => Shows::WhatWouldBePosted,
                Some(Batch::Idle) => Shows::Nothing,
            })
    });
    move || match shows.get() {
        Shows::Nothing => ().into_any(),
        Shows::WhatWouldBePosted => view! { <WhatWouldBePosted screen/> }.into_any(),
        Shows::Posting => view! { <Posting screen/> }.into_any(),
        Shows::Paused => view! { <Paused screen/> }.into_any(),
    }
}

#[component]
fn WhatWouldBePosted(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let count = Memo::new(move |_| {
        page.confirmation
            .with(|held| held.as_ref().map_or(0, |c| c.count))
    });
    let server = Memo::new(move |_| {
        page.run.with(|run| {
            run.as_ref()
                .and_then(|run| run.connection.task_server.clone())
        })
    });
    let is_dry = move || screen.mode.get() == Mode::Dry;
    let headline = move || {
        let total = page.counts.with(|counts| counts.total());
        format!(
            "{} of {} approved",
            grouped(count.get()),
            counted(total, "task")
        )
    };
    let place = move || {
        if is_dry() {
            return "Dry run: receipts are written in this page, nothing is sent".to_owned();
        }
        match server.get() {
            Some(server) => format!(
                "POST {} · {}",
                server.tasks_url(),
                counted(bytes(screen), "byte")
            ),
            None => "No task server is set. Add one in the settings.".to_owned(),
        }
    };
    let words = move || match (is_dry(), server.get()) {
        (true, _) => format!("Write {}", counted(count.get(), "dry receipt")),
        (false, Some(server)) => format!(
            "Post {} to {}",
            counted(count.get(), "task"),
            server.url.host_and_port()
        ),
        (false, None) => format!("Post {}", counted(count.get(), "task")),
    };
    let cannot = move || !is_dry() && server.with(Option::is_none);
    let post = move |_| {
        let dialog = match untrack(cannot) {
            true => Dialog::Settings,
            false => Dialog::Confirm,
        };
        if untrack(|| screen.barred()).is_none() {
            screen.dialog.set(Some(dialog));
        }
    };
    view! {
        <footer class="post-bar" aria-label="Post">
            <div class="what">
                <p class="headline">{headline}</p>
                <p class="where" id="post-where">{place}</p>
            </div>
            <button
                class="button main"
                type="button"
                id="post"
                aria-haspopup="dialog"
                data-state=move || if is_dry() { "dry" } else { "live" }
                aria-disabled=move || screen.barred().or(cannot().then_some("true"))
                aria-describedby=move || screen.barred_by().unwrap_or("post-where")
                on:click=post
            >
                {move || if is_dry() { icon("state-dry") } else { icon("post") }}
                {words}
            </button>
        </footer>
    }
}

/// How many bytes the bodies have that would be posted.
fn bytes(screen: Screen) -> usize {
    screen.page.confirmation.with(|held| {
        held.iter()
            .flat_map(|confirmation| &confirmation.order)
            .filter_map(|id| Some(screen.page.look(id)?.approval()?.body.len()))
            .sum()
    })
}
