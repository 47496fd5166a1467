//! Puts the page into an element, and takes it out again.

use std::any::Any;
use std::rc::Rc;

use leptos::prelude::*;
use serde::Deserialize;
use wasm_bindgen::prelude::*;
use web_sys::HtmlElement;

use super::arguments::{self, Thrown};
use super::error::SurfaceError;
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

/// A page in an element.
#[wasm_bindgen(skip_typescript)]
pub struct AppHandle {
    mounted: Option<Mounted>,
}

struct Mounted {
    app: Rc<Application>,
    /// Dropped to take the page out of its element.
    view: Box<dyn Any>,
}

#[wasm_bindgen]
impl AppHandle {
    /// Takes the page out of its element and stops what is under way.
    #[wasm_bindgen(skip_typescript)]
    pub fn unmount(&mut self) {
        if let Some(mounted) = self.mounted.take() {
            mounted.app.close();
            drop(mounted.view);
        }
    }
}

impl Drop for AppHandle {
    /// The page stays: a handle that nobody keeps is collected at a time of the browser's choice,
    /// and that is no reason to take the page away.
    fn drop(&mut self) {
        std::mem::forget(self.mounted.take());
    }
}

/// Puts the page into `element`, in place of what is there.
///
/// # Errors
/// `invalid_argument` for what is no element, and for a configuration of another shape.
#[wasm_bindgen(skip_typescript)]
pub fn mount(element: &JsValue, config: &JsValue) -> Result<AppHandle, Thrown> {
    let element: HtmlElement =
        element
            .dyn_ref()
            .cloned()
            .ok_or_else(|| SurfaceError::Argument {
                argument: "element",
                reason: "must be an HTMLElement".to_owned(),
            })?;
    let config: AppConfig = match arguments::optional_json("config", config)? {
        Some(json) => shape::read("config", &json)?,
        None => AppConfig::default(),
    };
    app::panic_page::install();
    let schema = TaskSchema::parse(agent_task_schema()).map_err(SurfaceError::Schema)?;
    let query = config.query.unwrap_or_else(|| {
        web_sys::window()
            .and_then(|window| window.location().search().ok())
            .unwrap_or_default()
    });
    // The state outlives the view: what was under way when the page was taken out may still end.
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
