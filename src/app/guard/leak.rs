//! The leak guard: held secrets in what is about to leave the page or to be kept. It finds secrets of 8
//! characters or more in all the forms that the redactor knows, and names where they are, never what they
//! are. A secret in its own header is no leak: requests name the slot, and the value is inserted last.

use serde_json::Value;

use super::{Action, Calls, Situation, calls};
use crate::brief::{Brief, BriefForm};
use crate::review::{DraftId, Review};
use crate::run::{Event, FollowUp, Mode, Run, TaskDraft};
use crate::secrets::{Redactor, SecretSlot};
use crate::settings::Connection;

/// Where a secret was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeakPlace {
    /// The goal of the brief.
    Goal,
    /// The context of the brief.
    Context,
    /// The rules of the brief.
    Rules,
    /// The instruction of a follow-up request.
    Instruction,
    /// A task, by its number in the run.
    Task(u32),
    /// The reason for which this task was rejected.
    Reason(u32),
    /// A member of a connection, such as `task_server/url`. Both are redacted.
    Connection {
        /// The name of the connection.
        name: String,
        /// The path of the member.
        member: String,
    },
    /// A file.
    File,
}

/// A secret in a place where it does not belong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The slot of the secret.
    pub slot: SecretSlot,
    /// Where it was found.
    pub place: LeakPlace,
}

impl std::fmt::Display for Leak {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            LeakPlace::Goal => f.write_str("The goal"),
            LeakPlace::Context => f.write_str("The context"),
            LeakPlace::Rules => f.write_str("The rules"),
            LeakPlace::Instruction => f.write_str("The instruction"),
            LeakPlace::Task(number) => write!(f, "Task {number}"),
            LeakPlace::Reason(number) => write!(f, "The reason for rejecting task {number}"),
            LeakPlace::Connection { name, member } => {
                write!(f, "The setting {member} of the connection “{name}”")
            }
            LeakPlace::File => f.write_str("The file"),
        }?;
        write!(f, " contains the {}.", self.slot.label())
    }
}

/// Looks for held secrets, place by place.
struct Search<'a> {
    redactor: &'a Redactor,
    leaks: Vec<Leak>,
}

impl Search<'_> {
    fn text(&mut self, text: &str, place: LeakPlace) {
        if let Some(slot) = self.redactor.find_in_request(text) {
            let slot = slot.clone();
            self.leaks.push(Leak { slot, place });
        }
    }

    fn brief(&mut self, goal: &str, context: &str, rules: &str) {
        self.text(goal, LeakPlace::Goal);
        self.text(context, LeakPlace::Context);
        self.text(rules, LeakPlace::Rules);
    }

    fn task(&mut self, draft: &TaskDraft) {
        self.text(draft.content.text(), LeakPlace::Task(draft.id.ordinal));
    }

    /// Looks through the members of a connection whose names count.
    fn connection(&mut self, connection: &Connection, counts: impl Fn(&str) -> bool) {
        let text = serde_json::to_string(connection).unwrap_or_default();
        let Ok(Value::Object(members)) = serde_json::from_str(&text) else {
            // A connection that cannot be written has no content that could leave.
            return;
        };
        for (name, value) in members.iter().filter(|(name, _)| counts(name)) {
            self.member(connection, name, value);
        }
    }

    fn member(&mut self, connection: &Connection, path: &str, value: &Value) {
        let redactor = self.redactor;
        let of = |member: &str| LeakPlace::Connection {
            name: redactor.redact(&connection.name),
            member: redactor.redact(member),
        };
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, value) in members {
                    let path = format!("{path}/{name}");
                    if self.redactor.find_in_request(name).is_some() {
                        self.text(name, of(&path));
                    } else {
                        self.member(connection, &path, value);
                    }
                }
            }
            Value::String(text) => self.text(text, of(path)),
            other => self.text(&other.to_string(), of(path)),
        }
    }
}

fn search(redactor: &Redactor) -> Search<'_> {
    Search {
        redactor,
        leaks: Vec::new(),
    }
}

/// The leaks of an action that sends a prompt to the model. Other actions have none: tasks with a secret
/// cannot be approved or posted at all.
pub(super) fn in_prompt(action: Action<'_>, situation: &Situation<'_>) -> Vec<Leak> {
    let redactor = situation.secrets.redactor();
    let mut search = search(&redactor);
    let is_sent = |name: &str| matches!(name, "model" | "task_schema");
    match (action, situation.run) {
        (Action::Generate(Mode::Live), _) => {
            if let Some(BriefForm {
                goal,
                context,
                rules,
                ..
            }) = situation.brief
            {
                search.brief(goal, context, rules);
            }
            search.connection(situation.connection, is_sent);
        }
        (Action::Send(event), Some(run))
            if run.mode() == Mode::Live && matches!(calls(event, run), Calls::Model) =>
        {
            if let Some(Brief {
                goal,
                context,
                rules,
                ..
            }) = run.brief()
            {
                search.brief(goal, context, rules);
            }
            search.connection(run.connection(), is_sent);
            if let Event::FollowUp(follow_up) = event {
                in_follow_up(&mut search, follow_up, run);
            }
        }
        _ => {}
    }
    search.leaks
}

fn in_follow_up(search: &mut Search<'_>, follow_up: &FollowUp, run: &Run) {
    let (ids, instruction) = match follow_up {
        FollowUp::Repair { drafts } | FollowUp::Regenerate { drafts } => (drafts.as_slice(), ""),
        FollowUp::Revise { draft, instruction }
        | FollowUp::Split {
            draft, instruction, ..
        } => (std::slice::from_ref(draft), instruction.as_str()),
    };
    search.text(instruction, LeakPlace::Instruction);
    for draft in ids.iter().filter_map(|id| run.draft(id)) {
        search.task(draft);
        if let Review::Rejected { reason } = &draft.review {
            search.text(reason, LeakPlace::Reason(draft.id.ordinal));
        }
    }
}

/// The leaks of an export of these tasks.
#[must_use]
pub fn in_tasks(run: &Run, tasks: &[DraftId], redactor: &Redactor) -> Vec<Leak> {
    let mut search = search(redactor);
    for draft in tasks.iter().filter_map(|id| run.draft(id)) {
        search.task(draft);
    }
    search.leaks
}

/// The leaks of connections that are stored or exported.
#[must_use]
pub fn in_connections(connections: &[&Connection], redactor: &Redactor) -> Vec<Leak> {
    let mut search = search(redactor);
    for connection in connections {
        search.connection(connection, |_| true);
    }
    search.leaks
}

/// The leak of a file that is written or read, if there is one.
#[must_use]
pub fn in_file(text: &str, redactor: &Redactor) -> Vec<Leak> {
    let mut search = search(redactor);
    search.text(text, LeakPlace::File);
    search.leaks
}

#[cfg(test)]
mod tests;
