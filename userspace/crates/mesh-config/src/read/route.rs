//! `RouteSpec`

use mesh_model::spec::{
    Number, Port, Text,
    route::{
        GrpcRetryEvent, GrpcRetryPolicy, GrpcRoute, GrpcRouteMatch, HttpMethod, HttpRetryPolicy,
        HttpRoute, HttpRouteMatch, HttpRoutePath, HttpScheme, RouteAction, RouteKind, RouteSpec,
        TcpRetryEvent, TcpRoute, TcpRouteMatch, WeightedTarget,
    },
};

use super::{Read, cursor::At, object, value_match::whole_path, words};
use crate::problem::Rule;

/// What the documentation of `HttpRetryPolicyEvent` lists.
const HTTP_RETRY_EVENTS: [&str; 4] = [
    "server-error",
    "gateway-error",
    "client-error",
    "stream-error",
];
/// Prefixes that App Mesh keeps for itself (guide, "Gateway routes").
pub(super) const RESERVED_PREFIXES: [&str; 2] = ["/aws-appmesh", "/aws-app-mesh"];

const ROUTE_KINDS: [&str; 4] = ["grpcRoute", "http2Route", "httpRoute", "tcpRoute"];

impl Read for RouteSpec {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&[
            "grpcRoute",
            "http2Route",
            "httpRoute",
            "priority",
            "tcpRoute",
        ])?;
        let priority = object.optional("priority");
        let kind = match object.only_one_of(&ROUTE_KINDS)? {
            member @ "grpcRoute" => object.required(member).map(RouteKind::GrpcRoute),
            member @ "http2Route" => object.required(member).map(RouteKind::Http2Route),
            member @ "httpRoute" => object.required(member).map(RouteKind::HttpRoute),
            member => object.required(member).map(RouteKind::TcpRoute),
        };
        if let Some(RouteKind::HttpRoute(route)) = &kind
            && route.matches.scheme.is_some()
        {
            warn_of_scheme(at);
        }
        Some(Self {
            priority: priority?,
            kind: kind?,
        })
    }
}

object!(RouteAction { weighted_targets: required "weightedTargets" } then some_share);
object!(WeightedTarget {
    port: optional "port",
    virtual_node: required "virtualNode",
    weight: required "weight",
});

object!(HttpRoute {
    action: required "action",
    matches: required "match",
    retry_policy: optional "retryPolicy",
    timeout: optional "timeout",
});
object!(HttpRetryPolicy {
    http_retry_events: optional "httpRetryEvents",
    max_retries: required "maxRetries",
    per_retry_timeout: required "perRetryTimeout",
    tcp_retry_events: optional "tcpRetryEvents",
} then http_retry_rules);
words!(TcpRetryEvent { ConnectionError "connection-error" });
words!(HttpMethod {
    Get "GET",
    Head "HEAD",
    Post "POST",
    Put "PUT",
    Delete "DELETE",
    Connect "CONNECT",
    Options "OPTIONS",
    Trace "TRACE",
    Patch "PATCH",
});
words!(HttpScheme { Http "http", Https "https" });

object!(GrpcRoute {
    action: required "action",
    matches: required "match",
    retry_policy: optional "retryPolicy",
    timeout: optional "timeout",
});
object!(GrpcRouteMatch {
    metadata: optional "metadata",
    method_name: optional "methodName",
    port: optional "port",
    service_name: optional "serviceName",
} then method_has_service);
object!(GrpcRetryPolicy {
    grpc_retry_events: optional "grpcRetryEvents",
    http_retry_events: optional "httpRetryEvents",
    max_retries: required "maxRetries",
    per_retry_timeout: required "perRetryTimeout",
    tcp_retry_events: optional "tcpRetryEvents",
} then grpc_retry_rules);
words!(GrpcRetryEvent {
    Cancelled "cancelled",
    DeadlineExceeded "deadline-exceeded",
    Internal "internal",
    ResourceExhausted "resource-exhausted",
    Unavailable "unavailable",
});

object!(TcpRoute {
    action: required "action",
    matches: optional "match",
    timeout: optional "timeout",
});
object!(TcpRouteMatch { port: optional "port" });

