//! `ferromesh status`: what runs, in one page; from the pins alone when the daemon is dead.

pub(super) mod page;

use std::{path::Path, process::ExitCode};

use anyhow::Context;
use ferromesh_proto::control::{StatusRequest, StatusResponse};
use mesh_bpf::inspect::inspect;
use serde_json::json;

use super::answer;
use crate::{cli::StatusArgs, control, runtime_dir::RuntimeDir};

/// Where the BPF file system is.
pub(crate) const BPFFS: &str = "/sys/fs/bpf";

/// Exit status 1 when the instance is not there, or its daemon is dead.
pub(crate) fn run(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let instance = &args.instance.instance;
    let (daemon, silence) = match super::block_on(ask(instance))? {
        Ok(daemon) => (daemon, None),
        Err(error) => (None, Some(format!("{error:#}"))),
    };
    let kernel = inspect(Path::new(BPFFS), instance)?;
    if args.json {
        let report =
            json!({ "instance": instance, "daemon": daemon, "silence": silence, "kernel": kernel });
        answer::print(format!("{report:#}\n"))?;
    } else {
        answer::print(page::Page {
            instance,
            daemon: daemon.as_ref(),
            silence: silence.as_deref(),
            kernel: kernel.as_ref(),
        })?;
    }
    Ok(if daemon.is_some() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn ask(instance: &str) -> anyhow::Result<Option<StatusResponse>> {
    let socket = RuntimeDir::of(instance).control_socket();
    let Some(mut client) = control::connect(socket).await? else {
        return Ok(None);
    };
    let answer = client
        .status(StatusRequest {})
        .await
        .context("the daemon does not say its status")?;
    Ok(Some(answer.into_inner()))
}
