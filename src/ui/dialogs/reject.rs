//! The rejection of several tasks with one reason.

use leptos::prelude::*;

use super::modal::Modal;
use crate::review::DraftId;
use crate::text::counted;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::field::TextField;
use crate::ui::screen::Screen;

/// The dialog. The offer to undo the rejections follows it.
#[component]
pub fn RejectDialog(
    screen: Screen,
    /// The tasks.
    drafts: Vec<DraftId>,
) -> impl IntoView {
    let reason = RwSignal::new(String::new());
    let action = format!("Reject {}", counted(drafts.len(), "task"));
    let close = Callback::new(move |()| screen.dialog.set(None));
    let submit = Callback::new(move |()| {
        close.run(());
        screen.reject(drafts.clone(), reason.get_untracked().trim().to_owned());
    });
    view! {
        <Modal name="reject" title=format!("{action}?") on_close=close on_submit=submit>
            <div class="dialog-body">
                <TextField
                    id="reject-reason"
                    label="Reason"
                    is_optional=true
                    rows=2
                    autofocus=true
                    hint="The model reads it if you regenerate the tasks."
                    value=reason
                    on_input=move |text| reason.set(text)
                />
            </div>
            <div class="dialog-foot">
                <Button label="Cancel" on_press=move || close.run(())/>
                <Button kind=ButtonKind::Main label=action/>
            </div>
        </Modal>
    }
}
