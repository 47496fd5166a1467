mod adapting;
mod delivering;
mod undoing;

use super::*;
use crate::brief::BriefForm;
use crate::delivery::DeliveryOutcome;
use crate::document::Document;
use crate::model::{Failure, Stall, http};
use crate::schema::Violation;
use crate::secrets::SecretSlot;
use crate::settings::{Address, VaultSource};

const NOW: u64 = 1_700_000_000_000;

fn schema() -> TaskSchema {
    TaskSchema::parse(
        r#"{"title":"t","type":"object","properties":{"key":{"type":"string"},"title":{"type":"string"},
            "depends_on":{"type":"array","items":{"type":"string"}}}}"#,
    )
    .unwrap()
}

fn start(mode: Mode, brief: bool) -> Start {
    let mut brief_form = BriefForm {
        goal: "Ship it".to_owned(),
        ..BriefForm::default()
    };
    brief_form.count = "2".to_owned();
    Start {
        id: RunId::from_bits(7),
        mode,
        at: NOW,
        brief: brief.then(|| brief_form.check(0).unwrap()),
        connection: Connection::built_in(),
        schema: schema(),
    }
}

/// Applies events to a run and collects its effects.
struct Harness {
    run: Run,
    effects: Vec<Effect>,
    now: u64,
}

impl Harness {
    fn new(mode: Mode) -> Harness {
        let (run, step) = Run::start(start(mode, true));
        assert!(matches!(step.effects[..], [Effect::Generate { .. }]));
        Harness {
            run,
            effects: Vec::new(),
            now: NOW,
        }
    }

    fn imported(mode: Mode, texts: &[&str]) -> Harness {
        let (run, _) = Run::start(start(mode, false));
        let mut harness = Harness {
            run,
            effects: Vec::new(),
            now: NOW,
        };
        harness.ok(Event::Import {
            texts: texts.iter().map(|text| Arc::from(*text)).collect(),
        });
        for effect in std::mem::take(&mut harness.effects) {
            if let Effect::Check {
                draft, revision, ..
            } = effect
            {
                harness.ok(Event::Checked {
                    draft,
                    revision,
                    violations: Vec::new(),
                });
            }
        }
        harness
    }

    fn apply(&mut self, event: Event) -> Option<RunError> {
        let step = self.run.apply(event, self.now);
        self.effects.extend(step.effects);
        step.refused
    }

    fn ok(&mut self, event: Event) {
        assert_eq!(self.apply(event), None);
    }

    fn arrive(&mut self, text: &str, violations: Vec<Violation>) {
        self.ok(Event::TaskArrived {
            document: Document::parse(text).unwrap(),
            violations,
        });
    }

    fn end(&mut self, outcome: GenerationOutcome) {
        self.ok(Event::CallEnded {
            outcome,
            raw_response: "raw".into(),
            reasoning: "".into(),
            proposal: None,
        });
    }

    fn id(&self, ordinal: u32) -> DraftId {
        DraftId {
            run: self.run.id().clone(),
            ordinal,
        }
    }

    fn state(&self, ordinal: u32) -> DraftState {
        Run::state(self.run.draft(&self.id(ordinal)).unwrap())
    }

    fn approve_all(&mut self) {
        let drafts = self.run.approvable();
        self.ok(Event::Approve { drafts });
    }

    fn post(&mut self) {
        let digest = self.run.confirmation().unwrap().digest;
        self.ok(Event::Post { digest });
    }

    /// Carries out all effects until none is left, with the outcome of each posting given by
    /// `respond`. Returns the postings.
    fn run_effects(
        &mut self,
        mut respond: impl FnMut(&Posting) -> DeliveryOutcome,
    ) -> Vec<Posting> {
        let mut sent = Vec::new();
        while !self.effects.is_empty() {
            match self.effects.remove(0) {
                Effect::Journal(entry) => self.ok(Event::Journaled(entry)),
                Effect::Deliver(posting) => {
                    let outcome = respond(&posting);
                    let event = Event::AttemptEnded {
                        draft: posting.draft.clone(),
                        attempt: posting.attempt,
                        outcome,
                    };
                    sent.push(posting);
                    self.ok(event);
                }
                Effect::RequestSecret(_) => return sent,
                Effect::WakeAt(at) => {
                    self.now = self.now.max(at);
                    self.ok(Event::Woke);
                }
                other => panic!("{other:?}"),
            }
        }
        sent
    }

