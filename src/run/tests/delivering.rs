//! Posting: which tasks are posted, in which order, and how outcomes are handled.

use super::*;
use crate::delivery::LookUp;
use crate::secrets::SecretSlot;

#[test]
fn the_approved_bytes_are_posted_once_in_topological_order() {
    let late = r#"{"key":"b","depends_on":["a"],"n":98765432109876543210}"#;
    let early = r#"{ "key" : "a" }"#;
    let mut harness = Harness::imported(Mode::Live, &[late, early, "{\"key\":\"c\"}"]);
    harness.approve_all();
    let confirmation = harness.run.confirmation().unwrap();
    assert_eq!(confirmation.count, 3);
    harness.post();
    let sent = harness.run_effects(|_| delivered());
    let bodies: Vec<&str> = sent.iter().map(|posting| &*posting.approval.body).collect();
    assert_eq!(bodies, [early, late, "{\"key\":\"c\"}"]);
    assert_eq!(harness.run.counts().of(DraftState::Delivered), 3);
    assert_eq!(harness.run.batch(), &Batch::Idle);
    assert_eq!(harness.run.confirmation(), None);
    // A posted task cannot be changed.
    let posted = harness.id(1);
    assert_eq!(
        harness.apply(Event::Edit {
            draft: posted.clone(),
            text: "{}".to_owned()
        }),
        Some(RunError::HasLeft)
    );
    assert_eq!(
        harness.apply(Event::UndoDecisions {
            drafts: vec![posted]
        }),
        Some(RunError::HasLeft)
    );
}

#[test]
fn nothing_is_sent_before_it_is_journaled() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.approve_all();
    harness.post();
    assert!(matches!(
        harness.effects[..],
        [Effect::Journal(JournalEntry { attempt: 1, .. })]
    ));
    harness.effects.clear();
    harness.ok(Event::JournalFailed {
        draft: harness.id(1),
        attempt: 1,
        reason: "full".to_owned(),
    });
    assert!(harness.effects.is_empty(), "nothing was sent");
    assert_eq!(harness.state(1), DraftState::Queued);
    assert!(matches!(
        harness.run.batch(),
        Batch::Paused {
            why: Pause::NotStored { .. }
        }
    ));
    harness.ok(Event::Resume);
    let sent = harness.run_effects(|_| delivered());
    assert_eq!(
        sent[0].attempt, 2,
        "the number of an attempt that was not sent is not used again"
    );
    assert_eq!(harness.run.drafts()[0].delivery.attempts.len(), 1);
}

#[test]
fn only_the_journaled_body_leaves_under_an_attempt() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.approve_all();
    harness.post();
    let Some(Effect::Journal(entry)) = harness.effects.pop() else {
        panic!("a journal entry comes first");
    };
    harness.ok(Event::Journaled(JournalEntry {
        digest: "another".into(),
        ..entry.clone()
    }));
    assert!(harness.effects.is_empty(), "another body was journaled");
    harness.ok(Event::Journaled(entry));
    assert!(matches!(harness.effects[..], [Effect::Deliver(_)]));
}

#[test]
fn the_number_of_a_withdrawn_attempt_is_not_used_again_even_after_a_reload() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.approve_all();
    harness.post();
    for number in 1..4 {
        let Some(Effect::Journal(entry)) = harness.effects.pop() else {
            panic!("a journal entry comes first");
        };
        assert_eq!(entry.attempt, number);
        harness.ok(Event::Pause);
        harness.reload();
        assert_eq!(harness.state(1), DraftState::Queued);
        harness.ok(Event::Resume);
    }
}

#[test]
fn only_the_confirmed_tasks_are_posted() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    harness.ok(Event::Approve {
        drafts: vec![harness.id(1)],
    });
    let digest = harness.run.confirmation().unwrap().digest;
    harness.ok(Event::Approve {
        drafts: vec![harness.id(2)],
    });
    assert_eq!(
        harness.apply(Event::Post { digest }),
        Some(RunError::ConfirmationStale)
    );
    assert!(harness.effects.is_empty());
}

#[test]
fn other_roles_of_the_connection_change_keys_and_order_at_once() {
    let texts = [
        "{\"key\":\"a\",\"ref\":\"x\",\"depends_on\":[\"y\"]}",
        "{\"key\":\"b\",\"ref\":\"y\"}",
    ];
    let mut harness = Harness::imported(Mode::Live, &texts);
    harness.approve_all();
    let order = |harness: &Harness| harness.run.confirmation().unwrap().order;
    assert_eq!(order(&harness), [harness.id(1), harness.id(2)]);
    let mut connection = harness.run.connection().clone();
    connection.roles.key = Some("ref".to_owned());
    harness.ok(Event::Connect(Box::new(connection)));
    assert_eq!(order(&harness), [harness.id(2), harness.id(1)]);
    harness.reload();
    assert_eq!(order(&harness), [harness.id(2), harness.id(1)]);
}

/// The digest that the confirmation of a test with a task shows.
fn test_digest(harness: &Harness, ordinal: u32) -> String {
    let draft = harness.run.draft(&harness.id(ordinal)).unwrap();
    body::batch_digest(std::iter::once(&*draft.approval().unwrap().digest))
}

#[test]
fn a_test_posts_one_task_and_leaves_the_others_to_the_operator() {
    let texts = [
        "{\"key\":\"a\"}",
        "{\"key\":\"b\",\"depends_on\":[\"a\"]}",
        "{\"key\":\"c\"}",
    ];
    let mut harness = Harness::imported(Mode::Live, &texts);
    harness.approve_all();
    let testable = harness.run.confirmation().unwrap().testable;
    assert_eq!(testable, [harness.id(1), harness.id(3)]);
    let test = |harness: &Harness, ordinal, digest| Event::PostTest {
        draft: harness.id(ordinal),
        digest,
    };
    // A blocked task, and a digest that was not shown.
    let event = test(&harness, 2, test_digest(&harness, 2));
    assert_eq!(harness.apply(event), Some(RunError::ConfirmationStale));
    let event = test(&harness, 3, test_digest(&harness, 1));
    assert_eq!(harness.apply(event), Some(RunError::ConfirmationStale));

    let event = test(&harness, 3, test_digest(&harness, 3));
    harness.ok(event);
    let sent = harness.run_effects(|_| delivered());
    assert_eq!(sent.len(), 1);
    assert_eq!(&*sent[0].approval.body, texts[2]);
    assert_eq!(*harness.run.batch(), Batch::Idle);
    assert_eq!(harness.state(1), DraftState::Approved);
    assert!(harness.run.was_only_tested());

    let all = harness.run.confirmation().unwrap();
    assert_eq!(all.order, [harness.id(1), harness.id(2)]);
    harness.post();
    harness.run_effects(|_| delivered());
    assert!(!harness.run.was_only_tested());
    harness.reload();
    let is_test = |receipt: crate::run::receipts::Receipt| receipt.is_test;
    let marks: Vec<bool> = harness.run.receipts().map(is_test).collect();
    assert_eq!(marks, [false, false, true]);
}

