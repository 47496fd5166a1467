//! Queries of the store.

use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension as _, Row, Statement, params};

use super::{IdempotencyKey, Insertion, Receipt, StoredTask};

/// Total size of tasks after which a page ends early: 200 tasks of 1 MiB would use too much memory.
const MAX_PAGE_BYTES: usize = 4 << 20;

const COLUMNS: &str = "sequence, id, status, received_at, idempotency_key, body";

/// Selects the tasks of a page.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only tasks that arrived after the one with this sequence number.
    pub after: i64,
    /// Only tasks with this status.
    pub status: Option<String>,
    /// Only tasks posted with this idempotency key.
    pub idempotency_key: Option<String>,
    /// Maximum number of tasks.
    pub limit: usize,
}

/// Tasks in order of arrival.
#[derive(Debug)]
pub struct Page {
    /// The tasks.
    pub tasks: Vec<StoredTask>,
    /// Whether more tasks follow the last one.
    pub more: bool,
}

/// Finds the task posted with an idempotency key.
pub(super) const FIND_KEY: &str = "SELECT k.body_digest, t.id, t.received_at
     FROM idempotency_keys k JOIN tasks t ON t.sequence = k.task_sequence
     WHERE k.key = ?1";

pub(super) fn find_key(
    connection: &Connection,
    key: &IdempotencyKey,
) -> Result<Option<Insertion>, rusqlite::Error> {
    find_key_by(&mut connection.prepare(FIND_KEY)?, key)
}

/// Like [`find_key`], with a statement prepared from [`FIND_KEY`].
pub(super) fn find_key_by(
    statement: &mut Statement<'_>,
    key: &IdempotencyKey,
) -> Result<Option<Insertion>, rusqlite::Error> {
    statement
        .query_row(params![key.text], |row| {
            let digest = row.get_ref(0)?.as_blob()?;
            Ok(if digest == key.body_digest {
                Insertion::Replayed(Receipt {
                    id: row.get(1)?,
                    received_at: row.get(2)?,
                })
            } else {
                Insertion::KeyReused
            })
        })
        .optional()
}

pub(super) fn find(
    connection: &Connection,
    id: &str,
) -> Result<Option<StoredTask>, rusqlite::Error> {
    connection
        .query_row(
            &format!("SELECT {COLUMNS} FROM tasks WHERE id = ?1"),
            params![id],
            stored_task,
        )
        .optional()
}

pub(super) fn page(connection: &Connection, filter: &Filter) -> Result<Page, rusqlite::Error> {
    let mut query = format!("SELECT {COLUMNS} FROM tasks WHERE sequence > ?");
    let mut values: Vec<&dyn ToSql> = vec![&filter.after];
    if let Some(status) = &filter.status {
        query.push_str(" AND status = ?");
        values.push(status);
    }
    if let Some(key) = &filter.idempotency_key {
        query.push_str(" AND idempotency_key = ?");
        values.push(key);
    }
    query.push_str(" ORDER BY sequence");

    let mut statement = connection.prepare(&query)?;
    let mut rows = statement.query(values.as_slice())?;
    let mut tasks = Vec::new();
    let mut bytes = 0_usize;
    while let Some(row) = rows.next()? {
        if tasks.len() >= filter.limit || bytes >= MAX_PAGE_BYTES {
            return Ok(Page { tasks, more: true });
        }
        let task = stored_task(row)?;
        bytes = bytes.saturating_add(task.text.len());
        tasks.push(task);
    }
    Ok(Page { tasks, more: false })
}

pub(super) fn check(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.query_row(
        "SELECT count(*) FROM (SELECT 1 FROM tasks LIMIT 1)",
        [],
        |_| Ok(()),
    )
}

fn stored_task(row: &Row<'_>) -> Result<StoredTask, rusqlite::Error> {
    let body: Vec<u8> = row.get(5)?;
    let text = String::from_utf8(body).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            5,
            rusqlite::types::Type::Blob,
            Box::new(error.utf8_error()),
        )
    })?;
    Ok(StoredTask {
        sequence: row.get(0)?,
        id: row.get(1)?,
        status: row.get(2)?,
        received_at: row.get(3)?,
        idempotency_key: row.get(4)?,
        text,
    })
}
