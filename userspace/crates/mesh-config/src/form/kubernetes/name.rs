//! What an object is called, in its cluster and in App Mesh.

use smol_str::SmolStr;

use super::{
    object::{DEFAULT_NAMESPACE, Key, ObjectKind},
    scribe::Scribe,
};
use crate::{
    document::identity::is_open,
    problem::path::FieldPath,
    tree::{Member, Members, Node, Value},
};

/// The names of an object.
pub(super) struct Names {
    pub(super) key: Key,
    /// The name in App Mesh.
    pub(super) aws_name: SmolStr,
    /// The same as a member of the document, with the place that tells it.
    pub(super) member: Member,
}

impl Names {
    /// An object without a name cannot be one.
    pub(super) fn read(kind: ObjectKind, tree: &Node, scribe: &mut Scribe<'_>) -> Option<Self> {
        let at = FieldPath::default().member("metadata");
        let empty = Node::new(Value::Map(Members::default()), tree.line);
        let metadata = tree.get("metadata");
        let metadata = metadata
            .filter(|node| node.value != Value::Null)
            .unwrap_or(&empty);
        let line = metadata.line;
        let metadata = scribe.members(metadata, &at)?;
        let name = scribe.required_text(metadata, "name", line, &at)?;
        let given = metadata.get("namespace");
        let given = given.filter(|node| node.value != Value::Null);
        let given = match given.filter(|_| kind.is_in_a_namespace()) {
            Some(node) => scribe.text(node, &at.clone().member("namespace"))?,
            None => SmolStr::default(),
        };
        let namespace = if given.is_empty() && kind.is_in_a_namespace() {
            DEFAULT_NAMESPACE.into()
        } else {
            given
        };
        let key = Key { namespace, name };
        scribe.label = format!("{} {}", kind.label(), kind.aws_name(&key));
        let (aws_name, member) = in_app_mesh(kind, &key, tree, scribe);
        scribe.label = format!("{} {aws_name}", kind.label());
        refuse_odd(kind, &key, metadata, scribe);
        Some(Self {
            key,
            aws_name,
            member,
        })
    }
}

/// Reports the names that the API server does not take.
fn refuse_odd(kind: ObjectKind, key: &Key, metadata: &Members, scribe: &mut Scribe<'_>) {
    let at = |name: &str| FieldPath::default().members(&["metadata", name]);
    let is_label = kind == ObjectKind::Namespace;
    let parts = [
        ("name", &key.name, is_label),
        ("namespace", &key.namespace, true),
    ];
    for (field, value, is_label) in parts {
        let fits = if is_label {
            is_label_name(value)
        } else {
            is_subdomain(value)
        };
        let Some(node) = metadata.get(field).filter(|_| !value.is_empty()) else {
            continue;
        };
        if fits || is_open(value) {
            continue;
        }
        let rule = if is_label {
            "up to 63 of a-z, 0-9 and `-`, with a letter or digit at both ends"
        } else {
            "up to 253 of a-z, 0-9, `-` and `.`, with a letter or digit at both ends"
        };
        let mend = match kind {
            ObjectKind::Document(_) if field == "name" => {
                "write such a name; `spec.awsName` can give another one in App Mesh"
            }
            _ => "write such a name",
        };
        scribe.refuse_value(node, &at(field), rule, mend);
    }
}

/// The name that an object has in App Mesh, and the member of the manifest that tells it.
fn in_app_mesh(
    kind: ObjectKind,
    key: &Key,
    tree: &Node,
    scribe: &mut Scribe<'_>,
) -> (SmolStr, Member) {
    let at = FieldPath::spec().member("awsName");
    let given = tree.get("spec").and_then(|spec| spec.get("awsName"));
    let given = given
        .filter(|node| node.value != Value::Null && matches!(kind, ObjectKind::Document(_)))
        .and_then(|node| Some((scribe.text(node, &at)?, node.line)))
        .filter(|(name, _)| !name.is_empty());
    let (name, written, line) = if let Some((name, line)) = given {
        (name, at, line)
    } else {
        let at = FieldPath::default().members(&["metadata", "name"]);
        let line = tree.locate(&at).0;
        (kind.aws_name(key), at, line)
    };
    let member = Member {
        name: SmolStr::default(),
        written: Some(Box::new(written)),
        node: node(&name, line),
    };
    (name, member)
}

/// A name as a node; one with a part that has no value is open.
pub(super) fn node(name: &SmolStr, line: u32) -> Node {
    let value = if is_open(name) {
        Value::Open(name.clone())
    } else {
        Value::Text(name.clone())
    };
    Node::new(value, line)
}

/// "RFC 1123 subdomain" of the API server.
fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_alphanumeric_at_both_ends)
}

/// "RFC 1123 label" of the API server.
fn is_label_name(name: &str) -> bool {
    name.len() <= 63 && is_alphanumeric_at_both_ends(name)
}

fn is_alphanumeric_at_both_ends(name: &str) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    bytes.iter().all(|byte| is_plain(byte) || *byte == b'-')
        && bytes.first().is_some_and(is_plain)
        && bytes.last().is_some_and(is_plain)
}
