//! References between resources and between templates.

use super::*;

const NODE: &str = "
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualNodeName: a
";

/// A mesh, and a virtual node that listens and is found by this name.
fn hostname(hostname: &str) -> String {
    format!(
        "
Parameters:
  Open: {{ Type: String }}
Resources:
  Mesh: {{ Type: AWS::AppMesh::Mesh, Properties: {{ MeshName: apps }} }}
  Balancer: {{ Type: AWS::ElasticLoadBalancingV2::LoadBalancer }}
  Node:{NODE}      Spec:
        Listeners: [{{ PortMapping: {{ Port: 80, Protocol: http }} }}]
        ServiceDiscovery: {{ DNS: {{ Hostname: {hostname} }} }}
"
    )
}

fn assert_open(value: &str, expression: &str) {
    let parsed = parse(&hostname(value), &[]);
    assert_eq!(problems(&parsed), Vec::<String>::new());
    assert_eq!(expressions(&parsed), [expression]);
    assert_eq!(
        parsed.open[0].place.field.as_deref(),
        Some("Resources.Node.Properties.Spec.ServiceDiscovery.DNS.Hostname")
    );
    assert_eq!(parsed.open[0].mend, format!("--param '{expression}=VALUE'"));
    let documents = sound(&hostname(value), &[(expression, "a.local")]);
    assert!(
        documents
            .mesh("apps")
            .is_some_and(|mesh| mesh.virtual_nodes.contains_key("a"))
    );
}

fn assert_refused(value: &str, says: &str) {
    let problems = problems(&parse(&hostname(value), &[]));
    assert!(
        problems.len() == 1 && problems[0].contains(says),
        "{problems:#?}"
    );
}

#[test]
fn what_other_resources_know_is_open_and_can_be_given() {
    assert_open("!GetAtt Balancer.DNSName", "Balancer.DNSName");
    assert_open("!GetAtt [Balancer, DNSName]", "Balancer.DNSName");
    assert_open("{ Fn::GetAtt: [Balancer, DNSName] }", "Balancer.DNSName");
    assert_open("!Ref Balancer", "Balancer");
    assert_open("!Sub '${Balancer.DNSName}'", "Balancer.DNSName");
    assert_open("!Ref AWS::StackName", "AWS::StackName");
    assert_open("!GetAtt Mesh.Uid", "Mesh.Uid");
    assert_open("!GetAtt Mesh.ResourceOwner", "AWS::AccountId");
    assert_open("!ImportValue shared-host", "ImportValue shared-host");
}

#[test]
fn what_only_other_resources_need_is_not_asked_for() {
    let template = "
Parameters:
  Image: { Type: String }
Resources:
  Mesh: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: apps } }
  Task:
    Type: AWS::ECS::Service
    Properties: { Image: !Ref Image, Role: !ImportValue role, Wrong: !Ref Nothing }
";
    assert!(sound(template, &[]).mesh("apps").is_some());
}

#[test]
fn names_that_the_template_does_not_have_are_refused() {
    assert_refused(
        "!GetAtt Balncer.DNSName",
        "no resource `Balncer`; did you mean `Balancer`?",
    );
    assert_refused(
        "!Ref Balncer",
        "no parameter or resource `Balncer`; did you mean `Balancer`?",
    );
    assert_refused("!Ref AWS::Regoin", "did you mean `AWS::Region`?");
    assert_refused(
        "!GetAtt Mesh.MeshNam",
        "no attribute `MeshNam`; did you mean `MeshName`?",
    );
    assert_refused("!GetAtt Mesh", "write it as RESOURCE.ATTRIBUTE");
}

#[test]
fn resources_that_name_each_other_in_a_ring_are_refused() {
    let template = "
Resources:
  Mesh: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: !GetAtt Other.MeshName } }
  Other: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: !GetAtt Mesh.MeshName } }
";
    let problems = problems(&parse(template, &[]));
    assert!(
        problems[0].contains("needs its own value: "),
        "{problems:#?}"
    );
}

