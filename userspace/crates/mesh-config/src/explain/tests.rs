mod gateways;
mod requests;

use serde_json::json;

use super::*;
use crate::fixture::Files;

const DOCUMENTED: &str = include_str!("../../../../../docs/explain.md");

fn request(url: &str) -> Request {
    Request {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        http2: false,
        ingress: false,
    }
}

fn explained(files: &Files, url: &str) -> Explanation {
    let snapshot = files.resolve("serviceA").expect("it resolves").snapshot;
    explain(&snapshot, &request(url)).expect("a URL")
}

fn allow_all() -> Files {
    let filter = json!({ "egressFilter": { "type": "ALLOW_ALL" } });
    Files::getting_started().set("create-mesh.json", "/spec", filter)
}

#[test]
fn a_routed_request_is_told_from_port_to_address() {
    let explanation = explained(
        &Files::getting_started(),
        "http://ServiceB.apps.local/colour?a=b",
    );
    let text = explanation.to_string();
    assert!(
        DOCUMENTED.contains(&text),
        "docs/explain.md has another:\n{text}"
    );
    assert_eq!(
        text,
        "GET http://ServiceB.apps.local/colour?a=b
  outcome          routed
  egress           lds_egress_0.0.0.0_15001, port 80, routes rds_egress_http_80
  host             ServiceB.apps.local
  path             /colour
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
    let json = serde_json::to_value(&explanation).expect("JSON");
    assert_eq!(json["outcome"], "routed");
    let step = &json["steps"][0];
    assert_eq!(step["virtualService"], "serviceb.apps.local");
    assert_eq!(step["route"]["requestTimeoutMillis"], 15_000);
    assert_eq!(step["route"]["clusters"][0]["weight"], 75);
}

#[test]
fn a_time_to_live_counts_where_no_file_of_instances_may_name_the_node() {
    let told = |variables: &[(&str, &str)]| {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let environment = variables.iter().map(owned).collect();
        let files = Files::getting_started();
        let resolved = files.resolve_in("mesh/apps/virtualNode/serviceA", &environment);
        let snapshot = resolved.expect("it resolves").snapshot;
        let url = request("http://serviceb.apps.local/");
        explain(&snapshot, &url).expect("a URL").to_string()
    };
    let ttl = ("FERROMESH_RESPECT_DNS_TTL", "on");
    let file = ("FERROMESH_INSTANCES", "/etc/instances.yaml");
    let with = |variables: &[_]| {
        let text = told(variables);
        ["by its time to live", "/etc/instances.yaml says"].map(|part| text.contains(part))
    };
    assert_eq!(with(&[]), [false, false]);
    assert_eq!(with(&[ttl]), [true, false]);
    assert_eq!(with(&[ttl, file]), [false, true]);
}

#[test]
fn what_no_virtual_service_answers_goes_by_the_egress_filter() {
    let outcome = |files: &Files, url: &str| explained(files, url).outcome;
    let drop_all = Files::getting_started();
    assert_eq!(
        outcome(&drop_all, "http://serviceb.apps.local:8080/"),
        Outcome::Closed
    );
    assert_eq!(
        outcome(&drop_all, "https://serviceb.apps.local/"),
        Outcome::Closed
    );
    assert_eq!(
        outcome(&drop_all, "http://other.apps.local/"),
        Outcome::NoVirtualService
    );
    assert_eq!(
        outcome(&allow_all(), "http://serviceb.apps.local:8080/"),
        Outcome::PassedThrough
    );
    assert_eq!(
        outcome(&allow_all(), "http://other.apps.local/"),
        Outcome::PassedThrough
    );
    let elsewhere = explained(&drop_all, "http://serviceb.apps.local:8080/").elsewhere;
    assert_eq!(elsewhere[0].port, 80);
}

#[test]
fn tls_to_an_endpoint_of_aws_passes_under_either_filter() {
    for files in [Files::getting_started(), allow_all()] {
        let outcome = |url: &str| explained(&files, url).outcome;
        for url in [
            "https://sqs.eu-west-1.amazonaws.com/",
            "https://SQS.EU-WEST-1.AMAZONAWS.COM:443/",
        ] {
            assert_eq!(outcome(url), Outcome::AwsEndpoint, "{url}");
        }
        for url in [
            "https://amazonaws.com/",
            "https://sqs.eu-west-1.amazonaws.com:8443/",
            "http://sqs.eu-west-1.amazonaws.com/",
            "http://sqs.eu-west-1.amazonaws.com:443/",
            "https://amazonaws.com.example/",
        ] {
            assert_ne!(outcome(url), Outcome::AwsEndpoint, "{url}");
        }
    }
    let told = explained(
        &Files::getting_started(),
        "https://sqs.eu-west-1.amazonaws.com/",
    );
    let text = told.to_string();
    assert!(
        text.contains("passed to the address that was dialled: TLS to *.amazonaws.com on port 443"),
        "{text}"
    );
}

#[test]
fn the_address_families_that_a_document_asks_for_are_told() {
    for (preference, words) in [
        ("IPv4_ONLY", "first address, IPv4 only\n"),
        ("IPv4_PREFERRED", "first address, IPv4 before IPv6\n"),
        ("IPv6_ONLY", "first address, IPv6 only\n"),
        ("IPv6_PREFERRED", "first address, IPv6 before IPv4\n"),
    ] {
        let of_mesh = json!({ "serviceDiscovery": { "ipPreference": preference } });
        let files = Files::getting_started().set("create-mesh.json", "/spec", of_mesh);
        let text = explained(&files, "http://serviceb.apps.local/").to_string();
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_path_that_no_route_takes_gets_404_with_the_reason() {
    let files = Files::getting_started().set(
        "create-route.json",
        "/spec/http2Route/match/prefix",
        json!("/colour/"),
    );
    let explanation = explained(&files, "serviceb.apps.local/");
    assert_eq!(explanation.outcome, Outcome::NoRoute);
    let text = explanation.to_string();
    assert!(
        text.contains("route serviceB: the path `/` does not begin with `/colour/`"),
        "{text}"
    );
}

#[test]
fn a_strange_path_is_no_matter_where_no_http_is_spoken() {
    let files = Files::getting_started();
    let outcome = |url: &str| explained(&files, url).outcome;
    assert_eq!(outcome("http://serviceb.apps.local/%00"), Outcome::BadPath);
    assert_eq!(
        outcome("http://serviceb.apps.local:81/%00"),
        Outcome::Closed
    );
}

#[test]
fn weights_that_are_all_0_get_503() {
    let targets = json!([{ "virtualNode": "serviceB", "weight": 0 }]);
    let at = "/spec/http2Route/action/weightedTargets";
    let files = Files::getting_started().set("create-route.json", at, targets);
    assert_eq!(
        explained(&files, "serviceb.apps.local").outcome,
        Outcome::NoShare
    );
}

#[test]
fn what_comes_to_a_node_is_told_by_the_port_of_its_listener() {
    let snapshot = Files::getting_started()
        .resolve("serviceB")
        .expect("it resolves")
        .snapshot;
    let arriving = |url: &str| {
        let ingress = true;
        let request = Request {
            ingress,
            ..request(url)
        };
        explain(&snapshot, &request).expect("a URL")
    };
    let taken = arriving("http://10.0.0.7/colour");
    assert_eq!(taken.outcome, Outcome::Routed);
    let step = taken.last().expect("a step");
    assert_eq!(
        (step.direction, step.listener.as_str()),
        ("ingress", "lds_ingress_0.0.0.0_15000")
    );
    let elsewhere = arriving("http://10.0.0.7:8080/colour").to_string();
    assert_eq!(
        elsewhere,
        "GET http://10.0.0.7:8080/colour
  outcome          not taken: no listener of the resource is on this port
  port             8080
  - listener of port 80: not this port
"
    );
}

#[test]
fn tcp_services_of_one_port_are_told_by_name_and_not_by_address() {
    let mut files = Files::getting_started();
    let mut backends = Vec::new();
    for name in ["maria", "mysql"] {
        let node = json!({ "meshName": "apps", "virtualNodeName": name, "spec": {
            "listeners": [{ "portMapping": { "port": 3306, "protocol": "tcp" } }],
            "serviceDiscovery": { "dns": { "hostname": format!("{name}.local") } },
        } });
        let provider = json!({ "virtualNode": { "virtualNodeName": name } });
        let service = format!("{name}.apps.local");
        backends.push(json!({ "virtualService": { "virtualServiceName": service } }));
        let service = json!({ "meshName": "apps", "virtualServiceName": service, "spec": {
            "provider": provider,
        } });
        files = files
            .with(&format!("node-{name}.json"), node)
            .with(&format!("service-{name}.json"), service);
    }
    let files = files.set(
        "create-virtual-node-servicea.json",
        "/spec/backends",
        json!(backends),
    );
    let named = explained(&files, "http://Mysql.apps.local:3306");
    assert_eq!(named.outcome, Outcome::Routed);
    let step = named.last().expect("a step");
    assert_eq!(step.virtual_service.as_deref(), Some("mysql.apps.local"));
    assert_eq!(
        explained(&files, "http://192.0.2.7:3306").to_string(),
        "GET http://192.0.2.7:3306
  outcome          by the address that is dialled: to the TCP service whose name has it, else as the egress filter says
  port             3306
  - virtual service maria.apps.local: takes what is dialled at its name's addresses
  - virtual service mysql.apps.local: takes what is dialled at its name's addresses
"
    );
}

#[test]
fn every_route_and_virtual_host_that_lost_has_its_line() {
    let route = |name: &str, spec: serde_json::Value| {
        json!({
            "meshName": "apps",
            "virtualRouterName": "serviceB",
            "routeName": name,
            "spec": spec,
        })
    };
    let action = json!({ "weightedTargets": [{ "virtualNode": "serviceB", "weight": 1 }] });
    let beta = json!({
        "prefix": "/",
        "headers": [{ "name": "x-beta", "match": { "regex": "(?i)yes|true" } }],
    });
    let post = json!({ "prefix": "/colour", "method": "POST" });
    let files = Files::getting_started()
        .with(
            "route-beta.json",
            route(
                "beta",
                json!({ "priority": 1, "http2Route": { "match": beta, "action": action } }),
            ),
        )
        .with(
            "route-post.json",
            route(
                "post",
                json!({ "http2Route": { "match": post, "action": action } }),
            ),
        );
    let text = explained(&files, "http://serviceb.apps.local/colour").to_string();
    let why = text.split_once("  - ").expect("reasons").1;
    assert_eq!(
        why,
        "virtual host serviceb.apps.local: answers the Host as `serviceb.apps.local`
      route beta: header `x-beta` is absent, the route asks for a value that `(?i)yes|true` matches as a whole
      route post: the method is `GET`, the route asks for `POST`
      route serviceB: takes the request
"
    );
}

#[test]
fn what_options_give_a_node_is_told_with_its_cluster() {
    let options = json!({
        "apiVersion": "ferromesh.dev/v1",
        "kind": "MeshOptions",
        "metadata": { "name": "apps" },
        "spec": { "virtualNodes": [{
            "virtualNodeName": "serviceB",
            "connectTimeout": { "unit": "ms", "value": 250 },
            "balancing": "LEAST_REQUEST",
            "retryBudget": { "budgetPercent": 30 },
            "zoneAware": "SAME_ZONE",
        }], "routes": [{
            "virtualRouterName": "serviceB",
            "routeName": "serviceB",
            "failover": "OTHER_TARGETS",
        }] },
    });
    let files = Files::getting_started().with("options.json", options);
    let text = explained(&files, "http://serviceb.apps.local/").to_string();
    let told = "serviceb.apps.local:80 by DNS, first address
                     least request: the less busy of two endpoints, drawn by chance
                     zone-aware, but the own zone is not known: FERROMESH_ZONE is not set
                     a connect within 250 ms
                     retry budget: 30 % of the requests under way, and 3 at least
                   25 % (25 of 100)";
    assert!(text.contains(told), "{text}");
    let failover = "
  failover         to other targets: where no endpoint is fit, and with each retry
";
    assert!(text.contains(failover), "{text}");
}
