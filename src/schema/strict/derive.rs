//! Walks the operator's schema and writes the model's.

mod containers;
mod scalars;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::keywords::{ANNOTATIONS, COMBINES, is_rule, why_left_out};
use super::{ModelSchema, Relaxation, StrictError};
use crate::schema::conjunction::{
    Choice, Expanded, Located, Subschema, Types, enumeration, expand, resolve, strings, types,
    types_spoken_of,
};

/// Places inside places before a schema counts as one without end.
const MOST_DEPTH: usize = 40;
/// Places a derived schema may have.
const MOST_PLACES: usize = 20_000;

/// Derives the schema of one task. Its size is not checked yet beyond what keeps this finite.
///
/// # Errors
/// [`StrictError`] where the schema has no form in the subset.
pub(super) fn derive(schema: &Value) -> Result<ModelSchema, StrictError> {
    let object = json!({"type": "object"});
    let mut deriver = Deriver {
        root: schema,
        relaxed: Vec::new(),
        nullable: Vec::new(),
        definitions: Map::new(),
        names: HashMap::new(),
        order: Vec::new(),
        places: 0,
    };
    let start = Located::root(schema);
    let allowed = expand(schema, vec![start.clone()])?;
    if !types(&allowed.parts).intersects(Types::OBJECT) {
        return Err(StrictError::NotAnObject);
    }
    let task = Located {
        schema: &object,
        pointer: "#task".to_owned(),
    };
    let mut derived = deriver.place(vec![start, task], "", 0)?;
    if !deriver.definitions.is_empty()
        && let Some(map) = derived.as_object_mut()
    {
        map.insert("$defs".to_owned(), Value::Object(deriver.definitions));
    }
    Ok(ModelSchema {
        schema: derived,
        relaxed: deriver.relaxed,
        nullable: deriver.nullable,
    })
}

struct Deriver<'a> {
    root: &'a Value,
    relaxed: Vec<Relaxation>,
    nullable: Vec<String>,
    definitions: Map<String, Value>,
    /// The names of definitions, by the place in the operator's schema they stand for.
    names: HashMap<String, String>,
    /// Those places in the order they were met.
    order: Vec<String>,
    places: usize,
}

/// How far the derivation had come, to return there where a place is left out after all.
struct Mark {
    relaxed: usize,
    nullable: usize,
    order: usize,
}

impl<'a> Deriver<'a> {
    fn mark(&self) -> Mark {
        Mark {
            relaxed: self.relaxed.len(),
            nullable: self.nullable.len(),
            order: self.order.len(),
        }
    }

    fn return_to(&mut self, mark: &Mark) {
        self.relaxed.truncate(mark.relaxed);
        self.nullable.truncate(mark.nullable);
        for place in self.order.split_off(mark.order) {
            if let Some(name) = self.names.remove(&place) {
                self.definitions.shift_remove(&name);
            }
        }
    }

    /// The model's schema for a place that has to meet all the schemas. `out` is where it will
    /// stand in the model's schema.
    fn place(
        &mut self,
        conjuncts: Vec<Located<'a>>,
        out: &str,
        depth: usize,
    ) -> Result<Value, StrictError> {
        self.places += 1;
        if self.places > MOST_PLACES {
            return Err(StrictError::TooLarge {
                what: "places",
                found: self.places,
                limit: MOST_PLACES,
            });
        }
        if depth > MOST_DEPTH {
            return Err(StrictError::TooLarge {
                what: "places inside places",
                found: depth,
                limit: MOST_DEPTH,
            });
        }
        if let [only] = conjuncts.as_slice()
            && let Some(target) = self.definition_target(only)?
        {
            let name = self.definition(target, depth)?;
            return Ok(json!({"$ref": format!("#/$defs/{name}")}));
        }
        let at = conjuncts
            .first()
            .map_or_else(String::new, |first| first.pointer.clone());
        let expanded = expand(self.root, conjuncts)?;
        if expanded.parts.is_empty() {
            return Ok(self.anything(&at, Map::new()));
        }
        self.expanded(expanded, out, depth)
    }

    /// A place that may hold anything: the subset has no word for that.
    fn anything(&mut self, at: &str, mut schema: Map<String, Value>) -> Value {
        self.note(
            at,
            "type",
            "The model is asked for a text, a number, true, false or null where anything is allowed.",
        );
        let types = json!(["string", "number", "boolean", "null"]);
        schema.insert("type".to_owned(), types);
        Value::Object(schema)
    }

