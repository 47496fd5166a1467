//! The entrance to what the page shows once there is work: a run with its tasks, the dialogs, and the
//! tabs beside the brief. The first screen needs none of it.

use leptos::prelude::*;

use crate::pieces::piece_entry;
use crate::ui::brief::fold_button::FoldButton;
use crate::ui::brief::request_tab::RequestTab;
use crate::ui::brief::schema_tab::SchemaTab;
use crate::ui::delivery::foot::Foot;
use crate::ui::dialogs::Dialogs;
use crate::ui::idle_secrets;
use crate::ui::incoming;
use crate::ui::list::run_tasks::RunTasks;
use crate::ui::screen::Screen;
use crate::ui::task::task_detail::TaskPane;

/// A part of the page that is not on the first screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The tasks of the run.
    RunTasks,
    /// The open task.
    OpenTask,
    /// The button that folds the brief while a task is open.
    FoldBrief,
    /// The foot of the page.
    Foot,
    /// The open dialogs.
    Dialogs,
    /// Nothing to see: takes tasks that are pasted or dropped on the page, and forgets secrets when
    /// nobody uses it.
    Incoming,
    /// The request that the brief results in.
    Request,
    /// The task schema.
    Schema,
}

piece_entry! {
    /// The view of a part.
    ///
    /// # Errors
    /// `NotLoaded` if the piece could not be loaded.
    work(load): pub fn view(screen: Screen, part: Part) -> AnyView {
        match part {
            Part::RunTasks => view! { <RunTasks screen/> }.into_any(),
            Part::OpenTask => view! { <TaskPane screen/> }.into_any(),
            Part::FoldBrief => view! { <FoldButton screen/> }.into_any(),
            Part::Foot => view! { <Foot screen/> }.into_any(),
            Part::Dialogs => view! { <Dialogs screen/> }.into_any(),
            Part::Incoming => {
                incoming::listen(screen);
                idle_secrets::watch(screen);
                ().into_any()
            }
            Part::Request => view! { <RequestTab screen/> }.into_any(),
            Part::Schema => view! { <SchemaTab screen/> }.into_any(),
        }
    }
}
