//! How far validation against a schema can reach, determined before the schema is used.
//!
//! The jsonschema crate follows subschemas by recursion. Each step into a part of a value is
//! bounded by the depth of the document, so what has to be bounded here is how many subschemas are
//! applied to one and the same value.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jsonschema::{Draft, Registry};
use serde_json::Value;

use super::Resources;
use crate::schema::SchemaError;

/// Maximum number of subschemas that are applied to one value inside each other, as in a chain of
/// `$ref`. Each takes one to two kilobytes of stack in an unoptimized build.
pub(super) const MAX_CHAIN: usize = 200;
/// Maximum number of subschemas that are applied to one value, counting a subschema each time it
/// is reached.
pub(super) const MAX_APPLICATIONS: u64 = 50_000;
/// Maximum nesting of arrays and objects in the text of a schema, as in serde_json.
const MAX_NESTING: usize = 128;

/// Keywords whose value is a subschema for the same value.
const IN_PLACE: [&str; 4] = ["not", "if", "then", "else"];
/// Keywords whose value lists subschemas for the same value.
const IN_PLACE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords whose value names subschemas for the same value.
const IN_PLACE_MAPS: [&str; 2] = ["dependentSchemas", "dependencies"];
/// Keywords whose value is a subschema for parts of the value, or a list of such.
const NESTED: [&str; 8] = [
    "items",
    "prefixItems",
    "additionalItems",
    "contains",
    "additionalProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords that apply all subschemas for the same value once more.
const UNEVALUATED: [&str; 2] = ["unevaluatedItems", "unevaluatedProperties"];
/// Keywords whose value names subschemas for parts of the value.
const NESTED_MAPS: [&str; 2] = ["properties", "patternProperties"];
/// Keywords whose value names subschemas that apply only where a reference leads to them.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

/// What a schema can demand of one validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Extent {
    /// The longest chain of subschemas that are applied to one value.
    pub(super) chain: usize,
    /// The longest chain of subschemas from the root to any part; `None` if the schema is
    /// recursive, so that the depth of the document decides.
    pub(super) total: Option<usize>,
    /// The highest number of subschemas that are applied to one value.
    pub(super) applications: u64,
    /// The highest number of patterns that one member name is matched against.
    pub(super) patterns_of_a_name: u64,
}

/// One subschema and the subschemas that it leads to.
#[derive(Default)]
struct Subschema {
    in_place: Vec<usize>,
    nested: Vec<usize>,
    /// The text of a reference in this subschema.
    reference: Option<String>,
    dynamic_reference: Option<String>,
    /// The number of its `unevaluated…` keywords.
    unevaluated: u64,
}

/// How a subschema is reached.
#[derive(Clone, Copy, PartialEq)]
enum Step {
    InPlace,
    Nested,
    /// Only where a reference leads to it.
    Definition,
}

/// Determines the extent of a schema, and all of its patterns.
///
/// # Errors
/// [`SchemaError::EndlessRecursion`] if a reference leads back to itself for the same value (JSON
/// Schema 2020-12 core, section 9.4.1, leaves the behaviour undefined), and
/// [`SchemaError::TooComplex`] if one of the limits is exceeded. References that cannot be resolved
/// are left to the compiler, which reports them.
pub(super) fn measure(
    schema: &Value,
    resources: &Resources,
) -> Result<(Extent, Vec<String>), SchemaError> {
    let documents = std::iter::once(schema).chain(resources.0.values());
    for document in documents {
        if is_nested_deeper_than(document, MAX_NESTING) {
            return Err(SchemaError::TooComplex {
                what: "nested levels",
                limit: MAX_NESTING as u64,
            });
        }
    }
    let mut patterns = Patterns::default();
    let subschemas = subschemas(schema, resources, &mut patterns);
    let chains = Chains::measure(&subschemas)?;
    let extent = Extent {
        chain: chains.longest,
        total: longest_path(&subschemas),
        applications: chains.applications,
        patterns_of_a_name: patterns.of_a_name,
    };
    Ok((extent, patterns.all))
}

#[derive(Default)]
struct Patterns {
    all: Vec<String>,
    of_a_name: u64,
}

impl Patterns {
    fn collect(&mut self, schema: &Value) {
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str) {
            self.all.push(pattern.to_owned());
        }
        if let Some(by_pattern) = schema.get("patternProperties").and_then(Value::as_object) {
            self.all.extend(by_pattern.keys().cloned());
            self.of_a_name = self.of_a_name.max(by_pattern.len() as u64);
        }
    }
}

