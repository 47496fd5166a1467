//! Which crates are in a program, as cargo resolves them for one package, target and set of features.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;
use crate::process;
use crate::project::Project;

/// A crate in one version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrateVersion {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What is known about a crate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CrateFacts {
    /// Its licence, as an SPDX expression; empty if it states none.
    pub licence: String,
    /// The crates that it uses.
    pub uses: BTreeSet<CrateVersion>,
}

/// The crates of a program.
#[derive(Debug)]
pub struct CrateTree {
    /// The package itself.
    pub root: CrateVersion,
    /// All crates, including the package itself.
    pub crates: BTreeMap<CrateVersion, CrateFacts>,
}

impl CrateTree {
    /// Asks cargo for the crates that end up in a package: no dependencies of tests and build scripts.
    ///
    /// # Errors
    /// When cargo fails, or its output does not have the expected form.
    pub fn read(
        project: &Project,
        package: &str,
        target: &str,
        features: &str,
    ) -> Result<Self, Error> {
        let text = process::capture(
            process::cargo(&project.root)
                .args(["tree", "--locked", "--package", package])
                .args(["--target", target, "--features", features])
                .args(["--edges", "normal", "--prefix", "depth"])
                .args(["--format", "{p}|{l}"]),
            "listing the crates",
            "Read cargo's message above. It may have to download crates: check the network.",
        )?;
        Self::parse(&text).map_err(|reason| Error::Unexpected {
            what: "the output of `cargo tree`".to_owned(),
            reason,
        })
    }

    /// Reads lines of the form `2http v1.0.0|MIT`: the depth, the name, the version and the licence. Below
    /// a crate are those that it uses, except where they are listed already.
    fn parse(text: &str) -> Result<Self, String> {
        let mut crates: BTreeMap<CrateVersion, CrateFacts> = BTreeMap::new();
        // The crates from the root to the one of the line before.
        let mut path: Vec<CrateVersion> = Vec::new();
        for line in text.lines() {
            let (depth, this, licence) =
                parse_line(line).ok_or_else(|| format!("it has the line {line:?}"))?;
            crates.entry(this.clone()).or_default().licence = licence;
            path.truncate(depth);
            if path.len() != depth {
                return Err(format!("nothing is above the line {line:?}"));
            }
            if let Some(user) = path.last() {
                let user = crates.entry(user.clone()).or_default();
                user.uses.insert(this.clone());
            }
            path.push(this);
        }
        let root = path.into_iter().next().ok_or("it is empty")?;
        Ok(Self { root, crates })
    }

    /// This tree with the crates of another one, whose root is a crate of this one.
    #[must_use]
    pub fn joined(mut self, other: Self) -> Self {
        for (this, facts) in other.crates {
            let known = self.crates.entry(this).or_default();
            known.licence = facts.licence;
            known.uses.extend(facts.uses);
        }
        self
    }
}

fn parse_line(line: &str) -> Option<(usize, CrateVersion, String)> {
    let name_at = line.find(|character: char| !character.is_ascii_digit())?;
    let (depth, rest) = line.split_at_checked(name_at)?;
    let (package, licence) = rest.split_once('|')?;
    let mut words = package.split(' ');
    let name = words.next()?.to_owned();
    let version = words.next()?.strip_prefix('v')?.to_owned();
    // Cargo marks a crate whose dependencies are listed already.
    let licence = licence.strip_suffix(" (*)").unwrap_or(licence);
    // The older form of crates.io is not SPDX.
    let licence = licence.replace('/', " OR ");
    Some((depth.parse().ok()?, CrateVersion { name, version }, licence))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "0server v0.1.0 (/checkout/server)|MIT OR Apache-2.0\n\
                        1http v1.0.0|MIT/Apache-2.0\n\
                        2bytes v1.2.0|MIT\n\
                        1macros v3.0.0 (proc-macro)|\n\
                        2http v1.0.0|MIT/Apache-2.0 (*)\n";

    fn names(uses: &BTreeSet<CrateVersion>) -> Vec<&str> {
        uses.iter().map(|used| used.name.as_str()).collect()
    }

    #[test]
    fn each_crate_has_its_licence_and_what_it_uses() {
        let tree = CrateTree::parse(TREE).unwrap();
        assert_eq!(tree.root.name, "server");
        let facts = |name: &str| {
            let found = tree.crates.iter().find(|(this, _)| this.name == name);
            found.unwrap().1
        };
        assert_eq!(names(&facts("server").uses), ["http", "macros"]);
        assert_eq!(names(&facts("http").uses), ["bytes"]);
        assert_eq!(names(&facts("macros").uses), ["http"]);
        assert_eq!(facts("http").licence, "MIT OR Apache-2.0");
        assert_eq!(facts("macros").licence, "");
    }

    #[test]
    fn two_trees_are_joined_crate_by_crate() {
        let page = "0http v1.0.0|MIT/Apache-2.0\n1page v1.0.0|MIT\n";
        let page = CrateTree::parse(page).unwrap();
        let tree = CrateTree::parse(TREE).unwrap().joined(page);
        assert_eq!(tree.root.name, "server");
        assert_eq!(tree.crates.len(), 5);
        let http = CrateVersion {
            name: "http".to_owned(),
            version: "1.0.0".to_owned(),
        };
        assert_eq!(names(&tree.crates[&http].uses), ["bytes", "page"]);
    }

    #[test]
    fn another_form_of_output_is_an_error() {
        for text in [
            "",
            "http v1.0.0|MIT",
            "0http|MIT",
            "0http v1.0.0",
            "1http v1.0.0|MIT",
        ] {
            assert!(CrateTree::parse(text).is_err(), "{text}");
        }
    }
}
