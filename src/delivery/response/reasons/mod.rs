//! The reasons in a response, beside the fields that they are about.
//!
//! Frameworks differ in where they put reasons and in what they call them, but not in how they are
//! built: a message beside a place ([`place`]), or a map from field names to messages, nested in
//! members such as `errors` or `detail`. One reader looks for these two; it knows no framework.

mod names;
mod place;

use serde_json::{Map, Value};

use self::names::{
    CONTAINERS, IGNORED, MESSAGES, NESTED, PLAIN_MESSAGES, RULES, TRANSPARENT, messages,
};
use self::place::Place;
use super::sent::{BODY_NAMES, Sent};
use crate::delivery::receipt::Reason;
use crate::schema::roles::normalized;
use crate::text::truncate_chars;

/// Maximum number of reasons.
const MAX_REASONS: usize = 50;
/// Maximum length of a message or a place, in characters.
const MAX_CHARACTERS: usize = 300;
/// Deepest nesting that is searched.
const MAX_DEPTH: usize = 40;

/// The reasons in a response to what was sent. Those with a place come first.
pub(super) fn read(value: &Value, sent: &Sent<'_>) -> Vec<Reason> {
    let mut reader = Reader {
        sent,
        found: Vec::new(),
    };
    match value {
        Value::Array(items) => reader.list(items, &[], 0),
        Value::Object(members) => reader.map(members, &[], Level::Response, 0),
        Value::String(text) => reader.embedded(text, 0),
        _ => {}
    }
    reader.finish()
}

/// What an object is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    /// The response: its members are the server's, and may hold reasons.
    Response,
    /// Reasons: its members may be fields.
    Reasons,
}

/// What a member of a map means.
enum Meaning {
    /// Its name is that of a field.
    Field,
    /// It is about the same object as the map.
    SameObject,
    /// It is no reason.
    Nothing,
}

struct Reader<'s, 'a> {
    sent: &'s Sent<'a>,
    found: Vec<(Option<Place>, String)>,
}

impl Reader<'_, '_> {
    /// Reads an object that is no reason itself.
    fn map(&mut self, members: &Map<String, Value>, base: &[String], level: Level, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        if level == Level::Response {
            let before = self.found.len();
            for (name, member) in members {
                if CONTAINERS.contains(&normalized(name).as_str()) {
                    self.container(member, depth + 1);
                }
            }
            let has_place = |(place, _): &(Option<Place>, String)| place.is_some();
            if self.found.iter().skip(before).any(has_place)
                || self.entry(members, base, false, depth)
            {
                return;
            }
        }
        let is_only_fields = members.keys().all(|name| self.sent.member(name).is_some());
        for (name, member) in members {
            if self.sent.is_repeated(name, member) {
                continue;
            }
            match self.meaning(name, member, base, level, is_only_fields) {
                Meaning::Field => {
                    let mut path = base.to_vec();
                    match self.sent.member(name) {
                        Some(known) if base.is_empty() => path.push(known.to_owned()),
                        _ => path.extend(place::parse(name).unwrap_or(vec![name.clone()])),
                    }
                    self.field(member, &path, depth + 1);
                }
                Meaning::SameObject => self.field(member, base, depth + 1),
                Meaning::Nothing => {}
            }
        }
    }

    /// What a member of a map means. `is_only_fields` tells that the task has all names of the map.
    fn meaning(
        &self,
        name: &str,
        member: &Value,
        base: &[String],
        level: Level,
        is_only_fields: bool,
    ) -> Meaning {
        let plain = normalized(name);
        let is_in = |names: &[&str]| names.contains(&&*plain);
        if self.is_member(name, base) {
            // The texts of a response are about all of it, unless it is a map and nothing else.
            let is_message = level == Level::Response && member.is_string() && is_in(&MESSAGES);
            return if is_message && !is_only_fields {
                Meaning::Nothing
            } else {
                Meaning::Field
            };
        }
        if is_in(&IGNORED) {
            return Meaning::Nothing;
        }
        match level {
            Level::Reasons => {
                let is_wrapper = is_in(&TRANSPARENT)
                    || is_in(&CONTAINERS)
                    || (base.is_empty() && is_in(&BODY_NAMES));
                // A tree of reasons has levels for the members of objects and the items of arrays.
                let is_level = (plain == "properties" && member.is_object())
                    || (plain == "items" && member.is_array());
                if is_wrapper || is_level {
                    Meaning::SameObject
                } else {
                    Meaning::Field
                }
            }
            Level::Response if !member.is_array() || is_in(&CONTAINERS) || is_in(&BODY_NAMES) => {
                Meaning::Nothing
            }
            Level::Response if is_in(&TRANSPARENT) => Meaning::SameObject,
            Level::Response => Meaning::Field,
        }
    }

