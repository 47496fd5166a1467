//! Icons and marks from the sprite `static/icons/icons.svg`, which the page contains once.

use leptos::prelude::*;

use crate::review::DraftState;
use crate::run::Mode;

/// The sprite is part of the page: a browser may fetch a separate file again at any time, and a dry
/// run makes no request at all.
const SPRITE: &str = include_str!("../../../static/icons/icons.svg");

/// All symbols, hidden, for `use` elements to refer to. Their ids get a prefix so that they differ
/// from the ids of controls.
#[component]
pub fn Sprite() -> impl IntoView {
    // Without the comment before it: the page's policy for markup knows elements and text only.
    let sprite = SPRITE
        .find("<svg")
        .and_then(|start| SPRITE.get(start..))
        .unwrap_or_default();
    let symbols = sprite.replace("<symbol id=\"", "<symbol id=\"icon-");
    view! { <div hidden inner_html=symbols></div> }
}

/// An icon by its name in the sprite. Screen readers skip it: it is next to a text, or in a button
/// with a name.
pub fn icon(name: &'static str) -> impl IntoView {
    view! {
        <svg class="icon" aria-hidden="true">
            <use_ href=format!("#icon-{name}")></use_>
        </svg>
    }
}

/// The mark of the product.
pub fn app_mark() -> impl IntoView {
    view! {
        <svg class="app-mark" aria-hidden="true">
            // An owned value, because static markup is rendered as text, with the tag name `use_`.
            <use_ href="#icon-mark".to_owned()></use_>
        </svg>
    }
}

/// A mark by its name in the sprite. Its colour comes from the nearest `data-state`.
pub fn mark(name: &'static str) -> impl IntoView {
    view! {
        <svg class="mark" aria-hidden="true">
            <use_ href=format!("#icon-{name}")></use_>
        </svg>
    }
}

/// The mark of a state.
pub fn state_mark(state: DraftState) -> impl IntoView {
    mark(match state {
        DraftState::Checking => "state-waiting",
        DraftState::Invalid => "state-invalid",
        DraftState::Ready => "state-ready",
        DraftState::Approved => "state-approved",
        DraftState::Rejected | DraftState::Deleted => "state-rejected",
        DraftState::Queued => "state-queued",
        DraftState::Sending => "state-sending",
        DraftState::Delivered => "state-delivered",
        DraftState::DryDelivered => "state-dry",
        DraftState::Refused => "state-refused",
        DraftState::Failed => "state-failed",
        DraftState::Unconfirmed => "state-unconfirmed",
    })
}

/// A state's name in `data-state`.
#[must_use]
pub fn state_name(state: DraftState) -> &'static str {
    match state {
        DraftState::Checking => "waiting",
        other => other.slug(),
    }
}

/// A mode's name in `data-state`.
#[must_use]
pub fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Dry => "dry",
        Mode::Live => "live",
    }
}

/// The mark of a mode.
pub fn mode_mark(mode: Mode) -> impl IntoView {
    mark(match mode {
        Mode::Dry => "state-dry",
        Mode::Live => "state-live",
    })
}
