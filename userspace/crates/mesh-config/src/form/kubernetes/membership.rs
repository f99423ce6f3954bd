//! Which mesh a namespace belongs to, and which gateway a gateway route: exactly one must select
//! it, as the controller's admission has it.

use std::collections::{HashMap, HashSet};

use smol_str::SmolStr;

use super::{
    object::{Key, Object, ObjectKind},
    selector::Labels,
};
use crate::{
    document::{Kind, finding::Findings},
    problem::Rule,
};

/// Finds owners, and says once of each namespace what is wrong with it.
#[derive(Default)]
pub(super) struct Membership<'a> {
    pub(super) meshes: Vec<&'a Object>,
    pub(super) gateways: Vec<&'a Object>,
    /// The labels of the namespaces that have a document.
    pub(super) namespaces: HashMap<&'a str, Labels>,
    /// The meshes of namespaces that were asked for.
    settled: HashMap<SmolStr, Option<SmolStr>>,
    /// Namespaces and gateways that were warned of.
    guessed: HashSet<(SmolStr, &'a Key)>,
}

/// What comes of looking for the one that selects.
enum Choice<'a> {
    One(&'a Object),
    /// The only one that may, as far as labels are known.
    Likely(&'a Object),
    Nobody,
    Several(Vec<&'a Object>),
    /// Which, depends on labels that are not known.
    Unclear(Vec<&'a Object>),
}

impl<'a> Choice<'a> {
    fn of(candidates: impl Iterator<Item = (&'a Object, Option<bool>)>) -> Self {
        let mut sure = Vec::new();
        let mut likely = Vec::new();
        for (object, selects) in candidates {
            match selects {
                Some(true) => sure.push(object),
                Some(false) => {}
                None => likely.push(object),
            }
        }
        match (&sure[..], &likely[..]) {
            ([one], []) => Self::One(one),
            // Were it not the only one, the controller would not have it.
            ([one], _) | ([], [one]) => Self::Likely(one),
            ([], []) => Self::Nobody,
            ([], _) => Self::Unclear(likely),
            _ => Self::Several(sure),
        }
    }
}

impl Membership<'_> {
    /// The name in App Mesh of the mesh of an object that is in a namespace.
    pub(super) fn mesh_of(&mut self, object: &Object, findings: &mut Findings) -> Option<SmolStr> {
        if let Some(name) = &object.owners.mesh {
            let mesh = self.meshes.iter().find(|mesh| mesh.key.name == *name);
            return Some(mesh.map_or(name, |mesh| &mesh.aws_name).clone());
        }
        let namespace = &object.key.namespace;
        if let Some(known) = self.settled.get(namespace) {
            return known.clone();
        }
        let mesh = self.select_mesh(object, findings);
        self.settled.insert(namespace.clone(), mesh.clone());
        mesh
    }

    fn labels(&self, namespace: &str) -> Labels {
        match self.namespaces.get(namespace) {
            Some(labels) => labels.clone(),
            None => Labels::of_unknown_namespace(namespace),
        }
    }

    fn select_mesh(&self, object: &Object, findings: &mut Findings) -> Option<SmolStr> {
        let namespace = &object.key.namespace;
        let labels = self.labels(namespace);
        let choice = Choice::of(self.meshes.iter().map(|mesh| {
            let selector = mesh.selectors.namespaces.as_ref();
            let selects = selector.map_or(Some(false), |selector| selector.selects(&labels));
            (*mesh, selects)
        }));
        let (message, mend) = match choice {
            Choice::One(mesh) => return Some(mesh.aws_name.clone()),
            Choice::Likely(mesh) => {
                let name = mesh.aws_name.clone();
                let message = format!("{}: it is taken to be of mesh `{name}`", unknown(namespace));
                findings.warn(object.place.clone(), Rule::Weak, message);
                return Some(name);
            }
            Choice::Nobody if self.meshes.is_empty() => (
                format!("there is no Mesh for namespace `{namespace}`"),
                "add the manifest of the Mesh",
            ),
            Choice::Nobody => (
                format!(
                    "namespace `{namespace}` belongs to no mesh: {}",
                    refusals(&self.meshes)
                ),
                "give the namespace the labels that the mesh selects, or mend `namespaceSelector`",
            ),
            Choice::Several(meshes) => (
                format!(
                    "namespace `{namespace}` belongs to several meshes: {} select it",
                    names(&meshes)
                ),
                "narrow their `namespaceSelector`, so that one is left",
            ),
            Choice::Unclear(meshes) => (
                format!("{}: {} may select it", unknown(namespace), names(&meshes)),
                "add the manifest of the Namespace",
            ),
        };
        findings.refuse(object.place.clone(), Rule::Reference, message, mend);
        None
    }

    /// The gateway of a gateway route.
    pub(super) fn gateway_of(
        &mut self,
        route: &Object,
        findings: &mut Findings,
    ) -> Option<SmolStr> {
        if let Some(key) = &route.owners.gateway {
            let gateway = self.gateways.iter().find(|gateway| gateway.key == *key);
            let kind = ObjectKind::Document(Kind::VirtualGateway);
            let name = gateway.map(|gateway| gateway.aws_name.clone());
            return Some(name.unwrap_or_else(|| kind.aws_name(key)));
        }
        self.select_gateway(route, findings)
    }

    fn select_gateway(&mut self, route: &Object, findings: &mut Findings) -> Option<SmolStr> {
        let namespace = &route.key.namespace;
        let labels = self.labels(namespace);
        let choice = Choice::of(
            self.gateways
                .iter()
                .map(|gateway| (*gateway, leaves_in(gateway, &labels, route))),
        );
        let (message, mend) = match choice {
            Choice::One(gateway) => return Some(gateway.aws_name.clone()),
            Choice::Likely(gateway) => {
                let name = gateway.aws_name.clone();
                if self.guessed.insert((namespace.clone(), &gateway.key)) {
                    let message = format!(
                        "{}: its routes are taken to be of virtual gateway `{name}`",
                        unknown(namespace)
                    );
                    findings.warn(route.place.clone(), Rule::Weak, message);
                }
                return Some(name);
            }
            Choice::Nobody if self.gateways.is_empty() => (
                "it belongs to no virtual gateway: there is none".to_owned(),
                "add the manifest of the VirtualGateway",
            ),
            Choice::Nobody => (
                format!(
                    "it belongs to no virtual gateway: {}",
                    leave_out(&self.gateways, &labels)
                ),
                "the gateway's `namespaceSelector` must select the labels of the namespace, its \
                 `gatewayRouteSelector` those of the route",
            ),
            Choice::Several(gateways) => (
                format!(
                    "it belongs to several virtual gateways: {} select it",
                    names(&gateways)
                ),
                "tell them apart by `gatewayRouteSelector` and labels of the route",
            ),
            Choice::Unclear(gateways) => (
                format!(
                    "{}: {}, each a virtual gateway, may select it",
                    unknown(namespace),
                    names(&gateways)
                ),
                "add the manifest of the Namespace",
            ),
        };
        findings.refuse(route.place.clone(), Rule::Reference, message, mend);
        None
    }
}

/// Whether both selectors of a gateway leave a route of a namespace with these labels in.
fn leaves_in(gateway: &Object, labels: &Labels, route: &Object) -> Option<bool> {
    let routes = gateway.selectors.routes.as_ref();
    if routes.is_some_and(|selector| selector.selects(&route.labels) == Some(false)) {
        return Some(false);
    }
    let namespaces = gateway.selectors.namespaces.as_ref();
    namespaces.map_or(Some(false), |selector| selector.selects(labels))
}

/// Why no gateway has a route.
fn leave_out(gateways: &[&Object], labels: &Labels) -> String {
    let reasons = gateways.iter().map(|gateway| leaves_out(gateway, labels));
    reasons.collect::<Vec<_>>().join(", ")
}

/// Which selector of a gateway leaves a route out, the namespace's before the route's own.
fn leaves_out(gateway: &Object, labels: &Labels) -> String {
    let key = &gateway.key;
    let namespaces = gateway.selectors.namespaces.as_ref();
    match (namespaces, gateway.selectors.routes.as_ref()) {
        (None, _) => format!("{key} has no `namespaceSelector`, which selects none"),
        (Some(namespaces), _) if namespaces.selects(labels) == Some(false) => {
            format!("the `namespaceSelector` of {key} ({namespaces}) does not select its namespace")
        }
        (_, Some(routes)) => {
            format!("the `gatewayRouteSelector` of {key} ({routes}) does not select it")
        }
        (_, None) => format!("{key} does not select it"),
    }
}

/// Why no mesh has a namespace.
fn refusals(meshes: &[&Object]) -> String {
    let reason = |mesh: &&Object| match &mesh.selectors.namespaces {
        None => format!(
            "{} has no `namespaceSelector`, which selects none",
            mesh.key
        ),
        Some(selector) => {
            format!(
                "the `namespaceSelector` of {} ({selector}) does not select it",
                mesh.key
            )
        }
    };
    meshes.iter().map(reason).collect::<Vec<_>>().join(", ")
}

fn unknown(namespace: &str) -> String {
    format!("no document describes namespace `{namespace}`, so that its labels are not known")
}

/// Objects as a sentence lists them.
fn names(objects: &[&Object]) -> String {
    let names: Vec<String> = objects
        .iter()
        .map(|object| object.key.to_string())
        .collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
