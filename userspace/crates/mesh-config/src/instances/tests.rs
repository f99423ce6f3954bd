use super::*;

fn problems(text: &str) -> Vec<String> {
    let problems = parse("i.yaml", text).expect_err("a fault");
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn nodes_and_services_have_instances() {
    let text = r#"
virtualNodes:
  - name: b
    instances:
      - { ipv4: 192.0.2.12, port: 8080, zone: eu-west-1a }
      - { ipv6: "2001:db8::12" }
  - { name: gone, instances: [] }
services:
  - namespace: apps.local
    name: payments
    instances:
      - ipv4: 192.0.2.13
        ipv6: 2001:db8::13
        attributes: { stage: prod, weight: "3" }
"#;
    let read = parse("i.yaml", text).expect("a good file");
    let first = Instance {
        ipv4: Some(Ipv4Addr::new(192, 0, 2, 12)),
        port: Some(8080),
        zone: Some("eu-west-1a".to_owned()),
        ..Instance::default()
    };
    let second = Instance {
        ipv6: "2001:db8::12".parse().ok(),
        ..Instance::default()
    };
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let third = Instance {
        ipv4: Some(Ipv4Addr::new(192, 0, 2, 13)),
        ipv6: "2001:db8::13".parse().ok(),
        attributes: [pair("stage", "prod"), pair("weight", "3")].into(),
        ..Instance::default()
    };
    let expected = Instances {
        nodes: [
            ("b".to_owned(), vec![first, second]),
            ("gone".to_owned(), Vec::new()),
        ]
        .into(),
        services: [(pair("apps.local", "payments"), vec![third])].into(),
    };
    assert_eq!(read, expected);
}

#[test]
fn json_is_read_too() {
    let text = r#"{"virtualNodes": [{"name": "b", "instances": [{"ipv4": "192.0.2.1"}]}]}"#;
    let read = parse("i.json", text).expect("a good file");
    assert_eq!(read.nodes["b"].len(), 1);
}

#[test]
fn no_instances_have_to_be_said() {
    assert_eq!(
        parse("i.yaml", "virtualNodes: []"),
        Ok(Instances::default())
    );
    assert!(problems("")[0].contains("virtualNodes: []"));
    let said = problems("virtualNodes: [{ name: b }]");
    assert!(said[0].contains("`instances` is missing"), "{said:?}");
}

#[test]
fn every_fault_is_told_with_its_line_its_field_and_its_mend() {
    let text = "virtualNodes:\n  - name: b\n    instances:\n      - { ipv4: 192.0.2.300 }\n      - \
                { ipv6: 192.0.2.1 }\n      - { ipv4: 192.0.2.1, port: 70000 }\n      - { zone: a \
                }\n      - { ipv4: 192.0.2.1, attributes: { a: [] } }\n      - { ipv4: 192.0.2.1, \
                prot: 1 }\nservices:\n  - { name: s, instances: [] }\n";
    let said = problems(text);
    let instance = |index: usize, field: &str| format!("virtualNodes[0].instances[{index}]{field}");
    for (line, field, mend) in [
        (4, instance(0, ".ipv4"), "write it as 192.0.2.1"),
        (5, instance(1, ".ipv6"), "write it as \"2001:db8::1\""),
        (6, instance(2, ".port"), "write a number in that range"),
        (7, instance(3, ""), "add `ipv4`, `ipv6` or both"),
        (8, instance(4, ".attributes.a"), "quotation marks"),
        (9, instance(5, ".prot"), "did you mean `port`?"),
        (11, "services[0].namespace".to_owned(), "add `namespace`"),
    ] {
        let place = format!("i.yaml:{line}: {field}: ");
        let is_said = |said: &String| said.starts_with(&place) && said.contains(mend);
        assert!(said.iter().any(is_said), "{place} in {said:#?}");
    }
    assert_eq!(said.len(), 7, "{said:#?}");
}

#[test]
fn each_is_listed_once() {
    let node = "{ name: b, instances: [] }";
    let service = "{ namespace: n, name: s, instances: [] }";
    let other = "{ namespace: m, name: s, instances: [] }";
    let said = problems(&format!("virtualNodes: [{node}, {node}]"));
    assert!(said[0].contains("virtualNodes[0] is the same"), "{said:?}");
    let said = problems(&format!("services: [{service}, {other}, {service}]"));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("services[0] is the same"), "{said:?}");
}
