use clap::Parser;
use mesh_model::redirect::OnProxyDown;

use super::*;
use crate::cli::{Cli, Command};

fn workload(flags: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<WorkloadSettings> {
    Ok(settings(flags, environment)?.workload.expect("its own"))
}

fn settings(flags: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Settings> {
    let base = [
        "ferromesh",
        "run",
        "--mesh-config",
        "d",
        "--workload-cgroup",
        "/c",
    ];
    let Command::Run(args) = Cli::try_parse_from(base.iter().chain(flags))?.command else {
        panic!("not run")
    };
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Settings::new(*args, &environment)
}

const RESOURCE: (&str, &str) = ("APPMESH_RESOURCE_ARN", "mesh/apps/virtualNode/serviceA");

#[test]
fn the_variables_of_app_mesh_are_enough() {
    let settings = workload(
        &[],
        &[
            RESOURCE,
            ("ENVOY_ADMIN_ACCESS_PORT", "9999"),
            ("LISTENER_DRAIN_WAIT_TIME_S", "30"),
            ("ENVOY_ACTIVE_HEALTH_CHECK_UNEJECT_HOST", "True"),
        ],
    )
    .expect("valid");
    assert!(settings.probes_uneject);
    assert_eq!(settings.resource.name, "serviceA");
    assert_eq!(settings.name, "serviceA");
    assert_eq!(settings.admin.port(), 9999);
    assert_eq!(settings.drain, Duration::from_secs(30));
    assert_eq!(settings.on_proxy_down, OnProxyDown::Refuse);
}

#[test]
fn a_flag_goes_before_a_variable() {
    let settings = workload(
        &[
            "--resource",
            "mesh/apps/virtualNode/b",
            "--ignored-ports",
            "9000",
        ],
        &[RESOURCE, ("APPMESH_EGRESS_IGNORED_PORTS", "8000")],
    )
    .expect("valid");
    assert_eq!(settings.resource.name, "b");
    assert_eq!(settings.environment["APPMESH_EGRESS_IGNORED_PORTS"], "9000");
}

#[test]
fn a_bad_value_names_its_variable() {
    for (name, value) in [
        ("ENVOY_ADMIN_ACCESS_PORT", "99999"),
        ("LISTENER_DRAIN_WAIT_TIME_S", "4"),
        ("LISTENER_DRAIN_WAIT_TIME_S", "soon"),
        ("ENVOY_ACTIVE_HEALTH_CHECK_UNEJECT_HOST", "sometimes"),
        ("APPMESH_RESOURCE_ARN", "serviceA"),
    ] {
        let environment = if name == RESOURCE.0 {
            vec![(name, value)]
        } else {
            vec![RESOURCE, (name, value)]
        };
        let error = settings(&[], &environment).expect_err(value);
        assert!(format!("{error:#}").contains(name), "{error:#}");
        let is_mended = name == RESOURCE.0 || format!("{error:#}").contains("; give ");
        assert!(is_mended, "{error:#}");
    }
}

#[test]
fn no_resource_is_an_error_with_its_mend() {
    let error = settings(&[], &[]).expect_err("no resource");
    assert!(
        error
            .to_string()
            .contains("--resource mesh/MESH/virtualNode/NODE"),
        "{error}"
    );
}

#[test]
fn a_name_with_dots_still_pins() {
    let settings = workload(&["--resource", "mesh/apps/virtualNode/a.b_c"], &[]).expect("valid");
    assert_eq!(settings.name, "a_b_c");
}

#[test]
fn what_documents_need_comes_from_flags_before_the_environment() {
    let settings = settings(
        &[
            "--var",
            "STAGE=blue",
            "--param",
            "AWS::Region=eu-west-1",
            "--document",
            "node.json=mesh/apps/virtualNode/a",
        ],
        &[RESOURCE, ("STAGE", "green"), ("COLOR", "red")],
    )
    .expect("valid");
    assert_eq!(settings.inputs.variables["STAGE"], "blue");
    assert_eq!(settings.inputs.variables["COLOR"], "red");
    assert_eq!(settings.inputs.parameters["AWS::Region"], "eu-west-1");
    assert!(settings.inputs.names.contains_key("node.json"));
}

#[test]
fn a_file_of_rules_goes_before_the_environment_and_after_the_flags() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("proxy.env");
    let text = "APPMESH_APP_PORTS=1\nAPPMESH_EGRESS_IGNORED_PORTS=2\n";
    std::fs::write(&path, text).expect("a file");
    let path = path.to_str().expect("text");
    let settings = workload(
        &["--redirect-from", path, "--ignored-ports", "3"],
        &[
            RESOURCE,
            ("APPMESH_APP_PORTS", "4"),
            ("APPMESH_IGNORE_UID", "5"),
        ],
    )
    .expect("valid");
    let value = |name: &str| settings.environment[name].as_str();
    assert_eq!(value("APPMESH_APP_PORTS"), "1");
    assert_eq!(value("APPMESH_EGRESS_IGNORED_PORTS"), "3");
    assert_eq!(value("APPMESH_IGNORE_UID"), "5");
}

#[test]
fn a_file_of_rules_that_cannot_be_used_is_an_error_with_its_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("proxy.env");
    std::fs::write(&path, "APPMESH_APP_PORTS=0\n").expect("a file");
    let path = path.to_str().expect("text");
    let error = settings(&["--redirect-from", path], &[RESOURCE]).expect_err("port 0");
    let error = format!("{error:#}");
    assert!(
        error.contains("proxy.env:1: APPMESH_APP_PORTS: `0`"),
        "{error}"
    );
}
