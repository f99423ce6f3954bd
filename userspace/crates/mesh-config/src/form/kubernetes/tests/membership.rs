//! Which mesh and which gateway an object belongs to.

use super::*;

fn namespace(name: &str, labels: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n  labels: {{ {labels} }}\n"
    )
}

fn mesh(name: &str, selector: &str) -> String {
    format!(
        "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata: {{ name: {name} }}\nspec: {{ \
         {selector} }}\n"
    )
}

fn gateway(name: &str, selectors: &str) -> String {
    let spec =
        format!("{{ {selectors} listeners: [{{ portMapping: {{ port: 80, protocol: http }} }}] }}");
    object("VirtualGateway", name, &spec)
}

/// A gateway route of namespace `shop` to a service that is there.
fn gateway_route(labels: &str) -> String {
    let route = object(
        "GatewayRoute",
        "all",
        "{ httpRoute: { match: { prefix: / }, action: { target: { virtualService: { \
         virtualServiceRef: { name: web } } } } } }",
    );
    let labelled = format!("namespace: shop, labels: {{ {labels} }}");
    let service = "{ provider: { virtualNode: { virtualNodeRef: { name: web } } } }";
    [
        route.replace("namespace: shop", &labelled),
        object("VirtualService", "web", service),
        node("web"),
    ]
    .join("---\n")
}

/// Each object in a file of its own: `0.yaml`, `1.yaml` and so on.
fn files(objects: &[String]) -> Parsed {
    let names: Vec<String> = (0..objects.len()).map(|i| format!("{i}.yaml")).collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .zip(objects)
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    parse(&files)
}

/// The gateways, by name, of the only gateway route.
#[track_caller]
fn gateways_of_routes(parsed: &Parsed) -> Vec<&str> {
    let routes = apps(parsed).gateway_routes.keys();
    routes.map(|(gateway, _)| gateway.as_str()).collect()
}

/// A mesh of the namespaces of a stage.
fn mesh_of_stage(name: &str, stage: &str) -> String {
    let labels = format!("{{ matchLabels: {{ stage: {stage} }} }}");
    mesh(name, &format!("namespaceSelector: {labels}"))
}

#[test]
fn a_namespace_belongs_to_the_mesh_that_selects_its_labels() {
    let parsed = files(&[
        namespace("shop", "stage: prod"),
        mesh_of_stage("apps", "prod"),
        mesh_of_stage("test", "test"),
        node("web"),
    ]);
    assert!(apps(&parsed).virtual_nodes.contains_key("web_shop"));
}

#[test]
fn an_empty_namespace_selector_selects_all_namespaces() {
    let parsed = files(&[mesh("apps", "namespaceSelector: {}"), node("web")]);
    assert!(apps(&parsed).virtual_nodes.contains_key("web_shop"));
}

#[test]
fn a_mesh_without_a_namespace_selector_selects_none() {
    let parsed = files(&[namespace("shop", ""), mesh("apps", ""), node("web")]);
    assert_eq!(
        problem(&parsed),
        "2.yaml:3: virtual node web_shop: metadata.name: namespace `shop` belongs to no mesh: \
         `apps` has no `namespaceSelector`, which selects none; give the namespace the labels \
         that the mesh selects, or mend `namespaceSelector`"
    );
}

#[test]
fn a_namespace_that_no_mesh_selects_is_refused_once_with_what_they_select() {
    let parsed = files(&[
        namespace("shop", "stage: prod"),
        mesh(
            "apps",
            "namespaceSelector: { matchLabels: { stage: test } }",
        ),
        node("web"),
        node("cart"),
    ]);
    assert_eq!(
        problem(&parsed),
        "2.yaml:3: virtual node web_shop: metadata.name: namespace `shop` belongs to no mesh: the \
         `namespaceSelector` of `apps` (stage=test) does not select it; give the namespace the \
         labels that the mesh selects, or mend `namespaceSelector`"
    );
}

#[test]
fn a_namespace_that_two_meshes_select_is_refused() {
    let parsed = files(&[
        namespace("shop", "stage: prod"),
        mesh("apps", "namespaceSelector: {}"),
        mesh(
            "more",
            "namespaceSelector: { matchLabels: { stage: prod } }",
        ),
        node("web"),
    ]);
    assert_eq!(
        problem(&parsed),
        "3.yaml:3: virtual node web_shop: metadata.name: namespace `shop` belongs to several \
         meshes: `apps` and `more` select it; narrow their `namespaceSelector`, so that one is left"
    );
}

