//! All objects together: what each refers to gets its name in App Mesh, and the documents are read.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use smol_str::SmolStr;

use super::{
    membership::Membership,
    name,
    object::{Key, Object, ObjectKind},
    shape::Shaped,
};
use crate::{
    document::{
        Identity, Kind,
        entry::{Entry, Named},
        finding::{Findings, Origin},
        identity::dns_key,
    },
    problem::{
        Place, Rule,
        path::{FieldPath, Step},
    },
    tree::{Members, Node, Value},
};

/// Stands for the mesh of documents whose own cannot be told; that is a problem, and they are
/// checked all the same.
const NO_MESH: &str = "?";
/// The backend group of all virtual services of a namespace.
const ALL: &str = "*";

/// Settles one set of objects after another. What was made of an object is kept for as long as it
/// and the names that it needs stay the same.
#[derive(Debug, Default)]
pub(crate) struct Settler {
    /// By the address of the object, which stays its own for as long as it is held here.
    known: HashMap<usize, Made>,
}

/// What was made of an object.
#[derive(Debug)]
struct Made {
    object: Arc<Object>,
    names: Needed,
    entries: Vec<Arc<Entry>>,
    findings: Findings,
}

/// What an object has to know of others.
#[derive(Debug, Default, PartialEq, Eq)]
struct Needed {
    mesh: SmolStr,
    /// The gateway of a gateway route.
    gateway: Option<SmolStr>,
    /// The names of its references, document by document.
    references: Vec<SmolStr>,
    /// Virtual services of its backend groups, and the lines that ask for them.
    backends: Vec<(SmolStr, u32)>,
}

impl Settler {
    /// The documents of all objects.
    pub(crate) fn settle(
        &mut self,
        objects: &[Arc<Object>],
        findings: &mut Findings,
    ) -> Vec<Arc<Entry>> {
        let mut cluster = Cluster::new(objects, findings);
        let mut known = HashMap::with_capacity(objects.len());
        let mut entries = Vec::new();
        for object in objects {
            if object.documents.is_empty() {
                continue;
            }
            let names = cluster.names(object, findings);
            let address = Arc::as_ptr(object).addr();
            let made = self.known.remove(&address);
            let made = made
                .filter(|made| Arc::ptr_eq(&made.object, object) && made.names == names)
                .unwrap_or_else(|| Made::of(object, names));
            findings.extend(made.findings.clone());
            let is_homeless = object.kind == ObjectKind::Document(Kind::GatewayRoute)
                && made.names.gateway.is_none();
            if !is_homeless && !cluster.surplus.contains(&address) {
                entries.extend(made.entries.iter().cloned());
            }
            known.insert(address, made);
        }
        self.known = known;
        entries.extend(stand_in(&entries).map(Arc::new));
        entries
    }
}

/// That there is no mesh has been said of what needs it: it is not one without a document.
fn stand_in(entries: &[Arc<Entry>]) -> Option<Entry> {
    let mut homeless = entries
        .iter()
        .filter(|entry| entry.mesh.as_deref() == Some(NO_MESH));
    homeless.next().map(|entry| Entry {
        kind: Kind::Mesh,
        mesh: Some(NO_MESH.to_owned()),
        parent: None,
        name: NO_MESH.to_owned(),
        named: Some(Named::from(Identity {
            kind: Kind::Mesh,
            mesh: NO_MESH.to_owned(),
            parent: None,
            name: NO_MESH.to_owned(),
        })),
        is_of_command: false,
        is_update: false,
        origin: Arc::clone(&entry.origin),
        spec: None,
    })
}

/// Objects by their names.
struct Cluster<'a> {
    objects: HashMap<(ObjectKind, &'a Key), &'a Arc<Object>>,
    namespaces: HashMap<&'a str, Vec<&'a Object>>,
    /// The virtual services of each namespace.
    services: HashMap<&'a str, Vec<&'a SmolStr>>,
    membership: Membership<'a>,
    /// The addresses of objects of which there is another.
    surplus: HashSet<usize>,
}