#[test]
fn a_test_is_offered_only_where_it_would_be_one() {
    let texts = ["{\"key\":\"a\"}", "{\"key\":\"b\"}", "{\"key\":\"c\"}"];
    let mut dry = Harness::imported(Mode::Dry, &texts);
    dry.approve_all();
    assert_eq!(dry.run.confirmation().unwrap().testable, []);
    // While posting is paused, it would continue with the queued tasks.
    let mut paused = Harness::imported(Mode::Live, &texts);
    paused.ok(Event::Approve {
        drafts: vec![paused.id(1)],
    });
    paused.post();
    paused.ok(Event::Pause);
    paused.ok(Event::Approve {
        drafts: vec![paused.id(2), paused.id(3)],
    });
    assert_eq!(paused.run.confirmation().unwrap().testable, []);
}

#[test]
fn a_refused_test_is_repeated_as_a_test_and_later_posted_with_the_others() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    harness.approve_all();
    let digest = test_digest(&harness, 1);
    harness.ok(Event::PostTest {
        draft: harness.id(1),
        digest,
    });
    harness.run_effects(|_| refused());
    assert_eq!(harness.state(1), DraftState::Refused);
    harness.ok(Event::Edit {
        draft: harness.id(1),
        text: "{\"key\":\"a\", \"n\": 1}".into(),
    });
    harness.effects.clear();
    harness.ok(Event::Checked {
        draft: harness.id(1),
        revision: 1,
        violations: Vec::new(),
    });
    harness.approve_all();
    harness.post();
    harness.run_effects(|_| delivered());
    let marks: Vec<(u32, bool)> = harness
        .run
        .receipts()
        .map(|receipt| (receipt.attempt, receipt.is_test))
        .collect();
    assert_eq!(marks, [(1, true), (2, false), (1, false)]);
}

#[test]
fn if_the_first_task_is_not_delivered_the_others_are_not_posted() {
    for (outcome, why) in [
        (refused(), Pause::FirstNotTaken),
        (
            unconfirmed(),
            Pause::FirstUnconfirmed {
                cause: UnconfirmedCause::NoResponse,
            },
        ),
        (
            redirected(),
            Pause::FirstUnconfirmed {
                cause: UnconfirmedCause::Redirected,
            },
        ),
    ] {
        let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
        harness.approve_all();
        harness.post();
        assert_eq!(harness.run_effects(|_| outcome.clone()).len(), 1);
        assert_eq!(harness.run.batch(), &Batch::Paused { why });
        assert_eq!(harness.state(2), DraftState::Queued);
        harness.ok(Event::Resume);
        assert_eq!(harness.run_effects(|_| delivered()).len(), 1);
        assert_eq!(harness.state(2), DraftState::Delivered);
    }
}

fn unauthorized(status: u16) -> DeliveryOutcome {
    forbidden_with(status, "no")
}

fn forbidden_with(status: u16, message: &str) -> DeliveryOutcome {
    DeliveryOutcome::Unauthorized {
        status,
        code: format!("http_{status}"),
        message: message.to_owned(),
        reasons: Vec::new(),
    }
}

/// A redirect whose target the page cannot see.
fn redirected() -> DeliveryOutcome {
    crate::delivery::response::outcome(
        &crate::delivery::response::ServerReply::Redirected {
            redirect: crate::delivery::response::Redirect::Hidden,
        },
        &crate::delivery::response::Sent::new("http://localhost:8080/tasks", "{}", None),
        NOW,
    )
}

#[test]
fn a_task_may_have_arrived_if_the_server_redirects() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.approve_all();
    harness.post();
    harness.run_effects(|_| redirected());
    assert_eq!(harness.state(1), DraftState::Unconfirmed);
    let draft = harness.id(1);
    assert_eq!(
        harness.apply(Event::Retry {
            drafts: vec![draft]
        }),
        Some(RunError::WrongState)
    );
}

#[test]
fn a_redirect_is_repeated_twice_if_the_server_honours_keys() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.ok(Event::Connect(Box::new(honouring_server(
        "http://localhost:8080",
    ))));
    harness.approve_all();
    harness.post();
    let sent = harness.run_effects(|_| redirected());
    assert_eq!(sent.len(), 3);
    assert!(
        sent.iter()
            .all(|posting| posting.approval == sent[0].approval)
    );
    assert_eq!(harness.state(1), DraftState::Unconfirmed);
}

#[test]
fn the_confirmation_counts_tasks_blocked_by_unapproved_dependencies() {
    let mut harness = Harness::imported(
        Mode::Live,
        &[
            r#"{"key":"a"}"#,
            r#"{"key":"b","depends_on":["a"]}"#,
            r#"{"key":"c","depends_on":["b"]}"#,
            r#"{"key":"d"}"#,
        ],
    );
    for (approved, blocked) in [(vec![4], 0), (vec![2, 3], 2), (vec![1], 0)] {
        let drafts = approved.into_iter().map(|at| harness.id(at)).collect();
        harness.ok(Event::Approve { drafts });
        assert_eq!(harness.run.confirmation().unwrap().blocked, blocked);
    }
    // A delivered dependency blocks nothing.
    harness.ok(Event::UndoDecisions {
        drafts: (2..=4).map(|at| harness.id(at)).collect(),
    });
    harness.post();
    harness.run_effects(|_| delivered());
    harness.ok(Event::Approve {
        drafts: vec![harness.id(2), harness.id(3)],
    });
    let confirmation = harness.run.confirmation().unwrap();
    assert_eq!((confirmation.count, confirmation.blocked), (2, 0));
}

#[test]
fn a_refused_task_does_not_block_the_following_ones() {
    let mut harness = Harness::imported(
        Mode::Live,
        &["{\"key\":\"a\"}", "{\"key\":\"b\"}", "{\"key\":\"c\"}"],
    );
    harness.approve_all();
    harness.post();
    let sent = harness.run_effects(|posting| match posting.draft.ordinal {
        2 => refused(),
        _ => delivered(),
    });
    assert_eq!(sent.len(), 3);
    assert_eq!(harness.state(2), DraftState::Refused);
    assert_eq!(harness.run.batch(), &Batch::Idle);
}

