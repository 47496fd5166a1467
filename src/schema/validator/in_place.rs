//! The JSON representation to validate: spans of a document's text, read within a budget.
//!
//! The jsonschema crate cannot be told to stop. It ends early here because nothing is left to
//! visit: once the budget is spent, containers have no further members or items. What it reports
//! from then on may be wrong and is discarded.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::collections::HashSet;
use std::ops::ControlFlow;

use jsonschema::JsonType;
use jsonschema::json::{
    Array, Json, JsonNumber, Node as JsonNode, NodeIdentity, Object, cmp, unique,
};
use serde_json::Value;

use crate::document::{Items, Kind, Members, Node};

/// Upper bounds on the work of one check. Counted, not timed, so a check has the same result on
/// every machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CheckLimits {
    /// Accesses to values, members and items.
    pub(super) accesses: u64,
    /// Violations to build, including those of alternatives that are not reported.
    pub(super) violations: u64,
    /// Characters to match against patterns, in bytes of UTF-8. Unlimited for patterns that are
    /// matched in linear time.
    pub(super) pattern_bytes: u64,
}

/// Which limit ended a check early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exceeded {
    Accesses,
    Violations,
    PatternBytes,
}

/// What is left of the [`CheckLimits`] of one check.
pub(super) struct Budget<'a> {
    root: Node<'a>,
    accesses: Cell<u64>,
    violations: Cell<u64>,
    pattern_bytes: Cell<u64>,
    exceeded: Cell<Option<Exceeded>>,
    /// Added to the cost of each value: for subschemas that do not look at the value.
    cost_of_a_value: u64,
    /// The number of patterns that a member name is matched against.
    patterns_of_a_name: u64,
    /// The length of the longest member name so far, in bytes. A violation repeats the names above
    /// it in its location.
    longest_name: Cell<u64>,
    /// Whether a violation may have to contain the value that it is about.
    needs_values: bool,
    root_value: OnceCell<Value>,
}

impl<'a> Budget<'a> {
    /// A budget for one check of `root`. `needs_values` is for schemas whose patterns may exceed a
    /// limit: the jsonschema crate then looks a value up in that of the root.
    pub(super) fn new(
        root: Node<'a>,
        limits: CheckLimits,
        cost_of_a_value: u64,
        patterns_of_a_name: u64,
        needs_values: bool,
    ) -> Budget<'a> {
        Budget {
            root,
            accesses: Cell::new(limits.accesses),
            violations: Cell::new(limits.violations),
            pattern_bytes: Cell::new(limits.pattern_bytes),
            exceeded: Cell::new(None),
            cost_of_a_value,
            patterns_of_a_name,
            longest_name: Cell::new(0),
            needs_values,
            root_value: OnceCell::new(),
        }
    }

    /// The root as an instance that is read within this budget.
    pub(super) fn instance(&'a self) -> Instance<'a> {
        self.instance_of(self.root)
    }

    /// The limit that was exceeded first.
    pub(super) fn exceeded(&self) -> Option<Exceeded> {
        self.exceeded.get()
    }

    #[cfg(test)]
    pub(super) fn pattern_bytes_left(&self) -> u64 {
        self.pattern_bytes.get()
    }

    fn instance_of(&'a self, node: Node<'a>) -> Instance<'a> {
        Instance {
            value: Place::Value(node),
            budget: Some(self),
        }
    }

    fn take(&self, left: &Cell<u64>, cost: u64, limit: Exceeded) {
        match left.get().checked_sub(cost) {
            Some(rest) => left.set(rest),
            None if self.exceeded.get().is_none() => self.exceeded.set(Some(limit)),
            None => {}
        }
    }

    fn access(&self, cost: u64) {
        self.take(&self.accesses, cost, Exceeded::Accesses);
    }

    fn access_text(&self, bytes: usize) {
        /// Bytes that are compared or copied in the time of one access.
        const BYTES_OF_AN_ACCESS: u64 = 64;
        self.access(1 + bytes as u64 / BYTES_OF_AN_ACCESS);
    }

    fn match_patterns(&self, text: &str, patterns: u64) {
        let cost = (text.len() as u64 + 1).saturating_mul(patterns);
        self.take(&self.pattern_bytes, cost, Exceeded::PatternBytes);
    }

    fn build_violation(&self) {
        /// Bytes of member names in a location that count like one violation.
        const NAME_BYTES_OF_A_VIOLATION: u64 = 256;
        let cost = 1 + self.longest_name.get() / NAME_BYTES_OF_A_VIOLATION;
        self.take(&self.violations, cost, Exceeded::Violations);
    }

    /// Whether another value may be visited; accounts for it.
    fn may_visit(&self) -> bool {
        self.access(1 + self.cost_of_a_value);
        self.exceeded.get().is_none()
    }

    /// Like [`Budget::may_visit`], for the value of a member.
    fn may_visit_member(&self, name: &str) -> bool {
        let longest = self.longest_name.get().max(name.len() as u64);
        self.longest_name.set(longest);
        self.may_visit()
    }

    /// The value to give to a violation: whether the budget was spent when it was built.
    fn mark(&self) -> Value {
        Value::Bool(self.exceeded.get().is_some())
    }
}

