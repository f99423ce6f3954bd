mod gateways;
mod options;
mod reach;
mod references;
mod silent;
mod timeouts;

use serde_json::json;

use crate::{fixture::Files, problem::Rule};

const ROUTE: &str = "create-route.json";
const ROUTER: &str = "create-virtual-router.json";
const NODE_A: &str = "create-virtual-node-servicea.json";
const NODE_B: &str = "create-virtual-node-serviceb.json";
const SERVICE_A: &str = "create-virtual-service-servicea.json";
const SERVICE_B: &str = "create-virtual-service-serviceb.json";
const TARGETS: &str = "/spec/http2Route/action/weightedTargets";

fn started() -> Files {
    Files::getting_started()
}

/// What good files are warned of, but for gateways, which are not run yet.
fn found(files: &Files) -> Vec<String> {
    let warnings = files.warnings().into_iter();
    warnings
        .filter(|warning| warning.rule != Rule::NotYet)
        .map(|warning| warning.to_string())
        .collect()
}

#[test]
fn the_getting_started_mesh_is_good() {
    let (documents, warnings) = started().parse().into_result().expect("good documents");
    assert_eq!(warnings, []);
    let summary: Vec<(&str, usize)> = documents.summary().into_iter().collect();
    let expected = [
        ("mesh", 1),
        ("route", 1),
        ("virtual node", 3),
        ("virtual router", 1),
        ("virtual service", 2),
    ];
    assert_eq!(summary, expected);
    assert_eq!(documents.proxies().len(), 3);
}

#[test]
fn a_weight_out_of_range_is_refused_with_place_and_mend() {
    let problem = started()
        .set(ROUTE, &format!("{TARGETS}/1/weight"), json!(101))
        .problem();
    assert_eq!(
        problem.to_string(),
        "create-route.json:14: route serviceB: spec.http2Route.action.weightedTargets[1].weight: \
         101 is not allowed: `weight` is a whole number from 0 to 100; write a number in that range"
    );
    let json = serde_json::to_value(&problem).expect("JSON");
    assert_eq!(json["rule"], "value");
    assert_eq!(json["value"], "101");
    assert_eq!(json["place"]["line"], 14);
}

#[test]
fn a_weight_in_quotation_marks_is_refused_with_its_own_mend() {
    let problem = started()
        .set(ROUTE, &format!("{TARGETS}/0/weight"), json!("75"))
        .problem();
    assert_eq!(problem.mend, "write it without quotation marks");
}

#[test]
fn broken_json_is_refused_with_line_and_column() {
    let problem = started()
        .with("extra.json", "{\n  \"meshName\": \"apps\",\n}")
        .problem();
    assert_eq!(
        problem.to_string(),
        "extra.json:3:1: the file is no JSON: trailing comma; \
         mend the text here: often a comma, a quotation mark or a brace too many or too few"
    );
    let cut = started()
        .with("extra.json", "{\"meshName\": \"ap")
        .problem();
    assert_eq!((cut.place.line, cut.place.column), (Some(1), Some(16)));
    assert_eq!(
        cut.mend,
        "the file ends too early: close every brace, bracket and quotation mark"
    );
}

#[test]
fn a_port_out_of_range_is_refused_with_place_and_mend() {
    for port in [
        json!(0),
        json!(65_536),
        json!(-1),
        json!(80.5),
        json!(1e300),
    ] {
        let problem = started()
            .set(NODE_B, "/spec/listeners/0/portMapping/port", port.clone())
            .problem();
        assert_eq!(
            problem.to_string(),
            format!(
                "create-virtual-node-serviceb.json:7: virtual node serviceB: \
                 spec.listeners[0].portMapping.port: {port} is not allowed: \
                 `port` is a whole number from 1 to 65535; write a number in that range"
            )
        );
    }
}

