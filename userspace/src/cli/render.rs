//! What `render-envoy` takes.

use std::{net::IpAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use mesh_model::resource::ResourceName;

use super::InputArgs;

#[derive(Args, Debug)]
pub(crate) struct RenderEnvoyArgs {
    /// Files and directories of documents
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Whose proxy Envoy will be: mesh/MESH/virtualNode/NODE, mesh/MESH/virtualGateway/GATEWAY or
    /// its ARN
    #[arg(long, env = "FERROMESH_RESOURCE")]
    pub(crate) resource: ResourceName,
    /// How the configuration is written
    #[arg(long, default_value = "yaml")]
    pub(crate) format: RenderFormat,
    /// Where Envoy's listeners bind; :: takes IPv4 and IPv6
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0")]
    pub(crate) listen: IpAddr,
    /// Where Envoy finds the endpoints of AWS Cloud Map services with attributes, one file a cluster
    #[arg(long, value_name = "DIR", default_value = "/etc/envoy/eds")]
    pub(crate) endpoints: String,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RenderFormat {
    /// JSON
    Json,
    /// YAML
    Yaml,
}