#[test]
fn an_unconfirmed_task_is_never_posted_again_automatically() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.approve_all();
    harness.post();
    harness.run_effects(|_| unconfirmed());
    assert_eq!(harness.state(1), DraftState::Unconfirmed);
    let id = harness.id(1);
    harness.ok(Event::Resume);
    harness.ok(Event::Retry {
        drafts: vec![id.clone(), id.clone()],
    });
    assert_eq!(
        harness.apply(Event::Retry {
            drafts: vec![id.clone()]
        }),
        Some(RunError::WrongState)
    );
    assert_eq!(
        harness.apply(Event::ResendSameKey { draft: id.clone() }),
        Some(RunError::KeysNotHonoured)
    );
    assert!(harness.effects.is_empty());
    harness.ok(Event::Decide {
        draft: id.clone(),
        delivered: false,
    });
    assert_eq!(harness.state(1), DraftState::Failed);
    harness.ok(Event::Retry { drafts: vec![id] });
    assert_eq!(harness.run_effects(|_| delivered()).len(), 1);
}

#[test]
fn retries_to_a_server_that_honours_keys_use_the_same_key() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    let mut connection = Connection::built_in();
    if let Some(server) = &mut connection.task_server {
        server.honours_idempotency_keys = true;
    }
    harness.ok(Event::Connect(Box::new(connection)));
    harness.approve_all();
    harness.post();
    let automatic = harness.run_effects(|_| unconfirmed());
    assert!(automatic.len() > 1, "retried automatically");
    assert_eq!(harness.state(1), DraftState::Unconfirmed, "up to a limit");
    harness.ok(Event::ResendSameKey {
        draft: harness.id(1),
    });
    let manual = harness.run_effects(|_| delivered());
    let all = automatic.iter().chain(&manual);
    assert!(
        all.clone()
            .all(|posting| posting.approval == automatic[0].approval)
    );
    let attempts: Vec<u32> = all.map(|posting| posting.attempt).collect();
    let numbers: Vec<u32> = (1..).take(attempts.len()).collect();
    assert_eq!(attempts, numbers);
}

fn honouring_server(url: &str) -> Connection {
    let mut connection = Connection::built_in();
    let mut server = crate::settings::TaskServer::at(crate::settings::Address::parse(url).unwrap());
    server.honours_idempotency_keys = true;
    connection.task_server = Some(server);
    connection
}

#[test]
fn a_task_that_was_sent_without_its_key_cannot_be_resent() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.approve_all();
    harness.post();
    harness.run_effects(|_| unconfirmed());
    let id = harness.id(1);
    // Changing the setting or the server afterwards does not help this task.
    for url in ["http://localhost:8080", "http://localhost:9999"] {
        harness.ok(Event::Connect(Box::new(honouring_server(url))));
        assert_eq!(
            harness.apply(Event::ResendSameKey { draft: id.clone() }),
            Some(RunError::KeysNotHonoured),
            "{url}"
        );
    }
    assert!(harness.effects.is_empty());
}

#[test]
fn an_unconfirmed_task_stays_unconfirmed_whatever_the_outcome_of_later_attempts() {
    let failed = DeliveryOutcome::Failed {
        status: 429,
        retry_after: None,
        message: String::new(),
    };
    let no_token = unauthorized(401);
    for later in [refused(), failed, no_token] {
        let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
        harness.ok(Event::Connect(Box::new(honouring_server(
            "http://localhost:8080",
        ))));
        harness.approve_all();
        harness.post();
        harness.run_effects(|_| unconfirmed());
        harness.ok(Event::ResendSameKey {
            draft: harness.id(1),
        });
        harness.run_effects(|_| later.clone());
        harness.ok(Event::StopPosting);
        assert_eq!(harness.state(1), DraftState::Unconfirmed, "{later:?}");
        let id = harness.id(1);
        let edit = Event::Edit {
            draft: id.clone(),
            text: "{}".to_owned(),
        };
        assert_eq!(harness.apply(edit), Some(RunError::HasLeft));
        assert_eq!(harness.run.confirmation(), None);
        harness.ok(Event::Decide {
            draft: id,
            delivered: false,
        });
        assert_eq!(harness.state(1), DraftState::Failed);
    }
}

/// The built-in connection with a changed task server.
fn with_server(change: impl FnOnce(&mut crate::settings::TaskServer)) -> Connection {
    let mut connection = Connection::built_in();
    if let Some(server) = &mut connection.task_server {
        change(server);
    }
    connection
}

#[test]
fn another_address_header_or_template_withdraws_queue_and_approvals() {
    let address = |text: &str| crate::settings::Address::parse(text).unwrap();
    let mut none = Connection::built_in();
    none.task_server = None;
    for (what, changed) in [
        (
            "scheme",
            with_server(|server| server.url = address("https://localhost:8080")),
        ),
        (
            "host",
            with_server(|server| server.url = address("http://127.0.0.1:8080")),
        ),
        (
            "port",
            with_server(|server| server.url = address("http://localhost:9999")),
        ),
        (
            "base path",
            with_server(|server| server.url = address("http://localhost:8080/tenant")),
        ),
        ("path", with_server(|server| server.path = "/other".into())),
        (
            "trailing slash",
            with_server(|server| server.path = "/tasks/".into()),
        ),
        (
            "token header",
            with_server(|server| server.token_header = "X-Other".into()),
        ),
        ("body template", templated(Some("[$task]"))),
        ("no server", none),
    ] {
        let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
        harness.approve_all();
        harness.post();
        harness.run_effects(|_| refused());
        assert_eq!(harness.state(2), DraftState::Queued);
        let step = harness
            .run
            .apply(Event::Connect(Box::new(changed)), harness.now);
        assert_eq!(
            step.withdrawn_approvals,
            Some(WithdrawnApprovals {
                count: 2,
                cause: WithdrawalCause::ServerChanged
            }),
            "{what}"
        );
        assert_eq!(harness.state(1), DraftState::Ready, "{what}");
        assert_eq!(harness.state(2), DraftState::Ready, "{what}");
        assert_eq!(harness.run.batch(), &Batch::Idle, "{what}");
        harness.ok(Event::Resume);
        assert!(harness.effects.is_empty(), "{what}");
        assert_eq!(harness.run.confirmation(), None, "{what}");
    }
}

#[test]
fn the_destinations_are_where_tasks_went_whatever_the_connection_is_now() {
    let mut harness = Harness::imported(
        Mode::Live,
        &["{\"key\":\"a\"}", "{\"key\":\"b\"}", "{\"key\":\"c\"}"],
    );
    assert!(harness.run.destinations().is_empty());
    let mut post_one = |ordinal: u32, outcome: DeliveryOutcome, url: &str, path: &str| {
        let server = crate::settings::TaskServer {
            path: path.to_owned(),
            ..crate::settings::TaskServer::at(crate::settings::Address::parse(url).unwrap())
        };
        let mut connection = Connection::built_in();
        connection.task_server = Some(server);
        harness.ok(Event::Connect(Box::new(connection)));
        harness.ok(Event::Approve {
            drafts: vec![harness.id(ordinal)],
        });
        harness.post();
        harness.run_effects(|_| outcome.clone());
        harness.ok(Event::StopPosting);
        harness.run.destinations()
    };
    let staging = "http://localhost:8211";
    assert_eq!(
        post_one(1, delivered(), staging, "/tasks"),
        ["localhost:8211"]
    );
    // A request without a token never left.
    assert_eq!(
        post_one(
            2,
            DeliveryOutcome::NoToken,
            "http://localhost:8212",
            "/tasks"
        ),
        ["localhost:8211"]
    );
    assert_eq!(
        post_one(2, delivered(), "http://localhost:8213", "/tasks"),
        ["localhost:8211", "localhost:8213"]
    );
    assert_eq!(
        post_one(3, delivered(), staging, "/other"),
        [
            "localhost:8211/tasks",
            "localhost:8213",
            "localhost:8211/other"
        ]
    );
}

