//! A mounted page with a real run and no network. Commands are recorded; events are applied to the run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Each test file uses a part of this module.
#![allow(dead_code)]

use std::cell::RefCell;
use std::rc::Rc;

use leptos::mount::UnmountHandle;
use leptos::prelude::*;
use taskwright::brief::BriefForm;
use taskwright::document::Document;
use taskwright::driver;
use taskwright::model::GenerationOutcome;
use taskwright::review::export::ExportFormat;
use taskwright::review::{DraftId, RunId};
use taskwright::run::receipts::ReceiptFormat;
use taskwright::run::{Effect, Event, FollowUp, Mode, Run, Start};
use taskwright::schema::validator::{Validator, ValidatorOptions};
use taskwright::schema::{Check, TaskSchema, agent_task_schema};
use taskwright::secrets::{Secret, SecretSlot};
use taskwright::settings::{Address, Connection, ConnectionId, ModelEndpoint};
use taskwright::ui::commands::{CommandQueue, CommandsHandle, PageCommands};
use taskwright::ui::page::Page;
use taskwright::ui::root::{App, AppProps};
use taskwright::vault::VaultCredential;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// Records commands and applies events to a real run.
pub struct TestCommands {
    page: Page,
    run: RefCell<Option<Run>>,
    check: Validator,
    /// The commands that were given, except for events.
    pub given: RefCell<Vec<String>>,
    /// The events that the page sent.
    pub events: RefCell<Vec<Event>>,
}

impl TestCommands {
    /// Applies an event and the checks that follow from it.
    pub fn apply(&self, event: Event) {
        let mut queue = vec![event];
        while let Some(event) = queue.pop() {
            let mut run = self.run.borrow_mut();
            let run = run.as_mut().expect("a run");
            let step = run.apply(event, 1_800_000_000_000);
            self.page.refresh(run, &step.changes);
            for effect in step.effects {
                if let Effect::Check {
                    draft,
                    revision,
                    text,
                } = effect
                {
                    queue.push(driver::checked(&self.check, draft, revision, &text));
                }
            }
        }
    }

    /// Applies the arrival of a generated task.
    pub fn arrive(&self, text: &str) {
        let document = Document::parse(text).unwrap();
        let violations = self.check.check(&document);
        self.apply(Event::TaskArrived {
            document,
            violations,
        });
    }

    /// Ends the generation.
    pub fn end(&self, outcome: GenerationOutcome) {
        self.apply(Event::CallEnded {
            outcome,
            raw_response: "{\"tasks\":[".into(),
            reasoning: "".into(),
            proposal: None,
        });
    }
}

struct Handle(Rc<TestCommands>);

impl Handle {
    fn record(&self, command: &str) {
        self.0.given.borrow_mut().push(command.to_owned());
    }
}

