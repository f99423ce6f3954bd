use std::{fs, net::IpAddr};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    document::{Documents, Parsed},
    source::{DocumentSet, SourceFile},
};

fn parse(name: &str, text: &str) -> Parsed {
    Documents::parse(&DocumentSet {
        files: vec![SourceFile::new(name, text)],
        ..DocumentSet::default()
    })
}

fn problems(parsed: &Parsed) -> Vec<String> {
    parsed.problems.iter().map(ToString::to_string).collect()
}

/// The only source of a file without a fault.
fn source(name: &str, text: &str) -> RedirectSource {
    let parsed = parse(name, text);
    assert_eq!(problems(&parsed), [""; 0]);
    assert_eq!(parsed.warnings, []);
    let [source] = &parsed.redirects[..] else {
        panic!("{:#?}", parsed.redirects)
    };
    (**source).clone()
}

fn properties(properties: &[(&str, &str)]) -> Value {
    properties
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect()
}

fn task_definition(given: &[(&str, &str)]) -> Value {
    json!({
        "family": "web",
        "containerDefinitions": [{ "name": "web", "environment": [{ "name": "A", "value": "$B" }] }],
        "proxyConfiguration": {
            "type": "APPMESH", "containerName": "envoy", "properties": properties(given),
        },
    })
}

const ALL: [(&str, &str); 7] = [
    ("IgnoredUID", "1337"),
    ("IgnoredGID", ""),
    ("ProxyIngressPort", "16000"),
    ("ProxyEgressPort", "16001"),
    ("AppPorts", "9080, 9090"),
    ("EgressIgnoredIPs", "169.254.170.2,10.0.0.0/8"),
    ("EgressIgnoredPorts", "2049"),
];

/// What [`ALL`] comes to.
fn rules_of_all() -> RedirectRules {
    RedirectRules {
        ignored_uid: Some(1337),
        ingress_port: 16000,
        egress_port: 16001,
        app_ports: [9080, 9090].into(),
        ignored_networks: ["169.254.170.2/32", "10.0.0.0/8"]
            .map(|network| network.parse().expect("a network"))
            .into(),
        ignored_ports: [22, 2049].into(),
        ..RedirectRules::default()
    }
}

#[test]
fn every_property_of_a_task_definition_has_its_effect() {
    let registered = task_definition(&ALL);
    let described = json!({ "taskDefinition": registered.clone(), "tags": [] });
    for definition in [registered, described] {
        let source = source("task.json", &definition.to_string());
        assert_eq!(source.rules, rules_of_all());
        assert_eq!(
            source.place.document.as_deref(),
            Some("task definition web")
        );
    }
}

#[test]
fn a_task_definition_of_a_template_is_read_where_its_values_are_plain() {
    let pairs: Vec<Value> = ALL
        .iter()
        .map(|(name, value)| json!({ "Name": name, "Value": value }))
        .collect();
    let mut template = json!({ "Resources": { "Web": {
        "Type": "AWS::ECS::TaskDefinition",
        "Properties": { "ProxyConfiguration": {
            "Type": "APPMESH", "ContainerName": "envoy", "ProxyConfigurationProperties": pairs,
        } },
    } } });
    let source = source("template.json", &template.to_string());
    assert_eq!(source.rules, rules_of_all());
    let pair = "/Resources/Web/Properties/ProxyConfiguration/ProxyConfigurationProperties/0/Value";
    *template.pointer_mut(pair).expect("a value") = json!({ "Ref": "Uid" });
    let parsed = parse("template.json", &template.to_string());
    assert_eq!(problems(&parsed), [""; 0]);
    assert_eq!(parsed.redirects, []);
}

#[test]
fn a_value_that_cannot_be_used_is_told_by_its_place() {
    let text = format!(
        "{:#}",
        task_definition(&[("AppPorts", "80,70000"), ("IgnoredUID", "root")])
    );
    let parsed = parse("task.json", &text);
    let line = |wanted: &str| {
        let found = text.lines().position(|line| line.contains(wanted));
        found.expect("the line") + 1
    };
    assert_eq!(
        problems(&parsed),
        [
            format!(
                "task.json:{}: task definition web: proxyConfiguration.properties[0].value: \
                 `70000` is not allowed: a port is a whole number from 1 to 65535; write a port",
                line("70000")
            ),
            format!(
                "task.json:{}: task definition web: proxyConfiguration.properties[1].value: \
                 `root` is not allowed: it is a number from 0 to 4294967295; write the id as a \
                 number",
                line("root")
            ),
        ]
    );
    assert_eq!(parsed.redirects, []);
}

