use super::*;
use crate::model::{Adaptation, Adaptations, ResponseFormat};

fn proposal(adaptation: Adaptation, is_named: bool, is_lasting: bool) -> Proposal {
    Proposal {
        adaptation,
        is_named,
        is_lasting,
    }
}

fn format() -> Adaptation {
    Adaptation::ResponseFormat(ResponseFormat::JsonObject)
}

fn failed(status: u16) -> GenerationOutcome {
    let failure = crate::model::http::failure(status, |_| None, b"", 0);
    GenerationOutcome::Failed(Box::new(failure))
}

impl Harness {
    /// Ends the call with this outcome, and applies the start of the next one.
    fn refuse(&mut self, status: u16, proposal: Proposal) {
        self.ok(Event::CallEnded {
            outcome: failed(status),
            raw_response: "".into(),
            reasoning: "".into(),
            proposal: Some(proposal),
        });
        self.begin();
    }

    /// Starts the call that was requested last, as a driver does.
    fn begin(&mut self) {
        let adaptations = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Generate { adaptations, .. } => Some(adaptations.clone()),
            _ => None,
        });
        if let Some(adaptations) = adaptations {
            self.ok(Event::CallStarted { adaptations });
        }
    }

    fn remembered(&self) -> Vec<Adaptation> {
        let remembered = self.effects.iter().filter_map(|effect| match effect {
            Effect::RememberAdaptations(adaptations) => Some(adaptations),
            _ => None,
        });
        remembered.flat_map(Adaptations::iter).cloned().collect()
    }
}

#[test]
fn an_adaptation_is_remembered_once_the_changed_call_has_completed() {
    for (outcome, is_remembered) in [
        (GenerationOutcome::Complete, true),
        (GenerationOutcome::Filtered, false),
        (GenerationOutcome::Interrupted { reason: None }, false),
        (GenerationOutcome::Cancelled, false),
        (failed(401), false),
    ] {
        let mut harness = Harness::new(Mode::Live);
        harness.refuse(400, proposal(format(), true, true));
        harness.refuse(400, proposal(Adaptation::OmitStore, true, true));
        assert_eq!(harness.remembered(), [], "nothing has completed yet");
        harness.end(outcome.clone());
        let expected = match is_remembered {
            true => vec![format(), Adaptation::OmitStore],
            false => Vec::new(),
        };
        assert_eq!(harness.remembered(), expected, "{outcome:?}");
    }
}

#[test]
fn an_adaptation_after_a_refusal_with_another_possible_cause_is_for_this_run_only() {
    let mut harness = Harness::new(Mode::Live);
    harness.refuse(500, proposal(format(), false, false));
    harness.end(GenerationOutcome::Complete);
    assert_eq!(harness.remembered(), []);
    let applied: Vec<_> = harness.run.applied_adaptations().cloned().collect();
    assert_eq!(applied, [format()], "later requests of the run use it");
}

#[test]
fn a_dry_run_and_a_stopped_generation_are_not_adapted() {
    for mode in [Mode::Dry, Mode::Live] {
        let mut harness = Harness::new(mode);
        if mode == Mode::Live {
            harness.ok(Event::StopGeneration);
        }
        harness.refuse(400, proposal(format(), true, true));
        let calls = harness
            .effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Generate { .. }));
        assert_eq!(calls.count(), 0, "{mode:?}");
        assert!(!harness.run.is_generating());
    }
}

#[test]
fn a_stored_run_keeps_its_adaptations() {
    let mut harness = Harness::new(Mode::Live);
    harness.refuse(400, proposal(Adaptation::NoStreaming, true, true));
    let text = serde_json::to_string(&harness.run.record()).unwrap();
    let stored: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(stored["adaptations"][0]["change"], "no_streaming");
}
