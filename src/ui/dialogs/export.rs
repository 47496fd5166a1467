//! The export of tasks as a file.

use leptos::prelude::*;

use super::modal::Modal;
use crate::review::DraftId;
use crate::review::export::ExportFormat;
use crate::text::counted;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::list::listing::Listing;
use crate::ui::list::scope::{Scope, in_scope, named};
use crate::ui::screen::Screen;

/// The dialog. It exports the tasks that are selected, or else shown, in the order of the list.
#[component]
pub fn ExportDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    page.saved_file.set(None);
    let format = RwSignal::new(ExportFormat::default());
    let listing = Listing::of(screen);
    let (tasks, others): (Vec<DraftId>, Vec<DraftId>) = untrack(|| {
        let listed = listing.rows.with(|rows| rows.ids.clone());
        let is_json = |id: &DraftId| {
            page.draft_untracked(id)
                .is_some_and(|draft| draft.content.is_json())
        };
        in_scope(screen, &listed).into_iter().partition(is_json)
    });
    let what = untrack(|| named(screen, tasks.len(), ""));
    let is_all = untrack(|| Scope::of(screen)) == Scope::All;
    let explanation = if is_all {
        "To export only some of the tasks, select or filter them in the list."
    } else {
        "To export all tasks, clear selection and filters of the list."
    };
    let left_out = (!others.is_empty()).then(|| {
        let count = counted(others.len(), "task");
        view! { <p>{format!("Left out, because the text is not JSON: {count}.")}</p> }
    });
    let close = Callback::new(move |()| screen.dialog.set(None));
    let save = Callback::new(move |()| {
        let (tasks, format) = (tasks.clone(), format.get_untracked());
        screen.command(move |commands| commands.save_tasks(tasks, format));
    });
    let choice = move |of: ExportFormat| {
        view! {
            <label class="check">
                <input
                    type="radio"
                    name="export-format"
                    prop:checked=move || format.get() == of
                    on:change=move |_| {
                        page.saved_file.set(None);
                        format.set(of);
                    }
                />
                <span>
                    {of.label()}
                    <span class="hint">" " {of.purpose()}</span>
                </span>
            </label>
        }
    };
    view! {
        <Modal name="export" title=format!("Export {what}") on_close=close on_submit=save>
            <div class="dialog-body">
                <fieldset class="group">
                    <legend>"Format"</legend>
                    {ExportFormat::ALL.map(choice).collect_view()}
                </fieldset>
                {left_out}
                <p class="hint">{explanation}</p>
                <p class="hint" role="status">
                    {move || page.saved_file.get().map(|name| format!("Saved as {name}"))}
                </p>
            </div>
            <div class="dialog-foot">
                <Button label="Close" on_press=move || close.run(())/>
                <Button kind=ButtonKind::Main icon="download" label="Save file" autofocus=true/>
            </div>
        </Modal>
    }
}
