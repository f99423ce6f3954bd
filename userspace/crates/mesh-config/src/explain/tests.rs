use serde_json::json;

use super::*;
use crate::fixture::Files;

fn request(url: &str) -> Request {
    Request {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
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
    assert_eq!(
        explanation.to_string(),
        "GET http://ServiceB.apps.local/colour?a=b
  listener         egress, port 80, rds_egress_http_80
  host             ServiceB.apps.local
  outcome          routed
  virtual service  serviceb.apps.local
  route            serviceB, paths from /
  timeouts         request 15 s, idle 300 s
  clusters         75 of 100 to cds_egress_apps_serviceB_http2_80, http2 to serviceb.apps.local:80 by DNS, first address
                   25 of 100 to cds_egress_apps_serviceBv2_http2_80, http2 to servicebv2.apps.local:80 by DNS, first address
  - virtual service serviceb.apps.local: answers the Host as `serviceb.apps.local`
      route serviceB: takes the request
"
    );
    let json = serde_json::to_value(&explanation).expect("JSON");
    assert_eq!(json["outcome"], "routed");
    assert_eq!(json["virtualService"], "serviceb.apps.local");
    assert_eq!(json["route"]["requestTimeoutMillis"], 15_000);
    assert_eq!(json["route"]["clusters"][0]["weight"], 75);
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
        text.contains("route serviceB: the path does not begin with `/colour/`"),
        "{text}"
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
fn a_host_header_stands_in_for_the_urls() {
    let snapshot = Files::getting_started()
        .resolve("serviceA")
        .expect("it resolves")
        .snapshot;
    let headers = vec![("host".to_owned(), "serviceb.apps.local".to_owned())];
    let by_address = Request {
        headers,
        ..request("http://10.0.0.1/")
    };
    assert_eq!(
        explain(&snapshot, &by_address).expect("a URL").outcome,
        Outcome::Routed
    );
    let bare = explain(&snapshot, &request("http://10.0.0.1/")).expect("a URL");
    assert_eq!(bare.outcome, Outcome::NoVirtualService);
}

#[test]
fn only_urls_of_requests_are_explained() {
    let snapshot = Files::getting_started()
        .resolve("serviceA")
        .expect("it resolves")
        .snapshot;
    for url in ["", "/path", "ftp://a/", "http://", "http://a:99999/", "a b"] {
        let error = explain(&snapshot, &request(url)).expect_err(url);
        assert!(
            error
                .to_string()
                .contains("write http://HOST[:PORT][/PATH]"),
            "{error}"
        );
    }
}
