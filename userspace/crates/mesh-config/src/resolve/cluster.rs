//! Clusters under App Mesh's names, each once.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use mesh_model::{
    snapshot::{Cluster, ClusterId, Discovery, IpPreference, Protocol},
    spec::{
        discovery::ServiceDiscovery,
        listener::{Listener, PortMapping},
        tls::TlsMode,
        virtual_node::VirtualNodeSpec,
    },
};

use super::{Remarks, Resolver};
use crate::{
    document::{Document, Mesh},
    problem::path::FieldPath,
};

/// The clusters of one snapshot, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(super) struct Clusters(Vec<Arc<Cluster>>);

impl Clusters {
    pub(super) fn into_vec(self) -> Vec<Arc<Cluster>> {
        self.0
    }

    /// The id of a cluster, which is added if its name is new.
    fn add(&mut self, cluster: Cluster) -> ClusterId {
        let known = self.0.iter().position(|known| known.name == cluster.name);
        ClusterId(known.unwrap_or_else(|| {
            self.0.push(Arc::new(cluster));
            self.0.len() - 1
        }))
    }

    /// The local application behind one listener of the node.
    pub(super) fn local(
        &mut self,
        mesh: &str,
        node: &str,
        mapping: PortMapping,
        preference: IpPreference,
    ) -> ClusterId {
        // The guide's table of `ipPreference`: "the endpoint created for the local app".
        let address = match preference {
            IpPreference::V6Only | IpPreference::V6Preferred => IpAddr::V6(Ipv6Addr::LOCALHOST),
            IpPreference::Unset | IpPreference::V4Only | IpPreference::V4Preferred => {
                IpAddr::V4(Ipv4Addr::LOCALHOST)
            }
        };
        let PortMapping { port, protocol } = mapping;
        self.add(Cluster::plain(
            format!("cds_ingress_{mesh}_{node}_{}_{port}", protocol.as_str()),
            protocol,
            Discovery::Static(vec![SocketAddr::new(address, port.into())]),
        ))
    }

    /// Where egress goes that no virtual service matches, under `ALLOW_ALL`.
    pub(super) fn allow_all(&mut self, mesh: &str) -> ClusterId {
        self.add(Cluster::plain(
            format!("cds_egress_{mesh}_mesh-allow-all"),
            Protocol::Tcp,
            Discovery::OriginalDestination,
        ))
    }
}

impl Resolver<'_> {
    /// The cluster of one listener of a node that this workload calls. None where it cannot be
    /// called yet, which is a problem by then.
    pub(super) fn backend_cluster(
        &mut self,
        node: &Document<VirtualNodeSpec>,
        listener: &Listener,
    ) -> Option<ClusterId> {
        let PortMapping { port, protocol } = listener.port_mapping;
        self.judge_listener(node, listener);
        let dns = match &node.spec.service_discovery {
            Some(ServiceDiscovery::Dns(dns)) => dns,
            Some(ServiceDiscovery::AwsCloudMap(_)) => {
                self.remarks.refuse(
                    node,
                    &FieldPath::spec().members(&["serviceDiscovery", "awsCloudMap"]),
                    "AWS Cloud Map is not asked yet: this node would have no address".to_owned(),
                    "give the node a `dns` service discovery",
                );
                return None;
            }
            // Reading refuses listeners without a discovery.
            None => return None,
        };
        let mesh = self.documents.mesh(&node.identity.mesh);
        let cluster = Cluster::plain(
            format!(
                "cds_egress_{}_{}_{}_{port}",
                self.mesh_name,
                node.identity.name,
                protocol.as_str()
            ),
            protocol,
            Discovery::Dns {
                hostname: dns.hostname.as_str().to_ascii_lowercase(),
                port: port.into(),
                response: dns.response_type.unwrap_or_default(),
                ip_preference: mesh.map_or(IpPreference::Unset, |mesh| ip_preference(mesh, node)),
            },
        );
        Some(self.clusters.add(cluster))
    }

    /// What a client does about the listener of a node that it calls.
    fn judge_listener(&mut self, node: &Document<VirtualNodeSpec>, listener: &Listener) {
        let Some(at) = listener_path(node, listener) else {
            return;
        };
        judge_tls(&mut self.remarks, node, listener, &at);
        if listener.health_check.is_some() {
            self.remarks.not_yet(
                node,
                &at.clone().member("healthCheck"),
                "no health check is made: every address counts as healthy".to_owned(),
            );
        }
        if listener.outlier_detection.is_some() {
            self.remarks.not_yet(
                node,
                &at.member("outlierDetection"),
                "no address is ever ejected".to_owned(),
            );
        }
    }
}

fn judge_tls(
    remarks: &mut Remarks,
    node: &Document<VirtualNodeSpec>,
    listener: &Listener,
    at: &FieldPath,
) {
    let at = at.clone().members(&["tls", "mode"]);
    match listener.tls.as_ref().map(|tls| tls.mode) {
        Some(TlsMode::Strict) => remarks.refuse(
            node,
            &at,
            "this listener takes TLS only, and backends are not called with TLS yet".to_owned(),
            "set the mode to PERMISSIVE to have it called in plain text",
        ),
        Some(TlsMode::Permissive) => remarks.not_yet(
            node,
            &at,
            "this listener offers TLS, and is called in plain text".to_owned(),
        ),
        Some(TlsMode::Disabled) | None => {}
    }
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
pub(super) fn ip_preference(mesh: &Mesh, node: &Document<VirtualNodeSpec>) -> IpPreference {
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
