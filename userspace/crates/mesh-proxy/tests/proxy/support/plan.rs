//! Snapshots, piece by piece.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use mesh_model::snapshot::{
    AccessLog, AccessLogFormat, CircuitBreakers, Cluster, ClusterId, DEFAULT_IDLE_TIMEOUT,
    Discovery, EgressFilter, EgressPort, Protocol, RetryPolicy, Route, RouteTable, Snapshot,
    TcpRoute, VirtualHost, WeightedCluster,
};

use super::log::Log;

/// A snapshot in the making.
#[derive(Clone)]
pub(crate) struct Plan(Snapshot);

impl Plan {
    pub(crate) fn new(egress_filter: EgressFilter) -> Self {
        let resource = "mesh/apps/virtualNode/serviceA".parse().unwrap();
        Self(Snapshot {
            generation: 1,
            egress_filter,
            egress_listener: "lds_egress_0.0.0.0_15001".to_owned(),
            ..Snapshot::empty(resource)
        })
    }

    /// A mesh with one service, `b.local`, on port 80.
    pub(crate) fn one(protocol: Protocol, endpoint: SocketAddr) -> Self {
        let mut plan = Self::new(EgressFilter::DropAll);
        let cluster = plan.cluster("b", protocol, Discovery::Static(vec![endpoint]));
        plan.service(80, "b.local", &[("/", &[(cluster, 1)])]);
        plan
    }

    pub(crate) fn cluster(
        &mut self,
        name: &str,
        protocol: Protocol,
        discovery: Discovery,
    ) -> ClusterId {
        self.0.clusters.push(Arc::new(Cluster::plain(
            name.to_owned(),
            protocol,
            discovery,
        )));
        ClusterId(self.0.clusters.len() - 1)
    }

    /// Changes what is said of a cluster.
    pub(crate) fn change(&mut self, id: ClusterId, change: impl FnOnce(&mut Cluster)) {
        change(Arc::make_mut(&mut self.0.clusters[id.0]));
    }

    /// Adds a virtual service with prefix routes.
    pub(crate) fn service(
        &mut self,
        port: u16,
        host: &str,
        routes: &[(&str, &[(ClusterId, u32)])],
    ) -> &mut Self {
        let routes = routes
            .iter()
            .map(|(prefix, targets)| {
                Route::with_prefix((*prefix).to_owned(), prefix, weighted(targets))
            })
            .collect();
        let virtual_host = VirtualHost {
            name: host.to_owned(),
            domains: vec![host.to_owned(), format!("{host}:{port}")],
            routes,
        };
        let answer = self.0.egress.entry(port).or_insert_with(|| {
            EgressPort::Http(RouteTable {
                name: format!("rds_egress_http_{port}"),
                virtual_hosts: Vec::new(),
            })
        });
        let EgressPort::Http(table) = answer else {
            panic!("port {port} speaks no HTTP");
        };
        table.virtual_hosts.push(virtual_host);
        self
    }

    pub(crate) fn tcp(&mut self, port: u16, targets: &[(ClusterId, u32)]) -> &mut Self {
        let route = TcpRoute {
            name: format!("tcp-{port}"),
            targets: weighted(targets),
            idle_timeout: Some(DEFAULT_IDLE_TIMEOUT),
            fails_over: false,
        };
        self.0.egress.insert(port, EgressPort::Tcp(route));
        self
    }

    /// Services that are told apart by the addresses of their names.
    pub(crate) fn tcp_by_address(
        &mut self,
        port: u16,
        services: &[(&str, ClusterId)],
    ) -> &mut Self {
        let routes = services.iter().map(|(name, cluster)| TcpRoute {
            name: (*name).to_owned(),
            targets: weighted(&[(*cluster, 1)]),
            idle_timeout: Some(DEFAULT_IDLE_TIMEOUT),
            fails_over: false,
        });
        let services = EgressPort::TcpByAddress(routes.collect());
        self.0.egress.insert(port, services);
        self
    }

    /// A cluster `aws` for TLS towards AWS endpoints.
    pub(crate) fn aws_endpoints(&mut self) -> &mut Self {
        let aws = self.cluster("aws", Protocol::Tcp, Discovery::OriginalDestination);
        self.0.aws_endpoints = Some(aws);
        self
    }

    /// Gives every route these times.
    pub(crate) fn timeouts(&mut self, request: Option<Duration>, idle: Option<Duration>) {
        for answer in self.0.egress.values_mut() {
            match answer {
                EgressPort::Http(table) => {
                    let hosts = table.virtual_hosts.iter_mut();
                    for route in hosts.flat_map(|host| &mut host.routes) {
                        route.request_timeout = request;
                        route.idle_timeout = idle;
                    }
                }
                EgressPort::Tcp(route) => route.idle_timeout = idle,
                EgressPort::TcpByAddress(routes) => {
                    for route in routes {
                        route.idle_timeout = idle;
                    }
                }
            }
        }
    }

    /// Gives every route this policy.
    pub(crate) fn retries(&mut self, policy: &RetryPolicy) -> &mut Self {
        for answer in self.0.egress.values_mut() {
            if let EgressPort::Http(table) = answer {
                let hosts = table.virtual_hosts.iter_mut();
                for route in hosts.flat_map(|host| &mut host.routes) {
                    route.retry = Some(policy.clone());
                }
            }
        }
        self
    }

    /// Has every route fail over.
    pub(crate) fn fails_over(&mut self) {
        for answer in self.0.egress.values_mut() {
            match answer {
                EgressPort::Http(table) => {
                    let hosts = table.virtual_hosts.iter_mut();
                    for route in hosts.flat_map(|host| &mut host.routes) {
                        route.fails_over = true;
                    }
                }
                EgressPort::Tcp(route) => route.fails_over = true,
                EgressPort::TcpByAddress(routes) => {
                    for route in routes {
                        route.fails_over = true;
                    }
                }
            }
        }
    }

    /// Gives every cluster these limits.
    pub(crate) fn limits(&mut self, limits: CircuitBreakers) -> &mut Self {
        for cluster in &mut self.0.clusters {
            Arc::make_mut(cluster).circuit_breakers = limits;
        }
        self
    }

    pub(crate) fn access_log(&mut self, log: AccessLog) -> &mut Self {
        self.0.access_log = Some(log);
        self
    }

    /// Has what passes written down as this text says; where that is.
    pub(crate) fn logged(&mut self, text: &str) -> Log {
        let log = Log::new();
        self.access_log(log.config(AccessLogFormat::Text(text.to_owned())));
        log
    }

    pub(crate) fn generation(mut self, generation: u64) -> Self {
        self.0.generation = generation;
        self
    }

    pub(crate) fn snapshot(self) -> Arc<Snapshot> {
        Arc::new(self.0)
    }
}

fn weighted(targets: &[(ClusterId, u32)]) -> Vec<WeightedCluster> {
    targets
        .iter()
        .map(|&(cluster, weight)| WeightedCluster { cluster, weight })
        .collect()
}
