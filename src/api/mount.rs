//! Puts the page into an element.

use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

use super::office::{Office, OfficeDesk};
use crate::schema::{TaskSchema, agent_task_schema};
use crate::settings::Connection;
use crate::ui::app::App;
use crate::ui::desk::{Desk, DeskHandle};
use crate::ui::page::Page;

/// Puts the page into `element`, in place of what is there. The page goes on until the tab is
/// closed.
///
/// # Errors
/// Only where the module itself is broken.
#[wasm_bindgen]
pub fn mount(element: HtmlElement) -> Result<(), JsError> {
    super::panic_page::install();
    let schema = TaskSchema::parse(agent_task_schema())?;
    let query = web_sys::window()
        .and_then(|window| window.location().search().ok())
        .unwrap_or_default();
    let handle = leptos::mount::mount_to(element.clone(), move || {
        let page = Page::new(Connection::built_in(), schema);
        let office = Office::open(page, &query);
        let desk: DeskHandle = StoredValue::new_local(Rc::new(OfficeDesk(office)) as Rc<dyn Desk>);
        element.set_text_content(None);
        view! { <App page desk/> }
    });
    handle.forget();
    Ok(())
}
