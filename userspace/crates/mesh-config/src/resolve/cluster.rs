//! Clusters under App Mesh's names, each once.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use mesh_model::{
    snapshot::{
        CircuitBreakers, Cluster, ClusterId, DEFAULT_CONNECT_TIMEOUT, Discovery, HealthCheck,
        InstanceFile, IpPreference, OutlierDetection, Protocol, RetryBudget, ZoneAware,
    },
    spec::{
        Number, Port,
        discovery::ServiceDiscovery,
        listener::{self, ConnectionPool, Listener, PortMapping},
        mesh_options,
        tls::TlsMode,
        virtual_node::VirtualNodeSpec,
    },
};

use super::{Resolver, egress::Called, settings, tls};
use crate::{
    document::{Document, Mesh},
    problem::path::FieldPath,
};

/// The connect timeout that App Mesh gave the clusters of ingress: the local application, and the way
/// from a gateway's ingress to its own egress.
pub(super) const INGRESS_CONNECT_TIMEOUT: Duration = Duration::from_millis(250);

/// The clusters of one snapshot, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(super) struct Clusters {
    clusters: Vec<Arc<Cluster>>,
    by_name: HashMap<String, ClusterId>,
}

impl Clusters {
    pub(super) fn into_vec(self) -> Vec<Arc<Cluster>> {
        self.clusters
    }

    fn named(&self, name: &str) -> Option<(ClusterId, &Cluster)> {
        let id = *self.by_name.get(name)?;
        Some((id, &self.clusters[id.0]))
    }

    /// The id of a cluster, which is added if its name is new.
    pub(super) fn add(&mut self, cluster: Cluster) -> ClusterId {
        if let Some((id, _)) = self.named(&cluster.name) {
            return id;
        }
        let id = ClusterId(self.clusters.len());
        self.by_name.insert(cluster.name.clone(), id);
        self.clusters.push(Arc::new(cluster));
        id
    }
}

/// Where egress goes that no virtual service matches, under `ALLOW_ALL`.
pub(super) fn allow_all(mesh: &str) -> Cluster {
    Cluster::plain(
        format!("cds_egress_{mesh}_mesh-allow-all"),
        Protocol::Tcp,
        Discovery::OriginalDestination,
    )
}

/// Where TLS to AWS's own endpoints goes, which every node may call.
pub(super) fn aws_endpoints(mesh: &str) -> Cluster {
    Cluster::plain(
        format!("cds_egress_{mesh}_amazonaws"),
        Protocol::Tcp,
        Discovery::OriginalDestination,
    )
}

impl<'a> Resolver<'a> {
    /// Adds a cluster without a connection pool of its own.
    pub(super) fn add_cluster(&mut self, cluster: Cluster) -> ClusterId {
        let circuit_breakers = self.settings.circuit_breakers;
        self.clusters.add(Cluster {
            circuit_breakers,
            ..cluster
        })
    }

    /// The local application behind one listener of the node.
    pub(super) fn local_cluster(
        &mut self,
        node: &Document<VirtualNodeSpec>,
        listener: &Listener,
    ) -> ClusterId {
        // The guide's table of `ipPreference`: "the endpoint created for the local app".
        let address = match ip_preference(self.mesh, node) {
            IpPreference::V6Only | IpPreference::V6Preferred => IpAddr::V6(Ipv6Addr::LOCALHOST),
            IpPreference::Unset | IpPreference::V4Only | IpPreference::V4Preferred => {
                IpAddr::V4(Ipv4Addr::LOCALHOST)
            }
        };
        let PortMapping { port, protocol } = listener.port_mapping;
        let name = format!(
            "cds_ingress_{}_{}_{}_{port}",
            self.mesh_name,
            node.identity.name,
            protocol.as_str()
        );
        let endpoint = SocketAddr::new(address, port.into());
        let default = self.settings.circuit_breakers;
        self.clusters.add(Cluster {
            connect_timeout: INGRESS_CONNECT_TIMEOUT,
            circuit_breakers: listener.connection_pool.map_or(default, limits),
            ..Cluster::plain(name, protocol, Discovery::Static(vec![endpoint]))
        })
    }

