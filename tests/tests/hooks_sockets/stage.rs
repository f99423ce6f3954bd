//! Where a test plays: this process run again in the proxy's cgroup and in a network namespace of
//! its own, an instance of the programs, and agents that open sockets as the workload or as a
//! stranger.
//!
//! The process that the test runner started only sets the stage, waits and clears it, so that
//! nothing is left when the play panics.

mod agent;
pub(crate) mod entry;
mod proxy;

use std::{
    env,
    fs::File,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::Duration,
};

use anyhow::Result;
use mesh_bpf::{
    Instance, InstanceSettings, ProxyKind, Verdict, WorkloadSpec,
    inspect::{InstanceReport, inspect},
    local, uninstall,
};
use mesh_model::redirect::RedirectRules;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tests::{capability, cgroup::Cgroup, links, wait};

pub(crate) use self::{agent::Agent, entry::Way, proxy::Proxy};

/// Names the stage to the process that plays on it.
const STAGE: &str = "FERROMESH_HOOKS_STAGE";
/// The workload's id in every play.
pub(crate) const WORKLOAD: u32 = 3;
/// An address of the namespace's own, beside the loopback ones.
pub(crate) const OWN_V4: &str = "192.0.2.1";
pub(crate) const OWN_V6: &str = "2001:db8::1";
/// Addresses that are routed away and answer nothing: what dials them gets through by redirection
/// alone.
pub(crate) const FAR_V4: &str = "198.51.100.7:80";
pub(crate) const FAR_V6: &str = "[2001:db8:2::7]:80";

/// Defines tests that are plays: their bodies run on a stage, in a process of their own.
macro_rules! plays {
    ($($(#[$attribute:meta])* fn $name:ident($stage:ident) $body:block)*) => {
        $(
            $(#[$attribute])*
            #[test]
            fn $name() {
                let path = concat!(module_path!(), "::", stringify!($name));
                let test = path.split_once("::").map_or(path, |(_, test)| test);
                $crate::stage::on_stage(test, |$stage| $body);
            }
        )*
    };
}
pub(crate) use plays;

/// Sets a stage named after the test, and has `play` run on it.
pub(crate) fn on_stage(test: &str, play: fn(&Stage)) {
    if let Ok(name) = env::var(STAGE) {
        entry::enter();
        build().unwrap();
        play(&Stage::enter(&name));
        return;
    }
    if !capability::bpf() {
        return;
    }
    let play_name = test.replace("::", "-");
    let mut name = format!("fm-{}-{play_name}", std::process::id());
    name.truncate(60);
    let workload = Cgroup::create(&format!("{name}-w")).unwrap();
    let proxy = Cgroup::create(&format!("{name}-p")).unwrap();
    let _instance = Uninstalled(name.clone());
    let played = entry::command(test, proxy.path(), &[Way::OwnNetwork])
        // Whoever got here was asked for.
        .arg("--include-ignored")
        .env(STAGE, &name)
        .env("FERROMESH_HOOKS_WORKLOAD", workload.path())
        .env("FERROMESH_HOOKS_PROXY", proxy.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&played.stdout);
    let err = String::from_utf8_lossy(&played.stderr);
    // Indented: whoever reads what tests say must not take this for a program of its own.
    let said = format!("{out}\n{err}").replace('\n', "\n  ");
    assert!(played.status.success(), "the play failed:\n  {said}");
    assert!(
        out.contains("1 passed"),
        "nothing was played:\n{out}\n{err}"
    );
    let lacks = err
        .lines()
        .filter(|line| line.starts_with(capability::LACKING));
    lacks.for_each(|line| eprintln!("{line}"));
}

/// Whether the kernel tells namespaces apart where workloads have their own.
pub(crate) fn tells_namespaces_apart() -> bool {
    let probes = mesh_bpf::preflight::probes(object());
    let cookies = probes
        .iter()
        .find(|probe| probe.what.contains("cookie in sock_ops"))
        .unwrap();
    capability::kernel_has(&cookies.what, cookies.has == Some(true))
}

/// Uninstalls an instance when dropped.
struct Uninstalled(String);

impl Drop for Uninstalled {
    fn drop(&mut self) {
        if let Err(error) = uninstall::uninstall(Path::new(capability::BPFFS), &self.0) {
            eprintln!("cannot uninstall {}: {error}", self.0);
        }
    }
}

/// The wire on which the play is, its addresses and its routes; who has the other end answers
/// nothing, unless it is given to a neighbour.
fn build() -> Result<()> {
    links::up("lo")?;
    links::add_veth("own0", "far0")?;
    links::up("own0")?;
    links::up("far0")?;
    links::add_address("own0", format!("{OWN_V4}/24").parse()?)?;
    links::add_address("own0", format!("{OWN_V6}/64").parse()?)?;
    links::add_default_routes("own0")
}

/// The eBPF object.
pub(crate) fn object() -> &'static [u8] {
    capability::ebpf_object().unwrap()
}

/// Enrols a workload of the play's own namespace for the first time.
pub(crate) fn enrol(instance: &Instance, spec: &WorkloadSpec, rules: &RedirectRules) {
    instance
        .enrol(spec, rules, 1, &local::networks().unwrap())
        .unwrap_or_else(|error| fail(&error));
}

/// The play's side of a stage: its own process is the proxy.
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) workload_cgroup: PathBuf,
    pub(crate) proxy_cgroup: PathBuf,
}

