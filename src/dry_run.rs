//! Dry runs: sample tasks generated locally from the brief and a seed, without a model.
//!
//! Nothing here can reach a network: no type in this module holds a transport. The tasks are valid
//! by the operator's schema, have unique task keys and depend on earlier tasks only. The same
//! brief, schema and seed produce the same tasks on every platform.

mod titles;

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::brief::Brief;
use crate::document::{Document, Kind};
use crate::random::SeededRng;
use crate::schema::sample::{Hints, SampleError, sample_adjusted};
use crate::schema::{Check, Roles, TaskSchema, UNIQUE_KEY, Violation};

/// Samples tried for one task before the schema is considered unsatisfiable.
const ATTEMPTS: u32 = 80;
/// Maximum length of a task key derived from a title, in characters.
const KEY_CHARACTERS: usize = 48;

/// Why a dry run produced no tasks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DryRunError {
    /// No task that satisfies the schema was found.
    #[error("task {ordinal} could not be generated from the schema: {cause}")]
    Unsatisfied {
        /// The position of the task in the batch, from 1.
        ordinal: usize,
        /// Why sampling failed.
        #[source]
        cause: SampleError,
    },
    /// The schema does not describe a JSON object.
    #[error("the schema describes {found}, but a task must be a JSON object")]
    NotAnObject {
        /// The kind of value that it describes.
        found: &'static str,
    },
}

impl DryRunError {
    /// A stable identifier for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            DryRunError::Unsatisfied { .. } => "dry_run_unsatisfied",
            DryRunError::NotAnObject { .. } => "dry_run_not_an_object",
        }
    }

    /// Whether another seed may succeed with the same brief and schema.
    #[must_use]
    pub fn retry(&self) -> bool {
        match self {
            DryRunError::Unsatisfied { cause, .. } => cause.retry(),
            DryRunError::NotAnObject { .. } => false,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            DryRunError::Unsatisfied { cause, .. } => cause.hint(),
            DryRunError::NotAnObject { .. } => {
                "Use a schema of type object. A body template can wrap the task if the server expects another shape."
            }
        }
    }
}

/// Generates all tasks of a dry run: as many as the brief asks for.
///
/// # Errors
/// [`DryRunError`] if one of the tasks cannot be generated.
pub fn tasks(
    brief: &Brief,
    schema: &TaskSchema,
    check: &dyn Check,
    seed: u64,
) -> Result<Vec<Document>, DryRunError> {
    DryRun::new(brief, schema, check, seed).collect()
}

/// Iterates over the tasks of a dry run. Ends after the last task or the first error. A smaller
/// count yields a prefix of what a larger one yields.
pub struct DryRun<'a> {
    schema: &'a TaskSchema,
    check: &'a dyn Check,
    goal: &'a str,
    random: SeededRng,
    keys: Vec<String>,
    generated: usize,
    count: usize,
    keys_from_titles: bool,
}

impl<'a> DryRun<'a> {
    /// Prepares a dry run. Tasks are generated lazily.
    #[must_use]
    pub fn new(
        brief: &'a Brief,
        schema: &'a TaskSchema,
        check: &'a dyn Check,
        seed: u64,
    ) -> DryRun<'a> {
        let texts = [
            brief.goal.as_str(),
            &brief.context,
            &brief.rules,
            schema.text(),
        ];
        DryRun {
            schema,
            check,
            goal: &brief.goal,
            random: SeededRng::from_texts(&texts, seed),
            keys: Vec::new(),
            generated: 0,
            count: usize::from(brief.count.get()),
            keys_from_titles: true,
        }
    }

    fn generate(&mut self) -> Result<Document, DryRunError> {
        let ordinal = self.generated;
        let roles = self.schema.roles();
        let title = titles::title(self.goal, ordinal, &mut self.random);
        let dependencies = self.choose_dependencies();
        let mut include: Vec<String> = roles.key.iter().chain(&roles.title).cloned().collect();
        if !dependencies.is_empty() {
            include.extend(roles.depends_on.clone());
        }
        let hints = Hints {
            title: title.clone(),
            goal: titles::subject(self.goal),
            title_member: roles.title.clone(),
            include,
        };
        let unique = UniqueKey {
            check: self.check,
            roles,
            used: self.keys.iter().map(String::as_str).collect(),
        };
        let from_title = self.keys_from_titles;
        let mut key_replaced = false;
        let task = sample_adjusted(
            self.schema.value(),
            &unique,
            &mut self.random,
            &hints,
            ATTEMPTS,
            &mut |value, attempt| {
                let Some(task) = value.as_object_mut() else {
                    return;
                };
                let key = roles.key.as_deref().and_then(|member| task.get_mut(member));
                if let Some(key) = key {
                    key_replaced =
                        from_title && replace_key(key, &title, ordinal, attempt, &unique.used);
                }
                if let Some(member) = roles.depends_on.as_deref()
                    && (roles.key.is_some() || attempt < ATTEMPTS / 2)
                {
                    // The schema may allow a single dependency, or none.
                    let allowed = match attempt {
                        0..4 => dependencies.len(),
                        4..8 => 1,
                        _ => 0,
                    };
                    let chosen: Vec<&String> = dependencies.iter().take(allowed).collect();
                    set_dependencies(task, member, &chosen, attempt % 2 == 1);
                }
            },
        )
        .map_err(|cause| DryRunError::Unsatisfied {
            ordinal: ordinal + 1,
            cause,
        })?;
        if task.root().kind() != Kind::Object {
            return Err(DryRunError::NotAnObject {
                found: kind_name(task.root().kind()),
            });
        }
        self.keys_from_titles = key_replaced || roles.key.is_none();
        self.keys
            .extend(roles.key(task.root()).map(Cow::into_owned));
        Ok(task)
    }

    /// Picks one or two of the last keys, for about every second task.
    fn choose_dependencies(&mut self) -> Vec<String> {
        let recent: Vec<String> = self.keys.iter().rev().take(6).cloned().collect();
        if self.schema.roles().depends_on.is_none() || !self.random.chance(1, 2) {
            return Vec::new();
        }
        let mut chosen: Vec<String> = Vec::new();
        for _ in 0..1 + self.random.below(2) {
            if let Some(key) = self.random.pick(&recent)
                && !chosen.contains(key)
            {
                chosen.push(key.clone());
            }
        }
        chosen
    }
}

