//! Where manifests spell a field otherwise than the API.

use super::*;

const ARN: &str = "arn:aws:acm:eu-west-1:111122223333:certificate/a";

/// A virtual node with such a listener and discovery.
fn node_with(listener: &str, discovery: &str) -> String {
    let spec = format!(
        "{{ listeners: [{{ portMapping: {{ port: 8080, protocol: http }} {listener} }}], \
         serviceDiscovery: {{ {discovery} }} }}"
    );
    object("VirtualNode", "web", &spec)
}

#[track_caller]
fn read(text: String) -> Value {
    let parsed = in_shop(&[text]);
    json(&apps(&parsed).virtual_nodes["web_shop"].spec)
}

#[test]
fn certificates_have_their_arn_in_capitals() {
    let acm = |name: &str| {
        format!(", tls: {{ mode: STRICT, certificate: {{ acm: {{ {name}: '{ARN}' }} }} }}")
    };
    let dns = "dns: { hostname: web.shop }";
    let spec = read(node_with(&acm("certificateARN"), dns));
    let certificate = &spec["listeners"][0]["tls"]["certificate"];
    assert_eq!(certificate["acm"]["certificateArn"], ARN);
    assert_eq!(
        problem(&beside_shop(&node_with(&acm("certificateArn"), dns))),
        "shop.yaml:4: virtual node web_shop: \
         spec.listeners[0].tls.certificate.acm.certificateArn: manifests have no \
         `certificateArn`, and `certificateARN` is required here; write `certificateARN`"
    );
}

#[test]
fn certificate_authorities_have_their_arns_in_capitals() {
    let authority = "arn:aws:acm-pca:eu-west-1:111122223333:certificate-authority/a";
    let spec = |name: &str| {
        format!(
            "{{ backendDefaults: {{ clientPolicy: {{ tls: {{ validation: {{ trust: {{ acm: {{ \
             {name}: ['{authority}'] }} }} }} }} }} }} }}"
        )
    };
    let good = object("VirtualNode", "web", &spec("certificateAuthorityARNs"));
    let trust = &read(good)["backendDefaults"]["clientPolicy"]["tls"]["validation"]["trust"];
    assert_eq!(trust["acm"]["certificateAuthorityArns"][0], authority);
    let bad = object("VirtualNode", "web", &spec("certificateAuthorityArns"));
    let problem = problem(&beside_shop(&bad));
    assert!(
        problem.ends_with("write `certificateAuthorityARNs`"),
        "{problem}"
    );
}

#[test]
fn a_host_name_is_written_in_small_letters() {
    let spec = read(node_with(
        "",
        "dns: { hostname: web.shop, responseType: ENDPOINTS }",
    ));
    assert_eq!(spec["serviceDiscovery"]["dns"]["hostname"], "web.shop");
    assert_eq!(
        problem(&beside_shop(&node_with("", "dns: { hostName: web.shop }"))),
        "shop.yaml:4: virtual node web_shop: spec.serviceDiscovery.dns.hostName: manifests have \
         no `hostName`, and `hostname` is required here; write `hostname`"
    );
}

#[test]
fn both_spellings_of_one_member_are_refused() {
    let both = "dns: { hostname: a.shop, hostName: b.shop }";
    let problems = problems(&beside_shop(&node_with("", both)));
    let said = "`hostname` and its other spelling stand side by side; keep one of them";
    assert!(
        problems.iter().any(|problem| problem.ends_with(said)),
        "{problems:#?}"
    );
}

#[test]
fn cloud_map_is_read_with_its_attributes() {
    let spec = read(node_with(
        "",
        "awsCloudMap: { namespaceName: n, serviceName: s, attributes: [{ key: v, value: '1' }] }",
    ));
    let found = &spec["serviceDiscovery"]["awsCloudMap"];
    assert_eq!(found["attributes"][0]["key"], "v");
}

#[test]
fn the_discovery_of_a_mesh_has_a_name_of_its_own() {
    let mesh = "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata: { name: apps }\nspec: {\
                 meshServiceDiscovery: { ipPreference: IPv6_ONLY } }\n";
    let parsed = parse(&[("mesh.yaml", mesh)]);
    let spec = json(&apps(&parsed).mesh.as_ref().expect("a mesh").spec);
    assert_eq!(spec["serviceDiscovery"]["ipPreference"], "IPv6_ONLY");
}

