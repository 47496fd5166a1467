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
    let summary_text = move || match goal() {
        goal if goal.is_empty() => "Brief".to_owned(),
        goal => format!("Brief: {goal}"),
    };
    let summary = move || {
        let is_folded = is_folded.get();
        is_folded.then(|| view! { <span class="folded-goal">{summary_text}</span> })
    };
    let toggle = move |_| {
        let is_unfolded = is_folded.get_untracked();
        screen.is_brief_unfolded.set(is_unfolded);
    };
    let name = move || match (is_folded.get(), goal()) {
        (false, _) => "Hide brief".to_owned(),
        (true, goal) if goal.is_empty() => "Show brief".to_owned(),
        (true, goal) => format!("Show brief: {goal}"),
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
