//! `ferromesh redirect`: new connections switched on and off, by the pins alone.

use std::{
    fmt::{self, Display, Formatter},
    path::Path,
};

use anyhow::Context;
use mesh_bpf::{
    inspect::ProxyState,
    switch::{self, Switch, SwitchReport},
};

use super::{answer, status::BPFFS};
use crate::cli::{SwitchAction, SwitchArgs};

pub(crate) fn run(args: &SwitchArgs) -> anyhow::Result<()> {
    let bpffs = Path::new(BPFFS);
    let instance = &args.instance.instance;
    let workload = args.workload.as_deref();
    let reports = match args.action {
        SwitchAction::On => switch::set(bpffs, instance, workload, true),
        SwitchAction::Off => switch::set(bpffs, instance, workload, false),
        SwitchAction::Status => switch::read(bpffs, instance, workload),
    }?;
    if args.json {
        let reports = serde_json::to_string_pretty(&reports).context("no JSON")?;
        answer::print(reports + "\n")
    } else {
        answer::print(Lines(&reports))
    }
}

struct Lines<'a>(&'a [SwitchReport]);

impl Display for Lines<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            writeln!(f, "no workload is enrolled")?;
        }
        for report in self.0 {
            writeln!(
                f,
                "{}: {}{}",
                report.workload,
                course(report),
                proxy(report)
            )?;
        }
        Ok(())
    }
}

fn course(report: &SwitchReport) -> &'static str {
    match (report.switch, report.configured) {
        (_, None) => "goes direct, there are no rules for it",
        (Switch::Off, Some(_)) => "switched off, new connections go direct",
        (Switch::On, Some(false)) => "redirecting, switched on although its rules say not to",
        (Switch::AsConfigured, Some(false)) => {
            "goes direct, its rules say so (APPMESH_START_ENABLED)"
        }
        (Switch::On | Switch::AsConfigured, Some(true)) => "redirecting",
    }
}

/// What holds instead while the proxy does not beat.
fn proxy(report: &SwitchReport) -> &'static str {
    if report.redirecting && report.proxy == ProxyState::Silent {
        "; its proxy is SILENT, so what is for it follows the mode for a proxy that is down"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests;
