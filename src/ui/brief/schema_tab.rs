//! The schema that every task is checked against, and the rules relaxed for the model.

use leptos::prelude::*;

use crate::schema::agent_action_schema;
use crate::schema::strict::{ModelSchema, StrictError, model_schema};
use crate::text::{counted, sentences};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::code_block::CodeBlock;
use crate::ui::screen::Screen;

/// The schema's name, its roles, the rules relaxed for the model, and the exact text.
#[component]
pub fn SchemaTab(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let is_custom = move || {
        page.connection.with(|connection| {
            let text = connection.task_schema.as_deref();
            text.is_some_and(|text| text != agent_action_schema())
        })
    };
    let name = move || {
        let source = if is_custom() { "custom" } else { "built in" };
        page.schema
            .with(|schema| format!("{}, {source}", schema.name()))
    };
    let json_schema_draft = move || {
        page.schema.with(|schema| {
            let declared = schema.value().get("$schema").and_then(|uri| uri.as_str());
            declared.unwrap_or("JSON Schema 2020-12").to_owned()
        })
    };
    let role = move |label: &'static str, read: fn(&crate::schema::Roles) -> &Option<String>| {
        let member = move || page.schema.with(|schema| read(schema.roles()).clone());
        view! {
            <dt>{label}</dt>
            <dd>
                {move || match member() {
                    Some(name) => view! { <code>{name}</code> }.into_any(),
                    None => view! { <span class="soft">"none"</span> }.into_any(),
                }}
            </dd>
        }
    };
    let for_model = Memo::new(move |_| page.schema.with(|schema| model_schema(schema.value())));
    let text = Signal::derive(move || page.schema.with(|schema| schema.text().to_owned()));
    let size = Signal::derive(move || {
        Some(
            page.schema
                .with(|schema| counted(schema.text().len(), "byte")),
        )
    });
    view! {
        <dl class="facts">
            <dt>"Schema"</dt>
            <dd>{name}</dd>
            <dt>"JSON Schema version"</dt>
            <dd>{json_schema_draft}</dd>
            {role("Task key field", |roles| &roles.key)}
            {role("Title field", |roles| &roles.title)}
            {role("Dependencies field", |roles| &roles.depends_on)}
        </dl>
        <p class="hint">
            <Button
                kind=ButtonKind::Link
                label="Choose another schema…"
                opens_dialog=true
                on_press=move || screen.open_settings()
            />
        </p>
        {move || for_model.with(relaxations)}
        <CodeBlock
            caption="The schema every task is checked against"
            size
            copy="Copy schema"
            text
        />
    }
}

/// The rules relaxed for the model. Tasks are still checked against them.
fn relaxations(for_model: &Result<ModelSchema, StrictError>) -> AnyView {
    match for_model {
        Err(error) => view! {
            <h2 class="section-title">"The schema is given to the model as prompt text only"</h2>
            <p class="hint">{sentences(&error.to_string(), error.hint())}</p>
        }
        .into_any(),
        Ok(schema) if schema.relaxed.is_empty() => view! {
            <h2 class="section-title">"No rules relaxed for the model"</h2>
        }
        .into_any(),
        Ok(schema) => {
            let items = schema
                .relaxed
                .iter()
                .map(|relaxation| {
                    view! {
                        <li>
                            <code>{relaxation.pointer.clone()}</code>
                            " "
                            <span class="soft">{relaxation.why.clone()}</span>
                        </li>
                    }
                })
                .collect_view();
            view! {
                <h2 class="section-title">
                    {format!("{} relaxed for the model", counted(schema.relaxed.len(), "rule"))}
                </h2>
                <ul class="relaxed">{items}</ul>
            }
            .into_any()
        }
    }
}
