//! `ferromesh render-envoy`: the Envoy configuration that App Mesh would have served to a resource.

use anyhow::Context;
use mesh_config::{redirect::proxy_ports, source::directory::read_paths};
use mesh_envoy::{Host, render, yaml};
use mesh_model::snapshot::{EgressPort, Snapshot};

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
    for left_out in left_out(&resolved.snapshot) {
        eprintln!("note: {left_out}");
    }
    let bootstrap = render(&resolved.snapshot, &host);
    match args.format {
        RenderFormat::Json => answer::print(format!("{bootstrap:#}\n")),
        RenderFormat::Yaml => answer::print(yaml(&bootstrap)),
    }
}

/// What Envoy knows nothing of, in sentences.
fn left_out(snapshot: &Snapshot) -> Vec<String> {
    let without_failover = |route: &str| {
        format!(
            "{route} is rendered without `failover`: Envoy has a request stay with the target that the \
             weights chose"
        )
    };
    let mut all = Vec::new();
    for (port, of) in &snapshot.egress {
        match of {
            EgressPort::Http(table) => {
                for host in &table.virtual_hosts {
                    let routes = host.routes.iter().filter(|route| route.fails_over);
                    all.extend(routes.map(|route| {
                        without_failover(&format!("route {} of {}", route.name, host.name))
                    }));
                }
            }
            EgressPort::Tcp(route) if route.fails_over => {
                all.push(without_failover(&format!("the route of {}", route.name)));
            }
            EgressPort::Tcp(_) => {}
            EgressPort::TcpByAddress(_) => all.push(format!(
                "port {port} is left out: several services answer TCP on it, which Envoy cannot tell \
                 apart; give their routers ports of their own"
            )),
        }
    }
    let zoned = snapshot.clusters.iter();
    let zoned = zoned.filter(|cluster| cluster.zone_aware.is_some());
    all.extend(zoned.map(|cluster| {
        format!(
            "{} is rendered without `zoneAware`: Envoy has to be told where all hosts of the calling \
             service are, which no document says",
            cluster.name
        )
    }));
    all
}
