//! Builds an instance, location by location.

use serde_json::{Map, Value};

use super::hints::Hints;
use super::shape::{Shape, shape};
use super::{Fullness, SampleError, number, text};
use crate::random::SeededRng;
use crate::schema::conjunction::{
    Located, Subschema, Types, counts, enumeration, implied_types, item, member, property_names,
    required, types,
};
use crate::schema::pattern::Pattern;

/// Locations visited before giving up on a sample.
const MAX_STEPS: u32 = 20_000;
/// Depth from which choices that end soonest are preferred.
const SHALLOW_FROM: u32 = 5;
/// Depth at which the generator gives up.
const MAX_DEPTH: u32 = 24;
/// Combinations of choices tried at one location.
const MAX_WAYS: u64 = 8;
/// Maximum number of items in a list that needs none.
const EXTRA_ENTRIES: u64 = 3;
/// Maximum number of items or members generated to satisfy a minimum.
const MAX_ENTRIES: u64 = 2_000;

/// Generates one sample.
pub(super) struct Sampler<'a, 'r> {
    root: &'a Value,
    random: &'r mut SeededRng,
    hints: &'r Hints,
    fullness: Fullness,
    steps: u32,
}

impl<'a, 'r> Sampler<'a, 'r> {
    pub(super) fn new(
        root: &'a Value,
        random: &'r mut SeededRng,
        hints: &'r Hints,
        fullness: Fullness,
    ) -> Self {
        Sampler {
            root,
            random,
            hints,
            fullness,
            steps: 0,
        }
    }

    /// Generates an instance that satisfies all the schemas.
    pub(super) fn instance(&mut self, conjuncts: Vec<Located<'a>>) -> Result<Value, SampleError> {
        self.location(&conjuncts, "", 0)
    }

