//! The `spec` of an object to the shape of the API. What is named otherwise or moved keeps its line
//! and the name that the manifest has; what it refers to is filled in once all objects are known.

use smol_str::SmolStr;

use super::{
    name,
    object::{Key, Object},
    reference::{Reference, Referent, unnamed},
    scribe::Scribe,
};
use crate::{
    document::Kind,
    problem::{
        Rule,
        path::{FieldPath, Step},
    },
    tree::{Member, Members, Node, Value},
};

/// A member that manifests spell otherwise than the API, or than those of the older version.
struct Spelling {
    /// The object that holds it.
    holder: &'static str,
    manifest: &'static str,
    api: &'static str,
    /// What is often written and the API server refuses.
    slip: &'static str,
}

const SPELLINGS: [Spelling; 3] = [
    Spelling {
        holder: "acm",
        manifest: "certificateARN",
        api: "certificateArn",
        slip: "certificateArn",
    },
    Spelling {
        holder: "acm",
        manifest: "certificateAuthorityARNs",
        api: "certificateAuthorityArns",
        slip: "certificateAuthorityArns",
    },
    Spelling {
        holder: "dns",
        manifest: "hostname",
        api: "hostname",
        slip: "hostName",
    },
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

/// Brings one `spec` into the shape of the API.
pub(super) struct Shaper<'s, 'a> {
    pub(super) scribe: &'s mut Scribe<'a>,
    /// Where references look that name no namespace.
    pub(super) namespace: &'s SmolStr,
    pub(super) references: Vec<Reference>,
    kind: Kind,
    /// The path of the `spec`, as the manifest has it.
    base: FieldPath,
}

impl<'s, 'a> Shaper<'s, 'a> {
    pub(super) fn new(
        scribe: &'s mut Scribe<'a>,
        kind: Kind,
        own: &'s Key,
        base: FieldPath,
    ) -> Self {
        Self {
            scribe,
            namespace: &own.namespace,
            references: Vec::new(),
            kind,
            base,
        }
    }

    /// Gives back what has to be filled in.
    pub(super) fn shape(mut self, spec: &mut Node) -> Vec<Reference> {
        self.walk(spec, &mut Vec::new());
        self.references
    }
}

impl Shaper<'_, '_> {
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
    pub(super) fn written(&self, path: &[Step]) -> FieldPath {
        self.base.clone().join(&FieldPath(path.to_vec()))
    }

    /// The API's name of a member, if the API has it.
    fn api_name(&mut self, name: &SmolStr, node: &Node, path: &[Step]) -> Option<SmolStr> {
        let holder = match path {
            [.., Step::Member(holder), _] => holder.as_str(),
            _ => "",
        };
        let mut spellings = SPELLINGS
            .iter()
            .filter(|spelling| spelling.holder == holder);
        if let Some(spelling) = spellings.find(|known| name == known.manifest || name == known.slip)
        {
            if name == spelling.slip {
                self.refuse_slip(spelling, node, path);
            }
            return Some(spelling.api.into());
        }
        let hint = match (self.kind, holder, name.as_str()) {
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
        self.warn_of_unknown(&self.written(path), node.line, hint);
        None
    }

    /// Warns of a field of the API that manifests do not have.
    pub(super) fn warn_of_unknown(&mut self, at: &FieldPath, line: u32, hint: &str) {
        let message =
            format!("manifests have no such field, the controller gives it no effect{hint}");
        self.scribe.warn(at, line, Rule::UnknownField, message);
    }

    /// What was meant is plain, so the rest is checked as if it were mended.
    fn refuse_slip(&mut self, spelling: &Spelling, node: &Node, path: &[Step]) {
        let Spelling { manifest, slip, .. } = spelling;
        let message = format!("manifests have no `{slip}`, and `{manifest}` is required here");
        let at = self.written(path);
        let mend = format!("write `{manifest}`");
        self.scribe
            .refuse(&at, node.line, Rule::Value, message, mend);
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
}

/// The document of an object, from its shaped `spec` and the name that it goes by in App Mesh.
pub(super) fn document(object: &Object, kind: Kind, name: Member, spec: Node, line: u32) -> Node {
    let mut members = Members::default();
    if kind != Kind::Mesh {
        members.push(Kind::Mesh.name_member(), None, unnamed(0));
    }
    if let Some(parent) = kind.parent() {
        let node = match parent {
            Kind::VirtualRouter => name::node(&object.aws_name, line),
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
