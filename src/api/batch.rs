//! `lintBatch`: a batch as JavaScript passes it, and findings as JavaScript sees them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ApiError;
use super::{schema, shape};
use crate::document::{Document, Kind};
use crate::schema::lint::{self, FindingCode, LintOptions, Severity};
use crate::schema::{Roles, TaskSchema, agent_task_schema};

/// `LintOptions` of the TypeScript types.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct LintInput {
    #[serde(default, deserialize_with = "shape::present")]
    schema: Option<Value>,
    #[serde(default, deserialize_with = "shape::present")]
    roles: Option<RolesInput>,
    #[serde(default, deserialize_with = "shape::present")]
    expected_count: Option<u32>,
}

/// Names of the members that hold the task key, the title and the dependencies.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RolesInput {
    #[serde(default, deserialize_with = "shape::present")]
    key: Option<String>,
    #[serde(default, deserialize_with = "shape::present")]
    title: Option<String>,
    #[serde(default, deserialize_with = "shape::present")]
    depends_on: Option<String>,
}

impl From<RolesInput> for Roles {
    fn from(roles: RolesInput) -> Roles {
        Roles {
            key: roles.key,
            title: roles.title,
            depends_on: roles.depends_on,
        }
    }
}

/// `Finding` of the TypeScript types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsFinding {
    code: &'static str,
    severity: &'static str,
    tasks: Vec<usize>,
    message: String,
}

impl From<lint::Finding> for JsFinding {
    fn from(finding: lint::Finding) -> JsFinding {
        JsFinding {
            code: match finding.code {
                FindingCode::DuplicateKey => "duplicate_key",
                FindingCode::DanglingDependency => "dangling_dependency",
                FindingCode::SelfDependency => "self_dependency",
                FindingCode::CyclicDependency => "cyclic_dependency",
                FindingCode::WrongCount => "wrong_count",
                FindingCode::SimilarTitles => "similar_titles",
                FindingCode::NotChecked => "not_checked",
            },
            severity: match finding.severity {
                Severity::Note => "note",
                Severity::Warning => "warning",
                Severity::Error => "error",
            },
            tasks: finding.tasks,
            message: finding.message,
        }
    }
}

/// Parses the text of a task, which must be one JSON object. `index` is its place in a list.
///
/// # Errors
/// [`ApiError::NotJson`] and [`ApiError::NotAnObject`], with the index.
pub fn task(text: &str, index: Option<usize>) -> Result<Document, ApiError> {
    let document = Document::parse(text).map_err(|error| ApiError::NotJson { index, error })?;
    if document.root().kind() == Kind::Object {
        Ok(document)
    } else {
        Err(ApiError::NotAnObject { index })
    }
}

/// Parses a list of tasks.
///
/// # Errors
/// As [`task`], for the first text that is not a task.
pub fn tasks(texts: &[String]) -> Result<Vec<Document>, ApiError> {
    texts
        .iter()
        .enumerate()
        .map(|(index, text)| task(text, Some(index)))
        .collect()
}

/// Checks a batch as a whole. `options` is the JSON text of `LintOptions`. Unless they name the roles,
/// the roles are guessed from their schema, or from the default schema.
///
/// # Errors
/// As [`task`]; also [`ApiError::Argument`] and [`ApiError::Schema`] for the options.
pub fn lint(texts: &[String], options: Option<&str>) -> Result<Vec<JsFinding>, ApiError> {
    let input: LintInput = match options {
        Some(json) => shape::read("options", json)?,
        None => LintInput::default(),
    };
    let roles = match (input.roles, input.schema) {
        (Some(roles), _) => roles.into(),
        (None, Some(schema)) => {
            let schema = schema::parse(&schema)?;
            // The schema is not used to validate, but it has to be one.
            schema::compile(&schema)?;
            schema.roles().clone()
        }
        (None, None) => TaskSchema::parse(agent_task_schema())?.roles().clone(),
    };
    let options = LintOptions {
        roles,
        expected_count: input
            .expected_count
            .and_then(|count| usize::try_from(count).ok()),
    };
    let findings = lint::lint_batch(&tasks(texts)?, &options);
    Ok(findings.into_iter().map(JsFinding::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(texts: &[&str], options: Option<&str>) -> Vec<&'static str> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let findings = lint(&texts, options).unwrap();
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn roles_are_guessed_from_the_schema_unless_they_are_named() {
        let same = [r#"{"key":"a","id":"x"}"#, r#"{"key":"a","id":"y"}"#];
        assert_eq!(codes(&same, None), ["duplicate_key"]);
        assert_eq!(
            codes(&same, Some(r#"{"roles":{"key":"id"}}"#)),
            [] as [&str; 0]
        );
        let schema = r#"{"schema":{"type":"object","properties":{"n":{"type":"integer"}}}}"#;
        assert_eq!(codes(&same, Some(schema)), ["not_checked"]);
        let counted = r#"{"roles":{"key":"id"},"expectedCount":3}"#;
        assert_eq!(codes(&same, Some(counted)), ["wrong_count"]);
    }

    #[test]
    fn a_text_that_is_not_a_task_is_reported_with_its_index() {
        let texts = ["{}".to_owned(), "[1]".to_owned()];
        let error = lint(&texts, None).unwrap_err();
        assert_eq!(error, ApiError::NotAnObject { index: Some(1) });
        let texts = ["{}".to_owned(), "{".to_owned()];
        let error = lint(&texts, None).unwrap_err();
        assert_eq!(error.code(), "json_unfinished");
        assert!(error.to_string().starts_with("task 1: "), "{error}");
        let invalid = lint(&[], Some(r#"{"schema":{"properties":{"a":null}}}"#));
        assert_eq!(invalid.unwrap_err().code(), "schema_invalid");
        assert_eq!(
            lint(&[], Some(r#"{"expectedCount":null}"#))
                .unwrap_err()
                .code(),
            "invalid_argument"
        );
    }
}
