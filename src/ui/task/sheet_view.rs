//! The open task as a document to read and to edit in place.

use std::collections::HashMap;
use std::sync::Arc;

use leptos::prelude::*;

use crate::delivery::DeliveryOutcome;
use crate::document::quote;
use crate::review::sheet::{Block, Field, FieldKey, RemarkSource, Remarks, Sheet};
use crate::review::{DraftId, DraftState};
use crate::run::{Run, TaskDraft};
use crate::schema::TaskSchema;
use crate::text::{capitalize, counted};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::focus::focus_by_id;
use crate::ui::controls::icons::{icon, state_mark, state_name};
use crate::ui::controls::visible_text::visible_text;
use crate::ui::screen::{Screen, TaskTab, title_of};
use crate::ui::task::field_changes::begin;
use crate::ui::task::field_editor::{EditButton, FieldEditor};
use crate::ui::task::field_tools::{FieldTools, has_lasting_tools};
use crate::ui::task::json_editor::edit_obstacle;
use crate::ui::task::new_field::NewField;
use crate::ui::task::pending_edits::EditWay;

/// How many fields the summary of remarks links to.
const MAX_LINKS: usize = 8;

/// What the fields of the open task share.
#[derive(Clone, Copy)]
pub struct SheetContext {
    /// The page.
    pub screen: Screen,
    /// The open task.
    pub id: StoredValue<DraftId>,
    /// Its draft.
    pub draft: RwSignal<Arc<TaskDraft>>,
    /// Its text as fields; `None` while it is not JSON.
    pub sheet: Memo<Option<Arc<Sheet>>>,
    /// What is wrong with it.
    pub remarks: Memo<Arc<Remarks>>,
    /// The tasks of the run by their key.
    keys: Memo<Arc<HashMap<String, DraftId>>>,
    /// Why it cannot be edited.
    pub obstacle: Memo<Option<&'static str>>,
    /// The array or object whose tools are shown.
    pub open_tools: RwSignal<Option<FieldKey>>,
}

impl SheetContext {
    /// The context of an open task.
    #[must_use]
    pub fn new(screen: Screen, id: DraftId, draft: RwSignal<Arc<TaskDraft>>) -> SheetContext {
        let schema = Memo::new(move |_| {
            screen
                .page
                .run
                .with(|run| run.as_ref().map(|run| run.schema.clone()))
        });
        let sheet = Memo::new(move |_| {
            let schema = schema.get()?;
            let document = draft.with(|draft| draft.content.document())?;
            Some(Arc::new(Sheet::new(
                &document,
                &schema,
                &screen.roles.read(),
            )))
        });
        let remarks = Memo::new(move |_| {
            let sheet = sheet.get();
            draft.with(|draft| {
                let remarks = sheet.as_deref().map(|sheet| remarks_about(draft, sheet));
                Arc::new(remarks.unwrap_or_default())
            })
        });
        let keys = Memo::new(move |_| {
            // The texts of other tasks do not change while this one is open.
            let rows = screen.page.rows.get();
            let roles = screen.roles.read();
            let keyed = rows.into_iter().rev().filter_map(|id| {
                let draft = screen.page.draft_untracked(&id)?;
                Some((draft.key(&roles)?, id))
            });
            // Of tasks with the same key, the first one is the one that is meant.
            Arc::new(keyed.collect())
        });
        SheetContext {
            screen,
            id: StoredValue::new(id),
            draft,
            sheet,
            remarks,
            keys,
            obstacle: Memo::new(move |_| edit_obstacle(screen, draft)),
            open_tools: RwSignal::new(None),
        }
    }

    /// The schema of the task, without tracking it.
    #[must_use]
    pub fn schema(&self) -> Option<TaskSchema> {
        let run = self.screen.page.run;
        run.with_untracked(|run| run.as_ref().map(|run| run.schema.clone()))
    }

    /// Whether the fields can be edited now. Tracks it.
    #[must_use]
    pub fn can_edit(&self) -> bool {
        self.obstacle.with(Option::is_none)
    }
}

/// Violations, and the reasons of the last attempt if the server refused the task.
fn remarks_about(draft: &TaskDraft, sheet: &Sheet) -> Remarks {
    let source = if Run::state(draft) == DraftState::Refused {
        RemarkSource::Server
    } else {
        RemarkSource::ServerBeforeEdit
    };
    let last = draft.delivery.attempts.last();
    let reasons = match last.and_then(|attempt| attempt.outcome.as_ref()) {
        Some(DeliveryOutcome::Refused { reasons, .. }) => reasons.as_slice(),
        _ => &[],
    };
    Remarks::new(
        sheet,
        draft.violations.as_deref().unwrap_or_default(),
        reasons
            .iter()
            .map(|reason| (reason.instance_path.as_str(), reason.message.as_str())),
        source,
    )
}

