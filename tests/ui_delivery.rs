//! A delivery on the page: progress, waiting tasks, actions for each task, and read-only tabs.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod ui_support;

use leptos::prelude::*;
use taskwright::delivery::{DeliveryOutcome, LookUp, UnconfirmedCause};
use taskwright::model::GenerationOutcome;
use taskwright::review::DraftId;
use taskwright::run::{DeliveryProgress, Event, JournalEntry, Mode, Phase};
use taskwright::ui::page::Problem;
use ui_support::{Mounted, connection, drawn, focused, key, mount_run, task, type_into};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const NOW: u64 = 1_800_000_000_000;

/// A live run with these tasks, all valid and none approved.
async fn reviewed(tasks: &[String]) -> Mounted {
    let mounted = mount_run(Mode::Live, &tasks.len().to_string());
    for task in tasks {
        mounted.commands.arrive(task);
    }
    mounted.commands.end(GenerationOutcome::Complete);
    drawn().await;
    mounted
}

/// A live run that posts these tasks.
async fn posting(tasks: &[String]) -> Mounted {
    let mounted = reviewed(tasks).await;
    let drafts = mounted.page.approvable.get_untracked();
    mounted.commands.apply(Event::Approve { drafts });
    post(&mounted).await;
    mounted
}

async fn post(mounted: &Mounted) {
    let digest = mounted.page.confirmation.get_untracked().unwrap().digest;
    mounted.commands.apply(Event::Post { digest });
    drawn().await;
    mounted.commands.events.borrow_mut().clear();
}

fn id(mounted: &Mounted, ordinal: usize) -> DraftId {
    mounted.page.rows.get_untracked()[ordinal - 1].clone()
}

/// Sends an attempt and ends it with this outcome.
async fn end_attempt(mounted: &Mounted, ordinal: usize, attempt: u32, outcome: DeliveryOutcome) {
    let draft = id(mounted, ordinal);
    let approved = mounted.page.draft_untracked(&draft).unwrap();
    mounted.commands.apply(Event::Journaled(JournalEntry {
        draft: draft.clone(),
        attempt,
        digest: approved.approval().unwrap().digest.clone(),
    }));
    mounted.commands.apply(Event::AttemptEnded {
        draft,
        attempt,
        outcome,
    });
    drawn().await;
}

