//! Parameters in path, query and headers.

use serde_json::Value;

use super::super::envelope::fixed_value;
use super::reference::resolved;
use super::text;
use crate::schema::roles::normalized;
use crate::settings::secret_like::is_secret_name;

/// Maximum number of parameters of one operation to read.
const MAX_PARAMETERS: usize = 200;

/// A parameter of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiParameter {
    /// The name.
    pub name: String,
    /// Whether a request needs it.
    pub is_required: bool,
    /// Its only value, or its default.
    pub value: Option<String>,
    /// Whether `value` is the only one allowed.
    pub is_fixed: bool,
    /// What the document says about it.
    pub description: Option<String>,
}

/// The parameters of an operation by their place.
#[derive(Default)]
pub(super) struct Parameters {
    pub(super) path: Vec<ApiParameter>,
    pub(super) query: Vec<ApiParameter>,
    pub(super) headers: Vec<ApiParameter>,
    /// Headers and query parameters whose names are those of secrets.
    pub(super) secret_headers: Vec<ApiParameter>,
    pub(super) secret_query: Vec<ApiParameter>,
    /// Whether the header `Idempotency-Key` is declared.
    pub(super) declares_idempotency_key: bool,
    /// The names of cookies.
    pub(super) cookies: Vec<String>,
}

impl Parameters {
    /// Reads the parameters of an operation, and those of its path that it does not override.
    pub(super) fn read(document: &Value, item: &Value, operation: &Value) -> Parameters {
        let mut parameters = Parameters::default();
        let mut known: Vec<(String, String)> = Vec::new();
        let list = |value: &'_ Value| -> Vec<Value> {
            let list = value.get("parameters").and_then(Value::as_array);
            let list = list.map(Vec::as_slice).unwrap_or_default();
            list.iter()
                .take(MAX_PARAMETERS)
                .map(|parameter| resolved(document, parameter).clone())
                .collect()
        };
        for parameter in list(operation).iter().chain(&list(item)) {
            let (Some(name), Some(place)) = (text(parameter, "name"), text(parameter, "in")) else {
                continue;
            };
            let identity = (place, name.to_ascii_lowercase());
            if !known.contains(&identity) {
                parameters.add(document, name, &identity.0, parameter);
                known.push(identity);
            }
        }
        parameters
    }

    fn add(&mut self, document: &Value, name: String, place: &str, parameter: &Value) {
        let schema = parameter
            .get("schema")
            .map(|schema| resolved(document, schema));
        let value = schema.and_then(fixed_value);
        let is_fixed = schema.is_some_and(|schema| {
            let is_single = |values: &Vec<Value>| values.len() == 1;
            schema.get("const").is_some()
                || schema
                    .get("enum")
                    .and_then(Value::as_array)
                    .is_some_and(is_single)
        });
        let value = value.and_then(|value| match value {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        });
        let is_secret = is_secret_name(&name) && !normalized(&name).contains("idempotency");
        let parameter = ApiParameter {
            is_required: place == "path" || parameter.get("required") == Some(&Value::Bool(true)),
            is_fixed: is_fixed && value.is_some(),
            // A default of a secret would be one.
            value: value.filter(|_| !is_secret),
            description: text(parameter, "description"),
            name,
        };
        match place {
            "path" => self.path.push(parameter),
            "query" if is_secret => self.secret_query.push(parameter),
            "query" => self.query.push(parameter),
            "cookie" => self.cookies.push(parameter.name),
            "header" => match parameter.name.to_ascii_lowercase().as_str() {
                "idempotency-key" => self.declares_idempotency_key = true,
                // OpenAPI describes these elsewhere.
                "accept" | "content-type" => {}
                _ if is_secret => self.secret_headers.push(parameter),
                _ => self.headers.push(parameter),
            },
            _ => {}
        }
    }
}
