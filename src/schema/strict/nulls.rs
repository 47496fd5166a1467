//! Takes the `null`s that only the model was allowed back out of a task.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::ModelSchema;
use crate::document::{Document, Kind, Node, push_token};
use crate::schema::pattern::Pattern;

/// How deep the forms of a task are compared with it.
const MOST_DEPTH: u32 = 64;

/// The task without the members that are `null` and could be `null` only because the model has to
/// name every member. Everything else stays byte for byte. Where several forms of an `anyOf` fit a
/// task and one of them means the `null`, it stays; a member whose name stands twice stays too.
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
    // A member of an object is never the root, so this does not fail.
    task.without(&found).unwrap_or_else(|_| task.clone())
}

struct Walk<'m> {
    root: &'m Value,
    nullable: HashSet<&'m str>,
    /// Whether a node, by its ordinal, has a form, by its pointer: forms that hold each other
    /// would otherwise be compared with the same node again and again.
    fitting: RefCell<HashMap<(usize, String), bool>>,
}

/// One form a place may have: a schema without `$ref` and `anyOf`, and where it stands.
struct Form<'m> {
    pointer: String,
    schema: &'m Value,
}

impl<'m> Walk<'m> {
    /// Collects the ordinals of what is to be removed at and below a node; `schemas` point into
    /// the model's schema.
    fn visit(&self, node: Node<'_>, schemas: &[String], depth: u32, found: &mut HashSet<usize>) {
        let forms = self.forms(schemas);
        match node.kind() {
            Kind::Object => {
                let mut fitting: Vec<&Form<'_>> = forms
                    .iter()
                    .filter(|form| self.fits(node, form, depth))
                    .collect();
                if fitting.is_empty() {
                    // The model did not keep to any form: its nulls are known by their names.
                    fitting = forms.iter().collect();
                }
                let mut times: HashMap<_, usize> = HashMap::new();
                for (name, _) in node.members() {
                    *times.entry(name).or_default() += 1;
                }
                for (name, child) in node.members() {
                    if times.get(&name).is_some_and(|times| *times > 1) {
                        continue;
                    }
                    let declared: Vec<String> = fitting
                        .iter()
                        .filter(|form| property(form.schema, &name).is_some())
                        .map(|form| push_token(&format!("{}/properties", form.pointer), &name))
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

    /// The forms behind references and choices.
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

    /// Whether a node has a form, as far as types, values, patterns, numeric limits and members
    /// say.
    fn fits(&self, node: Node<'_>, form: &Form<'_>, depth: u32) -> bool {
        if depth > MOST_DEPTH {
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
        let of_type = match form.schema.get("type") {
            Some(Value::Array(types)) => types.iter().any(named),
            Some(single) => named(single),
            None => true,
        };
        let of_values = form
            .schema
            .get("enum")
            .and_then(Value::as_array)
            .is_none_or(|values| values.contains(&node.to_value()));
        let of_limits = match node.kind() {
            Kind::String => matches_pattern(form.schema, node),
            Kind::Number => is_within(form.schema, node),
            _ => true,
        };
        let inner_fits = |child: Node<'_>, pointer: String| {
            self.forms(&[pointer])
                .iter()
                .any(|form| self.fits(child, form, depth + 1))
        };
        let of_members = || match node.kind() {
            Kind::Object => {
                let declared = form.schema.get("properties").and_then(Value::as_object);
                let complete = declared
                    .into_iter()
                    .flatten()
                    .all(|(name, _)| node.get(name).is_some());
                complete
                    && node.members().all(|(name, child)| {
                        property(form.schema, &name).is_some()
                            && inner_fits(
                                child,
                                push_token(&format!("{}/properties", form.pointer), &name),
                            )
                    })
            }
            Kind::Array => node
                .items()
                .all(|child| inner_fits(child, format!("{}/items", form.pointer))),
            _ => true,
        };
        of_type && of_values && of_limits && of_members()
    }
}

/// Whether a string matches the form's pattern; one that cannot be read is not held against it.
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

/// Whether a number lies inside the form's limits, as far as a double tells.
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
