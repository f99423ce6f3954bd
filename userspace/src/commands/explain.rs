//! `ferromesh explain`: what a request would get, and why not something else.

use anyhow::Context;
use mesh_config::{
    document::Parser,
    explain::{Request, explain},
    resolve::resolve,
    source::directory::read_directory,
};
use serde_json::json;

use crate::{cli::ExplainArgs, daemon::configuration::Problems, settings::Environment};

pub(crate) fn run(args: ExplainArgs, environment: &Environment) -> anyhow::Result<()> {
    let set = read_directory(&args.mesh_config).context("the documents cannot be read")?;
    let resolved = Parser::new(args.inputs.inputs(environment))
        .parse(&set)
        .into_result()
        .and_then(|(documents, _)| resolve(&documents, &args.resource, environment))
        .map_err(|problems| Problems(problems.iter().map(ToString::to_string).collect()))
        .context("the documents are bad")?;
    let request = if args.grpc {
        Request::grpc(args.url, args.headers, args.ingress)
    } else {
        Request {
            method: args.method,
            url: args.url,
            headers: args.headers,
            ingress: args.ingress,
        }
    };
    let explanation = explain(&resolved.snapshot, &request)?;
    if args.json {
        println!(
            "{:#}",
            json!({
                "explanation": explanation,
                "findings": resolved.findings,
                "refusals": resolved.refusals,
            })
        );
    } else {
        print!("{explanation}");
        for refusal in &resolved.refusals {
            println!("not run yet: {refusal}");
        }
        for finding in &resolved.findings {
            println!("note: {finding}");
        }
    }
    Ok(())
}
