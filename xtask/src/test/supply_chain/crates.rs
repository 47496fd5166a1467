//! The crates: their licences, their sources, and versions of the same crate beside each other.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::licence;
use crate::lock_file::{LockFile, LockedPackage};

/// The registry that all crates come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The parts of `deny.toml` that are checked here.
#[derive(Debug, Deserialize)]
pub struct Policy {
    licenses: Licences,
    bans: Bans,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    skip: Vec<Skip>,
}

/// A version that may be there beside a newer one.
#[derive(Debug, Deserialize)]
struct Skip {
    /// `name@version`.
    #[serde(rename = "crate")]
    package: String,
    reason: String,
}

impl Policy {
    /// The licences that packages may have.
    pub fn allowed_licences(&self) -> &BTreeSet<String> {
        &self.licenses.allow
    }
}

/// The output of `cargo metadata`, as far as it is used.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// `None` for the crates of the checkout.
    source: Option<String>,
}

/// What is wrong with the licences of the crates.
pub fn licence_problems(metadata: &Metadata, policy: &Policy) -> Vec<String> {
    metadata
        .packages
        .iter()
        .filter(|package| package.source.is_some())
        .filter_map(|package| {
            let Package { name, version, .. } = package;
            match &package.license {
                None => Some(format!("{name} {version} states no licence")),
                Some(licence) if licence::is_allowed(licence, policy.allowed_licences()) => None,
                Some(licence) => Some(format!("{name} {version} has the licence {licence}")),
            }
        })
        .collect()
}

/// What is wrong with the sources of the crates: another registry, a repository, or no checksum.
pub fn source_problems(lock_file: &LockFile) -> Vec<String> {
    lock_file
        .package
        .iter()
        .filter_map(|package| {
            let LockedPackage { name, version, .. } = package;
            match package.source.as_deref() {
                None => None,
                Some(REGISTRY) if package.checksum.is_some() => None,
                Some(REGISTRY) => Some(format!("{name} {version} has no checksum")),
                Some(source) => Some(format!("{name} {version} comes from {source}")),
            }
        })
        .collect()
}

/// Crates with several versions that the policy does not name, and names that it does not need.
pub fn duplicate_problems(lock_file: &LockFile, policy: &Policy) -> Vec<String> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in &lock_file.package {
        let known = versions.entry(&package.name).or_default();
        known.insert(&package.version);
    }
    let mut problems = Vec::new();
    let skipped: BTreeSet<&str> = policy
        .bans
        .skip
        .iter()
        .map(|skip| skip.package.as_str())
        .collect();
    for (name, versions) in &versions {
        let unnamed: Vec<&str> = versions
            .iter()
            .copied()
            .filter(|version| !skipped.contains(format!("{name}@{version}").as_str()))
            .collect();
        if unnamed.len() > 1 {
            problems.push(format!("{name} is there as {}", unnamed.join(" and ")));
        }
    }
    for skip in &policy.bans.skip {
        let is_needed = skip.package.split_once('@').is_some_and(|(name, version)| {
            versions
                .get(name)
                .is_some_and(|versions| versions.len() > 1 && versions.contains(version))
        });
        if !is_needed {
            problems.push(format!("deny.toml skips {} without need", skip.package));
        }
        if skip.reason.trim().is_empty() {
            problems.push(format!("deny.toml skips {} without a reason", skip.package));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(skip: &str) -> Policy {
        toml::from_str(&format!(
            "[licenses]\nallow = [\"MIT\"]\n[bans]\nskip = [{skip}]"
        ))
        .unwrap()
    }

    fn lock_file(packages: &[(&str, &str, &str)]) -> LockFile {
        let packages: String = packages
            .iter()
            .map(|(name, version, rest)| {
                format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{rest}\n")
            })
            .collect();
        toml::from_str(&packages).unwrap()
    }

    #[test]
    fn a_licence_that_is_not_allowed_or_not_stated_is_a_problem() {
        let metadata: Metadata = serde_json::from_str(
            r#"{"packages": [
                {"name": "good", "version": "1.0.0", "license": "MIT OR X", "source": "s"},
                {"name": "bad", "version": "1.0.0", "license": "X", "source": "s"},
                {"name": "silent", "version": "1.0.0", "license": null, "source": "s"},
                {"name": "own", "version": "1.0.0", "license": null, "source": null}
            ]}"#,
        )
        .unwrap();
        assert_eq!(
            licence_problems(&metadata, &policy("")),
            [
                "bad 1.0.0 has the licence X",
                "silent 1.0.0 states no licence"
            ]
        );
    }

    #[test]
    fn a_crate_from_elsewhere_or_without_a_checksum_is_a_problem() {
        let registry = format!("source = \"{REGISTRY}\"");
        let checked = format!("{registry}\nchecksum = \"00\"");
        let lock_file = lock_file(&[
            ("own", "1.0.0", ""),
            ("good", "1.0.0", &checked),
            ("unchecked", "1.0.0", &registry),
            ("git", "1.0.0", "source = \"git+https://example.com/x\""),
        ]);
        assert_eq!(
            source_problems(&lock_file),
            [
                "unchecked 1.0.0 has no checksum",
                "git 1.0.0 comes from git+https://example.com/x"
            ]
        );
    }

    #[test]
    fn two_versions_are_a_problem_unless_all_but_one_are_named_and_needed() {
        let lock_file = lock_file(&[("a", "1.0.0", ""), ("a", "2.0.0", ""), ("b", "1.0.0", "")]);
        assert_eq!(
            duplicate_problems(&lock_file, &policy("")),
            ["a is there as 1.0.0 and 2.0.0"]
        );
        let named = r#"{ crate = "a@1.0.0", reason = "c needs it" }"#;
        assert!(duplicate_problems(&lock_file, &policy(named)).is_empty());
        for (entry, problem) in [
            (r#"{ crate = "b@1.0.0", reason = "x" }"#, "without need"),
            (r#"{ crate = "a@3.0.0", reason = "x" }"#, "without need"),
            (r#"{ crate = "a@2.0.0", reason = "" }"#, "without a reason"),
        ] {
            let problems = duplicate_problems(&lock_file, &policy(entry));
            assert!(problems.concat().contains(problem), "{problems:?}");
        }
    }
}