/// Whether a violation was built before the budget was spent, by the value that was given to it.
/// `None` if it is about the root, which needs no mark.
pub(super) fn was_built_in_time(value: &Value) -> Option<bool> {
    value.as_bool().map(|was_spent| !was_spent)
}

/// The JSON representation for the jsonschema crate.
pub(super) struct InPlace;

/// A value of the document, or a member name validated as a string (`propertyNames`).
#[derive(Clone, Copy)]
pub(super) struct Instance<'a> {
    value: Place<'a>,
    /// `None` for a name that the crate copied; none is, see [`Object::try_for_each_name_node`].
    budget: Option<&'a Budget<'a>>,
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Value(Node<'a>),
    Name(&'a str),
}

impl<'a> Instance<'a> {
    fn kind(&self) -> Kind {
        match self.value {
            Place::Value(node) => node.kind(),
            Place::Name(_) => Kind::String,
        }
    }

    fn access(&self) {
        if let Some(budget) = self.budget {
            budget.access(1);
        }
    }

    fn access_text(&self, bytes: usize) {
        if let Some(budget) = self.budget {
            budget.access_text(bytes);
        }
    }

    fn container(&self, kind: Kind) -> Option<Container<'a>> {
        self.access();
        match self.value {
            Place::Value(node) if node.kind() == kind => Some(Container {
                node,
                budget: self.budget,
            }),
            _ => None,
        }
    }

    /// The value for comparisons.
    fn value(&self) -> Value {
        match self.value {
            Place::Value(node) => node.to_value(),
            Place::Name(name) => Value::String(name.to_owned()),
        }
    }
}

impl Json for InPlace {
    type Node<'a> = Instance<'a>;
    type PreparedKey = String;
    type StringBuffer = String;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>(
        buffer: &mut String,
        string: &str,
        f: impl FnOnce(Instance<'_>) -> T,
    ) -> T {
        string.clone_into(buffer);
        f(Instance {
            value: Place::Name(buffer),
            budget: None,
        })
    }
}

impl<'a> JsonNode<'a, InPlace> for Instance<'a> {
    type Object = Container<'a>;
    type Array = Container<'a>;
    type Number = NumberText<'a>;