#[test]
fn a_resource_without_a_name_has_its_logical_one() {
    let template = "
Resources:
  Mesh: { Type: AWS::AppMesh::Mesh }
  Router:
    Type: AWS::AppMesh::VirtualRouter
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      Spec: { Listeners: [{ PortMapping: { Port: 80, Protocol: http } }] }
  Service:
    Type: AWS::AppMesh::VirtualService
    Properties:
      MeshName: !GetAtt Mesh.MeshName
      VirtualServiceName: a.local
      Spec: { Provider: { VirtualRouter: { VirtualRouterName: !GetAtt Router.VirtualRouterName } } }
";
    let parsed = parse(template, &[]);
    assert_eq!(problems(&parsed), Vec::<String>::new());
    let warnings = warnings(&parsed);
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("virtual router Router")
                && warning.contains("--param 'Router.VirtualRouterName=VALUE'")),
        "{warnings:#?}"
    );
    assert!(parsed.documents.mesh("Mesh").is_some());
    let given = [("Router.VirtualRouterName", "r"), ("Mesh.MeshName", "apps")];
    let parsed = parse(template, &given);
    assert_eq!(problems(&parsed), Vec::<String>::new());
    let mesh = parsed.documents.mesh("apps").expect("a mesh");
    assert!(mesh.virtual_routers.contains_key("r"));
    assert!(
        super::warnings(&parsed)
            .iter()
            .all(|warning| !warning.contains("makes one up"))
    );
}

#[test]
fn an_arn_is_taken_for_the_name_in_it() {
    let template = format!(
        "
Resources:
  Mesh: {{ Type: AWS::AppMesh::Mesh, Properties: {{ MeshName: apps }} }}
  Node:{NODE}      Spec:
        Listeners: [{{ PortMapping: {{ Port: 80, Protocol: http }} }}]
        ServiceDiscovery: {{ DNS: {{ Hostname: a }} }}
  Service:
    Type: AWS::AppMesh::VirtualService
    Properties:
      MeshName: !Ref Mesh
      VirtualServiceName: a.local
      Spec: {{ Provider: {{ VirtualNode: {{ VirtualNodeName: !Ref Node }} }} }}
"
    );
    let documents = sound(&template, &[]);
    let mesh = documents.mesh("apps").expect("a mesh");
    assert!(mesh.virtual_services.contains_key("a.local"));
}

#[test]
fn the_arn_itself_needs_region_and_account() {
    let template = hostname("!Ref Mesh");
    let parsed = parse(&template, &[]);
    let mut open = expressions(&parsed);
    open.sort_unstable();
    assert_eq!(open, ["AWS::AccountId", "AWS::Region"]);
}

const EXPORTING: &str = "
Parameters:
  Project: { Type: String }
Resources:
  Mesh: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: !Sub '${Project}-mesh' } }
Outputs:
  Name: { Value: !GetAtt Mesh.MeshName, Export: { Name: !Sub '${Project}:Mesh' } }
";
const IMPORTING: &str = "
Parameters:
  Project: { Type: String }
Resources:
  Node:
    Type: AWS::AppMesh::VirtualNode
    Properties:
      MeshName: !ImportValue
        Fn::Sub: '${Project}:Mesh'
      VirtualNodeName: a
      Spec: {}
";

#[test]
fn an_import_finds_what_another_template_exports() {
    let files = [("a.yaml", EXPORTING), ("b.yaml", IMPORTING)];
    let parsed = parse_files(&files, &[("Project", "shop")]);
    assert_eq!(problems(&parsed), Vec::<String>::new());
    assert_eq!(expressions(&parsed), Vec::<&str>::new());
    let mesh = parsed.documents.mesh("shop-mesh").expect("a mesh");
    assert!(mesh.mesh.is_some() && mesh.virtual_nodes.contains_key("a"));
}

#[test]
fn an_import_of_an_open_name_finds_the_export_of_that_name() {
    let files = [("a.yaml", EXPORTING), ("b.yaml", IMPORTING)];
    let parsed = parse_files(&files, &[]);
    assert_eq!(problems(&parsed), Vec::<String>::new());
    assert_eq!(expressions(&parsed), ["Project", "Project"]);
}

