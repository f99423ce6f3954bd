//! `--live`: what a request gets from a daemon now.

use std::fmt::{self, Display, Formatter};

use anyhow::{Context, bail};
use ferromesh_proto::control::{Cluster, ExplainRequest, ExplainResponse, Header, Workload};
use mesh_config::explain::Request;
use serde_json::{Value, json};

use super::request;
use crate::{
    cli::ExplainArgs,
    commands::{
        answer, block_on,
        status::page::{self, Age, Placed},
    },
    control,
    runtime_dir::RuntimeDir,
};

pub(super) fn run(args: ExplainArgs) -> anyhow::Result<()> {
    let is_json = args.json;
    let said = block_on(ask(args))??;
    let workload = said.workload.context("the daemon names no workload")?;
    if !is_json {
        let text = said.text;
        return answer::print(format_args!("{text}{}", Live(&workload)));
    }
    let explanation: Value = serde_json::from_str(&said.json)
        .context("the daemon is of another version: its answer cannot be read")?;
    let answer = json!({ "explanation": explanation, "live": workload });
    answer::print(format!("{answer:#}\n"))
}

async fn ask(args: ExplainArgs) -> anyhow::Result<ExplainResponse> {
    let instance = args.instance.instance.clone();
    let socket = RuntimeDir::of(&instance).control_socket();
    let Some(mut client) = control::connect(socket).await? else {
        bail!(
            "no daemon runs as instance `{instance}`, and nobody else knows what it has in force; name another \
             with --instance, or explain by documents without --live"
        );
    };
    let workload = args.workload.clone();
    let Request {
        method,
        url,
        headers,
        http2,
        ingress,
    } = request(args);
    let headers = headers.into_iter();
    let question = ExplainRequest {
        workload,
        method,
        url,
        headers: headers
            .map(|(name, value)| Header { name, value })
            .collect(),
        http2,
        ingress,
    };
    let said = client.explain(question).await;
    let said = said.context("the daemon does not answer; `ferromesh status` says what runs")?;
    let said = said.into_inner();
    if !said.refusal.is_empty() {
        bail!("{}", said.refusal);
    }
    Ok(said)
}

/// What is in force, and how the endpoints fare that the request could go to.
struct Live<'a>(&'a Workload);

impl Display for Live<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(workload) = self;
        writeln!(
            f,
            "in force for {} ({}), {}",
            workload.name, workload.resource, workload.state
        )?;
        if let Some(configuration) = &workload.configuration {
            page::configuration_part(f, configuration)?;
        }
        let mut clusters = workload.clusters.iter();
        clusters.try_for_each(|cluster| cluster_part(f, cluster))
    }
}

fn cluster_part(f: &mut Formatter<'_>, cluster: &Cluster) -> fmt::Result {
    let is_unfit = |endpoint: &&String| {
        let mut unfit = cluster.unfit.iter();
        unfit.any(|unfit| unfit.endpoint == **endpoint)
    };
    let known = cluster.endpoints.len();
    let fit = known - cluster.endpoints.iter().filter(is_unfit).count();
    writeln!(
        f,
        "  cluster    {}: {fit} of {known} endpoints fit",
        cluster.name
    )?;
    match (cluster.answered_seconds, cluster.failure.as_str()) {
        (None, "") => {}
        (Some(seconds), "") => writeln!(f, "    names    answered {} ago", Age(seconds))?,
        (None, failure) => writeln!(f, "    NAMES    no answer yet: {failure}")?,
        (Some(seconds), failure) => writeln!(
            f,
            "    NAMES    no new answer for {}, this one stays in use: {failure}",
            Age(seconds)
        )?,
    }
    for endpoint in cluster
        .endpoints
        .iter()
        .filter(|endpoint| !is_unfit(endpoint))
    {
        writeln!(f, "    fit      {}", Placed(cluster, endpoint))?;
    }
    page::health_part(f, cluster)
}

#[cfg(test)]
mod tests;
