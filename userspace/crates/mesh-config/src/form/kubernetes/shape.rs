//! The `spec` of an object to the shape of the API. What is named otherwise or moved keeps its line
//! and the name that the manifest has; what it refers to is filled in once all objects are known.

use smol_str::SmolStr;

use super::{
    object::{Key, Object},
    scribe::Scribe,
};
use crate::{
    document::{Kind, identity::referred},
    problem::{
        Rule,
        path::{FieldPath, Step},
        suggest,
    },
    tree::{Member, Members, Node, Value},
};

/// Members that the manifest spells otherwise than the API, by the object that holds them.
const SPELLINGS: [(&str, &str, &str); 3] = [
    ("acm", "certificateARN", "certificateArn"),
    (
        "acm",
        "certificateAuthorityARNs",
        "certificateAuthorityArns",
    ),
    ("dns", "hostname", "hostName"),
];

/// A document in the making.
#[derive(Debug)]
pub(super) struct Shaped {
    pub(super) kind: Kind,
    /// What leads to it in its object.
    pub(super) root: FieldPath,
    pub(super) tree: Node,
    pub(super) references: Vec<Reference>,
}

/// A place in a document that is to hold the name of another object.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) kind: Kind,
    pub(super) key: Key,
    pub(super) at: FieldPath,
}

/// Brings one `spec` into the shape of the API.
pub(super) struct Shaper<'s, 'a> {
    pub(super) scribe: &'s mut Scribe<'a>,
    pub(super) kind: Kind,
    pub(super) namespace: SmolStr,
    /// The path of the `spec`, as the manifest has it.
    pub(super) base: FieldPath,
    pub(super) references: Vec<Reference>,
}

/// What a reference stands for, and the API's member for its name.
struct Referent {
    kind: Kind,
    member: &'static str,
}

impl Referent {
    /// Of the object at a path below `spec`.
    fn at(path: &[Step]) -> Option<Self> {
        let names: Vec<Option<&str>> = path
            .iter()
            .rev()
            .take(2)
            .map(|step| match step {
                Step::Member(name) => Some(name.as_str()),
                Step::Item(_) => None,
            })
            .collect();
        let (kind, member) = match names[..] {
            [Some("virtualService"), None | Some("target")] => {
                (Kind::VirtualService, "virtualServiceName")
            }
            [Some("virtualNode"), Some("provider")] => (Kind::VirtualNode, "virtualNodeName"),
            [Some("virtualRouter"), Some("provider")] => (Kind::VirtualRouter, "virtualRouterName"),
            [None, Some("weightedTargets")] => (Kind::VirtualNode, "virtualNode"),
            _ => return None,
        };
        Some(Self { kind, member })
    }
}

impl Shaper<'_, '_> {
    pub(super) fn shape(&mut self, spec: &mut Node) {
        self.walk(spec, &mut Vec::new());
    }

