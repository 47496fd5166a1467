//! Removes the `null`s that only the model's schema allows from a task.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::ModelSchema;
use crate::document::{Document, Kind, Node, push_token};
use crate::schema::pattern::Pattern;

/// Maximum depth to which a task is compared with schema forms.
const MAX_DEPTH: u32 = 64;

/// Returns the task without the members that are `null` only because the model must name every
/// member. Every other byte stays the same. If several forms of an `anyOf` fit a value, the one that
/// keeps most of its `null`s decides. Duplicate members stay.
#[must_use]
pub fn without_model_nulls(task: &Document, model: &ModelSchema) -> Document {
    if !task.contains_kind(Kind::Null) {
        return task.clone();
    }
    let walk = Walk {
        root: &model.schema,
        nullable: model.nullable.iter().map(String::as_str).collect(),
        fitting: RefCell::default(),
    };
    let mut found = HashSet::new();
    walk.visit(task.root(), &[String::new()], 0, &mut found);
    if found.is_empty() {
        return task.clone();
    }
    // A member is never the root, so this does not fail.
    task.without(&found).unwrap_or_else(|_| task.clone())
}

struct Walk<'m> {
    root: &'m Value,
    nullable: HashSet<&'m str>,
    /// Whether a node (by ordinal) fits a form (by pointer). Caches the result, because mutually
    /// recursive forms would otherwise be compared with the same node repeatedly.
    fitting: RefCell<HashMap<(usize, String), bool>>,
}

/// An alternative at a location: a schema without `$ref` and `anyOf`, with its pointer.
struct Form<'m> {
    pointer: String,
    schema: &'m Value,
}

impl Form<'_> {
    fn property_pointer(&self, name: &str) -> String {
        push_token(&format!("{}/properties", self.pointer), name)
    }
}

