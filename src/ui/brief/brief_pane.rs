//! The left pane: the brief, the resulting request, and the schema.

use leptos::prelude::*;

use crate::ui::brief::brief_form::BriefForm;
use crate::ui::controls::icons::icon;
use crate::ui::controls::tabs::{Tab, Tabs};
use crate::ui::lazy::lazy_view;
use crate::ui::screen::Screen;
use crate::ui::work::Part;

/// How much of the goal stands for a folded brief, in characters.
const MAX_SUMMARY: usize = 120;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BriefTab {
    Brief,
    Request,
    Schema,
}

/// The left pane. The form stays mounted while another tab is open, so that focus and scroll position
/// are kept.
#[component]
pub fn BriefPane(screen: Screen) -> impl IntoView {
    let selected = RwSignal::new(BriefTab::Brief);
    let tabs = vec![
        Tab::new(BriefTab::Brief, "brief", "Brief"),
        Tab::new(BriefTab::Request, "request", "Request"),
        Tab::new(BriefTab::Schema, "schema", "Schema"),
    ];
    let request_tab = lazy_view(screen, Part::Request, loading);
    let schema_tab = lazy_view(screen, Part::Schema, loading);
    view! {
        <section class="pane brief-pane" aria-label="Brief">
            <FoldButton screen/>
            <Tabs label="Brief" tabs selected/>
            <div
                class="pane-body"
                role="tabpanel"
                id="panel-brief"
                aria-labelledby="tab-brief"
                hidden=move || selected.get() != BriefTab::Brief
            >
                <BriefForm screen/>
            </div>
            <div
                class="pane-body"
                role="tabpanel"
                id="panel-request"
                aria-labelledby="tab-request"
                hidden=move || selected.get() != BriefTab::Request
            >
                {move || (selected.get() == BriefTab::Request).then(&request_tab)}
            </div>
            <div
                class="pane-body"
                role="tabpanel"
                id="panel-schema"
                aria-labelledby="tab-schema"
                hidden=move || selected.get() != BriefTab::Schema
            >
                {move || (selected.get() == BriefTab::Schema).then(&schema_tab)}
            </div>
        </section>
    }
}

/// Folds and unfolds the brief while a task is open. Folded, it shows the goal.
#[component]
fn FoldButton(screen: Screen) -> impl IntoView {
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
    let is_task_open = move || screen.open_task.with(Option::is_some);
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
            hidden=move || !is_task_open()
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

fn loading() -> AnyView {
    view! { <p class="soft" role="status">"Loading…"</p> }.into_any()
}