#[test]
fn an_import_that_nothing_exports_is_open_by_its_text() {
    let parsed = parse(IMPORTING, &[("Project", "shop")]);
    assert_eq!(expressions(&parsed), ["ImportValue shop:Mesh"]);
    for expression in ["ImportValue shop:Mesh", "Fn::ImportValue: shop:Mesh"] {
        let documents = sound(IMPORTING, &[("Project", "shop"), (expression, "apps")]);
        assert!(documents.mesh("apps").is_some(), "{expression}");
    }
    let as_listed = [("Project", "shop"), ("ImportValue ${Project}:Mesh", "apps")];
    assert!(sound(IMPORTING, &as_listed).mesh("apps").is_some());
    let mut open = parse(IMPORTING, &[]).open;
    open.sort_by(|a, b| a.expression.cmp(&b.expression));
    let open: Vec<&str> = open.iter().map(|open| &open.expression[..]).collect();
    assert_eq!(open, ["ImportValue ${Project}:Mesh", "Project"]);
}

#[test]
fn what_is_given_for_an_import_comes_before_its_export() {
    let files = [("a.yaml", EXPORTING), ("b.yaml", IMPORTING)];
    let given = [("Project", "shop"), ("ImportValue shop:Mesh", "other")];
    let parsed = parse_files(&files, &given);
    assert!(parsed.documents.mesh("other").is_some());
}

#[test]
fn a_name_that_is_exported_twice_is_refused() {
    let files = [
        ("a.yaml", EXPORTING),
        ("b.yaml", IMPORTING),
        ("c.yaml", EXPORTING),
    ];
    let problems = problems(&parse_files(&files, &[("Project", "shop")]));
    assert!(
        problems
            .iter()
            .any(|problem| problem.contains("exported twice: by a.yaml and c.yaml")),
        "{problems:#?}"
    );
}

#[test]
fn an_attribute_that_follows_from_the_template_cannot_be_given() {
    let given = [("Mesh.MeshName", "other")];
    let parsed = parse(&hostname("a.local"), &given);
    assert!(parsed.documents.mesh("apps").is_some());
    let warnings = warnings(&parsed);
    assert!(
        warnings.iter().any(|warning| warning
            .starts_with("--param 'Mesh.MeshName=…': no template has such an expression")),
        "{warnings:#?}"
    );
}

#[test]
fn a_fault_in_a_name_is_found_whatever_asks_for_it_first() {
    let template = "
Outputs:
  Name: { Value: !GetAtt Mesh.MeshName, Export: { Name: !Sub '${Mesh.MeshName}-x' } }
Resources:
  Node:
    Type: AWS::AppMesh::VirtualNode
    Properties: { MeshName: !ImportValue a, VirtualNodeName: a, Spec: {} }
  Mesh: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: !Sub '${Stoge}' } }
";
    let problems = problems(&parse(template, &[]));
    assert!(
        problems.len() == 1 && problems[0].contains("no parameter or resource `Stoge`"),
        "{problems:#?}"
    );
}

#[test]
fn an_attribute_that_a_resource_has_not_is_refused_with_those_that_it_has() {
    assert_refused(
        "!GetAtt Mesh.Colour",
        "no attribute `Colour`; it has MeshName, Arn, Id, MeshOwner, ResourceOwner, Uid",
    );
}

#[test]
fn owners_in_lists_of_owners_have_an_end() {
    use std::fmt::Write as _;
    let mut template = "Resources:\n".to_owned();
    for level in 0..5_000 {
        let owner = match level {
            0 => "x".to_owned(),
            _ => format!("[!GetAtt M{}.MeshOwner]", level - 1),
        };
        let _ = writeln!(
            template,
            "  M{level}: {{ Type: AWS::AppMesh::Mesh, Properties: {{ MeshName: m, MeshOwner: {owner} }} }}"
        );
    }
    assert!(!parse(&template, &[]).problems.is_empty());
}
