//! The connection test in the settings: the button, the steps, and the CORS rule to paste.

use leptos::prelude::*;

use super::modal::reveal_error_in;
use super::settings::{DIALOG, Settings};
use crate::browser::page_origin;
use crate::connection_test::{Recipe, Rule, TestReport, TestStep, Verdict};
use crate::paste::check_form;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::code_block::CodeBlock;
use crate::ui::controls::icons::mark;
use crate::ui::page::ConnectionTest;

/// The button that tests what is typed, and the result.
#[component]
pub fn ConnectionTestGroup(settings: Settings) -> impl IntoView {
    let page = settings.screen.page;
    page.connection_test.set(ConnectionTest::NotStarted);
    let test = move || {
        let connection = match settings.form.with_untracked(check_form) {
            Ok(connection) => connection,
            Err(problems) => {
                settings.problems.set(problems);
                return reveal_error_in(DIALOG);
            }
        };
        settings.problems.set(Vec::new());
        match settings.secrets(&connection) {
            Ok(secrets) => settings
                .screen
                .command(move |commands| commands.test_connection(connection, secrets)),
            Err(_) => reveal_error_in(DIALOG),
        }
    };
    view! {
        <fieldset class="group">
            <legend>"Connection test"</legend>
            <p class="hint">
                "Sends a few GET requests to the endpoints as they are entered above. Nothing is posted or saved."
            </p>
            <div class="button-row">
                <Button icon="search" label="Test connection" on_press=test/>
            </div>
            <div role="status">
                {move || match page.connection_test.get() {
                    ConnectionTest::NotStarted => ().into_any(),
                    ConnectionTest::Running => view! { <p class="soft">"Testing…"</p> }.into_any(),
                    ConnectionTest::Done(reports) if reports.is_empty() => {
                        view! { <p class="soft">"There is no endpoint to test."</p> }.into_any()
                    }
                    ConnectionTest::Done(reports) => reports_view(reports).into_any(),
                }}
            </div>
        </fieldset>
    }
}

fn reports_view(reports: Vec<TestReport>) -> impl IntoView {
    let origin = page_origin();
    let text: Vec<String> = reports.iter().map(TestReport::to_text).collect();
    let text = format!("Page: {origin}\n{}\n", text.join("\n"));
    let reports = reports
        .into_iter()
        .map(|report| {
            let rule = report.needs_rule().then(|| report.endpoint.rule(&origin));
            view! {
                <section class="field" aria-label=report.endpoint.label()>
                    <h3>{report.endpoint.label()} " " <code>{report.endpoint.address().to_string()}</code></h3>
                    <ol class="test-steps">
                        {report.steps.into_iter().map(step_view).collect_view()}
                    </ol>
                    {rule.map(|rule| view! { <RuleRecipes rule/> })}
                </section>
            }
        })
        .collect_view();
    view! {
        {reports}
        <details class="fold">
            <summary>"Result as text"</summary>
            <CodeBlock
                caption=Signal::stored("Without secrets".to_owned())
                copy="Copy result"
                text=Signal::stored(text)
            />
        </details>
    }
}

fn step_view(step: TestStep) -> impl IntoView {
    let (state, icon) = match step.verdict {
        Verdict::Passed => ("delivered", "light-good"),
        Verdict::Failed => ("refused", "light-bad"),
        Verdict::NotDetermined => ("unconfirmed", "light-warning"),
    };
    view! {
        <li data-state=state>
            {mark(icon)}
            <p>
                <strong>{step.name} ": " {step.verdict.label()}</strong>
                " "
                {step.message}
            </p>
        </li>
    }
}

/// The CORS rule in the form of a server that the operator chooses.
#[component]
fn RuleRecipes(rule: Rule) -> impl IntoView {
    let chosen = RwSignal::new(0_usize);
    let recipe = move || {
        Recipe::ALL
            .get(chosen.get())
            .copied()
            .unwrap_or(Recipe::Headers)
    };
    let text = Signal::derive(move || recipe().text(&rule));
    let buttons = Recipe::ALL
        .iter()
        .enumerate()
        .map(|(index, recipe)| {
            view! {
                <Button
                    kind=ButtonKind::Quiet
                    label=recipe.label()
                    on_press=move || chosen.set(index)
                    attr:aria-pressed=move || (chosen.get() == index).to_string()
                />
            }
        })
        .collect_view();
    view! {
        <details class="fold">
            <summary>"CORS rule for this page"</summary>
            <div class="button-row" role="group" aria-label="Kind of server">{buttons}</div>
            <CodeBlock
                caption=Signal::derive(move || recipe().label().to_owned())
                copy="Copy rule"
                text
            />
        </details>
    }
}
