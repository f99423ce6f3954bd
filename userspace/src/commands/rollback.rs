//! `ferromesh rollback`: an earlier configuration in force again, until the documents change.

use std::{
    fmt::{self, Display, Formatter},
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use ferromesh_proto::control::{
    ChangeResponse, Generation, GenerationsRequest, GenerationsResponse, ReleaseRequest,
    RollBackRequest, control_client::ControlClient,
};
use serde::Serialize;
use tonic::transport::Channel;

use super::{answer, status::page::Age};
use crate::{cli::RollbackArgs, control, runtime_dir::RuntimeDir};

/// Exit status 1 when nothing has changed.
pub(crate) fn run(args: &RollbackArgs) -> anyhow::Result<ExitCode> {
    super::block_on(ask(args))?
}

async fn ask(args: &RollbackArgs) -> anyhow::Result<ExitCode> {
    let instance = &args.instance.instance;
    let socket = RuntimeDir::of(instance).control_socket();
    let Some(mut client) = control::connect_for(socket, control::CHANGE_TIMEOUT).await? else {
        bail!("no daemon runs as instance `{instance}`; name another with --instance");
    };
    if args.list {
        let kept = client
            .generations(GenerationsRequest {
                workload: args.workload.clone(),
            })
            .await
            .context("the daemon does not say what is kept")?
            .into_inner();
        print(
            args.json,
            &kept,
            &List {
                kept: &kept,
                now: now(),
            },
        )?;
        return Ok(ExitCode::SUCCESS);
    }
    let changed = change(&mut client, args).await?;
    if !changed.refusal.is_empty() && !args.json {
        bail!("{}", changed.refusal);
    }
    print(args.json, &changed, &Changed(&changed))?;
    Ok(if changed.refusal.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn change(
    client: &mut ControlClient<Channel>,
    args: &RollbackArgs,
) -> anyhow::Result<ChangeResponse> {
    let workload = args.workload.clone();
    let answer = if args.release {
        client.release(ReleaseRequest { workload }).await
    } else {
        let generation = args.generation;
        let request = RollBackRequest {
            generation,
            workload,
        };
        client.roll_back(request).await
    };
    let answer = answer.context("the daemon does not answer; `ferromesh status` says what runs")?;
    Ok(answer.into_inner())
}

fn print(json: bool, answer: &impl Serialize, text: &impl Display) -> anyhow::Result<()> {
    if json {
        let answer = serde_json::to_string_pretty(answer).context("no JSON")?;
        answer::print(answer + "\n")
    } else {
        answer::print(text)
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or(Duration::ZERO).as_secs()
}

struct Changed<'a>(&'a ChangeResponse);

impl Display for Changed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(changed) = self;
        let ChangeResponse {
            generation, source, ..
        } = changed;
        match changed.rolled_back_to {
            Some(to) => writeln!(
                f,
                "generation {generation} is in force, with the documents of generation {to}\n\
                 what {source} holds is set aside until it changes, or until \
                 `ferromesh rollback --release`; a restart changes nothing of that"
            )?,
            None => writeln!(
                f,
                "generation {generation} is in force, what {source} holds"
            )?,
        }
        if changed.unkept.is_empty() {
            Ok(())
        } else {
            writeln!(f, "warning: {}", changed.unkept)
        }
    }
}

struct List<'a> {
    kept: &'a GenerationsResponse,
    /// Seconds since 1970.
    now: u64,
}

impl Display for List<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.kept.generations.is_empty() {
            writeln!(f, "no generation is kept")?;
        }
        for generation in &self.kept.generations {
            self.line(f, generation)?;
        }
        let mut damaged = self.kept.damaged.iter();
        damaged.try_for_each(|damaged| writeln!(f, "DAMAGED    {damaged}"))
    }
}

impl List<'_> {
    fn line(&self, f: &mut Formatter<'_>, kept: &Generation) -> fmt::Result {
        let mark = if kept.in_force { "*" } else { " " };
        let age = Age(self.now.saturating_sub(kept.since));
        write!(f, "{mark} {:<8} {age} ago, ", kept.generation)?;
        match kept.rolled_back_to {
            Some(to) => write!(f, "back to {to}")?,
            None => write!(f, "from {}", kept.source)?,
        }
        write!(f, ", {} files", kept.files)?;
        let mut separator = ":";
        for (what, names) in [
            ("added", &kept.added),
            ("changed", &kept.changed),
            ("removed", &kept.removed),
        ] {
            if !names.is_empty() {
                write!(f, "{separator} {what} {}", names.join(", "))?;
                separator = ";";
            }
        }
        if kept.unnamed > 0 {
            write!(f, "{separator} {} more", kept.unnamed)?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests;
