//! The documents against each other: what one names, another must be, and must fit it.

mod answer;
mod gateway;
mod options;
mod reach;
mod route;
mod silent;
mod timeout;

use std::{sync::Arc, thread};

use mesh_model::spec::{
    route::RouteSpec,
    virtual_node::VirtualNodeSpec,
    virtual_router::VirtualRouterSpec,
    virtual_service::{Provider, VirtualServiceSpec},
};

use super::{
    Document, Documents, Mesh,
    identity::{Identity, Kind, dns_key, is_declared, is_open, referred},
};
use route::{Fault, against_node, against_router};

use crate::problem::{Place, Problem, Rule, Warning, path::FieldPath, suggest};

/// Checks every reference of every document.
pub(crate) fn check(
    documents: &Documents,
    declared: &[Arc<Identity>],
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<Warning>,
) {
    let (mut surprises, mut out_of_reach) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        // About half of the work, and it needs nothing of the other half.
        scope.spawn(|| {
            // Neither of these two finds problems.
            Check::new(documents, declared, &mut Vec::new(), &mut surprises).silent();
            Check::new(documents, declared, &mut Vec::new(), &mut out_of_reach).reach();
        });
        Check::new(documents, declared, problems, warnings).references();
    });
    warnings.append(&mut surprises);
    // A document that is faulty, or has parts without a value, is missing here, and what it leads
    // to would seem to be out of reach.
    if problems.is_empty() && declared.len() == documents.resources() {
        warnings.append(&mut out_of_reach);
    }
}

/// How many names a message lists.
const LISTED: usize = 4;

/// Names as they stand in a sentence, the first of them alone where there are many.
fn several<T>(items: &[T], name: impl Fn(&T) -> String) -> String {
    let listed: Vec<String> = items.iter().take(LISTED).map(name).collect();
    let listed = listed.join(", ");
    match items.len().saturating_sub(LISTED) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}

struct Check<'a> {
    documents: &'a Documents,
    declared: &'a [Arc<Identity>],
    problems: &'a mut Vec<Problem>,
    warnings: &'a mut Vec<Warning>,
}

impl<'a> Check<'a> {
    fn new(
        documents: &'a Documents,
        declared: &'a [Arc<Identity>],
        problems: &'a mut Vec<Problem>,
        warnings: &'a mut Vec<Warning>,
    ) -> Self {
        Self {
            documents,
            declared,
            problems,
            warnings,
        }
    }

    /// That what a document names is there, and fits it.
    fn references(&mut self) {
        for (name, mesh) in self.documents.meshes() {
            self.options(name, mesh);
            for route in mesh.routes.values() {
                self.route(mesh, route);
            }
            for service in mesh.virtual_services.values() {
                self.provider(service);
            }
            for node in mesh.virtual_nodes.values() {
                self.backends(node);
            }
            for gateway in mesh.virtual_gateways.values() {
                self.not_run(gateway);
            }
            for route in mesh.gateway_routes.values() {
                self.gateway_route(mesh, route);
                self.not_run(route);
            }
        }
    }

    /// What is allowed and does not do what one may think.
    fn silent(&mut self) {
        let ways = timeout::Ways::of(self.documents);
        let tcp = silent::tcp_services(self.documents);
        for (_, mesh) in self.documents.meshes() {
            for route in mesh.routes.values() {
                self.target_ports(route);
                self.retries(route);
                self.raised_on_route(&ways, route);
            }
            for service in mesh.virtual_services.values() {
                self.stuck_at_default(mesh, service);
            }
            for node in mesh.virtual_nodes.values() {
                self.tcp_backends(&tcp, node);
                self.lone_address(node);
                self.raised_on_listener(&ways, node);
            }
            for added in mesh.options.virtual_services.values() {
                self.raised_by_option(&ways, mesh, added);
            }
            for gateway in mesh.virtual_gateways.values() {
                self.hidden_gateway_routes(mesh, gateway);
            }
        }
    }

