use super::*;
use crate::brief::BriefForm;
use crate::delivery::Outcome as Delivered;
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
}

impl Stage {
    fn new(mode: Mode) -> Stage {
        let (run, step) = Run::start(start(mode, true));
        assert_eq!(step.effects, [Effect::Generate]);
        Stage {
            run,
            wanted: Vec::new(),
        }
    }

    fn brought(mode: Mode, texts: &[&str]) -> Stage {
        let (run, _) = Run::start(start(mode, false));
        let mut stage = Stage {
            run,
            wanted: Vec::new(),
        };
        stage.ok(Event::Bring {
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
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
        let step = self.run.apply(event, NOW);
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

    fn end(&mut self, outcome: Outcome) {
        self.ok(Event::GenerationEnded {
            outcome,
            raw_answer: "raw".into(),
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
    fn play(&mut self, mut answer: impl FnMut(&Posting) -> Delivered) -> Vec<Posting> {
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
                other => panic!("{other:?}"),
            }
        }
        sent
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
        self.run = Run::restore_from(RunRecord::read(&record).unwrap(), drafts.collect(), NOW + 1)
            .unwrap();
        self.wanted.clear();
    }
}

fn delivered() -> Delivered {
    Delivered::Delivered {
        status: Some(201),
        server_id: Some("s".to_owned()),
        replayed: false,
    }
}

fn refused() -> Delivered {
    Delivered::Refused {
        status: Some(422),
        code: "schema_violation".to_owned(),
        message: String::new(),
        reasons: Vec::new(),
    }
}

fn lost() -> Delivered {
    Delivered::MayHaveArrived {
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
    stage.end(Outcome::Complete);
    stage.ok(Event::Approve { drafts: first });
    assert_eq!(stage.state(1), DraftState::Approved);
}

#[test]
fn whole_tasks_of_any_other_answer_are_kept_only_by_an_act_that_names_its_outcome() {
    for outcome in [
        Outcome::cut_off(crate::settings::Api::ChatCompletions),
        Outcome::Refused {
            text: "no".to_owned(),
        },
        Outcome::Filtered,
        Outcome::Interrupted { reason: None },
        Outcome::Stalled,
        Outcome::Cancelled,
        Outcome::Failed(Box::new(Failure::unreachable("x"))),
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
            stage.apply(Event::KeepWhole {
                outcome: "complete".to_owned()
            }),
            Some(RunError::OutcomeChanged)
        );
        stage.ok(Event::KeepWhole {
            outcome: outcome.code().to_owned(),
        });
        stage.ok(Event::Approve { drafts });
        assert_eq!(stage.run.raw_answer(), "raw");
    }
}

#[test]
fn an_invalid_task_cannot_be_approved_until_it_is_corrected() {
    let mut stage = Stage::new(Mode::Live);
    stage.arrive("{\"title\":1}", vec![violation()]);
    stage.arrive("{\"title\":\"x\"}", Vec::new());
    stage.end(Outcome::Complete);
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
fn the_approved_bytes_leave_once_in_the_order_of_their_dependencies() {
    let late = r#"{"key":"b","depends_on":["a"],"n":98765432109876543210}"#;
    let early = r#"{ "key" : "a" }"#;
    let mut stage = Stage::brought(Mode::Live, &[late, early, "{\"key\":\"c\"}"]);
    stage.approve_all();
    let confirmation = stage.run.confirmation().unwrap();
    assert_eq!(confirmation.count, 3);
    stage.post();
    let sent = stage.play(|_| delivered());
    let bodies: Vec<&str> = sent.iter().map(|posting| &*posting.approval.body).collect();
    assert_eq!(bodies, [early, late, "{\"key\":\"c\"}"]);
    assert_eq!(stage.run.counts().of(DraftState::Delivered), 3);
    assert_eq!(stage.run.batch(), &Batch::Idle);
    assert_eq!(stage.run.confirmation(), None);
    // What has left is not changed any more.
    let gone = stage.id(1);
    assert_eq!(
        stage.apply(Event::Edit {
            draft: gone.clone(),
            text: "{}".to_owned()
        }),
        Some(RunError::HasLeft)
    );
    assert_eq!(
        stage.apply(Event::PutBack { drafts: vec![gone] }),
        Some(RunError::HasLeft)
    );
}

#[test]
fn nothing_leaves_before_it_is_written_down() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}"]);
    stage.approve_all();
    stage.post();
    assert!(matches!(
        stage.wanted[..],
        [Effect::Journal { attempt: 1, .. }]
    ));
    stage.wanted.clear();
    stage.ok(Event::JournalFailed {
        draft: stage.id(1),
        attempt: 1,
        reason: "full".to_owned(),
    });
    assert!(stage.wanted.is_empty(), "nothing was sent");
    assert_eq!(stage.state(1), DraftState::Queued);
    assert!(matches!(
        stage.run.batch(),
        Batch::Paused {
            why: Pause::NotStored { .. }
        }
    ));
    stage.ok(Event::Resume);
    let sent = stage.play(|_| delivered());
    assert_eq!(
        sent[0].attempt, 1,
        "an attempt that was never made does not count"
    );
}

#[test]
fn only_what_was_confirmed_is_posted() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    stage.ok(Event::Approve {
        drafts: vec![stage.id(1)],
    });
    let digest = stage.run.confirmation().unwrap().digest;
    stage.ok(Event::Approve {
        drafts: vec![stage.id(2)],
    });
    assert_eq!(
        stage.apply(Event::Post { digest }),
        Some(RunError::ConfirmationStale)
    );
    assert!(stage.wanted.is_empty());
}

#[test]
fn a_first_task_that_is_not_taken_spares_the_others() {
    for (outcome, why) in [
        (refused(), Pause::FirstNotTaken),
        (lost(), Pause::ServerInTrouble),
    ] {
        let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
        stage.approve_all();
        stage.post();
        assert_eq!(stage.play(|_| outcome.clone()).len(), 1);
        assert_eq!(stage.run.batch(), &Batch::Paused { why });
        assert_eq!(stage.state(2), DraftState::Queued);
        stage.ok(Event::Resume);
        assert_eq!(stage.play(|_| delivered()).len(), 1);
        assert_eq!(stage.state(2), DraftState::Delivered);
    }
}

#[test]
fn a_refused_task_does_not_hold_up_those_behind_it() {
    let mut stage = Stage::brought(
        Mode::Live,
        &["{\"key\":\"a\"}", "{\"key\":\"b\"}", "{\"key\":\"c\"}"],
    );
    stage.approve_all();
    stage.post();
    let sent = stage.play(|posting| match posting.draft.ordinal {
        2 => refused(),
        _ => delivered(),
    });
    assert_eq!(sent.len(), 3);
    assert_eq!(stage.state(2), DraftState::Refused);
    assert_eq!(stage.run.batch(), &Batch::Idle);
}

#[test]
fn what_may_have_arrived_is_never_sent_again_by_itself() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}"]);
    stage.approve_all();
    stage.post();
    stage.play(|_| lost());
    assert_eq!(stage.state(1), DraftState::Unknown);
    let id = stage.id(1);
    stage.ok(Event::Resume);
    stage.ok(Event::Retry {
        drafts: vec![id.clone(), id.clone()],
    });
    assert_eq!(
        stage.apply(Event::Retry {
            drafts: vec![id.clone()]
        }),
        Some(RunError::WrongState)
    );
    assert_eq!(
        stage.apply(Event::ResendSameKey { draft: id.clone() }),
        Some(RunError::KeysNotHonoured)
    );
    assert!(stage.wanted.is_empty());
    stage.ok(Event::Decide {
        draft: id.clone(),
        delivered: false,
    });
    assert_eq!(stage.state(1), DraftState::Failed);
    stage.ok(Event::Retry { drafts: vec![id] });
    assert_eq!(stage.play(|_| delivered()).len(), 1);
}