/// The tab *Task*.
#[component]
pub fn SheetView(context: SheetContext) -> impl IntoView {
    let SheetContext { screen, sheet, .. } = context;
    let body = move || match sheet.get() {
        Some(sheet) => {
            let fields: Vec<&Field> = match &sheet.root.block {
                // The title stands in the head of the pane.
                Block::Members(fields) => {
                    let in_head = sheet.title().map(|title| title.ordinal);
                    let is_here = |field: &&Field| Some(field.ordinal) != in_head;
                    fields.iter().filter(is_here).collect()
                }
                _ => Vec::new(),
            };
            let content = if fields.is_empty() {
                view! { <div class="sheet-root">{value(context, &sheet.root)}</div> }.into_any()
            } else {
                let members = members(context, &fields);
                view! {
                    {members}
                    {below(context, &sheet.root)}
                }
                .into_any()
            };
            view! {
                <Summary context sheet=Arc::clone(&sheet)/>
                {remark_list(context, &sheet.root)}
                {content}
            }
            .into_any()
        }
        None => {
            let edit = move || screen.edit_as_json();
            view! {
                <div class="notice" data-tone="warning">
                    {icon("warning")}
                    <p>"The text is not JSON, so its fields cannot be shown."</p>
                    <Button label="Open JSON" on_press=edit/>
                </div>
            }
            .into_any()
        }
    };
    let obstacle = move || {
        let obstacle = context.obstacle.get()?;
        Some(view! { <p class="hint" id="edit-why">{obstacle}</p> })
    };
    view! {
        <LostEdits context/>
        {body}
        {obstacle}
    }
}

/// How many remarks there are, with links to their fields.
#[component]
fn Summary(context: SheetContext, sheet: Arc<Sheet>) -> impl IntoView {
    move || {
        context.remarks.with(|remarks| {
            let fields: Vec<&Field> = sheet
                .fields()
                .filter(|field| !remarks.of(field).is_empty())
                .collect();
            let count: usize = fields.iter().map(|field| remarks.of(field).len()).sum();
            if count == 0 {
                return None;
            }
            let links = fields
                .iter()
                .take(MAX_LINKS)
                .map(|field| {
                    let target = element_id("field", &field.key);
                    let label = field.label.clone();
                    view! {
                        " "
                        <Button
                            kind=ButtonKind::Link
                            label
                            on_press=move || {
                                focus_by_id(&target);
                            }
                        />
                    }
                })
                .collect_view();
            Some(view! {
                <p class="remark-summary">{format!("{}:", counted(count, "problem"))} {links}</p>
            })
        })
    }
}

/// Typed texts whose field the task no longer has, or has with another kind of value.
#[component]
fn LostEdits(context: SheetContext) -> impl IntoView {
    let SheetContext {
        screen, id, sheet, ..
    } = context;
    let lost = Memo::new(move |_| {
        let edits = id.with_value(|id| screen.pending_edits.of(id));
        let sheet = sheet.get();
        let is_lost = |(key, way, _): &(FieldKey, EditWay, String)| {
            let field = sheet.as_ref().and_then(|sheet| sheet.field(key));
            !field.is_some_and(|field| way.fits(field))
        };
        edits.into_iter().filter(is_lost).collect::<Vec<_>>()
    });
    move || {
        lost.get()
            .into_iter()
            .map(|(key, _, text)| {
                let discard = {
                    let key = key.clone();
                    move || id.with_value(|id| screen.pending_edits.close(id, &key))
                };
                view! {
                    <div class="notice" data-tone="warning">
                        {icon("warning")}
                        <div>
                            <p>"The field " <code>{key.pointer}</code> " is gone. You typed:"</p>
                            <pre class="raw" tabindex="0">{text}</pre>
                        </div>
                        <Button label="Discard text" on_press=discard/>
                    </div>
                }
            })
            .collect_view()
    }
}

/// The members of an object. The sheet bounds the depth and so the recursion.
fn members(context: SheetContext, fields: &[&Field]) -> AnyView {
    let fields = fields
        .iter()
        .map(|field| {
            let name = field.name.clone().unwrap_or_default();
            view! {
                <div
                    class="sheet-field"
                    class:wide=field.block.is_wide()
                    id=element_id("field", &field.key)
                    tabindex="-1"
                    data-pointer=field.key.pointer.clone()
                >
                    <dt title=title_of_label(&name, field.description.as_deref())>
                        {visible_text(&field.label)}
                        {field
                            .is_duplicate
                            .then(|| view! { <span class="soft">" again"</span> })}
                    </dt>
                    <dd>{value(context, field)} {remark_list(context, field)}</dd>
                </div>
            }
        })
        .collect_view();
    view! { <dl class="sheet">{fields}</dl> }.into_any()
}