    fn as_object(&self) -> Option<Container<'a>> {
        self.container(Kind::Object)
    }

    fn as_array(&self) -> Option<Container<'a>> {
        self.container(Kind::Array)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        self.access();
        let text = match self.value {
            Place::Value(node) => node.as_str()?,
            Place::Name(name) => Cow::Borrowed(name),
        };
        if let Some(budget) = self.budget {
            budget.access_text(text.len());
            budget.match_patterns(&text, 1);
        }
        Some(text)
    }

    fn as_number(&self) -> Option<NumberText<'a>> {
        self.access();
        match self.value {
            Place::Value(node) if node.kind() == Kind::Number => {
                self.access_text(node.text().len());
                Some(NumberText(node.text()))
            }
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        self.access();
        match self.value {
            Place::Value(node) => node.as_bool(),
            Place::Name(_) => None,
        }
    }

    fn is_null(&self) -> bool {
        self.access();
        self.kind() == Kind::Null
    }

    fn is_number(&self) -> bool {
        self.access();
        self.kind() == Kind::Number
    }

    fn is_string(&self) -> bool {
        self.access();
        self.kind() == Kind::String
    }

    fn string_length_within(&self, min: u64, max: u64) -> Option<bool> {
        self.access();
        match self.value {
            Place::Value(node) => {
                self.access_text(node.span().len());
                node.characters_within(min, max)
            }
            Place::Name(name) => {
                self.access_text(name.len());
                let length = name.chars().count() as u64;
                Some((min..=max).contains(&length))
            }
        }
    }

    fn json_type(&self) -> JsonType {
        self.access();
        match self.kind() {
            Kind::Null => JsonType::Null,
            Kind::Boolean => JsonType::Boolean,
            Kind::Number => JsonType::Number,
            Kind::String => JsonType::String,
            Kind::Array => JsonType::Array,
            Kind::Object => JsonType::Object,
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        self.access();
        let may_be_equal = match expected {
            Value::Null => self.kind() == Kind::Null,
            Value::Bool(_) => self.kind() == Kind::Boolean,
            Value::Number(_) => self.kind() == Kind::Number,
            Value::String(_) => self.kind() == Kind::String,
            Value::Array(items) => {
                self.container(Kind::Array).map(|it| it.node.len()) == Some(items.len())
            }
            Value::Object(members) => self
                .container(Kind::Object)
                .is_some_and(|it| it.node.len() >= members.len()),
        };
        if !may_be_equal {
            return false;
        }
        match self.value {
            Place::Value(node) => self.access_text(node.span().len()),
            Place::Name(name) => self.access_text(name.len()),
        }
        cmp::equal(&self.value(), expected)
    }

    /// The value for a violation. Ours do not repeat the value, so this is a mark of the budget,
    /// except where the crate looks a value up in that of the root.
    fn to_value(&self) -> Cow<'a, Value> {
        let Some(budget) = self.budget else {
            return Cow::Owned(self.value());
        };
        budget.build_violation();
        match self.value {
            Place::Value(node) if budget.needs_values && node.ordinal() == 0 => {
                budget.access_text(node.span().len());
                Cow::Borrowed(budget.root_value.get_or_init(|| node.to_value()))
            }
            _ => Cow::Owned(budget.mark()),
        }
    }

    fn identity(&self) -> Option<NodeIdentity> {
        self.access();
        match self.value {
            Place::Value(node) => Some(NodeIdentity::tagged(
                node.document_address(),
                u32::try_from(node.ordinal()).ok()?,
            )),
            // Only one name is validated at a time, and no value has this tag: a document of 32 MiB
            // has fewer values.
            Place::Name(name) => Some(NodeIdentity::tagged(name.as_ptr() as usize, u32::MAX)),
        }
    }
}

/// An object or array, read within a budget.
pub(super) struct Container<'a> {
    node: Node<'a>,
    budget: Option<&'a Budget<'a>>,
}

impl<'a> Container<'a> {
    fn instance(&self, node: Node<'a>) -> Instance<'a> {
        Instance {
            value: Place::Value(node),
            budget: self.budget,
        }
    }
}

impl<'a> Object<'a, InPlace> for Container<'a> {
    type Node = Instance<'a>;
    type MemberName = Cow<'a, str>;
    type MembersIter = BoundedMembers<'a>;

    fn len(&self) -> usize {
        self.node.len()
    }

    fn get(&self, key: &String) -> Option<Instance<'a>> {
        /// Members that are compared with a name in the time of one access.
        const MEMBERS_OF_AN_ACCESS: u64 = 8;
        if let Some(budget) = self.budget {
            budget.access(self.node.len() as u64 / MEMBERS_OF_AN_ACCESS);
            if !budget.may_visit_member(key) {
                return None;
            }
        }
        self.node.get(key).map(|node| self.instance(node))
    }

    fn members(&self) -> BoundedMembers<'a> {
        BoundedMembers {
            members: self.node.members(),
            budget: self.budget,
        }
    }

    fn try_for_each_name_node<B>(
        &self,
        _: &mut String,
        mut f: impl FnMut(Instance<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        for (name, _) in self.members() {
            f(Instance {
                value: Place::Name(&name),
                budget: self.budget,
            })?;
        }
        ControlFlow::Continue(())
    }
}

