use super::*;
use crate::delivery::{DeliveryOutcome, UnconfirmedCause};
use crate::review::RunId;
use crate::run::{Effect, FollowUp, OpenWork, Start};
use crate::schema::{TaskSchema, agent_task_schema};

const MODEL: &str = "https://api.example.com/v1";
const SERVER: &str = "https://tasks.example.com";

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn connection() -> Connection {
    Connection {
        model: Some(ModelEndpoint::at(address(MODEL), "m")),
        task_server: Some(TaskServer::at(address(SERVER))),
        ..Connection::built_in()
    }
}

fn keyring(slots: &[SecretSlot]) -> Keyring {
    let mut keyring = Keyring::default();
    for slot in slots {
        let of = if *slot == SecretSlot::API_KEY {
            MODEL
        } else {
            SERVER
        };
        keyring.give(slot.clone(), &address(of), "secret").unwrap();
    }
    keyring
}

/// A run with one imported task; approved if `is_approved`.
fn run(mode: Mode, connection: Connection, is_approved: bool) -> Run {
    let task = r#"{"key":"a","title":"A task","instructions":"Do it."}"#;
    run_with(mode, connection, &[task], is_approved)
}

fn run_with(mode: Mode, connection: Connection, tasks: &[&str], is_approved: bool) -> Run {
    let (mut run, _) = Run::start(Start {
        id: RunId::from_bits(1),
        mode,
        at: 0,
        brief: None,
        connection,
        schema: TaskSchema::parse(agent_task_schema()).unwrap(),
    });
    let step = run.apply(
        Event::Import {
            texts: tasks.iter().map(|task| (*task).into()).collect(),
        },
        0,
    );
    for effect in step.effects {
        if let Effect::Check {
            draft, revision, ..
        } = effect
        {
            let violations = Vec::new();
            run.apply(
                Event::Checked {
                    draft,
                    revision,
                    violations,
                },
                0,
            );
        }
    }
    if is_approved {
        let drafts = run.approvable();
        run.apply(Event::Approve { drafts }, 0);
    }
    run
}

fn digest(run: &Run) -> String {
    run.confirmation().map(|c| c.digest).unwrap_or_default()
}

fn post(run: &Run) -> Event {
    Event::Post {
        digest: digest(run),
    }
}

/// A live run whose first post was refused for its token.
fn paused() -> Run {
    let run = run(Mode::Live, connection(), true);
    let event = post(&run);
    carry_out(run, event, &DeliveryOutcome::NoToken)
}

/// A live run whose second task waits for the first one, which is unconfirmed.
fn blocked() -> Run {
    let tasks = [
        r#"{"key":"a","title":"A task","instructions":"Do it."}"#,
        r#"{"key":"b","title":"B task","instructions":"Do it.","depends_on":["a"]}"#,
    ];
    let run = run_with(Mode::Live, connection(), &tasks, true);
    let event = post(&run);
    let unconfirmed = DeliveryOutcome::Unconfirmed {
        status: Some(500),
        cause: UnconfirmedCause::Status,
        message: String::new(),
    };
    let run = carry_out(run, event, &unconfirmed);
    let run = carry_out(run, Event::Resume, &unconfirmed);
    assert!(is_blocked(&run), "{:?}", run.batch());
    run
}

/// Applies an event and ends every post with this outcome. The run is paused then.
fn carry_out(mut run: Run, event: Event, outcome: &DeliveryOutcome) -> Run {
    let mut effects = run.apply(event, 0).effects;
    while let Some(effect) = effects.pop() {
        match effect {
            Effect::Journal(entry) => {
                effects.extend(run.apply(Event::Journaled(entry), 0).effects);
            }
            Effect::Deliver(posting) => {
                let outcome = outcome.clone();
                let (draft, attempt) = (posting.draft, posting.attempt);
                run.apply(
                    Event::AttemptEnded {
                        draft,
                        attempt,
                        outcome,
                    },
                    0,
                );
            }
            _ => {}
        }
    }
    assert!(
        matches!(run.batch(), Batch::Paused { .. }),
        "{:?}",
        run.batch()
    );
    run
}