/// The exact name of a member and what the schema says about it.
fn title_of_label(name: &str, description: Option<&str>) -> String {
    match description {
        Some(description) => format!("{name}: {description}"),
        None => name.to_owned(),
    }
}

/// A value, or its editor while it is edited.
fn value(context: SheetContext, field: &Field) -> AnyView {
    let shown = {
        let field = field.clone();
        move || read_value(context, &field)
    };
    value_or_editor(context, field, shown)
}

/// What `shown` shows of a field, with a button to edit it, or its editor while it is edited.
pub fn value_or_editor(
    context: SheetContext,
    field: &Field,
    shown: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    let way = way_of(context, field);
    // A new field is added below what is there.
    let editing = Memo::new(move |_| way.get().filter(|way| *way != EditWay::NewField));
    let field = StoredValue::new(field.clone());
    (move || {
        let own = field.get_value();
        if let Some(way) = editing.get() {
            return view! { <FieldEditor context field=own way/> }.into_any();
        }
        let begin = Callback::new(move |()| {
            field.with_value(|field| match field.editor {
                Some(_) => begin(context, field, EditWay::Value),
                None => show_tools(context, field),
            });
        });
        let is_simple = own.editor.is_some();
        let edit = move |event: web_sys::MouseEvent| {
            // What is inside a container has its own editor.
            if is_simple {
                event.stop_propagation();
                begin.run(());
            }
        };
        let has_parts = !own.block.fields().is_empty();
        let below = (!is_simple).then(|| below(context, &own));
        view! {
            <div class="value" class:with-parts=has_parts on:dblclick=edit>
                {shown()}
                <EditButton context key=own.key.clone() label=own.label.clone() begin/>
            </div>
            {below}
        }
        .into_any()
    })
    .into_any()
}

/// How a field is edited.
fn way_of(context: SheetContext, field: &Field) -> Memo<Option<EditWay>> {
    let key = StoredValue::new(field.key.clone());
    let edits = context.screen.pending_edits;
    let SheetContext { id, .. } = context;
    let fitting = [
        EditWay::Value,
        EditWay::Json,
        EditWay::Kind,
        EditWay::NewField,
    ]
    .map(|way| way.fits(field).then_some(way));
    Memo::new(move |_| {
        let way = id.with_value(|id| key.with_value(|key| edits.way(id, key)));
        way.filter(|_| fitting.contains(&way))
    })
}

/// Shows the tools of an array, an object or a null, with the focus on the first one.
fn show_tools(context: SheetContext, field: &Field) {
    if context.obstacle.with_untracked(Option::is_some) {
        return;
    }
    context.open_tools.set(Some(field.key.clone()));
    let tools = element_id("tools", &field.key);
    request_animation_frame(move || {
        let row = document().get_element_by_id(&tools);
        let first = row.and_then(|row| row.query_selector("button").ok().flatten());
        if let Some(first) = first {
            focus_by_id(&first.id());
        }
    });
}

/// What stands below the parts of an array or an object: its tools, or the form for a new field.
fn below(context: SheetContext, field: &Field) -> AnyView {
    let way = way_of(context, field);
    let field = StoredValue::new(field.clone());
    let has_tools = Memo::new(move |_| {
        let is_open = field.with_value(|field| {
            let open = context.open_tools.read();
            has_lasting_tools(field) || open.as_ref() == Some(&field.key)
        });
        is_open && context.can_edit()
    });
    (move || {
        let own = field.get_value();
        let is_task = has_lasting_tools(&own);
        match way.get() {
            Some(EditWay::NewField) => view! { <NewField context field=own/> }.into_any(),
            Some(way) if is_task => view! { <FieldEditor context field=own way/> }.into_any(),
            _ if has_tools.get() => view! { <FieldTools context field=own/> }.into_any(),
            _ => ().into_any(),
        }
    })
    .into_any()
}