#[test]
fn a_server_known_to_honour_keys_gets_the_same_key_again() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}"]);
    let mut connection = Connection::built_in();
    if let Some(server) = &mut connection.task_server {
        server.honours_idempotency_keys = true;
    }
    stage.ok(Event::Connect(connection));
    stage.approve_all();
    stage.post();
    let first = stage.play(|_| lost());
    stage.ok(Event::ResendSameKey { draft: stage.id(1) });
    let second = stage.play(|_| delivered());
    assert_eq!(first[0].approval, second[0].approval);
    assert_eq!((first[0].attempt, second[0].attempt), (1, 2));
}

fn honouring(url: &str) -> Connection {
    let mut connection = Connection::built_in();
    let mut server = crate::settings::TaskServer::at(crate::settings::Address::parse(url).unwrap());
    server.honours_idempotency_keys = true;
    connection.task_server = Some(server);
    connection
}

#[test]
fn a_key_that_the_server_was_not_told_makes_nothing_safe_to_send_again() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}"]);
    stage.approve_all();
    stage.post();
    stage.play(|_| lost());
    let id = stage.id(1);
    // Saying so afterwards, or naming another server, does not help this one.
    for url in ["http://localhost:8080", "http://localhost:9999"] {
        stage.ok(Event::Connect(honouring(url)));
        assert_eq!(
            stage.apply(Event::ResendSameKey { draft: id.clone() }),
            Some(RunError::KeysNotHonoured),
            "{url}"
        );
    }
    assert!(stage.wanted.is_empty());
}

