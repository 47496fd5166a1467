//! Records in IndexedDB: JSON texts by key. A write is one transaction and is reported when that has
//! committed, not when its requests have succeeded (W3C Indexed Database API 3.0, section 5).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    IdbDatabase, IdbKeyRange, IdbOpenDbRequest, IdbRequest, IdbTransaction, IdbTransactionMode,
    IdbVersionChangeEvent,
};

use super::js_error_message;
use crate::ports::{Durability, Entry, Store, StoreError, Table};

const NAME: &str = "taskwright";
/// Version of the set of tables. Version 1 was never released.
const VERSION: u32 = 3;

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase.transaction` with its third parameter, which web-sys lacks.
    type TransactionWithOptions;

    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn transaction(
        this: &TransactionWithOptions,
        tables: &Array,
        mode: IdbTransactionMode,
        options: &Object,
    ) -> Result<IdbTransaction, JsValue>;
}

/// Called when the browser deletes the open database.
type OnDeleted = Rc<RefCell<Option<Box<dyn Fn()>>>>;

/// The page's database. It is opened at first use, and again if the browser closed it.
#[derive(Default)]
pub struct Database {
    shared: Rc<Shared>,
}

/// What the database shares with the listeners of its requests.
#[derive(Default)]
struct Shared {
    connection: RefCell<Option<IdbDatabase>>,
    /// Settles when the attempt to open it that is in progress ends. A second request to open it would
    /// wait for the first one, and would not learn that it is blocked.
    opening: RefCell<Option<Promise>>,
    /// Whether another tab blocks the request to open it.
    is_blocked: Cell<bool>,
    /// Whether it was open before, so that a new and empty database means that it was cleared.
    was_open: Cell<bool>,
    /// Whether it was cleared, and no write has reported that yet.
    is_cleared: Cell<bool>,
    /// Called when the browser deletes the open database.
    on_deleted: OnDeleted,
}

impl Database {
    /// Creates a database that is not open yet.
    #[must_use]
    pub fn new() -> Database {
        Database::default()
    }

    /// Sets what to call when the browser deletes the open database, or another tab does.
    pub fn on_deleted(&self, call: impl Fn() + 'static) {
        *self.shared.on_deleted.borrow_mut() = Some(Box::new(call));
    }

    async fn connect(&self) -> Result<IdbDatabase, StoreError> {
        loop {
            if let Some(database) = self.shared.connection.borrow().as_ref() {
                return Ok(database.clone());
            }
            if self.shared.is_blocked.get() {
                return Err(StoreError::Blocked);
            }
            let opening = self.shared.opening.borrow().clone();
            let Some(opening) = opening else { break };
            // Never rejected.
            let _ = JsFuture::from(opening).await;
        }
        let mut end = None;
        let opening = Promise::new(&mut |resolve, _reject| end = Some(resolve));
        *self.shared.opening.borrow_mut() = Some(opening);
        let opened = open(&self.shared).await;
        *self.shared.opening.borrow_mut() = None;
        if let Some(end) = end {
            // Resolving a promise cannot fail.
            let _ = end.call0(&JsValue::UNDEFINED);
        }
        opened
    }

    async fn transaction(
        &self,
        tables: &[Table],
        mode: IdbTransactionMode,
        durability: Durability,
    ) -> Result<IdbTransaction, StoreError> {
        let names: Array = tables
            .iter()
            .map(|table| JsValue::from_str(table.name()))
            .collect();
        let options = Object::new();
        let durability = match durability {
            Durability::Strict => "strict",
            Durability::Relaxed => "relaxed",
        };
        // Setting a member of a new object cannot fail.
        let _ = Reflect::set(&options, &"durability".into(), &durability.into());
        let begin = |database: &IdbDatabase| {
            database
                .unchecked_ref::<TransactionWithOptions>()
                .transaction(&names, mode, &options)
        };
        let database = self.connect().await?;
        match begin(&database) {
            Ok(transaction) => Ok(transaction),
            Err(_) => {
                // The browser closed the database, for example because the site's data was cleared.
                *self.shared.connection.borrow_mut() = None;
                let database = self.connect().await?;
                begin(&database).map_err(|error| failed(&error))
            }
        }
    }
}

impl Store for Database {
    async fn write(&self, entries: Vec<Entry>, durability: Durability) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let transaction = self
            .transaction(&Table::ALL, IdbTransactionMode::Readwrite, durability)
            .await?;
        if self.shared.is_cleared.replace(false) {
            // Without requests, the transaction ends by itself.
            return Err(StoreError::Cleared);
        }
        for entry in &entries {
            let put = transaction
                .object_store(entry.table.name())
                .and_then(|store| {
                    store.put_with_key(&entry.text.as_str().into(), &entry.key.as_str().into())
                });
            if let Err(error) = put {
                // Write all entries or none.
                let _ = transaction.abort();
                return Err(failed(&error));
            }
        }
        commit(&transaction).await
    }

    async fn read(&self, table: Table, key: &str) -> Result<Option<String>, StoreError> {
        let transaction = self
            .transaction(&[table], IdbTransactionMode::Readonly, Durability::Relaxed)
            .await?;
        let request = transaction
            .object_store(table.name())
            .and_then(|store| store.get(&key.into()))
            .map_err(|error| failed(&error))?;
        Ok(succeeded(&request).await?.as_string())
    }

    async fn read_all(&self, table: Table, prefix: &str) -> Result<Vec<String>, StoreError> {
        let transaction = self
            .transaction(&[table], IdbTransactionMode::Readonly, Durability::Relaxed)
            .await?;
        let request = starting_with(prefix)
            .and_then(|range| {
                transaction
                    .object_store(table.name())?
                    .get_all_with_key(&range)
            })
            .map_err(|error| failed(&error))?;
        let found: Array = succeeded(&request).await?.unchecked_into();
        Ok(found.iter().filter_map(|text| text.as_string()).collect())
    }

    async fn delete(&self, tables: &[Table], prefix: &str) -> Result<(), StoreError> {
        let transaction = self
            .transaction(tables, IdbTransactionMode::Readwrite, Durability::Strict)
            .await?;
        for table in tables {
            let deletion = starting_with(prefix)
                .and_then(|range| transaction.object_store(table.name())?.delete(&range));
            if let Err(error) = deletion {
                // Delete all records or none.
                let _ = transaction.abort();
                return Err(failed(&error));
            }
        }
        committed(&transaction).await
    }
}

/// The range of keys that start with `prefix`.
fn starting_with(prefix: &str) -> Result<IdbKeyRange, JsValue> {
    let upper_bound = format!("{prefix}\u{ffff}");
    IdbKeyRange::bound(&prefix.into(), &upper_bound.as_str().into())
}

async fn open(shared: &Rc<Shared>) -> Result<IdbDatabase, StoreError> {
    let unavailable = |reason: String| StoreError::Unavailable { reason };
    let window = web_sys::window().ok_or_else(|| unavailable("there is no window".to_owned()))?;
    let factory = window
        .indexed_db()
        .map_err(|error| unavailable(js_error_message(&error)))?
        .ok_or_else(|| unavailable("IndexedDB is not available".to_owned()))?;
    let request = factory
        .open_with_u32(NAME, VERSION)
        .map_err(|error| unavailable(js_error_message(&error)))?;
    let is_new = Rc::new(Cell::new(false));
    let upgraded = (request.clone(), Rc::clone(&is_new));
    // A request that is blocked now may be granted much later. Its upgrade must still create the
    // tables, so this listener is never removed.
    let on_upgrade = Closure::once_into_js(move |event: IdbVersionChangeEvent| {
        let (request, is_new) = upgraded;
        is_new.set(event.old_version() == 0.0);
        upgrade(&request);
    });
    request.set_onupgradeneeded(Some(on_upgrade.unchecked_ref()));
    match settled(&request, "success", Some("blocked")).await {
        Ok(name) if name == "blocked" => {
            use_when_opened(&request, shared, is_new);
            Err(StoreError::Blocked)
        }
        Ok(_) => {
            let database: IdbDatabase = request
                .result()
                .map_err(|error| unavailable(js_error_message(&error)))?
                .unchecked_into();
            shared.use_database(&database, is_new.get());
            Ok(database)
        }
        Err(error) if error.starts_with("VersionError") => Err(StoreError::Newer),
        Err(error) => Err(unavailable(error)),
    }
}

impl Shared {
    fn use_database(&self, database: &IdbDatabase, is_new: bool) {
        watch(database, &self.on_deleted);
        *self.connection.borrow_mut() = Some(database.clone());
        if self.was_open.replace(true) && is_new {
            self.is_cleared.set(true);
        }
    }
}

/// Uses the database of a blocked request once the other tab lets go.
fn use_when_opened(request: &IdbOpenDbRequest, shared: &Rc<Shared>, is_new: Rc<Cell<bool>>) {
    shared.is_blocked.set(true);
    let (opened, waiting) = (request.clone(), Rc::clone(shared));
    let on_success = Closure::once_into_js(move || {
        waiting.is_blocked.set(false);
        if let Ok(database) = opened.result() {
            waiting.use_database(&database.unchecked_into(), is_new.get());
        }
    });
    let failing = Rc::clone(shared);
    let on_error = Closure::once_into_js(move || failing.is_blocked.set(false));
    // Adding a listener to a live target cannot fail.
    let _ = request.add_event_listener_with_callback("success", on_success.unchecked_ref());
    let _ = request.add_event_listener_with_callback("error", on_error.unchecked_ref());
}

/// Closes the database when another tab upgrades or deletes it, so that it blocks nobody, and reports
/// that it was deleted, or closed by the browser, which happens when the site's data is cleared.
fn watch(database: &IdbDatabase, on_deleted: &OnDeleted) {
    let (old, on_change) = (database.clone(), Rc::clone(on_deleted));
    let on_version_change = Closure::once_into_js(move |event: IdbVersionChangeEvent| {
        old.close();
        if event.new_version().is_none() {
            call(&on_change);
        }
    });
    database.set_onversionchange(Some(on_version_change.unchecked_ref()));
    let on_close = Rc::clone(on_deleted);
    let on_close = Closure::once_into_js(move || call(&on_close));
    // Adding a listener to a live target cannot fail.
    let _ = database.add_event_listener_with_callback("close", on_close.unchecked_ref());
}

fn call(on_deleted: &OnDeleted) {
    if let Some(on_deleted) = on_deleted.borrow().as_ref() {
        on_deleted();
    }
}

fn upgrade(request: &IdbOpenDbRequest) {
    let Ok(result) = request.result() else { return };
    let database: IdbDatabase = result.unchecked_into();
    for table in Table::ALL {
        if !database.object_store_names().contains(table.name()) {
            // A failure here aborts the upgrade, which the open request reports.
            let _ = database.create_object_store(table.name());
        }
    }
}

async fn succeeded(request: &IdbRequest) -> Result<JsValue, StoreError> {
    settled(request, "success", None)
        .await
        .map_err(|reason| StoreError::Failed { reason })?;
    request.result().map_err(|error| failed(&error))
}

/// Waits for an event of `target` and returns its name, or the message of its error.
async fn settled(
    target: &web_sys::EventTarget,
    success: &'static str,
    alternative: Option<&'static str>,
) -> Result<String, String> {
    // The promise's own functions are the listeners: calling them twice is harmless, and nothing has
    // to be freed.
    let promise = Promise::new(&mut |resolve, reject| {
        for name in [Some(success), alternative].into_iter().flatten() {
            // Adding a listener to a live target cannot fail.
            let _ = target.add_event_listener_with_callback(name, &resolve);
        }
        for name in ["error", "abort"] {
            let _ = target.add_event_listener_with_callback(name, &reject);
        }
    });
    match JsFuture::from(promise).await {
        Ok(event) => Ok(event
            .dyn_ref::<web_sys::Event>()
            .map(web_sys::Event::type_)
            .unwrap_or_default()),
        Err(_) => {
            let error = Reflect::get(target, &"error".into()).unwrap_or(JsValue::UNDEFINED);
            Err(named_message(&error))
        }
    }
}

/// Commits a transaction that has all its requests, and waits until it has. Left to itself, the browser
/// commits only after the page has seen the requests succeed, and a reload before that loses them.
async fn commit(transaction: &IdbTransaction) -> Result<(), StoreError> {
    // `web-sys` calls it deprecated, the standard does not (section 4.10). If it fails, the transaction
    // reports that.
    #[allow(deprecated)]
    let _ = transaction.commit();
    committed(transaction).await
}

/// Waits until a transaction has committed. The `error` event of a failed request reaches the
/// transaction before its own error is set, so only its `abort` tells the reason.
async fn committed(transaction: &IdbTransaction) -> Result<(), StoreError> {
    let promise = Promise::new(&mut |resolve, reject| {
        // Adding a listener to a live target cannot fail.
        let _ = transaction.add_event_listener_with_callback("complete", &resolve);
        let _ = transaction.add_event_listener_with_callback("abort", &reject);
    });
    match JsFuture::from(promise).await {
        Ok(_) => Ok(()),
        Err(_) => Err(failed(
            &transaction
                .error()
                .map_or(JsValue::UNDEFINED, JsValue::from),
        )),
    }
}

/// Returns the message of a thrown value after its name, by which a full disk is recognized.
fn named_message(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<web_sys::DomException>() {
        Some(exception) => format!("{}: {}", exception.name(), js_error_message(thrown)),
        None => js_error_message(thrown),
    }
}

fn failed(thrown: &JsValue) -> StoreError {
    let reason = named_message(thrown);
    if reason.starts_with("QuotaExceededError") {
        StoreError::Full { reason }
    } else {
        StoreError::Failed { reason }
    }
}