    /// Generates the value at one location. `name` is the member's name, or that of the enclosing
    /// list.
    fn location(
        &mut self,
        conjuncts: &[Located<'a>],
        name: &str,
        depth: u32,
    ) -> Result<Value, SampleError> {
        let pointer = || {
            conjuncts
                .first()
                .map_or_else(String::new, |first| first.pointer.clone())
        };
        self.steps += 1;
        if self.steps > MAX_STEPS || depth > MAX_DEPTH {
            return Err(SampleError::TooLarge { pointer: pointer() });
        }
        let mut turn = 0;
        loop {
            let shallow = depth >= SHALLOW_FROM;
            let shape = shape(self.root, conjuncts.to_vec(), turn, shallow, self.random);
            let (result, ways) = match shape {
                Ok(shape) => (self.fill(&shape, pointer(), name, depth), shape.ways),
                Err(failed) => (Err(failed.error.into()), failed.ways),
            };
            turn += 1;
            let given_up = turn >= ways.min(MAX_WAYS) || self.steps > MAX_STEPS;
            match result {
                Err(_) if !given_up => {}
                result => return result,
            }
        }
    }

    /// Generates the value at a location whose choices have been made.
    fn fill(
        &mut self,
        shape: &Shape<'a>,
        pointer: String,
        name: &str,
        depth: u32,
    ) -> Result<Value, SampleError> {
        let allowed = types(&shape.parts);
        if let Some(values) = enumeration(&shape.parts) {
            let left: Vec<&Value> = values
                .into_iter()
                .filter(|value| allowed.intersects(Types::of_value(value)))
                .filter(|value| !shape.excluded.contains(value))
                .collect();
            let non_null: Vec<&Value> = left.iter().copied().filter(|it| !it.is_null()).collect();
            let from = if non_null.is_empty() || self.random.chance(1, 8) {
                &left
            } else {
                &non_null
            };
            return self
                .random
                .pick(from)
                .map(|value| (*value).clone())
                .ok_or_else(|| contradiction(pointer, "enum", "no value is left"));
        }
        let implied = allowed.and(implied_types(&shape.parts));
        let chosen = if allowed.is_empty() {
            return Err(contradiction(pointer, "type", "no type is left"));
        } else if allowed == Types::ALL && implied == Types::ALL {
            Types::STRING
        } else if implied.is_empty() {
            self.choose_type(allowed, depth)
        } else {
            self.choose_type(implied, depth)
        };
        for _ in 0..4 {
            let value = self.of_type(chosen, shape, &pointer, name, depth)?;
            if !shape.excluded.contains(&&value) {
                return Ok(value);
            }
        }
        Err(contradiction(
            pointer,
            "not",
            "every generated value is excluded",
        ))
    }

    fn choose_type(&mut self, allowed: Types, depth: u32) -> Types {
        let mut candidates = allowed.without(Types::NULL);
        let scalar = candidates.without(Types::ARRAY.or(Types::OBJECT));
        if depth >= SHALLOW_FROM && !scalar.is_empty() {
            candidates = scalar;
        }
        let nullable = allowed.contains(Types::NULL);
        if candidates.is_empty() || (nullable && self.random.chance(1, 8)) {
            return Types::NULL;
        }
        let single: Vec<Types> = Types::EACH
            .iter()
            .filter(|(types, _)| candidates.contains(*types))
            .filter(|(types, _)| *types != Types::INTEGER || !candidates.contains(Types::NUMBER))
            .map(|(types, _)| *types)
            .collect();
        // Empty if only non-integer numbers are allowed.
        self.random.pick(&single).copied().unwrap_or(Types::NUMBER)
    }

    fn of_type(
        &mut self,
        chosen: Types,
        shape: &Shape<'a>,
        pointer: &str,
        name: &str,
        depth: u32,
    ) -> Result<Value, SampleError> {
        match chosen {
            Types::NULL => Ok(Value::Null),
            Types::BOOLEAN => Ok(Value::Bool(self.random.chance(1, 2))),
            Types::INTEGER => number::number(&shape.parts, true, self.random),
            Types::NUMBER => number::number(&shape.parts, false, self.random),
            Types::ARRAY => self.list(shape, pointer, name, depth),
            Types::OBJECT => self.object(shape, pointer, depth),
            _ => {
                let is_title = depth == 1 && self.hints.title_member.as_deref() == Some(name);
                text::text(&shape.parts, name, is_title, self.hints, self.random).map(Value::String)
            }
        }
    }

    fn list(
        &mut self,
        shape: &Shape<'a>,
        pointer: &str,
        name: &str,
        depth: u32,
    ) -> Result<Value, SampleError> {
        let parts = &shape.parts;
        let min_items = counts(parts, "minItems").into_iter().max().unwrap_or(0);
        let max_items = counts(parts, "maxItems").into_iter().min();
        if max_items.is_some_and(|max_items| max_items < min_items) {
            return Err(contradiction(
                pointer.to_owned(),
                "minItems",
                "maxItems is smaller",
            ));
        }
        let contained: Vec<(Located<'a>, u64)> = parts
            .iter()
            .filter_map(|part| {
                let times = counts(std::slice::from_ref(part), "minContains");
                part.under("contains")
                    .map(|schema| (schema, times.first().copied().unwrap_or(1)))
            })
            .collect();
        let needed: u64 = contained.iter().map(|(_, times)| *times).sum();
        let unique = parts
            .iter()
            .any(|part| part.map.get("uniqueItems") == Some(&Value::Bool(true)));
        let usual = if depth >= SHALLOW_FROM || self.fullness == Fullness::Required {
            0
        } else {
            1 + self.random.below(EXTRA_ENTRIES)
        };
        let length = min_items.max(needed).max(usual);
        let length = length.min(max_items.unwrap_or(u64::MAX));
        if length > MAX_ENTRIES {
            return Err(SampleError::TooLarge {
                pointer: pointer.to_owned(),
            });
        }
        let mut wanted = contained
            .into_iter()
            .flat_map(|(schema, times)| (0..times.min(MAX_ENTRIES)).map(move |_| schema.clone()));
        let mut entries: Vec<Value> = Vec::new();
        while (entries.len() as u64) < length {
            let Some(mut conjuncts) = item(parts, entries.len()) else {
                break;
            };
            conjuncts.extend(wanted.next());
            match self.entry(&conjuncts, name, depth, unique, &entries) {
                Ok(entry) => entries.push(entry),
                Err(_) if entries.len() as u64 >= min_items => break,
                Err(error) => return Err(error),
            }
        }
        if (entries.len() as u64) < min_items {
            let why = "the schema allows fewer items than it requires";
            return Err(contradiction(pointer.to_owned(), "minItems", why));
        }
        Ok(Value::Array(entries))
    }

    /// Generates one item of a list, distinct from the others if `unique`.
    fn entry(
        &mut self,
        conjuncts: &[Located<'a>],
        name: &str,
        depth: u32,
        unique: bool,
        others: &[Value],
    ) -> Result<Value, SampleError> {
        for _ in 0..40 {
            let entry = self.location(conjuncts, name, depth + 1)?;
            if !unique || !others.contains(&entry) {
                return Ok(entry);
            }
        }
        let pointer = conjuncts
            .first()
            .map_or_else(String::new, |first| first.pointer.clone());
        Err(contradiction(
            pointer,
            "uniqueItems",
            "there are not enough distinct items",
        ))
    }

    fn object(
        &mut self,
        shape: &Shape<'a>,
        pointer: &str,
        depth: u32,
    ) -> Result<Value, SampleError> {
        let parts = &shape.parts;
        let min_members = counts(parts, "minProperties")
            .into_iter()
            .max()
            .unwrap_or(0);
        let max_members = counts(parts, "maxProperties").into_iter().min();
        let required = required(parts);
        let declared = property_names(parts);
        let mut names = declared.clone();
        for name in &required {
            if !names.contains(name) {
                names.push(name);
            }
        }
        let included = self.included(
            shape,
            &names,
            min_members,
            max_members.unwrap_or(u64::MAX),
            depth,
        );
        let mut members = Map::new();
        for name in &names {
            let is_required = required.contains(name);
            if !included.contains(name) {
                continue;
            }
            let result = match member(parts, name) {
                Ok(conjuncts) => self.location(&conjuncts, name, depth + 1),
                Err(pointer) => Err(contradiction(
                    pointer,
                    "additionalProperties",
                    "it forbids a member that is required",
                )),
            };
            match result {
                Ok(value) => {
                    members.insert((*name).to_owned(), value);
                }
                Err(error) if is_required => return Err(error),
                // Omit optional members that cannot be generated.
                Err(_) => {}
            }
        }
        let usual = if declared.is_empty() && depth < SHALLOW_FROM {
            u64::from(self.fullness != Fullness::Required)
        } else {
            0
        };
        let length = min_members.max(usual).min(max_members.unwrap_or(u64::MAX));
        self.add_free_members(parts, &mut members, length.min(MAX_ENTRIES), depth);
        if (members.len() as u64) < min_members {
            let why = "no further members could be generated";
            return Err(contradiction(pointer.to_owned(), "minProperties", why));
        }
        Ok(Value::Object(members))
    }

    /// Selects the declared members that the sample gets.
    fn included(
        &mut self,
        shape: &Shape<'a>,
        names: &[&'a str],
        min_members: u64,
        max_members: u64,
        depth: u32,
    ) -> Vec<&'a str> {
        let parts = &shape.parts;
        let mut included = required(parts);
        let dependent = |name: &str| -> Vec<&'a str> {
            parts
                .iter()
                .flat_map(|part| {
                    ["dependentRequired", "dependencies"]
                        .iter()
                        .flat_map(|keyword| part.named(keyword))
                        .filter(|(trigger, _)| *trigger == name)
                        .filter_map(|(_, list)| list.schema.as_array())
                        .flatten()
                        .filter_map(Value::as_str)
                        .collect::<Vec<_>>()
                })
                .collect()
        };
        let allowed = |name: &&str| member(parts, name).is_ok() && !shape.avoided.contains(name);
        let optional: Vec<&'a str> = names
            .iter()
            .copied()
            .filter(|name| !included.contains(name))
            .filter(allowed)
            .collect();
        let mut skipped = Vec::new();
        for name in optional {
            let is_hinted = depth == 0 && self.hints.include.iter().any(|hint| hint == name);
            let taken = match self.fullness {
                _ if is_hinted => true,
                Fullness::Required => false,
                _ if depth >= SHALLOW_FROM => false,
                Fullness::Some => self.random.chance(1, 2),
                Fullness::All => true,
            };
            let room = (included.len() as u64) < max_members;
            if taken && room {
                included.push(name);
            } else {
                skipped.push(name);
            }
        }
        let missing = min_members.saturating_sub(included.len() as u64);
        included.extend(
            skipped
                .into_iter()
                .take(usize::try_from(missing).unwrap_or(usize::MAX)),
        );
        let mut index = 0;
        while let Some(name) = included.get(index).copied() {
            for needed in dependent(name) {
                if !included.contains(&needed) {
                    included.push(needed);
                }
            }
            index += 1;
        }
        included
    }

    /// Adds members with names that the schema leaves open, until the object has `count` members.
    fn add_free_members(
        &mut self,
        parts: &[Subschema<'a>],
        members: &mut Map<String, Value>,
        count: u64,
        depth: u32,
    ) {
        let by_pattern: Vec<(&'a str, Located<'a>)> = parts
            .iter()
            .flat_map(|part| part.named("patternProperties"))
            .collect();
        let additional: Vec<Located<'a>> = parts
            .iter()
            .flat_map(|part| {
                ["additionalProperties", "unevaluatedProperties"].map(|it| part.under(it))
            })
            .flatten()
            .collect();
        let open = !additional
            .iter()
            .any(|schema| *schema.schema == Value::Bool(false));
        let name_rules: Vec<Located<'a>> = parts
            .iter()
            .filter_map(|part| part.under("propertyNames"))
            .collect();
        let attempts = count.saturating_mul(4).min(MAX_ENTRIES);
        for _ in 0..attempts {
            if members.len() as u64 >= count {
                return;
            }
            let (name, conjuncts) = match self.random.pick(&by_pattern) {
                Some((source, schema)) => {
                    let name = Pattern::parse(source)
                        .ok()
                        .and_then(|pattern| pattern.generate(self.random, 1, Some(40)));
                    match name {
                        Some(name) => (name, vec![schema.clone()]),
                        None => return,
                    }
                }
                None if !open => return,
                None if name_rules.is_empty() => (self.hints.word(self.random), additional.clone()),
                None => match self.location(&name_rules, "key", depth + 1) {
                    Ok(Value::String(name)) => (name, additional.clone()),
                    _ => return,
                },
            };
            let taken =
                members.contains_key(&name) || property_names(parts).contains(&name.as_str());
            if taken {
                continue;
            }
            match self.location(&conjuncts, &name, depth + 1) {
                Ok(value) => {
                    members.insert(name, value);
                }
                Err(_) => return,
            }
        }
    }
}

fn contradiction(pointer: String, keyword: &str, why: &str) -> SampleError {
    SampleError::Contradiction {
        pointer,
        keyword: keyword.to_owned(),
        why: why.to_owned(),
    }
}
