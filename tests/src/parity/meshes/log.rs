//! The access log of the application's node.

use serde_json::{Value, json};

use crate::parity::case::Mesh;

/// What the access log says, by field, where it is not in Envoy's own form.
pub(in crate::parity) const LOG_FIELDS: [(&str, &str); 16] = [
    ("case", "%REQ(X-CASE)%"),
    ("dialled", "%DOWNSTREAM_LOCAL_ADDRESS%"),
    ("status", "%RESPONSE_CODE%"),
    ("flags", "%RESPONSE_FLAGS%"),
    ("details", "%RESPONSE_CODE_DETAILS%"),
    ("received", "%BYTES_RECEIVED%"),
    ("sent", "%BYTES_SENT%"),
    ("protocol", "%PROTOCOL%"),
    ("method", "%REQ(:METHOD)%"),
    ("path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
    ("authority", "%REQ(:AUTHORITY)%"),
    ("cluster", "%UPSTREAM_CLUSTER%"),
    ("upstream", "%UPSTREAM_HOST%"),
    ("grpc", "%GRPC_STATUS%"),
    ("type", "%RESP(CONTENT-TYPE)%"),
    ("trailer", "%TRAILER(GRPC-STATUS)%"),
];

/// In which form the access log of a mesh is.
pub(in crate::parity) enum LogForm {
    /// A text of [`LOG_FIELDS`].
    Text,
    /// The same fields in JSON.
    Json,
    /// Envoy's own.
    Default,
}

impl LogForm {
    pub(in crate::parity) fn of(mesh: Mesh) -> Self {
        match mesh {
            Mesh::Web
            | Mesh::Https
            | Mesh::Tls
            | Mesh::Names
            | Mesh::Retries
            | Mesh::Pools
            | Mesh::Drained
            | Mesh::Late => Self::Text,
            Mesh::Open => Self::Json,
            Mesh::Routes => Self::Default,
        }
    }
}

/// The line of the log in text: each field behind its name, with what no value holds between them.
pub(super) fn line() -> String {
    let fields = LOG_FIELDS.map(|(name, operator)| format!("{name}={operator}"));
    format!("{}\n", fields.join("\u{b6}"))
}

/// The same in JSON.
pub(super) fn members() -> Vec<Value> {
    let members = LOG_FIELDS.iter();
    members
        .map(|(name, operator)| json!({ "key": name, "value": operator }))
        .collect()
}
