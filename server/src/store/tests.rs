use super::database::FILE_NAME;
use super::*;
use rusqlite::Connection;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

const DAY: i64 = 24 * 60 * 60 * 1000;
/// Long enough for the tests to wait for a store to close.
const PATIENCE: Duration = Duration::from_secs(10);

fn task(text: &str, key: Option<&str>) -> NewTask {
    use sha2::{Digest as _, Sha256};
    NewTask {
        body: text.as_bytes().to_vec(),
        key: key.map(|key| IdempotencyKey {
            text: key.to_owned(),
            body_digest: Sha256::digest(text).into(),
        }),
    }
}

fn open_at(folder: &Path, now: &Arc<AtomicI64>) -> Store {
    let now = Arc::clone(now);
    let clock = Box::new(move || now.load(Ordering::SeqCst));
    Store::open_with_clock(
        folder,
        &StoreOptions::default(),
        clock,
        writer::PURGE_INTERVAL,
    )
    .unwrap()
}

fn open(folder: &Path) -> Store {
    Store::open(folder, &StoreOptions::default()).unwrap()
}

fn limited_to_one_mebibyte() -> StoreOptions {
    StoreOptions {
        max_mebibytes: Some(1),
        ..StoreOptions::default()
    }
}

/// A store with the task `0` that gives up after `timeout`, and whose transactions take as long as
/// `stall` when the returned switch is on, as on a disk that stalls.
async fn open_stalling(
    folder: &Path,
    timeout: Duration,
    stall: Duration,
) -> (Store, Arc<AtomicBool>) {
    let stalls = Arc::new(AtomicBool::new(false));
    let clock = {
        let stalls = Arc::clone(&stalls);
        // The clock is read inside the transaction.
        Box::new(move || {
            if stalls.load(Ordering::SeqCst) {
                std::thread::sleep(stall);
            }
            1_000 * DAY
        })
    };
    let options = StoreOptions {
        timeout,
        ..StoreOptions::default()
    };
    let store = Store::open_with_clock(folder, &options, clock, writer::PURGE_INTERVAL).unwrap();
    // After this, the clock is read in transactions only.
    // On a busy machine its time may be over before the writer begins; then nothing is stored.
    while let Err(error) = store.insert(task("0", None)).await {
        assert!(matches!(error, StoreError::Busy), "{error:?}");
    }
    (store, stalls)
}

async fn texts(store: &Store) -> Vec<String> {
    let filter = Filter {
        limit: 1_000,
        ..Filter::default()
    };
    let page = store.page(filter).await.unwrap();
    page.tasks.into_iter().map(|task| task.text).collect()
}

fn id_of(insertion: &Insertion) -> &str {
    match insertion {
        Insertion::Created(receipt) | Insertion::Replayed(receipt) => &receipt.id,
        Insertion::KeyReused => panic!("no receipt"),
    }
}

#[tokio::test]
async fn an_idempotency_key_is_retained_for_seven_days_and_deleted_after_eight() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(1_000 * DAY));
    let store = open_at(folder.path(), &now);
    let first = store.insert(task("{}", Some("k"))).await.unwrap();
    assert!(matches!(first, Insertion::Created(_)));
    store.close(PATIENCE);

    now.fetch_add(7 * DAY, Ordering::SeqCst);
    let store = open_at(folder.path(), &now);
    let again = store.insert(task("{}", Some("k"))).await.unwrap();
    assert!(matches!(again, Insertion::Replayed(_)));
    assert_eq!(id_of(&again), id_of(&first));
    store.close(PATIENCE);

    now.fetch_add(DAY + 1, Ordering::SeqCst);
    let store = open_at(folder.path(), &now);
    let later = store.insert(task("{}", Some("k"))).await.unwrap();
    assert!(matches!(later, Insertion::Created(_)));
    let both = store
        .page(Filter {
            idempotency_key: Some("k".to_owned()),
            limit: 10,
            ..Filter::default()
        })
        .await
        .unwrap();
    assert_eq!(both.tasks.len(), 2, "the tasks themselves are not deleted");
    store.close(PATIENCE);
}

