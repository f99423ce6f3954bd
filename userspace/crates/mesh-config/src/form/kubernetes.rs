//! Manifests of the App Mesh controller for Kubernetes (`appmesh.k8s.aws`) to documents.
//!
//! A file gives objects: what each holds is brought into the shape of the API as far as the object
//! itself tells. Names of other objects, the mesh of a namespace and the gateway of a route hang on
//! all objects together; `cluster` settles them.

mod cluster;
mod membership;
mod object;
mod route;
mod scribe;
mod selector;
mod shape;

use std::sync::Arc;

pub(crate) use cluster::Settler;
pub(crate) use object::Object;
use object::{DEFAULT_NAMESPACE, Group, Key, ObjectKind, Owners, Selectors};
use scribe::Scribe;
use selector::{Labels, Selector};
use shape::{Shaped, Shaper, document, read_reference, text};
use smol_str::SmolStr;

use super::{FileRead, Inputs};
use crate::{
    document::{Kind, finding::Origin},
    problem::{Rule, path::FieldPath, suggest},
    tree::{Member, Members, Node, Value},
};

const GROUP: &str = "appmesh.k8s.aws";
const VERSION: &str = "v1beta2";

/// Whether a tree is an object of Kubernetes.
pub(super) fn is_object(tree: &Node) -> bool {
    let has = |name| tree.get(name).is_some();
    tree.get("kind").is_some_and(|kind| kind.as_str().is_some())
        && (has("apiVersion") || has("metadata"))
}

/// Reads an object, or those of a list. Objects of other kinds are left alone.
pub(super) fn read(mut origin: Origin, inputs: &Inputs, file: &mut FileRead) {
    if is_list(&origin.tree) {
        return read_list(origin, inputs, file);
    }
    let Some(kind) = kind_of(&origin, file) else {
        return;
    };
    file.fill(&mut origin, inputs);
    let object = Reader::new(kind, &origin, file).and_then(|reader| reader.read(&origin));
    file.objects.extend(object.map(Arc::new));
}

fn is_list(tree: &Node) -> bool {
    let kind = tree.get("kind").and_then(Node::as_str);
    kind.is_some_and(|kind| kind.ends_with("List"))
        && tree
            .get("items")
            .is_some_and(|items| items.as_list().is_some())
}

fn read_list(mut origin: Origin, inputs: &Inputs, file: &mut FileRead) {
    let items = origin.tree.as_map_mut();
    let items = items.and_then(|members| members.remove("items"));
    let Some(Value::List(items)) = items.map(|member| member.node.value) else {
        return;
    };
    for (index, tree) in items.into_iter().enumerate() {
        let origin = Origin {
            source: Arc::clone(&origin.source),
            tree,
            root: origin.root.clone().member("items").item(index),
        };
        if is_object(&origin.tree) {
            read(origin, inputs, file);
        }
    }
}

/// The kind of an object that is read. What looks like one and is not is reported.
fn kind_of(origin: &Origin, file: &mut FileRead) -> Option<ObjectKind> {
    let text = |name| origin.tree.get(name).and_then(Node::as_str);
    let kind = text("kind").unwrap_or_default();
    let known = ObjectKind::APP_MESH.iter().find(|(word, _)| *word == kind);
    let label = metadata_name(&origin.tree).map(|name| format!("{kind} {name}"));
    let mut refuse = |field: &str, rule, message: String, mend: String| {
        let place = origin.place(label.as_deref(), &FieldPath::default().member(field));
        file.findings.refuse(place, rule, message, mend);
    };
    let Some(api_version) = text("apiVersion") else {
        if known.is_some() {
            refuse(
                "apiVersion",
                Rule::UnknownKind,
                format!("`apiVersion` is missing: it tells whose `{kind}` this is"),
                format!("add `apiVersion: {GROUP}/{VERSION}`"),
            );
        }
        return None;
    };
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    match (group, version, known) {
        ("", "v1", _) if kind == "Namespace" => Some(ObjectKind::Namespace),
        (GROUP, VERSION, Some((_, kind))) => Some(*kind),
        (GROUP, VERSION, None) => {
            let mend = suggest::listed(kind, ObjectKind::APP_MESH.map(|(word, _)| word));
            refuse(
                "kind",
                Rule::UnknownKind,
                format!("App Mesh has no kind `{kind}`"),
                format!("write {}", mend.unwrap_or_default()),
            );
            None
        }
        (GROUP, "v1beta1", _) => {
            refuse(
                "apiVersion",
                Rule::UnknownKind,
                OLD.to_owned(),
                old_mend(kind),
            );
            None
        }
        (GROUP, version, _) => {
            refuse(
                "apiVersion",
                Rule::UnknownKind,
                format!("{GROUP} has no version `{version}`"),
                format!("write {GROUP}/{VERSION}"),
            );
            None
        }
        _ => None,
    }
}

const OLD: &str = "v1beta1 is the version of the controller before 1.0, whose names and fields are \
                   others: v1beta2 is read";

