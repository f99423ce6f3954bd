//! The routes that requests are tried against: every kind of match, alone and together.

use serde_json::{Value, json};

use super::super::case::Protocol;

/// A virtual service with routes.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) protocol: Protocol,
    pub(crate) routes: Vec<Route>,
}

/// A route without its targets, which are virtual nodes of its own.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) spec: Value,
    pub(crate) priority: Option<u32>,
    pub(crate) weights: Vec<u32>,
}

impl Route {
    fn new(matches: &Value) -> Self {
        Self {
            spec: json!({ "match": matches }),
            priority: None,
            weights: vec![1],
        }
    }

    fn priority(mut self, priority: u32) -> Self {
        self.priority = Some(priority);
        self
    }

    fn weights(mut self, weights: &[u32]) -> Self {
        self.weights = weights.to_vec();
        self
    }
}

/// The kinds of match that a header may have, and a value of each.
pub(crate) fn header_matches() -> [(&'static str, Option<Value>); 6] {
    [
        ("exact", Some(json!({ "exact": "one" }))),
        ("prefix", Some(json!({ "prefix": "two" }))),
        ("suffix", Some(json!({ "suffix": "three" }))),
        ("regex", Some(json!({ "regex": "v[0-9]+" }))),
        (
            "range",
            Some(json!({ "range": { "start": 10, "end": 20 } })),
        ),
        ("present", None),
    ]
}

/// The services of the mesh.
pub(crate) fn services() -> Vec<Service> {
    let service = |name, protocol, routes| Service {
        name,
        protocol,
        routes,
    };
    vec![
        service("paths", Protocol::Http, paths()),
        service("headers", Protocol::Http, headers()),
        service("headers2", Protocol::Http2, headers()),
        service("requests", Protocol::Http, requests()),
        service("shares", Protocol::Http, shares()),
        service("calls", Protocol::Grpc, calls()),
        service("none", Protocol::Http, Vec::new()),
    ]
}

/// How many virtual nodes they have.
pub(crate) fn nodes() -> usize {
    let routes = services().into_iter().flat_map(|service| service.routes);
    routes.map(|route| route.weights.len()).sum()
}

/// The number of the first virtual node of a service's route.
pub(crate) fn first_node(service: &str, route: usize) -> usize {
    let mut number = 0;
    for candidate in services() {
        for (index, own) in candidate.routes.iter().enumerate() {
            if candidate.name == service && index == route {
                return number;
            }
            number += own.weights.len();
        }
    }
    number
}

fn paths() -> Vec<Route> {
    let prefix = |prefix: &str| Route::new(&json!({ "prefix": prefix }));
    let exact = |path: &str| Route::new(&json!({ "prefix": null, "path": { "exact": path } }));
    let regex = |path: &str| Route::new(&json!({ "prefix": null, "path": { "regex": path } }));
    let routes = vec![
        prefix("/"),
        prefix("/a"),
        prefix("/a/"),
        prefix("/a/b"),
        prefix("/abc"),
        prefix("/A"),
        prefix("/late").priority(5),
        prefix("/l").priority(1),
        exact("/exact").priority(2),
        exact("/exact/").priority(3),
        regex("/re/[0-9]+").priority(4),
        regex("/re/.*[.]png").priority(6),
        prefix("/esc%2Faped"),
    ];
    routes.into_iter().map(without_nulls).collect()
}

fn headers() -> Vec<Route> {
    let mut routes = Vec::new();
    for (kind, value) in header_matches() {
        for invert in [false, true] {
            let mut header = json!({ "name": "X-H" });
            if let Some(value) = &value {
                header["match"] = value.clone();
            }
            if invert {
                header["invert"] = json!(true);
            }
            let prefix = format!("/{kind}{}", if invert { "-inverted" } else { "" });
            // Longer prefixes come first, so none of these is another's.
            routes.push(Route::new(
                &json!({ "prefix": format!("{prefix}/"), "headers": [header] }),
            ));
        }
    }
    routes.push(Route::new(&json!({ "prefix": "/" })));
    routes
}

fn requests() -> Vec<Route> {
    let query = |name: &str, value: Option<&str>| {
        value.map_or_else(
            || json!({ "name": name }),
            |value| json!({ "name": name, "match": { "exact": value } }),
        )
    };
    vec![
        Route::new(&json!({ "prefix": "/get", "method": "GET" })),
        Route::new(&json!({ "prefix": "/post", "method": "POST" })),
        Route::new(&json!({ "prefix": "/delete", "method": "DELETE" })),
        Route::new(&json!({ "prefix": "/plain", "scheme": "http" })),
        Route::new(&json!({ "prefix": "/secret", "scheme": "https" })),
        Route::new(&json!({ "prefix": "/eu", "queryParameters": [query("region", Some("eu"))] })),
        Route::new(&json!({ "prefix": "/verbose", "queryParameters": [query("verbose", None)] })),
        Route::new(&json!({
            "prefix": "/both",
            "queryParameters": [query("a", Some("1")), query("b", None)],
            "headers": [{ "name": "x-h", "match": { "exact": "one" } }],
            "method": "GET",
        })),
        Route::new(&json!({ "prefix": "/same", "headers": [{ "name": "x-h" }] })).priority(1),
        Route::new(&json!({ "prefix": "/same" })).priority(2),
        Route::new(&json!({ "prefix": "/same/longer" })).priority(3),
        Route::new(&json!({ "prefix": "/host", "headers": [
            { "name": "host", "match": { "prefix": "requests" } },
        ] })),
    ]
}

fn shares() -> Vec<Route> {
    let weighted =
        |prefix: &str, weights: &[u32]| Route::new(&json!({ "prefix": prefix })).weights(weights);
    vec![
        weighted("/even", &[1, 1]),
        weighted("/three", &[3, 1]),
        weighted("/zero", &[0, 5]),
        weighted("/hundred", &[75, 25]),
        weighted("/many", &[10, 20, 30, 40]),
        weighted("/rare", &[1, 9]),
        weighted("/nothing", &[0, 0]),
    ]
}

fn calls() -> Vec<Route> {
    let metadata = |kind: &str, value: Value, invert: bool| json!({ "name": "tenant", "match": { kind: value }, "invert": invert });
    let one = |method: &str, metadata: Value| {
        Route::new(&json!({
            "serviceName": "shop.Prices", "methodName": method, "metadata": [metadata],
        }))
        .priority(1)
    };
    vec![
        one("Exact", metadata("exact", json!("gold"), false)),
        one("Prefix", metadata("prefix", json!("gold-"), false)),
        one("Suffix", metadata("suffix", json!("-eu"), false)),
        one("Regex", metadata("regex", json!("g[0-9]+"), false)),
        one(
            "Range",
            metadata("range", json!({ "start": 1, "end": 5 }), false),
        ),
        one("Inverted", metadata("exact", json!("gold"), true)),
        Route::new(&json!({ "serviceName": "shop.Prices", "methodName": "Quote" })).priority(2),
        Route::new(&json!({ "serviceName": "shop.Prices" })).priority(3),
        Route::new(&json!({ "serviceName": "shop.Stock" })).priority(4),
    ]
}

/// A match without the members that are null.
fn without_nulls(mut route: Route) -> Route {
    if let Some(matches) = route.spec["match"].as_object_mut() {
        matches.retain(|_, value| !value.is_null());
    }
    route
}
