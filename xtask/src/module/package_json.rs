//! The manifest of the npm package.

use serde_json::json;

/// The files of the package, beside README, licences and this manifest, which npm always adds.
const FILES: [&str; 10] = [
    "taskwright.js",
    "taskwright.d.ts",
    "taskwright_bg.js",
    "taskwright_bg.wasm",
    "node.js",
    "cli.js",
    "cli",
    "style.css",
    "examples",
    "LICENSE-*",
];

/// The text of `pkg/package.json` for the given version of the module.
pub fn text(version: &str) -> String {
    let manifest = json!({
        "name": "taskwright",
        "version": version,
        "description": "Turns a brief into schema-checked tasks and posts them to a task server.",
        "keywords": ["tasks", "agents", "openai", "json-schema", "structured-outputs", "wasm"],
        "license": "MIT OR Apache-2.0",
        "type": "module",
        "engines": { "node": ">=20" },
        "bin": { "taskwright": "cli.js" },
        "main": "./taskwright.js",
        "types": "./taskwright.d.ts",
        "exports": {
            ".": {
                "types": "./taskwright.d.ts",
                // Node.js reads the WebAssembly file, everything else fetches it.
                "node": "./node.js",
                "default": "./taskwright.js",
            },
            "./taskwright_bg.wasm": "./taskwright_bg.wasm",
            "./style.css": "./style.css",
            "./package.json": "./package.json",
        },
        "sideEffects": ["./cli.js", "./style.css"],
        "files": FILES,
    });
    format!("{manifest:#}\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::module::files::files_below;

    fn manifest() -> serde_json::Value {
        serde_json::from_str(&text("1.2.3")).unwrap()
    }

    #[test]
    fn the_manifest_describes_an_es_module_with_types() {
        let start = "{\n  \"name\": \"taskwright\",\n  \"version\": \"1.2.3\",";
        assert!(text("1.2.3").starts_with(start));
        let manifest = manifest();
        assert_eq!(manifest["type"], "module");
        let entrance = manifest["exports"]["."].as_object().unwrap();
        // The first condition that applies is taken.
        let conditions: Vec<&String> = entrance.keys().collect();
        assert_eq!(conditions, ["types", "node", "default"]);
        assert_eq!(entrance["default"], manifest["main"]);
        assert_eq!(entrance["types"], manifest["types"]);
    }

    #[test]
    fn every_file_of_the_folder_is_packed() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../npm"));
        let files = files_below(folder).unwrap();
        assert!(files.len() > 4, "{files:?}");
        for file in files {
            let first = file.iter().next().unwrap().to_str().unwrap();
            let is_packed = first == "README.md" || FILES.contains(&first);
            assert!(is_packed, "{}", file.display());
        }
    }
}