/// What of an object of the older version has to become what.
fn old_mend(kind: &str) -> String {
    let changes = match kind {
        "Mesh" => "add `spec.namespaceSelector`, which selects the namespaces of the mesh",
        "VirtualNode" => {
            "drop `meshName` for the Mesh's `namespaceSelector`; `backends[].virtualService\
             .virtualServiceName` becomes `virtualServiceRef`, `serviceDiscovery.dns.hostName` \
             becomes `hostname`; `awsName` NAME-NAMESPACE keeps the name that it has in App Mesh"
        }
        "VirtualService" => {
            "drop `meshName` for the Mesh's `namespaceSelector`; `routes` move into a VirtualRouter \
             with `listeners`, `http` becomes `httpRoute`, `tcp` becomes `tcpRoute`, \
             `virtualNodeName` becomes `virtualNodeRef`; `provider.virtualRouter.virtualRouterRef` \
             names the router; `awsName` keeps the name that it has in App Mesh"
        }
        _ => "write it anew from the guide of the controller",
    };
    format!("write {GROUP}/{VERSION}: {changes}")
}

fn metadata_name(tree: &Node) -> Option<&str> {
    tree.get("metadata")?.get("name")?.as_str()
}

/// Reads one object whose kind is known.
struct Reader<'a> {
    kind: ObjectKind,
    key: Key,
    /// The name in App Mesh, and where it stands.
    name: Member,
    aws_name: SmolStr,
    scribe: Scribe<'a>,
}

impl<'a> Reader<'a> {
    /// An object without a name cannot be one.
    fn new(kind: ObjectKind, origin: &'a Origin, file: &'a mut FileRead) -> Option<Self> {
        let mut scribe = Scribe {
            file: &origin.source.name,
            root: &origin.root,
            label: kind.label().to_owned(),
            findings: &mut file.findings,
        };
        let tree = &origin.tree;
        let at = FieldPath::default().member("metadata");
        let metadata = tree
            .get("metadata")
            .filter(|node| node.value != Value::Null);
        let none = Members::default();
        let metadata = match metadata {
            Some(node) => scribe.members(node, &at)?,
            None => &none,
        };
        let name = scribe.required_text(metadata, "name", tree.line, &at)?;
        let namespace = match metadata
            .get("namespace")
            .filter(|_| kind.is_in_a_namespace())
        {
            Some(node) if node.value != Value::Null => {
                scribe.text(node, &at.clone().member("namespace"))?
            }
            _ if kind.is_in_a_namespace() => DEFAULT_NAMESPACE.into(),
            _ => SmolStr::default(),
        };
        let key = Key { namespace, name };
        let (aws_name, name) = app_mesh_name(kind, &key, tree, &mut scribe);
        scribe.label = format!("{} {aws_name}", kind.label());
        for (field, value) in [("name", &key.name), ("namespace", &key.namespace)] {
            let fits = value.is_empty() || value.contains("${") || is_kubernetes_name(value);
            if let Some(node) = metadata.get(field).filter(|_| !fits) {
                scribe.refuse_value(
                    node,
                    &at.clone().member(field),
                    "up to 253 of a-z, 0-9, `-` and `.`, with a letter or digit at both ends",
                    "write such a name; `spec.awsName` can give another one in App Mesh",
                );
            }
        }
        Some(Self {
            kind,
            key,
            name,
            aws_name,
            scribe,
        })
    }

    fn read(mut self, origin: &Origin) -> Option<Object> {
        let Value::Map(members) = &origin.tree.value else {
            return None;
        };
        let top = FieldPath::default();
        let metadata = FieldPath::default().member("metadata");
        let labels = members.get("metadata").and_then(|node| node.get("labels"));
        let labels = Labels::read(labels, &metadata.clone().member("labels"), &mut self.scribe);
        let place = self
            .scribe
            .place(&metadata.member("name"), self.name_line(&origin.tree));
        let mut object = Object {
            kind: self.kind,
            key: self.key.clone(),
            aws_name: self.aws_name.clone(),
            labels,
            place,
            source: Arc::clone(&origin.source),
            root: origin.root.clone(),
            selectors: Selectors::default(),
            owners: Owners::default(),
            groups: Vec::new(),
            services: Vec::new(),
            documents: Vec::new(),
        };
        if self.kind == ObjectKind::Namespace {
            object.labels = object.labels.of_namespace(&self.key.name);
            return Some(object);
        }
        let known = ["apiVersion", "kind", "metadata", "spec", "status"];
        self.scribe.unknown(members, &known, &top);
        let spec = match members.get("spec") {
            Some(node) if node.value != Value::Null => node.clone(),
            _ => Node::new(Value::Map(Members::default()), origin.tree.line),
        };
        let line = spec.line;
        let Value::Map(spec) = spec.value else {
            self.scribe.members(&spec, &FieldPath::spec());
            return None;
        };
        let spec = spec.into_iter();
        let mut spec: Members = spec
            .filter(|member| member.node.value != Value::Null)
            .collect();
        self.read_own_members(&mut spec, &mut object);
        match self.kind {
            ObjectKind::Document(kind) => {
                self.make_documents(kind, Node::new(Value::Map(spec), line), origin, &mut object);
            }
            _ => self.read_group(&spec, &mut object),
        }
        Some(object)
    }

