//! Where and how accesses are written down.

use serde::Serialize;

/// The access log of a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessLog {
    /// The file; `/dev/stdout` as a rule.
    pub path: String,
    /// What a line says.
    pub format: AccessLogFormat,
}

/// What a line of the access log says, in Envoy's command operators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AccessLogFormat {
    /// Envoy's default line.
    Default,
    /// An object with these members, in this order.
    Json(Vec<(String, String)>),
    /// This line.
    Text(String),
}
