//! The connections in this browser: those that the operator saved, and the one that comes with the page.

use serde::{Deserialize, Serialize};

use super::form::MAX_NAME;
use super::{Connection, ConnectionId, HostPolicy, SettingsError};
use crate::text::is_hidden;

/// Maximum number of saved connections.
pub const MAX_CONNECTIONS: usize = 100;
/// Maximum size of a file with connections: 1 MiB.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// The id of the connection that comes with the page.
const PRESET: &str = "preset";

/// The connections in this browser. There is always at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Connections {
    /// The one of `config.json`, or else the built-in one.
    preset: Connection,
    /// Whether `config.json` has one.
    is_deployed: bool,
    /// Those that the operator saved, in order. One with the id of the preset replaces it.
    saved: Vec<Connection>,
}

/// The saved connections, as they are stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    connections: Vec<Connection>,
}

/// A file with connections. They have no id: they get a new one in the browser that reads it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    taskwright_connections: u32,
    connections: Vec<Connection>,
}

/// The version of the file.
const FILE_VERSION: u32 = 1;

/// Why connections cannot be saved or imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionsError {
    /// Another connection has the name.
    #[error("another connection is named “{name}”")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// There are too many.
    #[error("there are already {MAX_CONNECTIONS} connections")]
    TooMany,
    /// The text is not a file with connections.
    #[error("this is not a file with connections: {reason}")]
    NotAFile {
        /// Why not.
        reason: String,
    },
    /// A connection in the file is invalid.
    #[error("the connection “{name}” in the file is invalid: {error}")]
    Invalid {
        /// Its name.
        name: String,
        /// What is wrong.
        error: SettingsError,
    },
}

impl ConnectionsError {
    /// A stable name for the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ConnectionsError::NameTaken { .. } => "connection_name_taken",
            ConnectionsError::TooMany => "too_many_connections",
            ConnectionsError::NotAFile { .. } => "connections_malformed",
            ConnectionsError::Invalid { error, .. } => error.code(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            ConnectionsError::NameTaken { .. } => {
                "Choose another name, so that the two can be told apart."
            }
            ConnectionsError::TooMany => "Delete those that you do not need.",
            ConnectionsError::NotAFile { .. } => {
                "Choose a file that was exported from Taskwright's list of connections."
            }
            ConnectionsError::Invalid { error, .. } => error.hint(),
        }
    }
}

impl Connections {
    /// Reads the connections. `stored` is the text of [`Connections::to_stored`], `single` the only
    /// connection that earlier versions stored, and `deployed` that of `config.json`. What cannot be
    /// read is left out.
    #[must_use]
    pub fn read(
        stored: Option<&str>,
        single: Option<&str>,
        deployed: Option<Connection>,
    ) -> Connections {
        let is_deployed = deployed.is_some();
        let preset = Connection {
            id: ConnectionId::new(PRESET),
            ..deployed.unwrap_or_else(Connection::built_in)
        };
        let saved = match stored.and_then(|text| serde_json::from_str::<Stored>(text).ok()) {
            Some(stored) => stored.connections,
            None => single
                .and_then(|text| serde_json::from_str::<Connection>(text).ok())
                .map(|connection| Connection {
                    id: ConnectionId::new(PRESET),
                    ..connection
                })
                .into_iter()
                .collect(),
        };
        Connections {
            preset,
            is_deployed,
            saved,
        }
    }

