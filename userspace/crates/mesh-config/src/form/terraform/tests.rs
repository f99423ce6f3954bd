use serde_json::{Value, json};

use crate::{
    document::{Documents, Parsed},
    fixture::Files,
    source::{DocumentSet, SourceFile},
};

fn parse_text(name: &str, text: &str) -> Parsed {
    Documents::parse(&DocumentSet {
        files: vec![SourceFile::new(name, text)],
        ..DocumentSet::default()
    })
}

fn parse(printed: &Value) -> Parsed {
    parse_text("mesh.json", &format!("{printed:#}"))
}

/// A resource as `terraform show -json` has it.
fn resource(of: &str, name: &str, values: &Value) -> Value {
    json!({
        "address": format!("aws_appmesh_{of}.{name}"),
        "mode": "managed",
        "type": format!("aws_appmesh_{of}"),
        "name": name,
        "values": values,
    })
}

fn node(name: &str, port: u16) -> Value {
    let spec = json!([{
        "backend": [],
        "listener": [{ "port_mapping": [{ "port": port, "protocol": "http" }], "tls": [] }],
        "logging": null,
        "service_discovery": [{
            "aws_cloud_map": [],
            "dns": [{ "hostname": "web.local", "response_type": "" }],
        }],
    }]);
    let values = json!({ "name": name, "mesh_name": "apps", "mesh_owner": "", "spec": spec });
    resource("virtual_node", name, &values)
}

fn state(resources: &[Value]) -> Value {
    json!({
        "format_version": "1.0",
        "terraform_version": "1.9.0",
        "values": { "root_module": { "resources": resources } },
    })
}

fn plan(resources: &[Value], unknown: &[(&str, Value)], configuration: &Value) -> Value {
    let changes: Vec<Value> = unknown
        .iter()
        .map(|(address, unknown)| {
            let of = address.split('.').next().expect("a type");
            let change = json!({ "actions": ["create"], "after_unknown": unknown });
            json!({ "address": address, "type": of, "change": change })
        })
        .collect();
    json!({
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": { "root_module": { "resources": resources } },
        "resource_changes": changes,
        "configuration": { "root_module": configuration },
    })
}

