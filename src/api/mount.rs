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
use crate::app::setup::Setup;
use crate::app::{opening, panic_page};
use crate::pieces;
use crate::schema::{TaskSchema, agent_task_schema};
use crate::settings::Connection;
use crate::ui::commands::{CommandQueue, CommandsHandle};
use crate::ui::page::Page;
use crate::ui::root::App;
use crate::ui::shell::Shell;
use crate::ui::{lazy, stored_brief};

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
    commands: Rc<CommandQueue>,
    /// Dropping it removes the page from its element.
    view: Box<dyn Any>,
}

#[wasm_bindgen]
impl AppHandle {
    /// Removes the page from its element and stops what is in progress.
    #[wasm_bindgen(skip_typescript)]
    pub fn unmount(&mut self) {
        if let Some(mounted) = self.mounted.take() {
            mounted.commands.clear();
            mounted.commands.give(|commands| commands.close());
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
    panic_page::install();
    let schema = TaskSchema::parse(agent_task_schema()).map_err(ApiError::Schema)?;
    let query = config.query.unwrap_or_else(|| {
        web_sys::window()
            .and_then(|window| window.location().search().ok())
            .unwrap_or_default()
    });
    let commands = Rc::new(CommandQueue::default());
    let shell = Shell::read(&element);
    // The state outlives the view: requests may still end after the page was removed.
    let owner = Owner::new();
    let page = owner.with(|| Page::new(Connection::built_in(), schema));
    page.is_open.set(false);
    page.has_application.set(false);
    if let Some(shell) = &shell {
        page.form.set(shell.form.clone());
        page.is_generate_queued.set(shell.is_generate_queued);
    } else if let Some(form) = stored_brief::read() {
        page.form.set(form);
    }
    let queue = Rc::clone(&commands);
    let setup = Setup::begin(page, &query);
    pieces::run(async move {
        let open = || opening::open(Rc::clone(&setup), owner.clone());
        let attach = async {
            queue.attach(lazy::load(page, open).await);
            page.has_application.set(true);
        };
        futures_util::future::join(attach, setup.read()).await;
        queue.give(|commands| commands.settle());
    });
    let queue = Rc::clone(&commands);
    let container = element.clone();
    let view = leptos::mount::mount_to(element.clone(), move || {
        let commands: CommandsHandle = StoredValue::new_local(queue);
        container.set_text_content(None);
        view! { <App page commands/> }
    });
    if let Some(shell) = shell {
        shell.restore(&element);
    }
    Ok(AppHandle {
        mounted: Some(Mounted {
            commands,
            view: Box::new(view),
        }),
    })
}
