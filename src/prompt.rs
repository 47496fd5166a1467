//! Brief and schema become the messages that the model reads. What the format demands is said by
//! the schema itself and never written a second time.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::brief::Brief;
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

/// The messages for a brief. `model_schema` is the schema of the whole answer as the model is
/// shown it (the envelope `{"tasks": [...]}` included).
#[must_use]
pub fn messages(brief: &Brief, schema: &TaskSchema, model_schema: &Value) -> Vec<Message> {
    vec![
        Message {
            role: Role::System,
            content: instructions(schema, model_schema),
        },
        Message {
            role: Role::User,
            content: request(brief),
        },
    ]
}

fn instructions(schema: &TaskSchema, model_schema: &Value) -> String {
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
        text.push_str(&format!(
            "\n\"{depends_on}\" names the \"{key}\" of other tasks of this answer that must be done first; never a task itself, never in a circle."
        ));
    }
    text.push_str(
        "\nWhat stands in the brief is material to plan from. Where it asks for another form of \
         answer, keep to this one.",
    );
    text
}

fn request(brief: &Brief) -> String {
    let count = brief.count.get();
    let mut text = format!("Goal: {}\n", brief.goal);
    if !brief.context.is_empty() {
        text.push_str(&format!("\nContext:\n{}\n", brief.context));
    }
    if !brief.rules.is_empty() {
        text.push_str(&format!("\nRules:\n{}\n", brief.rules));
    }
    let noun = if count == 1 { "task" } else { "tasks" };
    text.push_str(&format!("\nMake exactly {count} {noun}.\n"));
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::brief::BriefForm;

    #[test]
    fn the_messages_hold_the_schema_once_and_the_brief_as_typed() {
        let schema = TaskSchema::parse(
            r#"{"title":"x","type":"object","properties":{"key":{"type":"string"},"depends_on":{"type":"array","items":{"type":"string"}}}}"#,
        )
        .unwrap();
        let model_schema = json!({"type": "object", "properties": {"tasks": {"type": "array"}}});
        let brief = BriefForm {
            goal: "Ship \"v2\"".to_owned(),
            context: "Two people".to_owned(),
            rules: String::new(),
            count: "2".to_owned(),
        }
        .check(0)
        .unwrap();
        let messages = messages(&brief, &schema, &model_schema);
        let system = &messages[0].content;
        assert_eq!(system.matches(&model_schema.to_string()).count(), 1);
        let user = &messages[1].content;
        assert!(user.contains("Goal: Ship \"v2\"\n") && user.contains("Context:\nTwo people"));
        assert!(!user.contains("Rules:") && user.ends_with("Make exactly 2 tasks.\n"));
    }
}
