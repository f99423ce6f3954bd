//! What every command takes that reads documents.
#![expect(
    clippy::doc_markdown,
    reason = "these comments are the help text, printed as it stands"
)]

use std::path::PathBuf;

use clap::{Args, ColorChoice, ValueEnum};
use mesh_config::form::{Inputs, ResourcePath};

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