fn posting() -> Run {
    let mut run = run(Mode::Live, connection(), true);
    let event = post(&run);
    run.apply(event, 0);
    assert!(run.is_posting());
    run
}

fn send(address_of: &str, slot: Option<SecretSlot>) -> Decision {
    Decision::Send(Access {
        address: address(address_of),
        slot,
    })
}

fn prompt(address_of: &str, slot: SecretSlot) -> Decision {
    Decision::Prompt {
        slot,
        address: address(address_of),
    }
}

/// A row of the table: a name, the action, the situation and the decision.
struct Row<'a> {
    name: &'a str,
    action: Action<'a>,
    run: Option<&'a Run>,
    held: &'a [SecretSlot],
    expected: Decision,
}

#[test]
fn a_decision_depends_on_mode_endpoint_and_held_secrets() {
    let (key, token) = (SecretSlot::API_KEY, SecretSlot::AGENT_TOKEN);
    let both = [key.clone(), token.clone()];
    let dry = run(Mode::Dry, connection(), true);
    let live = run(Mode::Live, connection(), true);
    let unapproved = run(Mode::Live, connection(), false);
    let (paused, blocked, posting) = (paused(), blocked(), posting());
    let delivered = Event::Decide {
        draft: blocked.drafts()[0].id.clone(),
        delivered: true,
    };
    let (post_dry, post_live) = (post(&dry), post(&live));
    let nothing = Event::Post {
        digest: String::new(),
    };
    let look_up = Event::LookUp {
        draft: live.drafts()[0].id.clone(),
    };
    let reject = Event::Reject {
        drafts: vec![live.drafts()[0].id.clone()],
        reason: String::new(),
    };
    let missing = Event::RequestMissing {
        outcome: "cut_off".to_owned(),
    };
    let row = |name, action, run, held, expected| Row {
        name,
        action,
        run,
        held,
        expected,
    };
    let none: &[SecretSlot] = &[];
    let refuse = Decision::Refuse;
    let table = [
        row(
            "a dry run starts without a secret",
            Action::Generate(Mode::Dry),
            None,
            none,
            Decision::Local,
        ),
        row(
            "a live run asks for the key",
            Action::Generate(Mode::Live),
            None,
            none,
            prompt(MODEL, key.clone()),
        ),
        row(
            "the token does not replace the key",
            Action::Generate(Mode::Live),
            None,
            &both[1..],
            prompt(MODEL, key.clone()),
        ),
        row(
            "a live run starts with the key",
            Action::Generate(Mode::Live),
            None,
            &both,
            send(MODEL, Some(key.clone())),
        ),
        row(
            "no run starts while tasks are posted",
            Action::Generate(Mode::Dry),
            Some(&posting),
            &both,
            refuse(Refusal::Posting),
        ),
        row(
            "the run stays while tasks are posted",
            Action::LeaveRun,
            Some(&posting),
            &both,
            refuse(Refusal::Posting),
        ),
        row(
            "a paused run can be left",
            Action::LeaveRun,
            Some(&paused),
            none,
            Decision::Local,
        ),
        row(
            "an import sends nothing",
            Action::Import,
            Some(&live),
            none,
            Decision::Local,
        ),
        row(
            "a dry run is posted without a secret",
            Action::Send(&post_dry),
            Some(&dry),
            none,
            Decision::Local,
        ),
        row(
            "posting asks for the token",
            Action::Send(&post_live),
            Some(&live),
            &both[..1],
            prompt(SERVER, token.clone()),
        ),
        row(
            "posting sends the token",
            Action::Send(&post_live),
            Some(&live),
            &both,
            send(SERVER, Some(token.clone())),
        ),
        row(
            "without approved tasks no token is asked for",
            Action::Send(&nothing),
            Some(&unapproved),
            none,
            refuse(Refusal::NothingApproved),
        ),
        row(
            "a batch is not posted twice",
            Action::Send(&nothing),
            Some(&posting),
            &both,
            refuse(Refusal::Posting),
        ),
        row(
            "resuming asks for the token",
            Action::Send(&Event::Resume),
            Some(&paused),
            none,
            prompt(SERVER, token.clone()),
        ),
        row(
            "resuming sends the token",
            Action::Send(&Event::Resume),
            Some(&paused),
            &both,
            send(SERVER, Some(token.clone())),
        ),
        row(
            "resuming without a pause does nothing",
            Action::Send(&Event::Resume),
            Some(&live),
            none,
            Decision::Local,
        ),
        row(
            "deciding about a task sends nothing",
            Action::Send(&delivered),
            Some(&paused),
            none,
            Decision::Local,
        ),
        row(
            "finding the task that others wait for continues posting",
            Action::Send(&delivered),
            Some(&blocked),
            none,
            prompt(SERVER, token.clone()),
        ),
        row(
            "looking a task up needs the token",
            Action::Send(&look_up),
            Some(&live),
            none,
            prompt(SERVER, token.clone()),
        ),
        row(
            "asking for missing tasks needs the key",
            Action::Send(&missing),
            Some(&live),
            none,
            prompt(MODEL, key.clone()),
        ),
        row(
            "asking for missing tasks in a dry run needs nothing",
            Action::Send(&missing),
            Some(&dry),
            none,
            Decision::Local,
        ),
        row(
            "a decision about a task sends nothing",
            Action::Send(&reject),
            Some(&live),
            none,
            Decision::Local,
        ),
    ];
    for Row {
        name,
        action,
        run,
        held,
        expected,
    } in table
    {
        let situation = Situation {
            connection: &connection(),
            brief: None,
            run,
            lock: RunLock::Held,
            may_leave_work: true,
            may_repeat_secrets: false,
            hosts: Some(&HostPolicy::default()),
            secrets: &keyring(held),
        };
        assert_eq!(decide(action, &situation), expected, "{name}");
    }
}