/// A value as it is read.
fn read_value(context: SheetContext, field: &Field) -> AnyView {
    match &field.block {
        Block::Title(text) | Block::Prose(text) | Block::Line(text) if text.is_empty() => {
            view! { <span class="soft">"empty text"</span> }.into_any()
        }
        // Blanks are not seen, so they are shown as they are written in JSON.
        Block::Title(text) | Block::Prose(text) | Block::Line(text) if text.trim().is_empty() => {
            view! { <code>{visible_text(&quote(text))}</code> }.into_any()
        }
        Block::Prose(text) => {
            view! { <p class="prose" dir="auto">{visible_text(text)}</p> }.into_any()
        }
        Block::Title(text) | Block::Line(text) => {
            let roles = context.screen.roles.read_untracked();
            let is_of_task = !field.key.positions.contains('.');
            let is_key = is_of_task && field.name.is_some() && field.name == roles.key;
            view! {
                <bdi class="line-text" class:key=is_key>
                    {visible_text(text)}
                </bdi>
            }
            .into_any()
        }
        Block::Chip(text) => {
            view! { <bdi class="value-chip">{visible_text(text)}</bdi> }.into_any()
        }
        Block::Number(digits) => view! { <span class="number">{digits.clone()}</span> }.into_any(),
        Block::Null => view! { <code>"null"</code> }.into_any(),
        Block::Dependency(key) => dependency(context, key),
        Block::Words(items) => {
            view! { <ul class="words">{items_of(context, items)}</ul> }.into_any()
        }
        Block::List(items) => {
            view! { <ul class="sheet-list">{items_of(context, items)}</ul> }.into_any()
        }
        Block::Sections(items) => {
            view! { <ol class="sections">{items_of(context, items)}</ol> }.into_any()
        }
        Block::Members(fields) => members(context, &fields.iter().collect::<Vec<_>>()),
        Block::Empty("[]") => view! { <span class="soft">"empty list"</span> }.into_any(),
        Block::Empty(_) => view! { <span class="soft">"empty object"</span> }.into_any(),
        Block::Json(text) => {
            view! { <pre class="raw" tabindex="0">{visible_text(text)}</pre> }.into_any()
        }
    }
}

fn items_of(context: SheetContext, items: &[Field]) -> impl IntoView + use<> {
    items
        .iter()
        .map(|item| {
            view! {
                <li id=element_id("field", &item.key) tabindex="-1" data-pointer=item.key.pointer.clone()>
                    {value(context, item)}
                    {remark_list(context, item)}
                </li>
            }
        })
        .collect_view()
}

/// The key of a task that this one depends on, as a link to it, with its state.
fn dependency(context: SheetContext, key: &str) -> AnyView {
    let SheetContext { screen, keys, .. } = context;
    let key = key.to_owned();
    (move || {
        let text = key.clone();
        let target = keys.with(|keys| keys.get(&key).cloned());
        let found = target.and_then(|id| Some((screen.page.draft(&id)?, id)));
        let Some((draft, id)) = found else {
            return view! {
                <span class="dependency">
                    <code>{visible_text(&text)}</code>
                    <span class="missing">"no such task"</span>
                </span>
            }
            .into_any();
        };
        let (state, title) = draft.with(|draft| {
            let roles = screen.roles.read();
            (Run::state(draft), title_of(draft, &roles))
        });
        view! {
            <span class="dependency" data-state=state_name(state)>
                <Button
                    kind=ButtonKind::Link
                    label=text.clone()
                    name=format!("Open {text}: {title}")
                    on_press=move || screen.open(id.clone(), TaskTab::Task)
                    attr:title=title.clone()
                />
                <span class="state-word">{state_mark(state)} {state.label()}</span>
            </span>
        }
        .into_any()
    })
    .into_any()
}

/// What is wrong with a field.
pub fn remark_list(context: SheetContext, field: &Field) -> impl IntoView + use<> {
    let field = field.clone();
    move || {
        context.remarks.with(|remarks| {
            let remarks = remarks.of(&field);
            if remarks.is_empty() {
                return None;
            }
            let items = remarks
                .iter()
                .map(|remark| {
                    let (source, name) = match remark.source {
                        RemarkSource::Schema => ("", "schema"),
                        RemarkSource::Server => ("The server: ", "server"),
                        RemarkSource::ServerBeforeEdit => {
                            ("The server, before the edit: ", "server")
                        }
                    };
                    let elsewhere = remark.elsewhere.clone();
                    view! {
                        <li class="remark" data-source=name>
                            {icon("warning")}
                            <span>
                                {source}
                                {elsewhere.map(|pointer| view! { <code>{pointer}</code> " " })}
                                {visible_text(&capitalize(&remark.message))}
                            </span>
                        </li>
                    }
                })
                .collect_view();
            let label = format!("Problems of {}", field.label);
            Some(view! {
                <ul class="remarks" id=element_id("remarks", &field.key) aria-label=label>
                    {items}
                </ul>
            })
        })
    }
}

/// The id of an element of a field.
pub fn element_id(element: &str, key: &FieldKey) -> String {
    if key.positions.is_empty() {
        format!("{element}-task")
    } else {
        format!("{element}-{}", key.positions)
    }
}
