//! One object of a manifest: its labels and selectors, and its `spec` in the shape of the API.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{
    name::Names,
    object::{Group, Key, Object, ObjectKind, Owners, Selectors},
    reference::{Reference, read_key, unnamed},
    scribe::Scribe,
    selector::{Labels, Selector},
    shape::{Shaped, Shaper, document},
};
use crate::{
    document::{
        Kind,
        finding::{Findings, Origin},
    },
    problem::{Rule, path::FieldPath},
    tree::{Members, Node, Value},
};

/// Reads one object whose kind is known.
pub(super) struct Reader<'a> {
    pub(super) kind: ObjectKind,
    pub(super) names: Names,
    pub(super) scribe: Scribe<'a>,
}

impl<'a> Reader<'a> {
    /// A reader of an object that has a name.
    pub(super) fn new(
        kind: ObjectKind,
        origin: &'a Origin,
        findings: &'a mut Findings,
    ) -> Option<Self> {
        let mut scribe = Scribe {
            file: &origin.source.name,
            root: &origin.root,
            label: kind.label().to_owned(),
            findings,
        };
        let names = Names::read(kind, &origin.tree, &mut scribe)?;
        Some(Self {
            kind,
            names,
            scribe,
        })
    }

    /// The object, unless it is none at all.
    pub(super) fn read(mut self, origin: &Origin) -> Option<Object> {
        let members = origin.tree.as_map()?;
        let mut object = self.bare_object(members, origin);
        if self.kind == ObjectKind::Namespace {
            object.labels = object.labels.of_namespace(&self.names.key.name);
            return Some(object);
        }
        let known = ["apiVersion", "kind", "metadata", "spec", "status"];
        self.scribe.unknown(members, &known, &FieldPath::default());
        let spec = match members.get("spec") {
            Some(node) if node.value != Value::Null => node.clone(),
            _ => Node::new(Value::Map(Members::default()), origin.tree.line),
        };
        let (line, spec_line) = (origin.tree.line, spec.line);
        self.scribe.members(&spec, &FieldPath::spec());
        let Value::Map(spec) = spec.value else {
            // It is there all the same, for those who name it.
            if let ObjectKind::Document(kind) = self.kind {
                self.add_document(kind, unnamed(spec_line), Vec::new(), line, &mut object);
            }
            return Some(object);
        };
        // As the API server has it, null is as good as absent.
        let given = spec
            .into_iter()
            .filter(|member| member.node.value != Value::Null);
        let mut spec: Members = given.collect();
        self.take_own_members(&mut spec, &mut object);
        match self.kind {
            ObjectKind::Document(kind) => {
                let spec = Node::new(Value::Map(spec), spec_line);
                self.make_documents(kind, spec, line, &mut object);
            }
            _ => self.read_group(&spec, &mut object),
        }
        Some(object)
    }

    /// The object without what its `spec` says.
    fn bare_object(&mut self, members: &Members, origin: &Origin) -> Object {
        let metadata = FieldPath::default().member("metadata");
        let labels = members.get("metadata").and_then(|node| node.get("labels"));
        let labels = Labels::read(labels, &metadata.clone().member("labels"), &mut self.scribe);
        let name = metadata.member("name");
        let line = origin.tree.locate(&name).0;
        Object {
            kind: self.kind,
            key: self.names.key.clone(),
            aws_name: self.names.aws_name.clone(),
            labels,
            place: self.scribe.place(&name, line),
            source: Arc::clone(&origin.source),
            root: origin.root.clone(),
            selectors: Selectors::default(),
            owners: Owners::default(),
            groups: Vec::new(),
            services: Vec::new(),
            documents: Vec::new(),
        }
    }

    /// Takes what manifests alone have out of a `spec`.
    fn take_own_members(&mut self, spec: &mut Members, object: &mut Object) {
        spec.remove("awsName");
        let kind = self.kind;
        let is = |other| kind == ObjectKind::Document(other);
        let at = |name: &str| FieldPath::spec().member(name);
        if is(Kind::Mesh) {
            if let Some(owner) = spec.remove("meshOwner") {
                self.check_account(&owner.node, &at("meshOwner"));
            }
        } else if let Some(mesh) = spec.remove("meshRef") {
            let none = SmolStr::default();
            let key = read_key(&mesh.node, &none, &at("meshRef"), &mut self.scribe);
            object.owners.mesh = key.map(|key| key.name);
        }
        if is(Kind::Mesh) || is(Kind::VirtualGateway) {
            object.selectors.namespaces = self.selector(spec, "namespaceSelector");
        }
        if is(Kind::VirtualNode) || is(Kind::VirtualGateway) {
            self.selector(spec, "podSelector");
        }
        if is(Kind::VirtualGateway) {
            object.selectors.routes = self.selector(spec, "gatewayRouteSelector");
        }
        if is(Kind::GatewayRoute)
            && let Some(gateway) = spec.remove("virtualGatewayRef")
        {
            let at = at("virtualGatewayRef");
            let own = &self.names.key.namespace;
            object.owners.gateway = read_key(&gateway.node, own, &at, &mut self.scribe);
        }
        if is(Kind::VirtualNode)
            && let Some(groups) = spec.remove("backendGroups")
        {
            object.groups = self.groups(&groups.node);
        }
    }