    fn name_line(&self, tree: &Node) -> u32 {
        let name = tree.get("metadata").and_then(|node| node.get("name"));
        name.map_or(self.name.node.line, |node| node.line)
    }

    /// Takes what manifests alone have out of a `spec`.
    fn read_own_members(&mut self, spec: &mut Members, object: &mut Object) {
        spec.remove("awsName");
        let kind = self.kind;
        let is = |other| kind == ObjectKind::Document(other);
        let at = |name: &str| FieldPath::spec().member(name);
        if is(Kind::Mesh) {
            if let Some(owner) = spec.remove("meshOwner") {
                self.scribe.text(&owner.node, &at("meshOwner"));
            }
        } else if let Some(mesh) = spec.remove("meshRef") {
            let none = SmolStr::default();
            let key = read_reference(&mesh.node, &none, &at("meshRef"), &mut self.scribe);
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
            let own = &self.key.namespace;
            object.owners.gateway = read_reference(&gateway.node, own, &at, &mut self.scribe);
        }
        if is(Kind::VirtualNode)
            && let Some(groups) = spec.remove("backendGroups")
        {
            object.groups = self.groups(&groups.node);
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
            if let Some(key) = read_reference(item, &self.key.namespace, &at, &mut self.scribe) {
                groups.push(Group {
                    key,
                    place: self.scribe.place(&at, item.line),
                    line: item.line,
                });
            }
        }
        if !groups.is_empty() {
            let message = "backend groups are an experiment of the controller: without its flag \
                           --enable-backend-groups they have no effect; here they are in force";
            self.scribe.warn(&at, node.line, Rule::Weak, message);
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
            let key = read_reference(item, &self.key.namespace, &at, &mut self.scribe);
            object.services.extend(key);
        }
    }

    fn make_documents(&mut self, kind: Kind, spec: Node, origin: &Origin, object: &mut Object) {
        let mut spec = spec;
        if kind == Kind::VirtualRouter
            && let Some(members) = spec.as_map_mut()
        {
            let routes = members.remove("routes");
            self.take_routes(routes, object);
            self.refuse_no_listeners(members);
        }
        let mut shaper = Shaper {
            scribe: &mut self.scribe,
            kind,
            namespace: self.key.namespace.clone(),
            base: FieldPath::spec(),
            references: Vec::new(),
        };
        shaper.shape(&mut spec);
        let references = shaper.references;
        if kind == Kind::VirtualNode {
            self.refuse_backends_named_twice(&references, &spec);
        }
        let tree = document(object, kind, self.name.clone(), spec, origin.tree.line);
        object.documents.push(Shaped {
            kind,
            root: FieldPath::default(),
            tree,
            references,
        });
    }

    /// The definition of the kind wants one at least where there is the list.
    fn refuse_no_listeners(&mut self, spec: &Members) {
        let at = FieldPath::spec().member("listeners");
        if let Some(node) = spec.get("listeners")
            && node.as_list().is_some_and(<[Node]>::is_empty)
        {
            self.scribe.refuse(
                &at,
                node.line,
                Rule::Value,
                "0 items are not allowed: a VirtualRouter has at least one listener",
                "add one",
            );
        }
    }

    /// The controller admits no virtual node that names a backend twice.
    fn refuse_backends_named_twice(&mut self, references: &[shape::Reference], spec: &Node) {
        for (index, reference) in references.iter().enumerate() {
            let again = references[..index]
                .iter()
                .any(|earlier| earlier.key == reference.key);
            if again {
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
}

/// The name that an object has in App Mesh, and the member of the manifest that tells it.
fn app_mesh_name(
    kind: ObjectKind,
    key: &Key,
    tree: &Node,
    scribe: &mut Scribe<'_>,
) -> (SmolStr, Member) {
    let given = tree.get("spec").and_then(|spec| spec.get("awsName"));
    let at = FieldPath::spec().member("awsName");
    let given = given
        .filter(|node| node.value != Value::Null && matches!(kind, ObjectKind::Document(_)))
        .and_then(|node| Some((scribe.text(node, &at)?, node.line)))
        .filter(|(name, _)| !name.is_empty());
    let (name, written, line) = if let Some((name, line)) = given {
        (name, at, line)
    } else {
        let at = FieldPath::default().member("metadata").member("name");
        let line = tree.locate(&at).0;
        (kind.aws_name(key), at, line)
    };
    let member = Member {
        name: SmolStr::default(),
        written: Some(Box::new(written)),
        node: text(&name, line),
    };
    (name, member)
}

/// Whether the API server takes a name (RFC 1123, "subdomain").
fn is_kubernetes_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= 253
        && name.split('.').all(|label| {
            label.bytes().all(|byte| plain(byte) || byte == b'-')
                && label.bytes().next().is_some_and(plain)
                && label.bytes().last().is_some_and(plain)
        })
}

#[cfg(test)]
mod tests;