    /// Where a schema that is nothing but a reference leads, if it is to stay a reference. One
    /// with a description of its own is written out, so that the model reads it, unless what it
    /// refers to contains itself.
    fn definition_target(&self, schema: &Located<'a>) -> Result<Option<Located<'a>>, StrictError> {
        let Some(map) = schema.schema.as_object() else {
            return Ok(None);
        };
        let Some(reference) = map.get("$ref").and_then(Value::as_str) else {
            return Ok(None);
        };
        let alone = map
            .keys()
            .all(|key| key == "$ref" || ANNOTATIONS.contains(&key.as_str()));
        let target = resolve(self.root, reference, &schema.pointer)?;
        let stays = alone && (!map.contains_key("description") || self.contains_itself(&target));
        Ok(stays.then_some(target))
    }

    /// Whether following references from a place leads back to it.
    fn contains_itself(&self, place: &Located<'a>) -> bool {
        let mut seen: Vec<String> = Vec::new();
        let mut waiting = vec![place.clone()];
        while let Some(next) = waiting.pop() {
            let mut references = Vec::new();
            collect_references(next.schema, &mut references);
            for target in references
                .into_iter()
                .filter_map(|reference| resolve(self.root, reference, "").ok())
            {
                // A reference to an ancestor contains the place too.
                if place.pointer.starts_with(&target.pointer) {
                    return true;
                }
                if !seen.contains(&target.pointer) {
                    seen.push(target.pointer.clone());
                    waiting.push(target);
                }
            }
        }
        false
    }

    /// The name of the definition for a place, derived when it is first met.
    fn definition(&mut self, target: Located<'a>, depth: usize) -> Result<String, StrictError> {
        if let Some(name) = self.names.get(&target.pointer) {
            return Ok(name.clone());
        }
        let mark = self.mark();
        let last = target.pointer.rsplit('/').next().unwrap_or_default();
        let mut stem: String = last
            .chars()
            .filter(|character| character.is_ascii_alphanumeric() || "_-".contains(*character))
            .take(60)
            .collect();
        if stem.is_empty() {
            stem = "task".to_owned();
        }
        let taken = |name: &String| self.names.values().any(|known| known == name);
        let name = std::iter::once(stem.clone())
            .chain((2..).map(|number: u32| format!("{stem}{number}")))
            .find(|name| !taken(name))
            .unwrap_or(stem);
        self.names.insert(target.pointer.clone(), name.clone());
        self.order.push(target.pointer.clone());
        match self.place(vec![target], &format!("/$defs/{name}"), depth + 1) {
            Ok(schema) => {
                self.definitions.insert(name.clone(), schema);
                Ok(name)
            }
            Err(error) => {
                self.return_to(&mark);
                Err(error)
            }
        }
    }

    fn expanded(
        &mut self,
        mut expanded: Expanded<'a>,
        out: &str,
        depth: usize,
    ) -> Result<Value, StrictError> {
        for part in &expanded.parts {
            self.note_left_out(part);
        }
        // Branches that only say which members must be there have no form of their own.
        let (telling, silent): (Vec<_>, Vec<_>) = expanded
            .choices
            .into_iter()
            .partition(|choice| choice.branches.iter().any(tells_something));
        for choice in silent {
            self.note(
                &choice.pointer,
                choice.keyword,
                "The model cannot be told which members go together. It is checked here.",
            );
        }
        let mut choices = telling.into_iter();
        match choices.next() {
            Some(choice) => {
                expanded.choices = choices.collect();
                self.choice(&choice, expanded, out, depth)
            }
            None => self.plain(&expanded.parts, &expanded.conditionals, out, depth),
        }
    }

    /// An `anyOf` of the forms a place may have, each with what holds beside the choice.
    fn choice(
        &mut self,
        choice: &Choice<'a>,
        beside: Expanded<'a>,
        out: &str,
        depth: usize,
    ) -> Result<Value, StrictError> {
        let free = beside.choices.is_empty()
            && beside.conditionals.is_empty()
            && !beside.parts.iter().any(constrains);
        let mut branches: Vec<Value> = Vec::new();
        let mut failed = None;
        for branch in &choice.branches {
            let mark = self.mark();
            let place = format!("{out}/anyOf/{}", branches.len());
            let derived = if free {
                self.place(vec![branch.clone()], &place, depth + 1)
            } else {
                self.merged(&beside, branch, &place, depth + 1)
            };
            match derived {
                Ok(schema) if branches.contains(&schema) => self.nullable.truncate(mark.nullable),
                Ok(schema) => branches.push(schema),
                // A branch that excludes what stands beside it is no form of this place.
                Err(error @ StrictError::Contradiction { .. }) => {
                    self.return_to(&mark);
                    failed = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        if branches.is_empty() {
            return Err(failed.unwrap_or(StrictError::Contradiction {
                pointer: choice.pointer.clone(),
            }));
        }
        let mut schema = described(&beside.parts);
        schema.insert("anyOf".to_owned(), Value::Array(branches));
        Ok(Value::Object(schema))
    }

    /// One branch together with what holds beside it.
    fn merged(
        &mut self,
        beside: &Expanded<'a>,
        branch: &Located<'a>,
        out: &str,
        depth: usize,
    ) -> Result<Value, StrictError> {
        self.places += 1;
        if depth > MOST_DEPTH || self.places > MOST_PLACES {
            return Err(StrictError::TooLarge {
                what: "places",
                found: self.places,
                limit: MOST_PLACES,
            });
        }
        let mut all = expand(self.root, vec![branch.clone()])?;
        // The branch's own words come first: they describe it best.
        all.parts.extend(beside.parts.iter().cloned());
        let mut seen: HashSet<String> = HashSet::new();
        all.parts.retain(|part| seen.insert(part.pointer.clone()));
        // Known before the other choices are gone through, of which each multiplies the forms.
        if types(&all.parts).is_empty() {
            return Err(StrictError::Contradiction {
                pointer: branch.pointer.clone(),
            });
        }
        all.choices.extend(beside.choices.iter().cloned());
        all.conditionals.extend(beside.conditionals.iter().cloned());
        self.expanded(all, out, depth)
    }

    /// A place without choices.
    fn plain(
        &mut self,
        parts: &[Subschema<'a>],
        conditionals: &[Subschema<'a>],
        out: &str,
        depth: usize,
    ) -> Result<Value, StrictError> {
        let pointer = || {
            parts
                .first()
                .map_or("", |part| part.pointer.as_str())
                .to_owned()
        };
        let allowed = types(parts);
        if let Some(values) = enumeration(parts) {
            let enumerated = scalars::enumerated(parts, &values, allowed, pointer())?;
            self.note_beside_values(parts, &values);
            return Ok(enumerated);
        }
        let spoken = if allowed == Types::ALL {
            types_spoken_of(parts)
        } else {
            allowed
        };
        if spoken.is_empty() {
            return Err(StrictError::Contradiction { pointer: pointer() });
        }
        if spoken == Types::ALL {
            return Ok(self.anything(&pointer(), described(parts)));
        }
        let containers = Types::ARRAY.or(Types::OBJECT);
        let scalars = spoken.without(containers);
        let forms: Vec<Types> = [scalars, spoken.and(Types::ARRAY), spoken.and(Types::OBJECT)]
            .into_iter()
            .filter(|form| !form.is_empty())
            .collect();
        let mut schemas = Vec::new();
        for (index, form) in forms.iter().enumerate() {
            let place = if forms.len() > 1 {
                format!("{out}/anyOf/{index}")
            } else {
                out.to_owned()
            };
            schemas.push(if *form == Types::ARRAY {
                self.list(parts, &place, depth)?
            } else if *form == Types::OBJECT {
                self.object(parts, conditionals, &place, depth)?
            } else {
                self.scalar(parts, *form)
            });
        }
        let several = schemas.len() > 1;
        let mut schema = described(parts);
        if several {
            let branches = schemas.into_iter().map(Value::Object).collect();
            schema.insert("anyOf".to_owned(), Value::Array(branches));
        } else {
            schema.extend(schemas.into_iter().flatten());
        }
        Ok(Value::Object(schema))
    }

    /// Lists what a schema object says and the subset has no words for.
    fn note_left_out(&mut self, part: &Subschema<'a>) {
        for (keyword, value) in part.map {
            if let Some(why) = why_left_out(keyword, value) {
                self.note(&part.at(keyword), keyword, why);
            }
        }
    }

    /// Lists a relaxation, once for each place and keyword.
    fn note(&mut self, pointer: &str, keyword: &str, why: &str) {
        let known = self
            .relaxed
            .iter()
            .any(|known| known.pointer == pointer && known.keyword == keyword);
        if !known {
            self.relaxed.push(Relaxation {
                pointer: pointer.to_owned(),
                keyword: keyword.to_owned(),
                why: why.to_owned(),
            });
        }
    }
}

/// The references anywhere inside a schema.
fn collect_references<'a>(schema: &'a Value, references: &mut Vec<&'a str>) {
    match schema {
        Value::Object(map) => {
            for (keyword, inner) in map {
                match inner {
                    Value::String(reference) if keyword == "$ref" => references.push(reference),
                    inner => collect_references(inner, references),
                }
            }
        }
        Value::Array(list) => {
            for inner in list {
                collect_references(inner, references);
            }
        }
        _ => {}
    }
}

/// Whether a branch says more than which members must or must not be there.
fn tells_something(branch: &Located<'_>) -> bool {
    branch.schema.as_object().is_some_and(|map| {
        map.keys().any(|keyword| {
            (is_rule(keyword) || COMBINES.contains(&keyword.as_str()))
                && !matches!(keyword.as_str(), "required" | "not")
        })
    })
}

/// Whether a part says anything beside its choices and annotations.
fn constrains(part: &Subschema<'_>) -> bool {
    part.map.keys().any(|keyword| is_rule(keyword))
}

/// The title and the description of a place: those that come first.
fn described(parts: &[Subschema<'_>]) -> Map<String, Value> {
    let mut schema = Map::new();
    for keyword in ["title", "description"] {
        if let Some((text, _)) = strings(parts, keyword).into_iter().next() {
            schema.insert(keyword.to_owned(), Value::from(text));
        }
    }
    schema
}
