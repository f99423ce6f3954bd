//! `ferromesh workload`: enrols workloads in a running daemon, releases and lists them.

use std::{
    fmt::{self, Display, Formatter},
    path::{Path, PathBuf, absolute},
    process::ExitCode,
};

use anyhow::{Context, bail};
use ferromesh_proto::control::{
    EnrolRequest, EnrolledWorkload, ListRequest, ReleaseWorkloadRequest,
    control_client::ControlClient,
};
use tonic::transport::Channel;

use super::answer::print;
use crate::{
    cli::{AddArgs, InstanceArg, ListArgs, OnProxyDownArg, RemoveArgs, WorkloadCommand},
    control,
    runtime_dir::RuntimeDir,
};

/// Exit status 1 when the daemon refuses.
pub(crate) fn run(command: WorkloadCommand) -> anyhow::Result<ExitCode> {
    super::block_on(async {
        match command {
            WorkloadCommand::Add(args) => add(*args).await,
            WorkloadCommand::Remove(args) => remove(args).await,
            WorkloadCommand::List(args) => list(args).await,
        }
    })??;
    Ok(ExitCode::SUCCESS)
}

async fn connect(args: &InstanceArg) -> anyhow::Result<ControlClient<Channel>> {
    let socket = RuntimeDir::of(&args.instance).control_socket();
    let client = control::connect_for(socket, control::WORKLOAD_TIMEOUT).await?;
    client.with_context(|| {
        format!(
            "no daemon runs as instance `{}`; name another with --instance",
            args.instance
        )
    })
}

async fn add(args: AddArgs) -> anyhow::Result<()> {
    let mut client = connect(&args.instance).await?;
    let name = args.name.clone();
    let answer = client
        .enrol_workload(EnrolRequest {
            name: args.name,
            resource: args
                .resource
                .map_or_else(String::new, |resource| resource.to_string()),
            cgroup: text(&args.cgroup)?,
            netns: optional(args.netns)?,
            on_proxy_down: match args.on_proxy_down {
                OnProxyDownArg::Refuse => "refuse",
                OnProxyDownArg::Bypass => "bypass",
            }
            .to_owned(),
            environment: args.environment.into_iter().collect(),
            files_root: optional(args.files_root)?,
            log: optional(args.log)?,
            strict: args.strict,
        })
        .await
        .context("the daemon does not answer; `ferromesh status` says what runs")?
        .into_inner();
    if !answer.refusal.is_empty() {
        bail!("{}", answer.refusal);
    }
    print(format_args!(
        "workload {name} is enrolled, number {}\n",
        answer.id
    ))
}

async fn remove(args: RemoveArgs) -> anyhow::Result<()> {
    let mut client = connect(&args.instance).await?;
    let answer = client
        .release_workload(ReleaseWorkloadRequest {
            name: args.name.clone(),
            now: args.now,
        })
        .await
        .context("the daemon does not answer; `ferromesh status` says what runs")?
        .into_inner();
    if !answer.refusal.is_empty() {
        bail!("{}", answer.refusal);
    }
    print(format_args!("workload {} is released\n", args.name))
}

async fn list(args: ListArgs) -> anyhow::Result<()> {
    let mut client = connect(&args.instance).await?;
    let answer = client
        .list_workloads(ListRequest {})
        .await
        .context("the daemon does not list its workloads")?
        .into_inner();
    if args.json {
        let json = serde_json::to_string_pretty(&answer).context("no JSON")?;
        return print(format_args!("{json}\n"));
    }
    print(Table(&answer.workloads))
}

fn optional(path: Option<PathBuf>) -> anyhow::Result<String> {
    path.map_or_else(|| Ok(String::new()), |path| text(&path))
}

/// The path as the daemon will know it, which has a working directory of its own.
fn text(path: &Path) -> anyhow::Result<String> {
    let path =
        absolute(path).with_context(|| format!("{} has no absolute form", path.display()))?;
    let text = path.to_str().map(str::to_owned);
    text.with_context(|| format!("{} is no text in UTF-8", path.display()))
}

struct Table<'a>(&'a [EnrolledWorkload]);

impl Display for Table<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(workloads) = self;
        if workloads.is_empty() {
            return writeln!(f, "no workload is enrolled");
        }
        for workload in *workloads {
            writeln!(
                f,
                "{} {}: {}, on proxy down {}, enrolled by {}\n  cgroup {}",
                workload.name,
                workload.state,
                workload.resource,
                workload.on_proxy_down,
                workload.enrolled_by,
                workload.cgroup,
            )?;
            if !workload.netns.is_empty() {
                writeln!(f, "  netns  {}", workload.netns)?;
            }
            if !workload.failure.is_empty() {
                writeln!(f, "  {}", workload.failure)?;
            }
        }
        Ok(())
    }
}
