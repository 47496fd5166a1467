//! Derivation of arrays and objects.

use serde_json::{Map, Value, json};

use super::super::StrictError;
use super::super::keywords::ITEM_POSITIONS;
use super::scalars::or_null;
use super::{Deriver, MAX_DEPTH};
use crate::document::escape_token;
use crate::schema::conjunction::{
    Located, Subschema, Types, counts, enumeration, expand, member, property_names, required, types,
};

impl<'a> Deriver<'a> {
    /// Derives a schema for arrays.
    pub(super) fn list(
        &mut self,
        parts: &[Subschema<'a>],
        out: &str,
        depth: usize,
    ) -> Result<Map<String, Value>, StrictError> {
        let at = parts
            .first()
            .map_or_else(String::new, |part| part.pointer.clone());
        let mut schema = Map::new();
        schema.insert("type".to_owned(), Value::from("array"));
        let min_items = counts(parts, "minItems").into_iter().max();
        let mut max_items = counts(parts, "maxItems").into_iter().min();
        let mut prefixes: Vec<Located<'a>> = Vec::new();
        let mut rest: Vec<Located<'a>> = Vec::new();
        let mut closed = false;
        for part in parts {
            let is_list = part.map.get("items").is_some_and(Value::is_array);
            let own = [part.listed("prefixItems"), part.listed("items")].concat();
            let after = part.under(if is_list { "additionalItems" } else { "items" });
            match after {
                Some(after) if *after.schema == Value::Bool(false) => {
                    closed = true;
                    let length = own.len() as u64;
                    max_items = Some(max_items.map_or(length, |max| max.min(length)));
                }
                Some(after) => rest.push(after),
                None => {}
            }
            if is_list {
                self.relax(&part.at("items"), "items", ITEM_POSITIONS);
            }
            prefixes.extend(own);
        }
        if min_items.zip(max_items).is_some_and(|(min, max)| max < min) {
            return Err(StrictError::Contradiction { pointer: at });
        }
        self.relax_unevaluated(parts, "unevaluatedItems", |is_evaluated| {
            parts.iter().all(|part| {
                let has_items = ["items", "prefixItems"]
                    .iter()
                    .any(|it| part.map.contains_key(*it));
                !has_items || is_evaluated(part)
            })
        });
        let items = if prefixes.is_empty() {
            if closed {
                rest.clear();
            }
            self.alternatives(vec![rest], &at, &format!("{out}/items"), depth + 1)?
        } else {
            let mut forms: Vec<Vec<Located<'a>>> =
                prefixes.into_iter().map(|prefix| vec![prefix]).collect();
            if !closed {
                forms.push(rest);
            }
            self.alternatives(forms, &at, &format!("{out}/items"), depth + 1)?
        };
        schema.insert("items".to_owned(), items);
        for (keyword, count) in [
            ("minItems", min_items.filter(|min| *min > 0)),
            ("maxItems", max_items),
        ] {
            if let Some(count) = count {
                schema.insert(keyword.to_owned(), Value::from(count));
            }
        }
        Ok(schema)
    }

    /// Derives a schema for objects: closed, with all properties required.
    pub(super) fn object(
        &mut self,
        parts: &[Subschema<'a>],
        conditionals: &[Subschema<'a>],
        out: &str,
        depth: usize,
    ) -> Result<Map<String, Value>, StrictError> {
        let at = parts
            .first()
            .map_or_else(String::new, |part| part.pointer.clone());
        let required_names = required(parts);
        let mut names = property_names(parts);
        for name in &required_names {
            if !names.contains(name) {
                names.push(name);
            }
        }
        // Members declared only under a condition are offered as optional.
        let conditional = self.conditional_parts(parts, conditionals);
        for name in property_names(&conditional) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let is_closed = parts.iter().any(|part| {
            ["additionalProperties", "unevaluatedProperties"]
                .iter()
                .any(|keyword| part.map.get(*keyword) == Some(&Value::Bool(false)))
                && !part.map.contains_key("patternProperties")
        });
        if names.is_empty() && !is_closed {
            return Err(StrictError::OpenObject { pointer: at });
        }
        let mut properties = Map::new();
        for name in names {
            let is_required = required_names.contains(&name);
            let conjuncts = match member(parts, name) {
                Ok(conjuncts) => conjuncts,
                Err(pointer) if is_required => return Err(StrictError::Contradiction { pointer }),
                Err(_) => continue,
            };
            let forms: Vec<Vec<Located<'a>>> = if conjuncts.is_empty() {
                conditional
                    .iter()
                    .filter_map(|part| part.property(name))
                    .map(|schema| vec![schema])
                    .collect()
            } else {
                vec![conjuncts]
            };
            let place = format!("{out}/properties/{}", escape_token(name));
            let mark = self.mark();
            match self.alternatives(forms.clone(), &at, &place, depth + 1) {
                Ok(schema) if is_required => {
                    properties.insert(name.to_owned(), schema);
                }
                Ok(schema) => {
                    let null_is_valid = forms.into_iter().any(|form| self.allows_null(form, 0));
                    if !null_is_valid {
                        self.nullable.push(place);
                    }
                    properties.insert(name.to_owned(), or_null(schema));
                }
                Err(error) if is_required => return Err(error),
                Err(StrictError::Contradiction { .. }) => self.roll_back(&mark),
                Err(
                    error @ (StrictError::OpenObject { .. } | StrictError::Inexpressible { .. }),
                ) => {
                    self.roll_back(&mark);
                    let pointer = forms.iter().flatten().next();
                    let pointer = pointer.map_or("", |first| first.pointer.as_str());
                    self.relax(
                        pointer,
                        "properties",
                        &format!("The model is not asked for this optional member: {error}."),
                    );
                }
                Err(error) => return Err(error),
            }
        }
        self.relax_unevaluated(parts, "unevaluatedProperties", |is_evaluated| {
            properties.keys().all(|name| {
                parts
                    .iter()
                    .any(|part| part.property(name).is_some() && is_evaluated(part))
            })
        });
        let all: Vec<Value> = properties
            .keys()
            .map(|name| Value::from(name.as_str()))
            .collect();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), Value::from("object"));
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.insert("required".to_owned(), Value::Array(all));
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        Ok(schema)
    }

