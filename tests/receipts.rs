//! Receipts: one per attempt, files that other programs can read, and a summary that adds up,
//! whatever happened in the run.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use taskwright::delivery::{DeliveryOutcome, LookUp, UnconfirmedCause};
use taskwright::review::RunId;
use taskwright::run::receipts::{self, ReceiptFormat};
use taskwright::run::{Effect, Event, Mode, Run, Start};
use taskwright::schema::TaskSchema;
use taskwright::settings::Connection;

const NOW: u64 = 1_700_000_000_000;

/// Applies events to a run and collects its effects.
struct Harness {
    run: Run,
    effects: Vec<Effect>,
    now: u64,
}

impl Harness {
    fn new(mode: Mode, honours_keys: bool, titles: &[String]) -> Harness {
        let mut connection = Connection::built_in();
        if let Some(server) = &mut connection.task_server {
            server.honours_idempotency_keys = honours_keys;
        }
        let schema = r#"{"title":"t","type":"object","properties":{
            "key":{"type":"string"},"title":{"type":"string"}}}"#;
        let (run, _) = Run::start(Start {
            id: RunId::from_bits(7),
            mode,
            at: NOW,
            brief: None,
            connection,
            schema: TaskSchema::parse(schema).unwrap(),
        });
        let mut harness = Harness {
            run,
            effects: Vec::new(),
            now: NOW,
        };
        let texts = titles
            .iter()
            .enumerate()
            .map(|(at, title)| json!({"key": format!("k{at}"), "title": title}).to_string());
        harness.apply(Event::Import {
            texts: texts.map(Into::into).collect(),
        });
        for effect in std::mem::take(&mut harness.effects) {
            if let Effect::Check {
                draft, revision, ..
            } = effect
            {
                harness.apply(Event::Checked {
                    draft,
                    revision,
                    violations: Vec::new(),
                });
            }
        }
        harness
    }

    fn apply(&mut self, event: Event) {
        self.now += 7;
        let step = self.run.apply(event, self.now);
        self.effects.extend(step.effects);
    }

    /// Carries out the next effect. A posting ends with `outcome`.
    fn carry_out(&mut self, outcome: DeliveryOutcome) {
        if self.effects.is_empty() {
            return;
        }
        match self.effects.remove(0) {
            Effect::Journal(entry) => self.apply(Event::Journaled(entry)),
            Effect::Deliver(posting) => self.apply(Event::AttemptEnded {
                draft: posting.draft,
                attempt: posting.attempt,
                outcome,
            }),
            Effect::WakeAt(at) => {
                self.now = self.now.max(at);
                self.apply(Event::Woke);
            }
            Effect::LookUp { draft, key } => self.apply(Event::LookedUp {
                draft,
                key,
                result: LookUp::Found {
                    at: self.now,
                    server_id: Some("found".to_owned()),
                },
            }),
            _ => {}
        }
    }

    /// Journals the attempt, so that its request is sent.
    fn journal(&mut self) {
        assert!(matches!(self.effects[..], [Effect::Journal(_)]));
        self.carry_out(DeliveryOutcome::NoToken);
    }

    fn post(&mut self) {
        if let Some(confirmation) = self.run.confirmation() {
            self.apply(Event::Post {
                digest: confirmation.digest,
            });
        }
    }
}

/// An action of the operator, or the completion of an effect. Task numbers wrap around.
#[derive(Debug, Clone)]
enum Action {
    Approve(usize),
    Reject(usize),
    Post,
    CarryOut(DeliveryOutcome),
    Retry(usize),
    Resend(usize),
    LookUp(usize),
    Decide(usize, bool),
    Pause,
    Resume,
    Stop,
}

/// Texts with characters that are special in CSV, spreadsheets or terminals.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[=+@,;\"'\r\n\t a-]{0,6}",
        vec(any::<char>(), 0..12).prop_map(String::from_iter),
    ]
}