impl std::fmt::Debug for DryRun<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DryRun")
            .field("generated", &self.generated)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl Iterator for DryRun<'_> {
    type Item = Result<Document, DryRunError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.generated >= self.count {
            return None;
        }
        let result = self.generate();
        self.generated = if result.is_ok() {
            self.generated + 1
        } else {
            self.count
        };
        Some(result)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.count - self.generated;
        (left.min(1), Some(left))
    }
}

/// Adds a uniqueness check of the task key to the schema check.
struct UniqueKey<'c> {
    check: &'c dyn Check,
    roles: &'c Roles,
    used: HashSet<&'c str>,
}

impl Check for UniqueKey<'_> {
    fn check(&self, task: &Document) -> Vec<Violation> {
        let mut violations = self.check.check(task);
        let repeated = self
            .roles
            .key(task.root())
            .filter(|key| self.used.contains(key.as_ref()));
        violations.extend(repeated.map(|key| Violation {
            instance_path: String::new(),
            schema_path: String::new(),
            keyword: UNIQUE_KEY.to_owned(),
            message: format!("the task key “{key}” is already used, and no other was found"),
            ..Violation::default()
        }));
        violations
    }
}

/// In some attempts, replaces the sampled key by one derived from the title or the ordinal.
/// Returns whether it did.
fn replace_key(
    key: &mut Value,
    title: &str,
    ordinal: usize,
    attempt: u32,
    used: &HashSet<&str>,
) -> bool {
    let replacement = match (attempt, &*key) {
        (0, Value::String(_)) => {
            let slug = slug(title);
            if slug.is_empty() || used.contains(slug.as_str()) {
                Value::from(format!("task-{}", ordinal + 1))
            } else {
                Value::from(slug)
            }
        }
        (2 | 4, Value::String(_)) => Value::from(format!("task-{}", ordinal + 1)),
        (0 | 2 | 4, Value::Number(_)) => Value::from(ordinal + 1),
        _ => return false,
    };
    *key = replacement;
    true
}

/// The title's words in lower case, joined by hyphens.
fn slug(title: &str) -> String {
    let mut slug = String::new();
    for word in title.split(|character: char| !character.is_ascii_alphanumeric()) {
        if word.is_empty() || slug.len() + word.len() >= KEY_CHARACTERS {
            continue;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_ascii_lowercase());
    }
    slug
}

/// Replaces the sampled dependencies by `keys`. If there are none, the member is removed, or set to
/// an empty list if `keep` is set.
fn set_dependencies(task: &mut Map<String, Value>, member: &str, keys: &[&String], keep: bool) {
    match task.get_mut(member) {
        Some(Value::Array(list)) if !keys.is_empty() || keep => {
            let sampled = list.first().cloned();
            *list = keys
                .iter()
                .map(|key| key_like(sampled.as_ref(), key))
                .collect();
        }
        Some(only @ (Value::String(_) | Value::Number(_))) if !keys.is_empty() => {
            if let Some(key) = keys.first() {
                *only = key_like(Some(only), key);
            }
        }
        Some(Value::Array(_) | Value::String(_) | Value::Number(_)) => {
            task.shift_remove(member);
        }
        _ => {}
    }
}

/// Returns `key` as a JSON value of the sampled value's type: a number if the schema samples
/// numbers, else a string.
fn key_like(sampled: Option<&Value>, key: &str) -> Value {
    match sampled {
        Some(Value::Number(_)) => serde_json::from_str(key).unwrap_or_else(|_| Value::from(key)),
        _ => Value::from(key),
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Boolean => "a boolean",
        Kind::Number => "a number",
        Kind::String => "a string",
        Kind::Array => "an array",
        Kind::Object => "an object",
    }
}
