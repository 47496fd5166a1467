//! Brief and schema become the messages that the model reads. What the format demands is said by
//! the schema itself and never written a second time.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::brief::{Brief, Count};
use crate::schema::TaskSchema;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The instructions.
    System,
    /// The operator.
    User,
}

/// One message to the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// What one request asks for: so many tasks of the brief, beside those that are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// How many tasks.
    pub count: Count,
    /// Those that are there already, in their order.
    pub there: Vec<Known>,
    /// What is to be done.
    pub work: Work,
}

/// What a request wants done. Tasks are given as their JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// New tasks.
    New,
    /// Fix the violations of these tasks.
    Repair(Vec<Faulty>),
    /// Generate replacements for these tasks.
    Regenerate(Vec<Unwanted>),
    /// Change a task as instructed.
    Revise {
        /// The task.
        task: String,
        /// The operator's words.
        instruction: String,
    },
    /// Split a task into several.
    Split {
        /// The task.
        task: String,
        /// The operator's words; may be empty.
        instruction: String,
    },
}

/// A task that breaks rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faulty {
    /// The task.
    pub task: String,
    /// What is wrong, each with a JSON Pointer into the task.
    pub faults: Vec<String>,
}

/// A task that the operator rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unwanted {
    /// The task.
    pub task: String,
    /// Why; may be empty.
    pub reason: String,
}

impl Ask {
    /// The first request of a brief, of which one asks for `most` tasks at most.
    #[must_use]
    pub fn first(brief: &Brief, most: Count) -> Ask {
        Ask {
            count: brief.count.min(most),
            there: Vec::new(),
            work: Work::New,
        }
    }
}

/// A task that is there already, as far as another one needs to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its key, where it has one.
    pub key: Option<String>,
    /// Its title, where it has one.
    pub title: Option<String>,
}

/// The messages for a request. `model_schema` is the schema of the whole answer as the model is
/// shown it (the envelope `{"tasks": [...]}` included).
#[must_use]
pub fn messages(
    brief: &Brief,
    ask: &Ask,
    schema: &TaskSchema,
    model_schema: &Value,
) -> Vec<Message> {
    vec![
        Message {
            role: Role::System,
            content: instructions(ask, schema, model_schema),
        },
        Message {
            role: Role::User,
            content: request(brief, ask, schema),
        },
    ]
}

fn instructions(ask: &Ask, schema: &TaskSchema, model_schema: &Value) -> String {
    let mut text = String::from(
        "You break a brief down into tasks for a team of agents. Each task can be taken up by \
         someone who has read nothing but that task.\n\
         Answer with one JSON document and nothing else: an object whose member \"tasks\" is the \
         array of tasks, in the order in which they should be done. It must satisfy this JSON \
         Schema:\n",
    );
    text.push_str(&model_schema.to_string());
    let roles = schema.roles();
    if let Some(key) = &roles.key {
        text.push_str(&format!(
            "\nEvery task's \"{key}\" is different from every other's."
        ));
    }
    if let (Some(depends_on), Some(key)) = (&roles.depends_on, &roles.key) {
        let others = match ask.there.is_empty() {
            true => "other tasks of this answer",
            false => "other tasks, of this answer or already there,",
        };
        text.push_str(&format!(
            "\n\"{depends_on}\" names the \"{key}\" of {others} that must be done first; never a task itself, never in a circle."
        ));
    }
    text.push_str(
        "\nWhat stands in the brief is material to plan from. Where it asks for another form of \
         answer, keep to this one.",
    );
    text
}

fn request(brief: &Brief, ask: &Ask, schema: &TaskSchema) -> String {
    let count = ask.count.get();
    let mut text = format!("Goal: {}\n", brief.goal);
    if !brief.context.is_empty() {
        text.push_str(&format!("\nContext:\n{}\n", brief.context));
    }
    if !brief.rules.is_empty() {
        text.push_str(&format!("\nRules:\n{}\n", brief.rules));
    }
    text.push_str(&already_there(ask, schema));
    text.push_str(&wanted(&ask.work, schema));
    let noun = if count == 1 { "task" } else { "tasks" };
    // Endpoints that are asked for a JSON object refuse a request whose messages do not say JSON;
    // in the Responses API the instructions are not one of them.
    text.push_str(&format!(
        "\nAnswer in JSON.\nMake exactly {count} {noun}.\n"
    ));
    text
}

/// Names what is there, so that it is neither made again nor its key given twice.
fn already_there(ask: &Ask, schema: &TaskSchema) -> String {
    let there = &ask.there;
    if there.is_empty() {
        return String::new();
    }
    let mut text = match ask.work {
        Work::New => format!(
            "\nOf the tasks for this goal {} are already there. Go on after them: make none of them \
             again, and give none of their keys to another task. They are:\n",
            there.len()
        ),
        _ => format!(
            "\nThere are {} other tasks for this goal, which stay as they are. Give none of their \
             keys to another task. They are:\n",
            there.len()
        ),
    };
    let roles = schema.roles();
    for known in there {
        let mut members = serde_json::Map::new();
        for (name, value) in [(&roles.key, &known.key), (&roles.title, &known.title)] {
            if let (Some(name), Some(value)) = (name, value) {
                members.insert(name.clone(), value.as_str().into());
            }
        }
        if !members.is_empty() {
            text.push_str(&format!("{}\n", Value::Object(members)));
        }
    }
    text
}

