//! The access log of the application's node.

use serde_json::{Value, json};

/// What the access log says in the mesh [`Mesh::Web`](crate::parity::case::Mesh::Web), by field.
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
