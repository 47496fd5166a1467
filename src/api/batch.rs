//! A batch as a whole, as JavaScript gives it and sees it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::SurfaceError;
use super::shape;
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

/// Which members are the key, the title and the dependencies.
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

/// Reads one task's text, which must be a JSON object.
///
/// # Errors
/// [`SurfaceError::NotJson`] and [`SurfaceError::NotAnObject`], with the task's place.
pub fn task(text: &str, index: Option<usize>) -> Result<Document, SurfaceError> {
    let document = Document::parse(text).map_err(|error| SurfaceError::NotJson { index, error })?;
    if document.root().kind() == Kind::Object {
        Ok(document)
    } else {
        Err(SurfaceError::NotAnObject { index })
    }
}

/// Reads a list of tasks.
///
/// # Errors
/// As [`task`], for the first that is none.
pub fn tasks(texts: &[String]) -> Result<Vec<Document>, SurfaceError> {
    texts
        .iter()
        .enumerate()
        .map(|(index, text)| task(text, Some(index)))
        .collect()
}

/// Looks at a batch as a whole. `options` is their JSON text; the roles are guessed from the
/// schema (the default one where none is given) unless they are named.
///
/// # Errors
/// [`SurfaceError`] for texts that are no tasks, and for options of another shape.
pub fn lint(texts: &[String], options: Option<&str>) -> Result<Vec<JsFinding>, SurfaceError> {
    let input: LintInput = match options {
        Some(json) => shape::read("options", json)?,
        None => LintInput::default(),
    };
    let roles = match (input.roles, input.schema) {
        (Some(roles), _) => roles.into(),
        (None, Some(schema)) => TaskSchema::parse(&schema.to_string())?.roles().clone(),
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
    fn the_roles_are_those_of_the_schema_or_the_ones_that_are_named() {
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
    fn what_is_no_task_is_named_by_its_place() {
        let texts = ["{}".to_owned(), "[1]".to_owned()];
        let error = lint(&texts, None).unwrap_err();
        assert_eq!(error, SurfaceError::NotAnObject { index: Some(1) });
        let texts = ["{}".to_owned(), "{".to_owned()];
        let error = lint(&texts, None).unwrap_err();
        assert_eq!(error.code(), "json_unfinished");
        assert!(error.to_string().starts_with("task 1: "), "{error}");
        assert_eq!(
            lint(&[], Some(r#"{"expectedCount":null}"#))
                .unwrap_err()
                .code(),
            "invalid_argument"
        );
    }
}
