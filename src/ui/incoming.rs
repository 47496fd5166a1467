//! Tasks that are pasted or dropped anywhere on the page. They open the import, where the operator
//! decides about them.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{ClipboardEvent, DragEvent, Element, Event, File};

use crate::browser::file;
use crate::review::import::{self, MAX_BYTES};
use crate::ui::screen::{Dialog, Screen};

/// The longest text in which tasks are looked for inside a code fence, in bytes: 1 MiB.
const MAX_PROSE_BYTES: usize = 1 << 20;

/// What takes text itself, or belongs to a dialog.
const TAKES_TEXT: &str = "input, textarea, select, [contenteditable], dialog";

/// Listens until the owner is disposed.
pub fn listen(screen: Screen) {
    let pasted = window_event_listener_untyped("paste", move |event| {
        let text = event.dyn_ref::<ClipboardEvent>().and_then(pasted_text);
        if let Some(text) = text.filter(|_| !belongs_to_a_field(&event) && is_free(screen)) {
            event.prevent_default();
            offer(screen, text);
        }
    });
    // Without this the browser would leave the page and show the file.
    let dragged = window_event_listener_untyped("dragover", move |event| {
        if holds_files(&event) || !belongs_to_a_field(&event) {
            event.prevent_default();
        }
    });
    let dropped = window_event_listener_untyped("drop", move |event| {
        let Some(dropped) = event.dyn_ref::<DragEvent>() else {
            return;
        };
        if let Some((file, count)) = dropped_file(dropped) {
            event.prevent_default();
            if is_free(screen) || is_importing(screen) {
                read(screen, file, count);
            }
        } else if !belongs_to_a_field(&event) {
            event.prevent_default();
            if let Some(text) = dropped_text(dropped).filter(|_| is_free(screen)) {
                offer(screen, text);
            }
        }
    });
    on_cleanup(move || {
        pasted.remove();
        dragged.remove();
        dropped.remove();
    });
}

/// Whether the application is there and no dialog is open.
fn is_free(screen: Screen) -> bool {
    let page = screen.page;
    page.has_application.try_get_untracked() == Some(true)
        && screen.dialog.try_get_untracked() == Some(None)
        && document()
            .query_selector("dialog[open]")
            .ok()
            .flatten()
            .is_none()
}

/// Whether the import is the dialog that is open.
fn is_importing(screen: Screen) -> bool {
    screen.dialog.try_get_untracked().flatten() == Some(Dialog::Import)
}

fn holds_files(event: &Event) -> bool {
    let data = event
        .dyn_ref::<DragEvent>()
        .and_then(DragEvent::data_transfer);
    data.is_some_and(|data| data.types().iter().any(|kind| kind == "Files"))
}

fn belongs_to_a_field(event: &Event) -> bool {
    let element = event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| element.closest(TAKES_TEXT).ok().flatten().is_some())
}

fn pasted_text(event: &ClipboardEvent) -> Option<String> {
    json_like(event.clipboard_data()?.get_data("text/plain").ok()?)
}

fn dropped_text(event: &DragEvent) -> Option<String> {
    json_like(event.data_transfer()?.get_data("text/plain").ok()?)
}

/// The text, if it can be one of tasks. A text for something else is not worth a dialog.
fn json_like(text: String) -> Option<String> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let is_json = start.starts_with(['{', '[']);
    let has_fence = || text.len() <= MAX_PROSE_BYTES && text.contains("```");
    (is_json || has_fence() && import::count(&text).is_ok()).then_some(text)
}

/// The first of the dropped files, and how many there are.
fn dropped_file(event: &DragEvent) -> Option<(File, u32)> {
    let files = event.data_transfer()?.files()?;
    Some((files.get(0)?, files.length()))
}

/// Reads the first of `count` files.
fn read(screen: Screen, file: File, count: u32) {
    spawn_local(async move {
        match file::read_text(&file, MAX_BYTES).await {
            Ok(text) => {
                offer(screen, text);
                if count > 1 {
                    screen.import_error.try_set(Some(format!(
                        "Of {count} files only “{}” was read. Import its tasks, then drop the others one by one.",
                        file.name()
                    )));
                }
            }
            Err(why) => {
                screen
                    .import_error
                    .try_set(Some(file::not_read(&file, &why)));
                open_import(screen);
            }
        }
    });
}

/// Opens the import with this text. A text that was typed there before is not replaced, and another
/// dialog that was opened meanwhile stays.
fn offer(screen: Screen, text: String) {
    let is_empty = screen
        .import_text
        .try_with_untracked(|text| text.trim().is_empty());
    if is_empty == Some(true) {
        screen.import_text.set(text);
    } else {
        screen.import_error.try_set(Some(
            "There is other text here already. Import or remove it, then try again.".to_owned(),
        ));
    }
    open_import(screen);
}

fn open_import(screen: Screen) {
    if is_free(screen) {
        screen.dialog.set(Some(Dialog::Import));
    }
}