impl PageCommands for Handle {
    fn start(&self, mode: Mode) {
        self.record(&format!("start {mode:?}"));
        let errors = self.0.page.form.get_untracked().check(0).err();
        self.0.page.brief_errors.set(errors.unwrap_or_default());
    }
    fn choose_mode(&self, mode: Mode) {
        self.0.page.chosen_mode.set(Some(mode));
    }
    fn go_live(&self) {
        self.record("go live");
    }
    fn import(&self, text: &str, mode: Mode) {
        self.record(&format!("import {mode:?} {text}"));
    }
    fn send(&self, event: Event) {
        self.0.events.borrow_mut().push(event.clone());
        self.0.apply(event);
    }
    fn estimate(&self, follow_up: Option<FollowUp>) {
        let estimate = follow_up.and_then(|follow_up| {
            let run = self.0.run.borrow();
            run.as_ref()?.estimate(follow_up)
        });
        self.0.page.estimate.set(estimate);
    }
    fn report_unstored_brief(&self, reason: &str) {
        self.record(&format!("unstored brief {reason}"));
    }
    fn prepare_post(&self) {}
    fn hold_secret(&self, slot: SecretSlot, address: &Address, value: &str, keep_for_tab: bool) {
        let origin = address.origin();
        self.record(&format!(
            "hold {} {origin} {value} {keep_for_tab}",
            slot.name()
        ));
        let held = (slot, origin);
        self.0
            .page
            .secrets_held
            .update(|secrets| secrets.push(held));
    }
    fn give_secret(&self, slot: SecretSlot, value: &str, keep_for_tab: bool) {
        self.record(&format!("give {} {value} {keep_for_tab}", slot.name()));
        self.0.page.secret_prompt.set(None);
    }
    fn dismiss_secret_prompt(&self) {
        self.record("dismiss secret prompt");
        self.0.page.secret_prompt.set(None);
    }
    fn ask_for(&self, slot: SecretSlot) {
        self.record(&format!("ask for {}", slot.name()));
    }
    fn open_vault_sign_in(&self) {
        self.record("open vault sign-in");
    }
    fn sign_in_to_vault(&self, _: VaultCredential) {
        self.record("sign in to vault");
    }
    fn dismiss_vault_sign_in(&self, enters_secret: bool) {
        self.record(&format!("dismiss vault sign-in {enters_secret}"));
        self.0.page.has_vault_prompt.set(false);
    }
    fn revoke_vault_token(&self, origin: String) {
        self.record(&format!("revoke vault token {origin}"));
    }
    fn forget_secrets(&self) {
        self.record("forget secrets");
    }
    fn connect(&self, connection: Connection, secrets: Vec<(SecretSlot, Secret)>) {
        self.record(&format!("connect {}", connection.name));
        for (slot, secret) in secrets {
            self.record(&format!("{} {secret:?}", slot.label()));
        }
        self.0.page.connection.set(connection);
    }
    fn test_connection(&self, connection: Connection, _secrets: Vec<(SecretSlot, Secret)>) {
        self.record(&format!("test {}", connection.name));
    }
    fn read_description(&self, address: Address, _is_document: bool) {
        self.record(&format!("read the description of {address}"));
    }
    fn list_connections(&self) {
        self.record("list connections");
    }
    fn choose_connection(&self, id: ConnectionId) {
        self.record(&format!("choose connection {}", id.as_str()));
    }
    fn duplicate_connection(&self, id: ConnectionId) {
        self.record(&format!("duplicate connection {}", id.as_str()));
    }
    fn delete_connection(&self, id: ConnectionId) {
        self.record(&format!("delete connection {}", id.as_str()));
    }
    fn restore_connection(&self) {
        self.record("restore connection");
    }
    fn export_connections(&self) {
        self.record("export connections");
    }
    fn import_connections(&self, text: &str) {
        self.record(&format!("import connections {text}"));
    }
    fn list_models(&self, _connection: Connection) {
        self.record("list models");
    }
    fn decide_host(&self, accepted: bool) {
        self.record(&format!("host {accepted}"));
        self.0.page.new_host.set(None);
    }
    fn archive(&self) {
        self.record("archive");
    }
    fn restore_removed(&self) {
        self.record("restore removed");
    }
    fn decide_open_work(&self, accepted: bool) {
        self.record(&format!("open work {accepted}"));
        self.0.page.work_prompt.set(None);
    }
    fn decide_unlocked(&self, accepted: bool) {
        self.record(&format!("unlocked {accepted}"));
        self.0.page.has_unlocked_prompt.set(false);
    }
    fn decide_leaks(&self, accepted: bool) {
        self.record(&format!("leaks {accepted}"));
        self.0.page.leak_prompt.set(None);
    }
    fn take_over(&self) {
        self.record("take over");
    }
    fn list_runs(&self) {
        self.record("list runs");
    }
    fn open_run(&self, id: String) {
        self.record(&format!("open {id}"));
    }
    fn rename_run(&self, id: String, name: String) {
        self.record(&format!("rename {id} {name}"));
    }
    fn set_archived(&self, id: String, is_archived: bool) {
        self.record(&format!("archive {id} {is_archived}"));
    }
    fn delete_run(&self, id: String) {
        self.record(&format!("delete {id}"));
    }
    fn delete_unreadable_run(&self, id: String) {
        self.record(&format!("delete unreadable {id}"));
    }
    fn delete_raw_responses(&self) {
        self.record("delete raw responses");
    }

    fn clear_adaptations(&self) {
        self.record("clear adaptations");
    }
    fn delete_all_data(&self) {
        self.record("delete all data");
    }
    fn save_receipts(&self, format: ReceiptFormat) {
        self.record(&format!("save {}", format.extension()));
        self.0.page.saved_file.set(Some("receipts".to_owned()));
    }
    fn save_tasks(&self, tasks: Vec<DraftId>, format: ExportFormat) {
        let ordinals: Vec<u32> = tasks.iter().map(|id| id.ordinal).collect();
        self.record(&format!("save tasks {ordinals:?} {}", format.extension()));
    }
    fn copy_diagnostics(&self) {
        self.record("copy diagnostics");
    }

    fn dismiss(&self, code: &str) {
        self.record(&format!("dismiss {code}"));
    }
    fn settle(&self) {
        self.record("settle");
    }
    fn close(&self) {
        self.record("close");
    }
}