#[test]
fn a_read_only_tab_cannot_change_the_run_but_can_start_another() {
    let posting = posting();
    let situation = Situation {
        connection: &connection(),
        brief: None,
        run: Some(&posting),
        lock: RunLock::OtherTab,
        may_leave_work: false,
        may_repeat_secrets: false,
        hosts: Some(&HostPolicy::default()),
        secrets: &Keyring::default(),
    };
    let refused = Decision::Refuse(Refusal::ReadOnly);
    assert_eq!(decide(Action::Send(&Event::Pause), &situation), refused);
    assert_eq!(decide(Action::Import, &situation), refused);
    assert_eq!(decide(Action::LeaveRun, &situation), Decision::Local);
    assert_eq!(
        decide(Action::Generate(Mode::Dry), &situation),
        Decision::Local
    );
}

#[test]
fn a_request_needs_a_host_that_is_known_to_be_allowed() {
    let live = run(Mode::Live, connection(), true);
    let post = post(&live);
    let other = HostPolicy::only(vec!["other.example.com".to_owned()]);
    let only_model = HostPolicy::only(vec!["api.example.com".to_owned()]);
    let held = keyring(&[SecretSlot::API_KEY, SecretSlot::AGENT_TOKEN]);
    let (generate, post) = (Action::Generate(Mode::Live), Action::Send(&post));
    let endpoint = connection().model.unwrap();
    for (action, hosts, expected) in [
        (generate, None, "still_opening"),
        (post, None, "still_opening"),
        (Action::ListModels(&endpoint), None, "still_opening"),
        (generate, Some(&other), "host_not_allowed"),
        (post, Some(&other), "host_not_allowed"),
        (
            Action::ListModels(&endpoint),
            Some(&other),
            "host_not_allowed",
        ),
        (generate, Some(&only_model), "sent"),
        (post, Some(&only_model), "host_not_allowed"),
    ] {
        let situation = Situation {
            connection: &connection(),
            brief: None,
            run: Some(&live),
            lock: RunLock::Held,
            may_leave_work: true,
            may_repeat_secrets: false,
            hosts,
            secrets: &held,
        };
        let code = match decide(action, &situation) {
            Decision::Refuse(refusal) => {
                assert!(!refusal.hint().is_empty());
                refusal.code()
            }
            Decision::Send(_) => "sent",
            other => panic!("{other:?}"),
        };
        assert_eq!(code, expected, "{action:?} {hosts:?}");
    }
    // An action without requests does not need config.json.
    let situation = Situation {
        connection: &connection(),
        brief: None,
        run: None,
        lock: RunLock::Held,
        may_leave_work: false,
        may_repeat_secrets: false,
        hosts: None,
        secrets: &held,
    };
    assert_eq!(
        decide(Action::Generate(Mode::Dry), &situation),
        Decision::Local
    );
}

