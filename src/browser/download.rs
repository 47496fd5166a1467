//! A file that the browser saves for the operator, made of text that the page has.

use js_sys::Array;
use wasm_bindgen::JsCast;
use web_sys::{Blob, BlobPropertyBag, HtmlElement, Url};

use super::clock::PageClock;
use super::words;
use crate::ports::Clock;

/// For so long the text stays at its address, in milliseconds: a browser may read it only after
/// the operator has said where the file goes.
const KEPT_MILLISECONDS: u32 = 60_000;

/// Lets the browser save a text as a file. Nothing leaves the page for that.
///
/// # Errors
/// What the browser said where it cannot.
pub fn save(name: &str, media_type: &str, text: &str) -> Result<(), String> {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let parts = Array::of1(&text.into());
    let blob = Blob::new_with_str_sequence_and_options(&parts, &options)
        .map_err(|thrown| words(&thrown))?;
    let address = Url::create_object_url_with_blob(&blob).map_err(|thrown| words(&thrown))?;
    let clicked = click(name, &address);
    wasm_bindgen_futures::spawn_local(async move {
        PageClock.sleep(KEPT_MILLISECONDS).await;
        // An address that is not there any more needs no taking away.
        let _ = Url::revoke_object_url(&address);
    });
    clicked
}

/// Follows a link that is nowhere on the page.
fn click(name: &str, address: &str) -> Result<(), String> {
    let document = web_sys::window().and_then(|window| window.document());
    let link: HtmlElement = document
        .ok_or_else(|| "there is no page".to_owned())?
        .create_element("a")
        .map_err(|thrown| words(&thrown))?
        .unchecked_into();
    for (attribute, value) in [("href", address), ("download", name)] {
        link.set_attribute(attribute, value)
            .map_err(|thrown| words(&thrown))?;
    }
    link.click();
    Ok(())
}
