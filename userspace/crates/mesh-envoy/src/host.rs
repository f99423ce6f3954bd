//! What differs from host to host, from the variables of App Mesh's Envoy image.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Where Envoy listens and what it finds on its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The port to which egress is redirected; 15001 as a rule.
    pub egress_port: u16,
    /// The port to which a node's ingress is redirected; 15000 as a rule.
    pub ingress_port: u16,
    /// Where the listeners bind: 0.0.0.0; `::` takes IPv4 and IPv6.
    pub listen: IpAddr,
    /// Where the admin interface binds (`ENVOY_ADMIN_ACCESS_ENABLE_IPV6`).
    pub admin: IpAddr,
    /// `ENVOY_ADMIN_ACCESS_PORT`
    pub admin_port: u16,
    /// `ENVOY_ADMIN_ACCESS_LOG_FILE`
    pub admin_log: String,
    /// `ENVOY_OUTLIER_DETECTION_EVENT_LOG_PATH`
    pub outlier_log: String,
    /// `APPMESH_SDS_SOCKET_PATH`
    pub sds_socket: String,
    /// Where the endpoints of AWS Cloud Map services with attributes are, one file a cluster:
    /// a discovery response with one `ClusterLoadAssignment`.
    pub endpoints: String,
    /// Whether statistics bear the mesh's and the resource's names (`ENABLE_ENVOY_STATS_TAGS`).
    pub stats_tags: bool,
    /// What the proxy calls itself in place of its resource (`APPMESH_RESOURCE_CLUSTER`).
    pub cluster: Option<String>,
    /// Whether a probe that succeeds ends an ejection (`ENVOY_ACTIVE_HEALTH_CHECK_UNEJECT_HOST`).
    pub uneject: bool,
}

/// A variable whose value is of the wrong sort.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: `{value}` is no {sort}")]
pub struct InvalidVariable {
    name: &'static str,
    value: String,
    sort: &'static str,
}

impl Host {
    /// The host that the variables describe, with the image's defaults.
    ///
    /// # Errors
    /// A variable has a value that it cannot have.
    pub fn new(
        environment: &BTreeMap<String, String>,
        (egress_port, ingress_port): (u16, u16),
    ) -> Result<Self, InvalidVariable> {
        let given = |name| environment.get(name).filter(|value| !value.is_empty());
        let text = |name, default: &str| given(name).map_or(default, String::as_str).to_owned();
        let admin_port = given("ENVOY_ADMIN_ACCESS_PORT").map_or(Ok(9901), |value| {
            value.parse().map_err(|_| InvalidVariable {
                name: "ENVOY_ADMIN_ACCESS_PORT",
                value: value.clone(),
                sort: "port",
            })
        })?;
        let admin = if switch(environment, "ENVOY_ADMIN_ACCESS_ENABLE_IPV6")? {
            Ipv6Addr::UNSPECIFIED.into()
        } else {
            Ipv4Addr::UNSPECIFIED.into()
        };
        Ok(Self {
            egress_port,
            ingress_port,
            listen: Ipv4Addr::UNSPECIFIED.into(),
            admin,
            admin_port,
            admin_log: text("ENVOY_ADMIN_ACCESS_LOG_FILE", "/tmp/envoy_admin_access.log"),
            outlier_log: text("ENVOY_OUTLIER_DETECTION_EVENT_LOG_PATH", "/dev/stdout"),
            sds_socket: text("APPMESH_SDS_SOCKET_PATH", "/run/spire/sockets/agent.sock"),
            endpoints: "/etc/envoy/eds".to_owned(),
            stats_tags: switch(environment, "ENABLE_ENVOY_STATS_TAGS")?,
            cluster: given("APPMESH_RESOURCE_CLUSTER").cloned(),
            uneject: switch(environment, "ENVOY_ACTIVE_HEALTH_CHECK_UNEJECT_HOST")?,
        })
    }
}

/// A variable that is on or off; unset it is off.
fn switch(
    environment: &BTreeMap<String, String>,
    name: &'static str,
) -> Result<bool, InvalidVariable> {
    let value = environment.get(name).map_or("", |value| value.trim());
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" => Ok(true),
        "" | "0" | "false" => Ok(false),
        _ => Err(InvalidVariable {
            name,
            value: value.to_owned(),
            sort: "switch: write 1 or 0",
        }),
    }
}

#[cfg(test)]
mod tests;