    /// The text to store.
    #[must_use]
    pub fn to_stored(&self) -> String {
        let stored = Stored {
            connections: self.saved.clone(),
        };
        // A connection has no member that cannot be written.
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// Every connection: the one that comes with the page first. The built-in one is left out once the
    /// operator saved others.
    #[must_use]
    pub fn list(&self) -> Vec<&Connection> {
        let is_replaced = self.saved.iter().any(|it| it.id == self.preset.id);
        let shows_preset = !is_replaced && (self.is_deployed || self.saved.is_empty());
        let (replacement, others): (Vec<_>, Vec<_>) =
            self.saved.iter().partition(|it| it.id == self.preset.id);
        shows_preset
            .then_some(&self.preset)
            .into_iter()
            .chain(replacement)
            .chain(others)
            .collect()
    }

    /// The connection with this id.
    #[must_use]
    pub fn get(&self, id: &ConnectionId) -> Option<&Connection> {
        self.list().into_iter().find(|it| it.id == *id)
    }

    /// The connection with this id, if the operator saved it.
    #[must_use]
    pub fn saved(&self, id: &ConnectionId) -> Option<&Connection> {
        self.saved.iter().find(|it| it.id == *id)
    }

    /// Saves a connection, and returns it as saved: with `new_id` if it has no id, and with the next
    /// version if it changed.
    ///
    /// # Errors
    /// [`ConnectionsError::NameTaken`], [`ConnectionsError::TooMany`].
    pub fn save(
        &mut self,
        mut connection: Connection,
        new_id: ConnectionId,
    ) -> Result<Connection, ConnectionsError> {
        if connection.id.is_empty() {
            connection.id = new_id;
        }
        let is_taken = |it: &&Connection| it.name == connection.name && it.id != connection.id;
        if self.list().iter().any(is_taken) {
            return Err(ConnectionsError::NameTaken {
                name: connection.name,
            });
        }
        if let Some(before) = self.get(&connection.id) {
            connection.version = before.version;
            if *before != connection {
                connection.version = before.version.saturating_add(1);
            }
        }
        let is_full = self.saved.len() >= MAX_CONNECTIONS;
        match self.saved.iter_mut().find(|it| it.id == connection.id) {
            Some(place) => *place = connection.clone(),
            None if is_full => return Err(ConnectionsError::TooMany),
            None => self.saved.push(connection.clone()),
        }
        Ok(connection)
    }

    /// Adds a copy of a connection with another name, and returns the copy. It is not marked as
    /// production: the operator does that once it is set up.
    ///
    /// # Errors
    /// [`ConnectionsError::TooMany`].
    pub fn duplicate(
        &mut self,
        id: &ConnectionId,
        new_id: ConnectionId,
    ) -> Result<Option<Connection>, ConnectionsError> {
        let Some(original) = self.get(id) else {
            return Ok(None);
        };
        let copy = Connection {
            id: ConnectionId::default(),
            version: 0,
            name: self.free_name(&format!("{} copy", original.name)),
            ..original.clone()
        };
        self.save(copy, new_id).map(Some)
    }

    /// Deletes a saved connection, and returns it with its place. One that replaced the preset gives
    /// way to it.
    pub fn delete(&mut self, id: &ConnectionId) -> Option<(usize, Connection)> {
        let place = self.saved.iter().position(|it| it.id == *id)?;
        Some((place, self.saved.remove(place)))
    }

    /// Puts a deleted connection back to its place.
    pub fn restore(&mut self, place: usize, mut connection: Connection) {
        if self.saved.iter().any(|it| it.id == connection.id) {
            return;
        }
        if self.list().iter().any(|it| it.name == connection.name) {
            connection.name = self.free_name(&connection.name);
        }
        self.saved.insert(place.min(self.saved.len()), connection);
    }

    /// The text of a file with these connections. It contains no secret, as no connection does.
    #[must_use]
    pub fn export(connections: &[&Connection]) -> String {
        let file = File {
            taskwright_connections: FILE_VERSION,
            connections: connections
                .iter()
                .map(|connection| Connection {
                    id: ConnectionId::default(),
                    version: 0,
                    ..(*connection).clone()
                })
                .collect(),
        };
        serde_json::to_string_pretty(&file).unwrap_or_default()
    }

    /// Adds the connections of a file, with new ids, and with other names where theirs are taken.
    /// Returns them. If one is invalid, none is added.
    ///
    /// # Errors
    /// [`ConnectionsError`].
    pub fn import(
        &mut self,
        text: &str,
        hosts: &HostPolicy,
        mut new_id: impl FnMut() -> ConnectionId,
    ) -> Result<Vec<Connection>, ConnectionsError> {
        let not_a_file = |reason: &str| ConnectionsError::NotAFile {
            reason: reason.to_owned(),
        };
        if text.len() > MAX_FILE_BYTES {
            return Err(not_a_file("it is larger than 1 MiB"));
        }
        // The reason does not repeat a value of the file, which may be a secret.
        let file: File = serde_json::from_str(text)
            .map_err(|error| not_a_file(&format!("line {} cannot be read", error.line())))?;
        if file.taskwright_connections != FILE_VERSION {
            return Err(not_a_file("it is from another version of Taskwright"));
        }
        if file.connections.is_empty() {
            return Err(not_a_file("it has no connections"));
        }
        let mut added = self.clone();
        let mut imported = Vec::new();
        for connection in file.connections {
            let name = &connection.name;
            let is_name = !name.trim().is_empty()
                && name.chars().count() <= MAX_NAME
                && !name.chars().any(is_hidden);
            if !is_name {
                return Err(not_a_file(
                    "a connection has no name, or one that is too long or has hidden characters",
                ));
            }
            connection
                .check(hosts)
                .map_err(|error| ConnectionsError::Invalid {
                    name: connection.name.clone(),
                    error,
                })?;
            let connection = Connection {
                id: ConnectionId::default(),
                version: 0,
                name: added.free_name(&connection.name),
                ..connection
            };
            imported.push(added.save(connection, new_id())?);
        }
        *self = added;
        Ok(imported)
    }

    /// The name, or the name with the first number that makes it free.
    fn free_name(&self, name: &str) -> String {
        let is_free = |name: &str| self.list().iter().all(|it| it.name != name);
        if is_free(name) {
            return name.to_owned();
        }
        (2..)
            .map(|number| format!("{name} {number}"))
            .find(|name| is_free(name))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Address, TaskServer};

    fn named(name: &str) -> Connection {
        Connection::named(name)
    }

    fn id(text: &str) -> ConnectionId {
        ConnectionId::new(text)
    }

    fn names(connections: &Connections) -> Vec<&str> {
        let list = connections.list();
        list.into_iter().map(|it| it.name.as_str()).collect()
    }

    #[test]
    fn the_connection_that_an_earlier_version_stored_is_kept() {
        let single = serde_json::to_string(&named("Team")).unwrap();
        let connections = Connections::read(None, Some(&single), Some(named("Deployed")));
        assert_eq!(names(&connections), ["Team"]);
        let stored = connections.to_stored();
        assert_eq!(
            Connections::read(Some(&stored), None, Some(named("Deployed"))),
            connections
        );
    }

    #[test]
    fn the_built_in_connection_is_there_until_another_is_saved() {
        let mut connections = Connections::read(None, None, None);
        assert_eq!(names(&connections), ["Local"]);
        connections.save(named("Staging"), id("1")).unwrap();
        assert_eq!(names(&connections), ["Staging"]);
        connections.delete(&id("1"));
        assert_eq!(names(&connections), ["Local"]);
    }

    #[test]
    fn a_deployed_connection_can_be_changed_and_reset() {
        let mut connections = Connections::read(None, None, Some(named("Deployed")));
        let preset = connections.list()[0].clone();
        assert_eq!(connections.saved(&preset.id), None);
        let changed = Connection {
            name: "Mine".to_owned(),
            ..preset.clone()
        };
        let saved = connections.save(changed, id("1")).unwrap();
        assert_eq!((saved.id.clone(), saved.version), (preset.id.clone(), 1));
        connections.save(named("Other"), id("2")).unwrap();
        assert_eq!(names(&connections), ["Mine", "Other"]);
        assert!(connections.saved(&preset.id).is_some());
        connections.delete(&preset.id);
        assert_eq!(names(&connections), ["Deployed", "Other"]);
    }

    #[test]
    fn the_version_grows_with_each_change_only() {
        let mut connections = Connections::read(None, None, None);
        let first = connections.save(named("A"), id("1")).unwrap();
        let same = connections.save(first.clone(), id("2")).unwrap();
        assert_eq!(same, first);
        let changed = Connection {
            is_production: true,
            ..first
        };
        assert_eq!(connections.save(changed, id("3")).unwrap().version, 1);
        assert_eq!(connections.list().len(), 1);
    }

    #[test]
    fn two_connections_never_have_the_same_name() {
        let mut connections = Connections::read(None, None, None);
        let first = connections.save(named("A"), id("1")).unwrap();
        let error = connections.save(named("A"), id("2")).unwrap_err();
        assert_eq!(error.code(), "connection_name_taken");
        for new in ["2", "3"] {
            connections.duplicate(&first.id, id(new)).unwrap();
        }
        assert_eq!(names(&connections), ["A", "A copy", "A copy 2"]);
        let (place, deleted) = connections.delete(&id("1")).unwrap();
        connections.save(named("A"), id("4")).unwrap();
        connections.restore(place, deleted);
        assert_eq!(names(&connections), ["A 2", "A copy", "A copy 2", "A"]);
    }

    #[test]
    fn exported_connections_are_imported_with_new_ids_and_free_names() {
        let server = TaskServer::at(Address::parse("https://tasks.example").unwrap());
        let staging = Connection {
            task_server: Some(server),
            is_production: true,
            ..named("Staging")
        };
        let mut connections = Connections::read(None, None, None);
        let saved = connections.save(staging, id("1")).unwrap();
        let file = Connections::export(&[&saved]);
        assert!(!file.contains("\"id\""), "{file}");
        let imported = connections
            .import(&file, &HostPolicy::default(), || id("2"))
            .unwrap();
        assert_eq!(names(&connections), ["Staging", "Staging 2"]);
        assert_eq!(imported[0].task_server, saved.task_server);
        let hosts = HostPolicy::only(vec!["other.example".to_owned()]);
        let error = connections.import(&file, &hosts, || id("3")).unwrap_err();
        assert_eq!(error.code(), "host_not_allowed");
        assert_eq!(connections.list().len(), 2);
    }

    #[test]
    fn a_text_that_is_no_file_with_connections_adds_nothing() {
        let mut connections = Connections::read(None, None, None);
        for text in [
            "",
            "[]",
            "{\"taskwright_connections\": 2, \"connections\": []}",
            "{\"taskwright_connections\": 1, \"connections\": []}",
            "{\"taskwright_connections\": 1, \"connections\": [{\"name\": \" \"}]}",
            "{\"taskwright_connections\": 1, \"connections\": [{\"name\": \"A\"}], \"key\": \"hunter2\"}",
        ] {
            let error = connections
                .import(text, &HostPolicy::default(), || id("1"))
                .unwrap_err();
            assert_eq!(error.code(), "connections_malformed", "{text}");
            assert!(!error.to_string().contains("hunter2"));
        }
        assert_eq!(names(&connections), ["Local"]);
    }
}
