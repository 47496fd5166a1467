//! The initial inputs of a search.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Target, empty};
use crate::choice;
use crate::error::Error;
use crate::project::Project;

/// The absolute paths of the folders with a target's initial inputs. libFuzzer only reads them.
///
/// # Errors
/// [`Error::File`] and [`Error::Unexpected`] when the schemas of the official test suite cannot be
/// extracted.
pub fn folders(project: &Project, target: Target) -> Result<Vec<PathBuf>, Error> {
    let name = choice::name(target);
    let in_fuzz = |kind: &str| project.root.join("fuzz").join(kind).join(&name);
    let mut folders = vec![in_fuzz("seeds"), in_fuzz("found")];
    match target {
        Target::EventStream | Target::TaskStream => {
            folders.push(project.root.join("tests/transcripts"));
        }
        Target::ModelSchema | Target::Validation => {
            folders.push(extract_suite_schemas(project)?);
        }
        Target::Paste => folders.push(project.root.join("tests/paste/documents")),
        Target::ResponseText | Target::Document => {}
    }
    folders.retain(|folder| folder.is_dir());
    Ok(folders)
}

/// Writes each schema of the official test suite to its own file.
fn extract_suite_schemas(project: &Project) -> Result<PathBuf, Error> {
    let folder = project.work_folder("fuzz")?.join("inputs/suite");
    empty(&folder)?;
    fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
    let suite = project
        .root
        .join("tests/json-schema-suite/tests/draft2020-12");
    let entries = fs::read_dir(&suite).map_err(Error::file("read", &suite))?;
    for entry in entries {
        let path = entry.map_err(Error::file("read", &suite))?.path();
        if path.extension().is_some_and(|it| it == "json") {
            write_schemas(&path, &folder)?;
        }
    }
    Ok(folder)
}

fn write_schemas(cases: &Path, folder: &Path) -> Result<(), Error> {
    let text = fs::read_to_string(cases).map_err(Error::file("read", cases))?;
    let cases_read: Value = serde_json::from_str(&text).map_err(|error| Error::Unexpected {
        what: cases.display().to_string(),
        reason: error.to_string(),
    })?;
    let stem = cases.file_stem().unwrap_or_default().to_string_lossy();
    let schemas = cases_read.as_array().into_iter().flatten();
    for (number, schema) in schemas.filter_map(|case| case.get("schema")).enumerate() {
        let file = folder.join(format!("{stem}-{number}.json"));
        fs::write(&file, schema.to_string()).map_err(Error::file("write", &file))?;
    }
    Ok(())
}
