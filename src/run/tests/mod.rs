mod delivering;

use super::*;
use crate::brief::BriefForm;
use crate::delivery::DeliveryOutcome;
use crate::document::Document;
use crate::model::Failure;
use crate::schema::Violation;

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

/// A run whose events are applied one after the other, with what it wanted done.
struct Stage {
    run: Run,
    wanted: Vec<Effect>,
    now: u64,
}

impl Stage {
    fn new(mode: Mode) -> Stage {
        let (run, step) = Run::start(start(mode, true));
        assert!(matches!(step.effects[..], [Effect::Generate { .. }]));
        Stage {
            run,
            wanted: Vec::new(),
            now: NOW,
        }
    }

    fn brought(mode: Mode, texts: &[&str]) -> Stage {
        let (run, _) = Run::start(start(mode, false));
        let mut stage = Stage {
            run,
            wanted: Vec::new(),
            now: NOW,
        };
        stage.ok(Event::Import {
            texts: texts.iter().map(|text| Arc::from(*text)).collect(),
        });
        for effect in std::mem::take(&mut stage.wanted) {
            if let Effect::Check {
                draft, revision, ..
            } = effect
            {
                stage.ok(Event::Checked {
                    draft,
                    revision,
                    violations: Vec::new(),
                });
            }
        }
        stage
    }

