//! What became of every task, in numbers that add up, and as a file.

use leptos::prelude::*;

use super::modal::Modal;
use crate::run::receipts::{ReceiptFormat, Summary, state_text};
use crate::text::grouped;
use crate::ui::controls::icons::{icon, state_mark, state_name};
use crate::ui::screen::Screen;

/// The dialog.
#[component]
pub fn ReceiptsDialog(screen: Screen) -> impl IntoView {
    let page = screen.page;
    page.saved_file.set(None);
    let summary = Memo::new(move |_| page.counts.with(Summary::of));
    let close = Callback::new(move |()| screen.dialog.set(None));
    let save = move |format| screen.ask(|commands| commands.save_receipts(format));
    let rows = move || {
        let rows = summary.get().states.into_iter().map(|(state, count)| {
            view! {
                <tr data-state=state_name(state)>
                    <th scope="row">{state_mark(state)} {capitalized(state_text(state))}</th>
                    <td class="number">{grouped(count)}</td>
                </tr>
            }
        });
        rows.collect_view()
    };
    view! {
        <Modal
            name="receipts"
            title=Signal::stored("Receipts of this run".to_owned())
            on_close=close
            on_submit=Callback::new(move |()| save(ReceiptFormat::JsonLines))
        >
            <div class="dialog-body">
                <table class="sums">
                    <caption class="visually-hidden">"Every task of this run, counted once"</caption>
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
                    "The file has a line for each attempt: task, outcome, status, the server's id, idempotency key, SHA-256 of the body, address, times. No token or key of yours is in it. It is made in this page and saved by your browser."
                </p>
                <p class="hint" role="status">
                    {move || page.saved_file.get().map(|name| format!("Saved as {name}"))}
                </p>
            </div>
            <div class="dialog-foot">
                <button class="button" type="button" on:click=move |_| close.run(())>
                    "Close"
                </button>
                <button class="button" type="button" on:click=move |_| save(ReceiptFormat::Csv)>
                    {icon("download")}
                    "Save as CSV"
                </button>
                <button class="button main" type="submit" autofocus>
                    {icon("download")}
                    "Save as JSON Lines"
                </button>
            </div>
        </Modal>
    }
}

fn capitalized(words: &str) -> String {
    let mut characters = words.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}
