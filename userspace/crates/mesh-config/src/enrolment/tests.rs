use super::*;

fn problems(text: &str) -> Vec<String> {
    let problems = parse("w.yaml", text).expect_err("a fault");
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn an_entry_has_every_field_and_defaults_for_most() {
    let text = r#"
workloads:
  - name: shop
    resource: mesh/apps/virtualNode/shop
    cgroup: /sys/fs/cgroup/shop
    netns: /run/netns/shop
    onProxyDown: bypass
    environment: { APPMESH_APP_PORTS: "8080,8081", APPMESH_ENABLE_IPV6: 1 }
    filesRoot: /srv/shop
    log: /var/log/shop.log
    strict: true
  - { name: b, cgroup: /c }
"#;
    let read = parse("w.yaml", text).expect("a good file");
    let mut shop = Enrolment {
        resource: Some("mesh/apps/virtualNode/shop".parse().expect("a resource")),
        netns: Some("/run/netns/shop".into()),
        on_proxy_down: OnProxyDown::Bypass,
        files_root: Some("/srv/shop".into()),
        log: Some("/var/log/shop.log".into()),
        strict: true,
        ..Enrolment::new("shop", "/sys/fs/cgroup/shop")
    };
    for (name, value) in [
        ("APPMESH_APP_PORTS", "8080,8081"),
        ("APPMESH_ENABLE_IPV6", "1"),
    ] {
        shop.environment.insert(name.to_owned(), value.to_owned());
    }
    assert_eq!(read, [shop, Enrolment::new("b", "/c")]);
}

#[test]
fn json_is_read_too() {
    let text = r#"{"workloads": [{"name": "b", "cgroup": "/c"}]}"#;
    assert_eq!(parse("w.json", text), Ok(vec![Enrolment::new("b", "/c")]));
}

#[test]
fn no_workloads_have_to_be_said() {
    assert_eq!(parse("w.yaml", "workloads: []"), Ok(vec![]));
    assert!(problems("")[0].contains("workloads: []"));
    assert!(problems("{}")[0].contains("`workloads` is missing"));
}

#[test]
fn every_fault_is_told_with_its_line_its_field_and_its_mend() {
    let text = "workloads:\n  - name: a.b\n    cgroup: c\n    filesroot: /n\n    onProxyDown: open\n    \
                environment: { A: [] }\n    resource: shop\n    strict: maybe\n";
    let said = problems(text);
    for (line, field) in [
        (2, "workloads[0].name"),
        (3, "workloads[0].cgroup"),
        (4, "workloads[0].filesroot"),
        (5, "workloads[0].onProxyDown"),
        (6, "workloads[0].environment.A"),
        (7, "workloads[0].resource"),
        (8, "workloads[0].strict"),
    ] {
        let place = format!("w.yaml:{line}: {field}: ");
        assert!(
            said.iter().any(|said| said.starts_with(&place)),
            "{place} in {said:#?}"
        );
    }
    assert_eq!(said.len(), 7, "{said:#?}");
    assert!(
        said.iter()
            .any(|said| said.contains("did you mean `filesRoot`?")),
        "{said:#?}"
    );
}

#[test]
fn a_name_is_given_once() {
    let said = problems("workloads: [{ name: a, cgroup: /c }, { name: a, cgroup: /d }]");
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("workloads[0] has the name `a` too"),
        "{}",
        said[0]
    );
}
