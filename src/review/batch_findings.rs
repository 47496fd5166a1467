//! What is odd about the tasks of a run together.

use std::sync::Arc;

use super::DraftId;
use super::delivered_titles::DeliveredTitles;
use crate::document::Document;
use crate::schema::Roles;
use crate::schema::lint::{Finding, FindingCode, LintOptions, Severity, lint_batch};

/// A finding and the tasks that it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchFinding {
    /// The finding.
    pub finding: Finding,
    /// The tasks, in order of arrival.
    pub tasks: Vec<DraftId>,
}

impl BatchFinding {
    /// Whether tasks with this finding are posted only after the operator acknowledged it: agents could
    /// not carry them out in any order, or could not tell them apart.
    #[must_use]
    pub fn needs_acknowledgement(&self) -> bool {
        matches!(
            self.finding.code,
            FindingCode::DuplicateKey | FindingCode::SelfDependency | FindingCode::CyclicDependency
        )
    }
}

/// The findings about tasks, given with their texts, among each other and beside what was delivered before.
/// A text that is not JSON is left out, and so are notes about what was not checked. The outcome of the
/// generation tells whether tasks are missing.
#[must_use]
pub fn batch_findings(
    tasks: &[(DraftId, Arc<str>)],
    roles: &Roles,
    delivered: &DeliveredTitles,
) -> Vec<BatchFinding> {
    let (ids, documents): (Vec<&DraftId>, Vec<Document>) = tasks
        .iter()
        .filter_map(|(id, text)| Some((id, Document::parse_shared(text).ok()?)))
        .unzip();
    let options = LintOptions {
        roles: roles.clone(),
        expected_count: None,
    };
    let repeated = documents
        .iter()
        .enumerate()
        .filter_map(|(index, document)| {
            let title = roles.title(document.root())?;
            Some(Finding {
                code: FindingCode::SimilarTitles,
                severity: Severity::Warning,
                tasks: vec![index],
                message: delivered.similar_to(&title)?.message(),
            })
        });
    lint_batch(&documents, &options)
        .into_iter()
        .filter(|finding| finding.severity > Severity::Note)
        .chain(repeated)
        .map(|finding| BatchFinding {
            tasks: finding
                .tasks
                .iter()
                .filter_map(|index| ids.get(*index).map(|id| (*id).clone()))
                .collect(),
            finding,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::RunId;
    use crate::review::delivered_titles::DeliveredTask;

    fn found(texts: &[&str]) -> Vec<(FindingCode, Vec<u32>, bool)> {
        let tasks: Vec<(DraftId, Arc<str>)> = (1..)
            .zip(texts)
            .map(|(ordinal, text)| {
                let run = RunId::from_bits(1);
                (DraftId { run, ordinal }, Arc::from(*text))
            })
            .collect();
        let roles = Roles {
            key: Some("key".to_owned()),
            title: None,
            depends_on: Some("after".to_owned()),
        };
        batch_findings(&tasks, &roles, &DeliveredTitles::default())
            .into_iter()
            .map(|found| {
                let ordinals = found.tasks.iter().map(|id| id.ordinal).collect();
                (found.finding.code, ordinals, found.needs_acknowledgement())
            })
            .collect()
    }

    #[test]
    fn a_task_that_was_delivered_before_is_a_finding_that_names_its_run() {
        let delivered = DeliveredTitles::new(vec![DeliveredTask {
            title: "Rotate the keys".to_owned(),
            run: "November".to_owned(),
        }]);
        let roles = Roles {
            title: Some("title".to_owned()),
            ..Roles::default()
        };
        let id = |ordinal| DraftId {
            run: RunId::from_bits(1),
            ordinal,
        };
        let tasks = [
            (id(1), Arc::from(r#"{"title":"Something else"}"#)),
            (id(2), Arc::from(r#"{"title":"Rotate keys"}"#)),
        ];
        let found = batch_findings(&tasks, &roles, &delivered);
        let [found] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(found.tasks, [id(2)]);
        assert!(
            found
                .finding
                .message
                .contains("“Rotate the keys”, from the run “November”")
        );
        assert!(!found.needs_acknowledgement());
    }

    #[test]
    fn findings_name_their_tasks_and_those_that_no_agent_could_work_with_need_an_acknowledgement() {
        let texts = [
            r#"{"key":"a","after":["b"]}"#,
            "not JSON",
            r#"{"key":"b","after":["a"]}"#,
            r#"{"key":"c","after":["gone"]}"#,
            r#"{"key":"c"}"#,
            r#"{"key":"d","after":["d"]}"#,
        ];
        assert_eq!(
            found(&texts),
            [
                (FindingCode::DuplicateKey, vec![4, 5], true),
                (FindingCode::DanglingDependency, vec![4], false),
                (FindingCode::SelfDependency, vec![6], true),
                (FindingCode::CyclicDependency, vec![1, 3], true),
            ]
        );
    }
}
