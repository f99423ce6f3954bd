mod changes;
mod groups;
mod kinds;
mod membership;
mod names;
mod references;
mod routers;
mod spellings;
mod templates;

use std::sync::Arc;

use serde_json::Value;

use crate::{
    document::{Documents, Mesh, Parsed, Parser},
    form::Inputs,
    source::{DocumentSet, SourceFile},
};

/// Namespace `shop`, of mesh `apps`.
const SHOP: &str = "
apiVersion: v1
kind: Namespace
metadata: { name: shop, labels: { mesh: apps } }
---
apiVersion: appmesh.k8s.aws/v1beta2
kind: Mesh
metadata: { name: apps }
spec: { namespaceSelector: { matchLabels: { mesh: apps } } }
";

fn parse(files: &[(&str, &str)]) -> Parsed {
    let files = files
        .iter()
        .map(|(name, text)| SourceFile::new(*name, *text));
    let set = DocumentSet {
        files: files.collect(),
        ..DocumentSet::default()
    };
    Documents::parse(&set)
}

/// An object of App Mesh in namespace `shop`, with its `spec` in the short form of YAML.
fn object(kind: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: appmesh.k8s.aws/v1beta2\nkind: {kind}\nmetadata: {{ name: {name}, namespace: \
         shop }}\nspec: {spec}\n"
    )
}

/// A virtual node that listens to HTTP on port 8080.
fn node(name: &str) -> String {
    let spec = format!(
        "{{ listeners: [{{ portMapping: {{ port: 8080, protocol: http }} }}], serviceDiscovery: \
         {{ dns: {{ hostname: {name}.shop.svc.cluster.local }} }} }}"
    );
    object("VirtualNode", name, &spec)
}

/// One file of objects, [`SHOP`] in front.
fn in_shop(objects: &[String]) -> Parsed {
    let whole = [&[SHOP.to_owned()], objects].concat().join("---\n");
    parse(&[("shop.yaml", &whole)])
}

/// The same after a namespace and mesh, with `shop.yaml` for the objects alone: lines count from
/// its first.
fn beside_shop(objects: &str) -> Parsed {
    parse(&[("apps.yaml", SHOP), ("shop.yaml", objects)])
}

fn problems(parsed: &Parsed) -> Vec<String> {
    parsed.problems.iter().map(ToString::to_string).collect()
}

fn warnings(parsed: &Parsed) -> Vec<String> {
    parsed.warnings.iter().map(ToString::to_string).collect()
}

/// The only problem.
#[track_caller]
fn problem(parsed: &Parsed) -> String {
    let problems = problems(parsed);
    let [problem] = &problems[..] else {
        panic!("one problem was expected: {problems:#?}")
    };
    problem.clone()
}

/// Mesh `apps` of documents without a fault.
#[track_caller]
fn apps(parsed: &Parsed) -> &Mesh {
    assert_eq!(problems(parsed), Vec::<String>::new());
    parsed.documents.mesh("apps").expect("mesh apps")
}

/// A specification as the API has it.
fn json(spec: &Arc<impl serde::Serialize>) -> Value {
    serde_json::to_value(&**spec).expect("JSON")
}

/// A parser without inputs.
fn parser() -> Parser {
    Parser::new(Inputs::default())
}
