//! The schema that every task is checked against, and what the model is not told of it.

use leptos::prelude::*;

use crate::schema::strict::{ModelSchema, StrictError, model_schema};
use crate::text::{counted, grouped};
use crate::ui::controls::code_block::CodeBlock;
use crate::ui::screen::{Dialog, Screen};

/// Name, roles, what is relaxed for the model, the exact text.
#[component]
pub fn SchemaTab(screen: Screen) -> impl IntoView {
    let page = screen.page;
    let is_own = move || page.connection.with(|held| held.task_schema.is_some());
    let name = move || {
        let source = if is_own() { "your own" } else { "built in" };
        page.schema
            .with(|schema| format!("{}, {source}", schema.name()))
    };
    let draft = move || {
        page.schema.with(|schema| {
            let stated = schema.value().get("$schema").and_then(|uri| uri.as_str());
            stated.unwrap_or("JSON Schema 2020-12").to_owned()
        })
    };
    let role = move |label: &'static str, read: fn(&crate::schema::Roles) -> &Option<String>| {
        let found = move || page.schema.with(|schema| read(schema.roles()).clone());
        view! {
            <dt>{label}</dt>
            <dd>
                {move || match found() {
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
            <dt>"Draft"</dt>
            <dd>{draft}</dd>
            {role("Key field", |roles| &roles.key)}
            {role("Title field", |roles| &roles.title)}
            {role("Dependencies", |roles| &roles.depends_on)}
        </dl>
        <p class="hint">
            <button
                class="link-button"
                type="button"
                aria-haspopup="dialog"
                on:click=move |_| screen.dialog.set(Some(Dialog::Settings))
            >
                "Choose another schema"
            </button>
        </p>
        {move || for_model.with(relaxed)}
        <CodeBlock
            caption="The schema every task is checked against"
            size
            copy="Copy schema"
            text
        />
    }
}

/// What the model is not told; every task is checked for it all the same.
fn relaxed(for_model: &Result<ModelSchema, StrictError>) -> AnyView {
    match for_model {
        Err(error) => view! {
            <h2 class="section-title">"The model is told the schema in words"</h2>
            <p class="hint">{error.to_string()} ". " {error.hint()}</p>
        }
        .into_any(),
        Ok(schema) if schema.relaxed.is_empty() => view! {
            <h2 class="section-title">"Relaxed for the model: nothing"</h2>
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
                    {format!("Relaxed for the model: {}", grouped(schema.relaxed.len()))}
                </h2>
                <ul class="relaxed">{items}</ul>
            }
            .into_any()
        }
    }
}
