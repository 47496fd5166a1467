//! Text with its hidden characters made visible.

use leptos::prelude::*;

use crate::review::hidden::{TextPiece, pieces};

/// The text, with a mark for each run of hidden characters.
pub fn visible_text(text: &str) -> AnyView {
    pieces(text)
        .into_iter()
        .map(|piece| match piece {
            TextPiece::Text(text) => text.to_owned().into_any(),
            TextPiece::Hidden(code_points) => {
                view! { <mark class="hidden-character">{code_points}</mark> }.into_any()
            }
        })
        .collect_view()
        .into_any()
}