    /// The cluster of one listener of a node that this workload calls by a service's port.
    pub(super) fn backend_cluster(
        &mut self,
        called: &Called<'a>,
        asked: Port,
        node: &'a Document<VirtualNodeSpec>,
        listener: &'a Listener,
    ) -> Option<ClusterId> {
        let PortMapping { port, protocol } = listener.port_mapping;
        self.judge_client_tls(called, [asked, port]);
        let policy = called.policy.as_ref().map(|policy| policy.tls);
        let tls = tls::upstream(policy, &node.spec, listener.tls.as_ref(), [asked, port]);
        let name = format!(
            "cds_egress_{}_{}_{}_{port}",
            self.mesh_name,
            node.identity.name,
            protocol.as_str()
        );
        if let Some((id, known)) = self.clusters.named(&name) {
            if known.tls != tls {
                self.refuse_two_policies(called, &name);
            }
            return Some(id);
        }
        self.judge_listener(node, listener);
        // Reading refuses listeners without a discovery.
        let discovery = self.discovery(node, port)?;
        let own_port = u16::from(port);
        let path = self.settings.instances.clone();
        let instances = path.map(|path| InstanceFile {
            path,
            node: node.identity.name.clone(),
            port: own_port,
            ip_preference: self.preference_of(node),
        });
        let zone_aware = self.zone_aware(node);
        let options = self.node_options(node).map(|added| &added.options);
        let connect_timeout = options.and_then(|options| options.connect_timeout);
        let balancing = options.and_then(|options| options.balancing);
        let budget = options.and_then(|options| options.retry_budget);
        Some(
            self.clusters.add(Cluster {
                balancing: balancing.unwrap_or_default(),
                zone_aware,
                circuit_breakers: CircuitBreakers {
                    retry_budget: budget.map(retry_budget),
                    ..self.settings.circuit_breakers
                },
                connect_timeout: connect_timeout.map_or(DEFAULT_CONNECT_TIMEOUT, Duration::from),
                health_check: listener
                    .health_check
                    .as_ref()
                    .map(|check| health_check(check, own_port)),
                outlier_detection: listener.outlier_detection.map(outlier_detection),
                tls,
                instances,
                ..Cluster::plain(name, protocol, discovery)
            }),
        )
    }

    /// What options say of zones, for a workload in its own.
    fn zone_aware(&mut self, node: &Document<VirtualNodeSpec>) -> Option<ZoneAware> {
        let added = self.node_options(node)?;
        let policy = added.options.zone_aware?;
        let own_zone = self.settings.zone.clone();
        if own_zone.is_none() {
            let message = format!(
                "all endpoints are alike to this workload, for nobody says which zone it is in; set {} \
                 among its variables to a zone of the endpoints",
                settings::ZONE
            );
            self.remarks.note(added.place(&["zoneAware"]), message);
        }
        Some(ZoneAware { policy, own_zone })
    }

    /// The address families in which a node is reached.
    fn preference_of(&self, node: &Document<VirtualNodeSpec>) -> IpPreference {
        let mesh = self.documents.mesh(&node.identity.mesh);
        mesh.map_or(IpPreference::Unset, |mesh| ip_preference(mesh, node))
    }

    fn discovery(&self, node: &Document<VirtualNodeSpec>, port: Port) -> Option<Discovery> {
        let ip_preference = self.preference_of(node);
        Some(match node.spec.service_discovery.as_ref()? {
            ServiceDiscovery::Dns(dns) => Discovery::Dns {
                hostname: dns.hostname.as_str().to_ascii_lowercase(),
                port: port.into(),
                response: dns.response_type.unwrap_or_default(),
                ip_preference,
                respects_ttl: self.settings.respects_dns_ttl,
            },
            ServiceDiscovery::AwsCloudMap(cloud_map) => {
                let attributes = cloud_map.attributes.as_deref().unwrap_or_default();
                let pairs = attributes.iter().map(|attribute| {
                    let value = attribute.value.as_str().to_owned();
                    (attribute.key.as_str().to_owned(), value)
                });
                Discovery::CloudMap {
                    namespace: cloud_map.namespace_name.as_str().to_owned(),
                    service: cloud_map.service_name.as_str().to_owned(),
                    attributes: pairs.collect(),
                    port: port.into(),
                    ip_preference,
                }
            }
        })
    }

    /// A cluster bears the name of the listener that it calls, and can be called in one way only.
    fn refuse_two_policies(&mut self, called: &Called<'_>, cluster: &str) {
        let at = called
            .policy
            .as_ref()
            .map_or_else(FieldPath::spec, |policy| policy.at.clone());
        let service = &called.service.identity.name;
        self.remarks.refuse(
            self.client.place(&at),
            format!(
                "`{service}` leads to `{cluster}`, which another backend calls under another client \
                 policy: both would be called under the first"
            ),
            "give both backends the same client policy",
        );
    }

    /// What a client does about the listener of a node that it calls.
    fn judge_listener(&mut self, node: &Document<VirtualNodeSpec>, listener: &Listener) {
        let Some(at) = listener_path(node, listener) else {
            return;
        };
        let mode = at.members(&["tls", "mode"]);
        match listener.tls.as_ref().map(|tls| tls.mode) {
            Some(TlsMode::Strict) => self.remarks.refuse(
                node.place(&mode),
                "this listener takes TLS only, and backends are not called with TLS yet".to_owned(),
                "set the mode to PERMISSIVE to have it called in plain text",
            ),
            Some(TlsMode::Permissive) => self.remarks.not_yet(
                node.place(&mode),
                "this listener offers TLS, and is called in plain text".to_owned(),
            ),
            Some(TlsMode::Disabled) | None => {}
        }
    }