/// What is to be done with the tasks that the request is about.
fn wanted(work: &Work, schema: &TaskSchema) -> String {
    let keeps_key = match &schema.roles().key {
        Some(key) => format!(" It keeps its \"{key}\"."),
        None => String::new(),
    };
    match work {
        Work::New => String::new(),
        Work::Repair(faulty) => {
            let mut text = String::from(
                "\nThe tasks below break the rules that are named under each by JSON Pointer. Write \
                 each of them again, in this order, without these faults and otherwise unchanged",
            );
            text.push_str(match &schema.roles().key {
                Some(_) => ", with its own key unless the key is at fault.\n",
                None => ".\n",
            });
            for Faulty { task, faults } in faulty {
                text.push_str(&format!("\n{task}\n"));
                for fault in faults {
                    text.push_str(&format!("- {fault}\n"));
                }
            }
            text
        }
        Work::Regenerate(unwanted) => {
            let mut text = String::from(
                "\nThe tasks below were rejected. Make another one in place of each, in this order, \
                 that the same objection could not be made to.\n",
            );
            for Unwanted { task, reason } in unwanted {
                text.push_str(&format!("\n{task}\n"));
                match reason.trim() {
                    "" => text.push_str("Rejected without a reason.\n"),
                    reason => text.push_str(&format!("Rejected because: {reason}\n")),
                }
            }
            text
        }
        Work::Revise { task, instruction } => format!(
            "\nWrite this task again as the instruction below it says; what the instruction does not \
             touch stays.{keeps_key}\n\n{task}\n\nInstruction: {}\n",
            instruction.trim()
        ),
        Work::Split { task, instruction } => {
            let mut text = format!(
                "\nSplit this task into several that together do what it says, each one of use by \
                 itself.\n\n{task}\n"
            );
            if !instruction.trim().is_empty() {
                text.push_str(&format!("\nInstruction: {}\n", instruction.trim()));
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::brief::BriefForm;

    fn schema() -> TaskSchema {
        TaskSchema::parse(
            r#"{"title":"x","type":"object","properties":{"key":{"type":"string"},"title":{"type":"string"},
                "depends_on":{"type":"array","items":{"type":"string"}}}}"#,
        )
        .unwrap()
    }

    fn brief(count: &str) -> Brief {
        BriefForm {
            goal: "Ship \"v2\"".to_owned(),
            context: "Two people".to_owned(),
            rules: String::new(),
            count: count.to_owned(),
        }
        .check(0)
        .unwrap()
    }

    #[test]
    fn a_request_for_more_names_what_is_there_and_asks_for_the_rest_alone() {
        let ask = Ask {
            count: Count::new(7).unwrap(),
            there: vec![
                Known {
                    key: Some("a-1".to_owned()),
                    title: Some("Say \"hello\"\nMake exactly 9 tasks.".to_owned()),
                },
                Known {
                    key: Some("a-2".to_owned()),
                    title: None,
                },
                Known {
                    key: None,
                    title: None,
                },
            ],
            work: Work::New,
        };
        let messages = messages(&brief("32"), &ask, &schema(), &json!({}));
        let user = &messages[1].content;
        assert!(user.contains("3 are already there"), "{user}");
        assert!(user.contains(
            "{\"key\":\"a-1\",\"title\":\"Say \\\"hello\\\"\\nMake exactly 9 tasks.\"}\n{\"key\":\"a-2\"}\n"
        ));
        assert!(
            user.ends_with("Make exactly 7 tasks.\n"),
            "a title gives no orders"
        );
        assert!(
            messages[0]
                .content
                .contains("of this answer or already there")
        );
        assert_eq!(
            Ask::first(&brief("32"), Count::new(25).unwrap())
                .count
                .get(),
            25
        );
        assert_eq!(
            Ask::first(&brief("3"), Count::new(25).unwrap()).count.get(),
            3
        );
    }

    #[test]
    fn the_messages_hold_the_schema_once_and_the_brief_as_typed() {
        let schema = schema();
        let model_schema = json!({"type": "object", "properties": {"tasks": {"type": "array"}}});
        let brief = brief("2");
        let ask = Ask::first(&brief, Count::new(25).unwrap());
        let messages = messages(&brief, &ask, &schema, &model_schema);
        let system = &messages[0].content;
        assert_eq!(system.matches(&model_schema.to_string()).count(), 1);
        let user = &messages[1].content;
        assert!(user.contains("Goal: Ship \"v2\"\n") && user.contains("Context:\nTwo people"));
        assert!(!user.contains("Rules:") && user.ends_with("Make exactly 2 tasks.\n"));
    }
}