fn outcomes() -> impl Strategy<Value = DeliveryOutcome> {
    let message = texts;
    prop_oneof![
        4 => (any::<Option<u16>>(), proptest::option::of(texts())).prop_map(|(status, server_id)| {
            DeliveryOutcome::Delivered { status, server_id, id_at: None, replayed: false }
        }),
        1 => message().prop_map(|message| DeliveryOutcome::Refused {
            status: Some(422), code: "no".to_owned(), message, reasons: Vec::new(),
        }),
        1 => message().prop_map(|message| DeliveryOutcome::Failed {
            status: 429, retry_after: Some(1), message,
        }),
        1 => message().prop_map(|message| DeliveryOutcome::Unauthorized { status: 401, code: String::new(), message, reasons: Vec::new() }),
        2 => message().prop_map(|message| DeliveryOutcome::Unconfirmed {
            status: None, cause: UnconfirmedCause::NoResponse, message,
        }),
        1 => message().prop_map(|message| DeliveryOutcome::NotSent { message }),
        1 => Just(DeliveryOutcome::NoToken),
    ]
}

fn actions() -> impl Strategy<Value = Action> {
    let which = 0..8_usize;
    prop_oneof![
        3 => which.clone().prop_map(Action::Approve),
        1 => which.clone().prop_map(Action::Reject),
        2 => Just(Action::Post),
        9 => outcomes().prop_map(Action::CarryOut),
        1 => which.clone().prop_map(Action::Retry),
        1 => which.clone().prop_map(Action::Resend),
        1 => which.clone().prop_map(Action::LookUp),
        1 => (which, any::<bool>()).prop_map(|(at, delivered)| Action::Decide(at, delivered)),
        1 => Just(Action::Pause),
        1 => Just(Action::Resume),
        1 => Just(Action::Stop),
    ]
}

fn perform(harness: &mut Harness, actions: Vec<Action>) {
    let ids: Vec<_> = harness
        .run
        .drafts()
        .iter()
        .map(|draft| draft.id.clone())
        .collect();
    let id = |at: usize| ids[at % ids.len()].clone();
    for action in actions {
        match action {
            Action::Approve(at) => harness.apply(Event::Approve {
                drafts: vec![id(at)],
            }),
            Action::Reject(at) => harness.apply(Event::Reject {
                drafts: vec![id(at)],
                reason: String::new(),
            }),
            Action::Post => harness.post(),
            Action::CarryOut(outcome) => harness.carry_out(outcome),
            Action::Retry(at) => harness.apply(Event::Retry {
                drafts: vec![id(at)],
            }),
            Action::Resend(at) => harness.apply(Event::ResendSameKey { draft: id(at) }),
            Action::LookUp(at) => harness.apply(Event::LookUp { draft: id(at) }),
            Action::Decide(at, delivered) => harness.apply(Event::Decide {
                draft: id(at),
                delivered,
            }),
            Action::Pause => harness.apply(Event::Pause),
            Action::Resume => harness.apply(Event::Resume),
            Action::Stop => harness.apply(Event::StopPosting),
        }
    }
}

/// Parses CSV according to RFC 4180. Written independently of the code under test.
fn read_csv(text: &str) -> Vec<Vec<String>> {
    let mut records = vec![vec![String::new()]];
    let mut characters = text.chars().peekable();
    let mut is_quoted = false;
    while let Some(character) = characters.next() {
        let record = records.last_mut().unwrap();
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                record.last_mut().unwrap().push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => record.push(String::new()),
            '\r' if !is_quoted && characters.peek() == Some(&'\n') => {
                characters.next();
                records.push(vec![String::new()]);
            }
            '\r' | '\n' if !is_quoted => panic!("a bare line break outside quotes"),
            other => record.last_mut().unwrap().push(other),
        }
    }
    assert!(!is_quoted, "unclosed quote");
    assert_eq!(
        records.pop(),
        Some(vec![String::new()]),
        "the last record ends with a line break"
    );
    records
}