#[test]
fn other_settings_of_the_same_server_keep_queue_and_approvals() {
    let mut renamed = Connection::built_in();
    renamed.name = "Queue".to_owned();
    for changed in [
        renamed,
        with_server(|server| server.honours_idempotency_keys = true),
        with_server(|server| server.idempotency_key_retention_hours = 9),
        with_server(|server| server.concurrency = 1),
        with_server(|server| server.token_header = "x-agent-token".into()),
    ] {
        let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
        harness.approve_all();
        harness.post();
        harness.run_effects(|_| refused());
        let step = harness
            .run
            .apply(Event::Connect(Box::new(changed)), harness.now);
        assert_eq!(step.withdrawn_approvals, None);
        assert_eq!(harness.state(2), DraftState::Queued);
        harness.ok(Event::Resume);
        assert_eq!(harness.run_effects(|_| delivered()).len(), 1);
    }
}

#[test]
fn a_task_that_may_have_arrived_stays_unconfirmed_at_another_server() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.ok(Event::Connect(Box::new(honouring_server(
        "http://localhost:8080",
    ))));
    harness.approve_all();
    harness.post();
    harness.journal();
    harness.reload();
    assert_eq!(harness.state(1), DraftState::Queued);
    harness.ok(Event::Connect(Box::new(honouring_server(
        "http://localhost:9999",
    ))));
    assert_eq!(harness.state(1), DraftState::Unconfirmed);
    harness.ok(Event::Resume);
    assert!(harness.effects.is_empty());
}

#[test]
fn a_task_that_did_not_arrive_is_approved_anew_for_another_server() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.approve_all();
    harness.post();
    harness.run_effects(|_| unconfirmed());
    harness.ok(Event::Connect(Box::new(with_server(|server| {
        server.path = "/other".into();
    }))));
    assert_eq!(harness.state(1), DraftState::Unconfirmed);
    let draft = harness.id(1);
    let step = harness.run.apply(
        Event::Decide {
            draft: draft.clone(),
            delivered: false,
        },
        harness.now,
    );
    assert_eq!(
        step.withdrawn_approvals.map(|withdrawn| withdrawn.count),
        Some(1)
    );
    assert_eq!(harness.state(1), DraftState::Ready);
    assert_eq!(
        harness.apply(Event::Retry {
            drafts: vec![draft]
        }),
        Some(RunError::WrongState)
    );
    assert!(harness.effects.is_empty());
    harness.approve_all();
    harness.post();
    assert_eq!(harness.run_effects(|_| delivered()).len(), 1);
}

#[test]
fn a_new_server_that_was_stored_without_the_withdrawn_approvals_gets_no_task() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.approve_all();
    harness.post();
    harness.ok(Event::Pause);
    let drafts = stored(&harness.run).drafts;
    harness.ok(Event::Connect(Box::new(with_server(|server| {
        server.path = "/other".into();
    }))));
    let records = RunRecords {
        drafts,
        ..stored(&harness.run)
    };
    let (run, step) = Run::restore_from(records, harness.now).unwrap();
    assert_eq!(
        step.withdrawn_approvals,
        Some(WithdrawnApprovals {
            count: 1,
            cause: WithdrawalCause::ServerChanged
        })
    );
    assert_eq!(run.confirmation(), None);
    assert_eq!(Run::state(&run.drafts()[0]), DraftState::Ready);
}

/// Restores the run after something else changed the record of its first draft.
fn reload_changed(harness: &mut Harness, from: &str, to: &str) -> Step {
    let mut records = stored(&harness.run);
    let draft = serde_json::to_string(&records.drafts[0]).unwrap();
    assert!(draft.contains(from), "{draft}");
    records.drafts[0] = DraftRecord::read(&draft.replace(from, to)).unwrap();
    let (run, step) = Run::restore_from(records, harness.now).unwrap();
    harness.run = run;
    harness.effects.clear();
    step
}

#[test]
fn a_restored_body_that_was_not_approved_is_not_sent() {
    let text = r#"{\"key\":\"a\"}"#;
    // The record refers to the text for the body.
    let body = format!(r#""text":"{text}""#);
    let other = r#""text":"{\"key\":\"b\"}""#;
    for stage in ["approved", "queued", "sending", "unconfirmed"] {
        let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
        harness.ok(Event::Connect(Box::new(honouring_server(
            "http://localhost:8080",
        ))));
        harness.approve_all();
        if stage != "approved" {
            harness.post();
        }
        match stage {
            "queued" => harness.ok(Event::Pause),
            "sending" => harness.journal(),
            "unconfirmed" => drop(harness.run_effects(|_| unconfirmed())),
            _ => {}
        }
        let step = reload_changed(&mut harness, &body, other);
        assert_eq!(
            step.withdrawn_approvals,
            Some(WithdrawnApprovals {
                count: 1,
                cause: WithdrawalCause::RecordChanged
            }),
            "{stage}"
        );
        let expected = match stage {
            "approved" | "queued" => DraftState::Ready,
            _ => DraftState::Unconfirmed,
        };
        assert_eq!(harness.state(1), expected, "{stage}");
        harness.apply(Event::Resume);
        harness.apply(Event::ResendSameKey {
            draft: harness.id(1),
        });
        assert!(harness.effects.is_empty(), "{stage}");
    }
    // A record that nobody changed keeps its approval.
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.approve_all();
    let step = reload_changed(&mut harness, &body, &body);
    assert_eq!(step.withdrawn_approvals, None);
    assert_eq!(harness.state(1), DraftState::Approved);
}

#[test]
fn a_clock_that_was_set_back_makes_no_forgotten_key_young() {
    let mut harness = four_tasks(1, true);
    harness.journal();
    harness.reload();
    assert_eq!(harness.state(1), DraftState::Queued);
    harness.now -= 3_600_000;
    harness.ok(Event::Resume);
    assert_eq!(harness.state(1), DraftState::Unconfirmed);
}

#[test]
fn the_wait_that_the_server_asked_for_survives_a_reload_and_a_pause() {
    let slow_down = || DeliveryOutcome::Failed {
        status: 429,
        retry_after: Some(60),
        message: String::new(),
    };
    let mut harness = four_tasks(1, false);
    harness.journal();
    harness.end_attempt(1, slow_down());
    let until = harness.now + 60_000;
    for reload in [true, false] {
        if reload {
            harness.reload();
        } else {
            harness.ok(Event::Pause);
        }
        harness.effects.clear();
        harness.ok(Event::Resume);
        assert_eq!(harness.effects, [Effect::WakeAt(until)]);
    }
    harness.effects.clear();
    harness.now = until;
    harness.ok(Event::Woke);
    assert!(matches!(harness.effects[..], [Effect::Journal(_)]));
}

#[test]
fn a_wait_that_a_change_of_the_clock_made_too_long_ends() {
    let mut harness = four_tasks(1, false);
    harness.journal();
    harness.end_attempt(
        1,
        DeliveryOutcome::Failed {
            status: 429,
            retry_after: Some(60),
            message: String::new(),
        },
    );
    harness.effects.clear();
    harness.now -= 24 * 3_600_000;
    harness.ok(Event::Woke);
    assert!(matches!(harness.effects[..], [Effect::Journal(_)]));
}

#[test]
fn retrying_one_task_does_not_end_a_pause() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    harness.approve_all();
    harness.post();
    harness.run_effects(|_| refused());
    harness.ok(Event::Retry {
        drafts: vec![harness.id(1)],
    });
    assert_eq!(harness.run_effects(|_| delivered()).len(), 1);
    assert_eq!(harness.state(1), DraftState::Delivered);
    assert!(matches!(harness.run.batch(), Batch::Paused { .. }));
    harness.ok(Event::Resume);
    assert_eq!(harness.run_effects(|_| delivered()).len(), 1);
    assert_eq!(harness.state(2), DraftState::Delivered);
}

