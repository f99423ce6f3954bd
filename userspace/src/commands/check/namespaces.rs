//! The network namespaces in which workloads run, and that of the caller.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use mesh_bpf::{
    cgroup,
    inspect::ProxyState,
    survey::{
        listening::{self, Listener},
        namespace::{self, Ipv6, Namespace},
    },
};

use super::{Finding, Scene, filters, instances};

/// The ports of the proxy where no rules say others (guide, "Envoy image").
const EGRESS: u16 = 15001;
const INGRESS: u16 = 15000;
/// Admin interface of the proxy and of its agent.
const ADMIN: [u16; 2] = [9901, 9902];

pub(super) fn look(scene: &Scene) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, file) in candidates(scene) {
        match namespace::look(file.as_deref(), &scene.names) {
            Ok(found) => {
                if seen.insert(found.inode) {
                    findings.extend(one(scene, &name, file.as_deref(), &found));
                }
            }
            Err(error) => findings.push(Finding::unseen(
                "namespace",
                &name,
                format!("{:#}", anyhow::Error::new(error)),
            )),
        }
    }
    findings
}

/// The caller's namespace, those of enrolled workloads, and those of the processes in workloads.
fn candidates(scene: &Scene) -> Vec<(String, Option<PathBuf>)> {
    let mut candidates = vec![("the caller's namespace".to_owned(), None)];
    let enrolled = scene.kernel.iter().flat_map(|kernel| &kernel.workloads);
    for workload in enrolled {
        if let Some(file) = &workload.netns {
            candidates.push((
                format!("the namespace of workload {}", workload.name),
                Some(file.clone()),
            ));
        }
    }
    candidates.extend(scene.namespaces.iter().map(|(workload, file)| {
        (
            format!("the namespace of workload {workload}"),
            Some(file.clone()),
        )
    }));
    let mut by_inode = BTreeMap::new();
    for directory in &scene.cgroups {
        for pid in cgroup::processes(directory) {
            let file = namespace::of_process(pid);
            if let Ok(link) = std::fs::read_link(&file) {
                by_inode.entry(link).or_insert((pid, file));
            }
        }
    }
    candidates.extend(
        by_inode
            .into_values()
            .map(|(pid, file)| (format!("the namespace of process {pid}"), Some(file))),
    );
    candidates
}

fn one(scene: &Scene, name: &str, file: Option<&Path>, found: &Namespace) -> Vec<Finding> {
    let inside = file.map_or_else(String::new, |file| {
        format!("nsenter --net={} ", file.display())
    });
    let ipv6 = match found.ipv6 {
        Ipv6::Absent => "no IPv6",
        Ipv6::Off => "IPv6 switched off",
        Ipv6::On => "IPv6",
    };
    let mut findings = vec![match &found.loopback_up {
        Ok(true) => Finding::ok("namespace", format!("{name}: lo is up, {ipv6}")),
        Ok(false) => Finding::error(
            "namespace",
            format!("{name}: lo is down, so what is redirected hangs"),
            format!("{inside}ip link set lo up"),
        ),
        Err(error) => Finding::unseen("namespace", name, error),
    }];
    findings.extend(ports(scene, name, found));
    findings.extend(filters::look(found, &inside));
    findings.extend(sk_lookup(scene, name, found));
    findings.extend(stray_targets(scene, name, found, &inside));
    findings
}

/// Routes to IPv6 targets of instances that are no more.
fn stray_targets(scene: &Scene, name: &str, found: &Namespace, inside: &str) -> Vec<Finding> {
    let targets = match &found.targets {
        Ok(targets) => targets,
        Err(error) => return vec![Finding::unseen("routing", name, error)],
    };
    let instances = scene.own_programs.iter().map(|(_, instance)| instance);
    let known: BTreeSet<_> = instances
        .map(|instance| namespace::targets_of(instance))
        .collect();
    let strays = targets.iter().filter(|network| !known.contains(network));
    strays
        .map(|network| {
            Finding::warning(
                "routing",
                format!("{name}: {network} is routed to lo for an instance that is no more"),
                format!("{inside}ip -6 route del local {network} dev lo table local"),
            )
        })
        .collect()
}

