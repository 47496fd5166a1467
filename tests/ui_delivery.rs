//! A delivery as its operator sees it: what is going on, what waits for what, what can be done
//! about each task, and what another tab may not do.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod ui_support;

use leptos::prelude::*;
use taskwright::delivery::{DeliveryOutcome, LookUp};
use taskwright::model::GenerationOutcome;
use taskwright::review::DraftId;
use taskwright::run::{DeliveryProgress, Event, Mode, Phase};
use taskwright::ui::page::Problem;
use ui_support::{Mounted, drawn, focused, key, mount_run, task, type_into};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const NOW: u64 = 1_800_000_000_000;

/// A live run with these tasks, all of them valid and none approved.
async fn reviewed(tasks: &[String]) -> Mounted {
    let mounted = mount_run(Mode::Live, &tasks.len().to_string());
    for task in tasks {
        mounted.commands.arrive(task);
    }
    mounted.commands.end(GenerationOutcome::Complete);
    drawn().await;
    mounted
}

/// The same with every task approved and confirmed.
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

/// Lets an attempt leave, and what came of it be known.
async fn answer(mounted: &Mounted, ordinal: usize, attempt: u32, outcome: DeliveryOutcome) {
    let draft = id(mounted, ordinal);
    mounted.commands.apply(Event::Journaled {
        draft: draft.clone(),
        attempt,
    });
    mounted.commands.apply(Event::Answered {
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
        replayed: false,
    }
}

fn lost() -> DeliveryOutcome {
    DeliveryOutcome::MayHaveArrived {
        status: None,
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
async fn the_foot_says_what_is_going_on_how_fast_and_when_the_next_try_is() {
    let tasks: Vec<String> = (0..3).map(|at| task(&format!("t{at}"), "Do it")).collect();
    let mounted = posting(&tasks).await;
    answer(&mounted, 1, 1, delivered()).await;
    let mut progress = DeliveryProgress {
        standing: Phase::Going,
        left: 2,
        next_at: None,
        per_minute: Some(48),
        time_left: Some(120_000),
    };
    mounted.page.progress.set(Some((progress, NOW)));
    drawn().await;
    let foot = text(&mounted, ".post-bar .what");
    for words in [
        "Posting 1 of 3 to localhost:8080",
        "Up to 4 tasks side by side",
        "48 a minute, about 2 minutes left",
        "1 delivered",
        "2 sending",
    ] {
        assert!(foot.contains(words), "{words} in {foot}");
    }
    assert_eq!(
        text(&mounted, ".post-bar [role=status]"),
        "Up to 4 tasks side by side. 1 of 3 tasks done, about 2 minutes left."
    );
    progress.standing = Phase::Probing;
    progress.next_at = Some(NOW + 9_000);
    mounted.page.progress.set(Some((progress, NOW)));
    drawn().await;
    assert_eq!(
        text(&mounted, ".standing"),
        "The server was in trouble: trying one at a time, next try in 9 s"
    );
    assert!(mounted.all(".pace").is_empty());
    mounted.page.progress.set(Some((progress, NOW + 1_000)));
    drawn().await;
    assert!(text(&mounted, ".standing").ends_with("next try in 8 s"));
    mounted.press("Stop posting").await;
    assert_eq!(*mounted.commands.events.borrow(), [Event::StopPosting]);
}

#[wasm_bindgen_test]
async fn what_waits_says_for_what_and_posting_says_what_leads_on() {
    let tasks = [
        task("first", "Take a backup"),
        depending("second", "first"),
        depending("third", "second"),
    ];
    let mounted = reviewed(&tasks).await;
    let drafts = vec![id(&mounted, 2), id(&mounted, 3)];
    mounted.commands.apply(Event::Approve { drafts });
    drawn().await;
    mounted.press("Post 2 tasks to localhost:8080").await;
    let dialog = text(&mounted, "dialog");
    assert!(
        dialog.contains("All of them depend on tasks that are not approved"),
        "{dialog}"
    );
    mounted.press("Cancel").await;
    post(&mounted).await;
    let notices: Vec<String> = mounted
        .all(".task-note")
        .iter()
        .map(|note| note.text_content().unwrap())
        .collect();
    assert_eq!(
        notices,
        [
            "waits for first (not approved)",
            "waits for second (queued)"
        ]
    );
    let foot = text(&mounted, ".post-bar .what");
    assert!(
        foot.contains(
            "2 tasks wait for “Take a backup” (not approved). They go on once that is on the server."
        ),
        "{foot}"
    );
    mounted.press("Open the task that is not approved").await;
    assert_eq!(text(&mounted, "#task-title"), "Take a backup");
    mounted.press("Approve").await;
    assert!(mounted.has_button("Post 1 approved task…"));
    open(&mounted, 3).await;
    assert!(
        text(&mounted, "#panel-delivery").contains("It waits for “Task second”, which is queued.")
    );
    mounted.press("Open second").await;
    assert_eq!(text(&mounted, "#task-title"), "Task second");
}

#[wasm_bindgen_test]
async fn going_on_without_a_journal_is_a_deliberate_act_that_says_what_it_means() {
    let mounted = posting(&[task("first", "Take a backup")]).await;
    mounted.commands.apply(Event::JournalFailed {
        draft: id(&mounted, 1),
        attempt: 1,
        reason: "the disk is full".to_owned(),
    });
    drawn().await;
    assert!(text(&mounted, ".post-bar").contains("The browser said: the disk is full"));
    mounted.press("Go on without a journal…").await;
    let dialog = text(&mounted, "dialog");
    assert!(
        dialog.contains("nobody knows which tasks were sent")
            && dialog.contains("Export the receipts"),
        "{dialog}"
    );
    // What Enter presses is the way back.
    mounted.one("dialog button[type=submit]").click();
    drawn().await;
    assert!(mounted.commands.events.borrow().is_empty());
    mounted.press("Go on without a journal…").await;
    mounted.press("Go on without a journal").await;
    assert_eq!(
        *mounted.commands.events.borrow(),
        [Event::ContinueWithoutJournal]
    );
}

#[wasm_bindgen_test]
async fn that_nothing_can_be_written_down_is_said_before_posting() {
    let mounted = reviewed(&[task("first", "Take a backup")]).await;
    let drafts = vec![id(&mounted, 1)];
    mounted.commands.apply(Event::Approve { drafts });
    mounted.page.storage_problem.set(Some(Problem {
        code: "store_full".to_owned(),
        what: "The storage is full.".to_owned(),
        hint: "Make room.".to_owned(),
    }));
    drawn().await;
    mounted.press("Post 1 task to localhost:8080").await;
    let dialog = text(&mounted, "dialog [role=alert]");
    assert!(
        dialog.contains("Nothing can be written down") && dialog.contains("The storage is full."),
        "{dialog}"
    );
}

#[wasm_bindgen_test]
async fn a_task_that_is_unconfirmed_is_looked_up_and_only_a_task_that_is_there_proves_anything() {
    let mounted = posting(&[task("first", "Take a backup")]).await;
    answer(&mounted, 1, 1, lost()).await;
    open(&mounted, 1).await;
    let draft = id(&mounted, 1);
    let said = || text(&mounted, "#look-up-answer");
    mounted.press("Look it up on the server").await;
    assert!(said().contains("Asking the server"));
    mounted.press("Look it up on the server").await;
    assert_eq!(
        *mounted.commands.events.borrow(),
        [Event::LookUp {
            draft: draft.clone()
        }],
        "asked once at a time"
    );
    let come_back = |answer| {
        mounted.commands.apply(Event::LookedUp {
            draft: draft.clone(),
            answer,
        });
    };
    come_back(LookUp::NotFound { at: NOW });
    drawn().await;
    assert!(said().contains("That proves nothing"));
    assert!(mounted.has_button("It did not arrive"));
    mounted.press("Look it up on the server").await;
    come_back(LookUp::CannotTell {
        at: NOW,
        message: "The server answered 404.".to_owned(),
    });
    drawn().await;
    assert!(said().contains("tells nothing. The server answered 404."));
    mounted.press("Look it up on the server").await;
    come_back(LookUp::Found {
        at: NOW,
        server_id: Some("t-9".to_owned()),
    });
    drawn().await;
    assert_eq!(text(&mounted, ".task-row .task-state"), "Delivered");
    assert_eq!(text(&mounted, ".task-row .task-note"), "t-9");
    let delivery = text(&mounted, "#panel-delivery");
    assert!(
        delivery.contains("Looked up at") && delivery.contains("Server's idt-9"),
        "{delivery}"
    );
}

#[wasm_bindgen_test]
async fn an_attempt_tells_its_times_its_key_and_its_fingerprint() {
    let mounted = posting(&[task("first", "Take a backup")]).await;
    answer(&mounted, 1, 1, delivered()).await;
    open(&mounted, 1).await;
    let draft = mounted
        .page
        .draft(&id(&mounted, 1))
        .unwrap()
        .get_untracked();
    let approval = draft.approval().unwrap();
    mounted.press("Delivery 1").await;
    let attempt = text(&mounted, ".attempt");
    for words in [
        "Delivered: 201",
        "Written down",
        "Left",
        "after 0 ms",
        "HTTP status201",
        "Server's idt-1",
        "Tohttp://localhost:8080/tasks",
        "not sent: the server is not known to honour keys",
        &*approval.key,
        &*approval.digest,
    ] {
        assert!(attempt.contains(words), "{words} in {attempt}");
    }
}

#[wasm_bindgen_test]
async fn sending_all_failed_tasks_again_leaves_the_unknown_ones_alone() {
    let tasks: Vec<String> = (0..3).map(|at| task(&format!("t{at}"), "Do it")).collect();
    let mounted = posting(&tasks).await;
    answer(&mounted, 1, 1, delivered()).await;
    answer(&mounted, 2, 1, lost()).await;
    answer(&mounted, 3, 1, lost()).await;
    mounted.commands.apply(Event::Decide {
        draft: id(&mounted, 3),
        delivered: false,
    });
    drawn().await;
    assert!(!mounted.has_button("Send t1 again"));
    mounted.press("Send 1 failed task again").await;
    assert_eq!(
        *mounted.commands.events.borrow(),
        [Event::Retry {
            drafts: vec![id(&mounted, 3)]
        }]
    );
}

#[wasm_bindgen_test]
async fn a_tab_that_looks_on_says_so_and_bars_every_act_that_changes_the_run() {
    let tasks: Vec<String> = (0..3).map(|at| task(&format!("t{at}"), "Do it")).collect();
    let mounted = reviewed(&tasks).await;
    let drafts = vec![id(&mounted, 1)];
    mounted.commands.apply(Event::Approve { drafts });
    mounted.page.is_read_only.set(true);
    drawn().await;
    let band = text(&mounted, "#onlooker-band");
    assert!(
        band.contains("Another tab has this run") && band.contains("this one takes over"),
        "{band}"
    );
    open(&mounted, 2).await;
    mounted.commands.events.borrow_mut().clear();
    for name in [
        "Approve t1",
        "Reject t1",
        "Put t0 back",
        "Approve 2 valid tasks",
        "Approve",
        "Reject…",
        "Put the run aside",
        "Post 1 task to localhost:8080",
    ] {
        let button = mounted.button(name);
        assert_eq!(
            button.get_attribute("aria-disabled").as_deref(),
            Some("true"),
            "{name}"
        );
        assert_eq!(
            button.get_attribute("aria-describedby").as_deref(),
            Some("onlooker-band"),
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
    assert!(mounted.commands.asked.borrow().is_empty());
    assert!(mounted.all("dialog").is_empty());

    mounted.page.is_read_only.set(false);
    drawn().await;
    mounted.press("Approve t1").await;
    assert_eq!(mounted.commands.events.borrow().len(), 1);
}

#[wasm_bindgen_test]
async fn a_tab_that_looks_on_sees_how_far_posting_is_and_cannot_pause_it() {
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
        draft: id(&mounted, 3),
        reason: String::new(),
    });
    post(&mounted).await;
    answer(&mounted, 1, 1, delivered()).await;
    let banner = text(&mounted, ".banner[data-state=delivered]");
    assert!(
        banner.contains("Of 3 tasks: 1 delivered, 1 not decided and 1 rejected."),
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
    assert_eq!(*mounted.commands.asked.borrow(), ["save csv", "save jsonl"]);
    assert!(text(&mounted, "dialog [role=status]").contains("Saved as receipts"));
}

#[wasm_bindgen_test]
async fn the_settings_take_tasks_at_a_time_and_hours_and_name_the_field_that_is_wrong() {
    let mounted = reviewed(&[task("first", "Take a backup")]).await;
    mounted.press("Settings").await;
    type_into(&mounted.one("#concurrency"), "17").await;
    mounted.press("Save the settings").await;
    assert_eq!(focused(), "concurrency");
    assert_eq!(
        mounted
            .one("#concurrency")
            .get_attribute("aria-invalid")
            .as_deref(),
        Some("true")
    );
    type_into(&mounted.one("#concurrency"), "2").await;
    type_into(&mounted.one("#keys-kept-hours"), "48").await;
    mounted.press("Save the settings").await;
    let server = mounted.page.connection.get_untracked().task_server.unwrap();
    assert_eq!(
        (server.concurrency, server.idempotency_key_retention_hours),
        (2, 48)
    );
}