/// All subschemas of a schema and of what it refers to. The first is the schema itself.
fn subschemas(schema: &Value, resources: &Resources, patterns: &mut Patterns) -> Vec<Subschema> {
    let mut found = vec![Subschema::default()];
    let draft = Draft::default().detect(schema);
    let root = draft.create_resource_ref(schema);
    let base = root
        .id()
        .and_then(|id| jsonschema::uri::from_str(id).ok())
        .or_else(|| jsonschema::uri::from_str("json-schema:///").ok());
    let Some(base) = base else {
        return found;
    };
    let registry = Registry::new()
        .retriever(resources.clone())
        .draft(draft)
        .add(base.as_str(), root)
        .and_then(|registry| registry.prepare());
    let Ok(registry) = registry else {
        // The compiler fails for the same reason and reports it.
        return found;
    };
    // Subschemas are identified by their address: the registry keeps them where they are.
    let mut numbers = HashMap::from([(std::ptr::from_ref(schema), 0)]);
    let mut pending = vec![(0, schema, registry.resolver(base), draft)];
    let mut dynamic_anchors: Vec<(String, usize)> = Vec::new();
    while let Some((number, schema, resolver, draft)) = pending.pop() {
        patterns.collect(schema);
        for name in ["$dynamicAnchor", "$recursiveAnchor"] {
            match schema.get(name) {
                Some(Value::String(anchor)) => dynamic_anchors.push((anchor.clone(), number)),
                Some(Value::Bool(true)) => dynamic_anchors.push((String::new(), number)),
                _ => {}
            }
        }
        if let Some(subschema) = found.get_mut(number) {
            let is_present = |keyword: &&&str| schema.get(**keyword).is_some();
            subschema.unevaluated = UNEVALUATED.iter().filter(is_present).count() as u64;
        }
        let mut steps: Vec<_> = children(schema)
            .into_iter()
            .filter_map(|(step, child)| {
                let draft = draft.detect(child);
                let resource = draft.create_resource_ref(child);
                let resolver = resolver.in_subresource(resource).ok()?;
                Some((step, child, resolver, draft))
            })
            .collect();
        for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
            let Some(reference) = schema.get(keyword).and_then(Value::as_str) else {
                continue;
            };
            if let Ok(resolved) = resolver.lookup(reference) {
                let (target, resolver, draft) = resolved.into_inner();
                steps.push((Step::InPlace, target, resolver, draft));
            }
            let Some(subschema) = found.get_mut(number) else {
                continue;
            };
            subschema.reference = Some(reference.to_owned());
            if keyword != "$ref" {
                let (_, anchor) = reference.rsplit_once('#').unwrap_or_default();
                subschema.dynamic_reference = Some(anchor.to_owned());
            }
        }
        for (step, child, resolver, draft) in steps {
            let target = match numbers.entry(std::ptr::from_ref(child)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(free) => {
                    let next = found.len();
                    free.insert(next);
                    found.push(Subschema::default());
                    pending.push((next, child, resolver, draft));
                    next
                }
            };
            if let Some(subschema) = found.get_mut(number) {
                match step {
                    Step::InPlace => subschema.in_place.push(target),
                    Step::Nested => subschema.nested.push(target),
                    Step::Definition => {}
                }
            }
        }
    }
    // The dynamic scope decides which anchor a dynamic reference leads to, so each may be meant.
    for subschema in &mut found {
        let Some(name) = &subschema.dynamic_reference else {
            continue;
        };
        let targets = dynamic_anchors.iter().filter(|(anchor, _)| anchor == name);
        subschema.in_place.extend(targets.map(|(_, target)| target));
        subschema.in_place.sort_unstable();
        subschema.in_place.dedup();
    }
    found
}

/// The subschemas directly inside a schema.
fn children(schema: &Value) -> Vec<(Step, &Value)> {
    let Some(schema) = schema.as_object() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (keyword, value) in schema {
        let keyword = keyword.as_str();
        let (step, is_map) = if IN_PLACE.contains(&keyword) || IN_PLACE_LISTS.contains(&keyword) {
            (Step::InPlace, false)
        } else if IN_PLACE_MAPS.contains(&keyword) {
            (Step::InPlace, true)
        } else if NESTED.contains(&keyword) {
            (Step::Nested, false)
        } else if NESTED_MAPS.contains(&keyword) {
            (Step::Nested, true)
        } else if DEFINITIONS.contains(&keyword) {
            (Step::Definition, true)
        } else {
            continue;
        };
        let is_schema = |value: &&Value| value.is_object() || value.is_boolean();
        match value {
            Value::Array(list) => found.extend(list.iter().map(|value| (step, value))),
            Value::Object(map) if is_map => {
                found.extend(map.values().filter(is_schema).map(|value| (step, value)));
            }
            value if !is_map => found.push((step, value)),
            _ => {}
        }
    }
    found
}

/// The chains of subschemas that are applied to one value.
struct Chains {
    longest: usize,
    applications: u64,
}

