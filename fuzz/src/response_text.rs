//! The text of a response produces the same tasks however the endpoint splits it into deltas, and
//! is complete only if the model says that it has finished.

use serde_json::json;
use taskwright::model::GenerationOutcome;
use taskwright::settings::Api;

use super::json::Json;
use super::reading::{APIS, Reading};
use super::splits::Rng;

/// How a response ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Finished,
    OutOfTokens,
    Nothing,
}

/// Panics if this does not hold for a text.
pub fn holds(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut rng = Rng::of(bytes);
    for api in APIS {
        let unsplit = read(api, &[&text], Ending::Finished);
        unsplit.assert_sound();
        assert_eq!(unsplit.raw_text, text);
        assert_objects_are_understood(&text, &unsplit.outcome);
        let pieces = rng.split_text(&text, 12);
        let split = read(api, &pieces, Ending::Finished);
        assert_eq!(split.without_texts(), unsplit.without_texts(), "{pieces:?}");
        for ending in [Ending::OutOfTokens, Ending::Nothing] {
            let outcome = read(api, &pieces, ending).outcome;
            assert!(!outcome.is_complete(), "{outcome:?}");
        }
    }
}

/// A text that is just a JSON object must be accepted as a response, unless it exceeds a limit or
/// has a duplicate member `tasks`.
fn assert_objects_are_understood(text: &str, outcome: &GenerationOutcome) {
    if let Ok(value @ Json::Object(_)) = serde_json::from_str::<Json>(text)
        && value.count_members("tasks") < 2
    {
        let limits = ["task_too_deep", "task_too_large", "too_many_tasks"];
        assert!(
            outcome.is_complete() || limits.contains(&outcome.code()),
            "{text:?} is {outcome:?}"
        );
    }
}

/// Reads the body of a stream that sends a response in these deltas.
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
