//! A batch as a whole: what no schema says, because it is between tasks.

mod cycles;
mod similar;

use std::borrow::Cow;
use std::collections::HashMap;

use super::Roles;
use crate::document::Document;

/// What a batch is held against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintOptions {
    /// Which members are the key, the title and the dependencies.
    pub roles: Roles,
    /// How many tasks were asked for, where a number was.
    pub expected_count: Option<usize>,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something was not looked at.
    Note,
    /// Probably not what was meant.
    Warning,
    /// The tasks cannot be carried out as they are.
    Error,
}

/// What kind of finding it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingCode {
    /// Two or more tasks have the same key.
    DuplicateKey,
    /// A task depends on a key no task of the batch has.
    DanglingDependency,
    /// A task depends on itself.
    SelfDependency,
    /// Tasks depend on each other in a circle.
    CyclicDependency,
    /// There are more or fewer tasks than asked for.
    WrongCount,
    /// Two or more tasks have titles that say the same.
    SimilarTitles,
    /// Keys or dependencies were not looked at, because the schema has no such member.
    NotChecked,
}

/// One thing to know about a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of finding it is.
    pub code: FindingCode,
    /// How much it weighs.
    pub severity: Severity,
    /// Which tasks it is about, by their index from 0, in order; empty: the batch.
    pub tasks: Vec<usize>,
    /// What is the matter, in words.
    pub message: String,
}

/// Looks at a batch as a whole. Findings come in the order of [`FindingCode`]. A member whose type
/// is not what its role needs is passed over: that is the schema's affair. The time grows with the
/// size of the batch, not with its square.
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
                message: format!("{} tasks have the key {key:?}.", tasks.len()),
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
    let mut own = Vec::new();
    let mut edges: Vec<Vec<usize>> = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.iter().enumerate() {
        let listed = roles.dependencies(task.root());
        let mut missing: Vec<String> = Vec::new();
        let mut targets = Vec::new();
        for key in &listed {
            match holders.get(key.as_ref()) {
                None => missing.push(format!("{key:?}")),
                Some(holders) if holders.contains(&index) => own.push(Finding {
                    code: FindingCode::SelfDependency,
                    severity: Severity::Error,
                    tasks: vec![index],
                    message: format!("This task depends on its own key, {key:?}."),
                }),
                Some(holders) => targets.extend(holders),
            }
        }
        if !missing.is_empty() {
            dangling.push(Finding {
                code: FindingCode::DanglingDependency,
                severity: Severity::Error,
                tasks: vec![index],
                message: format!("No task of the batch has the key {}.", missing.join(" or ")),
            });
        }
        edges.push(targets);
    }
    let circles = cycles::find(&edges).into_iter().map(|tasks| Finding {
        code: FindingCode::CyclicDependency,
        severity: Severity::Error,
        message: format!(
            "{} tasks depend on each other in a circle, so none can begin.",
            tasks.len()
        ),
        tasks,
    });
    dangling.into_iter().chain(own).chain(circles).collect()
}

fn wrong_count(found: usize, expected: Option<usize>) -> Option<Finding> {
    let expected = expected?;
    (found != expected).then(|| Finding {
        code: FindingCode::WrongCount,
        severity: Severity::Warning,
        tasks: Vec::new(),
        message: format!("{expected} tasks were asked for, {found} are here."),
    })
}

fn similar_titles(titles: &[Option<String>]) -> Vec<Finding> {
    let borrowed: Vec<Option<&str>> = titles.iter().map(Option::as_deref).collect();
    similar::groups(&borrowed)
        .into_iter()
        .map(|tasks| Finding {
            code: FindingCode::SimilarTitles,
            severity: Severity::Warning,
            message: format!(
                "{} tasks have titles that say nearly the same.",
                tasks.len()
            ),
            tasks,
        })
        .collect()
}

fn not_checked(roles: &Roles) -> Option<Finding> {
    let message = match (&roles.key, &roles.depends_on) {
        (None, Some(_)) => {
            "The schema has no member that is the key: keys and dependencies were not checked."
        }
        (None, None) => "The schema has no member that is the key: keys were not checked.",
        (Some(_), _) => return None,
    };
    Some(Finding {
        code: FindingCode::NotChecked,
        severity: Severity::Note,
        tasks: Vec::new(),
        message: message.to_owned(),
    })
}
