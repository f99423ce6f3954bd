//! What one object names is found as the controller finds it.

use super::*;

fn service(name: &str, provider: &str) -> String {
    object(
        "VirtualService",
        name,
        &format!("{{ provider: {{ {provider} }} }}"),
    )
}

fn router(name: &str, target: &str) -> String {
    let spec = format!(
        "{{ listeners: [{{ portMapping: {{ port: 8080, protocol: http }} }}], routes: [{{ name: \
         all, httpRoute: {{ match: {{ prefix: / }}, action: {{ weightedTargets: [{{ {target}, \
         weight: 1 }}] }} }} }}] }}"
    );
    object("VirtualRouter", name, &spec)
}

fn caller(backend: &str) -> String {
    let spec = format!("{{ backends: [{{ virtualService: {{ {backend} }} }}] }}");
    object("VirtualNode", "front", &spec)
}

/// The name in App Mesh at a JSON pointer of the only route.
#[track_caller]
fn target(parsed: &Parsed) -> Value {
    let route = apps(parsed).routes.values().next().expect("a route");
    json(&route.spec)["httpRoute"]["action"]["weightedTargets"][0]["virtualNode"].clone()
}

#[test]
fn a_backend_is_named_by_reference() {
    let parsed = in_shop(&[
        caller("virtualServiceRef: { name: web }"),
        service("web", "virtualNode: { virtualNodeRef: { name: web } }"),
        node("web"),
    ]);
    let front = &apps(&parsed).virtual_nodes["front_shop"];
    let backend = &json(&front.spec)["backends"][0]["virtualService"];
    assert_eq!(backend["virtualServiceName"], "web.shop");
    assert!(!warnings(&parsed).iter().any(|w| w.contains("backend")));
}

#[test]
fn a_reference_has_the_name_that_the_other_object_gives_itself() {
    let named = "{ awsName: web.example.com, provider: { virtualNode: { virtualNodeRef: { name: \
                 web } } } }";
    let parsed = in_shop(&[
        caller("virtualServiceRef: { name: web }"),
        object("VirtualService", "web", named),
        node("web"),
    ]);
    let front = &apps(&parsed).virtual_nodes["front_shop"];
    let backend = &json(&front.spec)["backends"][0]["virtualService"];
    assert_eq!(backend["virtualServiceName"], "web.example.com");
}

#[test]
fn a_reference_may_lead_into_another_namespace() {
    let data =
        "apiVersion: v1\nkind: Namespace\nmetadata: { name: data, labels: { mesh: apps } }\n";
    let other = node("db").replace("namespace: shop", "namespace: data");
    let parsed = in_shop(&[
        data.to_owned(),
        router("r", "virtualNodeRef: { name: db, namespace: data }"),
        other,
    ]);
    assert_eq!(target(&parsed), "db_data");
}

#[test]
fn an_empty_namespace_of_a_reference_is_that_of_its_object() {
    let parsed = in_shop(&[
        router("r", "virtualNodeRef: { name: web, namespace: '' }"),
        node("web"),
    ]);
    assert_eq!(target(&parsed), "web_shop");
}

#[test]
fn a_target_may_be_named_by_arn() {
    let arn = "arn:aws:appmesh:eu-west-1:111122223333:mesh/apps/virtualNode/web_shop";
    let parsed = in_shop(&[
        router("r", &format!("virtualNodeARN: '{arn}'")),
        node("web"),
    ]);
    assert_eq!(target(&parsed), arn);
}

#[test]
fn a_provider_is_a_node_or_a_router() {
    let parsed = in_shop(&[
        service("a", "virtualNode: { virtualNodeRef: { name: web } }"),
        service("b", "virtualRouter: { virtualRouterRef: { name: r } }"),
        router("r", "virtualNodeRef: { name: web }"),
        node("web"),
    ]);
    let services = &apps(&parsed).virtual_services;
    let provider = |name: &str| json(&services[name].spec)["provider"].clone();
    assert_eq!(
        provider("a.shop")["virtualNode"]["virtualNodeName"],
        "web_shop"
    );
    assert_eq!(
        provider("b.shop")["virtualRouter"]["virtualRouterName"],
        "r_shop"
    );
}

#[test]
fn the_service_of_a_gateway_route_is_named_by_reference() {
    let gateway = "{ namespaceSelector: {}, listeners: [{ portMapping: { port: 80, protocol: http \
                   } }] }";
    let route = "{ httpRoute: { match: { prefix: / }, action: { target: { virtualService: { \
                 virtualServiceRef: { name: web } }, port: 8080 } } } }";
    let parsed = in_shop(&[
        object("VirtualGateway", "in", gateway),
        object("GatewayRoute", "all", route),
        service("web", "virtualNode: { virtualNodeRef: { name: web } }"),
        node("web"),
    ]);
    let route = apps(&parsed).gateway_routes.values().next();
    let route = json(&route.expect("a gateway route").spec);
    let target = &route["httpRoute"]["action"]["target"];
    assert_eq!(target["virtualService"]["virtualServiceName"], "web.shop");
    assert_eq!(target["port"], 8080);
}

#[test]
fn a_reference_to_an_object_that_is_not_there_is_refused_where_it_stands() {
    let text = "\
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualRouter
metadata:
  name: r
  namespace: shop
spec:
  listeners:
    - portMapping: { port: 8080, protocol: http }
  routes:
    - name: all
      httpRoute:
        match: { prefix: / }
        action:
          weightedTargets:
            - virtualNodeRef:
                name: web
              weight: 1
";
    let problem = problem(&beside_shop(text));
    let place = "shop.yaml:16: route all: \
                 spec.routes[0].httpRoute.action.weightedTargets[0].virtualNodeRef: ";
    assert!(problem.starts_with(place), "{problem}");
    assert!(problem.contains("`web_shop`"), "{problem}");
}

