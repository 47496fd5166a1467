//! A second reader of JSON: serde_json's, kept as it was written, with names that stand twice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use taskwright::document::{Kind, Node};

/// A value as serde_json's parser tells it.
#[derive(Debug)]
pub enum Json {
    Null,
    Boolean(bool),
    Number(f64),
    String(String),
    Array(Vec<Json>),
    /// The members in their order, those with the same name too.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Whether a part of a document is the same: kinds, names and their order, characters,
    /// numbers as far as doubles tell them apart.
    pub fn is(&self, node: Node<'_>) -> bool {
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
                        .all(|(item, node)| item.is(node))
            }
            (Json::Object(members), Kind::Object) => {
                members.len() == node.len()
                    && members
                        .iter()
                        .zip(node.members())
                        .all(|((name, value), (ours, node))| *name == ours && value.is(node))
            }
            _ => false,
        }
    }

    /// Whether any object in it has a name twice.
    pub fn has_duplicate_members(&self) -> bool {
        match self {
            Json::Array(items) => items.iter().any(Json::has_duplicate_members),
            Json::Object(members) => members.iter().enumerate().any(|(at, (name, value))| {
                members.iter().take(at).any(|(earlier, _)| earlier == name)
                    || value.has_duplicate_members()
            }),
            _ => false,
        }
    }

    /// The tasks of an answer: those of its member `tasks` where that is an array, the items of an
    /// array, else the object itself.
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

    /// How many of an object's members have the name.
    pub fn count(&self, wanted: &str) -> usize {
        match self {
            Json::Object(members) => members.iter().filter(|(name, _)| name == wanted).count(),
            _ => 0,
        }
    }
}

/// Whether two doubles are at most a rounding apart: serde_json's quick way of reading numbers may
/// miss the nearest one.
fn is_nearly(ours: f64, theirs: f64) -> bool {
    let apart = (ours - theirs).abs();
    ours == theirs || apart <= ours.abs() * 4.0 * f64::EPSILON || apart <= f64::MIN_POSITIVE
}

/// Whether serde_json refused a text for what RFC 8259 allows: a number beyond a double.
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