    /// Whether the task has a member of this name at `base`; known only at the top.
    fn is_member(&self, name: &str, base: &[String]) -> bool {
        base.is_empty() && self.sent.member(name).is_some()
    }

    /// Reads a member that may hold reasons.
    fn container(&mut self, member: &Value, depth: usize) {
        match member {
            Value::String(text) => {
                self.embedded(text, depth);
                // The text is the message of the whole response. It is also a reason if it names a
                // path or quotes a name.
                let is_marked = text.trim_start().starts_with(['"', '`', '\''])
                    || text
                        .split_whitespace()
                        .next()
                        .is_some_and(|word| word.contains(['/', '.', '[']));
                if is_marked && let Some(place) = place::leading(text, self.sent) {
                    self.push(Some(place), text);
                }
            }
            Value::Array(items) => self.list(items, &[], depth),
            Value::Object(members) => {
                if self.entry(members, &[], false, depth) {
                    return;
                }
                let before = self.found.len();
                for (name, inner) in members {
                    let is_known = self.sent.member(name).is_some();
                    if !is_known && CONTAINERS.contains(&normalized(name).as_str()) {
                        self.container(inner, depth + 1);
                    }
                }
                if self.found.len() == before {
                    self.map(members, &[], Level::Reasons, depth + 1);
                } else {
                    self.fields_beside(members, depth);
                }
            }
            _ => {}
        }
    }

    /// Reads the fields of a map that also holds reasons about the task itself.
    fn fields_beside(&mut self, members: &Map<String, Value>, depth: usize) {
        for (name, member) in members {
            let plain = normalized(name);
            if (member.is_array() || member.is_object())
                && !CONTAINERS.contains(&&*plain)
                && !IGNORED.contains(&&*plain)
                && !TRANSPARENT.contains(&&*plain)
            {
                let path = match self.sent.member(name) {
                    Some(known) => vec![known.to_owned()],
                    None => place::parse(name).unwrap_or(vec![name.clone()]),
                };
                self.field(member, &path, depth + 1);
            }
        }
    }

    /// Reads a list of reasons: messages, or objects.
    fn list(&mut self, items: &[Value], base: &[String], depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for item in items {
            match item {
                Value::String(text) if base.is_empty() => {
                    self.push(place::leading(text, self.sent), text);
                }
                Value::String(text) => self.push(Some(Place::Body(base.to_vec())), text),
                Value::Array(inner) => self.list(inner, base, depth + 1),
                Value::Object(members) if !self.entry(members, base, true, depth) => {
                    self.in_list(members, base, depth + 1);
                }
                _ => {}
            }
        }
    }

    /// Reads an object of a list that is no reason itself: a map, or a holder of reasons.
    fn in_list(&mut self, members: &Map<String, Value>, base: &[String], depth: usize) {
        let before = self.found.len();
        for (name, inner) in members {
            let is_known = self.is_member(name, base);
            if !is_known && CONTAINERS.contains(&normalized(name).as_str()) {
                self.container(inner, depth + 1);
            }
        }
        if self.found.len() == before {
            self.map(members, base, Level::Reasons, depth);
        }
    }

