//! Checks of a batch of tasks that no schema can express, because they concern several tasks.

mod cycles;
mod similar;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::Roles;
use crate::document::Document;

/// Options for [`lint_batch`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintOptions {
    /// The members that are the task key, the title and the dependencies.
    pub roles: Roles,
    /// The number of tasks requested, if known.
    pub expected_count: Option<usize>,
}

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something was not checked.
    Note,
    /// Probably not intended.
    Warning,
    /// The tasks cannot be carried out as they are.
    Error,
}

/// The kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingCode {
    /// Two or more tasks have the same key.
    DuplicateKey,
    /// A task depends on a key that no task in the batch has.
    DanglingDependency,
    /// A task depends on itself.
    SelfDependency,
    /// Tasks depend on each other in a cycle.
    CyclicDependency,
    /// There are more or fewer tasks than requested.
    WrongCount,
    /// Two or more tasks have nearly the same title.
    SimilarTitles,
    /// Keys or dependencies were not checked, because the schema has no such member.
    NotChecked,
}

impl FindingCode {
    /// The label in the interface.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            FindingCode::DuplicateKey => "Same task key",
            FindingCode::DanglingDependency => "Unknown dependency",
            FindingCode::SelfDependency => "Depends on itself",
            FindingCode::CyclicDependency => "Dependency cycle",
            FindingCode::WrongCount => "Number of tasks",
            FindingCode::SimilarTitles => "Similar titles",
            FindingCode::NotChecked => "Not checked",
        }
    }
}

/// A finding about a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The kind of finding.
    pub code: FindingCode,
    /// The severity.
    pub severity: Severity,
    /// The tasks concerned, as ascending indices from 0; empty if it concerns the whole batch.
    pub tasks: Vec<usize>,
    /// A message for the operator.
    pub message: String,
}

/// Checks a batch. Findings are in the order of [`FindingCode`]. A member whose type does not suit
/// its role is skipped, because validation reports it. Runs in linear time in the size of the
/// batch.
#[must_use]
pub fn lint_batch(tasks: &[Document], options: &LintOptions) -> Vec<Finding> {
    let roles = &options.roles;
    let keys: Vec<Option<Cow<'_, str>>> = tasks.iter().map(|task| roles.key(task.root())).collect();
    let mut holders: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, key) in keys.iter().enumerate() {
        if let Some(key) = key {
            holders.entry(key).or_default().push(index);
        }
    }
    let mut findings = duplicate_keys(&keys, &holders);
    if roles.key.is_some() {
        findings.extend(dependencies(tasks, roles, &holders));
    }
    findings.extend(wrong_count(tasks.len(), options.expected_count));
    let titles: Vec<Option<String>> = tasks
        .iter()
        .map(|task| roles.title(task.root()).map(Cow::into_owned))
        .collect();
    findings.extend(similar_titles(&titles));
    findings.extend(not_checked(roles));
    findings
}

fn duplicate_keys(
    keys: &[Option<Cow<'_, str>>],
    holders: &HashMap<&str, Vec<usize>>,
) -> Vec<Finding> {
    keys.iter()
        .enumerate()
        .filter_map(|(index, key)| {
            let key = key.as_deref()?;
            let tasks = holders.get(key)?;
            (tasks.len() > 1 && tasks.first() == Some(&index)).then(|| Finding {
                code: FindingCode::DuplicateKey,
                severity: Severity::Error,
                tasks: tasks.clone(),
                message: format!("{} tasks have the key “{key}”.", tasks.len()),
            })
        })
        .collect()
}

/// Dangling, self and cyclic dependencies.
fn dependencies(
    tasks: &[Document],
    roles: &Roles,
    holders: &HashMap<&str, Vec<usize>>,
) -> Vec<Finding> {
    let mut dangling = Vec::new();
    let mut self_dependencies = Vec::new();
    let mut edges: Vec<Vec<usize>> = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.iter().enumerate() {
        let listed = roles.dependencies(task.root());
        let mut missing: Vec<String> = Vec::new();
        let mut targets = Vec::new();
        let mut seen = HashSet::new();
        for key in &listed {
            if !seen.insert(key.as_ref()) {
                continue;
            }
            match holders.get(key.as_ref()) {
                None => missing.push(format!("“{key}”")),
                Some(holders) if holders.binary_search(&index).is_ok() => {
                    self_dependencies.push(Finding {
                        code: FindingCode::SelfDependency,
                        severity: Severity::Error,
                        tasks: vec![index],
                        message: format!("This task depends on its own key, “{key}”."),
                    })
                }
                // As for the topological order, the first task with a key is the one that is meant.
                Some(holders) => targets.extend(holders.first()),
            }
        }
        if !missing.is_empty() {
            dangling.push(Finding {
                code: FindingCode::DanglingDependency,
                severity: Severity::Error,
                tasks: vec![index],
                message: format!("No task in the batch has the key {}.", missing.join(" or ")),
            });
        }
        edges.push(targets);
    }
    let cycles = cycles::find(&edges).into_iter().map(|tasks| Finding {
        code: FindingCode::CyclicDependency,
        severity: Severity::Error,
        message: format!(
            "{} tasks depend on each other in a cycle, so none can start.",
            tasks.len()
        ),
        tasks,
    });
    dangling
        .into_iter()
        .chain(self_dependencies)
        .chain(cycles)
        .collect()
}

fn wrong_count(found: usize, expected: Option<usize>) -> Option<Finding> {
    let expected = expected?;
    (found != expected).then(|| Finding {
        code: FindingCode::WrongCount,
        severity: Severity::Warning,
        tasks: Vec::new(),
        message: format!("{expected} tasks were requested, but the batch has {found}."),
    })
}

/// Forms of a title. Two titles are nearly the same if they have one in common; a title without a word has
/// none.
#[must_use]
pub fn title_variants(title: &str) -> Vec<String> {
    similar::variants_of(title)
}

fn similar_titles(titles: &[Option<String>]) -> Vec<Finding> {
    let borrowed: Vec<Option<&str>> = titles.iter().map(Option::as_deref).collect();
    similar::groups(&borrowed)
        .into_iter()
        .map(|tasks| Finding {
            code: FindingCode::SimilarTitles,
            severity: Severity::Warning,
            message: format!("{} tasks have nearly the same title.", tasks.len()),
            tasks,
        })
        .collect()
}

fn not_checked(roles: &Roles) -> Option<Finding> {
    let message = match (&roles.key, &roles.depends_on) {
        (None, Some(_)) => "The schema has no task key, so keys and dependencies were not checked.",
        (None, None) => "The schema has no task key, so keys were not checked.",
        (Some(_), _) => return None,
    };
    Some(Finding {
        code: FindingCode::NotChecked,
        severity: Severity::Note,
        tasks: Vec::new(),
        message: message.to_owned(),
    })
}
