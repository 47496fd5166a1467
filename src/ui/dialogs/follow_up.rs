//! A follow-up request about single tasks: the instruction, the estimate, and the confirmation.

use leptos::prelude::*;

use super::modal::Modal;
use crate::run::{Event, FollowUp, MAX_INSTRUCTION_BYTES, MAX_PARTS};
use crate::text::{counted, grouped};
use crate::ui::controls::button::{Button, ButtonKind};
use crate::ui::controls::field::TextField;
use crate::ui::screen::Screen;

/// The dialog. The response is shown as suggested edits; tasks change only when they are accepted.
#[component]
pub fn FollowUpDialog(screen: Screen, follow_up: FollowUp) -> impl IntoView {
    let page = screen.page;
    let instruction = RwSignal::new(String::new());
    let parts = RwSignal::new("2".to_owned());
    let was_submitted = RwSignal::new(false);
    let is_one_task = matches!(follow_up, FollowUp::Revise { .. } | FollowUp::Split { .. });
    let is_split = matches!(follow_up, FollowUp::Split { .. });
    let Texts {
        action,
        explanation,
    } = texts(&follow_up);
    let request = Memo::new(move |_| completed(&follow_up, &instruction.read(), &parts.read()));
    // The estimate follows every change of the fields.
    Effect::new(move |_| {
        let request = request.get().ok();
        screen.command(move |commands| commands.estimate(request));
    });
    on_cleanup(move || screen.command(move |commands| commands.estimate(None)));
    let close = Callback::new(move |()| screen.dialog.set(None));
    let submit = Callback::new(move |()| {
        was_submitted.set(true);
        if let Ok(follow_up) = request.get_untracked() {
            close.run(());
            screen.send(Event::FollowUp(follow_up));
        }
    });
    let error_of = move |field: &'static str| {
        Signal::derive(move || {
            let mistake = request.get().err().filter(|_| was_submitted.get())?;
            (mistake.field == field).then_some(mistake.message)
        })
    };
    let estimate = move || match page.estimate.get() {
        None => "There is no estimate yet.".to_owned(),
        Some(estimate) => {
            let tokens = |tokens: u64| grouped(usize::try_from(tokens).unwrap_or(usize::MAX));
            let cost = match estimate.cost {
                Some(cost) => format!(", cost {cost}"),
                None => String::new(),
            };
            format!(
                "Estimate: 1 request for {}, {} input tokens, {} output tokens{cost}.",
                counted(estimate.tasks.into(), "task"),
                tokens(estimate.usage.input),
                tokens(estimate.usage.output),
            )
        }
    };
    view! {
        <Modal name="follow-up" title=format!("{action}?") on_close=close on_submit=submit>
            <div class="dialog-body">
                <p>{explanation}</p>
                {is_split
                    .then(|| {
                        view! {
                            <TextField
                                id=PARTS
                                label="Number of parts"
                                class="mono"
                                is_code=true
                                input_mode="numeric"
                                value=parts
                                on_input=move |text| parts.set(text)
                                error=error_of(PARTS)
                            />
                        }
                    })}
                {is_one_task
                    .then(|| {
                        view! {
                            <TextField
                                id=INSTRUCTION
                                label="Instruction"
                                rows=4
                                autofocus=true
                                value=instruction
                                on_input=move |text| instruction.set(text)
                                error=error_of(INSTRUCTION)
                            />
                        }
                    })}
                <p class="hint" role="status">{estimate}</p>
                <p class="hint">
                    "The response is shown as a suggested edit. Nothing changes until you accept it."
                </p>
            </div>
            <div class="dialog-foot">
                <Button label="Cancel" on_press=move || close.run(())/>
                <Button kind=ButtonKind::Main label=action/>
            </div>
        </Modal>
    }
}

/// The texts for one kind of follow-up request.
struct Texts {
    /// The label of the button; with a question mark, the title of the dialog.
    action: String,
    /// The contents of the request.
    explanation: &'static str,
}

fn texts(follow_up: &FollowUp) -> Texts {
    let (action, explanation) = match follow_up {
        FollowUp::Repair { drafts } => (
            format!("Repair {}", counted(drafts.len(), "invalid task")),
            "The model receives these tasks with their violations, and the keys and titles of all others.",
        ),
        FollowUp::Regenerate { drafts } => (
            format!("Regenerate {}", counted(drafts.len(), "rejected task")),
            "The model receives these tasks with your reasons, and the keys and titles of all others.",
        ),
        FollowUp::Revise { .. } => (
            "Revise task".to_owned(),
            "The model receives this task with your instruction, and the keys and titles of all others.",
        ),
        FollowUp::Split { .. } => (
            "Split task".to_owned(),
            "The model receives this task, and the keys and titles of all others. The instruction is optional.",
        ),
    };
    Texts {
        action,
        explanation,
    }
}

/// The id of the field for the number of parts.
const PARTS: &str = "parts";
/// The id of the field for the instruction.
const INSTRUCTION: &str = "instruction";

/// What is wrong with the text of a field.
#[derive(Debug, Clone, PartialEq)]
struct Mistake {
    /// The id of the field.
    field: &'static str,
    /// What to enter instead.
    message: String,
}

/// The request with the values of the fields, or the error of a field.
fn completed(follow_up: &FollowUp, instruction: &str, parts: &str) -> Result<FollowUp, Mistake> {
    let mistake = |field, message| Err(Mistake { field, message });
    if instruction.len() > MAX_INSTRUCTION_BYTES {
        return mistake(
            INSTRUCTION,
            format!(
                "The instruction is longer than {} bytes. Shorten it.",
                grouped(MAX_INSTRUCTION_BYTES)
            ),
        );
    }
    match follow_up {
        FollowUp::Repair { .. } | FollowUp::Regenerate { .. } => Ok(follow_up.clone()),
        FollowUp::Revise { .. } if instruction.trim().is_empty() => {
            mistake(INSTRUCTION, "Describe what to change.".to_owned())
        }
        FollowUp::Revise { draft, .. } => Ok(FollowUp::Revise {
            draft: draft.clone(),
            instruction: instruction.to_owned(),
        }),
        FollowUp::Split { draft, .. } => match parts.trim().parse() {
            Ok(parts) if (2..=MAX_PARTS).contains(&parts) => Ok(FollowUp::Split {
                draft: draft.clone(),
                parts,
                instruction: instruction.to_owned(),
            }),
            _ => mistake(
                PARTS,
                format!("Enter a number of parts from 2 to {MAX_PARTS}."),
            ),
        },
    }
}