impl Stage {
    fn enter(name: &str) -> Self {
        let path = |variable| PathBuf::from(env::var_os(variable).unwrap());
        Self {
            name: name.to_owned(),
            workload_cgroup: path("FERROMESH_HOOKS_WORKLOAD"),
            proxy_cgroup: path("FERROMESH_HOOKS_PROXY"),
        }
    }

    pub(crate) fn settings(&self) -> InstanceSettings {
        let mut settings = InstanceSettings::new(&self.name, &self.proxy_cgroup);
        settings.limits.connections = 1024;
        settings.limits.flows = 1024;
        settings.limits.workloads = 16;
        settings
    }

    /// An instance in which the proxies of all workloads beat, far beyond the end of the play.
    pub(crate) fn instance(&self) -> Instance {
        let mut settings = self.settings();
        settings.heartbeat = Duration::from_mins(10);
        let instance = Instance::open(&settings, object()).unwrap_or_else(|error| fail(&error));
        for workload in 0..settings.limits.workloads {
            instance.beat(workload).unwrap();
        }
        instance
    }

    pub(crate) fn spec(&self) -> WorkloadSpec {
        WorkloadSpec {
            id: WORKLOAD,
            name: "played".to_owned(),
            cgroup: self.workload_cgroup.clone(),
            netns: None,
            proxy: ProxyKind::Internal,
        }
    }

    /// [`Self::instance`] with the workload enrolled under these rules.
    pub(crate) fn enrolled(&self, rules: &RedirectRules) -> Instance {
        let instance = self.instance();
        enrol(&instance, &self.spec(), rules);
        instance
    }

    /// [`Self::enrolled`] with the workload in a cgroup below the stage's.
    pub(crate) fn enrolled_at(&self, cgroup: &Path, rules: &RedirectRules) -> Instance {
        let instance = self.instance();
        let spec = WorkloadSpec {
            cgroup: cgroup.to_owned(),
            ..self.spec()
        };
        enrol(&instance, &spec, rules);
        instance
    }

    /// What the pins show.
    pub(crate) fn report(&self) -> InstanceReport {
        inspect(Path::new(capability::BPFFS), &self.name)
            .unwrap_or_else(|error| fail(&error))
            .expect("the instance has pins")
    }

    /// How many entries a map has.
    pub(crate) fn entries(&self, map: &str) -> u64 {
        let report = self.report();
        let map = report
            .maps
            .iter()
            .find(|report| report.name == map)
            .unwrap();
        map.entries.unwrap()
    }

    pub(crate) fn wait_empty(&self, map: &str) {
        wait::until_true(format!("{map} to be empty"), || Ok(self.entries(map) == 0)).unwrap();
    }

    /// An agent of the workload.
    pub(crate) fn application(&self) -> Agent {
        Agent::start(&self.workload_cgroup, &[])
    }

    /// An agent of the workload, with another owner.
    pub(crate) fn application_as(&self, uid: u32, gid: u32) -> Agent {
        Agent::start(&self.workload_cgroup, &[Way::Owner { uid, gid }])
    }
}

/// Runs something in a namespace, on a thread of its own.
pub(crate) fn inside<T: Send>(netns: &Path, action: impl FnOnce() -> T + Send) -> T {
    let netns = File::open(netns).unwrap();
    thread::scope(|scope| {
        let entered = scope.spawn(|| {
            move_into_link_name_space(netns.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            action()
        });
        entered.join().unwrap()
    })
}

/// Panics with an error and all its sources.
pub(crate) fn fail(error: &dyn std::error::Error) -> ! {
    let sources = std::iter::successors(Some(error), |error| error.source());
    let lines: Vec<String> = sources.map(ToString::to_string).collect();
    panic!("{}", lines.join("\n  "))
}

/// That a decision, by its three words, was counted so often and nothing was lost.
pub(crate) fn assert_counted(instance: &Instance, decision: &str, count: u64) {
    let counters = instance.counters(WORKLOAD).unwrap();
    let counted = counters.iter().find(|counter| {
        let words = [
            counter.direction.as_str(),
            counter.verdict.as_str(),
            counter.reason,
        ];
        words.join(" ") == decision
    });
    assert_eq!(
        counted.map_or(0, |counter| counter.count),
        count,
        "{decision}: {counters:?}"
    );
    assert!(
        counters
            .iter()
            .all(|counter| counter.verdict != Verdict::Lost),
        "{counters:?}"
    );
}
