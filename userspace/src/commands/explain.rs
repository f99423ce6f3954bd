//! `ferromesh explain`: what a request would get, and why not something else; by documents, or by what a
//! daemon has in force.

mod live;

use anyhow::Context;
use mesh_config::{
    explain::{Request, explain},
    source::directory::read_directory,
};
use serde_json::json;

use super::{answer, resolved::resolved};
use crate::{cli::ExplainArgs, settings::Environment};

pub(crate) fn run(args: ExplainArgs, environment: &Environment) -> anyhow::Result<()> {
    if args.live {
        return live::run(args);
    }
    let (Some(mesh_config), Some(resource)) = (&args.mesh_config, &args.resource) else {
        unreachable!("the command line asks for both")
    };
    let set = read_directory(mesh_config)?;
    let inputs = args.inputs.inputs(environment);
    let resolved =
        resolved(&set, inputs, resource, environment).context("the documents are bad")?;
    let is_json = args.json;
    let explanation = explain(&resolved.snapshot, &request(args))?;
    if is_json {
        let answer = json!({
            "explanation": explanation,
            "findings": resolved.findings,
            "refusals": resolved.refusals,
        });
        return answer::print(format!("{answer:#}\n"));
    }
    let refusals = resolved.refusals.iter();
    let refusals = refusals.map(|refusal| format!("not run yet: {refusal}\n"));
    let findings = resolved.findings.iter();
    let findings = findings.map(|finding| format!("note: {finding}\n"));
    let more: String = refusals.chain(findings).collect();
    answer::print(format!("{explanation}{more}"))
}

/// The request that is explained.
fn request(args: ExplainArgs) -> Request {
    if args.grpc {
        return Request::grpc(args.url, args.headers, args.ingress);
    }
    Request {
        method: args.method,
        url: args.url,
        headers: args.headers,
        http2: args.http2,
        ingress: args.ingress,
    }
}
