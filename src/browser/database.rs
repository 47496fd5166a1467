//! Records in IndexedDB: JSON texts by key. A write is one transaction and is reported when that has
//! committed, not when its requests have succeeded (W3C Indexed Database API 3.0, section 5).

use std::cell::RefCell;

use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    IdbDatabase, IdbKeyRange, IdbOpenDbRequest, IdbRequest, IdbTransaction, IdbTransactionMode,
};

use super::js_error_message;
use crate::ports::{Durability, Entry, Store, StoreError, Table};

const NAME: &str = "taskwright";
const VERSION: u32 = 1;
const TABLES: [Table; 2] = [Table::Runs, Table::Drafts];

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

/// The page's database. It is opened at first use, and again if the browser closed it.
#[derive(Default)]
pub struct Database {
    connection: RefCell<Option<IdbDatabase>>,
}

impl Database {
    /// Creates a database that is not open yet.
    #[must_use]
    pub fn new() -> Database {
        Database::default()
    }

    async fn connect(&self) -> Result<IdbDatabase, StoreError> {
        if let Some(database) = self.connection.borrow().as_ref() {
            return Ok(database.clone());
        }
        let database = open().await?;
        *self.connection.borrow_mut() = Some(database.clone());
        Ok(database)
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
                *self.connection.borrow_mut() = None;
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
            .transaction(&TABLES, IdbTransactionMode::Readwrite, durability)
            .await?;
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
        committed(&transaction).await
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
        let upper_bound = format!("{prefix}\u{ffff}");
        let request = IdbKeyRange::bound(&prefix.into(), &upper_bound.as_str().into())
            .and_then(|range| {
                transaction
                    .object_store(table.name())?
                    .get_all_with_key(&range)
            })
            .map_err(|error| failed(&error))?;
        let found: Array = succeeded(&request).await?.unchecked_into();
        Ok(found.iter().filter_map(|text| text.as_string()).collect())
    }
}

async fn open() -> Result<IdbDatabase, StoreError> {
    let unavailable = |reason: String| StoreError::Unavailable { reason };
    let window = web_sys::window().ok_or_else(|| unavailable("there is no window".to_owned()))?;
    let factory = window
        .indexed_db()
        .map_err(|error| unavailable(js_error_message(&error)))?
        .ok_or_else(|| unavailable("IndexedDB is not available".to_owned()))?;
    let request = factory
        .open_with_u32(NAME, VERSION)
        .map_err(|error| unavailable(js_error_message(&error)))?;
    let upgraded = request.clone();
    let on_upgrade = Closure::once(move || upgrade(&upgraded));
    request.set_onupgradeneeded(Some(on_upgrade.as_ref().unchecked_ref()));
    let outcome = settled(&request, "success", Some("blocked")).await;
    request.set_onupgradeneeded(None);
    match outcome {
        Ok(name) if name == "blocked" => Err(StoreError::Blocked),
        Ok(_) => {
            let database: IdbDatabase = request
                .result()
                .map_err(|error| unavailable(js_error_message(&error)))?
                .unchecked_into();
            // Do not block an upgrade by a newer version in another tab.
            let old = database.clone();
            let on_change = Closure::once_into_js(move || old.close());
            database.set_onversionchange(Some(on_change.unchecked_ref()));
            Ok(database)
        }
        Err(error) => Err(unavailable(error)),
    }
}

fn upgrade(request: &IdbOpenDbRequest) {
    let Ok(result) = request.result() else { return };
    let database: IdbDatabase = result.unchecked_into();
    for table in TABLES {
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

/// Waits until a transaction has committed.
async fn committed(transaction: &IdbTransaction) -> Result<(), StoreError> {
    match settled(transaction, "complete", None).await {
        Ok(_) => Ok(()),
        Err(reason) if reason.starts_with("QuotaExceededError") => Err(StoreError::Full { reason }),
        Err(reason) => Err(StoreError::Failed { reason }),
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