#[tokio::test]
async fn expired_idempotency_keys_are_also_deleted_while_the_store_is_open() {
    for (purge_interval, is_deleted) in [(Duration::ZERO, true), (writer::PURGE_INTERVAL, false)] {
        let folder = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(1_000 * DAY));
        let clock = {
            let now = Arc::clone(&now);
            Box::new(move || now.load(Ordering::SeqCst))
        };
        let options = StoreOptions::default();
        let store = Store::open_with_clock(folder.path(), &options, clock, purge_interval).unwrap();
        store.insert(task("{}", Some("k"))).await.unwrap();
        now.fetch_add(9 * DAY, Ordering::SeqCst);
        // The keys are deleted after this transaction.
        store.insert(task("[]", None)).await.unwrap();
        let later = store.insert(task("{}", Some("k"))).await.unwrap();
        assert_eq!(matches!(later, Insertion::Created(_)), is_deleted);
        store.close(PATIENCE);
    }
}

#[tokio::test]
async fn inserts_in_one_batch_are_stored_in_order_and_once_per_key() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let mut waiting = Vec::new();
    for number in 0..400 {
        let store = Arc::clone(&store);
        waiting.push(tokio::spawn(async move {
            let key = format!("key-{}", number % 200);
            let text = format!("{{\"n\":{}}}", number % 200);
            store.insert(task(&text, Some(&key))).await.unwrap()
        }));
    }
    let mut created = 0;
    for insert in waiting {
        created += usize::from(matches!(insert.await.unwrap(), Insertion::Created(_)));
    }
    assert_eq!(created, 200);
    let page = store
        .page(Filter {
            limit: 1_000,
            ..Filter::default()
        })
        .await
        .unwrap();
    assert_eq!(page.tasks.len(), 200);
    assert!(page.tasks.is_sorted_by_key(|task| task.sequence));
}

#[tokio::test]
async fn a_page_ends_before_it_gets_too_large_and_the_next_one_continues() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let text = format!("\"{}\"", "x".repeat(1 << 20));
    for _ in 0..6 {
        store.insert(task(&text, None)).await.unwrap();
    }
    let filter = Filter {
        limit: 100,
        ..Filter::default()
    };
    let first = store.page(filter.clone()).await.unwrap();
    assert_eq!((first.tasks.len(), first.more), (4, true));
    let after = first.tasks.last().unwrap().sequence;
    let second = store.page(Filter { after, ..filter }).await.unwrap();
    assert_eq!((second.tasks.len(), second.more), (2, false));
}

#[tokio::test]
async fn a_task_and_its_key_are_stored_together_or_not_at_all() {
    for (table, column) in [("tasks", "idempotency_key"), ("idempotency_keys", "key")] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path());
        // FAIL keeps the row; only a rollback of the transaction removes it.
        let file = Connection::open(folder.path().join(FILE_NAME)).unwrap();
        file.execute_batch(&format!(
            "CREATE TRIGGER refuse AFTER INSERT ON {table} WHEN NEW.{column} = 'k'
             BEGIN SELECT RAISE(FAIL, 'refused'); END"
        ))
        .unwrap();
        let error = store.insert(task("{}", Some("k"))).await.unwrap_err();
        assert_eq!(error.code(), "database", "{table}");
        let rows = |table: &str| -> i64 {
            let query = format!("SELECT count(*) FROM {table}");
            file.query_row(&query, [], |row| row.get(0)).unwrap()
        };
        assert_eq!((rows("tasks"), rows("idempotency_keys")), (0, 0), "{table}");

        file.execute_batch("DROP TRIGGER refuse").unwrap();
        let taken = store.insert(task("{}", Some("k"))).await.unwrap();
        assert!(matches!(taken, Insertion::Created(_)), "{table}");
        assert_eq!((rows("tasks"), rows("idempotency_keys")), (1, 1), "{table}");
    }
}

#[tokio::test]
async fn a_full_store_refuses_a_large_task_and_still_accepts_a_small_one() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &limited_to_one_mebibyte()).unwrap();
    let large = format!("\"{}\"", "x".repeat(600 << 10));
    let first = store.insert(task(&large, Some("a"))).await.unwrap();
    let error = store.insert(task(&large, Some("b"))).await.unwrap_err();
    assert_eq!(error.code(), "database");
    assert!(!error.may_be_stored());
    assert!(!error.is_retryable());
    assert!(error.hint().contains("--max-store-size"));
    // A task that fits is still accepted, and the stored one is still found.
    let small = store.insert(task("{}", Some("c"))).await.unwrap();
    assert!(matches!(small, Insertion::Created(_)));
    let again = store.insert(task(&large, Some("a"))).await.unwrap();
    assert_eq!(id_of(&again), id_of(&first));
}

