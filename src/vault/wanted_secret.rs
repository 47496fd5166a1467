//! Which secrets of a connection are in its Vault, and in which fields.

use crate::secrets::SecretSlot;
use crate::settings::{Address, Connection};

/// A secret of a connection, and the field of the Vault's secret that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedSecret {
    /// The slot of the secret.
    pub slot: SecretSlot,
    /// The endpoint that uses it, to whose origin it belongs.
    pub address: Address,
    /// The name of the field.
    pub field: String,
}

/// The secrets that a connection's endpoints use, if it has a Vault; otherwise none. A field that is not
/// set has the name of the secret's environment variable.
#[must_use]
pub fn wanted_secrets(connection: &Connection) -> Vec<WantedSecret> {
    let Some(vault) = &connection.vault else {
        return Vec::new();
    };
    let mut wanted = Vec::new();
    let mut add = |slot: SecretSlot, address: &Address, field: Option<&String>| {
        let field = field.cloned().unwrap_or_else(|| slot.variable());
        wanted.push(WantedSecret {
            slot,
            address: address.clone(),
            field,
        });
    };
    if let Some(model) = &connection.model {
        add(
            SecretSlot::API_KEY,
            &model.base_url,
            vault.api_key_field.as_ref(),
        );
    }
    if let Some(server) = &connection.task_server {
        add(
            SecretSlot::AGENT_TOKEN,
            &server.url,
            vault.agent_token_field.as_ref(),
        );
        for name in &server.secret_headers {
            let mut fields = vault.header_fields.iter();
            let field = fields.find(|(header, _)| header.eq_ignore_ascii_case(name));
            add(
                SecretSlot::header(name),
                &server.url,
                field.map(|(_, field)| field),
            );
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ModelEndpoint, TaskServer, VaultSource};

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn a_field_has_the_name_of_the_variable_unless_it_is_set() {
        let mut vault = VaultSource::at(address("https://vault.example"), "secret/agent");
        vault.agent_token_field = Some("queue".to_owned());
        vault.header_fields = [("x-signature".to_owned(), "sig".to_owned())].into();
        let connection = Connection {
            model: Some(ModelEndpoint::at(address("https://api.example/v1"), "m")),
            task_server: Some(TaskServer {
                secret_headers: ["X-Signature".to_owned(), "X-B".to_owned()].into(),
                ..TaskServer::at(address("https://tasks.example"))
            }),
            vault: Some(Box::new(vault)),
            ..Connection::named("n")
        };
        let wanted = wanted_secrets(&connection);
        let shown: Vec<_> = wanted
            .iter()
            .map(|it| (it.slot.name(), it.address.host(), it.field.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("api_key", "api.example", "OPENAI_API_KEY"),
                ("agent_token", "tasks.example", "queue"),
                ("header:X-B", "tasks.example", "X_B"),
                ("header:X-Signature", "tasks.example", "sig"),
            ]
        );
        let without = Connection {
            vault: None,
            ..connection
        };
        assert_eq!(wanted_secrets(&without), []);
    }
}
