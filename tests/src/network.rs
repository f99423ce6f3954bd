//! A private network: hosts as namespaces on one bridge, which has a namespace of its own.
//!
//! Nothing of it is in the machine's own namespace, so two networks may use the same addresses.

mod leftovers;
mod run_directory;

use std::{
    fs::File,
    net::{Ipv4Addr, Ipv6Addr},
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context as _, Result};

pub use self::leftovers::{Leftovers, leftovers};
use self::run_directory::RunDirectory;
use crate::{capability::BPFFS, cgroup::Cgroup, host::Host, netns::Netns, process};

/// The bridge's own addresses: the network's name server answers there, and packets to anywhere
/// else are sent there and come back as unreachable. Both nets are for documentation (RFC 5737,
/// RFC 3849).
pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
/// The bridge's own IPv6 address.
pub const GATEWAY6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// What a network is for: the first part of every name that it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `fmt`: a test; whatever a killed run left is removed by the next one.
    Test,
    /// `demo`: a demonstration, which may be kept on purpose.
    Demo,
    /// `bench`: a measurement; treated as a test.
    Bench,
}

impl Purpose {
    /// The word in names.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Test => "fmt",
            Self::Demo => "demo",
            Self::Bench => "bench",
        }
    }
}

/// A bridge, the hosts on it, and the directory and cgroup in which they live.
#[derive(Debug)]
pub struct Network {
    // Fields are dropped in this order: hosts first.
    hosts: Vec<Arc<Host>>,
    switch: Netns,
    services: Cgroup,
    cgroup: Cgroup,
    directory: RunDirectory,
    id: String,
}

impl Network {
    /// Makes an empty network under a name that no other network of this machine has.
    pub fn create(purpose: Purpose) -> Result<Self> {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let pid = std::process::id();
        let id = match COUNTER.fetch_add(1, Ordering::Relaxed) {
            0 => format!("{}{pid}", purpose.prefix()),
            n => format!("{}{pid}-{n}", purpose.prefix()),
        };
        let _lock = prepare_machine(purpose)?;
        let directory = RunDirectory::create(&id)?;
        let cgroup = Cgroup::create(&format!("ferromesh-{id}"))?;
        let services = cgroup.child("services")?;
        let switch = Netns::create(&format!("{id}-switch"))?;
        let network = Self {
            hosts: Vec::new(),
            switch,
            services,
            cgroup,
            directory,
            id,
        };
        network.configure_switch()?;
        Ok(network)
    }

    fn configure_switch(&self) -> Result<()> {
        self.switch.configure(&[
            // A bridge that snoops multicast may lose the first neighbour solicitations.
            "link add bridge type bridge mcast_snooping 0".to_owned(),
            format!("address add {GATEWAY}/24 dev bridge"),
            format!("address add {GATEWAY6}/64 dev bridge nodad"),
            "link set bridge up".to_owned(),
        ])?;
        // A router without a route says `unreachable` at once, where a plain host would be silent.
        let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward; \
                       echo 1 > /proc/sys/net/ipv6/conf/all/forwarding";
        process::run(self.switch.command("sh").args(["-c", forward]))?;
        Ok(())
    }

    /// Adds a host. Its addresses follow from the order: the first is `192.0.2.11` and
    /// `2001:db8::11`.
    pub fn add_host(&mut self, name: &str) -> Result<Arc<Host>> {
        let index = u8::try_from(self.hosts.len()).context("too many hosts")?;
        let host = Arc::new(Host::create(self, name, 11 + index)?);
        self.hosts.push(Arc::clone(&host));
        Ok(host)
    }

    /// The name of this run, in every name that it makes.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where configuration, logs and scripts of its processes are.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The cgroup that holds all others of this network.
    pub fn cgroup(&self) -> &Cgroup {
        &self.cgroup
    }

    /// The namespace of the bridge.
    pub fn switch(&self) -> &Netns {
        &self.switch
    }

    /// A command in the namespace of the bridge, for services of the network itself.
    pub fn service_command(&self, program: &Path) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"echo $$ > "$1" && shift && exec "$@""#, "sh"])
            .arg(self.services.procs())
            .args([
                "nsenter",
                &format!("--net={}", self.switch.path().display()),
            ])
            .arg(program);
        command
    }

    /// Leaves namespaces, cgroups, processes and files in place; [`leftovers()`] finds them again.
    pub fn keep(mut self) -> Result<()> {
        self.directory.keep();
        self.switch.keep();
        self.services.keep();
        self.cgroup.keep();
        for host in self.hosts.drain(..) {
            Arc::into_inner(host)
                .context("a host is still in use")?
                .keep();
        }
        Ok(())
    }
}

/// Mounts what every network needs and removes what killed runs of the same purpose left; one
/// process at a time, until the lock is dropped.
fn prepare_machine(purpose: Purpose) -> Result<File> {
    let path = std::env::temp_dir().join("ferromesh-networks.lock");
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    lock.lock()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    // In the machine's own mount namespace: hosts have private ones, and pins that a daemon made
    // in a bpffs of such a one would end with it.
    if !is_mounted("bpf", BPFFS)? {
        process::run(Command::new("mount").args(["-t", "bpf", "bpf", BPFFS]))?;
    }
    if purpose != Purpose::Demo {
        for leftover in leftovers(purpose) {
            eprintln!("removing what the killed run {} left", leftover.id());
            leftover.remove()?;
        }
    }
    Ok(lock)
}

fn is_mounted(file_system: &str, mount_point: &str) -> Result<bool> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").context("cannot read the mounts")?;
    Ok(mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        fields.next() == Some(mount_point) && fields.next() == Some(file_system)
    }))
}
