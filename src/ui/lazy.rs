//! Loading pieces of the module, and views from pieces that may not be loaded yet.

use std::future::Future;

use futures_util::future::join;
use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::browser::clock::PageClock;
use crate::pieces::{self, validator};
use crate::ports::Clock;
use crate::ui::page::Page;
use crate::ui::screen::Screen;
use crate::ui::work::{self, Part};

/// How long to wait before the second attempt to load a piece, in milliseconds. The time doubles with
/// each attempt.
const FIRST_WAIT: u32 = 1_000;
/// The longest time between two attempts, in milliseconds.
const LONGEST_WAIT: u32 = 30_000;

/// Calls `attempt` until it has loaded its piece. While attempts fail, the page says so.
pub async fn load<T, E, F>(page: Page, attempt: impl Fn() -> F) -> T
where
    F: Future<Output = Result<T, E>>,
{
    let mut wait = FIRST_WAIT;
    let mut has_failed = false;
    loop {
        if let Ok(loaded) = attempt().await {
            if has_failed {
                // The page may be unmounted by now.
                page.missing_pieces.try_update(|missing| *missing -= 1);
            }
            return loaded;
        }
        if !has_failed {
            has_failed = true;
            page.missing_pieces.try_update(|missing| *missing += 1);
        }
        PageClock.sleep(wait).await;
        wait = wait.saturating_mul(2).min(LONGEST_WAIT);
    }
}

/// Loads everything that is not loaded yet, so that a deployment of another version changes nothing
/// for this page.
pub async fn load_all(page: Page) {
    join(load(page, validator::load), load(page, work::load)).await;
}

/// Renders a part of the page: at once if it is loaded, else `meanwhile` until it is.
pub fn lazy_view(
    screen: Screen,
    part: Part,
    meanwhile: impl Fn() -> AnyView + Send + 'static,
) -> impl Fn() -> AnyView + Send + 'static {
    let loaded = Trigger::new();
    move || {
        loaded.track();
        if let Some(Ok(view)) = pieces::if_ready(work::view(screen, part)) {
            return view;
        }
        spawn_local(async move {
            if part == Part::Dialogs {
                // Their actions take schemas and tasks.
                load(screen.page, validator::load).await;
            }
            load(screen.page, work::load).await;
            loaded.notify();
        });
        meanwhile()
    }
}