#[test]
fn a_request_that_cannot_be_made_does_not_ask_for_a_token() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.approve_all();
    harness.post();
    harness.run_effects(|_| DeliveryOutcome::NotSent {
        message: "no".to_owned(),
    });
    assert!(matches!(
        harness.run.batch(),
        Batch::Paused {
            why: Pause::NotSent { .. }
        }
    ));
    assert!(harness.effects.is_empty(), "no token is requested");
    harness.ok(Event::Resume);
    harness.run_effects(|_| DeliveryOutcome::NoToken);
    assert_eq!(
        harness.run.batch(),
        &Batch::Paused {
            why: Pause::TokenMissing
        }
    );
}

#[test]
fn closing_a_dry_run_leaves_nothing_unconfirmed() {
    let mut harness = Harness::new(Mode::Dry);
    harness.arrive("{\"key\":\"a\"}", Vec::new());
    harness.end(GenerationOutcome::Complete);
    harness.approve_all();
    harness.post();
    harness.reload();
    assert_eq!(harness.state(1), DraftState::Queued);
    harness.ok(Event::Resume);
    assert_eq!(harness.run_effects(|_| DeliveryOutcome::Dry).len(), 1);
}

#[test]
fn after_a_refused_token_posting_continues_with_the_same_task_and_key() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    harness.approve_all();
    harness.post();
    let first = harness.run_effects(|_| unauthorized(401));
    assert_eq!(first.len(), 1);
    assert_eq!(
        harness.run.batch(),
        &Batch::Paused {
            why: Pause::TokenRefused { status: 401 }
        }
    );
    assert_eq!(harness.state(1), DraftState::Queued);
    harness.ok(Event::Resume);
    let rest = harness.run_effects(|_| delivered());
    assert_eq!(rest[0].approval.key, first[0].approval.key);
    assert_eq!(rest.len(), 2);
}

/// Posts four tasks, one at a time.
fn four_in_turn() -> Harness {
    let texts = ["a", "b", "c", "d"].map(|key| format!("{{\"key\":\"{key}\"}}"));
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut harness = Harness::imported(Mode::Live, &texts);
    let mut connection = harness.run.connection().clone();
    if let Some(server) = &mut connection.task_server {
        server.concurrency = 1;
    }
    harness.ok(Event::Connect(Box::new(connection)));
    harness.approve_all();
    harness.post();
    harness
}

#[test]
fn a_403_refuses_the_task_once_the_token_was_accepted() {
    for (message, second) in [
        ("Request blocked", DraftState::Refused),
        ("This role may not be given work", DraftState::Refused),
        ("Your token may not use this role", DraftState::Refused),
        // These are about the token, which may have been revoked.
        ("The token has expired", DraftState::Queued),
        ("Invalid API key", DraftState::Queued),
        ("credentials_revoked", DraftState::Queued),
    ] {
        let mut harness = four_in_turn();
        let second_id = harness.id(2);
        harness.run_effects(|posting| {
            if posting.draft == second_id {
                forbidden_with(403, message)
            } else {
                delivered()
            }
        });
        assert_eq!(harness.state(2), second, "{message}");
        if second == DraftState::Refused {
            let outcome = harness.run.drafts()[1].delivery.outcome();
            assert!(matches!(
                outcome,
                Some(DeliveryOutcome::Refused { status: Some(403), message: found, .. }) if found == message
            ));
            assert_eq!(harness.state(4), DraftState::Delivered, "the batch goes on");
        } else {
            let why = Pause::TokenRefused { status: 403 };
            assert_eq!(harness.run.batch(), &Batch::Paused { why }, "{message}");
        }
    }
}

#[test]
fn several_403s_in_a_row_put_the_token_in_doubt() {
    let mut harness = four_in_turn();
    let first = harness.id(1);
    harness.run_effects(|posting| {
        if posting.draft == first {
            delivered()
        } else {
            unauthorized(403)
        }
    });
    let states: Vec<DraftState> = (2..=4).map(|ordinal| harness.state(ordinal)).collect();
    assert_eq!(
        states,
        [DraftState::Refused, DraftState::Refused, DraftState::Queued]
    );
    let why = Pause::TokenRefused { status: 403 };
    assert_eq!(harness.run.batch(), &Batch::Paused { why });
}

#[test]
fn a_first_task_that_stays_forbidden_gives_way_to_another_one() {
    let mut harness = four_in_turn();
    let first = harness.id(1);
    let answer = |posting: &Posting| {
        if posting.draft == first {
            unauthorized(403)
        } else {
            delivered()
        }
    };
    assert_eq!(harness.run_effects(answer).len(), 1);
    let why = Pause::TokenRefused { status: 403 };
    assert_eq!(harness.run.batch(), &Batch::Paused { why });
    // With the same token, which is right.
    harness.ok(Event::Resume);
    let sent = harness.run_effects(answer);
    assert_eq!(sent[0].draft, first, "posting continues at the same task");
    assert_eq!(harness.run.batch(), &Batch::Idle);
    assert_eq!(harness.state(1), DraftState::Refused);
    assert!((2..=4).all(|ordinal| harness.state(ordinal) == DraftState::Delivered));
}

