//! WebDriver settings for the browser tests.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::error::Error;

/// The WebDriver capabilities in the committed `webdriver.json`, with `browser` as the program for
/// chromedriver to start.
///
/// # Errors
/// [`Error::Unexpected`] when the committed text is not a JSON object of capabilities.
pub fn capabilities(committed: &str, browser: &Path) -> Result<String, Error> {
    let unexpected = |reason: &str| Error::Unexpected {
        what: "webdriver.json".into(),
        reason: reason.into(),
    };
    let mut capabilities: Map<String, Value> =
        serde_json::from_str(committed).map_err(|error| unexpected(&error.to_string()))?;
    capabilities
        .entry("goog:chromeOptions")
        .or_insert_with(|| json!({}))
        .as_object_mut()
        .ok_or_else(|| unexpected("goog:chromeOptions is not an object"))?
        .insert("binary".into(), browser.to_string_lossy().into());
    Ok(Value::Object(capabilities).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_is_added_to_the_committed_capabilities() {
        let committed = include_str!("../../../webdriver.json");
        let text = capabilities(committed, Path::new("/usr/bin/chromium")).unwrap();
        let before: Value = serde_json::from_str(committed).unwrap();
        let after: Value = serde_json::from_str(&text).unwrap();
        let options = &after["goog:chromeOptions"];
        assert_eq!(options["binary"], "/usr/bin/chromium");
        assert_eq!(options["args"], before["goog:chromeOptions"]["args"]);
    }

    #[test]
    fn the_error_names_a_malformed_file() {
        for committed in ["[]", "{", r#"{"goog:chromeOptions": []}"#] {
            let error = capabilities(committed, Path::new("x")).unwrap_err();
            assert!(error.to_string().starts_with("webdriver.json"), "{error}");
        }
    }
}
