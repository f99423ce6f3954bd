//! What the API's model does not say; its own bounds are in `tests/api`.

mod any;
mod gateways;
mod nodes;
mod routes;

use mesh_model::spec::{
    gateway_route::GatewayRouteSpec, logging::Logging, mesh::MeshSpec, route::RouteSpec,
    virtual_gateway::VirtualGatewaySpec, virtual_node::VirtualNodeSpec,
    virtual_router::VirtualRouterSpec, virtual_service::VirtualServiceSpec,
};
use serde_json::{Value, json};

pub(crate) use self::any::any_json;
use super::{
    Read,
    cursor::{At, Log},
};
use crate::tree::Node;

/// What a value reads as, with its problems and warnings.
fn read<T: Read>(value: &Value) -> (Option<T>, Vec<String>, Vec<String>) {
    let log = Log::default();
    let read = T::read(&At::top(&Node::from(value), &log));
    let (problems, warnings) = log.into_remarks();
    let text = |remark: super::cursor::Remark| format!("{}: {}", remark.path, remark.message);
    (
        read,
        problems.into_iter().map(text).collect(),
        warnings.into_iter().map(text).collect(),
    )
}

fn problems<T: Read>(value: &Value) -> Vec<String> {
    read::<T>(value).1
}

#[test]
fn a_format_of_the_access_log_is_one_of_envoy() {
    let with = |format: Value| {
        let file = json!({ "path": "/dev/stdout", "format": format });
        problems::<Logging>(&json!({ "accessLog": { "file": file } }))
    };
    assert_eq!(with(json!({ "text": "%PROTOCOL% %REQ(a)%\n" })), [""; 0]);
    assert_eq!(
        with(json!({ "text": "%BOGUS%" })),
        [
            "accessLog.file.format.text: \"%BOGUS%\" is not allowed: `text` is a format of Envoy's \
             access log, and in it `%BOGUS%`: Envoy has no such operator"
        ]
    );
    let member = json!({ "key": "a", "value": "50% off" });
    let found = with(json!({ "json": [member] }));
    assert!(
        found[0].starts_with("accessLog.file.format.json[0].value: \"50% off\""),
        "{found:?}"
    );
}

#[test]
fn words_are_told_apart_by_case_and_guessed() {
    let log = Log::default();
    let value = json!({ "egressFilter": { "type": "allow_all" } });
    assert!(MeshSpec::read(&At::top(&Node::from(&value), &log)).is_none());
    let (problems, _) = log.into_remarks();
    assert_eq!(problems[0].mend, "write \"ALLOW_ALL\"");
}

#[test]
fn a_long_value_is_cut_in_the_message() {
    let long = json!({ "egressFilter": "x".repeat(1000) });
    let problems = problems::<MeshSpec>(&long);
    assert!(problems[0].chars().count() < 160, "{problems:?}");
}
