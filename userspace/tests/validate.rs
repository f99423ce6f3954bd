//! `ferromesh validate` as an operator runs it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

const STATE: &str = r#"{
  "version": 4,
  "serial": 1,
  "resources": [{
    "mode": "managed", "type": "aws_appmesh_mesh", "name": "apps",
    "instances": [{ "attributes": { "name": "apps", "spec": [] } }]
  }]
}"#;

const TASK: &str = r#"{
  "family": "web",
  "containerDefinitions": [],
  "proxyConfiguration": {
    "type": "APPMESH",
    "properties": [
      { "name": "AppPorts", "value": "8080" },
      { "name": "IgnoredUID", "value": "1337" }
    ]
  }
}"#;

fn validate(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ferromesh"))
        .arg("validate")
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .output()
        .expect("it starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn a_state_of_terraform_and_a_task_definition_are_told_of_in_one_report() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("mesh")).expect("a directory");
    fs::write(at("mesh/terraform.tfstate"), STATE).expect("a file");
    fs::write(at("mesh/task.json"), TASK).expect("a file");
    fs::write(at("proxy.env"), "APPMESH_APP_PORTS=9090\n").expect("a file");

    let output = validate(directory.path(), &["mesh", "--redirect-from", "proxy.env"]);
    let report = text(&output.stdout);
    assert!(output.status.success(), "{report}");
    assert!(
        report.contains(
            "rules: task.json:6: task definition web: proxyConfiguration.properties: in on 8080"
        ),
        "{report}"
    );
    assert!(
        report.contains("rules: proxy.env: in on 9090 to port 15000"),
        "{report}"
    );
    assert!(
        report.ends_with("3 files: 1 mesh; 0 errors, 0 warnings\n"),
        "{report}"
    );

    let output = validate(directory.path(), &["mesh", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let redirect = &report["redirects"][0];
    assert_eq!(redirect["variables"]["APPMESH_IGNORE_UID"], json!("1337"));
    assert_eq!(redirect["rules"]["appPorts"], json!([8080]));
}

#[test]
fn what_cannot_be_used_is_an_error_with_its_place_and_mend() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    fs::write(at("main.tf"), "resource \"aws_appmesh_mesh\" \"apps\" {}").expect("a file");
    fs::write(at("task.json"), TASK.replace("8080", "0")).expect("a file");

    let output = validate(directory.path(), &["--redirect-from", "task.json"]);
    let report = text(&output.stdout);
    assert!(!output.status.success(), "{report}");
    assert!(
        report.starts_with(
            "error: task.json:7: task definition web: proxyConfiguration.properties[0].value: \
             `0` is not allowed"
        ),
        "{report}"
    );

    let output = validate(directory.path(), &["main.tf"]);
    let report = text(&output.stdout);
    assert!(!output.status.success(), "{report}");
    assert!(
        report.contains("run `terraform show -json > mesh.json`"),
        "{report}"
    );

    let output = validate(directory.path(), &[]);
    assert_eq!(output.status.code(), Some(2), "no path is wrong use");
}
