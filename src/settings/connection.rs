//! A connection: a named set of endpoints and a task schema.

use crate::schema::Roles;
use serde::{Deserialize, Serialize};

use super::{Address, HostPolicy, ModelEndpoint, SchemaSource, SettingsError, TaskServer};

/// Identifies a connection in this browser. That of a connection that is not stored is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConnectionId(String);

impl ConnectionId {
    /// The id with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> ConnectionId {
        ConnectionId(text.into())
    }

    /// Whether the connection is not stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The color that marks a connection, so that two are told apart at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionColor {
    /// The color of the page.
    #[default]
    Neutral,
    /// Blue.
    Blue,
    /// Green.
    Green,
    /// Amber.
    Amber,
    /// Violet.
    Violet,
}

impl ConnectionColor {
    /// Every color, in the order of the form.
    pub const ALL: [ConnectionColor; 5] = [
        ConnectionColor::Neutral,
        ConnectionColor::Blue,
        ConnectionColor::Green,
        ConnectionColor::Amber,
        ConnectionColor::Violet,
    ];

    /// The name in the interface.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            ConnectionColor::Neutral => "None",
            ConnectionColor::Blue => "Blue",
            ConnectionColor::Green => "Green",
            ConnectionColor::Amber => "Amber",
            ConnectionColor::Violet => "Violet",
        }
    }

    /// The name in markup and style sheets.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            ConnectionColor::Neutral => "neutral",
            ConnectionColor::Blue => "blue",
            ConnectionColor::Green => "green",
            ConnectionColor::Amber => "amber",
            ConnectionColor::Violet => "violet",
        }
    }
}

/// A named set of endpoints and a task schema. Contains no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its identity, so that a run finds the connection that it was started with.
    #[serde(default, skip_serializing_if = "ConnectionId::is_empty")]
    pub id: ConnectionId,
    /// The number of times that it was changed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub version: u32,
    /// The operator's name for the connection.
    pub name: String,
    /// The color that marks it.
    #[serde(default, skip_serializing_if = "is_neutral")]
    pub color: ConnectionColor,
    /// Whether what is posted here has consequences, so that the operator types the name first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_production: bool,
    /// The model endpoint, if configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelEndpoint>,
    /// The task server, if configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_server: Option<TaskServer>,
    /// The task schema as JSON text. If `None`, the default schema applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_schema: Option<String>,
    /// Where the task schema was read from, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_source: Option<SchemaSource>,
    /// The members of a task in the roles that the operator chose; the others are guessed.
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(version: &u32) -> bool {
    *version == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_neutral(color: &ConnectionColor) -> bool {
    *color == ConnectionColor::Neutral
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Connection {
    /// A connection with this name and without any endpoint.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Connection {
        Connection {
            id: ConnectionId::default(),
            version: 0,
            name: name.into(),
            color: ConnectionColor::default(),
            is_production: false,
            model: None,
            task_server: None,
            task_schema: None,
            schema_source: None,
            roles: Roles::default(),
        }
    }

    /// The connection without any configuration: no model, and the original script's task server,
    /// `http://localhost:8080`.
    #[must_use]
    pub fn built_in() -> Connection {
        Connection {
            task_server: Address::parse("http://localhost:8080")
                .ok()
                .map(TaskServer::at),
            ..Connection::named("Local")
        }
    }

    /// Checks the endpoints, and whether requests may go to them.
    ///
    /// # Errors
    /// [`SettingsError`] of the task server, or else of the model endpoint.
    pub fn check(&self, hosts: &HostPolicy) -> Result<(), SettingsError> {
        if let Some(server) = &self.task_server {
            server.check()?;
            hosts.check(&server.url)?;
        }
        if let Some(model) = &self.model {
            model.check()?;
            hosts.check(&model.base_url)?;
        }
        Ok(())
    }
}