#[tokio::test]
async fn in_a_batch_only_the_task_that_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &limited_to_one_mebibyte()).unwrap();
    let large = format!("\"{}\"", "x".repeat(2 << 20));
    // All four are queued before the writer replies to any of them.
    let results = tokio::join!(
        store.insert(task("1", None)),
        store.insert(task("2", None)),
        store.insert(task(&large, None)),
        store.insert(task("3", None)),
    );
    assert!(results.0.is_ok() && results.1.is_ok() && results.3.is_ok());
    assert!(results.2.is_err());
}

#[tokio::test]
async fn a_store_that_is_turned_off_confirms_every_task_and_stores_none() {
    let store = Store::turned_off();
    let first = store.insert(task("{}", Some("k"))).await.unwrap();
    let second = store.insert(task("{}", Some("k"))).await.unwrap();
    assert!(matches!(second, Insertion::Created(_)));
    assert_ne!(id_of(&first), id_of(&second));
    assert!(
        store
            .find(id_of(&first).to_owned())
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.folder().is_none());
}

#[test]
fn a_store_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).close(PATIENCE);
    let file = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    file.pragma_update(None, "user_version", 2).unwrap();
    drop(file);
    assert!(matches!(
        Store::open(folder.path(), &StoreOptions::default()),
        Err(StoreError::Newer { found: 2 })
    ));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_has_access_to_the_data_folder_and_its_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("a").join("data");
    let store = open(&data);
    store.insert(task("{}", None)).await.unwrap();
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = std::fs::read_dir(&data)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() >= 2, "the file and its log: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_file_of_another_program_is_refused_and_left_as_it_is() {
    let sqlite = |statements: &'static str| {
        move |file: &Path| {
            Connection::open(file)
                .unwrap()
                .execute_batch(statements)
                .unwrap();
        }
    };
    type Make = Box<dyn Fn(&Path)>;
    let cases: [Make; 4] = [
        Box::new(sqlite("CREATE TABLE notes (text)")),
        Box::new(sqlite("PRAGMA application_id = 7")),
        Box::new(sqlite("PRAGMA user_version = 1")),
        Box::new(|file| std::fs::write(file, "no SQLite file".repeat(100)).unwrap()),
    ];
    for make in cases {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        make(&file);
        let before = std::fs::read(&file).unwrap();
        let error = Store::open(folder.path(), &StoreOptions::default()).unwrap_err();
        assert_eq!(error.code(), "foreign_store");
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
}

#[tokio::test]
async fn all_expired_keys_are_deleted_while_tasks_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let now = Arc::new(AtomicI64::new(1_000 * DAY));
    let store = open_at(folder.path(), &now);
    store.insert(task("{}", None)).await.unwrap();
    store.close(PATIENCE);
    let file = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    file.execute_batch(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
         INSERT INTO idempotency_keys SELECT 'k' || i, x'00', 1, 0 FROM n",
    )
    .unwrap();

    let store = open_at(folder.path(), &now);
    let started = std::time::Instant::now();
    store.insert(task("{}", Some("new"))).await.unwrap();
    let keys = || -> i64 {
        file.query_row("SELECT count(*) FROM idempotency_keys", [], |row| {
            row.get(0)
        })
        .unwrap()
    };
    while keys() > 1 {
        assert!(started.elapsed() < Duration::from_secs(30), "{}", keys());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn size_of(folder: &Path) -> u64 {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| !entry.file_name().to_string_lossy().ends_with("-shm"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum()
}

#[tokio::test]
async fn the_limit_includes_a_log_that_another_program_keeps_from_being_written_back() {
    const MEBIBYTE: u64 = 1 << 20;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), &limited_to_one_mebibyte()).unwrap();
    store.insert(task("0", None)).await.unwrap();
    let other = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    other
        .execute_batch("BEGIN; SELECT count(*) FROM tasks")
        .unwrap();
    // Small tasks, so that the file itself stays far below the limit.
    let mut refused = None;
    for number in 0..1_000 {
        let insertion = store.insert(task("1", Some(&number.to_string()))).await;
        if let Err(error) = insertion {
            refused = Some(error);
            break;
        }
    }
    let refused = refused.expect("the log grew without end");
    assert_eq!(
        (refused.code(), refused.may_be_stored()),
        ("database", false)
    );
    assert!(size_of(folder.path()) < MEBIBYTE + MEBIBYTE / 10);
    other.execute_batch("ROLLBACK").unwrap();
    store.insert(task("2", None)).await.unwrap();
    assert!(size_of(folder.path()) < MEBIBYTE / 2);
}