#[test]
fn a_token_that_is_refused_for_every_task_is_asked_for_again() {
    let mut harness = four_in_turn();
    for _ in 0..3 {
        assert!(harness.run_effects(|_| unauthorized(403)).len() <= 2);
        let why = Pause::TokenRefused { status: 403 };
        assert_eq!(harness.run.batch(), &Batch::Paused { why });
        assert!((1..=4).all(|ordinal| harness.state(ordinal) == DraftState::Queued));
        harness.ok(Event::Resume);
    }
}

#[test]
fn pause_completes_requests_under_way_and_stop_empties_the_queue() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    harness.approve_all();
    harness.post();
    harness.journal();
    harness.ok(Event::Pause);
    assert_eq!(harness.run_effects(|_| delivered()).len(), 1);
    assert_eq!(
        harness.run.batch(),
        &Batch::Paused {
            why: Pause::Operator
        }
    );
    harness.ok(Event::StopPosting);
    assert_eq!(harness.run.batch(), &Batch::Idle);
    assert_eq!(harness.state(2), DraftState::Approved);
    assert_eq!(harness.run.confirmation().unwrap().count, 1);
}

#[test]
fn a_reload_restores_the_run_and_a_task_being_posted_is_unconfirmed() {
    let mut harness = Harness::imported(
        Mode::Live,
        &["{\"key\":\"a\"}", "{\"key\":\"b\"}", "{\"key\":\"c\"}"],
    );
    harness.ok(Event::Reject {
        drafts: vec![harness.id(3)],
        reason: "later".to_owned(),
    });
    harness.approve_all();
    harness.post();
    let Some(Effect::Journal(entry)) = harness.effects.pop() else {
        panic!("a journal entry comes first");
    };
    harness.ok(Event::Journaled(entry));
    let before = harness
        .run
        .draft(&harness.id(1))
        .unwrap()
        .approval()
        .cloned();
    harness.reload();
    assert_eq!(harness.state(1), DraftState::Unconfirmed);
    assert_eq!(harness.state(2), DraftState::Queued);
    assert_eq!(harness.state(3), DraftState::Rejected);
    assert_eq!(
        harness.run.batch(),
        &Batch::Paused {
            why: Pause::PageClosed
        }
    );
    assert_eq!(
        harness
            .run
            .draft(&harness.id(1))
            .unwrap()
            .approval()
            .cloned(),
        before
    );
    // The reload ended the attempt, so a later outcome is ignored.
    harness.ok(Event::AttemptEnded {
        draft: harness.id(1),
        attempt: 1,
        outcome: delivered(),
    });
    assert_eq!(harness.state(1), DraftState::Unconfirmed);
    harness.ok(Event::Resume);
    assert_eq!(harness.run_effects(|_| delivered()).len(), 1);
}

#[test]
fn dry_receipts_never_count_as_delivered() {
    let mut harness = Harness::new(Mode::Dry);
    harness.arrive("{\"key\":\"a\"}", Vec::new());
    harness.end(GenerationOutcome::Complete);
    harness.approve_all();
    harness.post();
    harness.run_effects(|_| DeliveryOutcome::Dry);
    assert_eq!(harness.state(1), DraftState::DryDelivered);
    assert_eq!(harness.run.counts().of(DraftState::Delivered), 0);
}

fn templated(template: Option<&str>) -> Connection {
    let mut connection = Connection::built_in();
    if let Some(server) = &mut connection.task_server {
        server.body_template =
            template.map(|text| crate::settings::BodyTemplate::parse(text).unwrap());
    }
    connection
}

#[test]
fn an_approval_covers_the_body_including_the_template() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}", "{\"key\":\"b\"}"]);
    harness.ok(Event::Connect(Box::new(templated(Some(
        "{\"payload\": $task}",
    )))));
    harness.approve_all();
    let shown = harness.run.confirmation().unwrap().digest;
    // Another template makes another body, which was not approved.
    harness.ok(Event::Connect(Box::new(templated(Some("[$task]")))));
    assert_eq!(harness.run.confirmation(), None);
    assert_eq!(harness.state(1), DraftState::Ready);
    harness.approve_all();
    assert_eq!(
        harness.apply(Event::Post { digest: shown }),
        Some(RunError::ConfirmationStale)
    );
    harness.post();
    let sent = harness.run_effects(|_| delivered());
    let bodies: Vec<&str> = sent.iter().map(|posting| &*posting.approval.body).collect();
    assert_eq!(bodies, ["[{\"key\":\"a\"}]", "[{\"key\":\"b\"}]"]);
    // A posted task keeps its body.
    harness.ok(Event::Connect(Box::new(templated(None))));
    assert_eq!(harness.state(1), DraftState::Delivered);
    let posted = harness
        .run
        .draft(&harness.id(1))
        .unwrap()
        .approval()
        .unwrap();
    assert_eq!(&*posted.body, "[{\"key\":\"a\"}]");
}

/// Four tasks being posted, `a` to `d`. `c` depends on `a`.
fn four_tasks(concurrency: u8, honours_keys: bool) -> Harness {
    let mut harness = Harness::imported(
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
    harness.ok(Event::Connect(Box::new(connection)));
    harness.approve_all();
    harness.post();
    harness
}

impl Harness {
    fn ordinals(&self, matches: fn(&TaskDraft) -> bool) -> Vec<u32> {
        let drafts = self.run.drafts().iter();
        let found = drafts.filter(|draft| matches(draft));
        found.map(|draft| draft.id.ordinal).collect()
    }

    fn sending(&self) -> Vec<u32> {
        self.ordinals(|draft| Run::state(draft) == DraftState::Sending)
    }

    fn in_flight(&self) -> Vec<u32> {
        self.ordinals(|draft| draft.delivery.is_in_flight())
    }

    fn ready_to_send(&self) -> Vec<u32> {
        self.ordinals(|draft| draft.delivery.is_ready_to_send)
    }

    fn end_attempt(&mut self, ordinal: u32, outcome: DeliveryOutcome) {
        let draft = self.id(ordinal);
        let attempt = self
            .run
            .draft(&draft)
            .unwrap()
            .delivery
            .last()
            .unwrap()
            .number;
        self.ok(Event::AttemptEnded {
            draft,
            attempt,
            outcome,
        });
        self.journal();
    }

    fn wait_reason(&self, ordinal: u32) -> Option<WaitReason> {
        self.run
            .wait_reason(self.run.draft(&self.id(ordinal)).unwrap())
    }

    fn last_wake_up(&mut self) -> u64 {
        let at = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::WakeAt(at) => Some(*at),
            _ => None,
        });
        at.expect("a wake-up was requested")
    }
}

