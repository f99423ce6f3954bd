//! The status page for people.

use std::fmt::{self, Display, Formatter};

use ferromesh_proto::control::{
    Cluster, Configuration, EndpointZone, StatusResponse, UnfitEndpoint, Workload,
};
use mesh_bpf::{
    inspect::{InstanceReport, ProxyState, WorkloadReport},
    switch::Switch,
    unredirected::Unredirected,
};
use mesh_model::redirect::{OnProxyDown, port_ranges};

/// What is known of one instance.
pub(crate) struct Page<'a> {
    pub(crate) instance: &'a str,
    /// None when no daemon answers.
    pub(crate) daemon: Option<&'a StatusResponse>,
    /// Why a daemon that is there does not answer.
    pub(crate) silence: Option<&'a str>,
    /// None when there are no pins.
    pub(crate) kernel: Option<&'a InstanceReport>,
}

impl Display for Page<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "instance     {}", self.instance)?;
        match (self.daemon, self.silence) {
            (Some(daemon), _) => daemon_part(f, daemon)?,
            (None, Some(silence)) => writeln!(f, "daemon       silent: {silence}")?,
            (None, None) => writeln!(f, "daemon       not running")?,
        }
        match self.kernel {
            Some(kernel) => kernel_part(f, kernel),
            None => writeln!(f, "kernel       nothing loaded, nothing pinned"),
        }
    }
}

fn daemon_part(f: &mut Formatter<'_>, daemon: &StatusResponse) -> fmt::Result {
    writeln!(
        f,
        "daemon       pid {}, version {}, up {}{}",
        daemon.pid,
        daemon.version,
        Age(daemon.uptime_seconds),
        if daemon.starting { ", starting" } else { "" }
    )?;
    for workload in &daemon.workloads {
        workload_part(f, workload)?;
    }
    for workload in &daemon.absent {
        write!(
            f,
            "workload     {} ({}), {}",
            workload.name, workload.resource, workload.state
        )?;
        if !workload.failure.is_empty() {
            write!(f, ": {}", workload.failure)?;
        }
        writeln!(f)?;
        writeln!(f, "  cgroup     {}", workload.cgroup)?;
    }
    if !daemon.enrolment_file.is_empty() {
        writeln!(f, "enrolments   {}", daemon.enrolment_file)?;
    }
    if !daemon.enrolment_problems.is_empty() {
        writeln!(
            f,
            "  REFUSED    what it holds; what was enrolled by it stays so"
        )?;
    }
    let mut problems = daemon.enrolment_problems.iter();
    problems.try_for_each(|problem| writeln!(f, "    {problem}"))
}

fn workload_part(f: &mut Formatter<'_>, workload: &Workload) -> fmt::Result {
    writeln!(
        f,
        "workload     {} ({}), {}",
        workload.name, workload.resource, workload.state
    )?;
    writeln!(f, "  cgroup     {}", workload.cgroup)?;
    if !workload.netns.is_empty() {
        writeln!(f, "  netns      {}", workload.netns)?;
    }
    if let Some(configuration) = &workload.configuration {
        configuration_part(f, configuration)?;
    }
    for listener in &workload.listeners {
        writeln!(f, "  listener   {} on {}", listener.name, listener.address)?;
    }
    for cluster in &workload.clusters {
        writeln!(f, "  cluster    {}", Endpoints(cluster))?;
        health_part(f, cluster)?;
    }
    for finding in &workload.findings {
        writeln!(f, "  note       {finding}")?;
    }
    Ok(())
}

/// Which configuration is in force, and why not a newer one.
pub(crate) fn configuration_part(
    f: &mut Formatter<'_>,
    configuration: &Configuration,
) -> fmt::Result {
    writeln!(
        f,
        "  documents  {}: generation {} in force for {}{}",
        configuration.source,
        configuration.generation,
        Age(configuration.in_force_seconds),
        if configuration.from_last_good {
            ", the last good one from disk"
        } else {
            ""
        }
    )?;
    if let Some(to) = configuration.rolled_back_to {
        writeln!(
            f,
            "  ROLLED BACK to generation {to}; what the source holds is set aside until it changes, \
             or until `ferromesh rollback --release`"
        )?;
    }
    if configuration.problems.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "  REFUSED    what the source holds, for {}; what is in force stays so",
        Age(configuration.refused_seconds)
    )?;
    configuration
        .problems
        .iter()
        .try_for_each(|problem| writeln!(f, "    {problem}"))
}

struct Endpoints<'a>(&'a Cluster);

impl Display for Endpoints<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(cluster) = self;
        write!(f, "{}: ", cluster.name)?;
        if cluster.endpoints.is_empty() {
            f.write_str("no endpoint")?;
        } else {
            let endpoints = cluster.endpoints.iter();
            let endpoints: Vec<_> = endpoints
                .map(|endpoint| Placed(cluster, endpoint))
                .collect();
            f.write_str(&list(&endpoints))?;
        }
        match (cluster.answered_seconds, cluster.failure.as_str()) {
            (None, "") => Ok(()),
            (Some(seconds), "") => write!(f, " (answered {} ago)", Age(seconds)),
            (None, failure) => write!(f, ": NO ANSWER YET: {failure}"),
            (Some(seconds), failure) => write!(
                f,
                ": NO NEW ANSWER for {}, this one stays in use: {failure}",
                Age(seconds)
            ),
        }
    }
}

/// An endpoint of a cluster, with its availability zone where that is known.
pub(crate) struct Placed<'a>(pub(crate) &'a Cluster, pub(crate) &'a str);

