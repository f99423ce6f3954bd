//! A listener of a virtual node, with all that clients and the node's own proxy do about it.

use serde::Serialize;

use super::{
    Number, Port,
    duration::{Duration, RequestTimeout, TcpTimeout},
    tls::ListenerTls,
};
use crate::snapshot::Protocol;

/// `Listener`; pool and timeout are of its protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// Limits towards the local application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_pool: Option<ConnectionPool>,
    /// How clients probe it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// When clients stop calling an address of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outlier_detection: Option<OutlierDetection>,
    /// Port and protocol.
    pub port_mapping: PortMapping,
    /// Within which time the application answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<ListenerTimeout>,
    /// How it is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ListenerTls>,
}

/// `PortMapping`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PortMapping {
    /// The port.
    pub port: Port,
    /// What is spoken on it.
    pub protocol: Protocol,
}

/// `VirtualNodeConnectionPool`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ConnectionPool {
    /// Of a gRPC listener.
    Grpc(RequestPool),
    /// Of an HTTP/1.1 listener.
    Http(HttpPool),
    /// Of an HTTP/2 listener.
    Http2(RequestPool),
    /// Of a TCP listener.
    Tcp(TcpPool),
}

impl ConnectionPool {
    /// The protocol whose member of the union it is.
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::Grpc(_) => Protocol::Grpc,
            Self::Http(_) => Protocol::Http,
            Self::Http2(_) => Protocol::Http2,
            Self::Tcp(_) => Protocol::Tcp,
        }
    }
}

/// `VirtualNodeGrpcConnectionPool` and `VirtualNodeHttp2ConnectionPool`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestPool {
    /// Requests at once.
    pub max_requests: Number<1, 2_147_483_647>,
}

/// `VirtualNodeHttpConnectionPool`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpPool {
    /// Connections at once.
    pub max_connections: Number<1, 2_147_483_647>,
    /// Requests that wait for one; absent: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pending_requests: Option<Number<1, 2_147_483_647>>,
}

/// `VirtualNodeTcpConnectionPool`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TcpPool {
    /// Connections at once.
    pub max_connections: Number<1, 2_147_483_647>,
}

/// `HealthCheckPolicy`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// Successes in a row that make an address healthy.
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
    pub protocol: Protocol,
    /// Milliseconds that a probe may take.
    pub timeout_millis: Number<2_000, 60_000>,
    /// Failures in a row that make an address unhealthy.
    pub unhealthy_threshold: Number<2, 10>,
}

/// `OutlierDetection`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutlierDetection {
    /// How long an address is out for the first time.
    pub base_ejection_duration: Duration,
    /// How often the addresses are judged.
    pub interval: Duration,
    /// How many of the addresses may be out at once.
    pub max_ejection_percent: Number<0, 100>,
    /// 5xx answers in a row that put an address out.
    pub max_server_errors: Number<1, { i64::MAX }>,
}

/// `ListenerTimeout`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ListenerTimeout {
    /// Of a gRPC listener.
    Grpc(RequestTimeout),
    /// Of an HTTP/1.1 listener.
    Http(RequestTimeout),
    /// Of an HTTP/2 listener.
    Http2(RequestTimeout),
    /// Of a TCP listener.
    Tcp(TcpTimeout),
}

impl ListenerTimeout {
    /// The protocol whose member of the union it is.
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::Grpc(_) => Protocol::Grpc,
            Self::Http(_) => Protocol::Http,
            Self::Http2(_) => Protocol::Http2,
            Self::Tcp(_) => Protocol::Tcp,
        }
    }

    /// How long a stream or connection may be idle.
    pub fn idle(&self) -> Option<Duration> {
        match self {
            Self::Grpc(timeout) | Self::Http(timeout) | Self::Http2(timeout) => timeout.idle,
            Self::Tcp(timeout) => timeout.idle,
        }
    }

    /// How long a request may take.
    pub fn per_request(&self) -> Option<Duration> {
        match self {
            Self::Grpc(timeout) | Self::Http(timeout) | Self::Http2(timeout) => timeout.per_request,
            Self::Tcp(_) => None,
        }
    }
}
