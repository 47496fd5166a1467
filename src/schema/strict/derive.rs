//! Derives the model's schema by walking the operator's schema.

mod containers;
mod scalars;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::keywords::{ANNOTATIONS, COMBINATORS, is_rule, omission_reason};
use super::{ModelSchema, Relaxation, StrictError};
use crate::schema::conjunction::{
    Choice, Expanded, Located, Subschema, Types, enumeration, expand, implied_types, resolve,
    strings, types,
};

/// Maximum nesting of a derived schema.
const MAX_DEPTH: usize = 40;
/// Maximum number of subschemas in a derived schema.
const MAX_SUBSCHEMAS: usize = 20_000;

/// Derives the schema of one task. Its size is only bounded, not checked against the limits of
/// endpoints.
///
/// # Errors
/// [`StrictError`] if the subset cannot express the schema.
pub(super) fn derive(schema: &Value) -> Result<ModelSchema, StrictError> {
    let object = json!({"type": "object"});
    let mut deriver = Deriver {
        root: schema,
        relaxed: Vec::new(),
        nullable: Vec::new(),
        definitions: Map::new(),
        names: HashMap::new(),
        order: Vec::new(),
        subschemas: 0,
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
    let mut derived = deriver.subschema(vec![start, task], "", 0)?;
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
    /// The names of definitions by their location in the operator's schema.
    names: HashMap<String, String>,
    /// Those locations in the order of discovery.
    order: Vec<String>,
    subschemas: usize,
}

/// A snapshot of the derivation, to roll back to if a subschema is dropped.
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

    fn roll_back(&mut self, mark: &Mark) {
        self.relaxed.truncate(mark.relaxed);
        self.nullable.truncate(mark.nullable);
        for place in self.order.split_off(mark.order) {
            if let Some(name) = self.names.remove(&place) {
                self.definitions.shift_remove(&name);
            }
        }
    }

    /// Derives the schema for a location that must satisfy all of `conjuncts`. `out` is the
    /// location in the model's schema.
    fn subschema(
        &mut self,
        conjuncts: Vec<Located<'a>>,
        out: &str,
        depth: usize,
    ) -> Result<Value, StrictError> {
        self.count_subschema(depth)?;
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

    /// Counts a subschema and checks the bounds.
    fn count_subschema(&mut self, depth: usize) -> Result<(), StrictError> {
        self.subschemas += 1;
        if self.subschemas > MAX_SUBSCHEMAS {
            return Err(StrictError::TooLarge {
                what: "subschemas",
                found: self.subschemas,
                limit: MAX_SUBSCHEMAS,
            });
        }
        if depth > MAX_DEPTH {
            return Err(StrictError::TooLarge {
                what: "levels of nesting",
                found: depth,
                limit: MAX_DEPTH,
            });
        }
        Ok(())
    }

    /// A location that allows any value, which the subset cannot express.
    fn anything(&mut self, at: &str, mut schema: Map<String, Value>) -> Value {
        self.relax(
            at,
            "type",
            "Any value is allowed here; the model is asked for a string, a number, a boolean or null.",
        );
        let types = json!(["string", "number", "boolean", "null"]);
        schema.insert("type".to_owned(), types);
        Value::Object(schema)
    }

    /// The target of a schema that is only a reference and remains one. A reference with its own
    /// description is inlined so that the model sees the description, unless the target contains
    /// itself.
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
        let is_kept = alone && (!map.contains_key("description") || self.contains_itself(&target));
        Ok(is_kept.then_some(target))
    }

    /// Whether following references from a subschema leads back to it.
    fn contains_itself(&self, start: &Located<'a>) -> bool {
        let mut seen: Vec<String> = Vec::new();
        let mut waiting = vec![start.clone()];
        while let Some(next) = waiting.pop() {
            let mut references = Vec::new();
            collect_references(next.schema, &mut references);
            for target in references
                .into_iter()
                .filter_map(|reference| resolve(self.root, reference, "").ok())
            {
                // An ancestor contains the start too.
                if is_same_or_ancestor(&target.pointer, &start.pointer) {
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

    /// The name of the definition for `target`, which is derived on first use.
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
        match self.subschema(vec![target], &format!("/$defs/{name}"), depth + 1) {
            Ok(schema) => {
                self.definitions.insert(name.clone(), schema);
                Ok(name)
            }
            Err(error) => {
                self.roll_back(&mark);
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
            self.relax_omitted(part);
        }
        // Choices that only require or forbid members cannot be expressed.
        let (expressible, inexpressible): (Vec<_>, Vec<_>) = expanded
            .choices
            .into_iter()
            .partition(|choice| choice.branches.iter().any(is_expressible));
        for choice in inexpressible {
            self.relax(
                &choice.pointer,
                choice.keyword,
                "The model's schema cannot say which members belong together. Validation still checks it.",
            );
        }
        let mut choices = expressible.into_iter();
        match choices.next() {
            Some(choice) => {
                expanded.choices = choices.collect();
                self.choice(&choice, expanded, out, depth)
            }
            None => self.plain(&expanded.parts, &expanded.conditionals, out, depth),
        }
    }

    /// Derives an `anyOf` with one form for each branch, merged with the other constraints in
    /// `context`.
    fn choice(
        &mut self,
        choice: &Choice<'a>,
        context: Expanded<'a>,
        out: &str,
        depth: usize,
    ) -> Result<Value, StrictError> {
        let is_unconstrained = context.choices.is_empty()
            && context.conditionals.is_empty()
            && !context.parts.iter().any(constrains);
        let mut branches: Vec<Value> = Vec::new();
        let mut failed = None;
        for branch in &choice.branches {
            let mark = self.mark();
            let out = format!("{out}/anyOf/{}", branches.len());
            let derived = if is_unconstrained {
                self.subschema(vec![branch.clone()], &out, depth + 1)
            } else {
                self.merged(&context, branch, &out, depth + 1)
            };
            match derived {
                // Drop a duplicate branch with its nullable locations, which do not exist in the
                // model's schema. Its relaxations concern the operator's schema and stay; its
                // definitions are those of the equal branch.
                Ok(schema) if branches.contains(&schema) => self.nullable.truncate(mark.nullable),
                Ok(schema) => branches.push(schema),
                // Drop a branch that contradicts the context.
                Err(error @ StrictError::Contradiction { .. }) => {
                    self.roll_back(&mark);
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
        let mut schema = descriptions(&context.parts);
        schema.insert("anyOf".to_owned(), Value::Array(branches));
        Ok(Value::Object(schema))
    }

    /// Derives one branch merged with the other constraints in `context`.
    fn merged(
        &mut self,
        context: &Expanded<'a>,
        branch: &Located<'a>,
        out: &str,
        depth: usize,
    ) -> Result<Value, StrictError> {
        self.count_subschema(depth)?;
        let mut all = expand(self.root, vec![branch.clone()])?;
        // The branch's own title and description come first.
        all.parts.extend(context.parts.iter().cloned());
        let mut seen: HashSet<String> = HashSet::new();
        all.parts.retain(|part| seen.insert(part.pointer.clone()));
        // Detect a contradiction before expanding further choices, which multiply the forms.
        if types(&all.parts).is_empty() {
            return Err(StrictError::Contradiction {
                pointer: branch.pointer.clone(),
            });
        }
        all.choices.extend(context.choices.iter().cloned());
        all.conditionals
            .extend(context.conditionals.iter().cloned());
        self.expanded(all, out, depth)
    }

    /// Derives a location without choices.
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
            self.relax_rules_on_enum(parts, &values);
            return Ok(enumerated);
        }
        let types = if allowed == Types::ALL {
            implied_types(parts)
        } else {
            allowed
        };
        if types.is_empty() {
            return Err(StrictError::Contradiction { pointer: pointer() });
        }
        if types == Types::ALL {
            return Ok(self.anything(&pointer(), descriptions(parts)));
        }
        let containers = Types::ARRAY.or(Types::OBJECT);
        let scalars = types.without(containers);
        let forms: Vec<Types> = [scalars, types.and(Types::ARRAY), types.and(Types::OBJECT)]
            .into_iter()
            .filter(|form| !form.is_empty())
            .collect();
        let mut schemas = Vec::new();
        for (index, form) in forms.iter().enumerate() {
            let out = if forms.len() > 1 {
                format!("{out}/anyOf/{index}")
            } else {
                out.to_owned()
            };
            schemas.push(if *form == Types::ARRAY {
                self.list(parts, &out, depth)?
            } else if *form == Types::OBJECT {
                self.object(parts, conditionals, &out, depth)?
            } else {
                self.scalar(parts, *form)
            });
        }
        let mut schema = descriptions(parts);
        if schemas.len() > 1 {
            let branches = schemas.into_iter().map(Value::Object).collect();
            schema.insert("anyOf".to_owned(), Value::Array(branches));
        } else {
            schema.extend(schemas.into_iter().flatten());
        }
        Ok(Value::Object(schema))
    }

    /// Records the keywords of a schema object that are omitted.
    fn relax_omitted(&mut self, part: &Subschema<'a>) {
        for (keyword, value) in part.map {
            if let Some(why) = omission_reason(keyword, value) {
                self.relax(&part.at(keyword), keyword, why);
            }
        }
    }

    /// Records a relaxation, once for each location and keyword.
    fn relax(&mut self, pointer: &str, keyword: &str, why: &str) {
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

/// Whether the JSON Pointer `ancestor` is `pointer` or begins it, token by token.
fn is_same_or_ancestor(ancestor: &str, pointer: &str) -> bool {
    pointer
        .strip_prefix(ancestor)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Collects the references anywhere inside a schema.
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

/// Whether a branch does more than require or forbid members.
fn is_expressible(branch: &Located<'_>) -> bool {
    branch.schema.as_object().is_some_and(|map| {
        map.keys().any(|keyword| {
            (is_rule(keyword) || COMBINATORS.contains(&keyword.as_str()))
                && !matches!(keyword.as_str(), "required" | "not")
        })
    })
}

/// Whether a part has any rule besides its choices and annotations.
fn constrains(part: &Subschema<'_>) -> bool {
    part.map.keys().any(|keyword| is_rule(keyword))
}

/// The first title and the first description among the parts.
fn descriptions(parts: &[Subschema<'_>]) -> Map<String, Value> {
    let mut schema = Map::new();
    for keyword in ["title", "description"] {
        if let Some((text, _)) = strings(parts, keyword).into_iter().next() {
            schema.insert(keyword.to_owned(), Value::from(text));
        }
    }
    schema
}
