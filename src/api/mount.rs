//! Mounts the page in an element, and unmounts it.

use std::any::Any;
use std::rc::Rc;

use leptos::prelude::*;
use serde::Deserialize;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

use super::arguments::{self, Thrown};
use super::error::ApiError;
use super::shape;
use crate::app::{self, Application, ApplicationCommands};
use crate::schema::{TaskSchema, agent_task_schema};
use crate::settings::Connection;
use crate::ui::commands::{CommandsHandle, PageCommands};
use crate::ui::page::Page;
use crate::ui::root::App;

/// `AppConfig` of the TypeScript types.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AppConfig {
    #[serde(default, deserialize_with = "shape::present")]
    query: Option<String>,
}

/// A page mounted in an element.
#[wasm_bindgen(skip_typescript)]
pub struct AppHandle {
    mounted: Option<Mounted>,
}

struct Mounted {
    app: Rc<Application>,
    /// Dropping it removes the page from its element.
    view: Box<dyn Any>,
}

#[wasm_bindgen]
impl AppHandle {
    /// Removes the page from its element and stops what is in progress.
    #[wasm_bindgen(skip_typescript)]
    pub fn unmount(&mut self) {
        if let Some(mounted) = self.mounted.take() {
            mounted.app.close();
            drop(mounted.view);
        }
    }
}

impl Drop for AppHandle {
    /// The page stays mounted: the browser collects an unused handle at any time, which must not
    /// remove the page.
    fn drop(&mut self) {
        std::mem::forget(self.mounted.take());
    }
}

/// Mounts the page in `element` and replaces its content.
///
/// # Errors
/// `invalid_argument` if `element` is not an `HTMLElement`, or `config` is not an `AppConfig`.
#[wasm_bindgen(skip_typescript)]
pub fn mount(element: &JsValue, config: &JsValue) -> Result<AppHandle, Thrown> {
    let element: HtmlElement = element
        .dyn_ref()
        .cloned()
        .ok_or_else(|| ApiError::Argument {
            argument: "element",
            reason: "must be an HTMLElement".to_owned(),
        })?;
    let config: AppConfig = match arguments::optional_json("config", config)? {
        Some(json) => shape::read("config", &json)?,
        None => AppConfig::default(),
    };
    app::panic_page::install();
    let schema = TaskSchema::parse(agent_task_schema()).map_err(ApiError::Schema)?;
    let query = config.query.unwrap_or_else(|| {
        web_sys::window()
            .and_then(|window| window.location().search().ok())
            .unwrap_or_default()
    });
    // The state outlives the view: requests may still end after the page was removed.
    let (page, app) = Owner::new().with(|| {
        let page = Page::new(Connection::built_in(), schema);
        (page, Application::open(page, &query))
    });
    let application = Rc::clone(&app);
    let view = leptos::mount::mount_to(element.clone(), move || {
        let commands: CommandsHandle = StoredValue::new_local(Rc::new(ApplicationCommands(
            application,
        )) as Rc<dyn PageCommands>);
        element.set_text_content(None);
        view! { <App page commands/> }
    });
    Ok(AppHandle {
        mounted: Some(Mounted {
            app,
            view: Box::new(view),
        }),
    })
}
