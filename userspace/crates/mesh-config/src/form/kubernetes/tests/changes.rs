//! What changes from one set to the next is read, and nothing else.

use super::*;
use crate::document::Kind;

fn set(files: &[&Arc<SourceFile>]) -> DocumentSet {
    DocumentSet {
        files: files.iter().map(|file| Arc::clone(file)).collect(),
        ..DocumentSet::default()
    }
}

fn service() -> Arc<SourceFile> {
    let spec = "{ provider: { virtualNode: { virtualNodeRef: { name: web } } } }";
    SourceFile::new("service.yaml", object("VirtualService", "web", spec))
}

#[track_caller]
fn provider(parsed: &Parsed) -> Value {
    let service = &apps(parsed).virtual_services["web.shop"];
    json(&service.spec)["provider"]["virtualNode"]["virtualNodeName"].clone()
}

#[test]
fn a_document_is_made_anew_when_what_it_refers_to_gets_another_name() {
    let (mesh, service) = (SourceFile::new("mesh.yaml", SHOP), service());
    let before = SourceFile::new("node.yaml", node("web"));
    let named = node("web").replace("spec: {", "spec: { awsName: other,");
    let after = SourceFile::new("node.yaml", named);
    let mut parser = parser();
    let first = parser.parse(&set(&[&mesh, &before, &service]));
    let second = parser.parse(&set(&[&mesh, &after, &service]));
    assert_eq!(
        (provider(&first), provider(&second)),
        ("web_shop".into(), "other".into())
    );
}

#[test]
fn a_document_moves_with_its_namespace_to_another_mesh() {
    let node = SourceFile::new("node.yaml", node("web"));
    let before = SourceFile::new("mesh.yaml", SHOP);
    let after = SourceFile::new("mesh.yaml", SHOP.replace("name: apps", "name: more"));
    let mut parser = parser();
    let first = parser.parse(&set(&[&before, &node]));
    let second = parser.parse(&set(&[&after, &node]));
    assert!(first.documents.mesh("apps").is_some());
    assert!(second.documents.mesh("apps").is_none());
    let more = second.documents.mesh("more").expect("the other mesh");
    assert!(more.virtual_nodes.contains_key("web_shop"));
}

#[test]
fn what_did_not_change_is_kept() {
    let (mesh, service) = (SourceFile::new("mesh.yaml", SHOP), service());
    let web = SourceFile::new("node.yaml", node("web"));
    let cart = SourceFile::new("other.yaml", node("cart"));
    let mut parser = parser();
    let first = parser.parse(&set(&[&mesh, &web, &service]));
    let second = parser.parse(&set(&[&mesh, &web, &cart, &service]));
    let spec = |parsed: &Parsed| Arc::clone(&apps(parsed).virtual_nodes["web_shop"].spec);
    assert!(Arc::ptr_eq(&spec(&first), &spec(&second)));
}

#[test]
fn faults_are_found_again_in_what_is_kept() {
    let mesh = SourceFile::new("mesh.yaml", SHOP);
    let bad = SourceFile::new(
        "node.yaml",
        object("VirtualNode", "web", "{ listeners: 7 }"),
    );
    let mut parser = parser();
    let first = parser.parse(&set(&[&mesh, &bad]));
    let second = parser.parse(&set(&[&mesh, &bad]));
    assert_eq!(problems(&first).len(), 1);
    assert_eq!(problems(&first), problems(&second));
}

#[test]
fn an_object_that_is_gone_is_gone() {
    let mesh = SourceFile::new("mesh.yaml", SHOP);
    let web = SourceFile::new("node.yaml", node("web"));
    let mut parser = parser();
    parser.parse(&set(&[&mesh, &web]));
    let after = parser.parse(&set(&[&mesh]));
    assert_eq!(
        after.documents.summary().get(Kind::VirtualNode.label()),
        None
    );
}
