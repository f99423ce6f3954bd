//! One host of a network: a namespace with addresses, cgroups for its processes, and its own
//! resolver configuration.

use std::{
    fs,
    net::{Ipv4Addr, Ipv6Addr},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::{
    cgroup::Cgroup,
    netns::Netns,
    network::{GATEWAY, GATEWAY6, Network},
    process::{self, quote},
};

/// Set to 1 for the negative control: applications start outside the cgroup of their workload and
/// no port is steered, so that no connection is redirected and every test of the ring has to fail.
pub const WITHOUT_REDIRECT: &str = "FERROMESH_TEST_WITHOUT_REDIRECT";

/// Whether this run is the negative control.
pub fn without_redirect() -> bool {
    std::env::var_os(WITHOUT_REDIRECT).is_some_and(|value| value == "1")
}

/// Which of a host's cgroups a process is a member of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The workload: what the daemon is told to redirect.
    Workload,
    /// Beside the workload: agents, tools, another application.
    Outside,
    /// The daemon.
    Daemon,
    /// An external proxy.
    Proxy,
}

impl Place {
    const ALL: [Self; 4] = [Self::Workload, Self::Outside, Self::Daemon, Self::Proxy];

    fn name(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Outside => "outside",
            Self::Daemon => "daemon",
            Self::Proxy => "proxy",
        }
    }
}

/// A host. Dropping it kills its processes and removes its cgroups and its namespace.
#[derive(Debug)]
pub struct Host {
    name: String,
    v4: Ipv4Addr,
    v6: Ipv6Addr,
    // Fields are dropped in this order: the places are children of the host's cgroup.
    places: [Cgroup; 4],
    cgroup: Cgroup,
    netns: Netns,
    directory: PathBuf,
    id: String,
}

impl Host {
    /// Makes a host on the network's bridge; `last` is the last part of its addresses.
    pub(crate) fn create(network: &Network, name: &str, last: u8) -> Result<Self> {
        let v4 = Ipv4Addr::new(192, 0, 2, last);
        let v6 = format!("2001:db8::{last}")
            .parse()
            .context("two decimal digits are a group of an IPv6 address")?;
        let id = format!("{}-{name}", network.id());
        let directory = network.directory().join(name);
        fs::create_dir(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        let cgroup = network.cgroup().child(name)?;
        let [workload, outside, daemon, proxy] = Place::ALL.map(|place| cgroup.child(place.name()));
        let host = Self {
            name: name.to_owned(),
            v4,
            v6,
            places: [workload?, outside?, daemon?, proxy?],
            cgroup,
            netns: Netns::create(&id)?,
            directory,
            id,
        };
        host.configure_interfaces(network)?;
        host.write_files()?;
        Ok(host)
    }

    fn configure_interfaces(&self, network: &Network) -> Result<()> {
        let switch = network.switch();
        // The bridge's end carries the number of the host: interface names are short.
        let port = format!("port{}", self.v4.octets()[3]);
        self.netns.configure(&[
            format!(
                "link add eth0 type veth peer name {port} netns {}",
                switch.name()
            ),
            // A link-local address would be tentative for a while and change what there is to see.
            "link set eth0 addrgenmode none".to_owned(),
            format!("address add {}/24 dev eth0", self.v4),
            format!("address add {}/64 dev eth0 nodad", self.v6),
            "link set eth0 up".to_owned(),
        ])?;
        switch.configure(&[format!("link set {port} master bridge up")])?;
        self.netns.configure(&[
            format!("route add default via {GATEWAY}"),
            format!("route add default via {GATEWAY6}"),
        ])
    }

    fn write_files(&self) -> Result<()> {
        let write = |name: &str, text: String| {
            let path = self.directory.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            Ok::<_, anyhow::Error>(path)
        };
        write("resolv.conf", format!("nameserver {GATEWAY}\n"))?;
        write("nsswitch.conf", "hosts: files dns\n".to_owned())?;
        for place in Place::ALL {
            let script = write(place.name(), self.script(place))?;
            fs::set_permissions(&script, fs::Permissions::from_mode(0o755))
                .with_context(|| format!("cannot make {} executable", script.display()))?;
        }
        Ok(())
    }

    /// The shell script that starts a command in one place of this host. It becomes the command
    /// itself, so that its process id is the command's.
    fn script(&self, place: Place) -> String {
        let mut mounts = vec!["resolv.conf"];
        if Path::new("/etc/nsswitch.conf").exists() {
            // A host's own way of finding names, such as systemd's, would ask past the namespace.
            mounts.push("nsswitch.conf");
        }
        let mounts = mounts.iter().map(|name| {
            let file = quote(&self.directory.join(name).to_string_lossy());
            format!("  mount --bind {file} /etc/{name}\n")
        });
        let mounts: Vec<_> = mounts.collect();
        // The cgroup first: in the namespace of another /sys it could not be found.
        format!(
            r#"#!/bin/sh
# Runs a command on the host {name}, as a member of its cgroup `{place}`.
set -e
echo $$ > {procs}
exec nsenter --net={netns} unshare --mount sh -ec '
{mounts}  exec "$@"
' sh "$@"
"#,
            name = self.name,
            place = place.name(),
            mounts = mounts.concat(),
            procs = quote(&self.place(place).procs().to_string_lossy()),
            netns = quote(&self.netns.path().to_string_lossy()),
        )
    }

    fn place(&self, place: Place) -> &Cgroup {
        &self.places[place as usize]
    }

    /// A command in one place of this host, with the host's namespace and resolver.
    ///
    /// In the negative control a workload's commands start outside it.
    pub fn command(&self, place: Place, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let place = match place {
            Place::Workload if without_redirect() => Place::Outside,
            place => place,
        };
        let mut command = Command::new(self.entry(place));
        command.arg(program);
        command
    }

    /// The script that [`Host::command`] runs, for people to use.
    pub fn entry(&self, place: Place) -> PathBuf {
        self.directory.join(place.name())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name with that of the run in front: unique on the machine.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its IPv4 address.
    pub fn v4(&self) -> Ipv4Addr {
        self.v4
    }

    /// Its IPv6 address.
    pub fn v6(&self) -> Ipv6Addr {
        self.v6
    }

    /// Its network namespace.
    pub fn netns(&self) -> &Netns {
        &self.netns
    }

    /// Whether something listens on a TCP port. Looks for the socket rather than connecting, which
    /// would be counted.
    pub fn listens(&self, port: u16) -> Result<bool> {
        let filter = format!("sport = :{port}");
        let list = process::run(self.netns().command("ss").args(["-Hltn", &filter]))?;
        Ok(!list.is_empty())
    }

    /// The directory of a place's cgroup.
    pub fn cgroup(&self, place: Place) -> &Path {
        self.place(place).path()
    }

    /// Where configuration and logs of its processes are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Leaves everything in place.
    pub(crate) fn keep(mut self) {
        for place in &mut self.places {
            place.keep();
        }
        self.cgroup.keep();
        self.netns.keep();
    }
}
