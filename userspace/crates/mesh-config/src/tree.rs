//! What a text of any form says: values that know where they stand and how their file spells them.
//!
//! Every form is brought into the shape of the App Mesh API before it is read. A node that was
//! moved or renamed on the way keeps its own line, and its member the name that the file has.

use std::{collections::HashMap, fmt};

use smol_str::SmolStr;

use crate::problem::path::{FieldPath, Step};

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    /// The line, from 1; 0 for what no file has.
    pub(crate) line: u32,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// Any other number.
    Float(f64),
    Text(SmolStr),
    /// Text that stands for whatever is wanted where it is: a variable's value, or a scalar of a
    /// form that does not tell numbers from strings.
    Loose(SmolStr),
    /// Text with parts that have no value yet, written as `${NAME}`.
    Open(SmolStr),
    List(Vec<Node>),
    Map(Members),
}

/// The members of an object, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Members(Vec<Member>);

/// One member of an object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Member {
    /// The API's name of it.
    pub(crate) name: SmolStr,
    /// What the file has in its place.
    pub(crate) written: Option<Box<FieldPath>>,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) fn new(value: Value, line: u32) -> Self {
        Self { value, line }
    }

    /// A string that no file has.
    pub(crate) fn text(text: impl Into<SmolStr>, line: u32) -> Self {
        Self::new(Value::Text(text.into()), line)
    }

    pub(crate) fn as_map(&self) -> Option<&Members> {
        match &self.value {
            Value::Map(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn as_map_mut(&mut self) -> Option<&mut Members> {
        match &mut self.value {
            Value::Map(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Self]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text here, open parts as `${NAME}`.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Loose(text) | Value::Open(text) => Some(text),
            _ => None,
        }
    }

    /// The integer here; of loose text, the one that it spells.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        match &self.value {
            Value::Int(number) => Some(*number),
            Value::Loose(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The truth value here; of loose text, the one that it spells.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Bool(value) => Some(*value),
            Value::Loose(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" => Some(true),
                "false" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether a part of it has no value yet.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.value, Value::Open(_))
    }

    /// A member of the object here.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.as_map()?.get(name)
    }

    /// The line and the written path of what lies at the end of a path; where it ends early, the
    /// line of what the rest is missing from.
    pub(crate) fn locate(&self, path: &FieldPath) -> (u32, FieldPath) {
        let mut written = FieldPath::default();
        let mut node = Some(self);
        let mut line = self.line;
        for step in &path.0 {
            let inner = match (node.map(|node| &node.value), step) {
                (Some(Value::Map(members)), Step::Member(name)) => members.member(name),
                (Some(Value::List(items)), Step::Item(index)) => {
                    node = items.get(*index);
                    line = node.map_or(line, |node| node.line);
                    written = written.item(*index);
                    continue;
                }
                _ => None,
            };
            node = inner.map(|member| &member.node);
            line = node
                .filter(|node| node.line > 0)
                .map_or(line, |node| node.line);
            match inner.and_then(|member| member.written.as_deref()) {
                Some(other) => written = written.join(other),
                None => written.0.push(step.clone()),
            }
        }
        (line, written)
    }
}

impl fmt::Display for Node {
    /// As JSON has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => value.fmt(f),
            Value::Int(number) => number.fmt(f),
            Value::Float(number) => match serde_json::Number::from_f64(*number) {
                Some(number) => number.fmt(f),
                None => number.fmt(f),
            },
            Value::Loose(text) if is_bare(text) => f.write_str(text),
            Value::Text(text) | Value::Loose(text) | Value::Open(text) => {
                f.write_str(&serde_json::Value::from(text.as_str()).to_string())
            }
            Value::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { "," })?;
                }
                f.write_str("]")
            }
            Value::Map(members) => {
                f.write_str("{")?;
                for (index, member) in members.iter().enumerate() {
                    let name = serde_json::Value::from(member.name.as_str());
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{name}:{}", member.node)?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Whether text is a number or a truth value of JSON.
fn is_bare(text: &str) -> bool {
    matches!(text, "true" | "false") || serde_json::from_str::<serde_json::Number>(text).is_ok()
}

impl Members {
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Member> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, Member> {
        self.0.iter_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.0.iter().find(|member| member.name == name)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.member(name).map(|member| &member.node)
    }

    pub(crate) fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        let found = self.0.iter_mut().find(|member| member.name == name);
        found.map(|member| &mut member.node)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.member(name).is_some()
    }

    /// Adds a member, or replaces it. Gives back what it was.
    pub(crate) fn insert(&mut self, name: impl Into<SmolStr>, node: Node) -> Option<Node> {
        let name = name.into();
        if let Some(known) = self.get_mut(&name) {
            return Some(std::mem::replace(known, node));
        }
        self.push(name, None, node);
        None
    }

    /// Adds a member that is known to be new.
    pub(crate) fn push(
        &mut self,
        name: impl Into<SmolStr>,
        written: Option<FieldPath>,
        node: Node,
    ) {
        self.0.push(Member {
            name: name.into(),
            written: written.map(Box::new),
            node,
        });
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Member> {
        let index = self.0.iter().position(|member| member.name == name)?;
        Some(self.0.remove(index))
    }
}

impl IntoIterator for Members {
    type Item = Member;
    type IntoIter = std::vec::IntoIter<Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Members {
    type Item = &'a Member;
    type IntoIter = std::slice::Iter<'a, Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Member> for Members {
    fn from_iter<I: IntoIterator<Item = Member>>(members: I) -> Self {
        Self(members.into_iter().collect())
    }
}

/// Beyond this many members of an object, an index finds them.
const FEW: usize = 16;

/// Members in the making: large objects cost no more for each member than small ones.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    members: Members,
    index: HashMap<SmolStr, usize>,
}

impl Gathering {
    fn find(&self, name: &str) -> Option<usize> {
        if self.members.len() > FEW {
            return self.index.get(name).copied();
        }
        self.members.iter().position(|member| member.name == name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Adds a member, or replaces the one of that name. Says which.
    pub(crate) fn insert(&mut self, name: SmolStr, node: Node) -> bool {
        if let Some(known) = self.find(&name) {
            self.members.0[known].node = node;
            return true;
        }
        self.members.push(name, None, node);
        let len = self.members.len();
        let new = if len == FEW + 1 { 0 } else { len - 1 };
        if len > FEW {
            let names = self.members.0[new..].iter().zip(new..);
            self.index
                .extend(names.map(|(member, place)| (member.name.clone(), place)));
        }
        false
    }
}

impl From<Gathering> for Members {
    fn from(gathering: Gathering) -> Self {
        gathering.members
    }
}

#[cfg(test)]
impl From<&serde_json::Value> for Node {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        let value = match value {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => number.as_i64().map_or_else(
                || Value::Float(number.as_f64().unwrap_or(f64::NAN)),
                Value::Int,
            ),
            Json::String(text) => Value::Text(text.into()),
            Json::Array(items) => Value::List(items.iter().map(Self::from).collect()),
            Json::Object(members) => Value::Map(
                members
                    .iter()
                    .map(|(name, value)| Member {
                        name: name.into(),
                        written: None,
                        node: Self::from(value),
                    })
                    .collect(),
            ),
        };
        Self::new(value, 0)
    }
}
