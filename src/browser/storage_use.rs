//! How much this page stores, and whether the browser keeps it (WHATWG Storage Standard, section 4).

use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{StorageEstimate, StorageManager};

/// How much all pages of this origin store, as far as the browser tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StorageUse {
    /// Bytes in use.
    pub used: Option<u64>,
    /// Whether the browser deletes the data only if the user asks for it; `None` if it does not tell.
    pub is_persistent: Option<bool>,
}

/// Reads how much is stored.
pub async fn storage_use() -> StorageUse {
    let Some(storage) = manager() else {
        return StorageUse::default();
    };
    let estimate = settled(storage.estimate()).await;
    let used = estimate
        .and_then(|estimate| estimate.unchecked_into::<StorageEstimate>().get_usage())
        // `as` saturates.
        .map(|bytes| bytes as u64);
    let is_persistent = settled(storage.persisted())
        .await
        .map(|persisted| persisted.is_truthy());
    StorageUse {
        used,
        is_persistent,
    }
}

/// Asks the browser not to delete this page's data when space is short. Some browsers ask the user.
pub async fn request_persistence() {
    if let Some(storage) = manager() {
        // A refusal changes nothing; the list of runs shows it.
        let _ = settled(storage.persist()).await;
    }
}

async fn settled(promise: Result<Promise, JsValue>) -> Option<JsValue> {
    JsFuture::from(promise.ok()?).await.ok()
}

/// `None` outside secure contexts, where the member is missing although web-sys does not say so.
fn manager() -> Option<StorageManager> {
    let navigator = web_sys::window()?.navigator();
    let storage = js_sys::Reflect::get(&navigator, &"storage".into()).ok()?;
    storage.dyn_into().ok()
}