#[test]
fn without_any_mesh_its_manifest_is_asked_for_and_no_mesh_is_made_up() {
    let parsed = files(&[node("web")]);
    assert_eq!(
        problem(&parsed),
        "0.yaml:3: virtual node web_shop: metadata.name: there is no Mesh for namespace `shop`; \
         add the manifest of the Mesh"
    );
    let defaults: Vec<_> = warnings(&parsed);
    let defaults = defaults.iter().filter(|w| w.contains("defaults")).count();
    assert_eq!(defaults, 0);
}

#[test]
fn a_namespace_without_a_document_is_taken_to_be_of_the_only_mesh_that_may_select_it() {
    let parsed = files(&[mesh_of_stage("apps", "prod"), node("web"), node("cart")]);
    assert!(apps(&parsed).virtual_nodes.contains_key("web_shop"));
    let guessed: Vec<String> = warnings(&parsed);
    let guessed: Vec<&String> = guessed.iter().filter(|w| w.contains("namespace")).collect();
    assert_eq!(
        guessed,
        [
            "1.yaml:3: virtual node web_shop: metadata.name: no document describes namespace \
             `shop`, so that its labels are not known: it is taken to be of mesh `apps`"
        ]
    );
}

#[test]
fn a_namespace_without_a_document_that_two_meshes_may_select_is_refused() {
    let parsed = files(&[
        mesh_of_stage("apps", "prod"),
        mesh_of_stage("test", "test"),
        node("web"),
    ]);
    assert_eq!(
        problem(&parsed),
        "2.yaml:3: virtual node web_shop: metadata.name: no document describes namespace `shop`, \
         so that its labels are not known: `apps` and `test` may select it; add the manifest of \
         the Namespace"
    );
}

#[test]
fn a_mesh_that_surely_selects_goes_before_one_that_may() {
    let parsed = files(&[
        mesh("apps", "namespaceSelector: {}"),
        mesh_of_stage("test", "test"),
        node("web"),
    ]);
    assert!(apps(&parsed).virtual_nodes.contains_key("web_shop"));
}

#[test]
fn every_namespace_has_its_name_for_a_label() {
    let selector = "namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: shop } }";
    let other = "namespaceSelector: { matchLabels: { kubernetes.io/metadata.name: other } }";
    let parsed = files(&[mesh("apps", selector), mesh("more", other), node("web")]);
    assert!(apps(&parsed).virtual_nodes.contains_key("web_shop"));
    assert!(
        !warnings(&parsed)
            .iter()
            .any(|w| w.contains("namespace `shop`"))
    );
}

#[test]
fn several_manifests_of_a_namespace_add_their_labels_up() {
    let parsed = files(&[
        namespace("shop", "stage: prod"),
        namespace("shop", "team: web, stage: prod"),
        mesh(
            "apps",
            "namespaceSelector: { matchLabels: { stage: prod, team: web } }",
        ),
        node("web"),
    ]);
    assert!(apps(&parsed).virtual_nodes.contains_key("web_shop"));
}

#[test]
fn two_values_of_one_label_of_a_namespace_are_refused() {
    let parsed = files(&[
        namespace("shop", "stage: prod"),
        namespace("shop", "stage: test"),
    ]);
    assert_eq!(
        problem(&parsed),
        "1.yaml:4: namespace shop: metadata.name: label `stage` of namespace `shop` is `test` \
         here and `prod` in 0.yaml:4; keep one of the two"
    );
}

#[test]
fn a_mesh_reference_that_the_controller_wrote_tells_the_mesh() {
    let parsed = files(&[
        mesh("local", "awsName: apps, namespaceSelector: {}"),
        mesh("more", "namespaceSelector: {}"),
        object(
            "VirtualNode",
            "web",
            "{ meshRef: { name: local, uid: 5a0c } }",
        ),
    ]);
    assert!(apps(&parsed).virtual_nodes.contains_key("web_shop"));
}

#[test]
fn a_gateway_route_belongs_to_the_gateway_that_selects_its_namespace() {
    let parsed = in_shop(&[
        gateway("in", "namespaceSelector: { matchLabels: { mesh: apps } },"),
        gateway(
            "out",
            "namespaceSelector: { matchLabels: { mesh: other } },",
        ),
        gateway_route(""),
    ]);
    assert_eq!(gateways_of_routes(&parsed), ["in_shop"]);
}

#[test]
fn a_gateway_of_another_namespace_may_select_a_route() {
    let edge =
        gateway("in", "namespaceSelector: {},").replace("namespace: shop", "namespace: edge");
    let parsed = in_shop(&[namespace("edge", "mesh: apps"), edge, gateway_route("")]);
    assert_eq!(gateways_of_routes(&parsed), ["in_edge"]);
}

#[test]
fn gateways_of_one_namespace_are_told_apart_by_the_labels_of_routes() {
    let select = |reach: &str| {
        format!(
            "namespaceSelector: {{}}, gatewayRouteSelector: {{ matchLabels: {{ reach: {reach} }} \
             }},"
        )
    };
    let parsed = in_shop(&[
        gateway("public", &select("public")),
        gateway("private", &select("private")),
        gateway_route("reach: private"),
    ]);
    assert_eq!(gateways_of_routes(&parsed), ["private_shop"]);
}