impl Read for HttpRouteMatch {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&[
            "headers",
            "method",
            "path",
            "port",
            "prefix",
            "queryParameters",
            "scheme",
        ])?;
        let headers = object.optional("headers");
        let method = object.optional("method");
        let port: Option<Option<Port>> = object.optional("port");
        let query_parameters = object.optional("queryParameters");
        let scheme = object.optional("scheme");
        // AWS's own documents match by port alone: every path of that listener.
        let path = if object.has("port") && !object.has("path") && !object.has("prefix") {
            Some(HttpRoutePath::Prefix("/".to_owned()))
        } else {
            match object.only_one_of(&["path", "prefix"])? {
                member @ "path" => object
                    .member(member)
                    .and_then(|member| whole_path(&member))
                    .map(HttpRoutePath::Path),
                member => object
                    .member(member)
                    .and_then(|member| prefix(&member))
                    .map(HttpRoutePath::Prefix),
            }
        };
        Some(Self {
            headers: headers?,
            method: method?,
            path: path?,
            port: port?,
            query_parameters: query_parameters?,
            scheme: scheme?,
        })
    }
}

/// App Mesh took a scheme on an HTTP/1.1 route, where requests name none (guide, "Routes").
fn warn_of_scheme(at: &At<'_>) {
    at.with_member("httpRoute", |at| {
        at.with_member("match", |at| {
            at.with_member("scheme", |at| {
                at.warn(
                    Rule::Weak,
                    "`scheme` is for `http2Route`: an HTTP/1.1 request names none, and under App \
                     Mesh such a route matched nothing; leave it out",
                );
            });
        });
    });
}

/// A prefix of paths, which begin with `/`.
pub(super) fn absolute_path(at: &At<'_>) -> Option<String> {
    let prefix = String::read(at)?;
    if !prefix.starts_with('/') {
        at.refuse(
            "a path that begins with `/`",
            "write a `/` in front; `/` alone takes every path",
        );
        return None;
    }
    Some(prefix)
}

fn prefix(at: &At<'_>) -> Option<String> {
    let prefix = absolute_path(at)?;
    if RESERVED_PREFIXES
        .iter()
        .any(|reserved| prefix.starts_with(reserved))
    {
        at.warn(
            Rule::Weak,
            "App Mesh keeps this prefix for itself; here it is a route as any other",
        );
    }
    Some(prefix)
}

fn some_share(action: &RouteAction, at: &At<'_>) -> bool {
    let sum: i64 = action
        .weighted_targets
        .iter()
        .map(|target| i64::from(target.weight))
        .sum();
    if sum == 0 {
        at.warn(
            Rule::Weak,
            "every weight is 0: no target gets anything, requests get 503",
        );
    } else if sum > 100 {
        at.warn(
            Rule::Weak,
            format!(
                "the weights add up to {sum}; the API documents 100 at most. Shares are relative"
            ),
        );
    }
    true
}

fn http_retry_rules(policy: &HttpRetryPolicy, at: &At<'_>) -> bool {
    retry_rules(
        policy.http_retry_events.as_deref().unwrap_or_default(),
        policy.tcp_retry_events.is_some(),
        policy.max_retries,
        at,
    )
}

fn grpc_retry_rules(policy: &GrpcRetryPolicy, at: &At<'_>) -> bool {
    retry_rules(
        policy.http_retry_events.as_deref().unwrap_or_default(),
        policy.tcp_retry_events.is_some() || policy.grpc_retry_events.is_some(),
        policy.max_retries,
        at,
    )
}

fn retry_rules(
    http_events: &[Text<1, 25>],
    other_events: bool,
    max_retries: Number<0, { i64::MAX }>,
    at: &At<'_>,
) -> bool {
    for event in http_events {
        if !HTTP_RETRY_EVENTS.contains(&event.as_str()) {
            at.warn(
                Rule::Weak,
                format!(
                    "`{event}` in `httpRetryEvents` has no effect; events are {}",
                    HTTP_RETRY_EVENTS.join(", ")
                ),
            );
        }
    }
    let any = other_events || !http_events.is_empty();
    if !any {
        at.problem(
            Rule::Value,
            "no retry event is named: a retry policy has at least one",
            "add `httpRetryEvents` or `tcpRetryEvents`, or leave the policy out",
        );
    }
    if i64::from(max_retries) == 0 {
        at.warn(Rule::Weak, "`maxRetries` is 0: nothing is tried again");
    }
    any
}

fn method_has_service(matches: &GrpcRouteMatch, at: &At<'_>) -> bool {
    let fits = matches.method_name.is_none() || matches.service_name.is_some();
    if !fits {
        at.problem(
            Rule::Value,
            "`methodName` is not allowed without `serviceName`",
            "add `serviceName`",
        );
    }
    fits
}
