//! References to other objects, which manifests have in place of the API's names.

use smol_str::SmolStr;

use super::{object::Key, scribe::Scribe, shape::Shaper};
use crate::{
    document::{Kind, identity::referred},
    problem::{
        Rule,
        path::{FieldPath, Step},
        suggest,
    },
    tree::{Member, Members, Node, Value},
};

/// A place in a document that is to hold the name of another object.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) kind: Kind,
    pub(super) key: Key,
    pub(super) at: FieldPath,
}

/// What a reference stands for, and the API's member for its name.
pub(super) struct Referent {
    kind: Kind,
    member: &'static str,
}

impl Referent {
    /// Of the object at a path below `spec`.
    pub(super) fn at(path: &[Step]) -> Option<Self> {
        let step = |back: usize| match path.len().checked_sub(back).map(|index| &path[index]) {
            Some(Step::Member(name)) => name.as_str(),
            Some(Step::Item(_)) => "[]",
            None => "",
        };
        let (kind, member) = match [step(3), step(2), step(1)] {
            ["backends", "[]", "virtualService"] | [_, "target", "virtualService"] => {
                (Kind::VirtualService, "virtualServiceName")
            }
            [_, "provider", "virtualNode"] => (Kind::VirtualNode, "virtualNodeName"),
            [_, "provider", "virtualRouter"] => (Kind::VirtualRouter, "virtualRouterName"),
            [_, "weightedTargets", "[]"] => (Kind::VirtualNode, "virtualNode"),
            _ => return None,
        };
        Some(Self { kind, member })
    }
}

/// Reads `{namespace, name}`; the namespace is by default that of the object that refers.
pub(super) fn read_key(
    node: &Node,
    own_namespace: &SmolStr,
    at: &FieldPath,
    scribe: &mut Scribe<'_>,
) -> Option<Key> {
    let members = scribe.members(node, at)?;
    scribe.unknown(members, &["name", "namespace", "uid"], at);
    let name = scribe.required_text(members, "name", node.line, at)?;
    let namespace = match members.get("namespace") {
        Some(node) if node.value != Value::Null => {
            scribe.text(node, &at.clone().member("namespace"))?
        }
        _ => SmolStr::default(),
    };
    let namespace = if namespace.is_empty() {
        own_namespace.clone()
    } else {
        namespace
    };
    Some(Key { namespace, name })
}

impl Shaper<'_, '_> {
    /// Turns the reference or ARN of an object into the API's name member. The name of a reference
    /// stays open until all objects are known.
    pub(super) fn refer(
        &mut self,
        referent: &Referent,
        members: &mut Members,
        line: u32,
        path: &[Step],
    ) {
        let word = referent.kind.word();
        let (by_ref, by_arn) = (format!("{word}Ref"), format!("{word}ARN"));
        let of_api: Vec<Member> = [referent.member, "virtualNodeName"]
            .iter()
            .filter_map(|name| members.remove(name))
            .collect();
        let given = (members.remove(&by_ref), members.remove(&by_arn));
        let at = self.written(path);
        let (written, node) = match given {
            (Some(reference), None) => {
                let key = read_key(
                    &reference.node,
                    self.namespace,
                    &at.clone().member(&by_ref),
                    self.scribe,
                );
                let at = FieldPath::spec().join(&FieldPath(path.to_vec()));
                self.references.extend(key.map(|key| Reference {
                    kind: referent.kind,
                    key,
                    at: at.member(referent.member),
                }));
                (by_ref, unnamed(reference.node.line))
            }
            (None, Some(arn)) => {
                let is_arn = self.is_arn(&arn.node, referent.kind, &at.clone().member(&by_arn));
                let line = arn.node.line;
                (by_arn, if is_arn { arn.node } else { unnamed(line) })
            }
            (reference, _) => {
                let both = reference.is_some();
                self.refuse_referent(referent, both, of_api.first(), line, &at);
                members.push(
                    referent.member,
                    Some(FieldPath::default().member(&by_ref)),
                    unnamed(line),
                );
                return;
            }
        };
        for Member { name, node, .. } in of_api {
            self.warn_of_unknown(&at.clone().member(&name), node.line, "");
        }
        let written = FieldPath::default().member(&written);
        members.push(referent.member, Some(written), node);
    }

    fn is_arn(&mut self, node: &Node, kind: Kind, at: &FieldPath) -> bool {
        let is_arn = |arn: &str| !referred(arn, kind, "").0.is_empty();
        let fits = node.is_open() || node.as_str().is_some_and(is_arn);
        if !fits {
            let word = kind.word();
            let rule = format!("the ARN of a {}", kind.label());
            let mend = format!("write arn:aws:appmesh:REGION:ACCOUNT:mesh/MESH/{word}/NAME");
            self.scribe.refuse_value(node, at, &rule, mend);
        }
        fits
    }

    fn refuse_referent(
        &mut self,
        referent: &Referent,
        both: bool,
        of_api: Option<&Member>,
        line: u32,
        at: &FieldPath,
    ) {
        let word = referent.kind.word();
        let members = suggest::alternatives(&[format!("`{word}Ref`"), format!("`{word}ARN`")]);
        let members = members.unwrap_or_default();
        let (message, mend) = match (both, of_api) {
            (true, _) => (
                format!("exactly one of {members} is allowed here, there are both"),
                "keep one of them".to_owned(),
            ),
            (false, Some(member)) => (
                format!(
                    "exactly one of {members} is required here, there is `{}`, which manifests do \
                     not have",
                    member.name
                ),
                format!(
                    "write `{word}Ref` with the `name` and `namespace` of the {} in the cluster",
                    referent.kind.label()
                ),
            ),
            (false, None) => (
                format!("exactly one of {members} is required here, there is none"),
                "add one of them".to_owned(),
            ),
        };
        self.scribe.refuse(at, line, Rule::Value, message, mend);
    }
}

/// Stands where a name is not known.
pub(super) fn unnamed(line: u32) -> Node {
    Node::new(Value::Open(SmolStr::default()), line)
}
