-- The store, version 1 (PRAGMA user_version).

-- `sequence` is the order of arrival, and what a cursor refers to. It is never reused.
CREATE TABLE tasks (
    sequence        INTEGER PRIMARY KEY AUTOINCREMENT,
    id              TEXT    NOT NULL UNIQUE,
    status          TEXT    NOT NULL,
    received_at     INTEGER NOT NULL, -- milliseconds since 1970-01-01T00:00:00Z
    idempotency_key TEXT,
    body            BLOB    NOT NULL  -- the posted bytes
) STRICT;

CREATE INDEX tasks_by_status ON tasks (status, sequence);
CREATE INDEX tasks_by_key ON tasks (idempotency_key, sequence) WHERE idempotency_key IS NOT NULL;

-- Idempotency keys are deleted earlier than their tasks.
CREATE TABLE idempotency_keys (
    key           TEXT    NOT NULL PRIMARY KEY,
    body_digest   BLOB    NOT NULL, -- SHA-256 of the posted bytes
    task_sequence INTEGER NOT NULL REFERENCES tasks (sequence),
    received_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (received_at);