fn read_json_lines(text: &str) -> (Vec<Value>, Value) {
    let mut lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let summary = lines.pop().unwrap();
    assert_eq!(summary["record"], "summary");
    assert!(lines.iter().all(|line| line["record"] == "attempt"));
    (lines, summary)
}

/// The expected content of a cell.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut expected = String::new();
    if text.starts_with(['\t', '\r', '\n']) {
        expected.push('\'');
    }
    let mut begins = true;
    for (at, character) in text.char_indices() {
        if begins {
            let rest = text.get(at..).unwrap();
            let rest = rest.trim_start_matches([' ', '"']);
            if rest.starts_with(['=', '+', '-', '@']) {
                expected.push('\'');
            }
        }
        begins = matches!(character, ';' | '\t' | '\r' | '\n');
        expected.push(character);
    }
    expected
}

proptest! {
    #[test]
    fn both_formats_contain_every_attempt_and_the_summary_adds_up(
        titles in vec(texts(), 1..8),
        is_live in any::<bool>(),
        honours_keys in any::<bool>(),
        actions in vec(actions(), 0..80),
    ) {
        let mode = if is_live { Mode::Live } else { Mode::Dry };
        let mut harness = Harness::new(mode, honours_keys, &titles);
        perform(&mut harness, actions);
        let run = &harness.run;
        let attempts: usize = run.drafts().iter().map(|draft| draft.delivery.attempts.len()).sum();

        let (lines, summary) = read_json_lines(&receipts::text(run, ReceiptFormat::JsonLines, harness.now));
        prop_assert_eq!(lines.len(), attempts);
        prop_assert_eq!(&summary["attempts"], attempts);
        // Counted independently.
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        for draft in run.drafts() {
            *states.entry(Run::state(draft).slug()).or_default() += 1;
        }
        let summarized: BTreeMap<String, usize> =
            serde_json::from_value(summary["states"].clone()).unwrap();
        prop_assert_eq!(summarized.values().sum::<usize>(), titles.len());
        prop_assert_eq!(&summary["tasks"], titles.len());
        let states: BTreeMap<String, usize> =
            states.into_iter().map(|(state, count)| (state.to_owned(), count)).collect();
        prop_assert_eq!(summarized, states);

        let records = read_csv(&receipts::text(run, ReceiptFormat::Csv, harness.now));
        let (header, rows) = records.split_first().unwrap();
        prop_assert_eq!(rows.len(), attempts);
        for (row, line) in rows.iter().zip(&lines) {
            prop_assert_eq!(row.len(), header.len());
            for (name, text) in header.iter().zip(row) {
                prop_assert_eq!(text, &cell(&line[name]), "{}", name);
            }
        }
    }
}

fn delivered(id: &str) -> DeliveryOutcome {
    DeliveryOutcome::Delivered {
        status: Some(201),
        server_id: Some(id.to_owned()),
        id_at: None,
        replayed: false,
    }
}

fn unconfirmed() -> DeliveryOutcome {
    DeliveryOutcome::Unconfirmed {
        status: None,
        cause: UnconfirmedCause::NoResponse,
        message: "Failed to fetch".to_owned(),
    }
}

fn approve_and_post(harness: &mut Harness, count: usize) {
    let drafts = harness.run.approvable().into_iter().take(count).collect();
    harness.apply(Event::Approve { drafts });
    harness.post();
}

