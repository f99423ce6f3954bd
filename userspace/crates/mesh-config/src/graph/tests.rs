use serde_json::json;

use super::*;
use crate::fixture::Files;

fn dot(files: &Files) -> String {
    Graph::of(&files.parse().documents).dot().to_string()
}

fn mermaid(files: &Files) -> String {
    Graph::of(&files.parse().documents).mermaid().to_string()
}

#[test]
fn the_getting_started_mesh_is_drawn_for_graphviz() {
    assert_eq!(
        dot(&Files::getting_started()),
        r#"digraph meshes {
  rankdir=LR;
  node [fontname="sans-serif"];
  subgraph cluster_0 {
    label="mesh apps";
    n0 [label="route\nserviceB\nprefix /", shape=box];
    n1 [label="virtual node\nserviceA\nhttp2 80\nDNS servicea.apps.local", shape=box3d];
    n2 [label="virtual node\nserviceB\nhttp2 80\nDNS serviceb.apps.local", shape=box3d];
    n3 [label="virtual node\nserviceBv2\nhttp2 80\nDNS servicebv2.apps.local", shape=box3d];
    n4 [label="virtual router\nserviceB\nhttp2 80", shape=diamond];
    n5 [label="virtual service\nservicea.apps.local", shape=ellipse];
    n6 [label="virtual service\nserviceb.apps.local", shape=ellipse];
  }
  n1 -> n6 [style=dashed];
  n5 -> n1;
  n6 -> n4;
  n4 -> n0;
  n0 -> n2 [label="75"];
  n0 -> n3 [label="25"];
}
"#
    );
}

#[test]
fn the_getting_started_mesh_is_drawn_for_mermaid() {
    assert_eq!(
        mermaid(&Files::getting_started()),
        r#"flowchart LR
  subgraph m0["mesh apps"]
    n0["route<br/>serviceB<br/>prefix /"]
    n1("virtual node<br/>serviceA<br/>http2 80<br/>DNS servicea.apps.local")
    n2("virtual node<br/>serviceB<br/>http2 80<br/>DNS serviceb.apps.local")
    n3("virtual node<br/>serviceBv2<br/>http2 80<br/>DNS servicebv2.apps.local")
    n4{"virtual router<br/>serviceB<br/>http2 80"}
    n5(["virtual service<br/>servicea.apps.local"])
    n6(["virtual service<br/>serviceb.apps.local"])
  end
  n1 -.-> n6
  n5 --> n1
  n6 --> n4
  n4 --> n0
  n0 -->|"75"| n2
  n0 -->|"25"| n3
"#
    );
}

#[test]
fn what_is_named_and_not_there_is_drawn_as_missing() {
    let files = Files::getting_started().without("create-virtual-node-servicebv2.json");
    assert!(
        dot(&files).contains(
            r#"[label="virtual node (missing)\nserviceBv2", shape=box3d, style=dashed, color=red, fontcolor=red];"#
        ),
        "{}",
        dot(&files)
    );
    let text = mermaid(&files);
    assert!(
        text.contains(r#"("virtual node #40;missing#41;<br/>serviceBv2"):::missing"#),
        "{text}"
    );
    assert!(text.contains("classDef missing"), "{text}");
}

#[test]
fn a_gateway_leads_by_its_routes_to_services() {
    let target = json!({ "virtualService": { "virtualServiceName": "ServiceB.apps.local" } });
    let matches = json!({
        "hostname": { "suffix": ".example.com" },
        "prefix": "/shop",
        "headers": [{ "name": "x" }, { "name": "y" }],
    });
    let files = Files::getting_started()
        .with(
            "gateway.json",
            json!({
                "meshName": "apps",
                "virtualGatewayName": "edge",
                "spec": { "listeners": [{ "portMapping": { "port": 443, "protocol": "http" } }] },
            }),
        )
        .with(
            "gateway-route.json",
            json!({
                "meshName": "apps",
                "virtualGatewayName": "edge",
                "gatewayRouteName": "shop",
                "spec": {
                    "httpRoute": { "match": matches, "action": { "target": target } },
                    "priority": 3,
                },
            }),
        );
    let text = dot(&files);
    for expected in [
        r#"n0 [label="gateway route\nshop\nhost ending .example.com\nprefix /shop, 2 headers\npriority 3", shape=box];"#,
        r#"n2 [label="virtual gateway\nedge\nhttp 443", shape=hexagon];"#,
        "n2 -> n0;",
        "n0 -> n8;",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[test]
fn names_cannot_break_out_of_their_quotation_marks() {
    let name = "a\"] ;\\ <b> #quot; & `c`";
    let files = Files::getting_started().set(
        "create-virtual-router.json",
        "/virtualRouterName",
        json!(name),
    );
    let text = dot(&files);
    assert!(
        text.contains(r#"virtual router\na\"] ;\\ <b> #quot; &amp; `c`\n"#),
        "{text}"
    );
    let text = mermaid(&files);
    assert!(
        text.contains("a#34;#93; #59;#92; #60;b#62; #35;quot#59; #38; #96;c#96;<br/>"),
        "{text}"
    );
}
