//! Exact validation of a task's text in place against a compiled JSON Schema.
//!
//! The only user of the jsonschema crate, which reads documents through its `json` traits: no tree
//! is built and no number is rounded.
//!
//! The work for one task is bounded, whatever the schema and the task are. `extent` refuses schemas
//! whose recursion only the stack would end; `in_place` counts what a check reads, matches and
//! reports. A task that exceeds a limit is invalid, with a violation that says what was not checked.

use std::collections::BTreeMap;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, Retrieve, Uri, ValidationError};
use serde_json::Value;

use super::{Check, RuleData, SchemaError, Violation};
use crate::document::{Document, Kind, Node};
use crate::text::truncate_chars;

mod extent;
mod in_place;
#[cfg(test)]
mod limit_tests;

use extent::Extent;
use in_place::{Budget, CheckLimits, Exceeded, InPlace};

/// Maximum number of violations reported for one task.
pub const MAX_VIOLATIONS: usize = 200;
/// The keyword of a violation that says that a task was not checked completely, because that would
/// take too much work.
pub const INCOMPLETE_CHECK: &str = "incompleteCheck";

/// Maximum length of a violation's message, in characters. Some list all allowed values.
const MAX_MESSAGE_CHARACTERS: usize = 1_000;
/// Limits of one check. An ordinary task takes some hundreds of accesses.
const LIMITS: CheckLimits = CheckLimits {
    accesses: 50_000_000,
    violations: 2_000,
    pattern_bytes: u64::MAX,
};
/// Maximum number of bytes matched times backtracking steps allowed for each match, for one task.
const MAX_PATTERN_STEPS: u64 = 1_200_000_000;
/// Backtracking steps allowed for one match of a string with a pattern. Nearly all patterns take
/// fewer.
const QUICK_BACKTRACKING: usize = 1_000;
/// Backtracking steps allowed for one match if [`QUICK_BACKTRACKING`] were not enough for a string
/// of the task. Only tasks with little text are matched that thoroughly.
const THOROUGH_BACKTRACKING: usize = 50_000;
/// Maximum size of one compiled pattern, in bytes, and of its cache.
const MAX_PATTERN_BYTES: usize = 10 << 20;
/// Maximum number of subschemas that validation may be inside at once, over all levels of a task.
const MAX_RECURSION: usize = 400;
/// Nested levels of a document, by its scanner's limits, and one for member names.
const MAX_LEVELS: usize = 65;

/// Options for compiling a schema.
#[derive(Debug, Clone)]
pub struct ValidatorOptions {
    /// Whether `format` is an assertion (`true`, the default) or only an annotation.
    pub assert_formats: bool,
    /// Other schema documents by absolute URI. No other documents are ever retrieved.
    pub resources: BTreeMap<String, Value>,
}

impl Default for ValidatorOptions {
    fn default() -> Self {
        ValidatorOptions {
            assert_formats: true,
            resources: BTreeMap::new(),
        }
    }
}

/// A compiled schema.
pub struct Validator {
    compiled: Compiled,
    extent: Extent,
    /// `None` if every pattern is matched in linear time.
    backtracking: Option<Box<Backtracking>>,
    limits: CheckLimits,
}

type Compiled = jsonschema::Validator<InPlace>;

/// What is needed for a schema with patterns that are matched by backtracking: those with
/// look-around or back-references.
struct Backtracking {
    /// The schema with a higher limit for each match.
    thorough: Compiled,
    /// For the patterns in messages.
    schema: Value,
    /// The first such pattern of the schema.
    first_pattern: String,
}

/// The result of one run of a compiled schema over a task.
struct Report {
    violations: Vec<Violation>,
    exceeded: Option<Exceeded>,
    /// Whether a match that decides the result was given up.
    is_undecided: bool,
}

