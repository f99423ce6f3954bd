//! What a workload answers: its node's listeners, each led to the local application.

use std::collections::BTreeMap;

use mesh_model::{
    snapshot::{IngressPort, Protocol, Route, RouteTable, VirtualHost, WeightedCluster},
    spec::{listener::Listener, tls::TlsMode},
};

use super::{
    Resolver,
    cluster::{ip_preference, listener_path},
    egress::WHOLE,
    timeout,
};

impl Resolver<'_> {
    /// Every listener of the node, by port.
    pub(super) fn ingress(&mut self) -> BTreeMap<u16, IngressPort> {
        let node = self.node;
        node.spec
            .listeners()
            .iter()
            .map(|listener| {
                (
                    listener.port_mapping.port.into(),
                    self.ingress_port(listener),
                )
            })
            .collect()
    }

    fn ingress_port(&mut self, listener: &Listener) -> IngressPort {
        self.judge_own_listener(listener);
        let name = &self.node.identity.name;
        let mapping = listener.port_mapping;
        let preference = ip_preference(self.mesh, self.node);
        let cluster = self
            .clusters
            .local(self.mesh_name, name, mapping, preference);
        let given = listener.timeout;
        let idle_timeout = timeout::idle(given.and_then(|timeout| timeout.idle()));
        let routes = (mapping.protocol != Protocol::Tcp).then(|| RouteTable {
            name: format!("rds_ingress_http_{}", mapping.port),
            virtual_hosts: vec![VirtualHost {
                name: name.clone(),
                domains: vec!["*".to_owned()],
                routes: vec![Route {
                    request_timeout: timeout::request(given.and_then(|t| t.per_request())),
                    idle_timeout,
                    ..Route::with_prefix(
                        name.clone(),
                        "/",
                        vec![WeightedCluster {
                            cluster,
                            weight: WHOLE,
                        }],
                    )
                }],
            }],
        });
        IngressPort {
            listener: "lds_ingress_0.0.0.0_15000".to_owned(),
            stat_prefix: "ingress".to_owned(),
            tls: None,
            protocol: mapping.protocol,
            routes,
            cluster,
            idle_timeout,
        }
    }

    fn judge_own_listener(&mut self, listener: &Listener) {
        let Some(at) = listener_path(self.node, listener) else {
            return;
        };
        if let Some(tls) = &listener.tls {
            let at = at.clone().members(&["tls", "mode"]);
            match tls.mode {
                TlsMode::Strict => self.remarks.refuse(
                    self.node,
                    &at,
                    "TLS is not terminated yet: plain text would be taken where TLS is required"
                        .to_owned(),
                    "set the mode to PERMISSIVE or DISABLED to take plain text",
                ),
                TlsMode::Permissive => self.remarks.not_yet(
                    self.node,
                    &at,
                    "TLS is not terminated yet: clients that use it fail, plain text is taken"
                        .to_owned(),
                ),
                TlsMode::Disabled => {}
            }
        }
        if listener.connection_pool.is_some() {
            self.remarks.not_yet(
                self.node,
                &at.member("connectionPool"),
                "the application is called without these limits".to_owned(),
            );
        }
    }
}
