//! The `config.json` that the server hands to the page.

use serde_json::{Map, Value, json};

/// The text of the page's settings: this server, and the demonstration model when one runs.
///
/// `page` is the address that the page is served from, `model` that of the model endpoint, both
/// without a slash at the end.
pub fn text(page: &str, model: Option<&str>) -> String {
    let mut settings = Map::new();
    let name = if model.is_some() {
        "Local demonstration"
    } else {
        "Local"
    };
    settings.insert("connection".into(), name.into());
    if let Some(model) = model {
        settings.insert(
            "model".into(),
            json!({ "base_url": format!("{model}/v1"), "model": "scripted:demo" }),
        );
    }
    settings.insert(
        "task_server".into(),
        json!({
            "url": page,
            "path": "/tasks",
            "token_header": "X-AGENT-TOKEN",
            "honours_idempotency_keys": true,
            "idempotency_key_retention_hours": 168,
        }),
    );
    if model.is_some() {
        settings.insert(
            "notice".into(),
            "A scripted model answers here: it is part of the testbed, no real model is called."
                .into(),
        );
    }
    format!("{:#}\n", Value::Object(settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_the_demonstration_model_the_page_is_pointed_at_it_and_says_so() {
        let text = text("http://127.0.0.1:8081", Some("http://127.0.0.1:4321"));
        let settings: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            settings,
            json!({
                "connection": "Local demonstration",
                "model": { "base_url": "http://127.0.0.1:4321/v1", "model": "scripted:demo" },
                "task_server": {
                    "url": "http://127.0.0.1:8081",
                    "path": "/tasks",
                    "token_header": "X-AGENT-TOKEN",
                    "honours_idempotency_keys": true,
                    "idempotency_key_retention_hours": 168,
                },
                "notice": "A scripted model answers here: it is part of the testbed, no real \
                           model is called.",
            })
        );
    }

    #[test]
    fn without_it_only_the_task_server_is_named() {
        let settings: Value = serde_json::from_str(&text("http://127.0.0.1:8080", None)).unwrap();
        let names: Vec<&String> = settings.as_object().unwrap().keys().collect();
        assert_eq!(names, ["connection", "task_server"]);
    }
}
