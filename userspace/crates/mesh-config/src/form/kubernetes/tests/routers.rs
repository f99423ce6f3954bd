//! Virtual routers with their routes.

use super::*;

const LISTENER: &str = "listeners: [{ portMapping: { port: 8080, protocol: http } }]";

fn route(name: &str) -> String {
    format!(
        "{{ name: {name}, httpRoute: {{ match: {{ prefix: / }}, action: {{ weightedTargets: [{{ \
         virtualNodeRef: {{ name: web }}, weight: 1 }}] }} }} }}"
    )
}

#[test]
fn each_route_of_a_router_is_a_document() {
    let spec = format!("{{ {LISTENER}, routes: [{}, {}] }}", route("a"), route("b"));
    let parsed = in_shop(&[object("VirtualRouter", "r", &spec), node("web")]);
    let routes: Vec<&str> = apps(&parsed)
        .routes
        .keys()
        .map(|(_, name)| name.as_str())
        .collect();
    assert_eq!(routes, ["a", "b"]);
}

#[test]
fn two_routes_of_one_name_are_refused() {
    let text = format!(
        "{}---\n{}",
        object(
            "VirtualRouter",
            "r",
            &format!(
                "\n  {LISTENER}\n  routes:\n    - {}\n    - {}",
                route("a"),
                route("a")
            )
        ),
        node("web")
    );
    assert_eq!(
        problem(&beside_shop(&text)),
        "shop.yaml:8: route a: spec.routes[1].name: `a` is the name of the route in line 7 \
         already; give each route of the router a name of its own"
    );
}

#[test]
fn a_route_without_a_name_is_refused() {
    let spec = format!("{{ {LISTENER}, routes: [{}] }}", route("''"));
    let parsed = in_shop(&[object("VirtualRouter", "r", &spec), node("web")]);
    let problem = problem(&parsed);
    assert!(
        problem.ends_with(
            "route: spec.routes[0].name: `name` is missing: it is required here; add `name`"
        ),
        "{problem}"
    );
}

#[test]
fn a_fault_in_a_route_has_its_path_in_the_router() {
    let spec = format!(
        "{{ {LISTENER}, routes: [{}] }}",
        route("a").replace("weight: 1", "weight: 101")
    );
    let parsed = beside_shop(&format!(
        "{}---\n{}",
        object("VirtualRouter", "r", &spec),
        node("web")
    ));
    assert_eq!(
        problem(&parsed),
        "shop.yaml:4: route a: spec.routes[0].httpRoute.action.weightedTargets[0].weight: 101 is \
         not allowed: `weight` is a whole number from 0 to 100; write a number in that range"
    );
}

#[test]
fn a_list_of_no_listeners_is_refused_as_the_definition_of_the_kind_does() {
    assert_eq!(
        problem(&beside_shop(&object(
            "VirtualRouter",
            "r",
            "{ listeners: [] }"
        ))),
        "shop.yaml:4: virtual router r_shop: spec.listeners: 0 items are not allowed: a \
         VirtualRouter has at least one listener; add one"
    );
}

#[test]
fn routes_that_are_no_list_are_refused() {
    assert_eq!(
        problem(&beside_shop(&object(
            "VirtualRouter",
            "r",
            "{ routes: {} }"
        ))),
        "shop.yaml:4: virtual router r_shop: spec.routes: {} is not allowed: `routes` is a list; \
         write each item after a dash"
    );
}

#[test]
fn a_route_that_is_no_object_is_refused() {
    let spec = format!("{{ {LISTENER}, routes: [all] }}");
    assert_eq!(
        problem(&beside_shop(&object("VirtualRouter", "r", &spec))),
        "shop.yaml:4: route: spec.routes[0]: \"all\" is not allowed: `routes[0]` is an object; \
         write its members"
    );
}

#[test]
fn a_gateway_may_leave_its_listeners_out() {
    let parsed = in_shop(&[object("VirtualGateway", "in", "{ namespaceSelector: {} }")]);
    let gateway = &apps(&parsed).virtual_gateways["in_shop"];
    assert_eq!(gateway.spec.listeners.len(), 0);
}
