//! `GatewayRouteSpec`. What of a request a gateway route may name together, and what it may
//! rewrite, is not in the API's model: the rules are those of the guide ("Gateway routes") and of
//! the Kubernetes controller.

use mesh_model::spec::{
    Port, Text,
    gateway_route::{
        DefaultRewrite, GatewayRouteKind, GatewayRouteSpec, GatewayRouteTarget,
        GatewayRouteVirtualService, GrpcGatewayRoute, GrpcGatewayRouteAction,
        GrpcGatewayRouteMatch, GrpcRewrite, HostnameMatch, HostnameRewrite, HttpGatewayRoute,
        HttpGatewayRouteAction, HttpGatewayRouteMatch, HttpPathRewrite, HttpRewrite, PrefixRewrite,
        WholePathRewrite,
    },
    route::HttpRoutePath,
};

use super::{
    Read,
    cursor::At,
    object,
    route::{RESERVED_PREFIXES, absolute_path},
    union,
    value_match::whole_path,
    words,
};
use crate::problem::Rule;

/// gRPC services that App Mesh keeps for itself (guide, "Gateway routes").
const RESERVED_SERVICES: [&str; 2] = ["aws.app-mesh", "aws.appmesh"];

const GATEWAY_ROUTE_KINDS: [&str; 3] = ["grpcRoute", "http2Route", "httpRoute"];

impl Read for GatewayRouteSpec {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&["grpcRoute", "http2Route", "httpRoute", "priority"])?;
        let priority = object.optional("priority");
        let kind = match object.only_one_of(&GATEWAY_ROUTE_KINDS)? {
            member @ "grpcRoute" => object.required(member).map(GatewayRouteKind::GrpcRoute),
            member @ "http2Route" => object.required(member).map(GatewayRouteKind::Http2Route),
            member => object.required(member).map(GatewayRouteKind::HttpRoute),
        };
        Some(Self {
            priority: priority?,
            kind: kind?,
        })
    }
}

object!(GatewayRouteTarget { port: optional "port", virtual_service: required "virtualService" });
object!(GatewayRouteVirtualService { virtual_service_name: required "virtualServiceName" });
union!(HostnameMatch { Exact "exact", Suffix "suffix" });
object!(HostnameRewrite { default_target_hostname: optional "defaultTargetHostname" });
words!(DefaultRewrite { Enabled "ENABLED", Disabled "DISABLED" });

object!(HttpGatewayRoute { action: required "action", matches: required "match" } then fits_match);
object!(HttpGatewayRouteAction { rewrite: optional "rewrite", target: required "target" });
object!(WholePathRewrite { exact: required "exact" } then begins_with_slash);

object!(GrpcGatewayRoute { action: required "action", matches: required "match" });
object!(GrpcGatewayRouteAction { rewrite: optional "rewrite", target: required "target" });
object!(GrpcRewrite { hostname: optional "hostname" });
object!(GrpcGatewayRouteMatch {
    hostname: optional "hostname",
    metadata: optional "metadata",
    port: optional "port",
    service_name: optional "serviceName",
} then grpc_match_rules);

impl Read for HttpGatewayRouteMatch {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&[
            "headers",
            "hostname",
            "method",
            "path",
            "port",
            "prefix",
            "queryParameters",
        ])?;
        let headers = object.optional("headers");
        let hostname = object.optional("hostname");
        let method = object.optional("method");
        let port: Option<Option<Port>> = object.optional("port");
        let query_parameters = object.optional("queryParameters");
        let path = if object.has("path") || object.has("prefix") {
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
            .map(Some)
        } else {
            // AWS's own documents match by port alone: every path of that listener.
            let any = object.has("hostname") || object.has("port");
            at_least_one(any, "`prefix`, `path` or `hostname`", at).then_some(None)
        };
        Some(Self {
            headers: headers?,
            hostname: hostname?,
            method: method?,
            path: path?,
            port: port?,
            query_parameters: query_parameters?,
        })
    }
}

fn prefix(at: &At<'_>) -> Option<String> {
    let prefix = absolute_path(at)?;
    let reserved = RESERVED_PREFIXES
        .iter()
        .find(|reserved| prefix.starts_with(**reserved));
    if let Some(reserved) = reserved {
        at.refuse(
            format!("a path that does not begin with `{reserved}`: App Mesh keeps it for itself"),
            "write another prefix",
        );
        return None;
    }
    Some(prefix)
}

