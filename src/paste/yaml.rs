//! Reads YAML (1.2.2, core schema) as a JSON value.
//!
//! `saphyr-parser` only reports events, so that the limits are set here: an alias costs as much as
//! what it repeats. Merge keys (`<<`) of YAML 1.1 are applied, because documents use them.

use std::borrow::Cow;
use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value};

use crate::document::nearest_number;

/// Maximum nesting.
const MAX_DEPTH: usize = 64;
/// Maximum size of the result: bytes of text, and [`NODE_WEIGHT`] for each value.
const MAX_WEIGHT: usize = 24 << 20;
/// What a value weighs beside its text.
const NODE_WEIGHT: usize = 32;

/// Reads the first document of a text. `None` if it is not YAML, or exceeds a limit.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut reader = YamlReader::default();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.ok()?;
        match event {
            Event::DocumentEnd => break,
            Event::Alias(anchor) => {
                let known = reader.anchors.get(&anchor)?;
                let value = known.value.clone();
                let size = known.size;
                reader.add(value, size, 0)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                let size = Size {
                    weight: NODE_WEIGHT + text.len(),
                    depth: 0,
                };
                reader.add_scalar(text, style, tag.as_deref(), size, anchor)?;
            }
            Event::SequenceStart(anchor, _) => {
                reader.open(Container::List(Vec::new()), anchor)?;
            }
            Event::MappingStart(anchor, _) => {
                let members = Members {
                    map: Map::new(),
                    merged: Vec::new(),
                    key: None,
                };
                reader.open(Container::Table(members), anchor)?;
            }
            Event::SequenceEnd | Event::MappingEnd => reader.close()?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => {}
        }
    }
    reader.root
}

/// How much a value takes.
#[derive(Clone, Copy, Default)]
struct Size {
    weight: usize,
    /// Levels inside the value.
    depth: usize,
}

struct Anchored {
    value: Value,
    size: Size,
}

/// A container that is being read.
struct Frame {
    container: Container,
    anchor: usize,
    size: Size,
}

enum Container {
    List(Vec<Value>),
    Table(Members),
}

struct Members {
    map: Map<String, Value>,
    /// The tables of merge keys.
    merged: Vec<Value>,
    /// The key whose value comes next.
    key: Option<String>,
}

#[derive(Default)]
struct YamlReader {
    frames: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    root: Option<Value>,
    /// Everything that was made so far, copies of aliases included.
    weight: usize,
}

impl YamlReader {
    fn open(&mut self, container: Container, anchor: usize) -> Option<()> {
        if self.frames.len() >= MAX_DEPTH {
            return None;
        }
        self.frames.push(Frame {
            container,
            anchor,
            size: Size {
                weight: NODE_WEIGHT,
                depth: 0,
            },
        });
        Some(())
    }

    fn close(&mut self) -> Option<()> {
        let frame = self.frames.pop()?;
        let value = match frame.container {
            Container::List(items) => Value::Array(items),
            Container::Table(members) => Value::Object(members.finish()),
        };
        self.add(value, frame.size, frame.anchor)
    }

    fn add_scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        size: Size,
        anchor: usize,
    ) -> Option<()> {
        let waits_for_key = matches!(
            self.frames.last(),
            Some(Frame { container: Container::Table(members), .. }) if members.key.is_none()
        );
        let is_text = style != ScalarStyle::Plain
            || tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
        let value = match is_text || waits_for_key {
            true => Value::String(text.into_owned()),
            false => plain(&text),
        };
        self.add(value, size, anchor)
    }

    /// Adds a complete value to the container that is being read.
    fn add(&mut self, value: Value, size: Size, anchor: usize) -> Option<()> {
        self.weight = self.weight.checked_add(size.weight)?;
        if self.weight > MAX_WEIGHT || self.frames.len() + size.depth > MAX_DEPTH {
            return None;
        }
        if anchor != 0 {
            // The anchor keeps a copy.
            self.weight = self.weight.checked_add(size.weight)?;
            let value = value.clone();
            self.anchors.insert(anchor, Anchored { value, size });
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root.get_or_insert(value);
            return Some(());
        };
        frame.size.weight += size.weight;
        frame.size.depth = frame.size.depth.max(size.depth + 1);
        match &mut frame.container {
            Container::List(items) => items.push(value),
            Container::Table(members) => members.add(value)?,
        }
        Some(())
    }
}

impl Members {
    /// Adds a key or its value.
    fn add(&mut self, value: Value) -> Option<()> {
        match (self.key.take(), value) {
            (None, Value::String(key)) => self.key = Some(key),
            // JSON has no other keys.
            (None, _) => return None,
            (Some(key), value) if key == "<<" && (value.is_object() || value.is_array()) => {
                self.merged.push(value);
            }
            (Some(key), value) => {
                self.map.insert(key, value);
            }
        }
        Some(())
    }

    /// The members, with those of merge keys that are not overridden.
    fn finish(mut self) -> Map<String, Value> {
        for merged in self.merged {
            let tables = match merged {
                Value::Array(tables) => tables,
                table => vec![table],
            };
            for table in tables {
                if let Value::Object(members) = table {
                    for (key, value) in members {
                        self.map.entry(key).or_insert(value);
                    }
                }
            }
        }
        self.map
    }
}

/// The value of a scalar without quotation marks (YAML 1.2.2, section 10.3.2). Infinity and NaN,
/// which JSON does not have, stay texts.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        let digits = text.strip_prefix(prefix);
        if let Some(number) = digits.and_then(|digits| u64::from_str_radix(digits, radix).ok()) {
            return Value::Number(Number::from(number));
        }
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.contains(|c: char| c.is_ascii_digit())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && text.parse::<f64>().is_ok_and(f64::is_finite);
    match is_number {
        true => Value::Number(nearest_number(text.strip_prefix('+').unwrap_or(text))),
        false => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn yaml_is_read_as_json() {
        for (text, expected) in [
            ("a: 1", json!({"a": 1})),
            ("- a\n- 'b'\n- ~", json!(["a", "b", null])),
            (
                "a: {b: [1, 2.5, -3, 0x10, 1e3]}",
                json!({"a": {"b": [1, 2.5, -3, 16, 1000.0]}}),
            ),
            ("200: x\ntrue: y", json!({"200": "x", "true": "y"})),
            (
                "a: yes\nb: True\nc: 1.2.3\nd: .inf",
                json!({"a": "yes", "b": true, "c": "1.2.3", "d": ".inf"}),
            ),
            ("a: '1'\nb: !!str 2", json!({"a": "1", "b": "2"})),
            ("a: |\n  x\n  y\n", json!({"a": "x\ny\n"})),
            ("a: &x {b: 1}\nc: *x", json!({"a": {"b": 1}, "c": {"b": 1}})),
            (
                "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3",
                json!({"a": {"b": 1, "c": 2}, "d": {"c": 3, "b": 1}}),
            ),
            ("--- 1\n...\n--- 2", json!(1)),
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_not_yaml_or_grows_without_end_is_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        let nested = "[".repeat(5_000);
        for text in ["a: [", "a: *x", "a: &x [*x]", "? [a]\n: b", &bomb, &nested] {
            assert_eq!(
                parse(text),
                None,
                "{}",
                crate::text::truncate_chars(text, 80)
            );
        }
    }
}
