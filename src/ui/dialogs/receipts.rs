//! The outcome of all tasks, in numbers and as a file to save.

use leptos::prelude::*;

use super::modal::Modal;
use crate::run::receipts::{ReceiptFormat, Summary, state_text};
use crate::text::{capitalize, grouped};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::icons::{state_mark, state_name};
use crate::ui::screen::Screen;

/// The dialog. Its numbers add up to the number of tasks.
#[component]
pub fn ReceiptsDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    page.saved_file.set(None);
    let summary = Memo::new(move |_| page.counts.with(Summary::of));
    let close = Callback::new(move |()| screen.dialog.set(None));
    let save = move |format| screen.command(move |commands| commands.save_receipts(format));
    let rows = move || {
        let rows = summary.get().states.into_iter().map(|(state, count)| {
            view! {
                <tr data-state=state_name(state)>
                    <th scope="row">{state_mark(state)} {capitalize(state_text(state))}</th>
                    <td class="number">{grouped(count)}</td>
                </tr>
            }
        });
        rows.collect_view()
    };
    view! {
        <Modal
            name="receipts"
            title="Receipts for this run"
            on_close=close
            on_submit=Callback::new(move |()| save(ReceiptFormat::JsonLines))
        >
            <div class="dialog-body">
                <table class="sums">
                    <caption class="visually-hidden">"The tasks of this run by state"</caption>
                    <tbody>{rows}</tbody>
                    <tfoot>
                        <tr>
                            <th scope="row">"Tasks"</th>
                            <td class="number">
                                {move || grouped(summary.with(|summary| summary.tasks))}
                            </td>
                        </tr>
                    </tfoot>
                </table>
                <p>
                    "The file has one line per attempt (JSON Lines ends with a summary): task, outcome, status, server ID, idempotency key, SHA-256 of the body, address, times. It contains no API key or agent token. It is created in this page and saved by your browser."
                </p>
                <p class="hint" role="status">
                    {move || page.saved_file.get().map(|name| format!("Saved as {name}"))}
                </p>
            </div>
            <div class="dialog-foot">
                <Button label="Close" on_press=move || close.run(())/>
                <Button
                    icon="download"
                    label="Save as CSV"
                    on_press=move || save(ReceiptFormat::Csv)
                />
                <Button
                    kind=ButtonKind::Main
                    icon="download"
                    label="Save as JSON Lines"
                    autofocus=true
                />
            </div>
        </Modal>
    }
}
