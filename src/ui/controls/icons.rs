//! Icons and marks from the sprite `static/icons/icons.svg`, which the page holds once.

use leptos::prelude::*;

use crate::review::DraftState;
use crate::run::Mode;

/// The sprite is part of the page: from a file of its own a browser fetches it again whenever it
/// dropped its copy, and a dry run makes no request at all.
const SPRITE: &str = include_str!("../../../static/icons/icons.svg");

/// Every symbol, to be drawn nowhere and referred to from everywhere. Their ids get a prefix, so
/// that none is that of a control.
#[component]
pub fn Sprite() -> impl IntoView {
    let symbols = SPRITE.replace("<symbol id=\"", "<symbol id=\"icon-");
    view! { <div hidden inner_html=symbols></div> }
}

/// An icon by its name in the sprite. It says nothing to a screen reader: a word stands beside
/// it, or its button has a name.
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
            // Made at run time: markup that holds no value is written as text, `use_` included.
            <use_ href="#icon-mark".to_owned()></use_>
        </svg>
    }
}

/// A mark by its name in the sprite; its colour comes from the nearest `data-state`.
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
        DraftState::Rejected => "state-rejected",
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
