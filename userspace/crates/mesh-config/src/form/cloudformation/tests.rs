mod conditions;
mod corpus;
mod functions;
mod loops;
mod outputs;
mod parameters;
mod references;
mod resources;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    document::{Documents, Open, Parsed, Parser},
    form::Inputs,
    source::{DocumentSet, SourceFile},
};

/// Files, by name and text.
fn set(files: &[(&str, &str)]) -> DocumentSet {
    let files = files.iter().map(|(name, text)| {
        Arc::new(SourceFile {
            name: (*name).to_owned(),
            text: (*text).into(),
        })
    });
    DocumentSet {
        files: files.collect(),
        ..DocumentSet::default()
    }
}

fn parse_files(files: &[(&str, &str)], parameters: &[(&str, &str)]) -> Parsed {
    let parameters = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let inputs = Inputs {
        parameters: parameters.collect(),
        ..Inputs::default()
    };
    Parser::new(inputs).parse(&set(files))
}

fn parse(template: &str, parameters: &[(&str, &str)]) -> Parsed {
    parse_files(&[("mesh.yaml", template)], parameters)
}

/// The documents of a template without a fault.
fn sound(template: &str, parameters: &[(&str, &str)]) -> Documents {
    let parsed = parse(template, parameters);
    match parsed.into_result() {
        Ok((documents, _)) => documents,
        Err(problems) => panic!("{problems:#?}"),
    }
}

fn expressions(parsed: &Parsed) -> Vec<&str> {
    let expressions = parsed
        .open
        .iter()
        .map(|Open { expression, .. }| expression.as_str());
    expressions.collect()
}

fn problems(parsed: &Parsed) -> Vec<String> {
    parsed.problems.iter().map(ToString::to_string).collect()
}

fn warnings(parsed: &Parsed) -> Vec<String> {
    parsed.warnings.iter().map(ToString::to_string).collect()
}

/// Names of resources, by the label of their kind.
fn names(documents: &Documents) -> BTreeMap<&'static str, Vec<String>> {
    let mut names: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for (name, mesh) in documents.meshes() {
        if mesh.mesh.is_some() {
            names.entry("Mesh").or_default().push(name.to_owned());
        }
        let mut add = |kind: &'static str, all: Vec<String>| {
            if !all.is_empty() {
                names.entry(kind).or_default().extend(all);
            }
        };
        add("VirtualNode", mesh.virtual_nodes.keys().cloned().collect());
        add(
            "VirtualService",
            mesh.virtual_services.keys().cloned().collect(),
        );
        add(
            "VirtualRouter",
            mesh.virtual_routers.keys().cloned().collect(),
        );
        add(
            "VirtualGateway",
            mesh.virtual_gateways.keys().cloned().collect(),
        );
        let own =
            |keys: Vec<&(String, String)>| keys.into_iter().map(|(_, own)| own.clone()).collect();
        add("Route", own(mesh.routes.keys().collect()));
        add("GatewayRoute", own(mesh.gateway_routes.keys().collect()));
    }
    names
}