fn failed(retry_after: Option<u64>) -> DeliveryOutcome {
    DeliveryOutcome::Failed {
        status: 429,
        retry_after,
        message: String::new(),
    }
}

#[test]
fn after_the_first_task_tasks_are_posted_concurrently_in_topological_order() {
    let mut harness = four_tasks(2, false);
    harness.journal();
    assert_eq!(harness.sending(), [1], "only the first");
    harness.end_attempt(1, delivered());
    assert_eq!(harness.sending(), [2, 3]);
    harness.end_attempt(2, delivered());
    assert_eq!(harness.sending(), [3, 4]);
    let mut alone = four_tasks(16, false);
    alone.journal();
    alone.end_attempt(1, delivered());
    assert_eq!(alone.sending(), [2, 3, 4]);
}

#[test]
fn with_a_server_that_honours_keys_no_request_waits_for_the_journal() {
    let mut harness = four_tasks(1, true);
    harness.journal();
    assert_eq!(harness.in_flight(), [1], "only the first");
    harness.end_attempt(1, delivered());
    assert_eq!(harness.in_flight(), [2], "one at a time");
    assert_eq!(harness.ready_to_send(), [3, 4], "journaled ahead");
    assert_eq!(harness.state(3), DraftState::Queued);
    harness.effects.clear();
    let event = Event::AttemptEnded {
        draft: harness.id(2),
        attempt: 1,
        outcome: delivered(),
    };
    harness.ok(event);
    let is_third =
        |effect: &Effect| matches!(effect, Effect::Deliver(posting) if posting.draft.ordinal == 3);
    assert!(
        is_third(&harness.effects[0]),
        "it is sent before anything is written"
    );
    // If the page is closed now, journaled tasks are posted again with their keys.
    harness.journal();
    harness.reload();
    assert_eq!(harness.state(3), DraftState::Queued);
    assert_eq!(harness.state(4), DraftState::Queued);
}

#[test]
fn without_keys_nothing_is_journaled_beyond_the_concurrency_limit() {
    let mut harness = four_tasks(1, false);
    harness.journal();
    harness.end_attempt(1, delivered());
    assert_eq!(harness.sending(), [2]);
}

#[test]
fn retry_after_withdraws_attempts_that_were_journaled_ahead() {
    let mut harness = four_tasks(1, true);
    harness.journal();
    harness.end_attempt(1, delivered());
    assert_eq!(harness.ready_to_send(), [3, 4]);
    harness.end_attempt(2, failed(Some(7)));
    assert!(harness.ready_to_send().is_empty());
    let third = harness.run.draft(&harness.id(3)).unwrap();
    assert!(third.delivery.attempts.is_empty());
    assert_eq!(third.delivery.trying_since(), None, "it was not tried");
    harness.run_effects(|_| delivered());
    assert_eq!(harness.run.counts().of(DraftState::Delivered), 4);
}

#[test]
fn a_task_whose_dependency_failed_waits_and_names_the_dependency() {
    let mut harness = Harness::imported(
        Mode::Live,
        &[
            r#"{"key":"z"}"#,
            r#"{"key":"a"}"#,
            r#"{"key":"b","depends_on":["a"]}"#,
            r#"{"key":"c","depends_on":["b"]}"#,
        ],
    );
    harness.approve_all();
    harness.post();
    let sent = harness.run_effects(|posting| match posting.draft.ordinal {
        2 => refused(),
        _ => delivered(),
    });
    assert_eq!(sent.len(), 2);
    assert_eq!(
        harness.run.batch(),
        &Batch::Paused {
            why: Pause::Blocked
        }
    );
    assert_eq!(
        harness.wait_reason(3),
        Some(WaitReason::Dependency {
            draft: harness.id(2),
            state: DraftState::Refused
        })
    );
    assert_eq!(
        harness.wait_reason(4),
        Some(WaitReason::Dependency {
            draft: harness.id(3),
            state: DraftState::Queued
        })
    );
    // Retrying it also posts the tasks that depend on it.
    harness.ok(Event::Retry {
        drafts: vec![harness.id(2)],
    });
    assert_eq!(harness.run_effects(|_| delivered()).len(), 3);
    assert_eq!(harness.run.counts().of(DraftState::Delivered), 4);
}

