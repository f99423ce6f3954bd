//! Which objects are read, left aside and refused.

use super::*;

#[test]
fn an_object_without_a_version_is_refused() {
    let text = "kind: VirtualNode\nmetadata: { name: web, namespace: shop }\nspec: {}\n";
    assert_eq!(
        problem(&beside_shop(text)),
        "shop.yaml:1: VirtualNode web: apiVersion: `apiVersion` is missing: it tells whose \
         `VirtualNode` this is; add `apiVersion: appmesh.k8s.aws/v1beta2`"
    );
}

#[test]
fn an_object_without_a_kind_is_refused() {
    let text = "apiVersion: appmesh.k8s.aws/v1beta2\nmetadata: { name: web }\n";
    assert_eq!(
        problem(&beside_shop(text)),
        "shop.yaml:1: web: kind: `kind` is missing: it is required here; write which kind of \
         object it is, such as `kind: VirtualNode`"
    );
}

#[test]
fn a_kind_that_app_mesh_does_not_have_is_refused() {
    assert_eq!(
        problem(&beside_shop(&object("VirtualNodes", "web", "{}"))),
        "shop.yaml:2: VirtualNodes web: kind: App Mesh has no kind `VirtualNodes`; write \
         `VirtualNode`, `VirtualRouter`, `VirtualService` or `VirtualGateway`"
    );
}

#[test]
fn a_version_that_does_not_exist_is_refused() {
    let text = object("Mesh", "apps", "{}").replace("v1beta2", "v1");
    assert_eq!(
        problem(&beside_shop(&text)),
        "shop.yaml:1: Mesh apps: apiVersion: appmesh.k8s.aws has no version `v1`; write \
         appmesh.k8s.aws/v1beta2"
    );
}

#[test]
fn the_version_before_the_older_is_refused_with_what_has_to_change() {
    let text = object("VirtualNode", "web", "{ meshName: apps }").replace("v1beta2", "v1alpha1");
    let found = problem(&beside_shop(&text));
    assert!(
        found.contains("v1alpha1 is of the time before v1beta1") && found.contains("`meshName`"),
        "{found}"
    );
}

#[test]
fn a_misspelt_group_is_refused() {
    let text = object("Mesh", "apps", "{}").replace("appmesh.k8s.aws", "appmesh.k8s.io");
    assert_eq!(
        problem(&beside_shop(&text)),
        "shop.yaml:1: Mesh apps: apiVersion: no kind of App Mesh is of the group \
         `appmesh.k8s.io`; did you mean appmesh.k8s.aws/v1beta2?"
    );
}

#[test]
fn the_older_version_is_refused_with_what_has_to_change() {
    let text = object("VirtualNode", "web", "{ meshName: apps }").replace("v1beta2", "v1beta1");
    assert_eq!(
        problem(&beside_shop(&text)),
        "shop.yaml:1: VirtualNode web: apiVersion: v1beta1 is the version of the controller \
         before 1.0, whose names and fields are others: v1beta2 is read; write \
         appmesh.k8s.aws/v1beta2: drop `meshName`, for the `namespaceSelector` of the Mesh tells \
         it; `backends[].virtualService.virtualServiceName` becomes `virtualServiceRef`, \
         `serviceDiscovery.dns.hostName` becomes `hostname`, `serviceDiscovery.cloudMap` becomes \
         `awsCloudMap`; `podSelector` selects the pods; `awsName` NAME-NAMESPACE keeps the name \
         that it has in App Mesh"
    );
}

#[test]
fn every_kind_of_the_older_version_says_what_has_to_change() {
    for (kind, change) in [
        ("Mesh", "add `spec.namespaceSelector`"),
        ("VirtualService", "`routes` move into a VirtualRouter"),
        ("Other", "write it anew"),
    ] {
        let text = object(kind, "x", "{}").replace("v1beta2", "v1beta1");
        let problem = problem(&beside_shop(&text));
        assert!(problem.contains(change), "{problem}");
    }
}