#[test]
fn a_missing_endpoint_is_refused_and_one_without_a_key_needs_none() {
    let without = Connection {
        model: None,
        task_server: None,
        ..connection()
    };
    let live = run(Mode::Live, without.clone(), true);
    let post = post(&live);
    let local = Connection {
        model: Some(ModelEndpoint::at(address("http://localhost:11434/v1"), "m")),
        ..connection()
    };
    let listed = connection().model.unwrap();
    for (action, connection, expected) in [
        (
            Action::Generate(Mode::Live),
            &without,
            Decision::Refuse(Refusal::NoModel),
        ),
        (
            Action::Send(&post),
            &without,
            Decision::Refuse(Refusal::NoTaskServer),
        ),
        (
            Action::Generate(Mode::Live),
            &local,
            send("http://localhost:11434/v1", None),
        ),
        (Action::ListModels(&listed), &local, send(MODEL, None)),
    ] {
        let situation = Situation {
            connection,
            brief: None,
            run: Some(&live),
            lock: RunLock::Held,
            may_leave_work: true,
            may_repeat_secrets: false,
            hosts: Some(&HostPolicy::default()),
            secrets: &Keyring::default(),
        };
        assert_eq!(decide(action, &situation), expected, "{action:?}");
    }
}

#[test]
fn open_work_is_left_only_after_the_operator_agreed() {
    let held = keyring(&[SecretSlot::API_KEY]);
    let (approved, unapproved) = (
        run(Mode::Live, connection(), true),
        run(Mode::Live, connection(), false),
    );
    let (dry, paused) = (run(Mode::Dry, connection(), true), paused());
    let one_approved = OpenWork {
        approved: 1,
        ..OpenWork::default()
    };
    let one_queued = OpenWork {
        queued: 1,
        ..OpenWork::default()
    };
    let generate = Action::Generate(Mode::Live);
    let sent = send(MODEL, Some(SecretSlot::API_KEY));
    let ask = Decision::ConfirmLeaving;
    for (name, action, run, may_leave_work, expected) in [
        (
            "generating asks",
            generate,
            &approved,
            false,
            ask(one_approved),
        ),
        (
            "also in a dry run",
            Action::Generate(Mode::Dry),
            &dry,
            false,
            ask(one_approved),
        ),
        (
            "opening another run asks",
            Action::LeaveRun,
            &paused,
            false,
            ask(one_queued),
        ),
        (
            "after consent it goes ahead",
            generate,
            &approved,
            true,
            sent.clone(),
        ),
        (
            "without open work it does not ask",
            generate,
            &unapproved,
            false,
            sent,
        ),
        (
            "an import stays in the run",
            Action::Import,
            &approved,
            false,
            Decision::Local,
        ),
    ] {
        let situation = Situation {
            connection: &connection(),
            brief: None,
            run: Some(run),
            lock: RunLock::Held,
            may_leave_work,
            may_repeat_secrets: false,
            hosts: Some(&HostPolicy::default()),
            secrets: &held,
        };
        assert_eq!(decide(action, &situation), expected, "{name}");
    }
}

#[test]
fn a_run_that_is_posted_is_not_left_even_with_consent() {
    let posting = posting();
    for may_leave_work in [false, true] {
        let situation = Situation {
            connection: &connection(),
            brief: None,
            run: Some(&posting),
            lock: RunLock::Held,
            may_leave_work,
            may_repeat_secrets: false,
            hosts: Some(&HostPolicy::default()),
            secrets: &Keyring::default(),
        };
        let refused = Decision::Refuse(Refusal::Posting);
        assert_eq!(decide(Action::LeaveRun, &situation), refused);
    }
}