    /// Records an `unevaluated…: false` that does not cover everything the model is asked for: it
    /// covers its own schema and the schemas that this one refers to, not adjacent ones (JSON Schema
    /// 2020-12, core, 11). `covers_all` receives the predicate for the parts that it covers.
    fn relax_unevaluated(
        &mut self,
        parts: &[Subschema<'a>],
        keyword: &str,
        covers_all: impl Fn(&dyn Fn(&Subschema<'a>) -> bool) -> bool,
    ) {
        for part in parts
            .iter()
            .filter(|part| part.map.get(keyword) == Some(&Value::Bool(false)))
        {
            let covered = self.covered_by(part);
            if !covers_all(&|other| covered.contains(&other.pointer)) {
                self.relax(
                    &part.at(keyword),
                    keyword,
                    "The rule forbids some of what the model is asked for. Validation checks it.",
                );
            }
        }
    }

    /// The pointers of the schemas that apply to the same location because of a part: the part
    /// itself, the schemas it refers to, and its choices and conditional branches.
    fn covered_by(&self, part: &Subschema<'a>) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        let mut waiting: Vec<Located<'a>> = self
            .root
            .pointer(&part.pointer)
            .map(|schema| Located {
                schema,
                pointer: part.pointer.clone(),
            })
            .into_iter()
            .collect();
        while let Some(next) = waiting.pop() {
            let Ok(expanded) = expand(self.root, vec![next]) else {
                continue;
            };
            for part in expanded.parts {
                if seen.contains(&part.pointer) {
                    continue;
                }
                waiting.extend(["then", "else"].iter().filter_map(|it| part.under(it)));
                let dependent = part.named("dependentSchemas").into_iter();
                waiting.extend(dependent.map(|(_, schema)| schema));
                seen.push(part.pointer);
            }
            let branches = expanded.choices.into_iter().flat_map(|it| it.branches);
            waiting.extend(branches.filter(|branch| !seen.contains(&branch.pointer)));
        }
        seen
    }

    /// Derives a location that has one of several forms; any value if there are none. `at` is the
    /// location in the operator's schema.
    fn alternatives(
        &mut self,
        mut forms: Vec<Vec<Located<'a>>>,
        at: &str,
        out: &str,
        depth: usize,
    ) -> Result<Value, StrictError> {
        if forms.len() <= 1 {
            return match forms.pop() {
                Some(form) if !form.is_empty() => self.subschema(form, out, depth),
                _ => Ok(self.anything(at, Map::new())),
            };
        }
        let mut branches: Vec<Value> = Vec::new();
        for form in forms {
            let nullable = self.nullable.len();
            let place = format!("{out}/anyOf/{}", branches.len());
            let branch = if form.is_empty() {
                self.anything(at, Map::new())
            } else {
                self.subschema(form, &place, depth)?
            };
            if branches.contains(&branch) {
                self.nullable.truncate(nullable);
            } else {
                branches.push(branch);
            }
        }
        Ok(json!({"anyOf": branches}))
    }

    /// The schemas that apply under a condition: `then`, `else` and `dependentSchemas`. Schemas that
    /// cannot be expanded are skipped.
    fn conditional_parts(
        &self,
        parts: &[Subschema<'a>],
        conditionals: &[Subschema<'a>],
    ) -> Vec<Subschema<'a>> {
        let branches = conditionals
            .iter()
            .flat_map(|part| [part.under("then"), part.under("else")])
            .flatten();
        let dependent = parts
            .iter()
            .flat_map(|part| [part.named("dependentSchemas"), part.named("dependencies")].concat())
            .map(|(_, schema)| schema);
        branches
            .chain(dependent)
            .filter_map(|schema| expand(self.root, vec![schema]).ok())
            .flat_map(|expanded| expanded.parts)
            .collect()
    }

    /// Whether the operator's schema allows `null` at a location.
    fn allows_null(&self, conjuncts: Vec<Located<'a>>, depth: usize) -> bool {
        let Ok(expanded) = expand(self.root, conjuncts) else {
            return false;
        };
        let listed = enumeration(&expanded.parts);
        depth <= MAX_DEPTH
            && types(&expanded.parts).contains(Types::NULL)
            && listed.is_none_or(|values| values.contains(&&Value::Null))
            && expanded.choices.iter().all(|choice| {
                choice
                    .branches
                    .iter()
                    .any(|branch| self.allows_null(vec![branch.clone()], depth + 1))
            })
    }
}
