//! What a node answers: its listeners, each led to the local application.

use std::collections::BTreeMap;

use mesh_model::{
    snapshot::{IngressPort, Protocol, Route, RouteTable, VirtualHost, WeightedCluster},
    spec::{
        Port,
        listener::{Listener, PortMapping},
        tls::{ListenerTls, TlsMode},
        virtual_node::VirtualNodeSpec,
    },
};

use super::{Resolver, cluster::listener_path, egress::WHOLE, timeout, tls};
use crate::{document::Document, problem::path::FieldPath};

impl Resolver<'_> {
    /// Every listener of the node, by port.
    pub(super) fn node_ingress(
        &mut self,
        node: &Document<VirtualNodeSpec>,
    ) -> BTreeMap<u16, IngressPort> {
        let listeners = node.spec.listeners();
        listeners
            .iter()
            .map(|listener| {
                let mapping = listener.port_mapping;
                let answer = self.ingress_port(node, listener, listeners.len() == 1);
                (mapping.port.into(), answer)
            })
            .collect()
    }

    fn ingress_port(
        &mut self,
        node: &Document<VirtualNodeSpec>,
        listener: &Listener,
        only: bool,
    ) -> IngressPort {
        self.judge_own_listener(node, listener);
        let PortMapping { port, protocol } = listener.port_mapping;
        let cluster = self.local_cluster(node, listener);
        let given = listener.timeout;
        let idle_timeout = timeout::idle(given.and_then(|timeout| timeout.idle()));
        let routes = (protocol != Protocol::Tcp).then(|| {
            let name = node.identity.name.clone();
            let target = WeightedCluster {
                cluster,
                weight: WHOLE,
            };
            let route = Route {
                request_timeout: timeout::request(given.and_then(|t| t.per_request())),
                idle_timeout,
                ..Route::with_prefix(name.clone(), "/", vec![target])
            };
            RouteTable {
                name: format!("rds_ingress_http_{port}"),
                virtual_hosts: vec![VirtualHost {
                    name,
                    domains: vec!["*".to_owned()],
                    routes: vec![route],
                }],
            }
        });
        IngressPort {
            listener: format!("lds_ingress_0.0.0.0_{}", self.settings.ingress_port),
            stat_prefix: stat_prefix(protocol, port, only),
            protocol,
            routes,
            cluster,
            tls: listener.tls.as_ref().and_then(tls::downstream),
            idle_timeout,
        }
    }

    fn judge_own_listener(&mut self, node: &Document<VirtualNodeSpec>, listener: &Listener) {
        let Some(at) = listener_path(node, listener) else {
            return;
        };
        self.judge_own_tls(listener.tls.as_ref(), &at);
    }

    /// Whether taking plain text alone on a listener of the workload is what its document asks for.
    pub(super) fn judge_own_tls(&mut self, tls: Option<&ListenerTls>, listener: &FieldPath) {
        let place = self
            .client
            .place(&listener.clone().members(&["tls", "mode"]));
        match tls.map(|tls| tls.mode) {
            Some(TlsMode::Strict) => self.remarks.refuse(
                place,
                "TLS is not terminated yet: plain text would be taken where TLS is required"
                    .to_owned(),
                "set the mode to PERMISSIVE or DISABLED to take plain text",
            ),
            Some(TlsMode::Permissive) => self.remarks.not_yet(
                place,
                "TLS is not terminated yet: clients that use it fail, plain text is taken"
                    .to_owned(),
            ),
            Some(TlsMode::Disabled) | None => {}
        }
    }
}

/// What a listener's statistics are counted under, whether or not it is the only one.
pub(super) fn stat_prefix(protocol: Protocol, port: Port, only: bool) -> String {
    if only {
        "ingress".to_owned()
    } else {
        format!("ingress.{}.{port}", protocol.as_str())
    }
}