#[test]
fn a_mesh_of_a_cluster_prefers_no_family() {
    let mesh = "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata: { name: apps }\nspec: {\
                 meshServiceDiscovery: { ipPreference: IPv6_PREFERRED } }\n";
    assert_eq!(
        problem(&parse(&[("mesh.yaml", mesh)])),
        "mesh.yaml:4: mesh apps: spec.meshServiceDiscovery.ipPreference: \"IPv6_PREFERRED\" is \
         not allowed: `ipPreference` is one of IPv4_ONLY, IPv6_ONLY in a manifest; write one of \
         these"
    );
}

#[test]
fn what_manifests_do_not_have_has_no_effect() {
    let mesh = "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata: { name: apps }\nspec: {\
                 serviceDiscovery: { ipPreference: IPv6_ONLY } }\n";
    let parsed = parse(&[("mesh.yaml", mesh)]);
    assert_eq!(
        warnings(&parsed),
        [
            "mesh.yaml:4: mesh apps: spec.serviceDiscovery: manifests have no such field, the \
             controller gives it no effect; did you mean `meshServiceDiscovery`?"
        ]
    );
    let spec = read(node_with(
        "",
        "dns: { hostname: web.shop, ipPreference: IPv4_ONLY }",
    ));
    assert_eq!(spec["serviceDiscovery"]["dns"].get("ipPreference"), None);
}

#[test]
fn an_owner_of_a_mesh_is_an_account() {
    let mesh = |owner: &str| {
        let text = format!(
            "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata: {{ name: apps }}\nspec: \
             {{ meshOwner: {owner} }}\n"
        );
        parse(&[("mesh.yaml", &text)])
    };
    assert_eq!(problems(&mesh("'111122223333'")), Vec::<String>::new());
    assert_eq!(
        problem(&mesh("111122223333")),
        "mesh.yaml:4: mesh apps: spec.meshOwner: 111122223333 is not allowed: `meshOwner` is the \
         12 digits of an AWS account, in quotation marks; write such a number"
    );
}

#[test]
fn null_is_as_good_as_absent() {
    let spec = read(node_with(
        ", healthCheck: null",
        "dns: { hostname: web.shop }, awsCloudMap: null",
    ));
    assert_eq!(spec["listeners"][0].get("healthCheck"), None);
}

#[test]
fn durations_units_ranges_and_retries_are_those_of_the_api() {
    let route = "{ listeners: [{ portMapping: { port: 8080, protocol: http } }], routes: [{ name: \
                 all, priority: 7, httpRoute: { match: { prefix: /, headers: [{ name: v, match: { \
                 range: { start: 1, end: 9 } } }] }, action: { weightedTargets: [{ virtualNodeRef: \
                 { name: web }, weight: 1, port: 8080 }] }, retryPolicy: { maxRetries: 2, \
                 perRetryTimeout: { unit: ms, value: 500 }, httpRetryEvents: [server-error], \
                 tcpRetryEvents: [connection-error] }, timeout: { perRequest: { unit: s, value: 5 \
                 } } } }] }";
    let parsed = in_shop(&[object("VirtualRouter", "r", route), node("web")]);
    let route = apps(&parsed).routes.values().next().expect("a route");
    let spec = json(&route.spec);
    assert_eq!(spec["priority"], 7);
    let route = &spec["httpRoute"];
    assert_eq!(route["match"]["headers"][0]["match"]["range"]["end"], 9);
    assert_eq!(route["retryPolicy"]["perRetryTimeout"]["unit"], "ms");
    assert_eq!(route["retryPolicy"]["httpRetryEvents"][0], "server-error");
    assert_eq!(route["timeout"]["perRequest"]["value"], 5);
    assert_eq!(route["action"]["weightedTargets"][0]["port"], 8080);
}

#[test]
fn half_a_duration_is_refused() {
    let spec = node_with(
        ", timeout: { http: { perRequest: { value: 5 } } }",
        "dns: { hostname: web.shop }",
    );
    let problem = problem(&beside_shop(&spec));
    assert!(
        problem.contains("perRequest.unit: `unit` is missing"),
        "{problem}"
    );
}

#[test]
fn an_unknown_field_of_a_specification_is_warned_of() {
    let spec = "{ backendDefaults: { clientPolicy: { tls: { mode: STRICT, validation: { trust: { \
                file: { certificateChain: /ca.pem } } } } } } }";
    let parsed = in_shop(&[object("VirtualNode", "web", spec)]);
    let wanted = "spec.backendDefaults.clientPolicy.tls.mode: App Mesh knows no such field, it has \
                  no effect";
    assert!(
        warnings(&parsed)
            .iter()
            .any(|warning| warning.ends_with(wanted))
    );
    apps(&parsed);
}
