//! `ferromesh render-envoy`: the Envoy configuration that App Mesh would have served to a resource.

use anyhow::Context;
use mesh_config::{redirect::proxy_ports, source::directory::read_paths};
use mesh_envoy::{Host, render, yaml};
use mesh_model::snapshot::EgressPort;

use super::{answer, resolved::resolved};
use crate::{
    cli::{RenderEnvoyArgs, RenderFormat},
    settings::Environment,
};

/// What the resolver refuses to run is no matter here: it speaks of the proxy of this daemon.
pub(crate) fn run(args: &RenderEnvoyArgs, environment: &Environment) -> anyhow::Result<()> {
    let set = read_paths(&args.paths)?;
    let inputs = args.inputs.inputs(environment);
    let resolved =
        resolved(&set, inputs, &args.resource, environment).context("the documents are bad")?;
    let host = Host {
        listen: args.listen,
        endpoints: args.endpoints.clone(),
        ..Host::new(environment, proxy_ports(environment))?
    };
    for (port, of) in &resolved.snapshot.egress {
        if matches!(of, EgressPort::TcpByAddress(_)) {
            eprintln!(
                "note: port {port} is left out: several services answer TCP on it, which Envoy \
                 cannot tell apart; give their routers ports of their own"
            );
        }
    }
    for cluster in &resolved.snapshot.clusters {
        if cluster.zone_aware.is_some() {
            eprintln!(
                "note: {} is rendered without `zoneAware`: Envoy has to be told where all hosts of the \
                 calling service are, which no document says",
                cluster.name
            );
        }
    }
    let bootstrap = render(&resolved.snapshot, &host);
    match args.format {
        RenderFormat::Json => answer::print(format!("{bootstrap:#}\n")),
        RenderFormat::Yaml => answer::print(yaml(&bootstrap)),
    }
}