impl<'m> Walk<'m> {
    /// Collects the ordinals of the values to remove inside `node`. `schemas` are pointers into the
    /// model's schema.
    fn visit(&self, node: Node<'_>, schemas: &[String], depth: u32, found: &mut HashSet<usize>) {
        if !matches!(node.kind(), Kind::Object | Kind::Array) {
            return;
        }
        let all = self.forms(schemas);
        // A single form decides: the result must fit one form of the operator's schema.
        let decisive = all
            .iter()
            .filter(|form| self.fits(node, form, depth))
            .min_by_key(|form| self.count_model_nulls(node, form));
        let forms: Vec<&Form<'_>> = match decisive {
            Some(form) => vec![form],
            // The value fits no form; recognize its nulls by member name alone.
            None => all.iter().collect(),
        };
        match node.kind() {
            Kind::Object => {
                let mut occurrences: HashMap<_, usize> = HashMap::new();
                for (name, _) in node.members() {
                    *occurrences.entry(name).or_default() += 1;
                }
                for (name, child) in node.members() {
                    if occurrences.get(&name).is_some_and(|count| *count > 1) {
                        continue;
                    }
                    let declared: Vec<String> = forms
                        .iter()
                        .filter(|form| property(form.schema, &name).is_some())
                        .map(|form| form.property_pointer(&name))
                        .collect();
                    if declared.is_empty() {
                        continue;
                    }
                    if child.kind() != Kind::Null {
                        self.visit(child, &declared, depth + 1, found);
                    } else if declared
                        .iter()
                        .all(|pointer| self.nullable.contains(pointer.as_str()))
                    {
                        found.insert(child.ordinal());
                    }
                }
            }
            Kind::Array => {
                let entries: Vec<String> = forms
                    .iter()
                    .filter(|form| form.schema.get("items").is_some())
                    .map(|form| format!("{}/items", form.pointer))
                    .collect();
                for child in node.items() {
                    self.visit(child, &entries, depth + 1, found);
                }
            }
            _ => {}
        }
    }

    /// The number of members that are `null` and that `form` allows to be `null` for the model only.
    fn count_model_nulls(&self, node: Node<'_>, form: &Form<'_>) -> usize {
        node.members()
            .filter(|(name, child)| {
                child.kind() == Kind::Null
                    && self.nullable.contains(form.property_pointer(name).as_str())
            })
            .count()
    }

    /// Resolves references and choices to forms.
    fn forms(&self, schemas: &[String]) -> Vec<Form<'m>> {
        let mut forms = Vec::new();
        let mut seen = HashSet::new();
        let mut waiting: Vec<String> = schemas.iter().rev().cloned().collect();
        while let Some(pointer) = waiting.pop() {
            let Some(schema) = self.root.pointer(&pointer) else {
                continue;
            };
            if !seen.insert(pointer.clone()) {
                continue;
            }
            if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
                waiting.extend(reference.strip_prefix('#').map(str::to_owned));
            } else if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
                waiting.extend(
                    (0..branches.len())
                        .rev()
                        .map(|index| format!("{pointer}/anyOf/{index}")),
                );
            } else {
                forms.push(Form { pointer, schema });
            }
        }
        forms
    }

    /// Whether a node fits a form, judged by types, enum values, patterns, numeric limits and
    /// members.
    fn fits(&self, node: Node<'_>, form: &Form<'_>, depth: u32) -> bool {
        if depth > MAX_DEPTH {
            return false;
        }
        let place = (node.ordinal(), form.pointer.clone());
        let known = self.fitting.borrow().get(&place).copied();
        known.unwrap_or_else(|| {
            let fits = self.compare(node, form, depth);
            self.fitting.borrow_mut().insert(place, fits);
            fits
        })
    }

    fn compare(&self, node: Node<'_>, form: &Form<'_>, depth: u32) -> bool {
        let kind = match node.kind() {
            Kind::Null => ["null", "null"],
            Kind::Boolean => ["boolean", "boolean"],
            Kind::Number => ["number", "integer"],
            Kind::String => ["string", "string"],
            Kind::Array => ["array", "array"],
            Kind::Object => ["object", "object"],
        };
        let named = |value: &Value| value.as_str().is_some_and(|name| kind.contains(&name));
        let type_fits = match form.schema.get("type") {
            Some(Value::Array(types)) => types.iter().any(named),
            Some(single) => named(single),
            None => true,
        };
        let enum_fits = form
            .schema
            .get("enum")
            .and_then(Value::as_array)
            .is_none_or(|values| values.contains(&node.to_value()));
        let limits_fit = match node.kind() {
            Kind::String => matches_pattern(form.schema, node),
            Kind::Number => is_within(form.schema, node),
            _ => true,
        };
        let child_fits = |child: Node<'_>, pointer: String| {
            self.forms(&[pointer])
                .iter()
                .any(|form| self.fits(child, form, depth + 1))
        };
        let children_fit = || match node.kind() {
            Kind::Object => {
                let declared = form.schema.get("properties").and_then(Value::as_object);
                let complete = declared
                    .into_iter()
                    .flatten()
                    .all(|(name, _)| node.get(name).is_some());
                complete
                    && node.members().all(|(name, child)| {
                        property(form.schema, &name).is_some()
                            && child_fits(child, form.property_pointer(&name))
                    })
            }
            Kind::Array => node
                .items()
                .all(|child| child_fits(child, format!("{}/items", form.pointer))),
            _ => true,
        };
        type_fits && enum_fits && limits_fit && children_fit()
    }
}

/// Whether a string matches the form's pattern. Unsupported patterns are ignored.
fn matches_pattern(schema: &Value, node: Node<'_>) -> bool {
    let pattern = schema
        .get("pattern")
        .and_then(Value::as_str)
        .and_then(|source| Pattern::parse(source).ok());
    match (pattern, node.as_str()) {
        (Some(pattern), Some(text)) => pattern.matches(&text),
        _ => true,
    }
}

/// Whether a number is within the form's limits, compared as a double.
fn is_within(schema: &Value, node: Node<'_>) -> bool {
    let Ok(number) = node.text().parse::<f64>() else {
        return true;
    };
    let meets = |keyword: &str, test: fn(f64, f64) -> bool| {
        schema
            .get(keyword)
            .and_then(Value::as_f64)
            .is_none_or(|limit| test(number, limit))
    };
    meets("minimum", |number, limit| number >= limit)
        && meets("maximum", |number, limit| number <= limit)
        && meets("exclusiveMinimum", |number, limit| number > limit)
        && meets("exclusiveMaximum", |number, limit| number < limit)
}

fn property<'m>(schema: &'m Value, name: &str) -> Option<&'m Value> {
    schema.get("properties")?.get(name)
}