/// Whether the ports of the proxy are free, or held by the proxy of this instance.
fn ports(scene: &Scene, name: &str, found: &Namespace) -> Vec<Finding> {
    let listeners = match &found.listeners {
        Ok(listeners) => listeners,
        Err(error) => return vec![Finding::unseen("ports", name, error)],
    };
    let wanted = wanted_ports(scene);
    let taken: Vec<&Listener> = listeners
        .iter()
        .filter(|listener| wanted.contains_key(&listener.address.port()))
        .collect();
    let holders = listening::holders(&taken.iter().map(|listener| listener.inode).collect());
    let daemon = instances::recorded_pid(&scene.instance);
    let mut by_port = BTreeMap::new();
    for listener in taken {
        let holder = holders.get(&listener.inode);
        if holder.is_some_and(|holder| Some(holder.pid) == daemon) {
            continue;
        }
        let who = holder.map_or_else(
            || "a process that could not be found".to_owned(),
            |holder| format!("{} (pid {})", holder.name, holder.pid),
        );
        by_port.entry(listener.address.port()).or_insert(who);
    }
    if by_port.is_empty() {
        let ports: Vec<String> = wanted.keys().map(u16::to_string).collect();
        return vec![Finding::ok(
            "ports",
            format!("{name}: {} are free or Ferromesh's", ports.join(", ")),
        )];
    }
    let is_external = scene.has_external_proxy();
    by_port
        .into_iter()
        .map(|(port, who)| {
            let (role, flag) = wanted[&port];
            let fact = format!("{name}: port {port}, {role}, is taken by {who}");
            if is_external {
                Finding::ok("ports", format!("{fact}; the proxy is an external one"))
            } else if port == ADMIN[1] {
                Finding::warning(
                    "ports",
                    fact,
                    "stop it if it is the agent of App Mesh's proxy",
                )
            } else {
                Finding::error("ports", fact, format!("stop it, or give {flag}"))
            }
        })
        .collect()
}

fn wanted_ports(scene: &Scene) -> BTreeMap<u16, (&'static str, &'static str)> {
    let rules: Vec<_> = (scene.kernel.iter())
        .flat_map(|kernel| &kernel.workloads)
        .filter_map(|workload| workload.rules.as_ref())
        .collect();
    let mut egress: Vec<u16> = rules.iter().map(|rules| rules.egress_port).collect();
    let mut ingress: Vec<u16> = rules.iter().map(|rules| rules.ingress_port).collect();
    if rules.is_empty() {
        egress.push(EGRESS);
        ingress.push(INGRESS);
    }
    let egress = egress
        .into_iter()
        .map(|port| (port, ("where the proxy takes egress", "--egress-port")));
    let ingress = ingress
        .into_iter()
        .map(|port| (port, ("where the proxy takes ingress", "--ingress-port")));
    let admin = [
        (ADMIN[0], ("the admin interface", "--admin-port")),
        (ADMIN[1], ("the agent's interface", "")),
    ];
    egress.chain(ingress).chain(admin).collect()
}

fn sk_lookup(scene: &Scene, name: &str, found: &Namespace) -> Option<Finding> {
    let attached = match &found.sk_lookup {
        Ok(attached) => attached.as_ref()?,
        Err(error) => {
            return Some(Finding::unseen(
                "hooks",
                &format!("sk_lookup of {name}"),
                error,
            ));
        }
    };
    let others: Vec<String> = attached
        .programs
        .iter()
        .filter(|program| scene.owner(program.id).is_none())
        .map(ToString::to_string)
        .collect();
    if others.is_empty() {
        return None;
    }
    Some(Finding::warning(
        "hooks",
        format!(
            "{name}: {} at sk_lookup: what it takes for app ports does not come to the proxy",
            others.join(", ")
        ),
        "see that the two do not name the same ports",
    ))
}

impl Scene {
    /// Whether a workload has a proxy that is not Ferromesh, which then holds the ports.
    fn has_external_proxy(&self) -> bool {
        let mut workloads = self.kernel.iter().flat_map(|kernel| &kernel.workloads);
        workloads.any(|workload| workload.proxy == ProxyState::External)
    }
}
