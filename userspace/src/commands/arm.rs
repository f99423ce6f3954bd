//! `ferromesh arm`: loads the programs before any daemon, so that an application that starts first
//! does not go past a proxy that is not there yet.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use mesh_bpf::{
    Instance, InstanceSettings, ProxyKind, WorkloadSpec, cgroup, inspect::inspect, local, preflight,
};
use mesh_config::{
    document::{Documents, Parser},
    enrolment,
    redirect::redirect_rules,
    resolve::resolve,
    source::directory::read_directory,
};
use mesh_model::{
    redirect::{OnProxyDown, RedirectRules},
    snapshot::Snapshot,
};

use super::{answer, status::BPFFS};
use crate::{
    cli::ArmArgs,
    daemon::{configuration::Problems, place},
    object::OBJECT,
    runtime_dir::RuntimeDir,
    settings::{Environment, ProxyPlace, Settings, WorkloadSettings},
};

/// Leaves workloads enrolled under the rules that the daemon would give them, each with a proxy that
/// is down and in mode `refuse`, whatever its own mode is: that holds from the daemon's first beat.
pub(crate) fn run(args: ArmArgs, environment: &Environment) -> anyhow::Result<()> {
    let settings = Settings::new(args.run, environment)?;
    preflight::check(Path::new(BPFFS))?;
    if OBJECT.is_empty() {
        bail!("this binary was built without its eBPF programs; build it with `cargo xtask build`");
    }
    let workloads = workloads(&settings, args.netns)?;
    let _lock = RuntimeDir::of(&settings.instance).claim()?;
    if args.create_cgroup {
        for workload in &workloads {
            cgroup::create(&workload.cgroup)?;
        }
    }
    let (proxy, proxy_cgroup) = match &settings.proxy {
        ProxyPlace::Internal => {
            let own = place::proxy_cgroup(&cgroup::mount_point()?, &settings.instance);
            cgroup::create(&own)?;
            (ProxyKind::Internal, own)
        }
        ProxyPlace::External(cgroup) => (ProxyKind::External, cgroup.clone()),
    };
    let instance = Instance::open(
        &InstanceSettings {
            heartbeat: settings.heartbeat,
            ..InstanceSettings::new(settings.instance.clone(), proxy_cgroup)
        },
        OBJECT,
    )?;
    let documents = documents(&settings);
    let mut failed = 0;
    for workload in &workloads {
        let name = &workload.name;
        // One that cannot be armed leaves no other one open.
        match arm(&instance, proxy, workload, &documents, &settings.instance) {
            Ok(()) => answer::print(format!(
                "workload `{name}` is armed: its new connections are refused until a daemon \
                 serves them\n"
            ))?,
            Err(error) => {
                failed += 1;
                tracing::error!("workload `{name}` is not armed: {error:#}");
            }
        }
    }
    if failed > 0 {
        bail!("{failed} of {} workloads are not armed", workloads.len());
    }
    Ok(())
}

fn arm(
    instance: &Instance,
    proxy: ProxyKind,
    workload: &WorkloadSettings,
    documents: &anyhow::Result<Documents>,
    name: &str,
) -> anyhow::Result<()> {
    let rules = rules(workload, documents)?;
    let spec = WorkloadSpec {
        id: id(name, &workload.name)?,
        name: workload.name.clone(),
        cgroup: std::path::absolute(&workload.cgroup)
            .with_context(|| format!("{} has no absolute form", workload.cgroup.display()))?,
        netns: workload.netns.clone(),
        proxy,
    };
    let local = local::networks_of(spec.netns.as_deref())?;
    instance.rest(spec.id)?;
    instance.enrol(&spec, &rules, 0, &local)?;
    Ok(())
}

/// The workload of the command line and those of the enrolment file.
fn workloads(settings: &Settings, netns: Option<PathBuf>) -> anyhow::Result<Vec<WorkloadSettings>> {
    let own = settings
        .workload
        .clone()
        .map(|workload| WorkloadSettings { netns, ..workload });
    let mut workloads = Vec::from_iter(own);
    if let Some(file) = &settings.workloads {
        let enrolments = enrolment::read(file)
            .map_err(Problems::from)
            .with_context(|| format!("the enrolment file {} is bad", file.display()))?;
        for enrolment in &enrolments {
            workloads.push(WorkloadSettings::enrolled(enrolment, settings)?);
        }
    }
    if workloads.is_empty() {
        bail!("nothing to arm: give --workload-cgroup or --workloads");
    }
    Ok(workloads)
}

/// The number that the pins have for the workload, else one that they have for nobody.
fn id(instance: &str, workload: &str) -> anyhow::Result<u32> {
    let pinned = inspect(Path::new(BPFFS), instance)?;
    let pinned = pinned.map_or_else(Vec::new, |report| report.workloads);
    if let Some(own) = pinned.iter().find(|pinned| pinned.name == workload) {
        return Ok(own.id);
    }
    (0..u32::MAX)
        .find(|id| pinned.iter().all(|pinned| pinned.id != *id))
        .context("no number is free")
}

/// What the daemon would redirect. Documents that cannot be used now are no reason to let anything
/// past: the daemon will say what is wrong with them.
fn rules(
    workload: &WorkloadSettings,
    documents: &anyhow::Result<Documents>,
) -> anyhow::Result<RedirectRules> {
    let resolved = match documents {
        Ok(documents) => resolve(documents, &workload.resource, &workload.environment)
            .map_err(|problems| Problems::from(problems).to_string()),
        Err(error) => Err(format!("{error:#}")),
    };
    let snapshot = match resolved {
        Ok(resolved) => resolved.snapshot,
        Err(why) => {
            tracing::warn!("no application port is known but those of APPMESH_APP_PORTS: {why}");
            Snapshot::empty(workload.resource.clone())
        }
    };
    let mut rules = redirect_rules(&workload.environment, &snapshot).map_err(Problems::from)?;
    rules.on_proxy_down = OnProxyDown::Refuse;
    if !rules.enabled {
        tracing::warn!("redirection is off (APPMESH_START_ENABLED=0): nothing is refused either");
    }
    Ok(rules)
}

fn documents(settings: &Settings) -> anyhow::Result<Documents> {
    let set = read_directory(&settings.mesh_config)?;
    let (documents, _) = Parser::new(settings.inputs.clone())
        .parse(&set)
        .into_result()
        .map_err(Problems::from)?;
    Ok(documents)
}
