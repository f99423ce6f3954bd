//! Services that nothing answers and nodes that nothing calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use mesh_model::spec::{
    gateway_route::GatewayRouteSpec, virtual_node::VirtualNodeSpec,
    virtual_service::VirtualServiceSpec,
};

use super::{
    Check,
    answer::{AnsweredBy, answered_by, node_named, service_named},
    silent::backend_path,
};
use crate::{
    document::{Document, Documents, identity::Identity},
    problem::path::FieldPath,
};

/// A node that listens and calls nothing. One with backends is a front, which is called from
/// outside the mesh.
fn is_leaf(node: &Document<VirtualNodeSpec>) -> bool {
    !node.spec.listeners().is_empty() && node.spec.backends().next().is_none()
}

/// The nodes that a service or a route leads to, if there is a leaf among all.
pub(super) fn reached(documents: &Documents) -> BTreeSet<&Arc<Identity>> {
    let mut reached = BTreeSet::new();
    let mut nodes = documents
        .meshes()
        .flat_map(|(_, mesh)| mesh.virtual_nodes.values());
    if !nodes.any(is_leaf) {
        return reached;
    }
    for (_, mesh) in documents.meshes() {
        for service in mesh.virtual_services.values() {
            if let Some(AnsweredBy::Node(node)) = answered_by(documents, service) {
                reached.insert(&node.identity);
            }
        }
        for route in mesh.routes.values() {
            for target in route.spec.kind.targets() {
                let given = target.virtual_node.as_str();
                let node = node_named(documents, given, &route.identity.mesh);
                reached.extend(node.map(|node| &node.identity));
            }
        }
    }
    reached
}

/// Why nothing answers a service, and what becomes of requests to it.
pub(super) struct Why {
    because: String,
    /// What becomes of a request that a node makes.
    of_node: &'static str,
    /// What becomes of one that a gateway passes on: it has no other destination.
    of_gateway: &'static str,
    mend: &'static str,
}

impl Why {
    fn message(&self, fate: &str) -> String {
        let Self { because, mend, .. } = self;
        format!("nothing answers it: {because}, and {fate}; {mend}")
    }
}

const OUT_OF_THE_MESH: &str = "calls to it are treated as calls out of the mesh";
const NOT_FOUND: &str = "requests get 404";
const UNAVAILABLE: &str = "requests get 503";

/// Services that nothing answers, and why.
pub(super) type Unanswered<'a> = BTreeMap<&'a Arc<Identity>, Why>;

/// Every service that nothing answers.
pub(super) fn unanswered(documents: &Documents) -> Unanswered<'_> {
    let meshes = documents.meshes();
    meshes
        .flat_map(|(_, mesh)| mesh.virtual_services.values())
        .filter_map(|service| Some((&service.identity, why_unanswered(documents, service)?)))
        .collect()
}

impl Check<'_> {
    /// A leaf that nothing leads to.
    pub(super) fn unreached(
        &mut self,
        reached: &BTreeSet<&Arc<Identity>>,
        node: &Document<VirtualNodeSpec>,
    ) {
        if is_leaf(node) && !reached.contains(&node.identity) {
            let message = "no virtual service and no route leads to it: nothing in the mesh calls \
                           it; add one, or take the node out";
            let at = FieldPath::spec().member("listeners");
            self.weak(node, &at, message.to_owned());
        }
    }

    /// Backends that nothing answers.
    pub(super) fn unanswered_backends(
        &mut self,
        unanswered: &Unanswered<'_>,
        node: &Document<VirtualNodeSpec>,
    ) {
        if unanswered.is_empty() {
            return;
        }
        for (index, backend) in node.spec.backends().enumerate() {
            let given = backend.virtual_service_name.as_str();
            let service = service_named(self.documents, given, &node.identity.mesh);
            if let Some(why) = service.and_then(|service| unanswered.get(&service.identity)) {
                self.weak(node, &backend_path(index), why.message(why.of_node));
            }
        }
    }

    /// A service whose router has no route. That a provider or a listener is missing is said
    /// elsewhere.
    pub(super) fn unrouted_service(&mut self, service: &Document<VirtualServiceSpec>) {
        let Some(AnsweredBy::Router(mesh, router)) = answered_by(self.documents, service) else {
            return;
        };
        let listens = router.spec.ports().next().is_some();
        if listens && mesh.routes_of(&router.identity.name).next().is_none() {
            let at = FieldPath::spec().member("provider");
            let message = format!(
                "{} has no route: requests to the service get 404; add a route",
                router.identity
            );
            self.weak(service, &at, message);
        }
    }

    /// A gateway route to a service that nothing answers.
    pub(super) fn unanswered_target(
        &mut self,
        unanswered: &Unanswered<'_>,
        route: &Document<GatewayRouteSpec>,
    ) {
        let target = route.spec.kind.target();
        let given = target.virtual_service.virtual_service_name.as_str();
        let service = service_named(self.documents, given, &route.identity.mesh);
        if let Some(why) = service.and_then(|service| unanswered.get(&service.identity)) {
            let at = FieldPath::spec().members(&[route.spec.kind.member(), "action", "target"]);
            self.weak(route, &at, why.message(why.of_gateway));
        }
    }
}

fn why_unanswered(documents: &Documents, service: &Document<VirtualServiceSpec>) -> Option<Why> {
    if service.spec.provider.is_none() {
        return Some(Why {
            because: format!("{} has no provider", service.identity),
            of_node: OUT_OF_THE_MESH,
            of_gateway: NOT_FOUND,
            mend: "add a provider",
        });
    }
    let answer = answered_by(documents, service)?;
    let provider = answer.identity();
    if answer.ports().is_empty() {
        return Some(Why {
            because: format!("{provider} has no listener"),
            of_node: OUT_OF_THE_MESH,
            of_gateway: NOT_FOUND,
            mend: "add a listener",
        });
    }
    let AnsweredBy::Router(mesh, router) = answer else {
        return None;
    };
    let mut of_router = mesh.routes_of(&router.identity.name).peekable();
    if of_router.peek().is_none() {
        return Some(Why {
            because: format!("{provider} has no route"),
            of_node: NOT_FOUND,
            of_gateway: NOT_FOUND,
            mend: "add a route",
        });
    }
    let weightless = of_router.all(|route| {
        let mut targets = route.spec.kind.targets().iter();
        targets.all(|target| i64::from(target.weight) == 0)
    });
    weightless.then(|| Why {
        because: format!("every target of {provider} has weight 0"),
        of_node: UNAVAILABLE,
        of_gateway: UNAVAILABLE,
        mend: "give one a weight",
    })
}
