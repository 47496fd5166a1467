//! What leaves, in which order, and what comes of it.

use super::*;
use crate::delivery::LookUp;
use crate::secrets::SecretSlot;

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
        stage.apply(Event::UndoDecisions { drafts: vec![gone] }),
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
fn the_confirmation_says_how_many_will_wait_for_tasks_that_are_not_approved() {
    let mut stage = Stage::brought(
        Mode::Live,
        &[
            r#"{"key":"a"}"#,
            r#"{"key":"b","depends_on":["a"]}"#,
            r#"{"key":"c","depends_on":["b"]}"#,
            r#"{"key":"d"}"#,
        ],
    );
    for (approved, held) in [(vec![4], 0), (vec![2, 3], 2), (vec![1], 0)] {
        let drafts = approved.into_iter().map(|at| stage.id(at)).collect();
        stage.ok(Event::Approve { drafts });
        assert_eq!(stage.run.confirmation().unwrap().held, held);
    }
    // What is there holds nothing up, whatever became of it.
    stage.ok(Event::UndoDecisions {
        drafts: (2..=4).map(|at| stage.id(at)).collect(),
    });
    stage.post();
    stage.play(|_| delivered());
    stage.ok(Event::Approve {
        drafts: vec![stage.id(2), stage.id(3)],
    });
    let confirmation = stage.run.confirmation().unwrap();
    assert_eq!((confirmation.count, confirmation.held), (2, 0));
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
    assert_eq!(stage.state(1), DraftState::Unconfirmed);
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
    stage.ok(Event::Connect(Box::new(connection)));
    stage.approve_all();
    stage.post();
    let by_itself = stage.play(|_| lost());
    assert!(by_itself.len() > 1, "it is tried again by itself");
    assert_eq!(stage.state(1), DraftState::Unconfirmed, "but not for ever");
    stage.ok(Event::ResendSameKey { draft: stage.id(1) });
    let by_hand = stage.play(|_| delivered());
    let all = by_itself.iter().chain(&by_hand);
    assert!(
        all.clone()
            .all(|posting| posting.approval == by_itself[0].approval)
    );
    let attempts: Vec<u32> = all.map(|posting| posting.attempt).collect();
    let numbers: Vec<u32> = (1..).take(attempts.len()).collect();
    assert_eq!(attempts, numbers);
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
        stage.ok(Event::Connect(Box::new(honouring(url))));
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
    let not_taken = DeliveryOutcome::NotTaken {
        status: 429,
        retry_after: None,
        message: String::new(),
    };
    let no_token = DeliveryOutcome::Unauthorized {
        status: 401,
        message: String::new(),
    };
    for later in [refused(), not_taken, no_token] {
        let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}"]);
        stage.ok(Event::Connect(Box::new(honouring("http://localhost:8080"))));
        stage.approve_all();
        stage.post();
        stage.play(|_| lost());
        stage.ok(Event::ResendSameKey { draft: stage.id(1) });
        stage.play(|_| later.clone());
        stage.ok(Event::StopPosting);
        assert_eq!(stage.state(1), DraftState::Unconfirmed, "{later:?}");
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
    stage.ok(Event::Connect(Box::new(honouring("http://localhost:9999"))));
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
    stage.play(|_| DeliveryOutcome::NotSent {
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
    stage.play(|_| DeliveryOutcome::NoToken);
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
    stage.end(GenerationOutcome::Complete);
    stage.approve_all();
    stage.post();
    stage.reload();
    assert_eq!(stage.state(1), DraftState::Queued);
    stage.ok(Event::Resume);
    assert_eq!(stage.play(|_| DeliveryOutcome::Dry).len(), 1);
}

#[test]
fn a_refused_token_pauses_the_batch_and_the_same_task_goes_on_with_the_same_key() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    stage.approve_all();
    stage.post();
    let first = stage.play(|_| DeliveryOutcome::Unauthorized {
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
    stage.leave();
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
    assert_eq!(stage.state(1), DraftState::Unconfirmed);
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
    assert_eq!(stage.state(1), DraftState::Unconfirmed);
    stage.ok(Event::Resume);
    assert_eq!(stage.play(|_| delivered()).len(), 1);
}

#[test]
fn dry_receipts_never_count_as_delivered() {
    let mut stage = Stage::new(Mode::Dry);
    stage.arrive("{\"key\":\"a\"}", Vec::new());
    stage.end(GenerationOutcome::Complete);
    stage.approve_all();
    stage.post();
    stage.play(|_| DeliveryOutcome::Dry);
    assert_eq!(stage.state(1), DraftState::DryDelivered);
    assert_eq!(stage.run.counts().of(DraftState::Delivered), 0);
}

fn enveloping(template: Option<&str>) -> Connection {
    let mut connection = Connection::built_in();
    if let Some(server) = &mut connection.task_server {
        server.body_template =
            template.map(|text| crate::settings::BodyTemplate::parse(text).unwrap());
    }
    connection
}

#[test]
fn what_is_approved_is_the_body_envelope_included() {
    let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    stage.ok(Event::Connect(Box::new(enveloping(Some(
        "{\"payload\": $task}",
    )))));
    stage.approve_all();
    let shown = stage.run.confirmation().unwrap().digest;
    // Another envelope is another body: what was approved was not this.
    stage.ok(Event::Connect(Box::new(enveloping(Some("[$task]")))));
    assert_eq!(stage.run.confirmation(), None);
    assert_eq!(stage.state(1), DraftState::Ready);
    stage.approve_all();
    assert_eq!(
        stage.apply(Event::Post { digest: shown }),
        Some(RunError::ConfirmationStale)
    );
    stage.post();
    let sent = stage.play(|_| delivered());
    let bodies: Vec<&str> = sent.iter().map(|posting| &*posting.approval.body).collect();
    assert_eq!(bodies, ["[{\"key\":\"a\"}]", "[{\"key\":\"b\"}]"]);
    // What has left stays as it left.
    stage.ok(Event::Connect(Box::new(enveloping(None))));
    assert_eq!(stage.state(1), DraftState::Delivered);
    let left = stage.run.draft(&stage.id(1)).unwrap().approval().unwrap();
    assert_eq!(&*left.body, "[{\"key\":\"a\"}]");
}

/// Tasks `a` to `d` of which `c` depends on `a`, at so many at a time.
fn four(concurrency: u8, honours_keys: bool) -> Stage {
    let mut stage = Stage::brought(
        Mode::Live,
        &[
            r#"{"key":"a"}"#,
            r#"{"key":"b"}"#,
            r#"{"key":"c","depends_on":["a"]}"#,
            r#"{"key":"d"}"#,
        ],
    );
    let mut connection = Connection::built_in();
    if let Some(server) = &mut connection.task_server {
        server.concurrency = concurrency;
        server.honours_idempotency_keys = honours_keys;
    }
    stage.ok(Event::Connect(Box::new(connection)));
    stage.approve_all();
    stage.post();
    stage
}

impl Stage {
    fn which(&self, is: fn(&TaskDraft) -> bool) -> Vec<u32> {
        let drafts = self.run.drafts().iter();
        let found = drafts.filter(|draft| is(draft));
        found.map(|draft| draft.id.ordinal).collect()
    }

    fn on_their_way(&self) -> Vec<u32> {
        self.which(|draft| Run::state(draft) == DraftState::Sending)
    }

    fn requested(&self) -> Vec<u32> {
        self.which(|draft| draft.delivery.is_under_way())
    }

    fn waiting_for_room(&self) -> Vec<u32> {
        self.which(|draft| draft.delivery.awaits_slot)
    }

    fn answer(&mut self, ordinal: u32, outcome: DeliveryOutcome) {
        let draft = self.id(ordinal);
        let attempt = self
            .run
            .draft(&draft)
            .unwrap()
            .delivery
            .last()
            .unwrap()
            .number;
        self.ok(Event::Answered {
            draft,
            attempt,
            outcome,
        });
        self.leave();
    }

    fn waits(&self, ordinal: u32) -> Option<Wait> {
        self.run.wait(self.run.draft(&self.id(ordinal)).unwrap())
    }

    fn wakes(&mut self) -> u64 {
        let at = self.wanted.iter().rev().find_map(|effect| match effect {
            Effect::WakeAt(at) => Some(*at),
            _ => None,
        });
        at.expect("something is waited for")
    }
}

fn not_taken(retry_after: Option<u64>) -> DeliveryOutcome {
    DeliveryOutcome::NotTaken {
        status: 429,
        retry_after,
        message: String::new(),
    }
}

#[test]
fn after_the_first_tasks_go_side_by_side_and_each_after_those_it_depends_on() {
    let mut stage = four(2, false);
    stage.leave();
    assert_eq!(stage.on_their_way(), [1], "the first goes alone");
    stage.answer(1, delivered());
    assert_eq!(stage.on_their_way(), [2, 3]);
    stage.answer(2, delivered());
    assert_eq!(stage.on_their_way(), [3, 4]);
    let mut alone = four(16, false);
    alone.leave();
    alone.answer(1, delivered());
    assert_eq!(alone.on_their_way(), [2, 3, 4]);
}

#[test]
fn with_a_server_that_knows_keys_no_request_waits_for_the_journal() {
    let mut stage = four(1, true);
    stage.leave();
    assert_eq!(stage.requested(), [1], "the first goes alone");
    stage.answer(1, delivered());
    assert_eq!(stage.requested(), [2], "one at a time");
    assert_eq!(stage.waiting_for_room(), [3, 4], "they are written down");
    assert_eq!(stage.state(3), DraftState::Queued);
    stage.wanted.clear();
    let event = Event::Answered {
        draft: stage.id(2),
        attempt: 1,
        outcome: delivered(),
    };
    stage.ok(event);
    let is_third =
        |effect: &Effect| matches!(effect, Effect::Deliver(posting) if posting.draft.ordinal == 3);
    assert!(
        is_third(&stage.wanted[0]),
        "it leaves before anything is written"
    );
    // A page that goes now leaves nothing in doubt: what was written down is sent with its key.
    stage.leave();
    stage.reload();
    assert_eq!(stage.state(3), DraftState::Queued);
    assert_eq!(stage.state(4), DraftState::Queued);
}

#[test]
fn without_keys_nothing_is_written_down_before_there_is_room_for_it() {
    let mut stage = four(1, false);
    stage.leave();
    stage.answer(1, delivered());
    assert_eq!(stage.on_their_way(), [2]);
}

#[test]
fn what_was_written_down_goes_back_when_the_server_asks_for_time() {
    let mut stage = four(1, true);
    stage.leave();
    stage.answer(1, delivered());
    assert_eq!(stage.waiting_for_room(), [3, 4]);
    stage.answer(2, not_taken(Some(7)));
    assert!(stage.waiting_for_room().is_empty());
    let third = stage.run.draft(&stage.id(3)).unwrap();
    assert!(third.delivery.attempts.is_empty());
    assert_eq!(third.delivery.trying_since(), None, "it was not tried");
    stage.play(|_| delivered());
    assert_eq!(stage.run.counts().of(DraftState::Delivered), 4);
}

#[test]
fn a_task_whose_dependency_failed_waits_and_says_for_what() {
    let mut stage = Stage::brought(
        Mode::Live,
        &[
            r#"{"key":"z"}"#,
            r#"{"key":"a"}"#,
            r#"{"key":"b","depends_on":["a"]}"#,
            r#"{"key":"c","depends_on":["b"]}"#,
        ],
    );
    stage.approve_all();
    stage.post();
    let sent = stage.play(|posting| match posting.draft.ordinal {
        2 => refused(),
        _ => delivered(),
    });
    assert_eq!(sent.len(), 2);
    assert_eq!(
        stage.run.batch(),
        &Batch::Paused {
            why: Pause::Blocked
        }
    );
    assert_eq!(
        stage.waits(3),
        Some(Wait::For {
            draft: stage.id(2),
            state: DraftState::Refused
        })
    );
    assert_eq!(
        stage.waits(4),
        Some(Wait::For {
            draft: stage.id(3),
            state: DraftState::Queued
        })
    );
    // Sending it again brings those behind it along.
    stage.ok(Event::Retry {
        drafts: vec![stage.id(2)],
    });
    assert_eq!(stage.play(|_| delivered()).len(), 3);
    assert_eq!(stage.run.counts().of(DraftState::Delivered), 4);
}

#[test]
fn a_dependency_that_was_not_approved_holds_up_what_needs_it() {
    let mut stage = Stage::brought(
        Mode::Live,
        &[r#"{"key":"a"}"#, r#"{"key":"b","depends_on":["a"]}"#],
    );
    stage.ok(Event::Approve {
        drafts: vec![stage.id(2)],
    });
    stage.post();
    assert!(stage.wanted.is_empty());
    assert_eq!(
        stage.waits(2),
        Some(Wait::For {
            draft: stage.id(1),
            state: DraftState::Ready
        })
    );
    stage.ok(Event::Approve {
        drafts: vec![stage.id(1)],
    });
    stage.post();
    assert_eq!(stage.play(|_| delivered()).len(), 2);
}

#[test]
fn what_was_not_taken_is_tried_again_when_the_server_asked_for_it() {
    let mut stage = four(2, false);
    stage.leave();
    stage.answer(1, delivered());
    stage.answer(2, not_taken(Some(7)));
    assert_eq!(stage.state(2), DraftState::Queued);
    stage.answer(3, delivered());
    assert!(
        stage.on_their_way().is_empty(),
        "the server asked all to wait"
    );
    let at = stage.wakes();
    assert!(at >= NOW + 7_000, "{at}");
    stage.now = at - 1;
    stage.ok(Event::Woke);
    assert!(stage.on_their_way().is_empty());
    stage.now = at + 2_000;
    stage.ok(Event::Woke);
    stage.leave();
    assert_eq!(stage.on_their_way(), [2, 4]);
}

#[test]
fn a_wait_that_is_too_long_is_left_to_the_operator() {
    let mut stage = four(2, false);
    stage.leave();
    stage.answer(1, not_taken(Some(3_600)));
    assert_eq!(stage.state(1), DraftState::Failed);
    assert_eq!(
        stage.run.batch(),
        &Batch::Paused {
            why: Pause::ServerInTrouble
        }
    );
}

#[test]
fn after_several_troubles_in_a_row_one_is_tried_until_the_server_is_back() {
    let mut stage = four(3, true);
    stage.leave();
    stage.answer(1, delivered());
    for ordinal in [2, 3, 4] {
        stage.answer(ordinal, lost());
    }
    assert_eq!(
        stage.run.batch(),
        &Batch::Running {
            pace: Pace::Probing
        }
    );
    assert_eq!(
        stage.run.progress(stage.now).unwrap().standing,
        Phase::Probing
    );
    for _ in 0..3 {
        stage.now = stage.wakes();
        stage.ok(Event::Woke);
        stage.leave();
        let probing = stage.on_their_way();
        assert_eq!(probing.len(), 1, "one at a time");
        stage.answer(probing[0], lost());
    }
    stage.now = stage.wakes();
    stage.ok(Event::Woke);
    stage.leave();
    let probe = stage.on_their_way()[0];
    stage.answer(probe, delivered());
    stage.now += 120_000;
    stage.ok(Event::Woke);
    stage.leave();
    assert_eq!(stage.on_their_way().len(), 2, "side by side again");
}

#[test]
fn nothing_goes_to_a_distant_server_without_a_network() {
    for (url, waits) in [
        ("https://tasks.example.com", true),
        ("http://localhost:8080", false),
    ] {
        let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}"]);
        stage.ok(Event::Connect(Box::new(honouring(url))));
        stage.approve_all();
        stage.ok(Event::Network { is_online: false });
        stage.post();
        assert_eq!(stage.wanted.is_empty(), waits, "{url}");
        if waits {
            assert_eq!(stage.run.progress(NOW).unwrap().standing, Phase::Offline);
            stage.ok(Event::Network { is_online: true });
            assert_eq!(stage.play(|_| delivered()).len(), 1);
        }
    }
}

#[test]
fn a_token_is_asked_for_once_what_is_on_its_way_has_come_to_something() {
    let mut stage = four(4, false);
    stage.leave();
    stage.answer(1, delivered());
    let no_token = DeliveryOutcome::Unauthorized {
        status: 401,
        message: String::new(),
    };
    stage.wanted.clear();
    stage.answer(2, no_token.clone());
    assert!(stage.wanted.is_empty(), "two are still on their way");
    stage.answer(3, delivered());
    assert!(stage.wanted.is_empty());
    stage.answer(4, no_token);
    assert_eq!(stage.wanted, [Effect::AskFor(SecretSlot::AGENT_TOKEN)]);
    stage.wanted.clear();
    stage.ok(Event::Resume);
    let sent = stage.play(|_| delivered());
    let again: Vec<u32> = sent.iter().map(|posting| posting.draft.ordinal).collect();
    assert_eq!(again, [2, 4]);
}

#[test]
fn nothing_leaves_after_a_pause_that_was_not_on_its_way() {
    let mut stage = four(2, false);
    stage.ok(Event::Pause);
    stage.leave();
    assert!(stage.wanted.is_empty(), "it was only being written down");
    assert_eq!(stage.state(1), DraftState::Queued);
    assert!(
        stage
            .run
            .draft(&stage.id(1))
            .unwrap()
            .delivery
            .attempts
            .is_empty()
    );
}

#[test]
fn without_a_journal_nothing_leaves_until_the_operator_says_so() {
    let mut stage = four(2, false);
    stage.wanted.clear();
    stage.ok(Event::JournalFailed {
        draft: stage.id(1),
        attempt: 1,
        reason: "no room".to_owned(),
    });
    assert!(stage.wanted.is_empty());
    stage.ok(Event::ContinueWithoutJournal);
    assert!(matches!(stage.wanted[..], [Effect::Deliver(_)]));
    assert_eq!(stage.play(|_| delivered()).len(), 4);
    assert_eq!(
        stage.apply(Event::ContinueWithoutJournal),
        Some(RunError::WrongState)
    );
}

#[test]
fn a_task_that_is_unconfirmed_that_the_server_has_is_delivered() {
    for (answer, state) in [
        (
            LookUp::Found {
                at: NOW,
                server_id: Some("s-1".to_owned()),
            },
            DraftState::Delivered,
        ),
        (LookUp::NotFound { at: NOW }, DraftState::Unconfirmed),
        (
            LookUp::CannotTell {
                at: NOW,
                message: "404".to_owned(),
            },
            DraftState::Unconfirmed,
        ),
    ] {
        let mut stage = Stage::brought(Mode::Live, &["{\"key\":\"a\"}"]);
        stage.approve_all();
        stage.post();
        stage.play(|_| lost());
        let draft = stage.id(1);
        stage.ok(Event::LookUp {
            draft: draft.clone(),
        });
        let key = stage
            .run
            .draft(&draft)
            .unwrap()
            .approval()
            .unwrap()
            .key
            .clone();
        let asked = Effect::LookUp {
            draft: draft.clone(),
            key: key.to_string(),
        };
        assert_eq!(stage.wanted, [asked]);
        stage.ok(Event::LookedUp {
            draft: draft.clone(),
            answer: answer.clone(),
        });
        assert_eq!(stage.state(1), state, "{answer:?}");
        if state == DraftState::Delivered {
            let delivery = &stage.run.draft(&draft).unwrap().delivery;
            assert_eq!(delivery.server_id(), Some("s-1"));
            assert_eq!(
                stage.apply(Event::LookUp { draft }),
                Some(RunError::WrongState)
            );
        }
    }
}

#[test]
fn a_key_that_the_server_may_have_forgotten_is_not_sent_again() {
    let mut stage = four(1, true);
    stage.leave();
    stage.reload();
    assert_eq!(
        stage.state(1),
        DraftState::Queued,
        "the key is surely known"
    );
    stage.now += 25 * 3_600_000;
    stage.ok(Event::Resume);
    assert_eq!(stage.state(1), DraftState::Unconfirmed);
    let draft = stage.id(1);
    assert_eq!(
        stage.apply(Event::ResendSameKey { draft }),
        Some(RunError::KeysNotHonoured)
    );
}