    /// What nothing answers, and what nothing leads to.
    fn reach(&mut self) {
        let reached = reach::reached(self.documents);
        let unanswered = reach::unanswered(self.documents);
        for (_, mesh) in self.documents.meshes() {
            for service in mesh.virtual_services.values() {
                self.unrouted_service(service);
            }
            for node in mesh.virtual_nodes.values() {
                self.unanswered_backends(&unanswered, node);
                self.unreached(&reached, node);
            }
            for route in mesh.gateway_routes.values() {
                self.unanswered_target(&unanswered, route);
            }
        }
    }

    fn route(&mut self, mesh: &'a Mesh, route: &'a Document<RouteSpec>) {
        let router_name = route.identity.parent.as_deref().unwrap_or_default();
        match mesh.virtual_routers.get(router_name) {
            Some(router) => self.route_in_router(route, router),
            None => self.unknown(
                route,
                &FieldPath::default().member(Kind::VirtualRouter.name_member()),
                Kind::VirtualRouter,
                router_name,
            ),
        }
        let kind = &route.spec.kind;
        for (index, target) in kind.targets().iter().enumerate() {
            let at = || {
                let targets = [kind.member(), "action", "weightedTargets"];
                FieldPath::spec().members(&targets).item(index)
            };
            let node_at = || at().member("virtualNode");
            let node = self.node(route, node_at, target.virtual_node.as_str());
            let fault = node.and_then(|node| against_node(kind.protocol(), at, target, node));
            self.found(route, fault);
        }
    }

    /// A route that names a router that is there.
    fn route_in_router(
        &mut self,
        route: &Document<RouteSpec>,
        router: &Document<VirtualRouterSpec>,
    ) {
        if router.spec.ports().next().is_some() {
            return self.found(route, against_router(route, router));
        }
        let message = format!(
            "{} has no listener: nothing reaches this route",
            router.identity
        );
        self.warn(route, &FieldPath::spec(), message);
    }

    fn found<S>(&mut self, document: &Document<S>, fault: Option<Fault>) {
        if let Some(Fault {
            field,
            message,
            mend,
        }) = fault
        {
            self.refuse(document, &field, message, mend);
        }
    }

    fn provider(&mut self, service: &Document<VirtualServiceSpec>) {
        let at = |names: &[&str]| FieldPath::spec().member("provider").members(names);
        match &service.spec.provider {
            None => self.warn(
                service,
                &FieldPath::spec(),
                "it has no `provider`: nothing answers it".to_owned(),
            ),
            Some(Provider::VirtualNode(provider)) => {
                let at = || at(&["virtualNode", "virtualNodeName"]);
                let node = self.node(service, at, provider.virtual_node_name.as_str());
                if node.is_some_and(|node| node.spec.listeners().is_empty()) {
                    let message = "its node has no listener: nothing answers it".to_owned();
                    self.warn(service, &at(), message);
                }
            }
            Some(Provider::VirtualRouter(provider)) => {
                let at = || at(&["virtualRouter", "virtualRouterName"]);
                let given = provider.virtual_router_name.as_str();
                let (mesh, name) = referred(given, Kind::VirtualRouter, &service.identity.mesh);
                let router = self
                    .documents
                    .mesh(mesh)
                    .and_then(|mesh| mesh.virtual_routers.get(name));
                match router {
                    None => self.unknown(service, &at(), Kind::VirtualRouter, given),
                    Some(router) if router.spec.ports().next().is_none() => self.warn(
                        service,
                        &at(),
                        "its router has no listener: nothing answers it".to_owned(),
                    ),
                    Some(_) => {}
                }
            }
        }
    }