#[test]
fn what_may_have_arrived_stays_so_whatever_a_later_attempt_comes_to() {
    let not_taken = Delivered::NotTaken {
        status: 429,
        retry_after: None,
        message: String::new(),
    };
    let no_token = Delivered::Unauthorized {
        status: 401,
        message: String::new(),
    };
    for later in [refused(), not_taken, no_token] {
        let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}"]);
        stage.ok(Event::Connect(honouring("http://localhost:8080")));
        stage.approve_all();
        stage.post();
        stage.play(|_| lost());
        stage.ok(Event::ResendSameKey { draft: stage.id(1) });
        stage.play(|_| later.clone());
        stage.ok(Event::StopPosting);
        assert_eq!(stage.state(1), DraftState::Unknown, "{later:?}");
        let id = stage.id(1);
        let edit = Event::Edit {
            draft: id.clone(),
            text: "{}".to_owned(),
        };
        assert_eq!(stage.apply(edit), Some(RunError::HasLeft));
        assert_eq!(stage.run.confirmation(), None);
        stage.ok(Event::Decide {
            draft: id,
            delivered: false,
        });
        assert_eq!(stage.state(1), DraftState::Failed);
    }
}

#[test]
fn another_address_takes_the_queue_back_until_it_is_confirmed_for_it() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    stage.approve_all();
    stage.post();
    stage.play(|_| refused());
    assert_eq!(stage.state(2), DraftState::Queued);
    stage.ok(Event::Connect(honouring("http://localhost:9999")));
    assert_eq!(stage.state(2), DraftState::Approved);
    assert_eq!(stage.run.batch(), &Batch::Idle);
    stage.ok(Event::Resume);
    assert!(
        stage.wanted.is_empty(),
        "nothing goes to a server that was not confirmed"
    );
    assert_eq!(stage.run.confirmation().unwrap().count, 1);
}

#[test]
fn sending_one_task_again_does_not_wake_those_behind_a_pause() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    stage.approve_all();
    stage.post();
    stage.play(|_| refused());
    stage.ok(Event::Retry {
        drafts: vec![stage.id(1)],
    });
    assert_eq!(stage.play(|_| delivered()).len(), 1);
    assert_eq!(stage.state(1), DraftState::Delivered);
    assert!(matches!(stage.run.batch(), Batch::Paused { .. }));
    stage.ok(Event::Resume);
    assert_eq!(stage.play(|_| delivered()).len(), 1);
    assert_eq!(stage.state(2), DraftState::Delivered);
}

#[test]
fn a_request_that_cannot_be_made_is_not_blamed_on_the_token() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}"]);
    stage.approve_all();
    stage.post();
    stage.play(|_| Delivered::NotSent {
        message: "no".to_owned(),
    });
    assert!(matches!(
        stage.run.batch(),
        Batch::Paused {
            why: Pause::NotSent { .. }
        }
    ));
    assert!(stage.wanted.is_empty(), "no token is asked for");
    stage.ok(Event::Resume);
    stage.play(|_| Delivered::NoToken);
    assert_eq!(
        stage.run.batch(),
        &Batch::Paused {
            why: Pause::TokenMissing
        }
    );
}

#[test]
fn a_dry_run_that_was_closed_while_it_wrote_receipts_leaves_nothing_unknown() {
    let mut stage = Stage::new(Mode::Dry);
    stage.arrive("{\"key\":\"a\"}", Vec::new());
    stage.end(Outcome::Complete);
    stage.approve_all();
    stage.post();
    stage.reload();
    assert_eq!(stage.state(1), DraftState::Queued);
    stage.ok(Event::Resume);
    assert_eq!(stage.play(|_| Delivered::Dry).len(), 1);
}

#[test]
fn checks_that_were_under_way_at_a_reload_are_asked_for_again() {
    let (run, _) = Run::start(start(Mode::Live, false));
    let mut stage = Stage {
        run,
        wanted: Vec::new(),
    };
    stage.ok(Event::Bring {
        texts: vec!["{}".to_owned(), "[".to_owned()],
    });
    stage.reload();
    assert_eq!(stage.run.checks_due().effects.len(), 1);
}

#[test]
fn a_refused_token_pauses_the_batch_and_the_same_task_goes_on_with_the_same_key() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    stage.approve_all();
    stage.post();
    let first = stage.play(|_| Delivered::Unauthorized {
        status: 401,
        message: String::new(),
    });
    assert_eq!(first.len(), 1);
    assert_eq!(
        stage.run.batch(),
        &Batch::Paused {
            why: Pause::TokenRefused { status: 401 }
        }
    );
    assert_eq!(stage.state(1), DraftState::Queued);
    stage.ok(Event::Resume);
    let rest = stage.play(|_| delivered());
    assert_eq!(rest[0].approval.key, first[0].approval.key);
    assert_eq!(rest.len(), 2);
}

