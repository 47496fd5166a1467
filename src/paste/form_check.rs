//! Validates the form of a connection, and recognises what was pasted into the wrong field.

use super::{PastedInstead, what_is_pasted_as_address, what_is_pasted_as_schema};
use crate::settings::Connection;
use crate::settings::form::{ConnectionForm, FieldProblem, FormField, SchemaChoice};
use crate::text::sentences;

/// Where a text that is recognised belongs.
const PASTE_IT: &str = "Paste it under “Set up by pasting” at the top instead.";

/// Validates the form, as [`ConnectionForm::check`] does. A text that is no task schema, although it
/// could be read as one, is refused: an OpenAPI document, an example of a task or a configuration file.
///
/// # Errors
/// All problems of all fields.
pub fn check_form(form: &ConnectionForm) -> Result<Connection, Vec<FieldProblem>> {
    let checked = form.check();
    let is_own = form.schema == SchemaChoice::Own;
    let schema = is_own
        .then(|| what_is_pasted_as_schema(form.text(FormField::SchemaText)))
        .flatten();
    let address = what_is_pasted_as_address(form.text(FormField::ServerUrl));
    let misplaced = [
        (FormField::SchemaText, schema, "is no task schema, but"),
        (FormField::ServerUrl, address, "is no address, but"),
    ];
    let found: Vec<FieldProblem> = misplaced
        .into_iter()
        .filter_map(|(field, found, what)| Some((field, found?, what)))
        .map(|(field, found, what)| FieldProblem {
            field,
            message: sentences(&format!("This {what} {}", described(found)), PASTE_IT),
        })
        .collect();
    if found.is_empty() {
        return checked;
    }
    let mut problems = checked.err().unwrap_or_default();
    problems.retain(|problem| found.iter().all(|it| it.field != problem.field));
    problems.extend(found);
    Err(problems)
}

fn described(found: PastedInstead) -> &'static str {
    match found {
        PastedInstead::Address => "an address",
        PastedInstead::Request => "a request",
        PastedInstead::OpenApi => "an OpenAPI document",
        PastedInstead::Swagger => "a Swagger 2.0 document",
        PastedInstead::Schema => "a JSON Schema",
        PastedInstead::Example => "an example of a task",
        PastedInstead::AgentConfig => "an agent_config.json",
        PastedInstead::Config => "a config.json of this page",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(field: FormField, text: &str) -> Option<String> {
        let mut form = ConnectionForm::of(&Connection::built_in());
        form.schema = SchemaChoice::Own;
        form.set(field, text);
        let problems = check_form(&form).err()?;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!(problems[0].field, field);
        Some(problems[0].message.clone())
    }

    #[test]
    fn what_is_no_schema_is_named_and_not_accepted() {
        for (text, what) in [
            (
                r#"{"openapi": "3.1.0", "paths": {}}"#,
                "an OpenAPI document",
            ),
            (
                r#"{"swagger": "2.0", "paths": {}}"#,
                "a Swagger 2.0 document",
            ),
            (
                r#"{"title": "Fix it", "priority": 3}"#,
                "an example of a task",
            ),
            ("curl https://a.example/tasks -d '{}'", "a request"),
            ("https://a.example/tasks", "an address"),
        ] {
            let message = problem(FormField::SchemaText, text).unwrap_or_default();
            assert!(message.contains(what), "{text}: {message}");
        }
        let schema = r#"{"type": "object", "properties": {"title": {"type": "string"}}}"#;
        assert_eq!(problem(FormField::SchemaText, schema), None);
    }

    #[test]
    fn what_is_no_address_is_named_and_not_accepted() {
        for (text, what) in [
            ("curl https://a.example/tasks -d '{}'", "a request"),
            (
                r#"{"openapi": "3.1.0", "paths": {}}"#,
                "an OpenAPI document",
            ),
        ] {
            let message = problem(FormField::ServerUrl, text).unwrap_or_default();
            assert!(message.contains(what), "{text}: {message}");
        }
        assert_eq!(problem(FormField::ServerUrl, "https://a.example"), None);
    }
}