    /// Journals all attempts, so that their requests are sent.
    fn journal(&mut self) {
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Journal(entry) => self.ok(Event::Journaled(entry)),
                other => self.effects.push(other),
            }
        }
    }

    fn reload(&mut self) {
        self.now += 1;
        (self.run, _) = Run::restore_from(stored(&self.run), self.now).unwrap();
        self.effects.clear();
    }
}

/// The records of a run after they were written as text and read again.
fn stored(run: &Run) -> RunRecords {
    fn again<T: StoredRecord>(record: &T) -> T {
        T::read(&serde_json::to_string(record).unwrap()).unwrap()
    }
    let records = run.records();
    RunRecords {
        run: again(&records.run),
        setup: again(&records.setup),
        requests: records.requests.iter().map(again).collect(),
        responses: records.responses.iter().map(again).collect(),
        drafts: records.drafts.iter().map(again).collect(),
    }
}

fn delivered() -> DeliveryOutcome {
    DeliveryOutcome::Delivered {
        status: Some(201),
        server_id: Some("s".to_owned()),
        id_at: None,
        replayed: false,
    }
}

fn refused() -> DeliveryOutcome {
    DeliveryOutcome::Refused {
        status: Some(422),
        code: "schema_violation".to_owned(),
        message: String::new(),
        reasons: Vec::new(),
    }
}

fn unconfirmed() -> DeliveryOutcome {
    DeliveryOutcome::Unconfirmed {
        status: None,
        cause: UnconfirmedCause::NoResponse,
        message: "Failed to fetch".to_owned(),
    }
}

fn violation() -> Violation {
    Violation {
        instance_path: "/title".to_owned(),
        schema_path: String::new(),
        keyword: "type".to_owned(),
        message: "no".to_owned(),
        ..Violation::default()
    }
}

#[test]
fn tasks_cannot_be_approved_before_the_response_is_complete() {
    let mut harness = Harness::new(Mode::Live);
    harness.arrive("{\"key\":\"a\"}", Vec::new());
    let first = vec![harness.id(1)];
    assert_eq!(
        harness.apply(Event::Approve {
            drafts: first.clone()
        }),
        Some(RunError::NotComplete)
    );
    assert!(harness.run.approvable().is_empty());
    harness.end(GenerationOutcome::Complete);
    harness.ok(Event::Approve { drafts: first });
    assert_eq!(harness.state(1), DraftState::Approved);
}

#[test]
fn a_partial_response_is_accepted_only_by_an_action_that_names_its_outcome() {
    for outcome in [
        GenerationOutcome::cut_off(crate::settings::Api::ChatCompletions),
        GenerationOutcome::Refused {
            text: "no".to_owned(),
        },
        GenerationOutcome::Filtered,
        GenerationOutcome::Interrupted { reason: None },
        GenerationOutcome::Stalled(Stall::FirstToken),
        GenerationOutcome::Stalled(Stall::Idle),
        GenerationOutcome::Cancelled,
        GenerationOutcome::Failed(Box::new(Failure::unreachable("x"))),
    ] {
        let mut harness = Harness::new(Mode::Live);
        harness.arrive("{\"key\":\"a\"}", Vec::new());
        harness.end(outcome.clone());
        let drafts = vec![harness.id(1)];
        assert_eq!(
            harness.apply(Event::Approve {
                drafts: drafts.clone()
            }),
            Some(RunError::NotComplete),
            "{outcome:?}"
        );
        assert_eq!(
            harness.apply(Event::AcceptPartial {
                outcome: "complete".to_owned()
            }),
            Some(RunError::OutcomeChanged)
        );
        harness.ok(Event::AcceptPartial {
            outcome: outcome.code().to_owned(),
        });
        harness.ok(Event::Approve { drafts });
        assert_eq!(&*harness.run.requests()[0].raw_response, "raw");
    }
}

#[test]
fn an_invalid_task_cannot_be_approved_until_it_is_corrected() {
    let mut harness = Harness::new(Mode::Live);
    harness.arrive("{\"title\":1}", vec![violation()]);
    harness.arrive("{\"title\":\"x\"}", Vec::new());
    harness.end(GenerationOutcome::Complete);
    assert_eq!(harness.state(1), DraftState::Invalid);
    let one = vec![harness.id(1)];
    assert_eq!(
        harness.apply(Event::Approve {
            drafts: one.clone()
        }),
        Some(RunError::NotValid)
    );
    assert_eq!(harness.run.approvable(), [harness.id(2)]);
    harness.ok(Event::Edit {
        draft: harness.id(1),
        text: "{\"title\":\"y\"}".to_owned(),
    });
    assert_eq!(harness.state(1), DraftState::Checking);
    assert_eq!(
        harness.apply(Event::Approve {
            drafts: one.clone()
        }),
        Some(RunError::NotValid)
    );
    // The check of an earlier revision is ignored.
    harness.ok(Event::Checked {
        draft: harness.id(1),
        revision: 0,
        violations: Vec::new(),
    });
    assert_eq!(harness.state(1), DraftState::Checking);
    harness.ok(Event::Checked {
        draft: harness.id(1),
        revision: 1,
        violations: Vec::new(),
    });
    harness.ok(Event::Approve { drafts: one });
    assert_eq!(harness.state(1), DraftState::Approved);
}

