//! The button that folds and unfolds the brief.

use leptos::prelude::*;

use crate::ui::controls::icons::icon;
use crate::ui::screen::Screen;

/// How much of the goal stands for a folded brief, in characters.
const MAX_SUMMARY: usize = 120;

/// Folds and unfolds the brief while a task is open. Folded, it shows the goal.
#[component]
pub fn FoldButton(screen: Screen) -> impl IntoView {
    let is_folded = screen.is_brief_folded;
    // A brief can be long; its beginning tells which one it is.
    let goal = move || {
        let start = |goal: &str| goal.trim().chars().take(MAX_SUMMARY).collect::<String>();
        screen.page.form.with(|form| start(&form.goal))
    };
    let summary = move || {
        let is_folded = is_folded.get();
        is_folded.then(|| view! { <span class="folded-goal">"Brief: " {goal}</span> })
    };
    let toggle = move |_| {
        let is_unfolded = is_folded.get_untracked();
        screen.is_brief_unfolded.set(is_unfolded);
    };
    let name = move || {
        if is_folded.get() {
            format!("Show brief: {}", goal())
        } else {
            "Hide brief".to_owned()
        }
    };
    view! {
        <button
            class="brief-fold"
            type="button"
            aria-label=name
            aria-expanded=move || (!is_folded.get()).to_string()
            title=name
            on:click=toggle
        >
            {icon("back")}
            {summary}
        </button>
    }
}