    fn check_account(&mut self, node: &Node, at: &FieldPath) {
        let is_account = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        if !node.as_str().is_some_and(is_account) {
            let rule = "the 12 digits of an AWS account, in quotation marks";
            self.scribe
                .refuse_value(node, at, rule, "write such a number");
        }
    }

    fn selector(&mut self, spec: &mut Members, name: &str) -> Option<Selector> {
        let node = spec.remove(name)?.node;
        let at = FieldPath::spec().member(name);
        Some(Selector::read(&node, &at, &mut self.scribe))
    }

    fn groups(&mut self, node: &Node) -> Vec<Group> {
        let at = FieldPath::spec().member("backendGroups");
        let mut groups = Vec::new();
        for (index, item) in self.scribe.items(Some(node), &at).iter().enumerate() {
            let at = at.clone().item(index);
            let own = &self.names.key.namespace;
            if let Some(key) = read_key(item, own, &at, &mut self.scribe) {
                groups.push(Group {
                    key,
                    place: self.scribe.place(&at, item.line),
                    line: item.line,
                });
            }
        }
        groups
    }

    /// The virtual services of a backend group.
    fn read_group(&mut self, spec: &Members, object: &mut Object) {
        let at = FieldPath::spec();
        self.scribe.unknown(spec, &["virtualservices"], &at);
        let at = at.member("virtualservices");
        let items = self.scribe.items(spec.get("virtualservices"), &at);
        for (index, item) in items.iter().enumerate() {
            let at = at.clone().item(index);
            let own = &self.names.key.namespace;
            let key: Option<Key> = read_key(item, own, &at, &mut self.scribe);
            object.services.extend(key);
        }
    }

    fn make_documents(&mut self, kind: Kind, mut spec: Node, line: u32, object: &mut Object) {
        let spec_line = spec.line;
        if let Some(members) = spec.as_map_mut() {
            match kind {
                Kind::VirtualRouter => {
                    let routes = members.remove("routes");
                    self.take_routes(routes, object);
                    self.refuse_no_listeners(members);
                }
                // The API wants the list, manifests may leave it out.
                Kind::VirtualGateway if !members.has("listeners") => {
                    members.push(
                        "listeners",
                        None,
                        Node::new(Value::List(Vec::new()), spec_line),
                    );
                }
                _ => {}
            }
        }
        let base = FieldPath::spec();
        let references =
            Shaper::new(&mut self.scribe, kind, &self.names.key, base).shape(&mut spec);
        if kind == Kind::VirtualNode {
            self.refuse_backends_named_twice(&references, &spec);
        }
        self.add_document(kind, spec, references, line, object);
    }

    fn add_document(
        &self,
        kind: Kind,
        spec: Node,
        references: Vec<Reference>,
        line: u32,
        object: &mut Object,
    ) {
        object.documents.push(Shaped {
            kind,
            root: FieldPath::default(),
            tree: document(object, kind, self.names.member.clone(), spec, line),
            references,
        });
    }

    /// The definition of the kind wants one at least where there is the list.
    fn refuse_no_listeners(&mut self, spec: &Members) {
        if let Some(node) = spec.get("listeners")
            && node.as_list().is_some_and(<[Node]>::is_empty)
        {
            self.scribe.refuse(
                &FieldPath::spec().member("listeners"),
                node.line,
                Rule::Value,
                "0 items are not allowed: a VirtualRouter has at least one listener",
                "add one",
            );
        }
    }

    /// The controller admits no virtual node that names a backend twice.
    fn refuse_backends_named_twice(&mut self, references: &[Reference], spec: &Node) {
        for (index, reference) in references.iter().enumerate() {
            let mut earlier = references[..index].iter();
            if !earlier.any(|earlier| earlier.key == reference.key) {
                continue;
            }
            let below = FieldPath(reference.at.0[1..].to_vec());
            let (line, written) = spec.locate(&below);
            self.scribe.refuse(
                &FieldPath::spec().join(&written),
                line,
                Rule::Value,
                format!("{} is a backend already", reference.key),
                "keep one of the two",
            );
        }
    }
}