impl<'a> Cluster<'a> {
    fn new(objects: &'a [Arc<Object>], findings: &mut Findings) -> Self {
        let mut cluster = Self {
            objects: HashMap::with_capacity(objects.len()),
            namespaces: HashMap::new(),
            services: HashMap::new(),
            membership: Membership::default(),
            surplus: HashSet::new(),
        };
        for object in objects {
            let name = (object.kind, &object.key);
            if object.kind == ObjectKind::Namespace {
                cluster.take_namespace(object, findings);
            } else if let Some(first) = cluster.objects.get(&name) {
                refuse_second(first, object, findings);
                cluster.surplus.insert(Arc::as_ptr(object).addr());
            } else {
                cluster.objects.insert(name, object);
                cluster.take(object);
            }
        }
        cluster
    }

    /// Each manifest of a namespace may add labels to it.
    fn take_namespace(&mut self, object: &'a Object, findings: &mut Findings) {
        let name = object.key.name.as_str();
        let earlier = self.namespaces.entry(name).or_default();
        for (key, value) in &object.labels.known {
            let other = |of: &&&Object| of.labels.known.get(key).is_some_and(|of| of != value);
            if let Some(other) = earlier.iter().find(other) {
                let message = format!(
                    "label `{key}` of namespace `{name}` is `{value}` here and `{}` in {}",
                    other.labels.known[key],
                    elsewhere(other)
                );
                let mend = "keep one of the two";
                findings.refuse(object.place.clone(), Rule::Duplicate, message, mend);
            }
        }
        earlier.push(object);
        let labels = self.membership.namespaces.entry(name).or_default();
        labels.known.extend(object.labels.known.clone());
    }

    fn take(&mut self, object: &'a Arc<Object>) {
        match object.kind {
            ObjectKind::Document(Kind::Mesh) => self.membership.meshes.push(object),
            ObjectKind::Document(Kind::VirtualGateway) => self.membership.gateways.push(object),
            ObjectKind::Document(Kind::VirtualService) => {
                let services = self.services.entry(&object.key.namespace).or_default();
                services.push(&object.aws_name);
            }
            _ => {}
        }
    }

    fn names(&mut self, object: &Object, findings: &mut Findings) -> Needed {
        if object.kind == ObjectKind::Document(Kind::Mesh) {
            return Needed::default();
        }
        let mesh = self.membership.mesh_of(object, findings);
        let gateway = match object.kind {
            ObjectKind::Document(Kind::GatewayRoute) => {
                self.membership.gateway_of(object, findings)
            }
            _ => None,
        };
        let references = object.documents.iter().flat_map(|made| &made.references);
        let references: Vec<SmolStr> = references
            .map(|reference| self.aws_name(ObjectKind::Document(reference.kind), &reference.key))
            .collect();
        Needed {
            mesh: mesh.unwrap_or_else(|| NO_MESH.into()),
            gateway,
            backends: self.backends(object, &references, findings),
            references,
        }
    }

    /// The name in App Mesh of an object; of one that is not there, the name that it would have.
    fn aws_name(&self, kind: ObjectKind, key: &Key) -> SmolStr {
        match self.objects.get(&(kind, key)) {
            Some(object) => object.aws_name.clone(),
            None => kind.aws_name(key),
        }
    }

    /// The virtual services of the backend groups of a node that are no backends of it already.
    fn backends(
        &self,
        node: &Object,
        named: &[SmolStr],
        findings: &mut Findings,
    ) -> Vec<(SmolStr, u32)> {
        if node.groups.is_empty() {
            return Vec::new();
        }
        let mut seen: HashSet<String> = named
            .iter()
            .map(|name| dns_key(name).into_owned())
            .collect();
        let mut backends = Vec::new();
        for group in &node.groups {
            let services: Vec<SmolStr> = if group.key.name == ALL {
                let services = self.services.get(group.key.namespace.as_str());
                services
                    .into_iter()
                    .flatten()
                    .map(|name| (*name).clone())
                    .collect()
            } else if let Some(found) = self.objects.get(&(ObjectKind::BackendGroup, &group.key)) {
                let kind = ObjectKind::Document(Kind::VirtualService);
                let services = found.services.iter();
                services.map(|key| self.aws_name(kind, key)).collect()
            } else {
                findings.refuse(
                    group.place.clone(),
                    Rule::Reference,
                    format!("no backend group {}", group.key),
                    "add the manifest of the BackendGroup",
                );
                continue;
            };
            let new = services
                .into_iter()
                .filter(|name| seen.insert(dns_key(name).into_owned()));
            backends.extend(new.map(|name| (name, group.line)));
        }
        backends
    }
}

