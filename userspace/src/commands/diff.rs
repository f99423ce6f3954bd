//! `ferromesh diff`: what of a workload would change from one set of documents to another.

use std::path::Path;

use anyhow::Context;
use mesh_config::{
    diff::{State, diff},
    form::Inputs,
    redirect::redirect_rules,
    source::directory::read_paths,
};
use mesh_model::{redirect::RedirectRules, resource::ResourceName, snapshot::Snapshot};

use super::{answer, resolved::resolved};
use crate::{cli::DiffArgs, settings::Environment};

pub(crate) fn run(args: &DiffArgs, environment: &Environment) -> anyhow::Result<()> {
    let inputs = args.inputs.inputs(environment);
    let state = |path| state(path, &args.resource, inputs.clone(), environment);
    let (old, old_rules) = state(&args.old)?;
    let (new, new_rules) = state(&args.new)?;
    let difference = diff(
        State {
            snapshot: &old,
            rules: &old_rules,
        },
        State {
            snapshot: &new,
            rules: &new_rules,
        },
    );
    if args.json {
        answer::print(serde_json::to_string_pretty(&difference)? + "\n")
    } else {
        answer::print(difference)
    }
}

/// What the documents at a path mean for a workload.
fn state(
    path: &Path,
    resource: &ResourceName,
    inputs: Inputs,
    environment: &Environment,
) -> anyhow::Result<(Snapshot, RedirectRules)> {
    let set = read_paths(&[path.to_owned()])?;
    resolved(&set, inputs, resource, environment)
        .and_then(|resolved| {
            let rules = redirect_rules(environment, &resolved.snapshot)?;
            Ok((resolved.snapshot, rules))
        })
        .with_context(|| format!("the documents of {} are bad", path.display()))
}
