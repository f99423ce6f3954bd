//! Which mesh a namespace belongs to, and which gateway a gateway route: exactly one must select
//! it, as the controller's admission has it.

use std::collections::{HashMap, HashSet};

use smol_str::SmolStr;

use super::{
    object::{Key, Object},
    selector::{Labels, Selector},
};
use crate::{document::finding::Findings, problem::Rule};

/// Finds owners, and says once of each namespace what is wrong with it.
pub(super) struct Membership<'a> {
    pub(super) meshes: Vec<&'a Object>,
    pub(super) gateways: Vec<&'a Object>,
    /// The labels of the namespaces that have a document.
    pub(super) namespaces: HashMap<&'a str, &'a Labels>,
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
            ([], [one]) => Self::Likely(one),
            ([], []) => Self::Nobody,
            ([] | [_], _) => Self::Unclear(sure.into_iter().chain(likely).collect()),
            _ => Self::Several(sure),
        }
    }
}

impl Membership<'_> {
    pub(super) fn new() -> Self {
        Self {
            meshes: Vec::new(),
            gateways: Vec::new(),
            namespaces: HashMap::new(),
            settled: HashMap::new(),
            guessed: HashSet::new(),
        }
    }

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
            Some(labels) => (*labels).clone(),
            None => Labels::of_unknown_namespace(namespace),
        }
    }

    fn select_mesh(&self, object: &Object, findings: &mut Findings) -> Option<SmolStr> {
        let namespace = &object.key.namespace;
        let labels = self.labels(namespace);
        let choice = Choice::of(self.meshes.iter().map(|mesh| {
            let selector = mesh.selectors.namespaces.as_ref();
            (
                *mesh,
                selector.map_or(Some(false), |of| of.selects(&labels)),
            )
        }));
        let (message, mend) = match choice {
            Choice::One(mesh) => return Some(mesh.aws_name.clone()),
            Choice::Likely(mesh) => {
                let name = mesh.aws_name.clone();
                findings.warn(
                    object.place.clone(),
                    Rule::Weak,
                    format!(
                        "no document describes namespace `{namespace}`, so that its labels are not \
                         known: it is taken to be of mesh `{name}`"
                    ),
                );
                return Some(name);
            }
            Choice::Nobody if self.meshes.is_empty() => (
                format!("there is no Mesh for namespace `{namespace}`"),
                "add the manifest of the Mesh".to_owned(),
            ),
            Choice::Nobody => (
                format!(
                    "namespace `{namespace}` belongs to no mesh: the `namespaceSelector` of {} does \
                     not select it",
                    names(&self.meshes)
                ),
                "give the namespace the labels that the selector asks for".to_owned(),
            ),
            Choice::Several(meshes) => (
                format!(
                    "namespace `{namespace}` belongs to several meshes: {} select it",
                    names(&meshes)
                ),
                "narrow their `namespaceSelector`, so that one is left".to_owned(),
            ),
            Choice::Unclear(meshes) => (
                format!(
                    "no document describes namespace `{namespace}`, so that its labels are not \
                     known: {} may select it",
                    names(&meshes)
                ),
                "add the manifest of the Namespace".to_owned(),
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
            return Some(match gateway {
                Some(gateway) => gateway.aws_name.clone(),
                None => format!("{}_{}", key.name, key.namespace).into(),
            });
        }
        let namespace = &route.key.namespace;
        let labels = self.labels(namespace);
        let selects = |gateway: &Object| {
            let namespaces = gateway.selectors.namespaces.as_ref();
            let of_namespace = namespaces.map_or(Some(false), |of| of.selects(&labels));
            let routes = gateway.selectors.routes.as_ref();
            let of_route =
                routes.is_none_or(|of: &Selector| of.selects(&route.labels) == Some(true));
            if of_route { of_namespace } else { Some(false) }
        };
        let choice = Choice::of(
            self.gateways
                .iter()
                .map(|gateway| (*gateway, selects(gateway))),
        );
        let (message, mend) = match choice {
            Choice::One(gateway) => return Some(gateway.aws_name.clone()),
            Choice::Likely(gateway) => {
                let name = gateway.aws_name.clone();
                if self.guessed.insert((namespace.clone(), &gateway.key)) {
                    findings.warn(
                        route.place.clone(),
                        Rule::Weak,
                        format!(
                            "no document describes namespace `{namespace}`, so that its labels are \
                             not known: its routes are taken to be of virtual gateway `{name}`"
                        ),
                    );
                }
                return Some(name);
            }
            Choice::Nobody if self.gateways.is_empty() => (
                "it belongs to no virtual gateway: there is none".to_owned(),
                "add the manifest of the VirtualGateway".to_owned(),
            ),
            Choice::Nobody => (
                format!(
                    "it belongs to no virtual gateway: neither selector of {} leaves it in",
                    names(&self.gateways)
                ),
                "the gateway's `namespaceSelector` must select the labels of the namespace, its \
                 `gatewayRouteSelector` those of the route"
                    .to_owned(),
            ),
            Choice::Several(gateways) => (
                format!(
                    "it belongs to several virtual gateways: {} select it",
                    names(&gateways)
                ),
                "tell them apart by `gatewayRouteSelector` and labels of the route".to_owned(),
            ),
            Choice::Unclear(gateways) => (
                format!(
                    "no document describes namespace `{namespace}`, so that its labels are not \
                     known: {}, each a virtual gateway, may select it",
                    names(&gateways)
                ),
                "add the manifest of the Namespace".to_owned(),
            ),
        };
        findings.refuse(route.place.clone(), Rule::Reference, message, mend);
        None
    }
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