    /// App Mesh let a node name a backend before its virtual service was made.
    fn backends(&mut self, node: &Document<VirtualNodeSpec>) {
        for (index, backend) in node.spec.backends().enumerate() {
            let given = backend.virtual_service_name.as_str();
            let again =
                node.spec.backends().take(index).any(|earlier| {
                    dns_key(earlier.virtual_service_name.as_str()) == dns_key(given)
                });
            if again {
                self.warn(
                    node,
                    &silent::backend_path(index),
                    format!("`{given}` is a backend already: once is enough"),
                );
                continue;
            }
            if is_open(given)
                || answer::service_named(self.documents, given, &node.identity.mesh).is_some()
            {
                continue;
            }
            let (mesh, name) = referred(given, Kind::VirtualService, &node.identity.mesh);
            let identity = Identity {
                kind: Kind::VirtualService,
                mesh: mesh.to_owned(),
                parent: None,
                name: dns_key(name).into_owned(),
            };
            if !is_declared(self.declared, &identity) {
                let hint = suggest::closest(name, self.names(Kind::VirtualService, mesh))
                    .map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
                let message = format!(
                    "no virtual service `{name}` in mesh `{mesh}`: this backend has no effect{hint}"
                );
                self.warn(node, &silent::backend_path(index), message);
            }
        }
    }

    fn not_run<S>(&mut self, document: &Document<S>) {
        self.warnings.push(Warning {
            place: document.place(&FieldPath::default()),
            rule: Rule::NotYet,
            message: format!(
                "{}s are not run yet: the document is checked and has no effect",
                document.identity.kind.label()
            ),
        });
    }

    /// The node that a document names; that it is there is the rule.
    fn node<S>(
        &mut self,
        document: &Document<S>,
        at: impl FnOnce() -> FieldPath,
        given: &str,
    ) -> Option<&'a Document<VirtualNodeSpec>> {
        let (mesh, name) = referred(given, Kind::VirtualNode, &document.identity.mesh);
        let node = self
            .documents
            .mesh(mesh)
            .and_then(|mesh| mesh.virtual_nodes.get(name));
        if node.is_none() {
            self.unknown(document, &at(), Kind::VirtualNode, given);
        }
        node
    }

    /// A name that no document has, unless its document is there with faults of its own.
    fn unknown<S>(&mut self, document: &Document<S>, at: &FieldPath, kind: Kind, given: &str) {
        self.unknown_at(document.place(at), &document.identity.mesh, kind, given);
    }

    fn unknown_at(&mut self, place: Place, own_mesh: &str, kind: Kind, given: &str) {
        let (mesh, name) = referred(given, kind, own_mesh);
        let identity = Identity {
            kind,
            mesh: mesh.to_owned(),
            parent: None,
            name: name.to_owned(),
        };
        if is_declared(self.declared, &identity.into_key()) || is_open(given) {
            return;
        }
        let mend = match suggest::listed(name, self.names(kind, mesh)) {
            Some(names) => format!("write {names}, or add a document for it"),
            None => "add a document for it".to_owned(),
        };
        let message = format!("no {} `{name}` in mesh `{mesh}`", kind.label());
        self.refuse_at(place, message, mend);
    }

    /// The names of a kind, those of virtual services as their documents write them.
    fn names(&self, kind: Kind, mesh: &str) -> impl Iterator<Item = &'a str> {
        let services = self.documents.mesh(mesh).map(|mesh| &mesh.virtual_services);
        let services = services.filter(|_| kind == Kind::VirtualService);
        self.declared
            .iter()
            .filter(move |identity| identity.kind == kind && identity.mesh == mesh)
            .map(|identity| {
                let document = services.and_then(|services| services.get(&identity.name));
                document.map_or(&identity.name, |document| &document.identity.name)
            })
            .map(String::as_str)
            .collect::<Vec<_>>()
            .into_iter()
    }

    fn refuse<S>(&mut self, document: &Document<S>, at: &FieldPath, message: String, mend: String) {
        self.refuse_at(document.place(at), message, mend);
    }

    fn refuse_at(&mut self, place: Place, message: String, mend: String) {
        self.problems.push(Problem {
            place,
            rule: Rule::Reference,
            value: None,
            message,
            mend,
        });
    }

    fn weak<S>(&mut self, document: &Document<S>, at: &FieldPath, message: String) {
        self.warnings.push(Warning {
            place: document.place(at),
            rule: Rule::Weak,
            message,
        });
    }

    fn warn<S>(&mut self, document: &Document<S>, at: &FieldPath, message: String) {
        self.warnings.push(Warning {
            place: document.place(at),
            rule: Rule::Reference,
            message,
        });
    }
}