#[test]
fn a_proxy_that_is_not_app_mesh_s_and_a_property_that_is_none_are_said() {
    let mut other = task_definition(&[]);
    other["proxyConfiguration"]["type"] = json!("ENVOY");
    let said = problems(&parse("task.json", &other.to_string()));
    assert!(said[0].contains("`type` is \"APPMESH\""), "{said:?}");

    let odd = task_definition(&[("IgnoredUid", "1")]);
    let parsed = parse("task.json", &odd.to_string());
    let warned = &parsed.warnings[0].message;
    assert!(warned.contains("did you mean `IgnoredUID`?"), "{warned}");

    let mut without = task_definition(&[]);
    without["proxyConfiguration"] = Value::Null;
    let parsed = parse("task.json", &without.to_string());
    assert_eq!((problems(&parsed), parsed.redirects), (vec![], vec![]));
}

#[test]
fn variables_of_a_task_definition_are_filled_in() {
    let text = task_definition(&[("AppPorts", "${PORT}")]).to_string();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("task.json");
    fs::write(&path, text).expect("a file");
    let mut inputs = Inputs::default();
    let problems = read(&path, &inputs).expect_err("it has no value");
    assert!(
        problems[0].mend.contains("--var PORT=VALUE"),
        "{problems:?}"
    );
    inputs.variables.insert("PORT".to_owned(), "80".to_owned());
    let (source, _) = read(&path, &inputs).expect("it has one");
    assert_eq!(source.rules.app_ports, [80].into());
}

#[test]
fn a_list_of_variables_is_read_as_docker_and_systemd_take_it() {
    let text = "# of the proxy\n\nAPPMESH_RESOURCE_ARN=mesh/apps/virtualNode/web\n\
                APPMESH_APP_PORTS=\"8000\"\nAPPMESH_IGNORE_UID='1337'\n  APPMESH_ENABLE_IPV6=1\n\
                APPMESH_START_ENABLED\nAPPMESH_EGRESS_IGNORED_IP=\nPASSWORD=a=b\n";
    let source = source("proxy.env", text);
    let expected = RedirectRules {
        app_ports: [8000].into(),
        ignored_uid: Some(1337),
        ipv6: true,
        ignored_networks: BTreeSet::new(),
        ..RedirectRules::default()
    };
    assert_eq!(source.rules, expected);
}

#[test]
fn a_bad_variable_is_told_by_its_line_and_a_misspelt_one_by_what_was_meant() {
    let parsed = parse(
        "proxy.env",
        "APPMESH_APP_PORT=80\nAPPMESH_ENABLE_IPV6=yes\nAPPMESH_PREVIEW=1\n",
    );
    assert_eq!(
        problems(&parsed),
        ["proxy.env:2: APPMESH_ENABLE_IPV6: `yes` is not allowed: it is 0 or 1; write 0 or 1"]
    );
    let [warning] = &parsed.warnings[..] else {
        panic!("{:#?}", parsed.warnings)
    };
    assert_eq!(warning.place.line, Some(1));
    assert!(warning.message.contains("`APPMESH_APP_PORTS`"), "{warning}");
}

#[test]
fn a_list_without_a_word_of_redirection_says_nothing() {
    let parsed = parse("secrets.env", "my.key=1\nexport A=2\nnonsense\n");
    assert_eq!(
        (problems(&parsed), parsed.redirects, parsed.warnings),
        (vec![], vec![], vec![])
    );
}

#[test]
fn the_environment_of_proxyinit_counts_and_not_the_annotations_beside_it() {
    let pod = r#"
apiVersion: v1
kind: Pod
metadata:
  name: web
  annotations:
    appmesh.k8s.aws/ports: "1"
spec:
  initContainers:
    - name: proxyinit
      env:
        - { name: APPMESH_START_ENABLED, value: "1" }
        - { name: APPMESH_IGNORE_UID, value: "1337" }
        - { name: APPMESH_APP_PORTS, value: "8080" }
        - { name: APPMESH_EGRESS_IGNORED_IP, value: 169.254.169.254 }
        - { name: APPMESH_ENABLE_IPV6, value: "1" }
  containers: []
"#;
    let source = source("pod.yaml", pod);
    assert_eq!(source.rules.app_ports, [8080].into());
    assert_eq!(source.rules.ignored_uid, Some(1337));
    assert!(source.rules.ipv6);
    assert_eq!(source.rules.ignored_networks.len(), 1);
    assert_eq!(source.place.document.as_deref(), Some("Pod web"));

    let bad = pod.replace("\"8080\"", "8080");
    let said = problems(&parse("pod.yaml", &bad));
    assert!(
        said[0].starts_with(
            "pod.yaml:14: Pod web: spec.initContainers[0].env[2].value: 8080 is not allowed"
        ),
        "{said:?}"
    );
}

