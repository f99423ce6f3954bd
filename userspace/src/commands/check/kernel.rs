//! What the kernel has, and what the caller may do with it.

use std::fs;

use mesh_bpf::preflight::{self, Probe};
use rustix::{
    process::{Resource, getrlimit},
    system::uname,
};

use super::Finding;
use crate::object::OBJECT;

/// The oldest kernel that the programs are made for.
const FLOOR: (u32, u32) = (5, 10);
/// From here on maps do not count as locked memory.
const ACCOUNTED_BY_CGROUP: (u32, u32) = (5, 11);

pub(super) fn look() -> Vec<Finding> {
    let release = uname().release().to_string_lossy().into_owned();
    let mut findings = vec![version_finding(&release)];
    match preflight::missing_capabilities() {
        Ok(missing) if missing.is_empty() => {
            findings.push(Finding::ok(
                "privilege",
                "the caller may load and attach programs",
            ));
            findings.extend(probed());
            findings.push(loaded());
        }
        Ok(missing) => findings.push(Finding::error(
            "privilege",
            format!(
                "the caller lacks {}: the kernel was not probed",
                missing.join(", ")
            ),
            "run as root, or with these capabilities in the host's user namespace",
        )),
        Err(error) => findings.push(Finding::unseen("privilege", "capabilities", error)),
    }
    findings.extend(jit());
    findings.extend(lockdown());
    if version(&release).is_some_and(|version| version < ACCOUNTED_BY_CGROUP) {
        findings.push(locked_memory());
    }
    findings
}

/// Major and minor number of a release such as `6.1.0-18-amd64`.
pub(super) fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn version_finding(release: &str) -> Finding {
    match version(release) {
        Some(version) if version < FLOOR => Finding::error(
            "kernel",
            format!("Linux {release} is older than 5.10"),
            "boot Linux 5.10 or newer",
        ),
        _ => Finding::ok("kernel", format!("Linux {release}")),
    }
}

/// What the kernel has is one line, what it lacks a line each.
fn probed() -> Vec<Finding> {
    let (there, lacking): (Vec<Probe>, Vec<Probe>) = preflight::probes(OBJECT)
        .into_iter()
        .partition(|probe| probe.has == Some(true));
    let mut findings = vec![Finding::ok(
        "kernel",
        format!("{} features were probed and are there", there.len()),
    )];
    findings.extend(lacking.into_iter().map(lack));
    findings
}

fn lack(probe: Probe) -> Finding {
    let Probe { what, has, without } = probe;
    match (has, without) {
        (None, _) => Finding::unseen("kernel", &what, "the probe failed for another reason"),
        (_, Some(without)) => Finding::warning(
            "kernel",
            format!("this kernel has not: {what}"),
            format!("without it {without}; a newer kernel has it"),
        ),
        (_, None) => Finding::error(
            "kernel",
            format!("this kernel has no {what}"),
            "boot Linux 5.10 or newer, built with CONFIG_CGROUP_BPF and CONFIG_BPF_SYSCALL",
        ),
    }
}

fn loaded() -> Finding {
    if OBJECT.is_empty() {
        return Finding::error(
            "programs",
            "this binary was built without its eBPF programs",
            "build it with: cargo xtask build",
        );
    }
    match preflight::load_once(OBJECT) {
        Ok(count) => Finding::ok("programs", format!("the kernel takes all {count} programs")),
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::new(error));
            let first = error.lines().next().unwrap_or_default();
            Finding::error(
                "programs",
                first,
                "report it with `ferromesh bundle`: a kernel of 5.10 or newer should take them",
            )
        }
    }
}

fn jit() -> Option<Finding> {
    let value = fs::read_to_string("/proc/sys/net/core/bpf_jit_enable").ok()?;
    Some(if value.trim() == "0" {
        Finding::warning(
            "kernel",
            "the compiler of eBPF programs is off: they are interpreted, which costs each connect",
            "sysctl -w net.core.bpf_jit_enable=1",
        )
    } else {
        Finding::ok("kernel", "eBPF programs are compiled")
    })
}

/// Lockdown forbids reading kernel memory, which these programs do not.
fn lockdown() -> Option<Finding> {
    let modes = fs::read_to_string("/sys/kernel/security/lockdown").ok()?;
    let mode = modes.split(['[', ']']).nth(1)?;
    Some(Finding::ok(
        "kernel",
        format!("lockdown is `{mode}`, which these programs do not touch"),
    ))
}

fn locked_memory() -> Finding {
    let limit = getrlimit(Resource::Memlock).maximum;
    match limit {
        None => Finding::ok("memory", "the limit of locked memory is off"),
        Some(bytes) => Finding::warning(
            "memory",
            format!(
                "this kernel counts maps as locked memory, of which {} MiB are allowed",
                bytes >> 20
            ),
            "give the daemon CAP_SYS_RESOURCE, or LimitMEMLOCK=infinity in its unit",
        ),
    }
}

#[cfg(test)]
mod tests;