/// Every event that calls the task server or the model of this run.
fn calling_events(run: &Run) -> Vec<Event> {
    let draft = run.drafts()[0].id.clone();
    vec![
        post(run),
        Event::Resume,
        Event::ContinueWithoutJournal,
        Event::Retry {
            drafts: vec![draft.clone()],
        },
        Event::ResendSameKey {
            draft: draft.clone(),
        },
        Event::LookUp {
            draft: draft.clone(),
        },
        Event::RequestMissing {
            outcome: "cut_off".to_owned(),
        },
        Event::FollowUp(FollowUp::Repair {
            drafts: vec![draft],
        }),
    ]
}

#[test]
fn every_event_that_sends_a_request_waits_for_config_json_and_respects_allowed_hosts() {
    let paused = paused();
    let live = run(Mode::Live, connection(), true);
    let held = keyring(&[SecretSlot::API_KEY, SecretSlot::AGENT_TOKEN]);
    let other = HostPolicy::only(vec!["other.example.com".to_owned()]);
    for event in calling_events(&live) {
        // Posting is resumed after a pause only.
        let run = if event == Event::Resume {
            &paused
        } else {
            &live
        };
        for (hosts, expected) in [(None, "still_opening"), (Some(&other), "host_not_allowed")] {
            let situation = Situation {
                connection: &connection(),
                brief: None,
                run: Some(run),
                lock: RunLock::Held,
                may_leave_work: true,
                may_repeat_secrets: false,
                hosts,
                secrets: &held,
            };
            let Decision::Refuse(refusal) = decide(Action::Send(&event), &situation) else {
                panic!("{event:?} with {hosts:?} is not refused");
            };
            assert_eq!(refusal.code(), expected, "{event:?}");
        }
    }
}

#[test]
fn a_task_with_a_secret_in_it_is_neither_approved_nor_posted() {
    let mut secrets = keyring(&[SecretSlot::API_KEY]);
    let (paused, live) = (paused(), run(Mode::Live, connection(), true));
    let unapproved = run(Mode::Live, connection(), false);
    let dry = run(Mode::Dry, connection(), true);
    let draft = live.drafts()[0].id.clone();
    let approve = Event::Approve {
        drafts: vec![draft.clone()],
    };
    let with_key = Event::ApproveWithKey {
        draft: draft.clone(),
        key: "k".into(),
    };
    let retry = Event::Retry {
        drafts: vec![draft.clone()],
    };
    let resend = Event::ResendSameKey { draft };
    let decide_with = |secrets: &Keyring, run: &Run, event: &Event| {
        let situation = Situation {
            connection: &connection(),
            brief: None,
            run: Some(run),
            lock: RunLock::Held,
            may_leave_work: true,
            may_repeat_secrets: false,
            hosts: Some(&HostPolicy::default()),
            secrets,
        };
        decide(Action::Send(event), &situation)
    };
    let table = [
        (&unapproved, &approve),
        (&unapproved, &with_key),
        (&live, &post(&live)),
        (&paused, &Event::Resume),
        (&paused, &Event::ContinueWithoutJournal),
        (&live, &retry),
        (&live, &resend),
    ];
    let token = "Do it.\"}";
    for (run, event) in table {
        let decision = decide_with(&secrets, run, event);
        assert!(!matches!(decision, Decision::Refuse(_)), "{event:?}");
    }
    // The task was approved before the operator entered a token that its text contains.
    secrets
        .give(SecretSlot::AGENT_TOKEN, &address(SERVER), token)
        .unwrap();
    let refused = Decision::Refuse(Refusal::SecretInTask {
        slot: SecretSlot::AGENT_TOKEN,
        task: 1,
    });
    for (run, event) in table {
        assert_eq!(decide_with(&secrets, run, event), refused, "{event:?}");
    }
    let Decision::Refuse(refusal) = &refused else {
        panic!("refused")
    };
    assert_eq!(refusal.to_string(), "Task 1 contains the agent token.");
    // A dry run sends nothing, and other events neither approve nor post.
    let reject = Event::Reject {
        drafts: vec![live.drafts()[0].id.clone()],
        reason: String::new(),
    };
    for (run, event) in [(&dry, &post(&dry)), (&live, &reject)] {
        assert_eq!(decide_with(&secrets, run, event), Decision::Local);
    }
}

