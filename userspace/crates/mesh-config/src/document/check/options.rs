//! Documents of options against those of the mesh.

use std::collections::BTreeSet;

use mesh_model::{
    snapshot::{Balancing, Protocol},
    spec::{
        discovery::ServiceDiscovery,
        mesh_options::{RouteOptions, VirtualNodeOptions, VirtualServiceOptions},
        route::RouteSpec,
        virtual_node::VirtualNodeSpec,
    },
};

use super::{
    Check,
    answer::{AnsweredBy, answered_by},
    silent,
};
use crate::{
    document::{
        Document, Mesh,
        identity::{Kind, dns_key},
        options::Added,
    },
    problem::{Rule, Warning, suggest},
};

impl Check<'_> {
    /// That what options are for is there, and can have them.
    pub(super) fn options(&mut self, name: &str, mesh: &Mesh) {
        for added in mesh.options.virtual_services.values() {
            self.service_options(name, mesh, added);
        }
        for added in mesh.options.virtual_nodes.values() {
            self.node_options(name, mesh, added);
        }
        for (key, added) in &mesh.options.routes {
            self.route_options(name, mesh, key, added);
        }
    }

    fn service_options(
        &mut self,
        mesh_name: &str,
        mesh: &Mesh,
        added: &Added<VirtualServiceOptions>,
    ) {
        let given = added.options.virtual_service_name.as_str();
        let Some(service) = mesh.virtual_services.get(&*dns_key(given)) else {
            let place = added.place(&[Kind::VirtualService.name_member()]);
            return self.unknown_at(place, mesh_name, Kind::VirtualService, given);
        };
        let Some(timeout) = added.options.timeout else {
            return;
        };
        match answered_by(self.documents, service) {
            Some(AnsweredBy::Router(_, router)) => {
                let message = format!(
                    "{} provides this service, and the times of a request are those of its routes",
                    router.identity
                );
                let mend = "set `timeout` of its routes, and remove this";
                self.refuse_at(added.place(&["timeout"]), message, mend.to_owned());
            }
            Some(AnsweredBy::Node(node)) => {
                let all_tcp = is_tcp_alone(node);
                let of_requests = [
                    ("perRequest", timeout.per_request),
                    ("perTry", timeout.per_try),
                ];
                let of_requests = of_requests.into_iter().filter(|(_, given)| given.is_some());
                for (field, _) in of_requests.filter(|_| all_tcp) {
                    let message = format!(
                        "{} listens for TCP alone, which has no requests",
                        node.identity
                    );
                    let mend = "write `idle`, the time of a connection, or remove this";
                    self.refuse_at(added.place(&["timeout", field]), message, mend.to_owned());
                }
            }
            None => {}
        }
    }

    fn node_options(&mut self, mesh_name: &str, mesh: &Mesh, added: &Added<VirtualNodeOptions>) {
        let given = added.options.virtual_node_name.as_str();
        let Some(node) = mesh.virtual_nodes.get(given) else {
            let place = added.place(&[Kind::VirtualNode.name_member()]);
            return self.unknown_at(place, mesh_name, Kind::VirtualNode, given);
        };
        if added.options.retry_budget.is_some() && is_tcp_alone(node) {
            let message = format!(
                "{} listens for TCP alone, and connections are not tried again",
                node.identity
            );
            let mend = "remove this".to_owned();
            self.refuse_at(added.place(&["retryBudget"]), message, mend);
        }
        self.zones_of(node, added);
        let lone = silent::lone_name(node);
        if let (Some(name), Some(Balancing::LeastRequest)) = (lone, added.options.balancing) {
            self.warnings.push(Warning {
                place: added.place(&["balancing"]),
                rule: Rule::Weak,
                message: format!(
                    "clients know one address of `{name}` at a time, for its DNS answers are read \
                     as a load balancer's: there is nothing to choose from, unless a file of \
                     instances names several; write `responseType`: \"ENDPOINTS\" in the node"
                ),
            });
        }
    }

    /// AWS Cloud Map and the file of instances know zones; answers of DNS have none.
    fn zones_of(&mut self, node: &Document<VirtualNodeSpec>, added: &Added<VirtualNodeOptions>) {
        let discovery = &node.spec.service_discovery;
        if let (Some(ServiceDiscovery::Dns(dns)), Some(_)) = (discovery, added.options.zone_aware) {
            self.warnings.push(Warning {
                place: added.place(&["zoneAware"]),
                rule: Rule::Weak,
                message: format!(
                    "clients find `{}` by DNS, whose answers have no zones: all endpoints are alike, \
                     unless a file of instances names them with their zones",
                    dns.hostname
                ),
            });
        }
    }

    fn route_options(
        &mut self,
        mesh_name: &str,
        mesh: &Mesh,
        key: &(String, String),
        added: &Added<RouteOptions>,
    ) {
        let (router, name) = key;
        if !mesh.virtual_routers.contains_key(router) {
            let place = added.place(&[Kind::VirtualRouter.name_member()]);
            return self.unknown_at(place, mesh_name, Kind::VirtualRouter, router);
        }
        let Some(route) = mesh.routes.get(key) else {
            let names = mesh.routes_of(router);
            let names = names.map(|route| route.identity.name.as_str());
            let mend = match suggest::listed(name, names) {
                Some(names) => format!("write {names}, or add a document for it"),
                None => "add a document for it".to_owned(),
            };
            let message = format!("virtual router `{router}` has no route `{name}`");
            let place = added.place(&[Kind::Route.name_member()]);
            return self.refuse_at(place, message, mend);
        };
        if added.options.failover.is_some() && shares(route) < 2 {
            self.warnings.push(Warning {
                place: added.place(&["failover"]),
                rule: Rule::Weak,
                message: format!(
                    "{} has no other target with a weight: there is nowhere to fail over to",
                    route.identity
                ),
            });
        }
    }
}

/// How many nodes get a share of what a route takes.
fn shares(route: &Document<RouteSpec>) -> usize {
    let targets = route.spec.kind.targets().iter();
    let with_share = targets.filter(|target| i64::from(target.weight) > 0);
    let nodes: BTreeSet<_> = with_share
        .map(|target| (target.virtual_node.as_str(), target.port))
        .collect();
    nodes.len()
}

fn is_tcp_alone(node: &Document<VirtualNodeSpec>) -> bool {
    let mut listeners = node.spec.listeners().iter();
    listeners.all(|listener| listener.port_mapping.protocol == Protocol::Tcp)
}
