//! The left pane: the brief, the resulting request, and the schema.

use leptos::prelude::*;

use crate::ui::brief::brief_form::BriefForm;
use crate::ui::controls::tabs::{Tab, Tabs};
use crate::ui::lazy::lazy_view;
use crate::ui::screen::Screen;
use crate::ui::work::Part;

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
    let is_task_open = Memo::new(move |_| screen.open_task.with(Option::is_some));
    let fold_button = lazy_view(screen, Part::FoldBrief, || ().into_any());
    let schema_tab = lazy_view(screen, Part::Schema, loading);
    view! {
        <section class="pane brief-pane" aria-label="Brief">
            {move || is_task_open.get().then(&fold_button)}
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

fn loading() -> AnyView {
    view! { <p class="soft" role="status">"Loading…"</p> }.into_any()
}
