//! `Fn::ForEach`.

use super::*;

const REST: &str = "
Transform: AWS::LanguageExtensions
Parameters:
  Services: { Type: CommaDelimitedList, Default: 'orders, users' }
  Open: { Type: CommaDelimitedList }
Mappings:
  Ports: { orders: { port: 8080 }, users: { port: 8081 } }
Resources:
  Mesh: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: apps } }
";

fn template(resources: &str) -> String {
    format!("{REST}{resources}")
}

fn loop_over(values: &str) -> String {
    template(&format!(
        "  Fn::ForEach::Services:
    - Name
    - {values}
    - Node${{Name}}:
        Type: AWS::AppMesh::VirtualNode
        Properties:
          MeshName: !GetAtt Mesh.MeshName
          VirtualNodeName: !Sub '${{Name}}-node'
          Spec:
            Listeners:
              - PortMapping: {{ Port: !FindInMap [Ports, !Ref Name, port], Protocol: http }}
            ServiceDiscovery: {{ DNS: {{ Hostname: !Sub '${{Name}}.local' }} }}
      Service${{Name}}:
        Type: AWS::AppMesh::VirtualService
        Properties:
          MeshName: !GetAtt Mesh.MeshName
          VirtualServiceName: '${{Name}}.shop'
          Spec: {{ Provider: {{ VirtualNode: {{ VirtualNodeName: !GetAtt [!Sub 'Node${{Name}}', VirtualNodeName] }} }} }}
"
    ))
}

#[test]
fn a_loop_makes_its_resources_for_each_value() {
    for values in ["[orders, users]", "!Ref Services"] {
        let documents = sound(&loop_over(values), &[]);
        let names = names(&documents);
        assert_eq!(names["VirtualNode"], ["orders-node", "users-node"]);
        assert_eq!(names["VirtualService"], ["orders.shop", "users.shop"]);
        let mesh = documents.mesh("apps").expect("a mesh");
        let node = serde_json::to_value(&*mesh.virtual_nodes["users-node"].spec).expect("JSON");
        assert_eq!(node["listeners"][0]["portMapping"]["port"], 8081);
    }
}

#[test]
fn a_loop_over_a_given_list_is_as_long_as_that() {
    let documents = sound(&loop_over("!Ref Services"), &[("Services", "users")]);
    assert_eq!(names(&documents)["VirtualNode"], ["users-node"]);
}

#[test]
fn a_loop_over_what_is_open_says_so() {
    let parsed = parse(&loop_over("!Ref Open"), &[]);
    assert_eq!(problems(&parsed), Vec::<String>::new());
    assert_eq!(expressions(&parsed), ["Open"]);
    assert_eq!(
        parsed.open[0].place.field.as_deref(),
        Some("Resources.Fn::ForEach::Services[1]")
    );
}

#[test]
fn a_fault_in_what_a_loop_makes_has_its_line_and_the_path_of_what_is_made() {
    let problems = problems(&parse(&loop_over("[carts]"), &[]));
    assert!(
        problems.len() == 1
            && problems[0].starts_with("mesh.yaml:")
            && problems[0].contains("Resources.Nodecarts.Properties.Spec.Listeners[0]")
            && problems[0].contains("no key `carts` here"),
        "{problems:#?}"
    );
}

#[test]
fn loops_may_stand_in_loops_and_in_properties() {
    let template = template(
        "  Fn::ForEach::Outer:
    - A
    - [a, b]
    - Fn::ForEach::Inner:
        - B
        - [x-1, y-2]
        - Node${A}&{B}:
            Type: AWS::AppMesh::VirtualNode
            Properties:
              MeshName: apps
              VirtualNodeName: '${A}-${B}'
              Spec:
                Fn::ForEach::Listeners:
                  - C
                  - [Listeners]
                  - ${C}: [{ PortMapping: { Port: 80, Protocol: http } }]
                ServiceDiscovery: { DNS: { Hostname: a } }
",
    );
    let documents = sound(&template, &[]);
    let names = names(&documents);
    assert_eq!(names["VirtualNode"], ["a-x-1", "a-y-2", "b-x-1", "b-y-2"]);
    let mesh = documents.mesh("apps").expect("a mesh");
    let listeners = mesh.virtual_nodes["a-x-1"].spec.listeners.as_ref();
    assert_eq!(listeners.map(Vec::len), Some(1));
}

#[test]
fn loops_that_cannot_be_are_refused() {
    for (argument, says) in [
        (
            "[Name, [a]]",
            "write it as [ NAME, [ VALUE, … ], { KEY: VALUE } ]",
        ),
        ("[Name, [[a]], {}]", "a list of texts"),
        ("[Name, [a, b], { Same: {} }]", "`Same` is there twice"),
        ("[Name, [a], { Mesh: {} }]", "`Mesh` is there twice"),
    ] {
        let template = template(&format!("  Fn::ForEach::Wrong: {argument}\n"));
        let problems = problems(&parse(&template, &[]));
        assert!(
            problems.len() == 1 && problems[0].contains(says),
            "{argument}: {problems:#?}"
        );
    }
}

#[test]
fn loops_beyond_the_limits_are_refused() {
    let list = format!("[{}]", vec!["a"; 2000].join(","));
    let wide = template(&format!(
        "  Fn::ForEach::Wide: [Name, {list}, {{ 'A${{Name}}': {list} }}]\n"
    ));
    let mut deep = "  Fn::ForEach::Deep: [A, [a], { X: {} }]\n".to_owned();
    for _ in 0..5 {
        deep = format!("  Fn::ForEach::Deep: [A, [a], {{ {} }}]\n", deep.trim());
    }
    for (template, says) in [
        (wide, "500000 steps and pieces of text"),
        (template(&deep), "deeper than 5 levels"),
    ] {
        let problems = problems(&parse(&template, &[]));
        assert!(
            problems.iter().any(|problem| problem.contains(says)),
            "{problems:#?}"
        );
    }
}