/// The style sheets of the page, in its order.
const STYLE_SHEETS: [&str; 13] = [
    include_str!("../../static/styles/tokens.css"),
    include_str!("../../static/styles/base.css"),
    include_str!("../../static/styles/layout.css"),
    include_str!("../../static/styles/header.css"),
    include_str!("../../static/styles/controls.css"),
    include_str!("../../static/styles/brief.css"),
    include_str!("../../static/styles/list.css"),
    include_str!("../../static/styles/task.css"),
    include_str!("../../static/styles/sheet.css"),
    include_str!("../../static/styles/notices.css"),
    include_str!("../../static/styles/post.css"),
    include_str!("../../static/styles/dialogs.css"),
    include_str!("../../static/styles/stop.css"),
];

/// The style sheets of the page, applied until this value is dropped. Without them a test looks at
/// the markup alone.
pub struct Styles(Element);

impl Styles {
    /// Applies them.
    pub fn apply() -> Styles {
        let style = document().create_element("style").unwrap();
        style.set_text_content(Some(&STYLE_SHEETS.concat()));
        document().head().unwrap().append_child(&style).unwrap();
        Styles(style)
    }
}

impl Drop for Styles {
    fn drop(&mut self) {
        self.0.remove();
    }
}

/// A mounted page.
pub struct Mounted {
    pub page: Page,
    pub commands: Rc<TestCommands>,
    root: HtmlElement,
    _mounted: Box<dyn std::any::Any>,
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.root.remove();
    }
}

/// A connection with a local model.
pub fn connection() -> Connection {
    Connection {
        name: "Team queue".to_owned(),
        model: Some(ModelEndpoint::at(
            Address::parse("http://localhost:9/v1").unwrap(),
            "scripted",
        )),
        ..Connection::built_in()
    }
}

/// Mounts a page without a run.
pub fn mount() -> Mounted {
    let schema = TaskSchema::parse(agent_task_schema()).unwrap();
    let root: HtmlElement = document().create_element("div").unwrap().unchecked_into();
    document().body().unwrap().append_child(&root).unwrap();
    let handles = Rc::new(RefCell::new(None));
    let handles_of_page = Rc::clone(&handles);
    let handle: UnmountHandle<_> = leptos::mount::mount_to(root.clone(), move || {
        let page = Page::new(connection(), schema.clone());
        let commands = Rc::new(TestCommands {
            page,
            run: RefCell::new(None),
            check: Validator::compile(schema.value(), &ValidatorOptions::default()).unwrap(),
            given: RefCell::default(),
            events: RefCell::default(),
        });
        let handle: CommandsHandle = StoredValue::new_local(Rc::new(CommandQueue::to(Rc::new(
            Handle(Rc::clone(&commands)),
        ))));
        *handles_of_page.borrow_mut() = Some((page, commands));
        App(AppProps {
            page,
            commands: handle,
        })
    });
    let (page, commands) = handles.borrow_mut().take().unwrap();
    Mounted {
        page,
        commands,
        root,
        _mounted: Box::new(handle),
    }
}

/// Mounts a page with a run whose tasks are being generated.
pub fn mount_run(mode: Mode, count: &str) -> Mounted {
    let mounted = mount();
    start_run(&mounted, 7, mode, count);
    mounted
}

/// Shows another run whose tasks are being generated.
pub fn start_run(mounted: &Mounted, id: u128, mode: Mode, count: &str) {
    let brief = BriefForm {
        goal: "Ship it".to_owned(),
        count: count.to_owned(),
        ..BriefForm::default()
    };
    let (run, _step) = Run::start(Start {
        id: RunId::from_bits(id),
        mode,
        at: 1_800_000_000_000,
        brief: Some(brief.check(0).unwrap()),
        connection: connection(),
        schema: TaskSchema::parse(agent_task_schema()).unwrap(),
    });
    mounted.page.show(Some(&run));
    *mounted.commands.run.borrow_mut() = Some(run);
}

impl Mounted {
    /// The elements that match a selector.
    pub fn all(&self, selector: &str) -> Vec<HtmlElement> {
        let find: js_sys::Function = js_sys::Reflect::get(&self.root, &"querySelectorAll".into())
            .unwrap()
            .unchecked_into();
        let found = find.call1(&self.root, &selector.into()).unwrap();
        js_sys::Array::from(&found)
            .iter()
            .map(JsCast::unchecked_into)
            .collect()
    }

    /// The first element that matches a selector.
    pub fn one(&self, selector: &str) -> HtmlElement {
        self.all(selector)
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no {selector}"))
    }