#[test]
fn a_name_inside_spec_is_refused_and_read_all_the_same() {
    let torn = json!({
        "meshName": "apps",
        "spec": {
            "listeners": [{ "portMapping": { "port": 80, "protocol": "http2" } }],
            "virtualRouterName": "serviceB",
        },
    });
    let problem = started().with(ROUTER, format!("{torn:#}")).problem();
    assert_eq!(
        problem.to_string(),
        "create-virtual-router.json:12: virtual router serviceB: spec.virtualRouterName: \
         `virtualRouterName` is not allowed in `spec`: a name stands beside `spec`; \
         move `virtualRouterName` out of `spec`, to the level of `spec` itself"
    );
}

#[test]
fn two_files_for_one_resource_are_refused_by_both_names() {
    let files = started();
    let copy = files.0[ROUTE].clone();
    let problem = files.with("create-route-2.json", copy).problem();
    assert_eq!(problem.rule, Rule::Duplicate);
    assert_eq!(
        problem.to_string(),
        "create-route.json:1: route serviceB: create-route-2.json:1 describes the same resource: \
         only one document may; \
         remove one of the two, or name the later state update-route.json"
    );
}

#[test]
fn two_updates_of_one_resource_are_refused() {
    let files = started();
    let copy = files.0[ROUTE].clone();
    let files = files
        .with("update-route.json", &copy)
        .with("update-route-2.json", copy);
    assert_eq!(files.problem().rule, Rule::Duplicate);
}

#[test]
fn names_of_virtual_services_are_one_whatever_their_case() {
    let files = started();
    let copy = files.0[SERVICE_B].replace("serviceb.apps", "ServiceB.apps");
    assert_eq!(
        files.with("again.json", copy).problem().rule,
        Rule::Duplicate
    );
}

#[test]
fn an_update_takes_the_place_of_its_create_before_any_cross_check() {
    let files = started();
    let update = files.0[ROUTE].clone();
    // As the guide prints it: an HTTP route on an HTTP/2 router, to a node that is not there yet.
    let create = json!({
        "meshName": "apps",
        "routeName": "serviceB",
        "virtualRouterName": "serviceB",
        "spec": { "httpRoute": {
            "action": { "weightedTargets": [{ "virtualNode": "later", "weight": 100 }] },
            "match": { "prefix": "/" },
        } },
    });
    let files = files.with(ROUTE, create).with("update-route.json", update);
    let (documents, _) = files
        .parse()
        .into_result()
        .expect("the create is out of the way");
    let mesh = documents.mesh("apps").expect("the mesh");
    let route = &mesh.routes[&("serviceB".to_owned(), "serviceB".to_owned())];
    assert_eq!(route.spec.kind.targets().len(), 2);
}

#[test]
fn every_fault_of_every_file_is_reported_at_once() {
    let parsed = started()
        .set(ROUTE, &format!("{TARGETS}/0/weight"), json!(-1))
        .set(ROUTE, &format!("{TARGETS}/1/weight"), json!("x"))
        .set(
            ROUTER,
            "/spec/listeners/0/portMapping",
            json!({ "port": 0, "protocol": "h2" }),
        )
        .with("broken.json", "{")
        .parse();
    let places: Vec<String> = parsed
        .problems
        .iter()
        .map(|problem| problem.place.to_string())
        .collect();
    assert_eq!(
        places,
        [
            "broken.json:1:1",
            "create-route.json:10: route serviceB: \
             spec.http2Route.action.weightedTargets[0].weight",
            "create-route.json:14: route serviceB: \
             spec.http2Route.action.weightedTargets[1].weight",
            "create-virtual-router.json:7: virtual router serviceB: \
             spec.listeners[0].portMapping.port",
            "create-virtual-router.json:8: virtual router serviceB: \
             spec.listeners[0].portMapping.protocol",
        ]
    );
}

#[test]
fn a_faulty_document_is_no_missing_one() {
    let problem = started()
        .set(NODE_B, "/spec/serviceDiscovery", json!({}))
        .problem();
    assert_eq!(
        problem.message,
        "exactly one of `awsCloudMap` or `dns` is required here, there is none"
    );
}