impl Display for Placed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(cluster, endpoint) = self;
        f.write_str(endpoint)?;
        let mut zones = cluster.zones.iter();
        match zones.find(|zone| zone.endpoint == *endpoint) {
            Some(EndpointZone { zone, .. }) => write!(f, " in {zone}"),
            None => Ok(()),
        }
    }
}

/// Who of a cluster is left out, and who is used all the same.
pub(crate) fn health_part(f: &mut Formatter<'_>, cluster: &Cluster) -> fmt::Result {
    for unfit in &cluster.unfit {
        let UnfitEndpoint {
            endpoint,
            reason,
            seconds,
        } = unfit;
        writeln!(
            f,
            "    UNFIT    {} {reason} (for {})",
            Placed(cluster, endpoint),
            Age(*seconds)
        )?;
    }
    for endpoint in &cluster.left {
        writeln!(
            f,
            "    left     {endpoint}: discovery does not name it any more; it stays while it passes its \
             health checks"
        )?;
    }
    if cluster.in_panic {
        f.write_str("    PANIC    fewer than half are fit: all are used\n")?;
    }
    Ok(())
}

fn kernel_part(f: &mut Formatter<'_>, kernel: &InstanceReport) -> fmt::Result {
    for workload in &kernel.workloads {
        rules_part(f, workload)?;
    }
    for link in &kernel.links {
        writeln!(
            f,
            "link {:<7} {} → program {} {}{}",
            link.id,
            link.pin.display(),
            link.program_id,
            link.program,
            if link.attached {
                ""
            } else {
                " (DETACHED: what it was attached to is gone)"
            }
        )?;
    }
    for map in &kernel.maps {
        let entries = map
            .entries
            .map_or_else(String::new, |entries| format!("{entries} entries of "));
        writeln!(
            f,
            "map {:<8} {}: {entries}{}",
            map.id, map.name, map.max_entries
        )?;
    }
    writeln!(f, "connections  {} live", kernel.connections.len())
}

fn rules_part(f: &mut Formatter<'_>, workload: &WorkloadReport) -> fmt::Result {
    let Some(rules) = &workload.rules else {
        return writeln!(f, "rules        {}: none in force", workload.name);
    };
    let redirecting = match (workload.switch, rules.enabled) {
        (Switch::Off, _) => "SWITCHED OFF",
        (Switch::AsConfigured, false) => "NOT redirecting",
        (Switch::On, false) => "redirecting, switched on",
        (Switch::On | Switch::AsConfigured, true) => "redirecting",
    };
    writeln!(
        f,
        "rules        {}: generation {}, {}, IPv6 {}, on proxy down {}",
        workload.name,
        rules.generation,
        redirecting,
        if rules.ipv6 { "too" } else { "left alone" },
        match rules.on_proxy_down {
            OnProxyDown::Refuse => "refuse",
            OnProxyDown::Bypass => "bypass",
        }
    )?;
    let proxy = match workload.proxy {
        ProxyState::Up => "up",
        ProxyState::Silent => "SILENT: its heartbeat is overdue",
        ProxyState::External => "external",
    };
    writeln!(f, "  proxy      {proxy}")?;
    writeln!(
        f,
        "  app ports  {}",
        list(&port_ranges(rules.app_ports.iter().copied()))
    )?;
    writeln!(
        f,
        "  left alone ports {}; networks {}; user {}; group {}",
        list(&port_ranges(rules.ignored_ports.iter().copied())),
        list(&rules.ignored_networks),
        rules
            .ignored_uid
            .map_or_else(|| "none".to_owned(), |uid| uid.to_string()),
        rules
            .ignored_gid
            .map_or_else(|| "none".to_owned(), |gid| gid.to_string()),
    )?;
    for counter in &workload.counters {
        writeln!(
            f,
            "  counted    {} {} ({}): {}",
            format!("{:?}", counter.direction).to_lowercase(),
            format!("{:?}", counter.verdict).to_lowercase(),
            counter.reason,
            counter.count
        )?;
    }
    made_outside_part(f, &workload.made_outside)
}

/// The sockets that the workload's programs are never asked about.
fn made_outside_part(f: &mut Formatter<'_>, sockets: &[Unredirected]) -> fmt::Result {
    for socket in sockets.iter().take(LISTED) {
        writeln!(
            f,
            "  not redirected  {} → {}, {}, of {} ({}): made outside the workload",
            socket.local,
            socket.remote,
            socket.state.as_str(),
            socket.command,
            socket.pid
        )?;
    }
    match sockets.len().checked_sub(LISTED) {
        None | Some(0) => Ok(()),
        Some(more) => writeln!(f, "  not redirected  and {more} more"),
    }
}

/// How many items of a list fit a page.
const LISTED: usize = 32;

fn list<T: Display>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    let mut shown: Vec<String> = items.iter().take(LISTED).map(ToString::to_string).collect();
    if let Some(more) = items.len().checked_sub(LISTED).filter(|more| *more > 0) {
        shown.push(format!("and {more} more"));
    }
    shown.join(", ")
}

/// A time span in seconds, at the precision that a person wants.
pub(crate) struct Age(pub(crate) u64);

impl Display for Age {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds @ 0..120 => write!(f, "{seconds} s"),
            seconds @ 120..7200 => write!(f, "{} min", seconds / 60),
            seconds @ 7200..172_800 => write!(f, "{} h", seconds / 3600),
            seconds => write!(f, "{} days", seconds / 86_400),
        }
    }
}

#[cfg(test)]
mod tests;