#[test]
fn a_reference_without_a_name_is_refused() {
    assert_eq!(
        problem(&beside_shop(&caller(
            "virtualServiceRef: { namespace: data }"
        ))),
        "shop.yaml:4: virtual node front_shop: \
         spec.backends[0].virtualService.virtualServiceRef.name: `name` is missing: it is \
         required here; add `name`"
    );
}

#[test]
fn a_reference_and_an_arn_together_are_refused() {
    let both = "virtualServiceRef: { name: s }, virtualServiceARN: \
                'arn:aws:appmesh:r:1:mesh/apps/virtualService/s'";
    assert_eq!(
        problem(&beside_shop(&caller(both))),
        "shop.yaml:4: virtual node front_shop: spec.backends[0].virtualService: exactly one of \
         `virtualServiceRef` or `virtualServiceARN` is allowed here, there are both; keep one of \
         them"
    );
}

#[test]
fn neither_a_reference_nor_an_arn_is_refused() {
    let parsed = beside_shop(&service("a", "virtualNode: {}"));
    assert_eq!(
        problem(&parsed),
        "shop.yaml:4: virtual service a.shop: spec.provider.virtualNode: exactly one of \
         `virtualNodeRef` or `virtualNodeARN` is required here, there is none; add one of them"
    );
}

#[test]
fn a_name_as_the_api_has_it_is_refused_with_what_manifests_have() {
    assert_eq!(
        problem(&beside_shop(&caller("virtualServiceName: web.shop"))),
        "shop.yaml:4: virtual node front_shop: spec.backends[0].virtualService: exactly one of \
         `virtualServiceRef` or `virtualServiceARN` is required here, there is \
         `virtualServiceName`, which manifests do not have; write `virtualServiceRef` with the \
         `name` and `namespace` of the virtual service in the cluster"
    );
    let parsed = beside_shop(&router("r", "virtualNode: web"));
    let problem = problem(&parsed);
    assert!(problem.contains("there is `virtualNode`"), "{problem}");
}

#[test]
fn what_is_no_arn_of_that_kind_is_refused() {
    let node = "virtualServiceARN: 'arn:aws:appmesh:r:1:mesh/apps/virtualNode/web'";
    assert_eq!(
        problem(&beside_shop(&caller(node))),
        "shop.yaml:4: virtual node front_shop: \
         spec.backends[0].virtualService.virtualServiceARN: \
         \"arn:aws:appmesh:r:1:mesh/apps/virtualNode/web\" is not allowed: `virtualServiceARN` is \
         the ARN of a virtual service; write \
         arn:aws:appmesh:REGION:ACCOUNT:mesh/MESH/virtualService/NAME"
    );
}

#[test]
fn a_reference_that_is_no_object_is_refused() {
    assert_eq!(
        problem(&beside_shop(&caller("virtualServiceRef: web"))),
        "shop.yaml:4: virtual node front_shop: \
         spec.backends[0].virtualService.virtualServiceRef: \"web\" is not allowed: \
         `virtualServiceRef` is an object; write its members"
    );
}

#[test]
fn a_backend_that_is_named_twice_is_refused_as_the_controller_does() {
    let spec = "{ backends: [{ virtualService: { virtualServiceRef: { name: web } } }, { \
                virtualService: { virtualServiceRef: { name: web, namespace: shop } } }] }";
    assert_eq!(
        problem(&beside_shop(&object("VirtualNode", "front", spec))),
        "shop.yaml:4: virtual node front_shop: \
         spec.backends[1].virtualService.virtualServiceRef: `web` of namespace `shop` is a \
         backend already; keep one of the two"
    );
}

#[test]
fn a_name_as_the_api_has_it_beside_a_reference_is_warned_of() {
    let target = "virtualNodeRef: { name: web }, virtualNode: other";
    let parsed = in_shop(&[router("r", target), node("web")]);
    assert_eq!(self::target(&parsed), "web_shop");
    let wanted = "spec.routes[0].httpRoute.action.weightedTargets[0].virtualNode: manifests have \
                  no such field, the controller gives it no effect";
    let warnings = warnings(&parsed);
    assert!(
        warnings.iter().any(|warning| warning.ends_with(wanted)),
        "{warnings:#?}"
    );
}

#[test]
fn nothing_is_said_of_a_reference_whose_name_has_no_value() {
    let parsed = in_shop(&[
        router("r", "virtualNodeRef: { name: $NODE }"),
        caller("virtualServiceARN: $SERVICE"),
    ]);
    assert_eq!(problems(&parsed), Vec::<String>::new());
    assert!(!warnings(&parsed).iter().any(|w| w.contains("${")));
    assert_eq!(parsed.open.len(), 2);
}

#[test]
fn a_field_that_is_called_like_a_reference_and_is_none_is_only_unknown() {
    let spec = "{ virtualService: { virtualServiceRef: { name: web } } }";
    let parsed = beside_shop(&object("VirtualNode", "web", spec));
    apps(&parsed);
    let wanted = "spec.virtualService: App Mesh knows no such field, it has no effect";
    assert!(
        warnings(&parsed)
            .iter()
            .any(|warning| warning.ends_with(wanted))
    );
}
