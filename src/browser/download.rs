//! Lets the operator save a text of the page as a file.

use js_sys::Array;
use wasm_bindgen::JsCast;
use web_sys::{Blob, BlobPropertyBag, HtmlElement, Url};

use super::clock::PageClock;
use super::js_error_message;
use crate::ports::Clock;

/// Lifetime of the object URL, in milliseconds: a browser may read it only after the operator has
/// chosen where to save the file.
const URL_LIFETIME_MILLISECONDS: u32 = 60_000;

/// Lets the browser save a text as a file. Sends no request.
///
/// # Errors
/// Returns the browser's message.
pub fn save(name: &str, media_type: &str, text: &str) -> Result<(), String> {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let parts = Array::of1(&text.into());
    let blob = Blob::new_with_str_sequence_and_options(&parts, &options)
        .map_err(|thrown| js_error_message(&thrown))?;
    let url =
        Url::create_object_url_with_blob(&blob).map_err(|thrown| js_error_message(&thrown))?;
    let clicked = click(name, &url);
    wasm_bindgen_futures::spawn_local(async move {
        PageClock.sleep(URL_LIFETIME_MILLISECONDS).await;
        // Revoking cannot fail.
        let _ = Url::revoke_object_url(&url);
    });
    clicked
}

/// Clicks a link that is not in the document.
fn click(name: &str, url: &str) -> Result<(), String> {
    let document = web_sys::window().and_then(|window| window.document());
    let link: HtmlElement = document
        .ok_or_else(|| "there is no document".to_owned())?
        .create_element("a")
        .map_err(|thrown| js_error_message(&thrown))?
        .unchecked_into();
    for (attribute, value) in [("href", url), ("download", name)] {
        link.set_attribute(attribute, value)
            .map_err(|thrown| js_error_message(&thrown))?;
    }
    link.click();
    Ok(())
}