#[test]
fn annotations_come_to_what_the_controller_would_make_of_them() {
    let deployment = r#"
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  template:
    metadata:
      annotations:
        appmesh.k8s.aws/ports: "8080,9090"
        appmesh.k8s.aws/egressIgnoredPorts: "3306"
        appmesh.k8s.aws/sidecarEnv: "A=B"
"#;
    let whole = source("web.yaml", deployment);
    let expected = RedirectRules {
        app_ports: [8080, 9090].into(),
        ignored_ports: [22, 3306].into(),
        ignored_networks: ["169.254.169.254/32".parse().expect("a network")].into(),
        ipv6: true,
        ..RedirectRules::default()
    };
    assert_eq!(whole.rules, expected);

    let narrow = deployment.replace("sidecarEnv: \"A=B\"", "ipv6: disabled");
    assert!(!source("web.yaml", &narrow).rules.ipv6);

    let foreign = deployment.replace("appmesh.k8s.aws/", "example.com/");
    assert_eq!(parse("web.yaml", &foreign).redirects, []);

    let misspelt = deployment.replace("egressIgnoredPorts", "egressignoredports");
    let warned = &parse("web.yaml", &misspelt).warnings[0].message;
    assert!(
        warned.contains("`appmesh.k8s.aws/egressIgnoredPorts`"),
        "{warned}"
    );
}

#[test]
fn a_file_is_the_source_of_one_workload_s_rules() {
    let directory = tempfile::tempdir().expect("a directory");
    let inputs = Inputs::default();
    let reason = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).expect("a file");
        let problems = read(&path, &inputs).expect_err("it is refused");
        problems[0].to_string()
    };
    assert!(reason("a.json", r#"{ "meshName": "a" }"#).contains("nothing in the file says"));
    let two = json!([task_definition(&[]), task_definition(&[])]).to_string();
    assert!(reason("b.json", &two).contains("the rules of several: task definition web, task"));
    assert!(reason("c.json", "{").contains("JSON"));
    for path in [directory.path().to_owned(), directory.path().join("none")] {
        let problems = read(&path, &inputs).expect_err("it is no file");
        assert!(!problems[0].mend.is_empty(), "{problems:?}");
    }
}

#[test]
fn the_rules_are_said_in_a_sentence() {
    let whole = source("task.json", &task_definition(&ALL).to_string());
    assert_eq!(
        whole.to_string(),
        "in on 9080, 9090 to port 16000, out by IPv4 to port 16001; left alone: destination ports \
         22, 2049, destinations 10.0.0.0/8, 169.254.170.2/32, user 1337"
    );
    let off = source("a.env", "APPMESH_START_ENABLED=0\nAPPMESH_ENABLE_IPV6=1\n");
    assert_eq!(
        off.to_string(),
        "nothing is redirected; once it is: in on the resource's listeners to port 15000, out by \
         IPv4 and IPv6 to port 15001; left alone: destination ports 22, destinations \
         169.254.169.254/32, 169.254.170.2/32"
    );
}

fn ports() -> impl Strategy<Value = BTreeSet<u16>> {
    let free = (1..=u16::MAX).prop_filter("the proxy's", |port| ![15000, 15001].contains(port));
    proptest::collection::btree_set(free, 1..6)
}

proptest! {
    #[test]
    fn three_forms_of_the_same_values_come_to_the_same_rules(
        app in ports(),
        ignored in ports(),
        addresses in proptest::collection::btree_set(any::<IpAddr>(), 0..4),
        uid in any::<u32>(),
    ) {
        let values = [list(&app), list(&ignored), list(&addresses), uid.to_string()];
        let [app, ignored, addresses, uid] = &values;
        let pairs = [
            ("AppPorts", APP_PORTS, app),
            ("EgressIgnoredPorts", "APPMESH_EGRESS_IGNORED_PORTS", ignored),
            ("EgressIgnoredIPs", "APPMESH_EGRESS_IGNORED_IP", addresses),
            ("IgnoredUID", "APPMESH_IGNORE_UID", uid),
        ];
        let of_ecs = pairs.map(|(property, _, value)| (property, value.as_str()));
        let of_ecs = source("task.json", &task_definition(&of_ecs).to_string());
        let lines = pairs.map(|(_, variable, value)| format!("{variable}={value}"));
        let of_docker = source("a.env", &lines.join("\n"));
        let env = pairs.map(|(_, name, value)| json!({ "name": name, "value": value }));
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web" },
            "spec": { "initContainers": [{ "name": "proxyinit", "env": env }] },
        });
        let of_kubernetes = source("pod.json", &pod.to_string());
        prop_assert_eq!(&of_ecs.rules, &of_docker.rules);
        prop_assert_eq!(&of_ecs.rules, &of_kubernetes.rules);
    }

    #[test]
    fn no_list_of_variables_panics(text in "(APPMESH_(APP_PORTS|IGNORE_UID|X)?[=\"' ]?[0-9a-z,:]{0,9}\n){0,6}") {
        let parsed = parse("a.env", &text);
        prop_assert!(parsed.redirects.len() <= 1);
    }
}
