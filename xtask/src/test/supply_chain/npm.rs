//! The npm packages of the build and the tests: their licences and known vulnerabilities.

use std::collections::BTreeSet;

use serde_json::Value;

use super::licence;

/// Licences that packages may have in addition to those of `deny.toml`: they are tools of this
/// repository, and nothing of them is distributed.
const FOR_TOOLS: [&str; 2] = ["BlueOak-1.0.0", "MPL-2.0"];

/// What is wrong with the licences in a `package-lock.json`.
pub fn licence_problems(lock_file: &Value, allowed: &BTreeSet<String>) -> Vec<String> {
    let mut allowed = allowed.clone();
    allowed.extend(FOR_TOOLS.map(str::to_owned));
    let packages = lock_file.get("packages").and_then(Value::as_object);
    packages
        .into_iter()
        .flatten()
        .filter(|(path, _)| !path.is_empty())
        .filter_map(|(path, package)| {
            let licence = package.get("license").and_then(Value::as_str);
            match licence {
                None => Some(format!("{path} states no licence")),
                Some(licence) if licence::is_allowed(licence, &allowed) => None,
                Some(licence) => Some(format!("{path} has the licence {licence}")),
            }
        })
        .collect()
}

/// The packages with a serious known vulnerability in the output of `npm audit --json`, or `None` if
/// the database could not be asked.
pub fn serious_vulnerabilities(output: &str) -> Option<Vec<String>> {
    let output: Value = serde_json::from_str(output).ok()?;
    let found = output.get("vulnerabilities")?.as_object()?;
    let is_serious = |vulnerability: &Value| {
        let severity = vulnerability.get("severity").and_then(Value::as_str);
        matches!(severity, Some("high" | "critical"))
    };
    let serious = found.iter().filter(|(_, it)| is_serious(it));
    Some(serious.map(|(name, _)| name.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_package_whose_licence_is_not_allowed_is_a_problem() {
        let lock_file = json!({"packages": {
            "": {},
            "node_modules/good": {"license": "(X OR MIT)"},
            "node_modules/tool": {"license": "MPL-2.0"},
            "node_modules/bad": {"license": "X"},
            "node_modules/silent": {},
        }});
        let allowed = BTreeSet::from(["MIT".to_owned()]);
        assert_eq!(
            licence_problems(&lock_file, &allowed),
            [
                "node_modules/bad has the licence X",
                "node_modules/silent states no licence"
            ]
        );
    }

    #[test]
    fn only_serious_vulnerabilities_count_and_a_database_out_of_reach_is_no_result() {
        let output = json!({"vulnerabilities": {
            "a": {"severity": "high"}, "b": {"severity": "moderate"}, "c": {"severity": "critical"},
        }});
        let expected = Some(vec!["a".to_owned(), "c".to_owned()]);
        assert_eq!(serious_vulnerabilities(&output.to_string()), expected);
        assert_eq!(
            serious_vulnerabilities(r#"{"vulnerabilities": {}}"#),
            Some(vec![])
        );
        for failure in ["", "npm error", r#"{"error": {"code": "ENOAUDIT"}}"#] {
            assert_eq!(serious_vulnerabilities(failure), None, "{failure}");
        }
    }
}
