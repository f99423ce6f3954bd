//! The names that the controller gives.

use super::*;

/// Every kind once, with `extra` in each specification.
fn all(extra: &str) -> Parsed {
    let gateway = format!(
        "{{ {extra} namespaceSelector: {{}}, listeners: [{{ portMapping: {{ port: 80, protocol: \
         http }} }}] }}"
    );
    let route = format!(
        "{{ {extra} httpRoute: {{ match: {{ prefix: / }}, action: {{ target: {{ virtualService: \
         {{ virtualServiceRef: {{ name: x }} }} }} }} }} }}"
    );
    let router = format!(
        "{{ {extra} listeners: [{{ portMapping: {{ port: 8080, protocol: http }} }}], routes: [{{ \
         name: all, httpRoute: {{ match: {{ prefix: / }}, action: {{ weightedTargets: [{{ \
         virtualNodeRef: {{ name: x }}, weight: 1 }}] }} }} }}] }}"
    );
    let service = format!(
        "{{ {extra} provider: {{ virtualRouter: {{ virtualRouterRef: {{ name: x }} }} }} }}"
    );
    let node = format!(
        "{{ {extra} listeners: [{{ portMapping: {{ port: 8080, protocol: http }} }}], \
         serviceDiscovery: {{ dns: {{ hostname: x.shop }} }} }}"
    );
    in_shop(&[
        object("VirtualGateway", "x", &gateway),
        object("GatewayRoute", "x", &route),
        object("VirtualRouter", "x", &router),
        object("VirtualService", "x", &service),
        object("VirtualNode", "x", &node),
    ])
}

#[test]
fn a_mesh_has_the_name_of_its_object() {
    let parsed = in_shop(&[]);
    assert!(apps(&parsed).mesh.is_some());
}

#[test]
fn a_virtual_service_has_its_namespace_behind_a_dot_and_every_other_kind_behind_an_underscore() {
    let parsed = all("");
    let apps = apps(&parsed);
    assert!(apps.virtual_services.contains_key("x.shop"));
    assert!(apps.virtual_nodes.contains_key("x_shop"));
    assert!(apps.virtual_routers.contains_key("x_shop"));
    assert!(apps.virtual_gateways.contains_key("x_shop"));
    let route = ("x_shop".to_owned(), "x_shop".to_owned());
    assert!(apps.gateway_routes.contains_key(&route));
}

#[test]
fn a_route_has_the_name_that_it_has_in_its_router() {
    let parsed = all("");
    let route = ("x_shop".to_owned(), "all".to_owned());
    assert!(apps(&parsed).routes.contains_key(&route));
}

#[test]
fn aws_name_counts_before_the_name_of_the_object() {
    let parsed = all("awsName: given,");
    let apps = apps(&parsed);
    assert!(apps.virtual_services.contains_key("given"));
    assert!(apps.virtual_nodes.contains_key("given"));
    assert!(apps.virtual_routers.contains_key("given"));
    assert!(apps.virtual_gateways.contains_key("given"));
    let of_gateway = ("given".to_owned(), "given".to_owned());
    assert!(apps.gateway_routes.contains_key(&of_gateway));
    let of_router = ("given".to_owned(), "all".to_owned());
    assert!(apps.routes.contains_key(&of_router));
}

#[test]
fn an_empty_aws_name_is_none() {
    let parsed = all("awsName: '',");
    assert!(apps(&parsed).virtual_nodes.contains_key("x_shop"));
}

#[test]
fn a_mesh_with_an_aws_name_is_the_mesh_of_its_namespaces_under_that_name() {
    let mesh = "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata: { name: local }\nspec: \
                { awsName: apps, namespaceSelector: {} }\n";
    let parsed = parse(&[("mesh.yaml", mesh), ("node.yaml", &node("web"))]);
    assert!(apps(&parsed).virtual_nodes.contains_key("web_shop"));
}

#[test]
fn an_object_without_a_namespace_is_in_the_one_called_default() {
    let text = "
apiVersion: appmesh.k8s.aws/v1beta2
kind: Mesh
metadata: { name: apps }
spec: { namespaceSelector: {} }
---
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualNode
metadata: { name: web }
---
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualNode
metadata: { name: cart, namespace: '' }
";
    let parsed = parse(&[("mesh.yaml", text)]);
    assert!(apps(&parsed).virtual_nodes.contains_key("web_default"));
    assert!(apps(&parsed).virtual_nodes.contains_key("cart_default"));
}

