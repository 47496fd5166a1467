//! Asking the model again about single tasks: what for, what it is expected to cost, and the
//! operator's word.

use leptos::prelude::*;

use super::modal::Modal;
use crate::run::{Event, FollowUp, MAX_INSTRUCTION_BYTES, MAX_PARTS};
use crate::text::{counted, grouped};
use crate::ui::controls::field::{FieldError, described_by};
use crate::ui::screen::Screen;

/// The dialog. What is proposed comes beside the tasks; nothing changes by itself.
#[component]
pub fn FollowUpDialog(screen: Screen, again: FollowUp) -> impl IntoView {
    let page = screen.page;
    let instruction = RwSignal::new(String::new());
    let parts = RwSignal::new("2".to_owned());
    let was_submitted = RwSignal::new(false);
    let is_one_task = matches!(again, FollowUp::Revise { .. } | FollowUp::Split { .. });
    let is_split = matches!(again, FollowUp::Split { .. });
    let (title, words) = words_of(&again);
    let wish = {
        let again = again.clone();
        Memo::new(move |_| wish(&again, &instruction.read(), &parts.read()))
    };
    // What it is expected to cost follows what is typed.
    Effect::new(move |_| {
        let wish = wish.get().ok();
        screen.ask(|commands| commands.estimate(wish));
    });
    on_cleanup(move || screen.ask(|commands| commands.estimate(None)));
    let close = Callback::new(move |()| screen.dialog.set(None));
    let ask = Callback::new(move |()| {
        was_submitted.set(true);
        if let Ok(again) = wish.get_untracked() {
            close.run(());
            screen.send(Event::FollowUp(again));
        }
    });
    let error = Signal::derive(move || {
        was_submitted
            .get()
            .then(|| wish.with(|wish| wish.as_ref().err().cloned()))
            .flatten()
    });
    let has_error = Signal::derive(move || error.with(Option::is_some));
    let expected = move || match page.estimate.get() {
        None => "What it is expected to use is not known yet.".to_owned(),
        Some(estimate) => {
            let tokens = |tokens: u64| grouped(usize::try_from(tokens).unwrap_or(usize::MAX));
            let mut text = format!(
                "One request for {}, expected to use about {} tokens in and {} out",
                counted(estimate.tasks.into(), "task"),
                tokens(estimate.usage.input),
                tokens(estimate.usage.output),
            );
            match estimate.cost {
                Some(cost) => text.push_str(&format!(", about {cost} at your prices.")),
                None => text.push('.'),
            }
            text
        }
    };
    view! {
        <Modal name="ask-again" title=Signal::stored(title) on_close=close on_submit=ask>
            <div class="dialog-body">
                <p>{words}</p>
                {is_split
                    .then(|| {
                        view! {
                            <div class="field">
                                <label for="parts">"Into how many tasks"</label>
                                <input
                                    class="input mono"
                                    id="parts"
                                    inputmode="numeric"
                                    autocomplete="off"
                                    prop:value=parts
                                    on:input=move |event| parts.set(event_target_value(&event))
                                />
                            </div>
                        }
                    })}
                {is_one_task
                    .then(|| {
                        view! {
                            <div class="field">
                                <label for="instruction">"Instruction"</label>
                                <textarea
                                    class="input"
                                    id="instruction"
                                    rows="4"
                                    autofocus
                                    aria-invalid=move || has_error.get().then_some("true")
                                    aria-describedby=described_by(
                                        None,
                                        "instruction-error",
                                        has_error,
                                    )
                                    prop:value=instruction
                                    on:input=move |event| {
                                        instruction.set(event_target_value(&event));
                                    }
                                ></textarea>
                                <FieldError id="instruction-error" text=error/>
                            </div>
                        }
                    })}
                <p class="hint" role="status">{expected}</p>
                <p class="hint">
                    "What comes is shown beside the task. Nothing changes before you accept it."
                </p>
            </div>
            <div class="dialog-foot">
                <button class="button" type="button" on:click=move |_| close.run(())>
                    "Cancel"
                </button>
                <button class="button main" type="submit">
                    "Ask the model"
                </button>
            </div>
        </Modal>
    }
}

/// The title, and what is going to be asked.
fn words_of(again: &FollowUp) -> (String, String) {
    match again {
        FollowUp::Repair { drafts } => (
            format!("Mend {}?", counted(drafts.len(), "invalid task")),
            "The model gets them with their violations, and the keys and titles of the others.".to_owned(),
        ),
        FollowUp::Regenerate { drafts } => (
            format!("Replace {}?", counted(drafts.len(), "rejected task")),
            "The model gets them with your reasons, and the keys and titles of the others.".to_owned(),
        ),
        FollowUp::Revise { .. } => (
            "Revise the task?".to_owned(),
            "The model gets the task and your instruction, and the keys and titles of the others.".to_owned(),
        ),
        FollowUp::Split { .. } => (
            "Split the task?".to_owned(),
            "The model gets the task, and the keys and titles of the others. An instruction may be left out.".to_owned(),
        ),
    }
}

/// What is asked for with what stands in the fields, or what is wrong with them.
fn wish(again: &FollowUp, said: &str, parts: &str) -> Result<FollowUp, String> {
    if said.len() > MAX_INSTRUCTION_BYTES {
        return Err("Shorten the instruction.".to_owned());
    }
    match again {
        FollowUp::Repair { .. } | FollowUp::Regenerate { .. } => Ok(again.clone()),
        FollowUp::Revise { .. } if said.trim().is_empty() => {
            Err("Say what is to be changed.".to_owned())
        }
        FollowUp::Revise { draft, .. } => Ok(FollowUp::Revise {
            draft: draft.clone(),
            instruction: said.to_owned(),
        }),
        FollowUp::Split { draft, .. } => match parts.trim().parse() {
            Ok(parts) if (2..=MAX_PARTS).contains(&parts) => Ok(FollowUp::Split {
                draft: draft.clone(),
                parts,
                instruction: said.to_owned(),
            }),
            _ => Err(format!("Split it into 2 to {MAX_PARTS} tasks.")),
        },
    }
}