/// One manifest describes an object.
fn refuse_second(first: &Object, second: &Object, findings: &mut Findings) {
    let message = format!(
        "{} describes the same object: only one manifest may",
        elsewhere(first)
    );
    let mend = "remove one of the two";
    findings.refuse(second.place.clone(), Rule::Duplicate, message, mend);
}

/// The file and line of another object.
fn elsewhere(object: &Object) -> Place {
    Place {
        document: None,
        field: None,
        ..object.place.clone()
    }
}

impl Made {
    fn of(object: &Arc<Object>, names: Needed) -> Self {
        let mut findings = Findings::default();
        let mut entries = Vec::with_capacity(object.documents.len());
        let mut references = names.references.iter();
        for shaped in &object.documents {
            let origin = Origin {
                source: Arc::clone(&object.source),
                tree: named(shaped, &names, &mut references),
                root: object.root.clone().join(&shaped.root),
            };
            let entry = Entry::read(shaped.kind, origin, &[], &mut findings);
            entries.extend(entry.map(Arc::new));
        }
        Self {
            object: Arc::clone(object),
            names,
            entries,
            findings,
        }
    }
}

/// The document with the names that it needs.
fn named<'n>(
    shaped: &Shaped,
    names: &Needed,
    references: &mut impl Iterator<Item = &'n SmolStr>,
) -> Node {
    let mut tree = shaped.tree.clone();
    for (reference, name) in shaped.references.iter().zip(references) {
        if let Some(node) = find(&mut tree, &reference.at) {
            *node = name::node(name, node.line);
        }
    }
    if let Some(members) = tree.as_map_mut() {
        if shaped.kind != Kind::Mesh {
            members.insert(Kind::Mesh.name_member(), name::node(&names.mesh, 0));
        }
        if let Some(gateway) = &names.gateway {
            members.insert(Kind::VirtualGateway.name_member(), name::node(gateway, 0));
        }
    }
    add_backends(&mut tree, &names.backends);
    tree
}

fn add_backends(tree: &mut Node, backends: &[(SmolStr, u32)]) {
    let Some((_, line)) = backends.first() else {
        return;
    };
    let spec = tree
        .as_map_mut()
        .and_then(|members| members.get_mut("spec"));
    let Some(spec) = spec.and_then(Node::as_map_mut) else {
        return;
    };
    if !spec.has("backends") {
        let written = FieldPath::default().member("backendGroups");
        spec.push(
            "backends",
            Some(written),
            Node::new(Value::List(Vec::new()), *line),
        );
    }
    let Some(Value::List(items)) = spec.get_mut("backends").map(|node| &mut node.value) else {
        return;
    };
    items.extend(backends.iter().map(|(name, line)| {
        let service = object("virtualServiceName", name::node(name, *line), *line);
        object("virtualService", service, *line)
    }));
}

fn object(member: &str, node: Node, line: u32) -> Node {
    let mut members = Members::default();
    members.push(member, None, node);
    Node::new(Value::Map(members), line)
}

fn find<'n>(node: &'n mut Node, path: &FieldPath) -> Option<&'n mut Node> {
    path.0
        .iter()
        .try_fold(node, |node, step| match (step, &mut node.value) {
            (Step::Member(name), Value::Map(members)) => members.get_mut(name),
            (Step::Item(index), Value::List(items)) => items.get_mut(*index),
            _ => None,
        })
}