#[test]
fn text_that_is_not_json_survives_a_reload_and_can_be_restored() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.ok(Event::Edit {
        draft: harness.id(1),
        text: "{\"key\":".to_owned(),
    });
    assert_eq!(harness.state(1), DraftState::Invalid);
    harness.reload();
    let draft = harness.run.draft(&harness.id(1)).unwrap();
    assert_eq!(draft.content.text(), "{\"key\":");
    assert_eq!(&*draft.proposed, "{\"key\":\"a\"}");
    harness.ok(Event::Restore {
        draft: harness.id(1),
    });
    assert!(!harness.run.draft(&harness.id(1)).unwrap().is_edited());
}

#[test]
fn an_opened_task_stays_opened_after_an_edit_and_a_reload_and_keeps_its_decision() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    harness.approve_all();
    harness.ok(Event::Open {
        draft: harness.id(1),
    });
    assert_eq!(harness.state(1), DraftState::Approved);
    harness.ok(Event::Edit {
        draft: harness.id(1),
        text: "{\"key\":\"c\"}".to_owned(),
    });
    harness.reload();
    let opened: Vec<bool> = harness
        .run
        .drafts()
        .iter()
        .map(|draft| draft.is_opened)
        .collect();
    assert_eq!(opened, [true, false]);
}

#[test]
fn an_edit_withdraws_the_approval_and_changes_the_key() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.approve_all();
    let first = harness
        .run
        .draft(&harness.id(1))
        .unwrap()
        .approval()
        .unwrap()
        .clone();
    harness.ok(Event::Edit {
        draft: harness.id(1),
        text: "{\"key\": \"a\"}".to_owned(),
    });
    assert_eq!(harness.state(1), DraftState::Checking);
    harness.ok(Event::Checked {
        draft: harness.id(1),
        revision: 1,
        violations: Vec::new(),
    });
    harness.approve_all();
    let second = harness
        .run
        .draft(&harness.id(1))
        .unwrap()
        .approval()
        .unwrap()
        .clone();
    assert_eq!(&*second.body, "{\"key\": \"a\"}");
    assert_ne!(first.key, second.key);
}

#[test]
fn checks_interrupted_by_a_reload_are_requested_again() {
    let (run, _) = Run::start(start(Mode::Live, false));
    let mut harness = Harness {
        run,
        effects: Vec::new(),
        now: NOW,
    };
    harness.ok(Event::Import {
        texts: vec!["{}".into(), "[".into()],
    });
    harness.reload();
    assert_eq!(harness.run.checks_due().effects.len(), 1);
}

#[test]
fn a_reload_interrupts_a_response_that_was_arriving() {
    let mut harness = Harness::new(Mode::Live);
    harness.arrive("{\"key\":\"a\"}", Vec::new());
    harness.reload();
    assert!(matches!(
        harness.run.generation(),
        GenerationState::Ended {
            outcome: GenerationOutcome::Interrupted { .. },
            accepted_partial: false,
            ..
        }
    ));
    assert!(harness.run.approvable().is_empty());
}

#[test]
fn tasks_that_arrived_before_the_page_was_closed_are_counted_and_the_others_are_missing() {
    let mut harness = Harness::new(Mode::Live);
    let request = stored(&harness.run).requests;
    harness.arrive("{\"key\":\"a\"}", Vec::new());
    harness.ok(Event::Import {
        texts: vec![Arc::from("{\"key\":\"b\"}")],
    });
    // The request was last stored when it started.
    let records = RunRecords {
        requests: request,
        ..stored(&harness.run)
    };
    let (run, _) = Run::restore_from(records, NOW).unwrap();
    let progress = run.generation_progress().unwrap();
    assert_eq!((progress.tasks, progress.can_request_missing), (1, true));
}

