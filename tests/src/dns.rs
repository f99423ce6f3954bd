//! The network's name server: dnsmasq, authoritative for `apps.local`.

use std::{collections::BTreeMap, fs, net::IpAddr, path::PathBuf, process::Command};

use anyhow::{Context as _, Result};
use rustix::process::Signal;

use crate::{
    capability,
    network::{GATEWAY, Network},
    process::{self, Process},
    wait,
};

/// The domain of the guide's scenario.
pub const DOMAIN: &str = "apps.local";

/// A running name server whose records can be changed.
#[derive(Debug)]
pub struct Dns {
    process: Process,
    file: PathBuf,
    records: BTreeMap<String, Vec<IpAddr>>,
}

impl Dns {
    /// Starts it on the bridge's address, without records, and waits until it answers.
    pub fn start(network: &Network) -> Result<Self> {
        let directory = network.directory().join("dns");
        fs::create_dir(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))?;
        let file = directory.join("hosts");
        fs::write(&file, "").context("cannot write the records")?;
        let program = capability::find("dnsmasq").context("dnsmasq is not installed")?;
        let mut command = network.service_command(&program);
        command
            .args(["--keep-in-foreground", "--conf-file=/dev/null", "--user=root"])
            .args(["--no-resolv", "--no-hosts", "--pid-file", "--log-facility=-"])
            // A record may be gone a moment later, so nobody may keep one.
            .args(["--local-ttl=0", "--bind-interfaces"])
            // Addresses come in the same order each time.
            .arg("--no-round-robin")
            .arg(format!("--local=/{DOMAIN}/"))
            .arg(format!("--listen-address={GATEWAY}"))
            .arg(format!("--addn-hosts={}", file.display()));
        let process = Process::spawn("dnsmasq", command, &directory.join("log"))?;
        let mut dns = Self {
            process,
            file,
            records: BTreeMap::new(),
        };
        let switch = network.switch().path();
        wait::until_true("the name server", || {
            dns.process.ensure_running()?;
            let mut sockets = Command::new("nsenter");
            sockets
                .arg(format!("--net={}", switch.display()))
                .args(["ss", "-Hlun", "sport = :53"]);
            Ok(process::run(&mut sockets)?.contains(":53"))
        })?;
        Ok(dns)
    }

    /// Gives a host name of [`DOMAIN`] these addresses and no others; none makes it unknown.
    pub fn set(&mut self, name: &str, addresses: &[IpAddr]) -> Result<()> {
        self.records.insert(name.to_owned(), addresses.to_vec());
        let mut lines = Vec::new();
        for (name, addresses) in &self.records {
            lines.extend(
                addresses
                    .iter()
                    .map(|address| format!("{address} {name}.{DOMAIN}\n")),
            );
        }
        fs::write(&self.file, lines.concat()).context("cannot write the records")?;
        // dnsmasq reads its records again on SIGHUP.
        self.process.signal(Signal::HUP)
    }

    /// Leaves it running when this guard is dropped.
    pub fn detach(&mut self) {
        self.process.detach();
    }
}