    fn walk(&mut self, node: &mut Node, path: &mut Vec<Step>) {
        match &mut node.value {
            Value::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    path.push(Step::Item(index));
                    self.walk(item, path);
                    path.pop();
                }
            }
            Value::Map(members) => {
                let line = node.line;
                let given = std::mem::take(members);
                for member in given {
                    self.take_member(member, members, path);
                }
                if let Some(referent) = Referent::at(path) {
                    self.refer(&referent, members, line, path);
                }
            }
            _ => {}
        }
    }

    fn take_member(&mut self, member: Member, shaped: &mut Members, path: &mut Vec<Step>) {
        let Member { name, mut node, .. } = member;
        // As the API server has it, null is as good as absent.
        if node.value == Value::Null {
            return;
        }
        path.push(Step::Member(name.to_string()));
        self.walk(&mut node, path);
        if let Some(api) = self.api_name(&name, &node, path) {
            if shaped.has(&api) {
                let message = format!("`{api}` and its other spelling stand side by side");
                let at = self.written(path);
                self.scribe
                    .refuse(&at, node.line, Rule::Value, message, "keep one of them");
            } else {
                let written = (api != name).then(|| FieldPath::default().member(&name));
                shaped.push(api, written, node);
            }
        }
        path.pop();
    }

    /// The path as the manifest has it.
    fn written(&self, path: &[Step]) -> FieldPath {
        self.base.clone().join(&FieldPath(path.to_vec()))
    }

    /// The API's name of a member, if the API has it.
    fn api_name(&mut self, name: &SmolStr, node: &Node, path: &[Step]) -> Option<SmolStr> {
        let parent = match path {
            [.., Step::Member(parent), _] => parent.as_str(),
            _ => "",
        };
        let spelling = SPELLINGS
            .iter()
            .find(|(holder, right, wrong)| *holder == parent && (name == right || name == wrong));
        if let Some((holder, right, wrong)) = spelling {
            if name == wrong {
                let message = format!(
                    "`{wrong}` is written `{right}` in manifests: the API server refuses it, here \
                     it is understood"
                );
                let at = self.written(path);
                self.scribe
                    .warn(&at, node.line, Rule::UnknownField, message);
            }
            let api = if *holder == "dns" { right } else { wrong };
            return Some((*api).into());
        }
        let no_such = match (self.kind, parent, name.as_str()) {
            (Kind::Mesh, "", "meshServiceDiscovery") => return Some("serviceDiscovery".into()),
            (Kind::Mesh, "meshServiceDiscovery", "ipPreference") => {
                self.only_one_family(node, path);
                return Some(name.clone());
            }
            (Kind::Mesh, "", "serviceDiscovery") => "; did you mean `meshServiceDiscovery`?",
            (Kind::VirtualNode, "dns" | "awsCloudMap", "ipPreference") => {
                "; write `meshServiceDiscovery.ipPreference` in the Mesh"
            }
            _ => return Some(name.clone()),
        };
        let message =
            format!("manifests have no such field, the controller gives it no effect{no_such}");
        let at = self.written(path);
        self.scribe
            .warn(&at, node.line, Rule::UnknownField, message);
        None
    }

    /// A cluster has one family of addresses.
    fn only_one_family(&mut self, node: &Node, path: &[Step]) {
        if matches!(node.as_str(), Some("IPv4_PREFERRED" | "IPv6_PREFERRED")) {
            let at = self.written(path);
            let rule = "one of IPv4_ONLY, IPv6_ONLY in a manifest";
            self.scribe
                .refuse_value(node, &at, rule, "write one of these");
        }
    }

    /// Turns the reference or ARN of an object into the API's name member. The name of a reference
    /// stays open until all objects are known.
    fn refer(&mut self, referent: &Referent, members: &mut Members, line: u32, path: &[Step]) {
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
                let line = reference.node.line;
                let at = at.member(&by_ref);
                if let Some(key) =
                    read_reference(&reference.node, &self.namespace, &at, self.scribe)
                {
                    let at = FieldPath::spec().join(&FieldPath(path.to_vec()));
                    self.references.push(Reference {
                        kind: referent.kind,
                        key,
                        at: at.member(referent.member),
                    });
                }
                (by_ref, unnamed(line))
            }
            (None, Some(arn)) => {
                let at = at.member(&by_arn);
                let line = arn.node.line;
                if self.is_arn(&arn.node, referent.kind, &at) {
                    (by_arn, arn.node)
                } else {
                    (by_arn, unnamed(line))
                }
            }
            (reference, _) => {
                let both = reference.is_some();
                self.refuse_referent(referent, both, of_api.first(), line, &at);
                (by_ref, unnamed(line))
            }
        };
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
fn unnamed(line: u32) -> Node {
    Node::new(Value::Open(SmolStr::default()), line)
}

/// Reads `{namespace, name}`; the namespace is by default that of the object that refers.
pub(super) fn read_reference(
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

/// The document of an object, from its shaped `spec` and the name that it goes by in App Mesh.
pub(super) fn document(object: &Object, kind: Kind, name: Member, spec: Node, line: u32) -> Node {
    let mut members = Members::default();
    if kind != Kind::Mesh {
        members.push(Kind::Mesh.name_member(), None, unnamed(0));
    }
    if let Some(parent) = kind.parent() {
        let node = match parent {
            Kind::VirtualRouter => text(&object.aws_name, line),
            _ => unnamed(0),
        };
        members.push(parent.name_member(), Some(FieldPath::default()), node);
    }
    members.push(
        kind.name_member(),
        name.written.map(|written| *written),
        name.node,
    );
    let written = (kind == Kind::Route).then(FieldPath::default);
    members.push("spec", written, spec);
    Node::new(Value::Map(members), line)
}

/// A name; one with a variable that has no value is open.
pub(super) fn text(name: &SmolStr, line: u32) -> Node {
    let value = if name.contains("${") {
        Value::Open(name.clone())
    } else {
        Value::Text(name.clone())
    };
    Node::new(value, line)
}