#[test]
fn unknown_fields_are_warnings_that_guess() {
    let warnings = started()
        .set(NODE_B, "/spec/listeners/0/portMaping", json!({}))
        .set(NODE_A, "/colour", json!("blue"))
        .warnings();
    let texts: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "create-virtual-node-servicea.json:26: virtual node serviceA: colour: \
             App Mesh knows no such field, it has no effect",
            "create-virtual-node-serviceb.json:10: virtual node serviceB: \
             spec.listeners[0].portMaping: App Mesh knows no such field, it has no effect; \
             did you mean `portMapping`?",
        ]
    );
}

#[test]
fn a_field_that_is_written_twice_is_warned_of() {
    let files = Files::default().with("mesh.json", "{\"meshName\": \"a\",\n\"meshName\": \"b\"}");
    assert_eq!(
        files.warnings()[0].to_string(),
        "mesh.json:2: meshName: written twice in one object: the last counts"
    );
}

#[test]
fn a_mesh_without_a_document_has_defaults_and_a_warning() {
    let warnings = started().without("create-mesh.json").warnings();
    assert_eq!(
        warnings[0].to_string(),
        "mesh apps: it has no document: it gets App Mesh's defaults, egress filter DROP_ALL"
    );
}

#[test]
fn a_mesh_left_to_the_command_line_is_the_only_one_there_is() {
    let files = started();
    let mut route = files.json(ROUTE);
    route.as_object_mut().expect("an object").remove("meshName");
    let files = files.with(ROUTE, &route);
    let warnings = files.warnings();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].message.contains("mesh `apps`"),
        "{}",
        warnings[0]
    );
    let several = files
        .with("other.json", json!({ "meshName": "other" }))
        .problem();
    assert_eq!(several.mend, "add `meshName`");
}

#[test]
fn lists_and_descriptions_are_read() {
    let files = started();
    let described = json!({ "mesh": {
        "meshName": "apps",
        "metadata": { "version": 1 },
        "spec": {},
        "status": { "status": "ACTIVE" },
    } });
    let list = json!([files.json(ROUTE), files.json(ROUTER)]);
    let files = files
        .without(ROUTER)
        .with(ROUTE, format!("{list:#}"))
        .with("create-mesh.json", described);
    assert_eq!(files.warnings(), []);
    let problem = files
        .set(
            ROUTE,
            "/0/spec/http2Route/action/weightedTargets/0/weight",
            json!(200),
        )
        .problem();
    assert_eq!(problem.place.line, Some(11));
    let field = "[0].spec.http2Route.action.weightedTargets[0].weight";
    assert_eq!(problem.place.field.as_deref(), Some(field));
}

#[test]
fn what_is_not_of_app_mesh_is_left_out_with_a_warning() {
    for foreign in [
        "{}",
        "[]",
        "3",
        "{\"Version\": \"2012-10-17\", \"Statement\": []}",
    ] {
        let files = started().with("trust.json", foreign);
        let expected = usize::from(foreign != "[]");
        assert_eq!(files.warnings().len(), expected, "{foreign}");
    }
}

#[test]
fn a_document_without_a_name_is_told_which_to_add() {
    let mend = |document: serde_json::Value| {
        let problem = Files::default().with("a.json", document).problem();
        assert_eq!(problem.rule, Rule::UnknownKind);
        problem.mend
    };
    assert_eq!(
        mend(json!({ "meshName": "apps", "spec": { "provider": {} } })),
        "add `virtualServiceName` beside `spec`, or say on the command line which resource the \
         file describes: --document FILE=mesh/MESH/KIND/NAME"
    );
    assert_eq!(
        mend(json!({ "meshName": "apps", "spec": { "tcpRoute": {} } })),
        "add `routeName` or `gatewayRouteName` beside `spec`, or say on the command line which \
         resource the file describes: --document FILE=mesh/MESH/KIND/NAME"
    );
    assert_eq!(
        mend(json!({ "meshName": "apps", "virtualNodename": "a", "spec": { "listeners": [] } })),
        "did you mean `virtualNodeName`?"
    );
    assert_eq!(
        mend(json!({ "virtualNodeName": "a", "virtualServiceName": "b", "spec": {} })),
        "make a document for each"
    );
}
