//! What becomes of a request by the configuration that a workload's proxy runs, not by that of its source.

use std::collections::HashSet;

use anyhow::Context;
use ferromesh_proto::control::{ExplainRequest, ExplainResponse, Header};
use mesh_config::explain::{Request, explain as explained};

use super::Reporter;

pub(super) fn explain(
    reporter: &Reporter,
    request: ExplainRequest,
) -> anyhow::Result<ExplainResponse> {
    let (workload, by) = {
        let set = reporter.workloads.set();
        let workload = set.meant(request.workload.as_deref())?;
        let name = workload.settings().name.clone();
        let member = set.members.get(&name).context("the workload is ending")?;
        (workload, member.wanted.by)
    };
    let proxy = workload.proxy().context(
        "the proxy is not this daemon's own, and what it has in force is not known here; leave --live out",
    )?;
    let snapshot = proxy.snapshot().context("nothing is in force yet")?;
    let headers = request.headers.into_iter();
    let explanation = explained(
        &snapshot,
        &Request {
            method: request.method,
            url: request.url,
            headers: headers
                .map(|Header { name, value }| (name, value))
                .collect(),
            http2: request.http2,
            ingress: request.ingress,
        },
    )?;
    let routes = explanation
        .steps
        .iter()
        .filter_map(|step| step.route.as_ref());
    let shares = routes.flat_map(|route| &route.clusters);
    let targets: HashSet<&str> = shares.map(|share| share.cluster.name.as_str()).collect();
    let mut message = reporter.workload(&workload, by);
    message
        .clusters
        .retain(|cluster| targets.contains(cluster.name.as_str()));
    Ok(ExplainResponse {
        refusal: String::new(),
        text: explanation.to_string(),
        json: serde_json::to_string(&explanation).context("the explanation is no JSON")?,
        workload: Some(message),
    })
}