#[test]
fn an_object_without_a_name_is_refused() {
    let text = "apiVersion: appmesh.k8s.aws/v1beta2\nkind: VirtualNode\nmetadata:\n  namespace: \
                shop\nspec: {}\n";
    assert_eq!(
        problem(&beside_shop(text)),
        "shop.yaml:4: virtual node: metadata.name: `name` is missing: it is required here; add \
         `name`"
    );
}

#[test]
fn a_name_that_the_api_server_does_not_take_is_refused() {
    assert_eq!(
        problem(&beside_shop(&object("VirtualService", "My_Shop", "{}"))),
        "shop.yaml:3: virtual service My_Shop.shop: metadata.name: \"My_Shop\" is not allowed: \
         `name` is up to 253 of a-z, 0-9, `-` and `.`, with a letter or digit at both ends; write \
         such a name; `spec.awsName` can give another one in App Mesh"
    );
}

#[test]
fn the_name_of_a_namespace_has_no_dot() {
    let text = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: a.b\n";
    assert_eq!(
        problem(&beside_shop(text)),
        "shop.yaml:4: namespace a.b: metadata.name: \"a.b\" is not allowed: `name` is up to 63 of \
         a-z, 0-9 and `-`, with a letter or digit at both ends; write such a name"
    );
}

#[test]
fn a_name_that_is_a_number_is_refused_as_the_api_server_does() {
    let text = "apiVersion: appmesh.k8s.aws/v1beta2\nkind: VirtualNode\nmetadata:\n  name: 7\n";
    assert_eq!(
        problem(&beside_shop(text)),
        "shop.yaml:4: virtual node: metadata.name: 7 is not allowed: `name` is a string; write it \
         in quotation marks"
    );
}

#[test]
fn a_name_longer_than_app_mesh_takes_is_refused_where_the_manifest_gives_it() {
    let name = "n".repeat(256);
    let problem = problem(&beside_shop(&object(
        "VirtualNode",
        "web",
        &format!("{{ awsName: {name} }}"),
    )));
    let start = format!("shop.yaml:4: virtual node {name}: spec.awsName: ");
    assert!(problem.starts_with(&start), "{problem}");
}

#[test]
fn variables_are_filled_in_in_names() {
    let text = object("VirtualNode", "$APP", "{ awsName: \"${APP}-node\" }");
    let set = DocumentSet {
        files: vec![
            SourceFile::new("apps.yaml", SHOP),
            SourceFile::new("shop.yaml", text),
        ],
        ..DocumentSet::default()
    };
    let inputs = Inputs {
        variables: [("APP".to_owned(), "web".to_owned())].into(),
        ..Inputs::default()
    };
    let parsed = Parser::new(inputs).parse(&set);
    assert!(apps(&parsed).virtual_nodes.contains_key("web-node"));
}

#[test]
fn a_name_with_a_variable_without_a_value_is_open_and_no_fault() {
    let parsed = beside_shop(&object("VirtualNode", "$APP", "{}"));
    assert_eq!(problems(&parsed), Vec::<String>::new());
    let open: Vec<_> = parsed.open.iter().map(|open| &open.expression).collect();
    assert_eq!(open, ["APP"]);
}

#[test]
fn a_second_manifest_of_an_object_is_refused_and_names_the_first() {
    let parsed = parse(&[
        ("apps.yaml", SHOP),
        ("one.yaml", &node("web")),
        ("two.yaml", &node("web")),
    ]);
    assert_eq!(
        problem(&parsed),
        "two.yaml:3: virtual node web_shop: metadata.name: one.yaml:3 describes the same object: \
         only one manifest may; remove one of the two"
    );
}

#[test]
fn two_objects_of_one_name_in_app_mesh_are_refused_whatever_their_files_are_called() {
    let named = |name: &str| object("VirtualNode", name, "{ awsName: web }");
    let parsed = parse(&[
        ("apps.yaml", SHOP),
        ("one.yaml", &named("a")),
        ("update-two.yaml", &named("b")),
    ]);
    assert_eq!(
        problem(&parsed),
        "update-two.yaml:1: virtual node web: one.yaml:1 describes the same resource: only one \
         document may; remove one of the two"
    );
}

#[test]
fn an_aws_name_that_is_no_string_is_refused_under_the_name_that_it_would_have_without() {
    assert_eq!(
        problem(&beside_shop(&object(
            "VirtualNode",
            "web",
            "{ awsName: 7 }"
        ))),
        "shop.yaml:4: virtual node web_shop: spec.awsName: 7 is not allowed: `awsName` is a \
         string; write it in quotation marks"
    );
}