impl Validator {
    /// Compiles a JSON Schema: draft 2020-12 unless `$schema` names another one. Nothing is fetched.
    ///
    /// # Errors
    /// [`SchemaError`] if it is not a valid schema, a reference cannot be resolved or leads back to
    /// itself without end, or the schema is too complex to be applied with bounded work.
    pub fn compile(schema: &Value, options: &ValidatorOptions) -> Result<Validator, SchemaError> {
        let resources = Resources(options.resources.clone());
        let (extent, patterns) = extent::measure(schema, &resources)?;
        let build = |backtracking: Option<usize>| {
            let builder = jsonschema::options_for::<InPlace>()
                .should_validate_formats(options.assert_formats)
                .with_retriever(resources.clone());
            let builder = match backtracking {
                None => builder.with_pattern_options(PatternOptions::regex()),
                Some(limit) => builder.with_pattern_options(
                    PatternOptions::fancy_regex()
                        .backtrack_limit(limit)
                        .size_limit(MAX_PATTERN_BYTES)
                        .dfa_size_limit(MAX_PATTERN_BYTES),
                ),
            };
            builder.build(schema)
        };
        let (compiled, backtracking) = match build(None) {
            Ok(compiled) => (compiled, None),
            // Without backtracking some patterns are refused. If that was the reason, this succeeds.
            Err(_) => {
                let quick = build(Some(QUICK_BACKTRACKING)).map_err(|it| schema_error(&it))?;
                let thorough =
                    build(Some(THOROUGH_BACKTRACKING)).map_err(|it| schema_error(&it))?;
                let backtracks = |pattern: &&String| !is_matched_in_linear_time(pattern);
                let first_pattern = patterns.iter().find(backtracks);
                let backtracking = Backtracking {
                    thorough,
                    schema: schema.clone(),
                    first_pattern: first_pattern.cloned().unwrap_or_default(),
                };
                (quick, Some(Box::new(backtracking)))
            }
        };
        Ok(Validator {
            compiled,
            extent,
            backtracking,
            limits: LIMITS,
        })
    }

    /// Whether [`Check::check`] would find no violation. Faster than collecting violations, and most
    /// tasks are valid.
    #[must_use]
    pub fn accepts(&self, task: Node<'_>) -> bool {
        !task.has_duplicate_members() && self.follows_schema(task)
    }

    fn follows_schema(&self, task: Node<'_>) -> bool {
        if self
            .deepest_task()
            .is_some_and(|levels| is_deeper_than(task, levels))
        {
            return false;
        }
        let is_valid = |compiled: &Compiled, backtracking| {
            let budget = self.budget(task, backtracking);
            compiled.is_valid(budget.instance()) && budget.exceeded().is_none()
        };
        match &self.backtracking {
            None => is_valid(&self.compiled, None),
            // The quick run may be undecided, which looks like invalid.
            Some(backtracking) => {
                is_valid(&self.compiled, Some(QUICK_BACKTRACKING))
                    || is_valid(&backtracking.thorough, Some(THOROUGH_BACKTRACKING))
            }
        }
    }

    /// Like [`Check::check`], for a value that is not part of a [`Document`].
    #[must_use]
    pub fn violations(&self, task: Node<'_>) -> Vec<Violation> {
        if self.accepts(task) {
            return Vec::new();
        }
        let mut found: Vec<Violation> = task
            .duplicate_members(MAX_VIOLATIONS)
            .into_iter()
            .map(|pointer| Violation {
                instance_path: pointer,
                schema_path: String::new(),
                keyword: "duplicateMember".to_owned(),
                message: "the object has another member with this name".to_owned(),
                rule: RuleData::default(),
            })
            .collect();
        // Where a match is given up, the jsonschema crate looks the string up in a value that has
        // no duplicate members, and panics if it is not there.
        if found.is_empty() || self.backtracking.is_none() {
            found.extend(self.schema_violations(task));
        }
        found.truncate(MAX_VIOLATIONS);
        found
    }

    fn schema_violations(&self, task: Node<'_>) -> Vec<Violation> {
        if let Some(levels) = self.deepest_task()
            && is_deeper_than(task, levels)
        {
            return vec![incomplete(format!(
                "the task was not checked: this schema is recursive and can be applied to {levels} nested levels at most"
            ))];
        }
        let Some(backtracking) = &self.backtracking else {
            return self.report(&self.compiled, task, None).conclude();
        };
        let quick = self.report(&self.compiled, task, Some(QUICK_BACKTRACKING));
        if !quick.is_undecided && !quick.is_inconclusive() {
            return quick.conclude();
        }
        let thorough = self.report(&backtracking.thorough, task, Some(THOROUGH_BACKTRACKING));
        // The quick run names the pattern and the string.
        let report = if thorough.exceeded.is_some() && quick.is_undecided {
            quick
        } else {
            thorough
        };
        if report.is_inconclusive() {
            // Every match that is given up repeats the check, until the budget is spent.
            return vec![incomplete(not_checked(&backtracking.first_pattern))];
        }
        report.conclude()
    }