#[test]
fn a_gateway_without_a_route_selector_selects_every_route_of_its_namespaces() {
    let parsed = in_shop(&[
        gateway("in", "namespaceSelector: {},"),
        gateway_route("any: label"),
    ]);
    assert_eq!(gateways_of_routes(&parsed), ["in_shop"]);
}

#[test]
fn a_gateway_without_a_namespace_selector_selects_no_route() {
    let parsed = in_shop(&[gateway("in", ""), gateway_route("")]);
    assert_eq!(
        problem(&parsed),
        "shop.yaml:18: gateway route all_shop: metadata.name: it belongs to no virtual gateway: \
         `in` of namespace `shop` has no `namespaceSelector`, which selects none; the gateway's \
         `namespaceSelector` must select the labels of the namespace, its `gatewayRouteSelector` \
         those of the route"
    );
}

#[test]
fn a_route_that_the_selector_of_routes_leaves_out_is_refused_with_what_it_asks_for() {
    let parsed = in_shop(&[
        gateway(
            "in",
            "namespaceSelector: {}, gatewayRouteSelector: { matchLabels: { reach: public } },",
        ),
        gateway_route("reach: private"),
    ]);
    let problem = problem(&parsed);
    let reason = "the `gatewayRouteSelector` of `in` of namespace `shop` (reach=public) does not \
                  select it";
    assert!(problem.contains(reason), "{problem}");
}

#[test]
fn a_route_without_any_gateway_is_refused() {
    assert_eq!(
        problem(&in_shop(&[gateway_route("")])),
        "shop.yaml:13: gateway route all_shop: metadata.name: it belongs to no virtual gateway: \
         there is none; add the manifest of the VirtualGateway"
    );
}

#[test]
fn a_route_that_two_gateways_select_is_refused() {
    let parsed = in_shop(&[
        gateway("a", "namespaceSelector: {},"),
        gateway("b", "namespaceSelector: {},"),
        gateway_route(""),
    ]);
    let problem = problem(&parsed);
    let reason = "it belongs to several virtual gateways: `a` of namespace `shop` and `b` of \
                  namespace `shop` select it; tell them apart by `gatewayRouteSelector` and \
                  labels of the route";
    assert!(problem.ends_with(reason), "{problem}");
}

#[test]
fn a_route_of_an_unknown_namespace_is_taken_to_be_of_the_only_gateway_that_may_select_it() {
    let parsed = files(&[
        mesh("apps", "namespaceSelector: {}"),
        gateway("in", "namespaceSelector: { matchLabels: { edge: a } },"),
        gateway_route(""),
    ]);
    assert_eq!(gateways_of_routes(&parsed), ["in_shop"]);
    let wanted = "2.yaml:3: gateway route all_shop: metadata.name: no document describes \
                  namespace `shop`, so that its labels are not known: its routes are taken to be \
                  of virtual gateway `in_shop`";
    assert!(warnings(&parsed).iter().any(|warning| warning == wanted));
}

#[test]
fn a_route_of_an_unknown_namespace_that_two_gateways_may_select_is_refused() {
    let parsed = files(&[
        mesh("apps", "namespaceSelector: {}"),
        gateway("a", "namespaceSelector: { matchLabels: { edge: a } },"),
        gateway("b", "namespaceSelector: { matchLabels: { edge: b } },"),
        gateway_route(""),
    ]);
    let problem = problem(&parsed);
    let reason = "no document describes namespace `shop`, so that its labels are not known: `a` \
                  of namespace `shop` and `b` of namespace `shop`, each a virtual gateway, may \
                  select it; add the manifest of the Namespace";
    assert!(problem.ends_with(reason), "{problem}");
}

#[test]
fn a_gateway_reference_that_the_controller_wrote_tells_the_gateway() {
    let route = gateway_route("").replace(
        "spec: { httpRoute",
        "spec: { virtualGatewayRef: { name: b, uid: 1c }, httpRoute",
    );
    let parsed = in_shop(&[
        gateway("a", "namespaceSelector: {},"),
        gateway("b", "namespaceSelector: {},"),
        route,
    ]);
    assert_eq!(gateways_of_routes(&parsed), ["b_shop"]);
}

#[test]
fn a_label_that_is_no_string_is_refused_as_the_api_server_does() {
    let parsed = files(&[namespace("shop", "stage: 1")]);
    assert_eq!(
        problem(&parsed),
        "0.yaml:5: namespace shop: metadata.labels.stage: 1 is not allowed: `stage` is a string; \
         write it in quotation marks"
    );
}
