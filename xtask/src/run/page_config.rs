//! The `config.json` that the server serves to the page.

use std::io;

use taskwright::settings::config::ConfigFile;
use taskwright::settings::{Address, ModelEndpoint, TaskServer};

/// The idempotency key retention that the server guarantees, in hours: seven days.
const IDEMPOTENCY_KEY_RETENTION_HOURS: u32 = 7 * 24;

/// The text of the file: this server, and the demonstration model if one runs.
///
/// `page` is the address the page is served from, `model` that of the model endpoint.
///
/// # Errors
/// If the page cannot call one of the addresses.
pub fn text(page: &str, model: Option<&str>) -> io::Result<String> {
    let mut config = ConfigFile {
        connection: Some("Local".into()),
        task_server: Some(TaskServer {
            honours_idempotency_keys: true,
            idempotency_key_retention_hours: IDEMPOTENCY_KEY_RETENTION_HOURS,
            ..TaskServer::at(address(page)?)
        }),
        ..ConfigFile::default()
    };
    if let Some(model) = model {
        config.connection = Some("Local demonstration".into());
        config.model = Some(ModelEndpoint::at(
            address(&format!("{model}/v1"))?,
            "scripted:demo",
        ));
        config.notice = Some(
            "Responses come from a scripted model of the testbed. No real model is called.".into(),
        );
    }
    Ok(format!("{}\n", serde_json::to_string_pretty(&config)?))
}

fn address(text: &str) -> io::Result<Address> {
    Address::parse(text).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskwright::settings::config::Config;

    const SERVER: &str = "http://127.0.0.1:8081";
    const MODEL: &str = "http://127.0.0.1:4321";

    #[test]
    fn the_page_reads_the_demonstration_model_and_its_notice() {
        let config = Config::parse(&text(SERVER, Some(MODEL)).unwrap()).unwrap();
        let connection = config.connection.unwrap();
        assert_eq!(connection.name, "Local demonstration");
        let model = connection.model.unwrap();
        assert_eq!(model.base_url.to_string(), "http://127.0.0.1:4321/v1");
        assert_eq!(model.model, "scripted:demo");
        assert!(!model.requires_api_key());
        assert_eq!(
            connection.task_server.unwrap().tasks_url(),
            "http://127.0.0.1:8081/tasks"
        );
        assert!(config.notice.unwrap().contains("No real model is called"));
    }

    #[test]
    fn without_the_demonstration_model_the_page_reads_only_the_task_server() {
        let config = Config::parse(&text(SERVER, None).unwrap()).unwrap();
        let connection = config.connection.unwrap();
        assert_eq!(
            (connection.name.as_str(), connection.model),
            ("Local", None)
        );
        let server = connection.task_server.unwrap();
        assert_eq!(server.tasks_url(), "http://127.0.0.1:8081/tasks");
        assert_eq!(server.token_header, "X-AGENT-TOKEN");
        assert!(server.honours_idempotency_keys);
        assert_eq!(server.idempotency_key_retention_hours, 168);
        assert_eq!(config.notice, None);
    }

    #[test]
    fn an_address_the_page_cannot_call_is_an_error() {
        for (page, model) in [
            ("http://192.168.1.5:8080", None),
            (SERVER, Some("http://192.168.1.5:4321")),
        ] {
            assert!(text(page, model).is_err(), "{page} {model:?}");
        }
    }
}