#[test]
fn pause_lets_what_is_under_way_end_and_stop_takes_the_rest_out() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    stage.approve_all();
    stage.post();
    stage.ok(Event::Pause);
    assert_eq!(stage.play(|_| delivered()).len(), 1);
    assert_eq!(
        stage.run.batch(),
        &Batch::Paused {
            why: Pause::Operator
        }
    );
    stage.ok(Event::StopPosting);
    assert_eq!(stage.run.batch(), &Batch::Idle);
    assert_eq!(stage.state(2), DraftState::Approved);
    assert_eq!(stage.run.confirmation().unwrap().count, 1);
}

#[test]
fn a_reload_brings_everything_back_and_what_was_on_its_way_is_unknown() {
    let mut stage = Stage::brought(
        Mode::Live,
        &["{\"key\":\"a\"}", "{\"key\":\"b\"}", "{\"key\":\"c\"}"],
    );
    stage.ok(Event::Reject {
        draft: stage.id(3),
        reason: "later".to_owned(),
    });
    stage.approve_all();
    stage.post();
    let Some(Effect::Journal { draft, attempt }) = stage.wanted.pop() else {
        panic!("a journal entry comes first");
    };
    stage.ok(Event::Journaled { draft, attempt });
    let before = stage.run.draft(&stage.id(1)).unwrap().approval().cloned();
    stage.reload();
    assert_eq!(stage.state(1), DraftState::Unknown);
    assert_eq!(stage.state(2), DraftState::Queued);
    assert_eq!(stage.state(3), DraftState::Rejected);
    assert_eq!(
        stage.run.batch(),
        &Batch::Paused {
            why: Pause::PageClosed
        }
    );
    assert_eq!(
        stage.run.draft(&stage.id(1)).unwrap().approval().cloned(),
        before
    );
    // An answer to the attempt that the reload settled comes too late.
    stage.ok(Event::Answered {
        draft: stage.id(1),
        attempt: 1,
        outcome: delivered(),
    });
    assert_eq!(stage.state(1), DraftState::Unknown);
    stage.ok(Event::Resume);
    assert_eq!(stage.play(|_| delivered()).len(), 1);
}

#[test]
fn a_reload_while_the_answer_arrives_is_never_taken_for_its_end() {
    let mut stage = Stage::new(Mode::Live);
    stage.arrive("{\"key\":\"a\"}", Vec::new());
    stage.reload();
    assert!(matches!(
        stage.run.generation(),
        Generation::Ended {
            outcome: Outcome::Interrupted { .. },
            kept: false,
            ..
        }
    ));
    assert!(stage.run.approvable().is_empty());
}

#[test]
fn every_outcome_survives_being_kept() {
    for outcome in [
        Outcome::Complete,
        Outcome::cut_off(crate::settings::Api::Responses),
        Outcome::cut_off(crate::settings::Api::ChatCompletions),
        Outcome::Refused {
            text: "no".to_owned(),
        },
        Outcome::Interrupted {
            reason: Some("x".to_owned()),
        },
        Outcome::Failed(Box::new(Failure::unreachable("x"))),
        Outcome::Cancelled,
    ] {
        let mut stage = Stage::new(Mode::Dry);
        stage.end(outcome.clone());
        stage.reload();
        assert!(
            matches!(stage.run.generation(), Generation::Ended { outcome: kept, .. } if *kept == outcome)
        );
    }
}

#[test]
fn a_record_of_a_newer_version_is_not_read() {
    let stage = Stage::new(Mode::Dry);
    let text = serde_json::to_string(&stage.run.record()).unwrap();
    let newer = text.replacen("\"version\":1", "\"version\":2,\"more\":true", 1);
    assert_eq!(
        RunRecord::read(&newer),
        Err(RecordError::Newer { version: 2 })
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
    stage.end(Outcome::Complete);
    stage.ok(Event::Bring {
        texts: vec!["{\"key\":\"mine\"}".to_owned()],
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
    assert!(step.effects.contains(&Effect::Generate));
}

#[test]
fn dry_receipts_never_count_as_delivered() {
    let mut stage = Stage::new(Mode::Dry);
    stage.arrive("{\"key\":\"a\"}", Vec::new());
    stage.end(Outcome::Complete);
    stage.approve_all();
    stage.post();
    stage.play(|_| Delivered::Dry);
    assert_eq!(stage.state(1), DraftState::DryDelivered);
    assert_eq!(stage.run.counts().of(DraftState::Delivered), 0);
}
