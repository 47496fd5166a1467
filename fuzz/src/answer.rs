//! The text of an answer gives the same tasks however the endpoint cuts it into deltas, and is
//! complete only where the model said that it had finished.

use serde_json::json;
use taskwright::model::GenerationOutcome;
use taskwright::settings::Api;

use super::json::Json;
use super::reading::{APIS, Reading};
use super::splits::Dice;

/// The last word of an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Finished,
    OutOfTokens,
    Nothing,
}

/// Panics where a text is read otherwise than that.
pub fn holds(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut dice = Dice::of(bytes);
    for api in APIS {
        let whole = read(api, &[&text], Ending::Finished);
        whole.assert_sound();
        assert_eq!(whole.raw_text, text);
        assert_documents_are_understood(&text, &whole.outcome);
        let whole = whole.without_texts();
        let pieces = cut(&text, &mut dice);
        let told = read(api, &pieces, Ending::Finished);
        assert_eq!(told.without_texts(), whole, "{pieces:?}");
        for ending in [Ending::OutOfTokens, Ending::Nothing] {
            let outcome = read(api, &pieces, ending).outcome;
            assert!(!outcome.is_complete(), "{outcome:?}");
        }
    }
}

/// A text that is nothing but a JSON object has to be read as an answer, unless it is beyond a
/// limit or names its tasks twice.
fn assert_documents_are_understood(text: &str, outcome: &GenerationOutcome) {
    if let Ok(value @ Json::Object(_)) = serde_json::from_str::<Json>(text)
        && value.count("tasks") < 2
    {
        let beyond = ["task_too_deep", "task_too_large", "too_many_tasks"];
        assert!(
            outcome.is_complete() || beyond.contains(&outcome.code()),
            "{text:?} is {outcome:?}"
        );
    }
}

/// A text in pieces of whole characters.
fn cut<'a>(text: &'a str, dice: &mut Dice) -> Vec<&'a str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let size = 1 + dice.below(12);
        let end = rest
            .char_indices()
            .nth(size)
            .map_or(rest.len(), |(at, _)| at);
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Reads the body of a stream that tells an answer in these deltas.
fn read(api: Api, deltas: &[&str], ending: Ending) -> Reading {
    let mut events: Vec<_> = deltas
        .iter()
        .map(|delta| match api {
            Api::ChatCompletions => json!({"choices": [{"index": 0, "delta": {"content": delta}}]}),
            Api::Responses => json!({"type": "response.output_text.delta", "delta": delta,
                                     "output_index": 0, "content_index": 0}),
        })
        .collect();
    events.extend(match (api, ending) {
        (_, Ending::Nothing) => None,
        (Api::ChatCompletions, ending) => {
            let reason = if ending == Ending::Finished {
                "stop"
            } else {
                "length"
            };
            Some(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))
        }
        (Api::Responses, Ending::Finished) => {
            Some(json!({"type": "response.completed", "response": {"status": "completed"}}))
        }
        (Api::Responses, Ending::OutOfTokens) => Some(
            json!({"type": "response.incomplete", "response": {"status": "incomplete",
                        "incomplete_details": {"reason": "max_output_tokens"}}}),
        ),
    });
    let body: String = events
        .iter()
        .map(|event| format!("data: {event}\n\n"))
        .collect();
    Reading::of(api, &[body.as_bytes()])
}
