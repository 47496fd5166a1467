//! Records in IndexedDB: JSON texts under keys, written in one transaction and reported when it
//! has committed, not when the request has succeeded (W3C Indexed Database API 3.0, section 5).

use std::cell::RefCell;

use js_sys::{Array, Object, Promise, Reflect};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    IdbDatabase, IdbKeyRange, IdbOpenDbRequest, IdbRequest, IdbTransaction, IdbTransactionMode,
};

use super::words;
use crate::ports::{Durability, Entry, Store, StoreError, Table};

const NAME: &str = "taskwright";
const VERSION: u32 = 1;
const TABLES: [Table; 2] = [Table::Runs, Table::Drafts];

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase.transaction` with its third parameter, which web-sys does not have.
    type TransactionWithOptions;

    #[wasm_bindgen(method, catch, js_name = transaction)]
    fn transaction(
        this: &TransactionWithOptions,
        tables: &Array,
        mode: IdbTransactionMode,
        options: &Object,
    ) -> Result<IdbTransaction, JsValue>;
}

/// The page's database. It is opened at the first use, and again after it was lost.
#[derive(Default)]
pub struct Database {
    open: RefCell<Option<IdbDatabase>>,
}

impl Database {
    /// A database that is not open yet.
    #[must_use]
    pub fn new() -> Database {
        Database::default()
    }

    async fn opened(&self) -> Result<IdbDatabase, StoreError> {
        if let Some(database) = self.open.borrow().as_ref() {
            return Ok(database.clone());
        }
        let database = open().await?;
        *self.open.borrow_mut() = Some(database.clone());
        Ok(database)
    }

    async fn transaction(
        &self,
        table: &[Table],
        mode: IdbTransactionMode,
        durability: Durability,
    ) -> Result<IdbTransaction, StoreError> {
        let names: Array = table
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
        let database = self.opened().await?;
        match begin(&database) {
            Ok(transaction) => Ok(transaction),
            Err(_) => {
                // The browser closed it, for instance because its data was cleared: open it anew.
                *self.open.borrow_mut() = None;
                let database = self.opened().await?;
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
                // Nothing of a half written batch may stay.
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
        let after_all = format!("{prefix}\u{ffff}");
        let request = IdbKeyRange::bound(&prefix.into(), &after_all.as_str().into())
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
        .map_err(|error| unavailable(words(&error)))?
        .ok_or_else(|| unavailable("it has no IndexedDB here".to_owned()))?;
    let request = factory
        .open_with_u32(NAME, VERSION)
        .map_err(|error| unavailable(words(&error)))?;
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
                .map_err(|error| unavailable(words(&error)))?
                .unchecked_into();
            // A newer version in another tab must not wait for this one.
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

/// Waits for an event of `target`, or for its error. Says which event came.
async fn settled(
    target: &web_sys::EventTarget,
    good: &'static str,
    other: Option<&'static str>,
) -> Result<String, String> {
    // The promise's own functions are the listeners: calling them twice does no harm, and there is
    // nothing to be freed.
    let promise = Promise::new(&mut |resolve, reject| {
        for name in [Some(good), other].into_iter().flatten() {
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
            Err(named(&error))
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

/// What a thrown value says, its name first: a full disk is told by it.
fn named(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<web_sys::DomException>() {
        Some(exception) => format!("{}: {}", exception.name(), words(thrown)),
        None => words(thrown),
    }
}

fn failed(thrown: &JsValue) -> StoreError {
    let reason = named(thrown);
    if reason.starts_with("QuotaExceededError") {
        StoreError::Full { reason }
    } else {
        StoreError::Failed { reason }
    }
}
