//! Pieces of tables and requests for tests.

use http::HeaderMap;
use mesh_model::snapshot::{ClusterId, Route, VirtualHost, WeightedCluster};
use mesh_regex::Pattern;

use crate::RequestParts;

/// A route by prefix, named after it.
pub(crate) fn route(prefix: &str) -> Route {
    let target = WeightedCluster {
        cluster: ClusterId(0),
        weight: 1,
    };
    Route::with_prefix(prefix.to_owned(), prefix, vec![target])
}

pub(crate) fn host(name: &str, domains: &[&str], routes: Vec<Route>) -> VirtualHost {
    VirtualHost {
        name: name.to_owned(),
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        routes,
    }
}

/// `GET http://HOST/PATH`
pub(crate) fn request<'a>(
    host: &'a str,
    path: &'a str,
    headers: &'a HeaderMap,
) -> RequestParts<'a> {
    RequestParts {
        method: "GET",
        scheme: "http",
        host,
        path,
        query: None,
        headers,
    }
}

pub(crate) fn pattern(expression: &str) -> Pattern {
    Pattern::new(expression).expect("an expression of RE2")
}
