//! The software bill of materials: the crates in a program, in the JSON form of CycloneDX 1.6
//! (<https://cyclonedx.org/docs/1.6/json/>). It has no time and no serial number, so that a program
//! always has the same one.

use serde::Serialize;

use super::crate_tree::{CrateFacts, CrateTree, CrateVersion};
use crate::error::Error;
use crate::lock_file::LockFile;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bill<'a> {
    bom_format: &'static str,
    spec_version: &'static str,
    version: u32,
    metadata: Metadata<'a>,
    components: Vec<Component<'a>>,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    component: Component<'a>,
    properties: [Property<'a>; 1],
}

#[derive(Serialize)]
struct Property<'a> {
    name: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
struct Component<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    reference: String,
    name: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<Licence<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash<'a>>,
}

#[derive(Serialize)]
struct Licence<'a> {
    expression: &'a str,
}

#[derive(Serialize)]
struct Hash<'a> {
    alg: &'static str,
    content: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    depends_on: Vec<String>,
}

/// The bill of a program for `target`. The checksums of its crates are in `lock_file`.
///
/// # Errors
/// [`Error::Unexpected`] when the lock file lacks one of the crates.
pub fn text(tree: CrateTree, lock_file: &LockFile, target: &str) -> Result<String, Error> {
    let CrateTree { root, crates } = tree;
    let mut program = None;
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for (this, facts) in &crates {
        let is_program = *this == root;
        let component = component(this, facts, lock_file, is_program)?;
        match is_program {
            true => program = Some(component),
            false => components.push(component),
        }
        dependencies.push(Dependency {
            reference: reference(this),
            depends_on: facts.uses.iter().map(reference).collect(),
        });
    }
    let component = program.ok_or_else(|| unexpected("the list of crates", &root))?;
    let property = Property {
        name: "cargo:target",
        value: target,
    };
    let bill = Bill {
        bom_format: "CycloneDX",
        spec_version: "1.6",
        version: 1,
        metadata: Metadata {
            component,
            properties: [property],
        },
        components,
        dependencies,
    };
    serde_json::to_string_pretty(&bill)
        .map(|text| text + "\n")
        .map_err(|error| Error::Unexpected {
            what: "the bill of materials".to_owned(),
            reason: error.to_string(),
        })
}

fn component<'a>(
    this: &'a CrateVersion,
    facts: &'a CrateFacts,
    lock_file: &'a LockFile,
    is_program: bool,
) -> Result<Component<'a>, Error> {
    let locked = lock_file
        .package
        .iter()
        .find(|locked| locked.name == this.name && locked.version == this.version)
        .ok_or_else(|| unexpected("Cargo.lock", this))?;
    let licence = Some(facts.licence.as_str()).filter(|licence| !licence.is_empty());
    let checksum = locked.checksum.as_deref();
    Ok(Component {
        kind: if is_program { "application" } else { "library" },
        reference: reference(this),
        name: &this.name,
        version: &this.version,
        // The crates of the checkout are in no registry.
        purl: locked
            .source
            .is_some()
            .then(|| format!("pkg:cargo/{}@{}", this.name, this.version)),
        licenses: licence
            .map(|expression| Licence { expression })
            .into_iter()
            .collect(),
        hashes: checksum
            .map(|content| Hash {
                alg: "SHA-256",
                content,
            })
            .into_iter()
            .collect(),
    })
}

/// How the bill refers to a crate.
fn reference(this: &CrateVersion) -> String {
    format!("{}@{}", this.name, this.version)
}

fn unexpected(what: &str, this: &CrateVersion) -> Error {
    Error::Unexpected {
        what: what.to_owned(),
        reason: format!("it lacks {} {}", this.name, this.version),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn version(name: &str) -> CrateVersion {
        CrateVersion {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
        }
    }

    fn tree() -> CrateTree {
        let facts = |licence: &str, uses: &[&str]| CrateFacts {
            licence: licence.to_owned(),
            uses: uses
                .iter()
                .map(|name| version(name))
                .collect::<BTreeSet<_>>(),
        };
        CrateTree {
            root: version("server"),
            crates: BTreeMap::from([
                (version("server"), facts("MIT", &["http"])),
                (version("http"), facts("", &[])),
            ]),
        }
    }

    #[test]
    fn the_bill_names_each_crate_with_its_origin_its_checksum_and_what_it_uses() {
        let lock_file: LockFile = toml::from_str(
            "[[package]]\nname = \"server\"\nversion = \"1.0.0\"\n\
             [[package]]\nname = \"http\"\nversion = \"1.0.0\"\nsource = \"registry\"\nchecksum = \"0f\"\n",
        )
        .unwrap();
        let bill = text(tree(), &lock_file, "x86_64-unknown-linux-gnu").unwrap();
        let bill: serde_json::Value = serde_json::from_str(&bill).unwrap();
        assert_eq!(
            bill,
            serde_json::json!({
                "bomFormat": "CycloneDX",
                "specVersion": "1.6",
                "version": 1,
                "metadata": {
                    "component": {
                        "type": "application", "bom-ref": "server@1.0.0", "name": "server",
                        "version": "1.0.0", "licenses": [{ "expression": "MIT" }]
                    },
                    "properties": [{ "name": "cargo:target", "value": "x86_64-unknown-linux-gnu" }]
                },
                "components": [{
                    "type": "library", "bom-ref": "http@1.0.0", "name": "http", "version": "1.0.0",
                    "purl": "pkg:cargo/http@1.0.0", "hashes": [{ "alg": "SHA-256", "content": "0f" }]
                }],
                "dependencies": [
                    { "ref": "http@1.0.0", "dependsOn": [] },
                    { "ref": "server@1.0.0", "dependsOn": ["http@1.0.0"] }
                ]
            })
        );
    }

    #[test]
    fn a_crate_that_is_not_locked_is_an_error() {
        let lock_file = LockFile {
            package: Vec::new(),
        };
        assert!(text(tree(), &lock_file, "target").is_err());
    }
}
