//! Backend groups: the virtual services that they stand for.

use super::*;

fn service(name: &str) -> String {
    let spec = "{ provider: { virtualNode: { virtualNodeRef: { name: web } } } }";
    object("VirtualService", name, spec)
}

fn caller(spec: &str) -> String {
    object("VirtualNode", "front", spec)
}

/// The names of the backends of node `front`.
#[track_caller]
fn backends(parsed: &Parsed) -> Vec<String> {
    let front = &apps(parsed).virtual_nodes["front_shop"];
    let backends = front.spec.backends();
    backends
        .map(|backend| backend.virtual_service_name.as_str().to_owned())
        .collect()
}

#[test]
fn the_services_of_a_backend_group_are_backends() {
    let group = "{ virtualservices: [{ name: a }, { name: b, namespace: shop }] }";
    let parsed = in_shop(&[
        caller("{ backendGroups: [{ name: all }] }"),
        object("BackendGroup", "all", group),
        service("a"),
        service("b"),
        node("web"),
    ]);
    assert_eq!(backends(&parsed), ["a.shop", "b.shop"]);
}

#[test]
fn a_service_that_is_a_backend_already_is_not_added_again() {
    let group = "{ virtualservices: [{ name: a }, { name: b }] }";
    let parsed = in_shop(&[
        caller(
            "{ backends: [{ virtualService: { virtualServiceRef: { name: b } } }], backendGroups: \
             [{ name: all }] }",
        ),
        object("BackendGroup", "all", group),
        service("a"),
        service("b"),
        node("web"),
    ]);
    assert_eq!(backends(&parsed), ["b.shop", "a.shop"]);
}

#[test]
fn a_group_called_by_a_star_is_every_service_of_its_namespace() {
    let data =
        "apiVersion: v1\nkind: Namespace\nmetadata: { name: data, labels: { mesh: apps } }\n";
    let elsewhere = service("c").replace("{ name: web }", "{ name: web, namespace: shop }");
    let parsed = in_shop(&[
        data.to_owned(),
        elsewhere.replace("c, namespace: shop", "c, namespace: data"),
        caller("{ backendGroups: [{ name: '*' }] }"),
        service("a"),
        service("b"),
        node("web"),
    ]);
    assert_eq!(backends(&parsed), ["a.shop", "b.shop"]);
    assert!(apps(&parsed).virtual_services.contains_key("c.data"));
}

#[test]
fn a_group_that_is_not_there_is_refused() {
    assert_eq!(
        problem(&beside_shop(&caller("{ backendGroups: [{ name: all }] }"))),
        "shop.yaml:4: virtual node front_shop: spec.backendGroups[0]: no backend group `all` of \
         namespace `shop`; add the manifest of the BackendGroup"
    );
}

#[test]
fn an_unknown_member_of_a_group_is_warned_of() {
    let parsed = beside_shop(&object("BackendGroup", "all", "{ virtualServices: [] }"));
    assert_eq!(
        warnings(&parsed),
        [
            "shop.yaml:4: backend group all: spec.virtualServices: App Mesh knows no such field, \
             it has no effect; did you mean `virtualservices`?"
        ]
    );
}
