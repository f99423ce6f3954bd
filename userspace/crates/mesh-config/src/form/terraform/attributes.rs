//! The attributes of a resource, as the AWS provider has them, to the shape of the API.
//!
//! Terraform writes a block as a list of one object, a repeated block in the singular, and what is
//! not set as null, as an empty list or as the zero of its type. Which zeros stand for nothing is
//! what the provider leaves out of the request that it sends
//! (hashicorp/terraform-provider-aws, `internal/service/appmesh`).

use smol_str::SmolStr;

use super::{placeholder, plan::is_unknown};
use crate::{
    document::Kind,
    problem::path::{FieldPath, Step},
    tree::{Members, Node, Value},
};

/// Blocks that may be repeated, with the API's names of their lists.
const REPEATED: [(&str, &str); 7] = [
    ("backend", "backends"),
    ("header", "headers"),
    ("json", "json"),
    ("listener", "listeners"),
    ("metadata", "metadata"),
    ("query_parameter", "queryParameters"),
    ("weighted_target", "weightedTargets"),
];

/// Blocks of which the provider sends nothing unless one of their members is set: unions of the
/// API, and those of a mesh's settings. With the block that they stand in, where the name is
/// another's too.
const NOTHING_WHEN_EMPTY: [(Option<&str>, &str); 11] = [
    (None, "access_log"),
    (None, "certificate"),
    (None, "connection_pool"),
    (None, "egress_filter"),
    (None, "format"),
    (None, "provider"),
    (None, "service_discovery"),
    (None, "trust"),
    (Some("header"), "match"),
    (Some("listener"), "timeout"),
    (Some("metadata"), "match"),
];

/// Numbers of which the provider sends none when they are 0.
const UNSET_AT_ZERO: [&str; 3] = ["max_pending_requests", "port", "priority"];

/// The walk through a resource's attributes.
pub(super) struct Shaper {
    kind: Kind,
    /// In the shape of the API, and as Terraform has it.
    path: FieldPath,
    written: FieldPath,
    open: Vec<(FieldPath, FieldPath)>,
}

