//! JSON as another parser, serde_json, reads it, including duplicate members.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use taskwright::document::{Kind, Node};

/// A value as serde_json reads it.
#[derive(Debug)]
pub enum Json {
    Null,
    Boolean(bool),
    Number(f64),
    String(String),
    Array(Vec<Json>),
    /// All members in order, including duplicates.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Whether a part of a document has the same value: kinds, member names and their order,
    /// characters, and numbers to the precision of a double.
    pub fn equals(&self, node: Node<'_>) -> bool {
        match (self, node.kind()) {
            (Json::Null, Kind::Null) => true,
            (Json::Boolean(truth), Kind::Boolean) => node.as_bool() == Some(*truth),
            (Json::Number(number), Kind::Number) => node
                .text()
                .parse::<f64>()
                .is_ok_and(|ours| is_nearly(ours, *number)),
            (Json::String(text), Kind::String) => node.as_str().as_deref() == Some(text.as_str()),
            (Json::Array(items), Kind::Array) => {
                items.len() == node.len()
                    && items
                        .iter()
                        .zip(node.items())
                        .all(|(item, node)| item.equals(node))
            }
            (Json::Object(members), Kind::Object) => {
                members.len() == node.len()
                    && members
                        .iter()
                        .zip(node.members())
                        .all(|((name, value), (ours, node))| *name == ours && value.equals(node))
            }
            _ => false,
        }
    }

    /// Whether any object in it has a duplicate member.
    pub fn has_duplicate_member(&self) -> bool {
        match self {
            Json::Array(items) => items.iter().any(Json::has_duplicate_member),
            Json::Object(members) => members.iter().enumerate().any(|(at, (name, value))| {
                members.iter().take(at).any(|(earlier, _)| earlier == name)
                    || value.has_duplicate_member()
            }),
            _ => false,
        }
    }

    /// The tasks of a response: the items of its member `tasks` if that is an array, the items of
    /// an array, or the object itself.
    pub fn tasks(&self) -> Vec<&Json> {
        match self {
            Json::Array(items) => items.iter().collect(),
            Json::Object(members) => {
                let tasks = members.iter().find(|(name, _)| name == "tasks");
                match tasks {
                    Some((_, Json::Array(items))) => items.iter().collect(),
                    _ => vec![self],
                }
            }
            _ => Vec::new(),
        }
    }

    /// The number of an object's members with this name.
    pub fn count_members(&self, wanted: &str) -> usize {
        match self {
            Json::Object(members) => members.iter().filter(|(name, _)| name == wanted).count(),
            _ => 0,
        }
    }
}

/// Whether two doubles differ by rounding at most: serde_json's fast number parsing may miss the
/// nearest double.
fn is_nearly(ours: f64, theirs: f64) -> bool {
    let difference = (ours - theirs).abs();
    ours == theirs
        || difference <= ours.abs() * 4.0 * f64::EPSILON
        || difference <= f64::MIN_POSITIVE
}

/// Whether serde_json rejected a text that RFC 8259 allows: its number is too large for a double.
pub fn is_out_of_range(error: &serde_json::Error) -> bool {
    error.to_string().contains("number out of range")
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Json, E> {
        Ok(Json::Boolean(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut read = Vec::new();
        while let Some(item) = items.next_element()? {
            read.push(item);
        }
        Ok(Json::Array(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut read = Vec::new();
        while let Some(member) = members.next_entry()? {
            read.push(member);
        }
        Ok(Json::Object(read))
    }
}
