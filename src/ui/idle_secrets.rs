//! Forgets secrets after a time without input, if the operator asked for that.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;

use crate::browser::web_storage::WebStorage;
use crate::secrets::idle::IdleLimit;
use crate::ui::controls::times::now;
use crate::ui::header::notices::hideable;
use crate::ui::screen::Screen;

/// Name of the item in `localStorage` with the limit in minutes.
const FORGET_AFTER: &str = "forget_secrets_after";
/// How often the time is compared with the limit.
const INTERVAL: Duration = Duration::from_secs(5);

/// The limit that the operator chose in this browser, if any.
#[must_use]
pub fn limit() -> Option<IdleLimit> {
    let stored = WebStorage::Local.read(FORGET_AFTER)?;
    IdleLimit::new(stored.parse().ok()?)
}

/// Stores the limit for all tabs of this browser.
///
/// # Errors
/// The browser's message if there is no storage, or no space in it.
pub fn set_limit(limit: Option<IdleLimit>) -> Result<(), String> {
    match limit {
        Some(limit) => WebStorage::Local.write(FORGET_AFTER, &limit.minutes().to_string()),
        None => {
            WebStorage::Local.remove(FORGET_AFTER);
            Ok(())
        }
    }
}

/// Watches the input, until the current owner is disposed of. The time while the page generates or posts
/// does not count.
pub fn watch(screen: Screen) {
    let last_input = StoredValue::new(now());
    let note = move || last_input.set_value(now());
    let listeners = [
        window_event_listener(ev::keydown, move |_| note()),
        window_event_listener(ev::pointerdown, move |_| note()),
        window_event_listener(ev::pointermove, move |_| note()),
    ];
    let check = move || {
        if screen.is_generating.get_untracked() || screen.is_posting.get_untracked() {
            return note();
        }
        let is_over = |limit: IdleLimit| limit.is_over(last_input.get_value(), now());
        if let Some(limit) = limit().filter(|limit| is_over(*limit)) {
            note();
            forget(screen, limit);
        }
    };
    let interval = set_interval_with_handle(check, INTERVAL);
    on_cleanup(move || {
        for listener in listeners {
            listener.remove();
        }
        if let Ok(interval) = interval {
            interval.clear();
        }
    });
}

/// Forgets all secrets, also those kept for this tab that are not in memory. Shows a notice if any were
/// in memory.
fn forget(screen: Screen, limit: IdleLimit) {
    let are_held = screen
        .page
        .secrets_held
        .with_untracked(|held| !held.is_empty());
    screen.command(|commands| commands.forget_secrets());
    if !are_held {
        return;
    }
    screen.forgotten_after.set(Some(limit));
}

/// The notice that secrets were forgotten, if they were. It stays until it is hidden, because the operator
/// was away.
pub fn forgotten_secrets(screen: Screen) -> Option<AnyView> {
    let limit = screen.forgotten_after.get()?;
    let text = format!(
        "API keys and agent tokens were forgotten after {} minutes without input. You are asked for them when they are needed again. You can change the time in Settings.",
        limit.minutes()
    );
    let hide = Callback::new(move |()| screen.forgotten_after.set(None));
    Some(hideable(text, hide))
}