    fn apply(&mut self, event: Event) -> Option<RunError> {
        let step = self.run.apply(event, self.now);
        self.wanted.extend(step.effects);
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

    /// Lets the journal and the server do their part for every effect until nothing is wanted.
    /// `answer` says what becomes of each posting.
    fn play(&mut self, mut answer: impl FnMut(&Posting) -> DeliveryOutcome) -> Vec<Posting> {
        let mut sent = Vec::new();
        while !self.wanted.is_empty() {
            match self.wanted.remove(0) {
                Effect::Journal { draft, attempt } => self.ok(Event::Journaled { draft, attempt }),
                Effect::Deliver(posting) => {
                    let outcome = answer(&posting);
                    let event = Event::Answered {
                        draft: posting.draft.clone(),
                        attempt: posting.attempt,
                        outcome,
                    };
                    sent.push(posting);
                    self.ok(event);
                }
                Effect::AskFor(_) => return sent,
                Effect::WakeAt(at) => {
                    self.now = self.now.max(at);
                    self.ok(Event::Woke);
                }
                other => panic!("{other:?}"),
            }
        }
        sent
    }

    /// Lets what is to be written down be written, so that it is on its way.
    fn leave(&mut self) {
        for effect in std::mem::take(&mut self.wanted) {
            match effect {
                Effect::Journal { draft, attempt } => self.ok(Event::Journaled { draft, attempt }),
                other => self.wanted.push(other),
            }
        }
    }

    fn reload(&mut self) {
        let record = serde_json::to_string(&self.run.record()).unwrap();
        let drafts: Vec<String> = self
            .run
            .drafts()
            .iter()
            .map(|draft| serde_json::to_string(&Run::draft_record(draft)).unwrap())
            .collect();
        let drafts = drafts.iter().map(|text| DraftRecord::read(text).unwrap());
        let record = RunRecord::read(&record).unwrap();
        self.now += 1;
        (self.run, _) = Run::restore_from(record, drafts.collect(), self.now).unwrap();
        self.wanted.clear();
    }
}

fn delivered() -> DeliveryOutcome {
    DeliveryOutcome::Delivered {
        status: Some(201),
        server_id: Some("s".to_owned()),
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

fn lost() -> DeliveryOutcome {
    DeliveryOutcome::MayHaveArrived {
        status: None,
        message: "Failed to fetch".to_owned(),
    }
}

fn violation() -> Violation {
    Violation {
        instance_path: "/title".to_owned(),
        schema_path: String::new(),
        keyword: "type".to_owned(),
        message: "no".to_owned(),
    }
}

#[test]
fn only_a_complete_answer_lets_its_tasks_be_approved() {
    let mut stage = Stage::new(Mode::Live);
    stage.arrive("{\"key\":\"a\"}", Vec::new());
    let first = vec![stage.id(1)];
    assert_eq!(
        stage.apply(Event::Approve {
            drafts: first.clone()
        }),
        Some(RunError::NotComplete)
    );
    assert!(stage.run.approvable().is_empty());
    stage.end(GenerationOutcome::Complete);
    stage.ok(Event::Approve { drafts: first });
    assert_eq!(stage.state(1), DraftState::Approved);
}

#[test]
fn whole_tasks_of_any_other_answer_are_kept_only_by_an_act_that_names_its_outcome() {
    for outcome in [
        GenerationOutcome::cut_off(crate::settings::Api::ChatCompletions),
        GenerationOutcome::Refused {
            text: "no".to_owned(),
        },
        GenerationOutcome::Filtered,
        GenerationOutcome::Interrupted { reason: None },
        GenerationOutcome::Stalled,
        GenerationOutcome::Cancelled,
        GenerationOutcome::Failed(Box::new(Failure::unreachable("x"))),
    ] {
        let mut stage = Stage::new(Mode::Live);
        stage.arrive("{\"key\":\"a\"}", Vec::new());
        stage.end(outcome.clone());
        let drafts = vec![stage.id(1)];
        assert_eq!(
            stage.apply(Event::Approve {
                drafts: drafts.clone()
            }),
            Some(RunError::NotComplete),
            "{outcome:?}"
        );
        assert_eq!(
            stage.apply(Event::AcceptPartial {
                outcome: "complete".to_owned()
            }),
            Some(RunError::OutcomeChanged)
        );
        stage.ok(Event::AcceptPartial {
            outcome: outcome.code().to_owned(),
        });
        stage.ok(Event::Approve { drafts });
        assert_eq!(&*stage.run.requests()[0].raw_response, "raw");
    }
}

#[test]
fn an_invalid_task_cannot_be_approved_until_it_is_corrected() {
    let mut stage = Stage::new(Mode::Live);
    stage.arrive("{\"title\":1}", vec![violation()]);
    stage.arrive("{\"title\":\"x\"}", Vec::new());
    stage.end(GenerationOutcome::Complete);
    assert_eq!(stage.state(1), DraftState::Invalid);
    let one = vec![stage.id(1)];
    assert_eq!(
        stage.apply(Event::Approve {
            drafts: one.clone()
        }),
        Some(RunError::NotValid)
    );
    assert_eq!(stage.run.approvable(), [stage.id(2)]);
    stage.ok(Event::Edit {
        draft: stage.id(1),
        text: "{\"title\":\"y\"}".to_owned(),
    });
    assert_eq!(stage.state(1), DraftState::Checking);
    assert_eq!(
        stage.apply(Event::Approve {
            drafts: one.clone()
        }),
        Some(RunError::NotValid)
    );
    // The check of an earlier text comes too late.
    stage.ok(Event::Checked {
        draft: stage.id(1),
        revision: 0,
        violations: Vec::new(),
    });
    assert_eq!(stage.state(1), DraftState::Checking);
    stage.ok(Event::Checked {
        draft: stage.id(1),
        revision: 1,
        violations: Vec::new(),
    });
    stage.ok(Event::Approve { drafts: one });
    assert_eq!(stage.state(1), DraftState::Approved);
}

#[test]
fn what_is_typed_is_kept_even_while_it_is_no_json() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}"]);
    stage.ok(Event::Edit {
        draft: stage.id(1),
        text: "{\"key\":".to_owned(),
    });
    assert_eq!(stage.state(1), DraftState::Invalid);
    stage.reload();
    let draft = stage.run.draft(&stage.id(1)).unwrap();
    assert_eq!(draft.content.text(), "{\"key\":");
    assert_eq!(&*draft.proposed, "{\"key\":\"a\"}");
    stage.ok(Event::Restore { draft: stage.id(1) });
    assert!(!stage.run.draft(&stage.id(1)).unwrap().is_edited());
}

#[test]
fn an_edit_takes_the_approval_back_and_makes_another_key() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}"]);
    stage.approve_all();
    let first = stage
        .run
        .draft(&stage.id(1))
        .unwrap()
        .approval()
        .unwrap()
        .clone();
    stage.ok(Event::Edit {
        draft: stage.id(1),
        text: "{\"key\": \"a\"}".to_owned(),
    });
    assert_eq!(stage.state(1), DraftState::Checking);
    stage.ok(Event::Checked {
        draft: stage.id(1),
        revision: 1,
        violations: Vec::new(),
    });
    stage.approve_all();
    let second = stage
        .run
        .draft(&stage.id(1))
        .unwrap()
        .approval()
        .unwrap()
        .clone();
    assert_eq!(&*second.body, "{\"key\": \"a\"}");
    assert_ne!(first.key, second.key);
}

