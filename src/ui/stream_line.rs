//! One line above the list that shows the answer arriving; it never moves what is below it.

use leptos::prelude::*;

use super::icons::icon;
use super::screen::Screen;
use crate::review::words::{grouped, tail_on_one_line};
use crate::run::Event;

/// How much of the answer's end is shown, in characters.
const TAIL: usize = 200;

/// The line.
#[component]
pub fn StreamLine(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let count = move || {
        let here = grouped(page.rows.with(Vec::len));
        match page.run.with(|run| run.as_ref().and_then(|run| run.wanted)) {
            Some(wanted) => format!("{here} of {}", grouped(wanted.into())),
            None => here,
        }
    };
    let text = move || {
        page.stream.with(|stream| match stream.characters {
            0 => "Waiting for the first words…".to_owned(),
            _ => tail_on_one_line(&stream.tail, TAIL),
        })
    };
    view! {
        <div class="stream-line" data-state="sending" role="group" aria-label="Generating">
            <span class="count" aria-live="off">{count}</span>
            <span class="stream-text" aria-hidden="true">{text}</span>
            <button
                class="button"
                type="button"
                aria-label="Stop generating"
                on:click=move |_| screen.send(Event::StopGeneration)
            >
                {icon("stop")}
                "Stop"
            </button>
        </div>
    }
}
