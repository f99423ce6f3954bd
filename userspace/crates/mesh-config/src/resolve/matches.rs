//! Which requests a route takes, in Envoy's terms, and which of two routes is tried first.

use std::cmp::Reverse;

use mesh_model::{
    snapshot::{HeaderMatch, PathMatch, QueryMatch, RouteMatch, ValueMatch},
    spec::{
        Text,
        gateway_route::GatewayRouteKind,
        route::{GrpcRouteMatch, HttpRouteMatch, HttpRoutePath},
        value_match::{self, NamedMatch, QueryParameterMatch},
    },
};

/// The match of an HTTP or HTTP/2 route.
pub(crate) fn of_http(given: &HttpRouteMatch) -> RouteMatch {
    RouteMatch {
        path: http_path(&given.path),
        method: given.method,
        scheme: given.scheme,
        headers: named(given.headers.as_deref()),
        query_parameters: queries(given.query_parameters.as_deref()),
    }
}

/// The match of a gRPC route: a request's path is `/SERVICE/METHOD`, its metadata are headers.
pub(crate) fn of_grpc(given: &GrpcRouteMatch) -> RouteMatch {
    let method = given.method_name.as_ref().map(Text::as_str);
    RouteMatch {
        path: grpc_path(given.service_name.as_deref(), method),
        headers: named(given.metadata.as_deref()),
        ..RouteMatch::prefix("/")
    }
}

/// The match of a gateway route; without a path it takes every one.
pub(crate) fn of_gateway(kind: &GatewayRouteKind) -> RouteMatch {
    match kind {
        GatewayRouteKind::GrpcRoute(grpc) => RouteMatch {
            path: grpc_path(grpc.matches.service_name.as_deref(), None),
            headers: named(grpc.matches.metadata.as_deref()),
            ..RouteMatch::prefix("/")
        },
        GatewayRouteKind::Http2Route(http) | GatewayRouteKind::HttpRoute(http) => {
            let given = &http.matches;
            let any = || PathMatch::Prefix("/".to_owned());
            RouteMatch {
                path: given.path.as_ref().map_or_else(any, http_path),
                method: given.method,
                scheme: None,
                headers: named(given.headers.as_deref()),
                query_parameters: queries(given.query_parameters.as_deref()),
            }
        }
    }
}

/// A path as a document matches it.
fn http_path(given: &HttpRoutePath) -> PathMatch {
    match given {
        HttpRoutePath::Path(value_match::PathMatch::Exact(path)) => {
            PathMatch::Exact(path.as_str().to_owned())
        }
        HttpRoutePath::Path(value_match::PathMatch::Regex(path)) => {
            PathMatch::Regex(path.pattern().clone())
        }
        HttpRoutePath::Prefix(prefix) => PathMatch::Prefix(prefix.clone()),
    }
}

/// The path of a gRPC service or of one of its methods.
fn grpc_path(service: Option<&str>, method: Option<&str>) -> PathMatch {
    match (service, method) {
        (Some(service), Some(method)) => PathMatch::Exact(format!("/{service}/{method}")),
        (Some(service), None) => PathMatch::Prefix(format!("/{service}/")),
        // A method comes with its service, which reading sees to.
        (None, _) => PathMatch::Prefix("/".to_owned()),
    }
}

/// Conditions on headers or metadata.
fn named(given: Option<&[NamedMatch]>) -> Vec<HeaderMatch> {
    let condition = |given: &NamedMatch| HeaderMatch {
        name: given.name.as_str().to_ascii_lowercase(),
        value: given.value.as_ref().map(value),
        invert: given.invert.unwrap_or_default(),
    };
    given.unwrap_or_default().iter().map(condition).collect()
}

/// Conditions on query parameters.
fn queries(given: Option<&[QueryParameterMatch]>) -> Vec<QueryMatch> {
    let condition = |given: &QueryParameterMatch| QueryMatch {
        name: given.name.clone(),
        exact: given.value.as_ref().and_then(|value| value.exact.clone()),
    };
    given.unwrap_or_default().iter().map(condition).collect()
}

fn value(given: &value_match::ValueMatch) -> ValueMatch {
    match given {
        value_match::ValueMatch::Exact(text) => ValueMatch::Exact(text.as_str().to_owned()),
        value_match::ValueMatch::Prefix(text) => ValueMatch::Prefix(text.as_str().to_owned()),
        value_match::ValueMatch::Range(range) => ValueMatch::Range {
            start: range.start(),
            end: range.end(),
        },
        value_match::ValueMatch::Regex(text) => ValueMatch::Regex(text.pattern().clone()),
        value_match::ValueMatch::Suffix(text) => ValueMatch::Suffix(text.as_str().to_owned()),
    }
}

/// The place of a route among others; the least is tried first.
///
/// A priority goes before none, 0 before 1; a longer prefix before a shorter one. This App Mesh is
/// known to have done. What it did with the rest is not known, and here no route hides one that asks
/// for more: whole paths go before regular expressions and those before prefixes, more conditions
/// before fewer. Names settle what is left.
pub(super) fn rank<'a>(
    priority: Option<i64>,
    matches: &'a RouteMatch,
    name: &'a str,
) -> impl Ord + use<'a> {
    let (sort, path) = match &matches.path {
        PathMatch::Exact(path) => (0, path.as_str()),
        PathMatch::Regex(path) => (1, path.as_str()),
        PathMatch::Prefix(path) => (2, path.as_str()),
    };
    let conditions = usize::from(matches.method.is_some())
        + usize::from(matches.scheme.is_some())
        + matches.headers.len()
        + matches.query_parameters.len();
    (
        (priority.is_none(), priority),
        (sort, Reverse(path.len()), path),
        Reverse(conditions),
        name,
    )
}
