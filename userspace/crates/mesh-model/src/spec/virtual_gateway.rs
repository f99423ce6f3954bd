//! A virtual gateway: what a proxy at the edge of the mesh listens on, and how it calls into it.

use serde::Serialize;

use super::{
    Number, Port,
    listener::{HttpPool, RequestPool},
    logging::Logging,
    tls::ListenerTls,
    virtual_node::BackendDefaults,
};
use crate::snapshot::Protocol;

/// `VirtualGatewaySpec`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualGatewaySpec {
    /// How virtual services are connected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend_defaults: Option<BackendDefaults>,
    /// What the gateway listens on; each port once. The API allows none.
    pub listeners: Vec<GatewayListener>,
    /// Where accesses are written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<Logging>,
}

/// `VirtualGatewayListener`; the pool is of its protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayListener {
    /// Limits on what the gateway has open at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_pool: Option<GatewayPool>,
    /// How the gateway is probed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<GatewayHealthCheck>,
    /// Port and protocol.
    pub port_mapping: GatewayPortMapping,
    /// How it is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ListenerTls>,
}

/// `VirtualGatewayPortProtocol`: gateways have no TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GatewayProtocol {
    /// gRPC, over HTTP/2.
    Grpc,
    /// HTTP/1.1.
    Http,
    /// HTTP/2.
    Http2,
}

impl From<GatewayProtocol> for Protocol {
    fn from(protocol: GatewayProtocol) -> Self {
        match protocol {
            GatewayProtocol::Grpc => Self::Grpc,
            GatewayProtocol::Http => Self::Http,
            GatewayProtocol::Http2 => Self::Http2,
        }
    }
}

/// `VirtualGatewayPortMapping`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GatewayPortMapping {
    /// The port.
    pub port: Port,
    /// What is spoken on it.
    pub protocol: GatewayProtocol,
}

/// `VirtualGatewayConnectionPool`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GatewayPool {
    /// Of a gRPC listener.
    Grpc(RequestPool),
    /// Of an HTTP/1.1 listener.
    Http(HttpPool),
    /// Of an HTTP/2 listener.
    Http2(RequestPool),
}

impl GatewayPool {
    /// The protocol whose member of the union it is.
    pub fn protocol(&self) -> GatewayProtocol {
        match self {
            Self::Grpc(_) => GatewayProtocol::Grpc,
            Self::Http(_) => GatewayProtocol::Http,
            Self::Http2(_) => GatewayProtocol::Http2,
        }
    }
}

/// `VirtualGatewayHealthCheckPolicy`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayHealthCheck {
    /// Successes in a row that make the gateway healthy.
    pub healthy_threshold: Number<2, 10>,
    /// Milliseconds between probes.
    pub interval_millis: Number<5_000, 300_000>,
    /// What to ask for; HTTP and HTTP/2 only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The listener's port, if given at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<Port>,
    /// What the probe speaks.
    pub protocol: GatewayProtocol,
    /// Milliseconds that a probe may take.
    pub timeout_millis: Number<2_000, 60_000>,
    /// Failures in a row that make the gateway unhealthy.
    pub unhealthy_threshold: Number<2, 10>,
}
