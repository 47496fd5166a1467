//! Notices and problems of the page as a whole, and messages for screen readers.

use leptos::prelude::*;

use crate::text::sentences;
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::copy_diagnostics::CopyDiagnostics;
use crate::ui::controls::icons::icon;
use crate::ui::header::read_only_band::ReadOnlyBand;
use crate::ui::idle_secrets::forgotten_secrets;
use crate::ui::page::Problem;
use crate::ui::screen::Screen;

/// The deployment's notice, and all problems that were not dismissed.
#[component]
pub fn Notices(screen: Screen) -> impl IntoView {
    let hidden = RwSignal::new(None::<String>);
    let notice = move || {
        screen
            .page
            .notice
            .get()
            .filter(|notice| hidden.with(|hidden| hidden.as_ref() != Some(notice)))
    };
    view! {
        <div class="notices">
            <ReadOnlyBand screen/>
            {move || {
                notice()
                    .map(|text| {
                        let shown = text.clone();
                        hideable(text, Callback::new(move |()| hidden.set(Some(shown.clone()))))
                    })
            }}
            {move || {
                screen
                    .page
                    .storage_problem
                    .get()
                    .map(|problem| {
                        view! {
                            <div class="notice" data-tone="warning" role="alert">
                                {icon("warning")}
                                <p>
                                    <strong>{sentences(&problem.what, "")}</strong>
                                    " "
                                    {problem.hint}
                                </p>
                            </div>
                        }
                    })
            }}
            <Show when=move || screen.page.missing_pieces.get() != 0>
                <div class="notice" data-tone="warning" role="alert">
                    {icon("warning")}
                    <p>
                        <strong>"A part of Taskwright could not be loaded."</strong>
                        " It is requested again until it arrives. What you typed is stored in this browser. If this message stays, check your connection and reload the page."
                    </p>
                </div>
            </Show>
            {move || forgotten_secrets(screen)}
            <For
                each=move || screen.page.problems.get()
                key=|problem| (problem.code.clone(), problem.what.clone())
                let:problem
            >
                <PageProblem screen problem/>
            </For>
        </div>
    }
}

/// A notice that stays until the operator hides it.
pub fn hideable(text: String, hide: Callback<()>) -> AnyView {
    view! {
        <div class="notice" role="status">
            {icon("info")}
            <p>{text}</p>
            <Button
                kind=ButtonKind::Quiet
                label="Hide"
                name="Hide the notice"
                on_press=move || hide.run(())
            />
        </div>
    }
    .into_any()
}

#[component]
fn PageProblem(screen: Screen, problem: Problem) -> impl IntoView {
    let Problem { code, what, hint } = problem;
    let name = format!("Dismiss: {what}");
    let dismiss = {
        let code = code.clone();
        move || {
            let code = code.clone();
            screen.command(move |commands| commands.dismiss(&code));
        }
    };
    view! {
        <div class="problem" role="alert">
            {icon("warning")}
            <div class="body">
                <h2>{what}</h2>
                <p class="todo">{hint}</p>
                <div class="button-row">
                    <Button label="Dismiss" name on_press=dismiss/>
                    <CopyDiagnostics screen/>
                    <code class="soft">{code}</code>
                </div>
            </div>
        </div>
    }
}

/// A problem inside a pane or a dialog.
pub fn problem_panel(problem: Problem) -> impl IntoView {
    view! {
        <div class="problem" role="alert">
            {icon("warning")}
            <div class="body">
                <h3>{problem.what}</h3>
                <p class="todo">{problem.hint}</p>
            </div>
        </div>
    }
}

/// The latest message for screen readers.
#[component]
pub fn Announcement(screen: Screen) -> impl IntoView {
    view! { <p class="visually-hidden" role="status">{screen.page.announcement}</p> }
}
