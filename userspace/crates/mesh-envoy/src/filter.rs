//! What a filter chain does with a connection: HTTP or opaque bytes, and the access log.

use mesh_model::snapshot::{AccessLog, AccessLogFormat};
use serde_json::{Map, Value, json};

use crate::value::{extension, set};

/// The HTTP filter. Envoy tells HTTP/1 and HTTP/2 apart by a connection's first bytes.
///
/// `tracing` without a tracer is what App Mesh served: it marks the request id, and no more.
pub(crate) fn http(stat_prefix: &str, log: Option<&AccessLog>, table: Value) -> Value {
    let router = extension(
        "envoy.filters.http.router",
        "envoy.extensions.filters.http.router.v3.Router",
        json!({}),
    );
    let mut config = json!({ "stat_prefix": stat_prefix, "tracing": {} });
    set(&mut config, "access_log", access_log(log));
    set(&mut config, "http_filters", json!([router]));
    set(
        &mut config,
        "upgrade_configs",
        json!([{ "upgrade_type": "websocket", "enabled": true }]),
    );
    set(&mut config, "normalize_path", Value::Bool(true));
    set(&mut config, "merge_slashes", Value::Bool(true));
    set(
        &mut config,
        "path_with_escaped_slashes_action",
        json!("KEEP_UNCHANGED"),
    );
    set(&mut config, "route_config", table);
    extension(
        "envoy.filters.network.http_connection_manager",
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        config,
    )
}

/// The filter of opaque bytes. `leads_to` has the cluster or clusters, and the idle timeout.
pub(crate) fn tcp(
    stat_prefix: &str,
    log: Option<&AccessLog>,
    leads_to: Map<String, Value>,
) -> Value {
    let mut config = json!({ "stat_prefix": stat_prefix });
    set(&mut config, "access_log", access_log(log));
    for (name, value) in leads_to {
        set(&mut config, &name, value);
    }
    extension(
        "envoy.filters.network.tcp_proxy",
        "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        config,
    )
}

fn access_log(log: Option<&AccessLog>) -> Option<Value> {
    let log = log?;
    let format = match &log.format {
        AccessLogFormat::Default => None,
        AccessLogFormat::Json(members) => {
            let members = members.iter().cloned();
            let members: Map<_, _> = members
                .map(|(key, value)| (key, known(&value).into()))
                .collect();
            Some(json!({ "json_format": members }))
        }
        AccessLogFormat::Text(line) => {
            Some(json!({ "text_format_source": { "inline_string": known(line) } }))
        }
    };
    Some(json!([file_log(&log.path, format)]))
}

/// A format without what Envoy has no operator for, as for what there is not.
fn known(format: &str) -> String {
    format.replace("%FERROMESH_REASON%", "-")
}

/// A log that is written to a file; without a format in Envoy's default line.
pub(crate) fn file_log(path: &str, format: Option<Value>) -> Value {
    let mut config = json!({ "path": path });
    set(&mut config, "log_format", format);
    extension(
        "envoy.access_loggers.file",
        "envoy.extensions.access_loggers.file.v3.FileAccessLog",
        config,
    )
}

#[cfg(test)]
mod tests;