    /// The button with this name.
    pub fn button(&self, name: &str) -> HtmlElement {
        self.all("button")
            .into_iter()
            .find(|button| name_of(button) == name)
            .unwrap_or_else(|| panic!("no button {name:?}"))
    }

    /// Whether there is a button with this name.
    pub fn has_button(&self, name: &str) -> bool {
        self.all("button")
            .iter()
            .any(|button| name_of(button) == name)
    }

    /// Presses a button and waits until the page is drawn.
    pub async fn press(&self, name: &str) {
        self.button(name).click();
        drawn().await;
    }
}

fn name_of(button: &Element) -> String {
    button
        .get_attribute("aria-label")
        .unwrap_or_else(|| button.text_content().unwrap_or_default())
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// Waits until changes are drawn and callbacks of the next frame have run.
pub async fn drawn() {
    for _ in 0..3 {
        let promise = js_sys::Promise::new(&mut |done, _| {
            request_animation_frame(move || {
                done.call0(&wasm_bindgen::JsValue::NULL).unwrap();
            });
        });
        wasm_bindgen_futures::JsFuture::from(promise).await.unwrap();
    }
}

/// Records all changes below an element.
pub struct Changes(js_sys::Object);

impl Changes {
    /// Starts recording.
    pub fn watch(element: &HtmlElement) -> Changes {
        let options = js_sys::Object::new();
        for kind in ["subtree", "childList", "attributes", "characterData"] {
            js_sys::Reflect::set(&options, &kind.into(), &true.into()).unwrap();
        }
        let class: js_sys::Function =
            js_sys::Reflect::get(&js_sys::global(), &"MutationObserver".into())
                .unwrap()
                .unchecked_into();
        // The records are stored on the observer itself.
        let keep = js_sys::Function::new_with_args(
            "records, observer",
            "observer.kept = (observer.kept ?? []).concat(records);",
        );
        let arguments = js_sys::Array::of1(&keep);
        let observer = js_sys::Reflect::construct(&class, &arguments).unwrap();
        let observe: js_sys::Function = js_sys::Reflect::get(&observer, &"observe".into())
            .unwrap()
            .unchecked_into();
        observe.call2(&observer, element, &options).unwrap();
        Changes(observer.unchecked_into())
    }

    /// The elements that changed or whose text changed.
    pub fn taken(&self) -> Vec<Element> {
        // Before the first change there is no such member.
        let kept = js_sys::Reflect::get(&self.0, &"kept".into()).unwrap();
        let kept = kept.dyn_into::<js_sys::Array>().unwrap_or_default();
        kept.iter()
            .map(|record| js_sys::Reflect::get(&record, &"target".into()).unwrap())
            .filter_map(|node| {
                let parent = js_sys::Reflect::get(&node, &"parentElement".into()).unwrap();
                node.dyn_into::<Element>()
                    .or_else(|_| parent.dyn_into())
                    .ok()
            })
            .collect()
    }
}

/// A DOM event of this class, as a user's action would cause.
fn event(class: &str, name: &str, details: &[(&str, wasm_bindgen::JsValue)]) -> web_sys::Event {
    let options = js_sys::Object::new();
    let flags = [("bubbles", true.into()), ("cancelable", true.into())];
    for (name, value) in flags.iter().chain(details) {
        js_sys::Reflect::set(&options, &(*name).into(), value).unwrap();
    }
    let class: js_sys::Function = js_sys::Reflect::get(&js_sys::global(), &class.into())
        .unwrap()
        .unchecked_into();
    let arguments = js_sys::Array::of2(&name.into(), &options);
    js_sys::Reflect::construct(&class, &arguments)
        .unwrap()
        .unchecked_into()
}

/// Types into a field.
pub async fn type_into(field: &HtmlElement, text: &str) {
    js_sys::Reflect::set(field, &"value".into(), &text.into()).unwrap();
    field.dispatch_event(&event("Event", "input", &[])).unwrap();
    drawn().await;
}

/// Presses a key on the focused element.
pub async fn key(name: &str) {
    let event = event("KeyboardEvent", "keydown", &[("key", name.into())]);
    document()
        .active_element()
        .unwrap()
        .dispatch_event(&event)
        .unwrap();
    drawn().await;
}

/// The id of the focused element.
pub fn focused() -> String {
    document()
        .active_element()
        .map(|element| element.id())
        .unwrap_or_default()
}

/// A task that is valid for the default schema.
pub fn task(key: &str, title: &str) -> String {
    format!(
        r#"{{"key":"{key}","title":{},"instructions":"Do it.","priority":"normal"}}"#,
        serde_json::to_string(title).unwrap()
    )
}
