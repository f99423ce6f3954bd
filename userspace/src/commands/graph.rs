//! `ferromesh graph`: the meshes of some documents, drawn.

use mesh_config::{document::Parser, graph::Graph, source::directory::read_paths};

use super::answer;
use crate::{
    cli::{GraphArgs, GraphFormat},
    settings::Environment,
};

/// Draws what can be read; what cannot is named on standard error, for half a picture may be what
/// shows the fault.
pub(crate) fn run(args: &GraphArgs, environment: &Environment) -> anyhow::Result<()> {
    let set = read_paths(&args.paths)?;
    let parsed = Parser::new(args.inputs.inputs(environment)).parse(&set);
    for problem in &parsed.problems {
        eprintln!("error: {problem}");
    }
    let graph = Graph::of(&parsed.documents);
    match args.format {
        GraphFormat::Dot => answer::print(graph.dot()),
        GraphFormat::Mermaid => answer::print(graph.mermaid()),
    }
}