#[test]
fn objects_of_other_kinds_are_left_alone() {
    let text = "
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec: { template: { spec: { containers: [{ image: \"$IMAGE\" }] } } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web }
spec: { hosts: [web] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
";
    let parsed = beside_shop(text);
    assert_eq!(apps(&parsed).virtual_services.len(), 0);
    assert_eq!(warnings(&parsed), Vec::<String>::new());
    assert!(parsed.open.is_empty());
}

#[test]
fn a_list_of_kubectl_is_read_item_by_item() {
    let text = r#"{
  "apiVersion": "v1",
  "kind": "List",
  "metadata": { "resourceVersion": "" },
  "items": [
    { "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" } },
    {
      "apiVersion": "appmesh.k8s.aws/v1beta2",
      "kind": "VirtualNode",
      "metadata": {
        "name": "web", "namespace": "shop", "uid": "7f1e", "generation": 3,
        "finalizers": ["finalizers.appmesh.k8s.aws/resources"],
        "managedFields": [{ "manager": "kubectl", "operation": "Update" }]
      },
      "spec": {
        "awsName": "web_shop",
        "meshRef": { "name": "apps", "uid": "5a0c" },
        "listeners": [{ "portMapping": { "port": 8080, "protocol": "http" } }],
        "serviceDiscovery": { "dns": { "hostname": "web.shop" } }
      },
      "status": { "virtualNodeARN": "arn:aws:appmesh:r:1:mesh/apps/virtualNode/web_shop" }
    }
  ]
}"#;
    let parsed = beside_shop(text);
    assert!(apps(&parsed).virtual_nodes.contains_key("web_shop"));
    let unknown = warnings(&parsed);
    let unknown: Vec<_> = unknown
        .iter()
        .filter(|w| w.contains("no such field"))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn a_fault_in_a_list_has_the_path_through_the_list() {
    let text = "
apiVersion: appmesh.k8s.aws/v1beta2
kind: VirtualNodeList
items:
  - apiVersion: appmesh.k8s.aws/v1beta2
    kind: VirtualNode
    metadata: { name: web, namespace: shop }
    spec:
      listeners:
        - portMapping: { port: 70000, protocol: http }
      serviceDiscovery: { dns: { hostname: web.shop } }
";
    assert_eq!(
        problem(&beside_shop(text)),
        "shop.yaml:10: virtual node web_shop: items[0].spec.listeners[0].portMapping.port: 70000 \
         is not allowed: `port` is a whole number from 1 to 65535; write a number in that range"
    );
}

#[test]
fn an_item_that_is_no_object_is_warned_of() {
    let parsed = beside_shop("apiVersion: v1\nkind: List\nitems: [7]\n");
    assert_eq!(
        warnings(&parsed),
        ["shop.yaml:3: items[0]: left out: it is no object of Kubernetes, it has no `kind`"]
    );
}

#[test]
fn a_spec_that_is_no_object_is_refused() {
    assert_eq!(
        problem(&beside_shop(&object("VirtualNode", "web", "[]"))),
        "shop.yaml:4: virtual node web_shop: spec: [] is not allowed: `spec` is an object; write \
         its members"
    );
}

#[test]
fn an_object_whose_spec_is_no_object_is_there_for_those_who_name_it() {
    let provider = "{ provider: { virtualNode: { virtualNodeRef: { name: web } } } }";
    let text = [
        object("VirtualNode", "web", "7"),
        object("VirtualService", "web", provider),
    ];
    let problem = problem(&beside_shop(&text.join("---\n")));
    assert!(problem.contains("spec: 7 is not allowed"), "{problem}");
}

#[test]
fn metadata_that_is_no_object_is_refused() {
    let text = "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata: apps\n";
    assert_eq!(
        problem(&beside_shop(text)),
        "shop.yaml:3: mesh: metadata: \"apps\" is not allowed: `metadata` is an object; write its \
         members"
    );
}

#[test]
fn an_unknown_member_beside_spec_is_warned_of() {
    let text = object("VirtualService", "web", "{}") + "specs: {}\n";
    let warnings = warnings(&beside_shop(&text));
    let wanted = "shop.yaml:5: virtual service web.shop: specs: App Mesh knows no such field, it \
                  has no effect; did you mean `spec`?";
    assert!(
        warnings.iter().any(|warning| warning == wanted),
        "{warnings:#?}"
    );
}

#[test]
fn what_has_to_change_is_said_once_for_each_kind_of_a_file() {
    let old = |kind: &str, name: &str| object(kind, name, "{}").replace("v1beta2", "v1beta1");
    let text = [
        old("VirtualNode", "a"),
        old("VirtualNode", "b"),
        old("VirtualService", "c"),
    ];
    let problems = problems(&beside_shop(&text.join("---\n")));
    assert_eq!(problems.len(), 3, "{problems:#?}");
    assert_eq!(
        problems[1],
        "shop.yaml:6: VirtualNode b: apiVersion: v1beta1 is the version of the controller before \
         1.0, whose names and fields are others: v1beta2 is read; convert it like that of line 1"
    );
    assert!(problems[2].contains("`routes` move into"), "{problems:#?}");
}
