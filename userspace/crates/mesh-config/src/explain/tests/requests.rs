//! What a request is taken to be: its URL, method, version and headers.

use serde_json::json;

use super::*;

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
fn a_grpc_call_is_a_post_of_its_method() {
    let call = Request::grpc("http://b/p.S/M".to_owned(), Vec::new(), false);
    assert_eq!(call.method, "POST");
    let files = Files::getting_started().set(
        "create-route.json",
        "/spec/http2Route/match",
        json!({ "path": { "exact": "/p.S/M" }, "method": "POST", "headers": [
            { "name": "content-type", "match": { "prefix": "application/grpc" } },
        ] }),
    );
    let snapshot = files.resolve("serviceA").expect("it resolves").snapshot;
    let url = "http://serviceb.apps.local/p.S/M".to_owned();
    let call = Request::grpc(url.clone(), Vec::new(), false);
    let explanation = explain(&snapshot, &call).expect("a URL");
    assert_eq!(explanation.outcome, Outcome::Routed);
    let plain = explain(&snapshot, &request(&url)).expect("a URL");
    assert_eq!(plain.outcome, Outcome::NoRoute);
}

#[test]
fn http2_states_the_scheme_and_http1_leaves_it_to_a_header() {
    let matches = json!({ "prefix": "/", "scheme": "https" });
    let files =
        Files::getting_started().set("create-route.json", "/spec/http2Route/match", matches);
    let snapshot = files.resolve("serviceA").expect("it resolves").snapshot;
    let outcome = |http2: bool| {
        let request = Request {
            http2,
            headers: vec![("x-forwarded-proto".to_owned(), "https".to_owned())],
            ..request("http://serviceb.apps.local/")
        };
        explain(&snapshot, &request).expect("a URL").outcome
    };
    assert_eq!(outcome(false), Outcome::Routed);
    assert_eq!(outcome(true), Outcome::NoRoute);
}

#[test]
fn methods_and_headers_that_no_request_has_are_refused() {
    let snapshot = Files::getting_started()
        .resolve("serviceA")
        .expect("it resolves")
        .snapshot;
    let with = |method: &str, name: &str, value: &str| {
        let request = Request {
            method: method.to_owned(),
            headers: vec![(name.to_owned(), value.to_owned())],
            ..request("http://serviceb.apps.local/")
        };
        explain(&snapshot, &request).map(|explanation| explanation.outcome)
    };
    assert_eq!(with("GET", "x-a", "b"), Ok(Outcome::Routed));
    assert_eq!(with("CONNECT", "x-a", "b"), Ok(Outcome::NoConnect));
    for (method, name, value) in [("", "x", ""), ("GE T", "x", ""), ("GET", "x y", "")] {
        with(method, name, value).expect_err(method);
    }
    let error = with("G(T", "x", "").expect_err("no token").to_string();
    assert_eq!(
        error,
        "`G(T` is no method of a request; write GET, POST or another word"
    );
    let error = with("GET", "x", "a\nb").expect_err("two lines").to_string();
    assert!(error.contains("write NAME:VALUE"), "{error}");
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