impl Chains {
    fn measure(subschemas: &[Subschema]) -> Result<Chains, SchemaError> {
        let edges: Vec<&[usize]> = subschemas.iter().map(|it| it.in_place.as_slice()).collect();
        let order = targets_first(&edges).map_err(|cycle| SchemaError::EndlessRecursion {
            reference: cycle
                .iter()
                .find_map(|number| subschemas.get(*number)?.reference.clone())
                .unwrap_or_default(),
        })?;
        let lengths = fold(&edges, &order, 0_usize, |_, lengths| {
            lengths.max().unwrap_or(0).saturating_add(1)
        });
        // Each subschema is applied by its parents, and again, together with all that it leads to, by
        // every `unevaluated…` keyword above.
        let applications = fold(&edges, &order, (0, 0), |node, targets| {
            let (applied, evaluated) = targets.fold((1, 1), |(sum, all), (applied, evaluated)| {
                let both = u64::saturating_add(applied, evaluated);
                (
                    u64::saturating_add(sum, applied),
                    u64::saturating_add(all, both),
                )
            });
            let unevaluated = subschemas.get(node).map_or(0, |it| it.unevaluated);
            let again = evaluated.saturating_mul(unevaluated);
            (applied.saturating_add(again), evaluated)
        });
        let applications = applications.into_iter().map(|(applied, _)| applied);
        let chains = Chains {
            longest: lengths.into_iter().max().unwrap_or(0),
            applications: applications.max().unwrap_or(0),
        };
        if chains.longest > MAX_CHAIN {
            return Err(SchemaError::TooComplex {
                what: "subschemas inside each other for one value",
                limit: MAX_CHAIN as u64,
            });
        }
        if chains.applications > MAX_APPLICATIONS {
            return Err(SchemaError::TooComplex {
                what: "subschemas for one value",
                limit: MAX_APPLICATIONS,
            });
        }
        Ok(chains)
    }
}

/// The longest path through all subschemas; `None` if there is a cycle.
fn longest_path(subschemas: &[Subschema]) -> Option<usize> {
    let all: Vec<Vec<usize>> = subschemas
        .iter()
        .map(|it| it.in_place.iter().chain(&it.nested).copied().collect())
        .collect();
    let edges: Vec<&[usize]> = all.iter().map(Vec::as_slice).collect();
    let order = targets_first(&edges).ok()?;
    let lengths = fold(&edges, &order, 0_usize, |_, lengths| {
        lengths.max().unwrap_or(0).saturating_add(1)
    });
    lengths.into_iter().max()
}

/// Computes a value for each node from the values of its targets. `order` has targets first.
fn fold<T: Copy>(
    edges: &[&[usize]],
    order: &[usize],
    start: T,
    combine: impl Fn(usize, &mut dyn Iterator<Item = T>) -> T,
) -> Vec<T> {
    let mut values = vec![start; edges.len()];
    for node in order {
        let targets = edges.get(*node).copied().unwrap_or_default();
        let mut of_targets = targets.iter().filter_map(|it| values.get(*it).copied());
        let value = combine(*node, &mut of_targets);
        if let Some(slot) = values.get_mut(*node) {
            *slot = value;
        }
    }
    values
}

/// All nodes of a graph, each after the nodes that its edges lead to.
///
/// # Errors
/// The nodes on a path that ends in a cycle, its last nodes first.
fn targets_first(edges: &[&[usize]]) -> Result<Vec<usize>, Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        OnPath,
        Done,
    }
    let mut marks = vec![Mark::New; edges.len()];
    let mut order = Vec::with_capacity(edges.len());
    for start in 0..edges.len() {
        // An explicit stack, because a path may be as long as the schema.
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            let Some(mark) = marks.get_mut(node) else {
                break;
            };
            if *next == 0 && *mark == Mark::Done {
                path.pop();
                continue;
            }
            *mark = Mark::OnPath;
            let target = edges
                .get(node)
                .and_then(|targets| targets.get(*next))
                .copied();
            *next += 1;
            match target {
                None => {
                    *mark = Mark::Done;
                    order.push(node);
                    path.pop();
                }
                Some(target) => match marks.get(target) {
                    Some(Mark::New) => path.push((target, 0)),
                    Some(Mark::OnPath) => {
                        return Err(path.iter().rev().map(|(node, _)| *node).collect());
                    }
                    Some(Mark::Done) | None => {}
                },
            }
        }
    }
    Ok(order)
}

/// Whether arrays and objects are nested more than `levels` deep.
fn is_nested_deeper_than(value: &Value, levels: usize) -> bool {
    let mut pending = vec![(value, 0)];
    while let Some((value, level)) = pending.pop() {
        let level = level + 1;
        match value {
            Value::Array(items) => pending.extend(items.iter().map(|item| (item, level))),
            Value::Object(members) => pending.extend(members.values().map(|it| (it, level))),
            _ => continue,
        }
        if level > levels {
            return true;
        }
    }
    false
}
