//! The flags of the commands that read documents and need no daemon: `validate`, `explain`, `diff`
//! and `graph`, and what every command takes that reads documents.
#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help text, printed as it stands"
)]

use std::path::PathBuf;

use clap::{Args, ColorChoice, ValueEnum};
use mesh_config::form::{Inputs, ResourcePath};
use mesh_model::resource::ResourceName;

use super::InstanceArg;
use crate::settings::Environment;

/// What documents need that is in no file of theirs.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Documents")]
pub(crate) struct InputArgs {
    /// The value of a variable of the documents, $NAME or ${NAME}; may be given several times
    /// [else the environment's]
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair)]
    variables: Vec<(String, String)>,

    /// The value of an expression of a template: a parameter, AWS::Region, LogicalId.Attribute;
    /// may be given several times
    #[arg(long = "param", value_name = "EXPRESSION=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,

    /// Which resource a file with a bare spec describes: FILE=mesh/MESH/virtualNode/NODE; may be
    /// given several times [else the file's name tells]
    #[arg(long = "document", value_name = "FILE=RESOURCE", value_parser = document)]
    names: Vec<(String, ResourcePath)>,
}

impl InputArgs {
    /// Flags before the environment.
    pub(crate) fn inputs(&self, environment: &Environment) -> Inputs {
        let mut variables = environment.clone();
        variables.extend(self.variables.iter().cloned());
        Inputs {
            variables,
            parameters: self.parameters.iter().cloned().collect(),
            names: self.names.iter().cloned().collect(),
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    /// Files and directories of documents
    #[arg(required_unless_present = "redirect_from", value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Check this file as `run --redirect-from` does, and print the rules that come of it
    #[arg(long, value_name = "FILE")]
    pub(crate) redirect_from: Option<PathBuf>,
    /// Print what a machine may read; the same as --format json
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// How the report is written
    #[arg(long, default_value = "text")]
    pub(crate) format: ReportFormat,
    /// Whether the text has colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// For code scanning: SARIF 2.1.0
    Sarif,
}

#[derive(Args, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct ExplainArgs {
    /// Directory of App Mesh documents
    #[arg(
        long,
        env = "FERROMESH_MESH_CONFIG",
        value_name = "DIR",
        required_unless_present = "live"
    )]
    pub(crate) mesh_config: Option<PathBuf>,
    /// Whose proxy gets the request: mesh/MESH/virtualNode/NODE or its ARN
    #[arg(long, env = "FERROMESH_RESOURCE", required_unless_present = "live")]
    pub(crate) resource: Option<ResourceName>,
    /// Ask the daemon: explain by the configuration that it has in force, and say how the endpoints fare
    #[arg(long)]
    pub(crate) live: bool,
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// With --live: whose application makes or gets the request, by the workload's name; needed where the
    /// daemon serves several
    #[arg(long, value_name = "NAME", requires = "live")]
    pub(crate) workload: Option<String>,
    /// The request's method
    #[arg(long, default_value = "GET")]
    pub(crate) method: String,
    /// Explain a gRPC call: POST with gRPC's content type, the URL's path is /SERVICE/METHOD
    #[arg(long, conflicts_with = "method")]
    pub(crate) grpc: bool,
    /// The request is made by HTTP/2, which states its scheme; --grpc implies it
    #[arg(long)]
    pub(crate) http2: bool,
    /// Explain a request that comes to the resource's own port; to a gateway all do
    #[arg(long)]
    pub(crate) ingress: bool,
    /// A request header, NAME:VALUE; may be given several times
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// Print what a machine may read
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
    /// The URL as the application, or with --ingress its caller, would call it
    pub(crate) url: String,
}

#[derive(Args, Debug)]
pub(crate) struct DiffArgs {
    /// Directory or file of the documents as they are
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// Directory or file of the documents as they would be
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// The workload: mesh/MESH/virtualNode/NODE, mesh/MESH/virtualGateway/GATEWAY or its ARN
    #[arg(long, env = "FERROMESH_RESOURCE")]
    pub(crate) resource: ResourceName,
    /// Print what a machine may read
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
}

#[derive(Args, Debug)]
pub(crate) struct GraphArgs {
    /// Files and directories of documents
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// What reads the text
    #[arg(long, default_value = "dot")]
    pub(crate) format: GraphFormat,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// Graphviz: `dot -Tsvg`
    Dot,
    /// Mermaid, as Markdown pages take it
    Mermaid,
}

fn pair(given: &str) -> Result<(String, String), String> {
    match given.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

fn document(given: &str) -> Result<(String, ResourcePath), String> {
    let (file, path) = pair(given)?;
    let path = path
        .parse()
        .map_err(|error: mesh_config::form::InvalidDocumentName| error.to_string())?;
    Ok((file, path))
}

fn header(given: &str) -> Result<(String, String), String> {
    let (name, value) = given.split_once(':').ok_or("write NAME:VALUE")?;
    if name.trim().is_empty() {
        return Err("write NAME:VALUE".to_owned());
    }
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests;
