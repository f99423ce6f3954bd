//! How CloudFormation spells the names of the API's members: `TLS` for `tls`, `PortMapping` for
//! `portMapping`.

use smol_str::SmolStr;

/// The members of the App Mesh API's documents, in alphabetical order. No two differ in case
/// alone.
const MEMBERS: [&str; 112] = [
    "accessLog",
    "acm",
    "action",
    "attributes",
    "awsCloudMap",
    "backendDefaults",
    "backends",
    "baseEjectionDuration",
    "certificate",
    "certificateArn",
    "certificateAuthorityArns",
    "certificateChain",
    "clientPolicy",
    "connectionPool",
    "defaultPrefix",
    "defaultTargetHostname",
    "dns",
    "egressFilter",
    "end",
    "enforce",
    "exact",
    "file",
    "format",
    "gatewayRouteName",
    "grpc",
    "grpcRetryEvents",
    "grpcRoute",
    "headers",
    "healthCheck",
    "healthyThreshold",
    "hostname",
    "http",
    "http2",
    "http2Route",
    "httpRetryEvents",
    "httpRoute",
    "idle",
    "interval",
    "intervalMillis",
    "invert",
    "ipPreference",
    "json",
    "key",
    "listeners",
    "logging",
    "match",
    "maxConnections",
    "maxEjectionPercent",
    "maxPendingRequests",
    "maxRequests",
    "maxRetries",
    "maxServerErrors",
    "meshName",
    "meshOwner",
    "metadata",
    "method",
    "methodName",
    "mode",
    "name",
    "namespaceName",
    "outlierDetection",
    "path",
    "perRequest",
    "perRetryTimeout",
    "port",
    "portMapping",
    "ports",
    "prefix",
    "priority",
    "privateKey",
    "protocol",
    "provider",
    "queryParameters",
    "range",
    "regex",
    "responseType",
    "retryPolicy",
    "rewrite",
    "routeName",
    "scheme",
    "sds",
    "secretName",
    "serviceDiscovery",
    "serviceName",
    "spec",
    "start",
    "subjectAlternativeNames",
    "suffix",
    "tags",
    "target",
    "tcp",
    "tcpRetryEvents",
    "tcpRoute",
    "text",
    "timeout",
    "timeoutMillis",
    "tls",
    "trust",
    "type",
    "unhealthyThreshold",
    "unit",
    "validation",
    "value",
    "virtualGatewayName",
    "virtualNode",
    "virtualNodeName",
    "virtualRouter",
    "virtualRouterName",
    "virtualService",
    "virtualServiceName",
    "weight",
    "weightedTargets",
];

/// Members that CloudFormation does not spell with a capital and the rest of their name.
const CAPITALS: [(&str, &str); 9] = [
    ("acm", "ACM"),
    ("awsCloudMap", "AWSCloudMap"),
    ("dns", "DNS"),
    ("grpc", "GRPC"),
    ("http", "HTTP"),
    ("http2", "HTTP2"),
    ("sds", "SDS"),
    ("tcp", "TCP"),
    ("tls", "TLS"),
];

/// How CloudFormation spells a member of the API.
pub(super) fn of_template(name: &str) -> String {
    if let Some((_, spelt)) = CAPITALS.iter().find(|(api, _)| *api == name) {
        return (*spelt).to_owned();
    }
    let mut rest = name.chars();
    let first = rest.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(rest).collect()
}

/// The API's member that a template's member is, in whatever case it stands. What is none keeps
/// its name.
pub(super) fn of_api(written: &str) -> SmolStr {
    let known = MEMBERS
        .into_iter()
        .find(|name| name.eq_ignore_ascii_case(written));
    known.map_or_else(|| written.into(), SmolStr::new_static)
}

/// Whether it is a member of the API, in the API's spelling.
pub(super) fn is_member(name: &str) -> bool {
    MEMBERS.contains(&name)
}

#[cfg(test)]
mod tests;