fn delivered() -> DeliveryOutcome {
    DeliveryOutcome::Delivered {
        status: Some(201),
        server_id: Some("t-1".to_owned()),
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

fn depending(key: &str, on: &str) -> String {
    format!(
        r#"{{"key":"{key}","title":"Task {key}","instructions":"Do it.","priority":"normal","depends_on":["{on}"]}}"#
    )
}

fn text(mounted: &Mounted, selector: &str) -> String {
    let text = mounted.one(selector).text_content().unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn open(mounted: &Mounted, ordinal: usize) {
    mounted.all(".task-open")[ordinal - 1].click();
    drawn().await;
}

#[wasm_bindgen_test]
async fn the_foot_shows_progress_speed_and_the_next_attempt() {
    let tasks: Vec<String> = (0..3).map(|at| task(&format!("t{at}"), "Do it")).collect();
    let mounted = posting(&tasks).await;
    end_attempt(&mounted, 1, 1, delivered()).await;
    let mut progress = DeliveryProgress {
        phase: Phase::Concurrent,
        left: 2,
        next_at: None,
        per_minute: Some(48),
        time_left: Some(120_000),
    };
    mounted.page.progress.set(Some((progress, NOW)));
    drawn().await;
    let foot = text(&mounted, ".post-bar .what");
    for expected in [
        "Posting 1 of 3 to localhost:8080",
        "Up to 4 tasks at a time",
        "48 per minute, about 2 minutes left",
        "1 delivered",
        "2 sending",
    ] {
        assert!(foot.contains(expected), "{expected} in {foot}");
    }
    assert_eq!(
        text(&mounted, ".post-bar [role=status]"),
        "Up to 4 tasks at a time. 1 of 3 tasks done, about 2 minutes left."
    );
    progress.phase = Phase::Probing;
    progress.next_at = Some(NOW + 9_000);
    mounted.page.progress.set(Some((progress, NOW)));
    drawn().await;
    assert_eq!(
        text(&mounted, ".activity"),
        "The server is failing: one task at a time, next attempt in 9 s"
    );
    assert!(mounted.all(".pace").is_empty());
    mounted.page.progress.set(Some((progress, NOW + 1_000)));
    drawn().await;
    assert!(text(&mounted, ".activity").ends_with("next attempt in 8 s"));
    mounted.press("Stop posting").await;
    assert_eq!(*mounted.commands.events.borrow(), [Event::StopPosting]);
}

#[wasm_bindgen_test]
async fn waiting_tasks_name_what_they_wait_for_and_the_foot_offers_to_open_it() {
    let tasks = [
        task("first", "Take a backup"),
        depending("second", "first"),
        depending("third", "second"),
    ];
    let mounted = reviewed(&tasks).await;
    let drafts = vec![id(&mounted, 2), id(&mounted, 3)];
    mounted.commands.apply(Event::Approve { drafts });
    drawn().await;
    mounted.press("Post 2 tasks to localhost:8080…").await;
    let dialog = text(&mounted, "dialog");
    assert!(
        dialog.contains("All of them depend on tasks that are not approved"),
        "{dialog}"
    );
    mounted.press("Cancel").await;
    post(&mounted).await;
    let notes: Vec<String> = mounted
        .all(".task-note")
        .iter()
        .map(|note| note.text_content().unwrap())
        .collect();
    assert_eq!(
        notes,
        [
            "waits for first (not approved)",
            "waits for second (queued)"
        ]
    );
    let foot = text(&mounted, ".post-bar .what");
    assert!(
        foot.contains(
            "2 tasks wait for “Take a backup” (not approved). Posting continues once it is delivered."
        ),
        "{foot}"
    );
    mounted.press("Open the unapproved task").await;
    assert_eq!(text(&mounted, "#task-title"), "Take a backup");
    mounted.press("Approve").await;
    assert!(mounted.has_button("Post 1 approved task…"));
    open(&mounted, 3).await;
    assert!(text(&mounted, "#panel-delivery").contains("Waits for “Task second” (queued)."));
    mounted.press("Open second").await;
    assert_eq!(text(&mounted, "#task-title"), "Task second");
}

#[wasm_bindgen_test]
async fn continuing_without_a_journal_takes_a_confirmation_that_explains_the_risk() {
    let mounted = posting(&[task("first", "Take a backup")]).await;
    mounted.commands.apply(Event::JournalFailed {
        draft: id(&mounted, 1),
        attempt: 1,
        reason: "the disk is full".to_owned(),
    });
    drawn().await;
    assert!(text(&mounted, ".post-bar").contains("The browser reported: the disk is full"));
    mounted.press("Continue without a journal…").await;
    let dialog = text(&mounted, "dialog");
    assert!(
        dialog.contains("there is no record of which tasks were sent")
            && dialog.contains("export the receipts"),
        "{dialog}"
    );
    // Enter cancels.
    mounted.one("dialog button[type=submit]").click();
    drawn().await;
    assert!(mounted.commands.events.borrow().is_empty());
    mounted.press("Continue without a journal…").await;
    mounted.press("Continue without a journal").await;
    assert_eq!(
        *mounted.commands.events.borrow(),
        [Event::ContinueWithoutJournal]
    );
}

#[wasm_bindgen_test]
async fn a_missing_journal_is_announced_before_posting() {
    let mounted = reviewed(&[task("first", "Take a backup")]).await;
    let drafts = vec![id(&mounted, 1)];
    mounted.commands.apply(Event::Approve { drafts });
    mounted.page.storage_problem.set(Some(Problem {
        code: "store_full".to_owned(),
        what: "The storage is full.".to_owned(),
        hint: "Make room.".to_owned(),
    }));
    drawn().await;
    mounted.press("Post 1 task to localhost:8080…").await;
    let dialog = text(&mounted, "dialog [role=alert]");
    assert!(
        dialog.contains("cannot store the journal") && dialog.contains("The storage is full."),
        "{dialog}"
    );
}

#[wasm_bindgen_test]
async fn only_a_look_up_that_finds_the_task_settles_an_unconfirmed_task() {
    let mounted = reviewed(&[task("first", "Take a backup")]).await;
    let mut connection = connection();
    if let Some(server) = &mut connection.task_server {
        server.honours_idempotency_keys = true;
    }
    mounted.commands.apply(Event::Connect(Box::new(connection)));
    let drafts = mounted.page.approvable.get_untracked();
    mounted.commands.apply(Event::Approve { drafts });
    post(&mounted).await;
    end_attempt(&mounted, 1, 1, unconfirmed()).await;
    // Otherwise it is sent again with its key.
    mounted.commands.apply(Event::StopPosting);
    drawn().await;
    open(&mounted, 1).await;
    mounted.commands.events.borrow_mut().clear();
    let draft = id(&mounted, 1);
    let result = || text(&mounted, "#look-up-result");
    mounted.press("Look up on the server").await;
    assert!(result().contains("Looking up this idempotency key"));
    mounted.press("Look up on the server").await;
    assert_eq!(
        *mounted.commands.events.borrow(),
        [Event::LookUp {
            draft: draft.clone()
        }],
        "one look-up at a time"
    );
    let return_look_up = |result| {
        let posted = mounted.page.draft_untracked(&draft).unwrap();
        mounted.commands.apply(Event::LookedUp {
            draft: draft.clone(),
            key: posted.delivery.last().unwrap().key.to_string(),
            result,
        });
    };
    return_look_up(LookUp::NotFound { at: NOW });
    drawn().await;
    assert!(result().contains("That proves nothing"));
    assert!(mounted.has_button("Mark as not delivered"));
    mounted.press("Look up on the server").await;
    return_look_up(LookUp::CannotTell {
        at: NOW,
        message: "The server answered 404.".to_owned(),
    });
    drawn().await;
    assert!(result().contains("the response is inconclusive. The server answered 404."));
    mounted.press("Look up on the server").await;
    return_look_up(LookUp::Found {
        at: NOW,
        server_id: Some("t-9".to_owned()),
    });
    drawn().await;
    assert_eq!(text(&mounted, ".task-row .task-state"), "Delivered");
    assert_eq!(text(&mounted, ".task-row .task-note"), "t-9");
    let delivery = text(&mounted, "#panel-delivery");
    assert!(
        delivery.contains("Looked up at") && delivery.contains("Server IDt-9"),
        "{delivery}"
    );
}

#[wasm_bindgen_test]
async fn an_attempt_shows_its_times_its_key_and_its_digest() {
    let mounted = posting(&[task("first", "Take a backup")]).await;
    end_attempt(&mounted, 1, 1, delivered()).await;
    open(&mounted, 1).await;
    let draft = mounted
        .page
        .draft(&id(&mounted, 1))
        .unwrap()
        .get_untracked();
    let approval = draft.approval().unwrap();
    mounted.press("Delivery 1").await;
    let attempt = text(&mounted, ".attempt");
    for expected in [
        "Delivered: 201",
        "Started",
        "Sent",
        "after 0 ms",
        "HTTP status201",
        "Server IDt-1",
        "Tohttp://localhost:8080/tasks",
        "Response",
        "not sent: the server is not known to honour idempotency keys",
        &*approval.key,
        &*approval.digest,
    ] {
        assert!(attempt.contains(expected), "{expected} in {attempt}");
    }
}

#[wasm_bindgen_test]
async fn resending_all_failed_tasks_leaves_unconfirmed_tasks_alone() {
    let tasks: Vec<String> = (0..3).map(|at| task(&format!("t{at}"), "Do it")).collect();
    let mounted = posting(&tasks).await;
    end_attempt(&mounted, 1, 1, delivered()).await;
    end_attempt(&mounted, 2, 1, unconfirmed()).await;
    end_attempt(&mounted, 3, 1, unconfirmed()).await;
    mounted.commands.apply(Event::Decide {
        draft: id(&mounted, 3),
        delivered: false,
    });
    drawn().await;
    assert!(!mounted.has_button("Resend t1"));
    mounted.press("Resend 1 failed task").await;
    assert_eq!(
        *mounted.commands.events.borrow(),
        [Event::Retry {
            drafts: vec![id(&mounted, 3)]
        }]
    );
}

#[wasm_bindgen_test]
async fn a_read_only_tab_says_so_and_disables_every_action_that_changes_the_run() {
    let tasks: Vec<String> = (0..3).map(|at| task(&format!("t{at}"), "Do it")).collect();
    let mounted = reviewed(&tasks).await;
    let drafts = vec![id(&mounted, 1)];
    mounted.commands.apply(Event::Approve { drafts });
    mounted.page.is_read_only.set(true);
    drawn().await;
    let band = text(&mounted, "#read-only-band");
    assert!(
        band.contains("This tab is read-only") && band.contains("this one takes over"),
        "{band}"
    );
    open(&mounted, 2).await;
    mounted.commands.events.borrow_mut().clear();
    for name in [
        "Approve t1",
        "Reject t1",
        "Undo approval of t0",
        "Approve 2 valid tasks, 2 not opened",
        "Approve and next",
        "Reject…",
        "Archive this run",
        "Post 1 task to localhost:8080…",
    ] {
        let button = mounted.button(name);
        assert_eq!(
            button.get_attribute("aria-disabled").as_deref(),
            Some("true"),
            "{name}"
        );
        assert_eq!(
            button.get_attribute("aria-describedby").as_deref(),
            Some("read-only-band"),
            "{name}"
        );
        button.click();
        drawn().await;
    }
    assert!(mounted.one("#json").has_attribute("readonly"));
    mounted.one("#task-2").focus().unwrap();
    key("a").await;
    key("r").await;
    assert!(mounted.commands.events.borrow().is_empty());
    assert!(mounted.commands.given.borrow().is_empty());
    assert!(mounted.all("dialog").is_empty());

    mounted.page.is_read_only.set(false);
    drawn().await;
    mounted.press("Approve t1").await;
    assert_eq!(mounted.commands.events.borrow().len(), 1);
}

#[wasm_bindgen_test]
async fn a_read_only_tab_shows_the_progress_of_posting_and_cannot_pause_it() {
    let mounted = posting(&[task("first", "Take a backup")]).await;
    mounted.page.is_read_only.set(true);
    drawn().await;
    assert!(
        text(&mounted, ".post-bar").contains("Another tab is posting 0 of 1 to localhost:8080")
    );
    for name in ["Pause posting", "Stop posting"] {
        mounted.press(name).await;
    }
    assert!(mounted.commands.events.borrow().is_empty());
}

#[wasm_bindgen_test]
async fn the_receipts_dialog_adds_up_and_saves_both_kinds_of_file() {
    let tasks: Vec<String> = (0..3).map(|at| task(&format!("t{at}"), "Do it")).collect();
    let mounted = reviewed(&tasks).await;
    mounted.commands.apply(Event::Approve {
        drafts: vec![id(&mounted, 1)],
    });
    mounted.commands.apply(Event::Reject {
        drafts: vec![id(&mounted, 3)],
        reason: String::new(),
    });
    post(&mounted).await;
    end_attempt(&mounted, 1, 1, delivered()).await;
    let banner = text(&mounted, ".banner[data-state=delivered]");
    assert!(
        banner.contains("3 tasks: 1 delivered, 1 ready and 1 rejected."),
        "{banner}"
    );
    mounted.press("Export receipts…").await;
    let sums: Vec<String> = mounted
        .all(".sums td")
        .iter()
        .map(|cell| cell.text_content().unwrap())
        .collect();
    assert_eq!(sums, ["1", "1", "1", "3"]);
    mounted.press("Save as CSV").await;
    mounted.press("Save as JSON Lines").await;
    assert_eq!(*mounted.commands.given.borrow(), ["save csv", "save jsonl"]);
    assert!(text(&mounted, "dialog [role=status]").contains("Saved as receipts"));
}

#[wasm_bindgen_test]
async fn the_settings_accept_concurrency_and_key_retention_and_focus_a_field_with_an_error() {
    let mounted = reviewed(&[task("first", "Take a backup")]).await;
    mounted.press("Settings").await;
    type_into(&mounted.one("#concurrency"), "17").await;
    mounted.press("Save settings").await;
    assert_eq!(focused(), "concurrency");
    assert_eq!(
        mounted
            .one("#concurrency")
            .get_attribute("aria-invalid")
            .as_deref(),
        Some("true")
    );
    type_into(&mounted.one("#concurrency"), "2").await;
    type_into(&mounted.one("#idempotency-key-retention"), "48").await;
    mounted.press("Save settings").await;
    let server = mounted.page.connection.get_untracked().task_server.unwrap();
    assert_eq!(
        (server.concurrency, server.idempotency_key_retention_hours),
        (2, 48)
    );
}