fn at_least_one(any: bool, of: &str, at: &At<'_>) -> bool {
    if !any {
        at.problem(
            Rule::Value,
            format!("at least one of {of} is required here, there is none"),
            "add one of them",
        );
    }
    any
}

fn grpc_match_rules(matches: &GrpcGatewayRouteMatch, at: &At<'_>) -> bool {
    let any = matches.service_name.is_some() || matches.hostname.is_some();
    let any = at_least_one(any, "`serviceName` or `hostname`", at);
    let service = matches.service_name.as_deref().unwrap_or_default();
    let bare = service.trim_start_matches('/');
    let reserved = RESERVED_SERVICES
        .iter()
        .find(|reserved| bare.starts_with(**reserved));
    if let Some(reserved) = reserved {
        at.with_member("serviceName", |at| {
            at.refuse(
                format!(
                    "a service that does not begin with `{reserved}`: App Mesh keeps it for itself"
                ),
                "write another service",
            );
        });
    }
    any && reserved.is_none()
}

impl Read for HttpRewrite {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&["hostname", "path", "prefix"])?;
        let hostname = object.optional("hostname");
        let path = if object.has("path") || object.has("prefix") {
            match object.only_one_of(&["path", "prefix"])? {
                member @ "path" => object.required(member).map(HttpPathRewrite::Path),
                member => object.required(member).map(HttpPathRewrite::Prefix),
            }
            .map(Some)
        } else {
            at_least_one(object.has("hostname"), "`prefix`, `path` or `hostname`", at)
                .then_some(None)
        };
        Some(Self {
            hostname: hostname?,
            path: path?,
        })
    }
}

impl Read for PrefixRewrite {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&["defaultPrefix", "value"])?;
        match object.only_one_of(&["defaultPrefix", "value"])? {
            member @ "defaultPrefix" => object.required(member).map(Self::DefaultPrefix),
            member => object
                .member(member)
                .and_then(|member| between_slashes(&member))
                .map(Self::Value),
        }
    }
}

/// A new prefix takes the place of whole segments of the path. The Kubernetes controller and the
/// CDK refuse any other; the guide is silent.
fn between_slashes(at: &At<'_>) -> Option<Text<1, 255>> {
    let prefix = Text::read(at)?;
    let fits = prefix.as_str().starts_with('/') && prefix.as_str().ends_with('/');
    if !fits {
        at.refuse(
            "a path that begins and ends with `/`",
            "write a `/` on both sides",
        );
    }
    fits.then_some(prefix)
}

fn begins_with_slash(rewrite: &WholePathRewrite, at: &At<'_>) -> bool {
    let fits = rewrite.exact.as_str().starts_with('/');
    if !fits {
        at.with_member("exact", |at| {
            at.refuse("a path that begins with `/`", "write a `/` in front");
        });
    }
    fits
}

/// A prefix can be rewritten only where one is matched, and the whole path only where none is.
/// A host alone matches any path, which may be rewritten whole.
fn fits_match(route: &HttpGatewayRoute, at: &At<'_>) -> bool {
    let rewrite = route.action.rewrite.as_ref();
    let fault = match (
        rewrite.and_then(|rewrite| rewrite.path.as_ref()),
        &route.matches.path,
    ) {
        (Some(HttpPathRewrite::Path(_)), Some(HttpRoutePath::Prefix(_))) => Some((
            "path",
            "`path` is not allowed here: the route matches a `prefix`",
            "rewrite `prefix`, or match a `path`",
        )),
        (Some(HttpPathRewrite::Prefix(_)), None | Some(HttpRoutePath::Path(_))) => Some((
            "prefix",
            "`prefix` is not allowed here: the route matches none",
            "rewrite `path`, or match a `prefix`",
        )),
        _ => None,
    };
    if let Some((member, message, mend)) = fault {
        at.with_member("action", |at| {
            at.with_member("rewrite", |at| {
                at.with_member(member, |at| at.problem(Rule::Value, message, mend));
            });
        });
    }
    fault.is_none()
}