impl<'a> Array<'a, InPlace> for Container<'a> {
    type Node = Instance<'a>;
    type ElementsIter = BoundedItems<'a>;

    fn len(&self) -> usize {
        self.node.len()
    }

    fn elements(&self) -> BoundedItems<'a> {
        BoundedItems {
            items: self.node.items(),
            budget: self.budget,
        }
    }

    fn is_unique(&self) -> bool {
        if let Some(budget) = self.budget {
            budget.access_text(self.node.span().len().saturating_mul(8));
        }
        are_unique(self.node)
    }
}

/// Whether all items of an array are distinct by JSON equality.
fn are_unique(array: Node<'_>) -> bool {
    /// Up to this many strings are compared pairwise.
    const FEW: usize = 16;
    let texts = || array.items().map_while(|item| item.as_str());
    if array.len() <= FEW && texts().count() == array.len() {
        let is_repeated = |(index, text)| texts().take(index).any(|earlier| earlier == text);
        return !texts().enumerate().any(is_repeated);
    }
    // The same text is the same value; most repetitions are found before any value is built.
    let mut seen = HashSet::new();
    if !array.items().all(|item| seen.insert(item.text())) {
        return false;
    }
    drop(seen);
    let values: Vec<Value> = array.items().map(|item| item.to_value()).collect();
    unique::is_unique(&values)
}

/// The members of an object, until the budget is spent.
pub(super) struct BoundedMembers<'a> {
    members: Members<'a>,
    budget: Option<&'a Budget<'a>>,
}

impl<'a> Iterator for BoundedMembers<'a> {
    type Item = (Cow<'a, str>, Instance<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, node) = self.members.next()?;
        if let Some(budget) = self.budget {
            budget.match_patterns(&name, budget.patterns_of_a_name);
            if !budget.may_visit_member(&name) {
                return None;
            }
        }
        let instance = Instance {
            value: Place::Value(node),
            budget: self.budget,
        };
        Some((name, instance))
    }
}

/// The items of an array, until the budget is spent.
pub(super) struct BoundedItems<'a> {
    items: Items<'a>,
    budget: Option<&'a Budget<'a>>,
}

impl<'a> Iterator for BoundedItems<'a> {
    type Item = Instance<'a>;

    fn next(&mut self) -> Option<Instance<'a>> {
        let node = self.items.next()?;
        if self.budget.is_some_and(|it| !it.may_visit()) {
            return None;
        }
        Some(Instance {
            value: Place::Value(node),
            budget: self.budget,
        })
    }
}

/// A number literal.
pub(super) struct NumberText<'a>(&'a str);

impl JsonNumber for NumberText<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok()
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Owned(crate::document::nearest_number(self.0))
    }

    fn is_integer(&self) -> bool {
        is_integer_literal(self.0)
    }
}

/// Whether the value of a number literal is an integer, judged by its digits: `1.0` and `1e2` are,
/// `1e-2` is not.
fn is_integer_literal(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => {
            let (mantissa, rest) = text.split_at_checked(at).unwrap_or((text, ""));
            (mantissa, rest.get(1..).unwrap_or_default())
        }
        None => (text, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = whole.trim_start_matches('-').trim_start_matches('0');
    if fraction.is_empty() && digits.is_empty() {
        return true;
    }
    // An exponent beyond 64 bits exceeds the number of digits that a task can contain.
    let exponent: i64 = exponent.parse().unwrap_or(if exponent.starts_with('-') {
        i64::MIN / 2
    } else {
        i64::MAX / 2
    });
    let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX / 4);
    if fraction.is_empty() {
        let zeros = length(digits) - length(digits.trim_end_matches('0'));
        exponent >= -zeros
    } else {
        exponent >= length(fraction)
    }
}