    /// Runs a compiled schema over a task.
    fn report(&self, compiled: &Compiled, task: Node<'_>, backtracking: Option<usize>) -> Report {
        let budget = self.budget(task, backtracking);
        let mut errors: Vec<_> = compiled.iter_errors(budget.instance()).collect();
        let exceeded = budget.exceeded();
        if exceeded.is_some() {
            // What was built after the budget was spent may be wrong. Errors are in order of time;
            // those of the root have no mark.
            let last_in_time = errors.iter().rposition(|error| {
                !error.instance_path().as_str().is_empty()
                    && in_place::was_built_in_time(error.instance()) == Some(true)
            });
            errors.truncate(last_in_time.map_or(0, |last| last + 1));
        }
        let is_undecided = errors.iter().any(is_given_up);
        let mut violations = Vec::new();
        for error in &errors {
            let violation = match &self.backtracking {
                Some(backtracking) if is_given_up(error) => backtracking.given_up(error),
                _ => violation(error),
            };
            // A subschema that is applied twice to a value reports the same again.
            if violations.len() < MAX_VIOLATIONS && !violations.contains(&violation) {
                violations.push(violation);
            }
        }
        Report {
            violations,
            exceeded,
            is_undecided,
        }
    }

    /// What one run over a task may cost.
    fn budget<'a>(&self, task: Node<'a>, backtracking: Option<usize>) -> Budget<'a> {
        /// Subschemas that are passed in the time of one access.
        const SUBSCHEMAS_OF_AN_ACCESS: u64 = 64;
        let pattern_bytes = match backtracking {
            Some(steps) => MAX_PATTERN_STEPS / (steps as u64).max(1),
            None => self.limits.pattern_bytes,
        };
        Budget::new(
            task,
            CheckLimits {
                pattern_bytes: pattern_bytes.min(self.limits.pattern_bytes),
                ..self.limits
            },
            self.extent.applications / SUBSCHEMAS_OF_AN_ACCESS,
            self.extent.patterns_of_a_name,
            backtracking.is_some(),
        )
    }

    /// The number of nested arrays and objects to which the schema can be applied without exhausting
    /// the stack; `None` if that is no limit.
    fn deepest_task(&self) -> Option<usize> {
        let is_bounded = self
            .extent
            .total
            .is_some_and(|total| total <= MAX_RECURSION);
        let levels = MAX_RECURSION / self.extent.chain.max(1);
        (!is_bounded && levels < MAX_LEVELS).then_some(levels)
    }
}

impl Report {
    /// Whether the check ended before it found anything.
    fn is_inconclusive(&self) -> bool {
        self.exceeded.is_some() && self.violations.is_empty()
    }

    /// All violations; says so if the check ended early.
    fn conclude(mut self) -> Vec<Violation> {
        let reason = match self.exceeded {
            Some(Exceeded::Accesses | Exceeded::PatternBytes) => {
                "the task was not checked completely: checking it against this schema takes too many steps"
            }
            Some(Exceeded::Violations) if self.violations.len() < MAX_VIOLATIONS => {
                "the task was not checked completely: it violates the schema in too many places to list them all"
            }
            _ => return self.violations,
        };
        self.violations.truncate(MAX_VIOLATIONS - 1);
        self.violations.push(incomplete(reason.to_owned()));
        self.violations
    }
}

impl Backtracking {
    /// The violation for a match that was given up.
    fn given_up(&self, error: &ValidationError<'_>) -> Violation {
        let schema_path = error.schema_path().to_string();
        let pattern = self.schema.pointer(&schema_path).and_then(Value::as_str);
        // A member of `patternProperties` is named by its pattern.
        let pattern = pattern.map_or_else(|| self.name_in(&schema_path), str::to_owned);
        Violation {
            instance_path: error.instance_path().to_string(),
            keyword: "pattern".to_owned(),
            message: not_checked(&pattern),
            schema_path,
            rule: RuleData::default(),
        }
    }

    /// The last name in a JSON Pointer if it is a pattern; else the first pattern of the schema.
    fn name_in(&self, pointer: &str) -> String {
        match pointer.rsplit_once('/') {
            Some((parent, name)) if parent.ends_with("/patternProperties") => {
                name.replace("~1", "/").replace("~0", "~")
            }
            _ => self.first_pattern.clone(),
        }
    }
}

fn is_given_up(error: &ValidationError<'_>) -> bool {
    use ValidationErrorKind::{BacktrackLimitExceeded, RegexEngineFailure};
    matches!(
        error.kind(),
        BacktrackLimitExceeded { .. } | RegexEngineFailure { .. }
    )
}