#[test]
fn an_unapproved_dependency_blocks_its_dependents() {
    let mut harness = Harness::imported(
        Mode::Live,
        &[r#"{"key":"a"}"#, r#"{"key":"b","depends_on":["a"]}"#],
    );
    harness.ok(Event::Approve {
        drafts: vec![harness.id(2)],
    });
    harness.post();
    assert!(harness.effects.is_empty());
    assert_eq!(
        harness.wait_reason(2),
        Some(WaitReason::Dependency {
            draft: harness.id(1),
            state: DraftState::Ready
        })
    );
    harness.ok(Event::Approve {
        drafts: vec![harness.id(1)],
    });
    harness.post();
    assert_eq!(harness.run_effects(|_| delivered()).len(), 2);
}

#[test]
fn a_failed_task_is_retried_after_the_time_the_server_asks_for() {
    let mut harness = four_tasks(2, false);
    harness.journal();
    harness.end_attempt(1, delivered());
    harness.end_attempt(2, failed(Some(7)));
    assert_eq!(harness.state(2), DraftState::Queued);
    harness.end_attempt(3, delivered());
    assert!(
        harness.sending().is_empty(),
        "Retry-After applies to all tasks"
    );
    let at = harness.last_wake_up();
    assert!(at >= NOW + 7_000, "{at}");
    harness.now = at - 1;
    harness.ok(Event::Woke);
    assert!(harness.sending().is_empty());
    harness.now = at + 2_000;
    harness.ok(Event::Woke);
    harness.journal();
    assert_eq!(harness.sending(), [2, 4]);
}

#[test]
fn posting_pauses_if_retry_after_exceeds_the_retry_limit() {
    let mut harness = four_tasks(2, false);
    harness.journal();
    harness.end_attempt(1, failed(Some(3_600)));
    assert_eq!(harness.state(1), DraftState::Failed);
    assert_eq!(
        harness.run.batch(),
        &Batch::Paused {
            why: Pause::ServerInTrouble
        }
    );
}

#[test]
fn after_consecutive_failures_one_task_is_posted_at_a_time_until_one_succeeds() {
    let mut harness = four_tasks(3, true);
    harness.journal();
    harness.end_attempt(1, delivered());
    for ordinal in [2, 3, 4] {
        harness.end_attempt(ordinal, unconfirmed());
    }
    assert_eq!(
        harness.run.batch(),
        &Batch::Running {
            pace: Pace::Probing
        }
    );
    assert_eq!(
        harness.run.progress(harness.now).unwrap().phase,
        Phase::Probing
    );
    for _ in 0..3 {
        harness.now = harness.last_wake_up();
        harness.ok(Event::Woke);
        harness.journal();
        let probing = harness.sending();
        assert_eq!(probing.len(), 1, "one at a time");
        harness.end_attempt(probing[0], unconfirmed());
    }
    harness.now = harness.last_wake_up();
    harness.ok(Event::Woke);
    harness.journal();
    let probe = harness.sending()[0];
    harness.end_attempt(probe, delivered());
    harness.now += 120_000;
    harness.ok(Event::Woke);
    harness.journal();
    assert_eq!(harness.sending().len(), 2, "concurrent again");
}

#[test]
fn without_a_network_nothing_is_posted_to_a_remote_server() {
    for (url, waits) in [
        ("https://tasks.example.com", true),
        ("http://localhost:8080", false),
    ] {
        let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
        harness.ok(Event::Connect(Box::new(honouring_server(url))));
        harness.approve_all();
        harness.ok(Event::Network { is_online: false });
        harness.post();
        assert_eq!(harness.effects.is_empty(), waits, "{url}");
        if waits {
            assert_eq!(harness.run.progress(NOW).unwrap().phase, Phase::Offline);
            harness.ok(Event::Network { is_online: true });
            assert_eq!(harness.run_effects(|_| delivered()).len(), 1);
        }
    }
}

#[test]
fn a_token_is_requested_after_all_requests_under_way_have_ended() {
    let mut harness = four_tasks(4, false);
    harness.journal();
    harness.end_attempt(1, delivered());
    let no_token = unauthorized(401);
    harness.effects.clear();
    harness.end_attempt(2, no_token.clone());
    assert!(harness.effects.is_empty(), "two requests are in flight");
    harness.end_attempt(3, delivered());
    assert!(harness.effects.is_empty());
    harness.end_attempt(4, no_token);
    assert_eq!(
        harness.effects,
        [Effect::RequestSecret(SecretSlot::AGENT_TOKEN)]
    );
    harness.effects.clear();
    harness.ok(Event::Resume);
    let sent = harness.run_effects(|_| delivered());
    let retried: Vec<u32> = sent.iter().map(|posting| posting.draft.ordinal).collect();
    assert_eq!(retried, [2, 4]);
}

#[test]
fn a_pause_withdraws_attempts_that_were_not_sent() {
    let mut harness = four_tasks(2, false);
    harness.ok(Event::Pause);
    harness.journal();
    assert!(harness.effects.is_empty(), "it was only being journaled");
    assert_eq!(harness.state(1), DraftState::Queued);
    assert!(
        harness
            .run
            .draft(&harness.id(1))
            .unwrap()
            .delivery
            .attempts
            .is_empty()
    );
}

#[test]
fn without_a_journal_nothing_is_sent_until_the_operator_continues() {
    let mut harness = four_tasks(2, false);
    harness.effects.clear();
    harness.ok(Event::JournalFailed {
        draft: harness.id(1),
        attempt: 1,
        reason: "no room".to_owned(),
    });
    assert!(harness.effects.is_empty());
    harness.ok(Event::ContinueWithoutJournal);
    assert!(matches!(harness.effects[..], [Effect::Deliver(_)]));
    assert_eq!(harness.run_effects(|_| delivered()).len(), 4);
    assert_eq!(
        harness.apply(Event::ContinueWithoutJournal),
        Some(RunError::WrongState)
    );
}

#[test]
fn a_look_up_that_finds_an_unconfirmed_task_makes_it_delivered() {
    for (result, state) in [
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
        let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
        harness.ok(Event::Connect(Box::new(honouring_server(
            "http://localhost:8080",
        ))));
        harness.approve_all();
        harness.post();
        harness.run_effects(|_| unconfirmed());
        let draft = harness.id(1);
        harness.ok(Event::LookUp {
            draft: draft.clone(),
        });
        let key = harness
            .run
            .draft(&draft)
            .unwrap()
            .approval()
            .unwrap()
            .key
            .clone();
        let look_up = Effect::LookUp {
            draft: draft.clone(),
            key: key.to_string(),
        };
        assert_eq!(harness.effects, [look_up]);
        for of in ["another", &*key] {
            assert_eq!(harness.state(1), DraftState::Unconfirmed);
            harness.ok(Event::LookedUp {
                draft: draft.clone(),
                key: of.to_owned(),
                result: result.clone(),
            });
        }
        assert_eq!(harness.state(1), state, "{result:?}");
        if state == DraftState::Delivered {
            let delivery = &harness.run.draft(&draft).unwrap().delivery;
            assert_eq!(delivery.server_id(), Some("s-1"));
            assert_eq!(
                harness.apply(Event::LookUp { draft }),
                Some(RunError::WrongState)
            );
        }
    }
}

#[test]
fn posting_continues_once_the_operator_finds_the_task_that_others_wait_for() {
    let mut harness = Harness::imported(
        Mode::Live,
        &[r#"{"key":"a"}"#, r#"{"key":"b","depends_on":["a"]}"#],
    );
    harness.approve_all();
    harness.post();
    harness.run_effects(|_| unconfirmed());
    harness.ok(Event::Resume);
    let blocked = Batch::Paused {
        why: Pause::Blocked,
    };
    assert_eq!(harness.run.batch(), &blocked);
    harness.ok(Event::Decide {
        draft: harness.id(1),
        delivered: true,
    });
    assert_eq!(harness.run_effects(|_| delivered()).len(), 1);
    assert_eq!(harness.state(2), DraftState::Delivered);
    assert_eq!(harness.run.batch(), &Batch::Idle);
}

#[test]
fn a_task_whose_key_was_not_sent_is_not_looked_up() {
    let mut harness = Harness::imported(Mode::Live, &["{\"key\":\"a\"}"]);
    harness.approve_all();
    harness.post();
    harness.run_effects(|_| unconfirmed());
    // The key was not sent there, or not sent at all.
    for url in ["http://localhost:8080", "http://localhost:9999"] {
        harness.ok(Event::Connect(Box::new(honouring_server(url))));
        assert_eq!(
            harness.apply(Event::LookUp {
                draft: harness.id(1)
            }),
            Some(RunError::WrongState)
        );
    }
    assert!(harness.effects.is_empty());
}

#[test]
fn a_task_is_not_resent_after_the_key_retention() {
    let mut harness = four_tasks(1, true);
    harness.journal();
    harness.reload();
    assert_eq!(
        harness.state(1),
        DraftState::Queued,
        "the server still knows the key"
    );
    harness.now += 25 * 3_600_000;
    harness.ok(Event::Resume);
    assert_eq!(harness.state(1), DraftState::Unconfirmed);
    let draft = harness.id(1);
    assert_eq!(
        harness.apply(Event::ResendSameKey { draft }),
        Some(RunError::KeysNotHonoured)
    );
}
