//! Requests to a gateway: two hops.

use serde_json::{Value, json};

use super::*;
use crate::Environment;

/// The getting-started mesh behind a gateway on port 8088 with these gateway routes.
fn edge(routes: &[(&str, Value, Value)]) -> Files {
    let listener = json!({ "portMapping": { "port": 8088, "protocol": "http" } });
    let gateway = json!({
        "meshName": "apps",
        "virtualGatewayName": "edge",
        "spec": { "listeners": [listener] },
    });
    let mut files = Files::getting_started().with("gateway.json", gateway);
    for (name, matches, rewrite) in routes {
        let target = json!({ "virtualService": { "virtualServiceName": "serviceb.apps.local" } });
        let mut action = json!({ "target": target });
        if !rewrite.is_null() {
            action["rewrite"] = rewrite.clone();
        }
        let route = json!({
            "meshName": "apps",
            "virtualGatewayName": "edge",
            "gatewayRouteName": name,
            "spec": { "httpRoute": { "match": matches, "action": action } },
        });
        files = files.with(&format!("gateway-route-{name}.json"), route);
    }
    files
}

fn arriving(files: &Files, url: &str, headers: &[(&str, &str)]) -> Explanation {
    let resource = "mesh/apps/virtualGateway/edge";
    let resolved = files.resolve_in(resource, &Environment::new());
    let headers = headers.iter();
    let request = Request {
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..request(url)
    };
    explain(&resolved.expect("it resolves").snapshot, &request).expect("a URL")
}

#[test]
fn a_request_is_followed_through_both_hops_with_its_rewrites() {
    let files = edge(&[
        ("colours", json!({ "prefix": "/colours" }), Value::Null),
        (
            "internal",
            json!({ "prefix": "/", "hostname": { "suffix": ".internal" } }),
            Value::Null,
        ),
    ]);
    let explanation = arriving(&files, "http://shop.example:8088/colours/red?x=1", &[]);
    assert_eq!(
        explanation.to_string(),
        "GET http://shop.example:8088/colours/red?x=1
  outcome          routed
  ingress          lds_ingress_0.0.0.0_8088, port 8088, routes rds_ingress_http_8088
  host             shop.example:8088
  path             /colours/red
  virtual host     self_redirect
  gateway route    colours, paths from /colours/
  rewrite          Host to serviceb.apps.local
                   matched prefix to /
  next             virtual service serviceb.apps.local, port 15001
  timeouts         request 15 s, idle 300 s
  retries          none
  clusters         100 % (100 of 100) to cds_ingress_apps_edge_self_redirect_http_15001, http to 127.0.0.1:15001
  - virtual host *.internal: answers *.internal, *.internal:8088, *.internal:80, *.internal:443 only
  - virtual host self_redirect: answers the Host as `*`
      gateway route colours: takes the request
      gateway route colours: has it by its longer prefix already

  egress           lds_egress_0.0.0.0_15001, port 15001, routes rds_egress_http_15001
  host             serviceb.apps.local
  path             /red
  virtual service  serviceb.apps.local
  route            serviceB, paths from /
  timeouts         request 15 s, idle 300 s
  retries          up to 2, after connect-failure, refused-stream, reset, status 503, unavailable
  clusters         75 % (75 of 100) to cds_egress_apps_serviceB_http2_80, http2 to serviceb.apps.local:80 by DNS, first address
                   25 % (25 of 100) to cds_egress_apps_serviceBv2_http2_80, http2 to servicebv2.apps.local:80 by DNS, first address
  - virtual host serviceb.apps.local: answers the Host as `serviceb.apps.local`
      route serviceB: takes the request
"
    );
}

#[test]
fn hosts_paths_queries_and_headers_choose_the_gateway_route() {
    let host = json!({ "prefix": "/", "hostname": { "suffix": ".example" } });
    let query = json!([{ "name": "v", "match": { "exact": "2" } }]);
    let header = json!([{ "name": "x-v", "match": { "suffix": "2" } }]);
    let routes = [
        ("by-host", host),
        ("exact", json!({ "path": { "exact": "/exact" } })),
        ("regex", json!({ "path": { "regex": "/r[0-9]+" } })),
        ("query", json!({ "prefix": "/", "queryParameters": query })),
        ("header", json!({ "prefix": "/", "headers": header })),
    ];
    let files = edge(&routes.map(|(name, matches)| (name, matches, Value::Null)));
    let taken = |url: &str, headers: &[(&str, &str)]| {
        let explanation = arriving(&files, url, headers);
        let route = explanation.steps[0].route.as_ref();
        (
            explanation.outcome,
            route.map(|route| route.name.clone()).unwrap_or_default(),
        )
    };
    let by = |name: &str| (Outcome::Routed, name.to_owned());
    assert_eq!(taken("http://a.example:8088/exact", &[]), by("by-host"));
    assert_eq!(taken("http://a:8088/exact", &[]), by("exact"));
    assert_eq!(taken("http://a:8088/r17", &[]), by("regex"));
    assert_eq!(taken("http://a:8088/x?v=2", &[]), by("query"));
    assert_eq!(taken("http://a:8088/x", &[("x-v", "v2")]), by("header"));
    let none = (Outcome::NoRoute, String::new());
    assert_eq!(taken("http://a:8088/r17x?v=3", &[]), none);
}

#[test]
fn a_host_that_no_gateway_route_has_gets_404() {
    let host = json!({ "prefix": "/", "hostname": { "exact": "shop.example" } });
    let files = edge(&[("by-host", host, Value::Null)]);
    let explanation = arriving(&files, "http://other:8088/", &[]);
    assert_eq!(explanation.outcome, Outcome::NoGatewayRoute);
}

#[test]
fn a_host_that_is_kept_is_seen_by_the_second_hop() {
    let kept = json!({ "hostname": { "defaultTargetHostname": "DISABLED" } });
    let files = edge(&[("kept", json!({ "prefix": "/" }), kept)]);
    let explanation = arriving(&files, "http://shop.example:8088/a", &[]);
    assert_eq!(explanation.outcome, Outcome::Routed);
    let second = explanation.last().expect("two hops");
    assert_eq!(second.host.as_deref(), Some("shop.example:8088"));
    let service = Some("serviceb.apps.local");
    assert_eq!(second.virtual_service.as_deref(), service);
    let route = second.route.as_ref().expect("a route");
    assert_eq!(route.name, "serviceB");
    let text = explanation.to_string();
    assert!(
        text.contains("virtual host default_backend: answers the Host as `*`"),
        "{text}"
    );
    let without = arriving(
        &files.without("create-route.json"),
        "http://shop.example:8088/a",
        &[],
    );
    assert_eq!(without.outcome, Outcome::NoRoute);
    assert!(without.to_string().contains("it has no routes"));
}

#[test]
fn a_new_prefix_is_normalised_at_the_second_hop() {
    let rewrite = json!({ "prefix": { "value": "/new/" } });
    let files = edge(&[("new", json!({ "prefix": "/old" }), rewrite)]);
    for (path, expected) in [
        ("/old", "/new/"),
        ("/old/a", "/new/a"),
        ("/old//a", "/new/a"),
    ] {
        let url = format!("http://shop.example:8088{path}");
        let explanation = arriving(&files, &url, &[]);
        let second = explanation.last().expect("two hops");
        assert_eq!(second.path.as_deref(), Some(expected), "{path}");
    }
}