fn not_checked(pattern: &str) -> String {
    /// Characters of the pattern in the message.
    const MAX_PATTERN_CHARACTERS: usize = 200;
    format!(
        "the pattern “{}” was not checked: matching it against this task takes too many steps",
        truncate_chars(pattern, MAX_PATTERN_CHARACTERS)
    )
}

fn incomplete(message: String) -> Violation {
    Violation {
        instance_path: String::new(),
        schema_path: String::new(),
        keyword: INCOMPLETE_CHECK.to_owned(),
        message,
        rule: RuleData::default(),
    }
}

/// Whether a pattern needs no backtracking.
fn is_matched_in_linear_time(pattern: &str) -> bool {
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .build(&serde_json::json!({ "pattern": pattern }))
        .is_ok()
}

/// Whether arrays and objects are nested more than `levels` deep. The scanner bounds the recursion.
fn is_deeper_than(node: Node<'_>, levels: usize) -> bool {
    let below = levels.checked_sub(1);
    match (node.kind(), below) {
        (Kind::Object | Kind::Array, None) => true,
        (Kind::Object, Some(below)) => node.members().any(|(_, it)| is_deeper_than(it, below)),
        (Kind::Array, Some(below)) => node.items().any(|it| is_deeper_than(it, below)),
        _ => false,
    }
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Validator")
    }
}

impl Check for Validator {
    fn check(&self, task: &Document) -> Vec<Violation> {
        self.violations(task.root())
    }
}

fn violation(error: &ValidationError<'_>) -> Violation {
    // The masked form omits the value, which is in the task and may be long.
    let message = error.masked().to_string();
    Violation {
        instance_path: error.instance_path().to_string(),
        schema_path: error.schema_path().to_string(),
        keyword: error.kind().keyword().to_owned(),
        message: truncate_chars(&message, MAX_MESSAGE_CHARACTERS),
        rule: rule_data(error.kind()),
    }
}

fn rule_data(kind: &ValidationErrorKind) -> RuleData {
    use ValidationErrorKind as Kind;
    match kind {
        Kind::MaxItems { limit }
        | Kind::MinItems { limit }
        | Kind::MaxLength { limit }
        | Kind::MinLength { limit }
        | Kind::MaxProperties { limit }
        | Kind::MinProperties { limit } => RuleData::with_limit(*limit),
        Kind::Maximum { limit }
        | Kind::Minimum { limit }
        | Kind::ExclusiveMaximum { limit }
        | Kind::ExclusiveMinimum { limit } => RuleData::with_limit(limit.clone()),
        Kind::MultipleOf { multiple_of } => RuleData::with_limit(*multiple_of),
        Kind::Enum { options } => match &**options {
            Value::Array(options) => RuleData::with_allowed(options.clone()),
            _ => RuleData::default(),
        },
        Kind::Constant { expected_value } => {
            RuleData::with_allowed(vec![Value::clone(expected_value)])
        }
        Kind::Required { property } => property
            .as_str()
            .map(RuleData::with_missing)
            .unwrap_or_default(),
        _ => RuleData::default(),
    }
}

fn schema_error(error: &ValidationError<'_>) -> SchemaError {
    use jsonschema::ReferencingError as Reference;
    if let ValidationErrorKind::Referencing(reference) = error.kind() {
        return match reference {
            Reference::Unretrievable { uri, .. } => {
                SchemaError::RemoteReference { uri: uri.clone() }
            }
            Reference::UnknownSpecification { specification } => SchemaError::RemoteReference {
                uri: specification.clone(),
            },
            Reference::PointerToNowhere { pointer } => SchemaError::DanglingReference {
                reference: pointer.clone(),
            },
            Reference::NoSuchAnchor { anchor } | Reference::InvalidAnchor { anchor } => {
                SchemaError::DanglingReference {
                    reference: anchor.clone(),
                }
            }
            other => SchemaError::NotASchema {
                pointer: String::new(),
                reason: other.to_string(),
            },
        };
    }
    SchemaError::NotASchema {
        pointer: error.instance_path().to_string(),
        reason: error.to_string(),
    }
}

/// Retrieves the given resources, and nothing else.
#[derive(Clone)]
struct Resources(BTreeMap<String, Value>);

impl Retrieve for Resources {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let address = uri.as_str();
        self.0
            .get(address)
            .or_else(|| self.0.get(address.trim_end_matches('#')))
            .cloned()
            .ok_or_else(|| "it is not part of the schema, and nothing is fetched".into())
    }
}

#[cfg(test)]
mod tests;