fn said(parsed: &Parsed) -> Vec<String> {
    parsed.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_fault_is_told_by_terraforms_address_and_attributes() {
    let printed = state(&[node("web", 8080), node("api", 0)]);
    let text = format!("{printed:#}");
    let parsed = parse(&printed);
    assert_eq!(
        said(&parsed),
        [format!(
            "mesh.json:{}: virtual node api: \
             aws_appmesh_virtual_node.api.spec[0].listener[0].port_mapping[0].port: \
             0 is not allowed: `port` is a whole number from 1 to 65535; \
             write a number in that range",
            1 + text
                .lines()
                .position(|line| line.contains("\"port\": 0"))
                .expect("the port"),
        )]
    );
}

#[test]
fn resources_of_modules_and_of_counts_are_told_apart() {
    let mut printed = state(&[node("web", 8080)]);
    let mut one = node("one", 0);
    one["address"] = json!("module.more[\"a.b\"].aws_appmesh_virtual_node.extra[1]");
    printed["values"]["root_module"]["child_modules"] = json!([{
        "address": "module.more[\"a.b\"]",
        "resources": [one],
        "child_modules": [{ "resources": [node("two", 80)] }],
    }]);
    let parsed = parse(&printed);
    let [problem] = &parsed.problems[..] else {
        panic!("{:#?}", parsed.problems)
    };
    let field = problem.place.field.as_deref().expect("a field");
    assert!(
        field.starts_with("module.more[\"a.b\"].aws_appmesh_virtual_node.extra[1].spec[0]"),
        "{field}"
    );
    assert_eq!(parsed.documents.summary()["virtual node"], 2);
}

#[test]
fn an_instance_of_a_state_file_is_told_by_its_key() {
    let instances = json!([
        { "index_key": "a", "attributes": node("a", 0)["values"] },
        { "index_key": 1, "attributes": node("b", 0)["values"] },
        { "deposed": "0123abcd", "attributes": node("c", 0)["values"] },
    ]);
    let parsed = parse(&json!({
        "version": 4,
        "serial": 3,
        "resources": [{
            "module": "module.m",
            "mode": "managed",
            "type": "aws_appmesh_virtual_node",
            "name": "x",
            "instances": instances,
        }],
    }));
    let fields: Vec<&str> = parsed
        .problems
        .iter()
        .filter_map(|problem| problem.place.field.as_deref()?.split(".spec").next())
        .collect();
    assert_eq!(
        fields,
        [
            "module.m.aws_appmesh_virtual_node.x[\"a\"]",
            "module.m.aws_appmesh_virtual_node.x[1]",
        ]
    );
}

#[test]
fn data_sources_and_resources_of_others_are_left_alone() {
    let mut read = node("read", 0);
    read["mode"] = json!("data");
    let mut queue = node("queue", 0);
    queue["type"] = json!("aws_sqs_queue");
    let parsed = parse(&state(&[read, queue, node("web", 80)]));
    assert_eq!(said(&parsed), [""; 0]);
    assert_eq!(parsed.documents.summary()["virtual node"], 1);
}

#[test]
fn a_file_without_app_mesh_and_a_type_that_it_has_not_are_warned_of() {
    let mut odd = node("web", 80);
    odd["type"] = json!("aws_appmesh_virtual_nodes");
    for (resources, wanted) in [
        (vec![], "nothing of App Mesh is in it"),
        (vec![odd], "did you mean `aws_appmesh_virtual_node`?"),
    ] {
        let parsed = parse(&state(&resources));
        let warned = parsed
            .warnings
            .iter()
            .any(|warning| warning.message.contains(wanted));
        assert!(warned, "{wanted}: {:#?}", parsed.warnings);
    }
}

#[test]
fn the_mesh_of_a_plan_is_known_by_reference_before_it_is_made() {
    let mesh = resource("mesh", "apps", &json!({ "name": "apps", "spec": [] }));
    let mut node = node("web", 80);
    node["values"]
        .as_object_mut()
        .expect("values")
        .remove("mesh_name");
    let unknown = [(
        "aws_appmesh_virtual_node.web",
        json!({ "mesh_name": true, "id": true }),
    )];
    let configuration = json!({ "resources": [{
        "address": "aws_appmesh_virtual_node.web",
        "expressions": {
            "mesh_name": { "references": ["aws_appmesh_mesh.apps.id", "aws_appmesh_mesh.apps"] },
        },
    }] });
    let parsed = parse(&plan(
        &[mesh.clone(), node.clone()],
        &unknown,
        &configuration,
    ));
    assert_eq!(said(&parsed), [""; 0]);
    assert_eq!(parsed.open, []);
    let (_, mesh_of) = parsed.documents.meshes().next().expect("a mesh");
    assert!(mesh_of.virtual_nodes.contains_key("web"));

    let parsed = parse(&plan(&[mesh, node], &unknown, &json!({})));
    let [open] = &parsed.open[..] else {
        panic!("{:#?}", parsed.open)
    };
    assert_eq!(open.expression, "aws_appmesh_virtual_node.web.mesh_name");
}

#[test]
fn what_a_plan_does_not_know_yet_is_listed_and_no_fault() {
    let mut node = node("web", 80);
    let discovery = &mut node["values"]["spec"][0]["service_discovery"][0];
    *discovery = json!({ "aws_cloud_map": [{ "service_name": "web" }], "dns": [] });
    let cloud_map = json!({ "aws_cloud_map": [{ "namespace_name": true }], "dns": [] });
    let unknown = json!({ "spec": [{
        "listener": [{ "health_check": [], "port_mapping": [{}] }],
        "service_discovery": [cloud_map],
    }] });
    let unknown = [("aws_appmesh_virtual_node.web", unknown)];
    let parsed = parse(&plan(&[node], &unknown, &json!({})));
    assert_eq!(said(&parsed), [""; 0]);
    let [open] = &parsed.open[..] else {
        panic!("{:#?}", parsed.open)
    };
    assert_eq!(
        open.expression,
        "aws_appmesh_virtual_node.web.spec[0].service_discovery[0].aws_cloud_map[0].namespace_name"
    );
    assert!(open.mend.contains("apply the plan"), "{}", open.mend);
    assert!(open.place.line.is_some());
}

#[test]
fn a_name_without_a_value_is_refused() {
    let mut node = node("web", 80);
    node["values"]["name"] = Value::Null;
    let parsed = parse(&state(&[node]));
    let [problem] = &said(&parsed)[..] else {
        panic!("{:#?}", parsed.problems)
    };
    assert!(problem.contains("`name` has no value"), "{problem}");
    assert!(problem.contains("terraform show -json"), "{problem}");
}

#[test]
fn a_state_of_an_old_version_is_refused_with_the_command_that_mends_it() {
    let old = "{ \"serial\": 1,\n\"version\": 3, \"modules\": [] }";
    let parsed = parse_text("old.tfstate", old);
    let [problem] = &said(&parsed)[..] else {
        panic!("{:#?}", parsed.problems)
    };
    assert!(
        problem.starts_with("old.tfstate:2: version: 3 is not allowed"),
        "{problem}"
    );
    assert!(problem.contains("terraform show -json"), "{problem}");
}

#[test]
fn source_is_refused_with_the_command_that_evaluates_it() {
    let source = r#"{ "resource": { "aws_appmesh_mesh": { "apps": { "name": "${var.mesh}" } } } }"#;
    let files = [
        ("main.tf", "resource \"aws_appmesh_mesh\" \"apps\" {}"),
        ("main.tofu", ""),
        ("dev.tfvars", "mesh = \"apps\""),
        ("terragrunt.hcl", ""),
        ("main.tf.json", "{}"),
        ("dev.tfvars.json", "{ \"mesh\": \"apps\" }"),
        ("cdk.out.json", source),
    ];
    for (name, text) in files {
        let parsed = parse_text(name, text);
        let [problem] = &said(&parsed)[..] else {
            panic!("{name}: {:#?}", parsed.problems)
        };
        assert!(
            problem.contains("terraform show -json > mesh.json"),
            "{problem}"
        );
    }
    let printed = parse_text("mesh.tf.json", &state(&[node("web", 80)]).to_string());
    assert_eq!(said(&printed), [""; 0]);
}

#[test]
fn what_is_not_set_is_absent_and_what_is_set_to_zero_is_kept() {
    let route = json!([{
        "grpc_route": [], "http2_route": [], "tcp_route": [],
        "http_route": [{
            "action": [{ "weighted_target": [{ "port": 0, "virtual_node": "a", "weight": 0 }] }],
            "match": [{
                "header": [{ "invert": false, "name": "x", "match": [{
                    "exact": "", "prefix": "", "regex": "", "suffix": "",
                    "range": [{ "start": 0, "end": 9 }],
                }] }],
                "method": "", "path": [], "port": 0, "prefix": "/$", "query_parameter": [],
                "scheme": null,
            }],
            "retry_policy": [],
            "timeout": [{ "idle": [{ "unit": "s", "value": 0 }], "per_request": [] }],
        }],
        "priority": 0,
    }]);
    let values = json!({
        "name": "r", "mesh_name": "apps", "virtual_router_name": "v", "spec": route,
    });
    let parsed = parse(&state(&[resource("route", "r", &values)]));
    let (_, mesh) = parsed.documents.meshes().next().expect("a mesh");
    let route = mesh.routes.values().next().expect("a route");
    assert_eq!(
        serde_json::to_value(&*route.spec).expect("JSON"),
        json!({ "httpRoute": {
            "action": { "weightedTargets": [{ "virtualNode": "a", "weight": 0 }] },
            "match": {
                "headers": [{
                    "invert": false, "name": "x", "match": { "range": { "start": 0, "end": 9 } },
                }],
                "prefix": "/$",
            },
            "timeout": { "idle": { "unit": "s", "value": 0 } },
        } })
    );
}

#[test]
fn terraform_and_the_command_line_may_describe_one_mesh_together() {
    let mesh = resource("mesh", "apps", &json!({ "name": "apps", "spec": [] }));
    let mut printed = state(&[mesh]);
    printed["values"]["root_module"]["resources"][0]["values"]["spec"] =
        json!([{ "egress_filter": [{ "type": "ALLOW_ALL" }], "service_discovery": [{}] }]);
    let files = Files::getting_started()
        .without("create-mesh.json")
        .with("mesh.json", format!("{printed:#}"));
    assert_eq!(files.parse().problems, []);
}
