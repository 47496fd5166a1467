//! The npm manifest of the built module.

use serde_json::json;

/// The text of `pkg/package.json` for the given version of the module.
pub fn text(version: &str) -> String {
    let manifest = json!({
        "name": "taskwright",
        "version": version,
        "description": "Turns a brief into schema-checked tasks and posts them to a task server.",
        "license": "MIT OR Apache-2.0",
        "type": "module",
        "main": "taskwright.js",
        "types": "taskwright.d.ts",
        "sideEffects": false,
        "files": ["taskwright.js", "taskwright.d.ts", "taskwright_bg.wasm", "taskwright_bg.wasm.d.ts", "snippets"],
    });
    format!("{manifest:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_describes_an_es_module_with_types() {
        let text = text("1.2.3");
        assert!(text.starts_with("{\n  \"name\": \"taskwright\",\n  \"version\": \"1.2.3\","));
        let manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(manifest["type"], "module");
        assert_eq!(manifest["main"], "taskwright.js");
        assert_eq!(manifest["types"], "taskwright.d.ts");
        assert_eq!(manifest["sideEffects"], false);
    }
}