impl Shaper {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            path: FieldPath::default(),
            written: FieldPath::default(),
            open: Vec::new(),
        }
    }

    /// The paths of what has no value yet, in the shape of the API and as Terraform has them.
    pub(super) fn into_open(self) -> Vec<(FieldPath, FieldPath)> {
        self.open
    }

    /// What stands for an attribute that has no value yet.
    pub(super) fn open(&mut self, attribute: &str, name: &str, line: u32) -> Node {
        let path = self.path.clone().member(name);
        let written = self.written.clone().member(attribute);
        let node = Node::new(Value::Open(placeholder(&written)), line);
        self.open.push((path, written));
        node
    }

    /// A resource's `spec`, and where it stands. The provider sends an empty one for none.
    pub(super) fn spec(
        &mut self,
        spec: Option<Node>,
        unknown: Option<&Node>,
        line: u32,
    ) -> (FieldPath, Node) {
        let empty = || Node::new(Value::Map(Members::default()), line);
        let spec = spec.unwrap_or_else(|| Node::new(Value::Null, line));
        match self.attribute("", "spec", spec, unknown) {
            Some(Shaped { written, node, .. }) => (written, node),
            None => (FieldPath::default().member("spec"), empty()),
        }
    }

    /// An attribute of a block; nothing where it is not set.
    fn attribute(
        &mut self,
        block: &str,
        attribute: &str,
        node: Node,
        unknown: Option<&Node>,
    ) -> Option<Shaped> {
        let line = node.line;
        let name = api_name(attribute);
        let written = FieldPath::default().member(attribute);
        if matches!(unknown.map(|node| &node.value), Some(Value::Bool(true))) {
            // Without it App Mesh probes the listener's own port.
            if (block, attribute) == ("health_check", "port") {
                return None;
            }
            let node = self.open(attribute, &name, line);
            return Some(Shaped {
                name,
                written,
                node,
            });
        }
        let is_repeated = REPEATED.iter().any(|(repeated, _)| *repeated == attribute);
        let (written, value) = match node.value {
            Value::Map(members) if attribute == "attributes" => (written, pairs(members)?),
            Value::Map(members) => {
                let inside = (written.clone(), unknown);
                let members = self.step(&name, inside, |shaper, unknown| {
                    shaper.block(attribute, members, unknown, line)
                });
                (written, Value::Map(members))
            }
            Value::List(items) if items.is_empty() => return None,
            Value::List(mut items) if items.len() == 1 && !is_repeated && is_block(&items[0]) => {
                return self.only_block(block, attribute, items.remove(0), unknown);
            }
            Value::List(items) => {
                let items = self.items(attribute, &name, items, unknown);
                (written, Value::List(items))
            }
            Value::Null => return None,
            Value::Text(text) if text.is_empty() && block != "json" => return None,
            Value::Int(0) if block != "port_mapping" && UNSET_AT_ZERO.contains(&attribute) => {
                return None;
            }
            value => (written, value),
        };
        let node = Node::new(value, line);
        Some(Shaped {
            name,
            written,
            node,
        })
    }

    /// A block that stands in a list of one, as Terraform writes those that are not repeated.
    fn only_block(
        &mut self,
        block: &str,
        attribute: &str,
        item: Node,
        unknown: Option<&Node>,
    ) -> Option<Shaped> {
        let name = api_name(attribute);
        let written = FieldPath::default().member(attribute).item(0);
        let Value::Map(members) = item.value else {
            return None;
        };
        let inside = (
            written.clone(),
            unknown.and_then(|node| node.as_list()?.first()),
        );
        let members = self.step(&name, inside, |shaper, unknown| {
            shaper.block(attribute, members, unknown, item.line)
        });
        if members.is_empty() && is_nothing_when_empty(block, attribute) {
            return None;
        }
        Some(Shaped {
            name,
            written,
            node: Node::new(Value::Map(members), item.line),
        })
    }

    /// The members of a block.
    fn block(
        &mut self,
        block: &str,
        members: Members,
        unknown: Option<&Node>,
        line: u32,
    ) -> Members {
        let mut shaped = Members::default();
        let mut known = Vec::new();
        for member in members {
            let unknown = unknown.and_then(|unknown| unknown.get(&member.name));
            known.push(member.name.clone());
            let attribute = self.attribute(block, &member.name, member.node, unknown);
            add(&mut shaped, attribute);
        }
        // A plan leaves out what it does not know.
        let unknown = unknown.and_then(Node::as_map).into_iter().flatten();
        for member in unknown.filter(|member| is_unknown(Some(&member.node))) {
            if known.contains(&member.name) {
                continue;
            }
            let whole = Node::new(Value::Bool(true), line);
            let absent = Node::new(Value::Null, line);
            let attribute = self.attribute(block, &member.name, absent, Some(&whole));
            add(&mut shaped, attribute);
        }
        // The provider sends an empty match for none, but not at a gateway, where it requires one.
        if block == "grpc_route" && self.kind == Kind::Route && !shaped.has("match") {
            shaped.push(
                "match",
                None,
                Node::new(Value::Map(Members::default()), line),
            );
        }
        shaped
    }

    /// The items of a list: blocks, or plain values.
    fn items(
        &mut self,
        attribute: &str,
        name: &str,
        items: Vec<Node>,
        unknown: Option<&Node>,
    ) -> Vec<Node> {
        let mut shaped = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let line = item.line;
            let unknown = unknown.and_then(|node| node.as_list()?.get(index));
            self.path
                .0
                .extend([Step::Member(name.to_owned()), Step::Item(index)]);
            self.written
                .0
                .extend([Step::Member(attribute.to_owned()), Step::Item(index)]);
            let node = match item.value {
                _ if matches!(unknown.map(|node| &node.value), Some(Value::Bool(true))) => {
                    self.open.push((self.path.clone(), self.written.clone()));
                    Node::new(Value::Open(placeholder(&self.written)), line)
                }
                Value::Map(members) => Node::new(
                    Value::Map(self.block(attribute, members, unknown, line)),
                    line,
                ),
                value => Node::new(value, line),
            };
            self.path.0.truncate(self.path.0.len() - 2);
            self.written.0.truncate(self.written.0.len() - 2);
            shaped.push(node);
        }
        shaped
    }

    /// Does something one step down.
    fn step<T>(
        &mut self,
        name: &str,
        (written, unknown): (FieldPath, Option<&Node>),
        then: impl FnOnce(&mut Self, Option<&Node>) -> T,
    ) -> T {
        let depth = self.written.0.len();
        self.path.0.push(Step::Member(name.to_owned()));
        self.written.0.extend(written.0);
        let done = then(self, unknown);
        self.path.0.pop();
        self.written.0.truncate(depth);
        done
    }
}

/// An attribute in the shape of the API.
struct Shaped {
    name: SmolStr,
    written: FieldPath,
    node: Node,
}

/// Adds an attribute to its block, where it is set.
fn add(block: &mut Members, attribute: Option<Shaped>) {
    if let Some(Shaped {
        name,
        written,
        node,
    }) = attribute
    {
        block.push(name, Some(written), node);
    }
}

/// A block that is there but has nothing set is null.
fn is_block(item: &Node) -> bool {
    matches!(item.value, Value::Map(_) | Value::Null)
}

fn is_nothing_when_empty(block: &str, attribute: &str) -> bool {
    NOTHING_WHEN_EMPTY
        .iter()
        .any(|(inside, name)| *name == attribute && inside.is_none_or(|inside| inside == block))
}

/// Terraform's map of Cloud Map's attributes as the API's list. An empty one is none.
fn pairs(attributes: Members) -> Option<Value> {
    let pairs: Vec<Node> = attributes
        .into_iter()
        .map(|member| {
            let line = member.node.line;
            let mut pair = Members::default();
            let written = FieldPath::default();
            pair.push("key", Some(written.clone()), Node::text(member.name, line));
            pair.push("value", Some(written), member.node);
            Node::new(Value::Map(pair), line)
        })
        .collect();
    (!pairs.is_empty()).then_some(Value::List(pairs))
}

/// The API's name of an attribute: `port_mapping` is `portMapping`, `listener` is `listeners`.
fn api_name(attribute: &str) -> SmolStr {
    let repeated = REPEATED.iter().find(|(block, _)| *block == attribute);
    if let Some((_, list)) = repeated {
        return SmolStr::new_static(list);
    }
    let mut words = attribute.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut rest = word.chars();
        name.extend(rest.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(rest.as_str());
    }
    name.into()
}