    /// Whether calling a backend in plain text would be against the workload's own policy.
    pub(super) fn judge_client_tls(&mut self, called: &Called<'_>, ports: [Port; 2]) {
        let Some(policy) = &called.policy else { return };
        if !tls::covers(policy.tls, ports) {
            return;
        }
        let service = &called.service.identity.name;
        let place = self.client.place(&policy.at);
        if policy.tls.enforce.unwrap_or(true) {
            self.remarks.refuse(
                place,
                format!(
                    "TLS towards `{service}` is enforced, and backends are not called with TLS yet"
                ),
                "set `enforce` to false to have it called in plain text",
            );
        } else {
            self.remarks.not_yet(
                place,
                format!("`{service}` is called in plain text also where it offers TLS"),
            );
        }
    }
}

/// The limits of a connection pool; what it does not name is not limited.
pub(super) fn limits(pool: ConnectionPool) -> CircuitBreakers {
    let none = CircuitBreakers::default();
    match pool {
        ConnectionPool::Grpc(pool) | ConnectionPool::Http2(pool) => CircuitBreakers {
            max_requests: number(pool.max_requests),
            ..none
        },
        ConnectionPool::Http(pool) => CircuitBreakers {
            max_connections: number(pool.max_connections),
            max_pending_requests: pool
                .max_pending_requests
                .map_or(CircuitBreakers::OFF, number),
            ..none
        },
        ConnectionPool::Tcp(pool) => CircuitBreakers {
            max_connections: number(pool.max_connections),
            ..none
        },
    }
}

/// A budget; what it does not name is Envoy's.
fn retry_budget(given: mesh_options::RetryBudget) -> RetryBudget {
    let usual = RetryBudget::ENVOY;
    RetryBudget {
        budget_percent: given.budget_percent.map_or(usual.budget_percent, number),
        min_retry_concurrency: given
            .min_retry_concurrency
            .map_or(usual.min_retry_concurrency, number),
    }
}

fn health_check(check: &listener::HealthCheck, own_port: u16) -> HealthCheck {
    // Envoy needs a path for HTTP and takes none elsewhere, where App Mesh ignored it.
    let path = match check.protocol {
        Protocol::Http | Protocol::Http2 => {
            let given = check.path.clone().filter(|path| !path.is_empty());
            Some(given.unwrap_or_else(|| "/".to_owned()))
        }
        Protocol::Grpc | Protocol::Tcp => None,
    };
    HealthCheck {
        protocol: check.protocol,
        path,
        port: check.port.map_or(own_port, u16::from),
        interval: millis(check.interval_millis),
        timeout: millis(check.timeout_millis),
        healthy_threshold: number(check.healthy_threshold),
        unhealthy_threshold: number(check.unhealthy_threshold),
    }
}

/// A time of 0, which App Mesh's API takes and Envoy refuses, is as one that is not given to Envoy.
fn outlier_detection(given: listener::OutlierDetection) -> OutlierDetection {
    const INTERVAL: Duration = Duration::from_secs(10);
    const BASE: Duration = Duration::from_secs(30);
    let time = |given: Duration, default| if given.is_zero() { default } else { given };
    OutlierDetection {
        consecutive_5xx: u64::try_from(i64::from(given.max_server_errors)).unwrap_or(u64::MAX),
        interval: time(given.interval.into(), INTERVAL),
        base_ejection_time: time(given.base_ejection_duration.into(), BASE),
        max_ejection_percent: number(given.max_ejection_percent),
    }
}

/// A number whose bounds lie within those of `u32`.
fn number<const MIN: i64, const MAX: i64>(given: Number<MIN, MAX>) -> u32 {
    u32::try_from(i64::from(given)).unwrap_or(u32::MAX)
}

fn millis<const MIN: i64, const MAX: i64>(given: Number<MIN, MAX>) -> Duration {
    Duration::from_millis(number(given).into())
}

/// The path of a listener in its node's document.
pub(super) fn listener_path(
    node: &Document<VirtualNodeSpec>,
    listener: &Listener,
) -> Option<FieldPath> {
    let index = node
        .spec
        .listeners()
        .iter()
        .position(|other| other.port_mapping.port == listener.port_mapping.port)?;
    Some(FieldPath::spec().member("listeners").item(index))
}

/// The node's own word on address families, else its mesh's.
fn ip_preference(mesh: &Mesh, node: &Document<VirtualNodeSpec>) -> IpPreference {
    let own = node
        .spec
        .service_discovery
        .as_ref()
        .and_then(ServiceDiscovery::ip_preference);
    let of_mesh = || {
        let mesh = mesh.mesh.as_ref()?;
        mesh.spec.service_discovery.as_ref()?.ip_preference
    };
    own.or_else(of_mesh)
        .map_or(IpPreference::Unset, IpPreference::from)
}