#[tokio::test]
async fn a_closed_store_leaves_one_file_that_holds_every_task() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for number in 0..10 {
        store.insert(task(&number.to_string(), None)).await.unwrap();
    }
    assert_eq!(texts(&store).await.len(), 10);
    store.close(PATIENCE);
    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(files, [FILE_NAME]);
    assert_eq!(texts(&open(folder.path())).await.len(), 10);
}

#[tokio::test]
async fn closing_does_not_wait_for_a_store_that_does_not_respond() {
    let folder = tempfile::tempdir().unwrap();
    let (timeout, stall) = (Duration::from_millis(50), Duration::from_secs(5));
    let (store, stalls) = open_stalling(folder.path(), timeout, stall).await;
    stalls.store(true, Ordering::SeqCst);
    store.insert(task("1", None)).await.unwrap_err();
    let started = std::time::Instant::now();
    store.close(Duration::from_millis(100));
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn an_insert_that_timed_out_while_the_store_was_locked_is_not_stored_later() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let other = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let wait = Duration::from_millis(300);
    let timed_out = tokio::time::timeout(wait, store.insert(task("{\"n\":1}", None))).await;
    assert!(timed_out.is_err(), "the other program holds the lock");
    other.execute_batch("ROLLBACK").unwrap();
    store.insert(task("{\"n\":2}", None)).await.unwrap();
    let page = store
        .page(Filter {
            limit: 10,
            ..Filter::default()
        })
        .await
        .unwrap();
    assert_eq!(page.tasks.len(), 1);
}

#[tokio::test]
async fn an_insert_whose_time_is_over_before_the_writer_begins_is_never_stored() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        timeout: Duration::from_millis(200),
        ..StoreOptions::default()
    };
    let store = Store::open(folder.path(), &options).unwrap();
    let other = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.insert(task("1", None)).await.unwrap_err();
    assert_eq!((error.code(), error.may_be_stored()), ("busy", false));
    other.execute_batch("ROLLBACK").unwrap();
    store.insert(task("2", None)).await.unwrap();
    assert_eq!(texts(&store).await, ["2"]);
}

#[tokio::test]
async fn an_insert_whose_time_is_over_after_the_writer_has_begun_may_be_stored() {
    let folder = tempfile::tempdir().unwrap();
    let (timeout, stall) = (Duration::from_millis(100), Duration::from_millis(600));
    let (store, stalls) = open_stalling(folder.path(), timeout, stall).await;
    stalls.store(true, Ordering::SeqCst);
    let error = store.insert(task("1", Some("k"))).await.unwrap_err();
    assert_eq!((error.code(), error.may_be_stored()), ("no_verdict", true));
    stalls.store(false, Ordering::SeqCst);
    tokio::time::sleep(stall).await;
    assert_eq!(texts(&store).await, ["0", "1"]);
}

#[tokio::test]
async fn an_insert_that_the_writer_has_begun_gets_its_result_even_if_it_is_late() {
    let folder = tempfile::tempdir().unwrap();
    let (timeout, stall) = (Duration::from_millis(400), Duration::from_millis(600));
    let (store, stalls) = open_stalling(folder.path(), timeout, stall).await;
    stalls.store(true, Ordering::SeqCst);
    let insertion = store.insert(task("1", None)).await.unwrap();
    assert!(matches!(insertion, Insertion::Created(_)));
}

#[tokio::test]
async fn a_full_queue_refuses_an_insert_immediately() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()));
    let other = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // More than the queue and the transaction that waits for the lock can hold.
    let mut inserts = tokio::task::JoinSet::new();
    for number in 0..2_000 {
        let store = Arc::clone(&store);
        inserts.spawn(async move { store.insert(task(&number.to_string(), None)).await });
    }
    let refused = inserts.join_next().await.unwrap().unwrap().unwrap_err();
    assert_eq!((refused.code(), refused.may_be_stored()), ("busy", false));
    inserts.shutdown().await;
    other.execute_batch("ROLLBACK").unwrap();
    let started = std::time::Instant::now();
    while store.insert(task("last", None)).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(texts(&store).await, ["last"]);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_not_healthy_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert!(store.check().await.is_ok());
    let file = Connection::open(folder.path().join(FILE_NAME)).unwrap();
    file.execute_batch("ALTER TABLE tasks RENAME TO hidden")
        .unwrap();
    assert!(store.find("x".to_owned()).await.is_err());
    assert!(store.check().await.is_err());
    file.execute_batch("ALTER TABLE hidden RENAME TO tasks")
        .unwrap();
    assert!(store.check().await.is_ok());
}
