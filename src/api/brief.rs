//! A brief as JavaScript passes it.

use serde::Deserialize;
use serde_json::Value;

use super::error::ApiError;
use super::{schema, shape};
use crate::brief::{Brief, BriefError, BriefForm};
use crate::schema::{TaskSchema, agent_task_schema};

/// `Brief` of the TypeScript types.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BriefInput {
    goal: String,
    #[serde(default, deserialize_with = "shape::present")]
    context: Option<String>,
    #[serde(default, deserialize_with = "shape::present")]
    rules: Option<String>,
    #[serde(default)]
    count: CountInput,
    #[serde(default, deserialize_with = "shape::present")]
    seed: Option<u64>,
    #[serde(default, deserialize_with = "shape::present")]
    schema: Option<Value>,
}

/// A count of any type, so that a wrong one is reported with the code that the page uses.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Value")]
enum CountInput {
    #[default]
    Default,
    Given(Value),
}

impl From<Value> for CountInput {
    fn from(value: Value) -> Self {
        CountInput::Given(value)
    }
}

/// Reads a brief and its schema, or the default schema, from the JSON text of the brief.
///
/// # Errors
/// [`ApiError::Argument`] for members of wrong types or names, [`ApiError::Brief`] for
/// values out of range, and [`ApiError::Schema`].
pub fn read(json: &str) -> Result<(Brief, TaskSchema), ApiError> {
    let input: BriefInput = shape::read("brief", json)?;
    let defaults = BriefForm::default();
    let (count, not_a_number) = match input.count {
        CountInput::Default => (defaults.count, None),
        CountInput::Given(Value::Number(number)) => (number.to_string(), None),
        CountInput::Given(other) => (
            defaults.count,
            Some(BriefError::CountNotANumber {
                given: other.to_string().chars().take(20).collect(),
            }),
        ),
    };
    let form = BriefForm {
        goal: input.goal,
        context: input.context.unwrap_or_default(),
        rules: input.rules.unwrap_or_default(),
        count,
    };
    let checked = form.check(input.seed.unwrap_or_default());
    let brief = match (checked, not_a_number) {
        (Ok(brief), None) => brief,
        (checked, not_a_number) => {
            let errors = checked.err().into_iter().flatten().chain(not_a_number);
            return Err(ApiError::Brief(errors.collect()));
        }
    };
    let schema = match input.schema {
        Some(schema) => schema::parse(&schema)?,
        None => TaskSchema::parse(agent_task_schema())?,
    };
    Ok((brief, schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_goal_is_required() {
        let (brief, schema) = read(r#"{"goal":" Ship it "}"#).unwrap();
        assert_eq!((brief.goal.as_str(), brief.count.get()), ("Ship it", 3));
        assert_eq!((brief.context.as_str(), brief.seed), ("", 0));
        assert_eq!(schema.text(), agent_task_schema().trim());
    }

    #[test]
    fn every_member_is_read() {
        let (brief, schema) = read(
            r#"{"goal":"g","context":"c","rules":"r","count":500,"seed":9007199254740991,
                "schema":{"type":"object","title":"Ticket"}}"#,
        )
        .unwrap();
        assert_eq!((brief.context.as_str(), brief.rules.as_str()), ("c", "r"));
        assert_eq!((brief.count.get(), brief.seed), (500, (1 << 53) - 1));
        assert_eq!(schema.name(), "Ticket");
    }

    #[test]
    fn each_kind_of_wrong_brief_has_its_code() {
        for (json, code) in [
            (r#"{}"#, "invalid_argument"),
            (r#"{"goal":7}"#, "invalid_argument"),
            (r#"{"goal":"g","context":null}"#, "invalid_argument"),
            (r#"{"goal":"g","seed":-1}"#, "invalid_argument"),
            (r#"{"goal":"g","seed":1.5}"#, "invalid_argument"),
            (r#"{"goal":"g","cuont":3}"#, "invalid_argument"),
            (r#"{"goal":" "}"#, "brief_empty"),
            (r#"{"goal":"g","count":0}"#, "count_out_of_range"),
            (r#"{"goal":"g","count":501}"#, "count_out_of_range"),
            (r#"{"goal":"g","count":-3}"#, "count_out_of_range"),
            (r#"{"goal":"g","count":1.5}"#, "count_not_a_number"),
            (r#"{"goal":"g","count":"ten"}"#, "count_not_a_number"),
            (r#"{"goal":"g","count":"3"}"#, "count_not_a_number"),
            (r#"{"goal":"g","count":null}"#, "count_not_a_number"),
            (r#"{"goal":"g","count":{}}"#, "count_not_a_number"),
            (r#"{"goal":"g","schema":[]}"#, "schema_invalid"),
            (r#"{"goal":"g","schema":true}"#, "schema_invalid"),
            (r#"{"goal":"g","schema":null}"#, "schema_invalid"),
        ] {
            let error = read(json).map(|_| ()).unwrap_err();
            assert_eq!(error.code(), code, "{json}: {error}");
        }
        let error = read(r#"{"goal":"","count":"ten"}"#).unwrap_err();
        assert!(error.to_string().contains("ten") && error.to_string().contains("goal is empty"));
    }
}