#[test]
fn a_rejected_key_is_requested_if_a_vault_may_have_another_one() {
    let rejected = || {
        let failure = http::failure(401, |_| None, b"", 0);
        GenerationOutcome::Failed(Box::new(failure))
    };
    for (has_vault, mode, outcome, is_requested) in [
        (true, Mode::Live, rejected(), true),
        (true, Mode::Dry, rejected(), false),
        (true, Mode::Live, GenerationOutcome::Filtered, false),
        (false, Mode::Live, rejected(), false),
    ] {
        let vault = Address::parse("https://vault.example").unwrap();
        let mut start = start(mode, true);
        start.connection.vault =
            has_vault.then(|| Box::new(VaultSource::at(vault, "secret/agent")));
        let (run, _) = Run::start(start);
        let mut harness = Harness {
            run,
            effects: Vec::new(),
            now: NOW,
        };
        assert_eq!(harness.run.repetition(), None, "it has not ended");
        harness.end(outcome.clone());
        let request = Effect::RequestSecret(SecretSlot::API_KEY);
        assert_eq!(harness.effects.contains(&request), is_requested);
        let outcome = outcome.code().to_owned();
        let repetition = Event::RequestMissing { outcome };
        assert_eq!(harness.run.repetition(), Some(repetition.clone()));
        if is_requested {
            harness.ok(repetition);
            assert!(harness.run.is_generating());
        }
    }
}

#[test]
fn every_generation_outcome_survives_a_reload() {
    for outcome in [
        GenerationOutcome::Complete,
        GenerationOutcome::cut_off(crate::settings::Api::Responses),
        GenerationOutcome::cut_off(crate::settings::Api::ChatCompletions),
        GenerationOutcome::Refused {
            text: "no".to_owned(),
        },
        GenerationOutcome::Interrupted {
            reason: Some("x".to_owned()),
        },
        GenerationOutcome::Failed(Box::new(Failure::unreachable("x"))),
        GenerationOutcome::Cancelled,
    ] {
        let mut harness = Harness::new(Mode::Dry);
        harness.end(outcome.clone());
        harness.reload();
        assert!(
            matches!(harness.run.generation(), GenerationState::Ended { outcome: stored, .. } if *stored == outcome)
        );
    }
}

#[test]
fn records_of_other_versions_are_not_read() {
    let mut harness = Harness::new(Mode::Dry);
    harness.arrive("{}", Vec::new());
    let run = serde_json::to_value(harness.run.record()).unwrap();
    let draft = serde_json::to_value(harness.run.draft_record(&harness.run.drafts()[0])).unwrap();
    let with_version = |record: &serde_json::Value, version: u32| {
        let mut record = record.clone();
        record["version"] = version.into();
        record.to_string()
    };
    let older = |version| RecordError::Older { version };
    let newer = |version| RecordError::Newer { version };
    for (version, error) in [
        (1, Some(older(1))),
        (2, Some(older(2))),
        (RECORD_VERSION, None),
        (RECORD_VERSION + 1, Some(newer(RECORD_VERSION + 1))),
    ] {
        let run = RunRecord::read(&with_version(&run, version));
        assert_eq!(run.err(), error);
        let draft = DraftRecord::read(&with_version(&draft, version));
        assert_eq!(draft.err(), error);
    }
    assert!(matches!(
        RunRecord::read("{}"),
        Err(RecordError::Malformed { .. })
    ));
}

#[test]
fn a_record_of_an_unreleased_version_is_reported_as_such() {
    let error = RunRecord::read("{\"version\":2,\"rung\":\"strict\"}").unwrap_err();
    assert_eq!(error.code(), "record_older");
    assert_eq!(
        error.to_string(),
        "it was stored by an earlier, unreleased version of this page (format 2, this page reads 3)"
    );
    assert!(error.hint().contains("not changed"));
}

#[test]
fn tasks_of_the_dry_run_generator_are_not_copied_into_a_live_run() {
    let mut harness = Harness::new(Mode::Dry);
    harness.arrive("{\"key\":\"dry\"}", Vec::new());
    harness.end(GenerationOutcome::Complete);
    harness.ok(Event::Import {
        texts: vec!["{\"key\":\"mine\"}".into()],
    });
    harness.ok(Event::Checked {
        draft: harness.id(2),
        revision: 0,
        violations: Vec::new(),
    });
    harness.approve_all();
    let (live, step) = harness.run.go_live(start(Mode::Live, true));
    assert_eq!(live.mode(), Mode::Live);
    assert_eq!(live.drafts().len(), 1);
    assert_eq!(live.drafts()[0].content.text(), "{\"key\":\"mine\"}");
    assert_eq!(live.drafts()[0].approval(), None);
    let asks = |effect: &Effect| matches!(effect, Effect::Generate { .. });
    assert!(step.effects.iter().any(asks));
}