    /// Reads what a map holds for a field.
    fn field(&mut self, member: &Value, path: &[String], depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let place = || (!path.is_empty()).then(|| Place::Body(path.to_vec()));
        match member {
            Value::String(text) => self.push(place(), text),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    match item {
                        Value::String(text) => self.push(place(), text),
                        Value::Object(members) if !self.entry(members, path, true, depth) => {
                            let mut path = path.to_vec();
                            path.push(index.to_string());
                            self.map(members, &path, Level::Reasons, depth + 1);
                        }
                        _ => {}
                    }
                }
            }
            Value::Object(members) if !self.entry(members, path, true, depth) => {
                self.map(members, path, Level::Reasons, depth + 1);
            }
            _ => {}
        }
    }

    /// Reads an object as a reason: messages beside a place, or, if it is `listed` among reasons, a
    /// message alone, which is about `base`. Returns whether it is one.
    fn entry(
        &mut self,
        members: &Map<String, Value>,
        base: &[String],
        listed: bool,
        depth: usize,
    ) -> bool {
        // A map whose names are all members of the task is one, whatever they are called.
        if !listed && members.keys().all(|name| self.sent.member(name).is_some()) {
            return false;
        }
        let places = place::places(members, self.sent);
        let has_place = !places.is_empty();
        let messages = if has_place {
            messages(members, &MESSAGES, &RULES)
        } else if listed {
            messages(members, &PLAIN_MESSAGES, &[])
        } else {
            Vec::new()
        };
        let nested = NESTED
            .iter()
            .filter_map(|name| place::member(members, name)?.as_array());
        if messages.is_empty() {
            if !has_place {
                return false;
            }
            let before = self.found.len();
            if let Some(Place::Body(path)) = places.first() {
                let path: Vec<String> = base.iter().chain(path).cloned().collect();
                for inner in nested {
                    self.children(inner, &path, depth + 1);
                }
            }
            return self.found.len() > before;
        }
        for message in &messages {
            if places.is_empty() {
                let base = (!base.is_empty()).then(|| Place::Body(base.to_vec()));
                self.push(base.or_else(|| place::leading(message, self.sent)), message);
            }
            for place in &places {
                self.push(Some(place.clone()), message);
            }
        }
        for inner in nested {
            self.list(inner, &[], depth + 1);
        }
        true
    }

    /// Reads reasons whose places are relative to `path`.
    fn children(&mut self, items: &[Value], path: &[String], depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for members in items.iter().filter_map(Value::as_object) {
            let mut inner = Reader {
                sent: self.sent,
                found: Vec::new(),
            };
            if !inner.entry(members, &[], true, depth) {
                continue;
            }
            let below = inner.found.into_iter().map(|(place, message)| match place {
                Some(Place::Body(rest)) => {
                    let path = path.iter().cloned().chain(rest).collect();
                    (Some(Place::Body(path)), message)
                }
                None => (Some(Place::Body(path.to_vec())), message),
                elsewhere => (elsewhere, message),
            });
            self.found.extend(below);
        }
    }

    /// Reads JSON inside a string: some libraries put all reasons into one message.
    fn embedded(&mut self, text: &str, depth: usize) {
        if depth > MAX_DEPTH || !text.trim_start().starts_with(['[', '{']) {
            return;
        }
        match serde_json::from_str(text) {
            Ok(Value::Array(items)) => self.list(&items, &[], depth + 1),
            Ok(Value::Object(members)) => self.map(&members, &[], Level::Response, depth + 1),
            _ => {}
        }
    }

    fn push(&mut self, place: Option<Place>, message: &str) {
        let message = message.trim();
        if !message.is_empty() && self.found.len() < 4 * MAX_REASONS {
            self.found.push((place, message.to_owned()));
        }
    }

    /// The reasons without repetitions: a message about a field is not also one about the task.
    fn finish(self) -> Vec<Reason> {
        let mut reasons: Vec<Reason> = Vec::new();
        let (placed, plain): (Vec<_>, Vec<_>) = self
            .found
            .into_iter()
            .partition(|(place, _)| place.is_some());
        for (place, message) in placed.into_iter().chain(plain) {
            let is_plain = place.is_none();
            let reason = match place {
                Some(Place::Body(path)) => match self.sent.pointer(&path) {
                    Some(pointer) => reason(&pointer, &message),
                    None => reason("", &format!("{}: {message}", path.join("."))),
                },
                Some(Place::Elsewhere(what)) => reason("", &format!("{what}: {message}")),
                None => reason("", &message),
            };
            let is_known = reasons
                .iter()
                .any(|known| *known == reason || (is_plain && known.message == reason.message));
            if !is_known && reasons.len() < MAX_REASONS {
                reasons.push(reason);
            }
        }
        reasons
    }
}

fn reason(instance_path: &str, message: &str) -> Reason {
    Reason {
        instance_path: truncate_chars(instance_path, MAX_CHARACTERS),
        message: truncate_chars(message, MAX_CHARACTERS),
    }
}

#[cfg(test)]
mod tests;