#[test]
fn checks_that_were_under_way_at_a_reload_are_asked_for_again() {
    let (run, _) = Run::start(start(Mode::Live, false));
    let mut stage = Stage {
        run,
        wanted: Vec::new(),
        now: NOW,
    };
    stage.ok(Event::Import {
        texts: vec!["{}".into(), "[".into()],
    });
    stage.reload();
    assert_eq!(stage.run.checks_due().effects.len(), 1);
}

#[test]
fn a_reload_while_the_answer_arrives_is_never_taken_for_its_end() {
    let mut stage = Stage::new(Mode::Live);
    stage.arrive("{\"key\":\"a\"}", Vec::new());
    stage.reload();
    assert!(matches!(
        stage.run.generation(),
        GenerationState::Ended {
            outcome: GenerationOutcome::Interrupted { .. },
            kept: false,
            ..
        }
    ));
    assert!(stage.run.approvable().is_empty());
}

#[test]
fn every_outcome_survives_being_kept() {
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
        let mut stage = Stage::new(Mode::Dry);
        stage.end(outcome.clone());
        stage.reload();
        assert!(
            matches!(stage.run.generation(), GenerationState::Ended { outcome: kept, .. } if *kept == outcome)
        );
    }
}

#[test]
fn a_run_that_was_kept_by_the_first_version_comes_back_with_its_answer() {
    let mut stage = Stage::new(Mode::Live);
    stage.arrive("{\"key\":\"a\"}", Vec::new());
    stage.end(GenerationOutcome::cut_off(crate::settings::Api::Responses));
    let mut record = serde_json::to_value(stage.run.record()).unwrap();
    let members = record.as_object_mut().unwrap();
    for newer in ["requests", "still_planned", "rung", "notes"] {
        members.remove(newer);
    }
    members.insert("version".to_owned(), 1.into());
    members.insert("raw_answer".to_owned(), "raw".into());
    let usage = serde_json::json!({"input": 7, "output": 5, "cached": 0, "reasoning": 0});
    members.insert("usage".to_owned(), usage);
    let drafts = stage.run.drafts().iter();
    let drafts = drafts.map(|draft| Run::draft_record(draft)).collect();
    let record = RunRecord::read(&record.to_string()).unwrap();
    let (run, _) = Run::restore_from(record, drafts, NOW).unwrap();
    let request = &run.requests()[0];
    assert_eq!((&*request.raw_response, request.arrived), ("raw", 1));
    assert_eq!(request.outcome().unwrap().code(), "cut_off");
    assert_eq!(run.usage().unwrap().tokens(), 12);
}

#[test]
fn a_record_of_a_newer_version_is_not_read() {
    let stage = Stage::new(Mode::Dry);
    let text = serde_json::to_string(&stage.run.record()).unwrap();
    let newer = text.replacen("\"version\":2", "\"version\":3,\"more\":true", 1);
    assert_eq!(
        RunRecord::read(&newer),
        Err(RecordError::Newer { version: 3 })
    );
    assert!(matches!(
        RunRecord::read("{}"),
        Err(RecordError::Malformed { .. })
    ));
}

#[test]
fn tasks_of_the_dry_generator_never_come_along_into_a_live_run() {
    let mut stage = Stage::new(Mode::Dry);
    stage.arrive("{\"key\":\"dry\"}", Vec::new());
    stage.end(GenerationOutcome::Complete);
    stage.ok(Event::Import {
        texts: vec!["{\"key\":\"mine\"}".into()],
    });
    stage.ok(Event::Checked {
        draft: stage.id(2),
        revision: 0,
        violations: Vec::new(),
    });
    stage.approve_all();
    let (live, step) = stage.run.go_live(start(Mode::Live, true));
    assert_eq!(live.mode(), Mode::Live);
    assert_eq!(live.drafts().len(), 1);
    assert_eq!(live.drafts()[0].content.text(), "{\"key\":\"mine\"}");
    assert_eq!(live.drafts()[0].approval(), None);
    let asks = |effect: &Effect| matches!(effect, Effect::Generate { .. });
    assert!(step.effects.iter().any(asks));
}