#[test]
fn a_receipt_contains_all_details_of_an_attempt() {
    let mut harness = Harness::new(Mode::Live, true, &["=HYPERLINK(\"x\")".to_owned()]);
    approve_and_post(&mut harness, 1);
    harness.journal();
    harness.carry_out(delivered("t-1"));
    let approval = harness.run.drafts()[0].approval().unwrap().clone();
    let (lines, _) = read_json_lines(&receipts::text(&harness.run, ReceiptFormat::JsonLines, NOW));
    assert_eq!(
        lines,
        [json!({
            "record": "attempt",
            "draft": "00000000000000000000000000000007-1",
            "task_key": "k0",
            "task_title": "=HYPERLINK(\"x\")",
            "task_state": "delivered",
            "attempt": 1,
            "outcome": "delivered",
            "decided_by": "server",
            "status": 201,
            "server_id": "t-1",
            "idempotency_key": approval.key,
            "key_sent": true, "is_test": false,
            "digest": approval.digest,
            "url": "http://localhost:8080/tasks",
            "started_at": "2023-11-14T22:13:20.028Z",
            "sent_at": "2023-11-14T22:13:20.035Z",
            "ended_at": "2023-11-14T22:13:20.042Z",
            "message": null,
        })]
    );
    let csv = receipts::text(&harness.run, ReceiptFormat::Csv, NOW);
    assert!(csv.contains(",\"'=HYPERLINK(\"\"x\"\")\","), "{csv}");
}

#[test]
fn a_receipt_names_who_determined_the_result() {
    let decided_by = |harness: &Harness| -> Vec<Value> {
        let (lines, _) =
            read_json_lines(&receipts::text(&harness.run, ReceiptFormat::JsonLines, NOW));
        lines
            .iter()
            .map(|line| line["decided_by"].clone())
            .collect()
    };
    let unconfirmed_task = |honours_keys| {
        let mut harness = Harness::new(Mode::Live, honours_keys, &["One".to_owned()]);
        approve_and_post(&mut harness, 1);
        harness.journal();
        harness.carry_out(unconfirmed());
        harness.apply(Event::StopPosting);
        harness
    };
    let mut harness = unconfirmed_task(true);
    let draft = harness.run.drafts()[0].id.clone();
    assert_eq!(decided_by(&harness), [Value::Null]);
    harness.apply(Event::LookUp {
        draft: draft.clone(),
    });
    let key = harness.run.drafts()[0]
        .delivery
        .last()
        .unwrap()
        .key
        .to_string();
    harness.apply(Event::LookedUp {
        draft: draft.clone(),
        key,
        result: LookUp::Found {
            at: NOW,
            server_id: None,
        },
    });
    assert_eq!(decided_by(&harness), ["look_up"]);

    let mut harness = unconfirmed_task(false);
    harness.apply(Event::Decide {
        draft: draft.clone(),
        delivered: false,
    });
    assert_eq!(decided_by(&harness), ["operator"]);
    harness.apply(Event::Retry {
        drafts: vec![draft],
    });
    harness.journal();
    harness.carry_out(delivered("t-2"));
    assert_eq!(decided_by(&harness), ["operator", "server"]);
}

#[test]
fn the_summary_includes_tasks_that_were_not_posted() {
    let titles: Vec<String> = ["One", "Two", "Three", "Four"].map(str::to_owned).to_vec();
    let mut harness = Harness::new(Mode::Live, false, &titles);
    approve_and_post(&mut harness, 1);
    harness.journal();
    harness.carry_out(delivered("t-1"));
    let ids: Vec<_> = harness
        .run
        .drafts()
        .iter()
        .map(|draft| draft.id.clone())
        .collect();
    harness.apply(Event::Approve {
        drafts: vec![ids[1].clone()],
    });
    harness.apply(Event::Reject {
        drafts: vec![ids[2].clone()],
        reason: "no".to_owned(),
    });
    assert_eq!(
        harness.run.summary().sentence(),
        "4 tasks: 1 delivered, 1 approved but not posted, 1 ready and 1 rejected."
    );
}

#[test]
fn a_file_name_contains_the_run_and_the_day() {
    let run = RunId::from_bits(0xabc);
    for (format, name) in [
        (
            ReceiptFormat::JsonLines,
            "taskwright-receipts-00000000000000000000000000000abc-2023-11-14.jsonl",
        ),
        (
            ReceiptFormat::Csv,
            "taskwright-receipts-00000000000000000000000000000abc-2023-11-14.csv",
        ),
    ] {
        assert_eq!(receipts::file_name(&run, format, NOW), name);
    }
}