#[test]
fn without_locks_the_operator_agrees_before_tasks_are_posted_that_could_arrive_twice() {
    let server = |honours_idempotency_keys| TaskServer {
        honours_idempotency_keys,
        ..TaskServer::at(address(SERVER))
    };
    let to = |server: TaskServer| Connection {
        task_server: Some(server),
        ..connection()
    };
    let with_keys = run(Mode::Live, to(server(true)), true);
    let without_keys = run(Mode::Live, to(server(false)), true);
    let dry = run(Mode::Dry, to(server(false)), true);
    let (paused, blocked) = (paused(), blocked());
    let draft = without_keys.drafts()[0].id.clone();
    let retry = Event::Retry {
        drafts: vec![draft.clone()],
    };
    let look_up = Event::LookUp {
        draft: draft.clone(),
    };
    let reject = Event::Reject {
        drafts: vec![draft],
        reason: String::new(),
    };
    let decided = Event::Decide {
        draft: blocked.drafts()[0].id.clone(),
        delivered: true,
    };
    let sent = send(SERVER, Some(SecretSlot::AGENT_TOKEN));
    let (asks, local) = (Decision::ConfirmUnlocked, Decision::Local);
    for (run, event, unlocked) in [
        (&without_keys, &post(&without_keys), &asks),
        (&without_keys, &retry, &asks),
        (&paused, &Event::Resume, &asks),
        (&paused, &Event::ContinueWithoutJournal, &asks),
        (&blocked, &decided, &asks),
        (&without_keys, &look_up, &sent),
        (&with_keys, &post(&with_keys), &sent),
        (&without_keys, &reject, &local),
        (&dry, &post(&dry), &local),
    ] {
        let decide_with = |lock, slots: &[SecretSlot]| {
            let situation = Situation {
                connection: &connection(),
                brief: None,
                run: Some(run),
                lock,
                may_leave_work: false,
                may_repeat_secrets: false,
                hosts: Some(&HostPolicy::default()),
                secrets: &keyring(slots),
            };
            decide(Action::Send(event), &situation)
        };
        let held = [SecretSlot::AGENT_TOKEN];
        let refused = RunLock::Refused { may_post: false };
        assert_eq!(decide_with(refused, &held), *unlocked, "{event:?}");
        let expected = if unlocked == &asks { &sent } else { unlocked };
        for lock in [RunLock::Held, RunLock::Refused { may_post: true }] {
            assert_eq!(decide_with(lock, &held), *expected, "{lock:?} {event:?}");
        }
        // The operator is not asked for a token that may not be needed.
        if unlocked == &asks {
            assert_eq!(decide_with(refused, &[]), asks, "{event:?}");
        }
    }
}

#[test]
fn a_refusal_has_a_code_and_says_what_to_do() {
    let secret = Refusal::SecretInTask {
        slot: SecretSlot::API_KEY,
        task: 3,
    };
    let host = Refusal::Address(SettingsError::HostNotAllowed {
        host: "a.example".to_owned(),
    });
    for (refusal, code, hint) in [
        (Refusal::ReadOnly, "other_tab", "Continue in that tab"),
        (Refusal::ConfigUnread, "still_opening", "in a moment"),
        (Refusal::NoModel, "no_model", "base URL"),
        (Refusal::NoTaskServer, "no_task_server", "task server"),
        (Refusal::Posting, "posting", "Pause or stop posting"),
        (Refusal::NothingApproved, "nothing_approved", "Approve"),
        (secret, "secret_in_task", "Remove it"),
        (host, "host_not_allowed", "allowed_hosts"),
    ] {
        assert_eq!(refusal.code(), code);
        assert!(
            refusal.hint().contains(hint),
            "{refusal:?}: {}",
            refusal.hint()
        );
    }
}
