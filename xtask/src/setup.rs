//! `cargo xtask setup`: finds what this machine lacks, says so, and installs it.
//!
//! Needs are by purpose, so that a build does not install a web server. Distribution packages are
//! installed by apt as root; everything else goes to `target/tools`, where `cargo clean` finds it.

mod apt;
pub(crate) mod deny;
pub(crate) mod ebpf;
mod envoy;
mod peers;
mod pip;
mod re2;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::command;

/// What something is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The eBPF object and the daemon.
    Build,
    /// The tests in the kernel and in network namespaces.
    Test,
    /// The demo and the benchmarks.
    Demo,
    /// The checks of the source.
    Check,
    /// The fuzz targets.
    Fuzz,
    /// Other kernels in QEMU.
    Vm,
}

impl Purpose {
    /// What `cargo xtask setup` puts in place: everything but QEMU, which only `vm` asks for.
    pub(crate) const ALL: [Self; 4] = [Self::Build, Self::Test, Self::Demo, Self::Check];
}

/// One thing that this machine lacks.
#[derive(Debug)]
struct Missing {
    what: String,
    why: &'static str,
    mend: Mend,
}

/// How a missing thing is put in place.
#[derive(Debug)]
enum Mend {
    Package(&'static str),
    Nightly,
    BpfLinker(ebpf::Toolchain),
    CargoDeny,
    Envoy,
    Peers,
    Re2,
    /// Nothing here can install it; the text is what to run.
    ByHand(&'static str),
}

/// Puts in place what `purposes` need and this machine lacks.
///
/// # Errors
/// When something cannot be installed from here: the message says what to run instead.
pub(crate) fn ensure(purposes: &[Purpose]) -> Result<()> {
    let missing = missing(purposes);
    if missing.is_empty() {
        eprintln!("setup: everything is in place");
        return Ok(());
    }
    let start = Instant::now();
    eprintln!("setup: missing on this machine:");
    for need in &missing {
        eprintln!("  {:<28} {}", need.what, need.why);
    }
    install(&missing)?;
    let left = self::missing(purposes);
    if !left.is_empty() {
        let names: Vec<_> = left.iter().map(|need| need.what.as_str()).collect();
        bail!("still missing after the installation: {}", names.join(", "));
    }
    let seconds = start.elapsed().as_secs_f64();
    eprintln!("setup: everything is in place, after {seconds:.1} s");
    Ok(())
}

fn missing(purposes: &[Purpose]) -> Vec<Missing> {
    let mut missing = Vec::new();
    if purposes.contains(&Purpose::Build) {
        missing.extend(ebpf::missing());
    }
    missing.extend(apt::missing(purposes));
    if purposes.contains(&Purpose::Test) || purposes.contains(&Purpose::Demo) {
        missing.extend(envoy::missing());
    }
    if purposes.contains(&Purpose::Test) {
        missing.extend(re2::missing());
        missing.extend(peers::missing());
    }
    if purposes.contains(&Purpose::Check) {
        missing.extend(deny::missing());
    }
    missing
}

fn install(missing: &[Missing]) -> Result<()> {
    let packages: Vec<_> = missing.iter().filter_map(Missing::package).collect();
    let by_hand: Vec<_> = apt::by_hand(&packages)
        .into_iter()
        .chain(missing.iter().filter_map(Missing::by_hand))
        .collect();
    if !by_hand.is_empty() {
        bail!(
            "this cannot be installed from here; run:\n  {}",
            by_hand.join("\n  ")
        );
    }
    if !packages.is_empty() {
        command::step("setup: packages", || apt::install(&packages))?;
    }
    for need in missing {
        match &need.mend {
            Mend::Nightly => command::step("setup: nightly", ebpf::install_nightly)?,
            Mend::BpfLinker(toolchain) => {
                command::step("setup: bpf-linker", || toolchain.install_linker())?;
            }
            Mend::CargoDeny => command::step("setup: cargo-deny", deny::install)?,
            Mend::Envoy => command::step("setup: Envoy", envoy::install)?,
            Mend::Peers => command::step("setup: peers", peers::install)?,
            Mend::Re2 => command::step("setup: RE2", re2::install)?,
            Mend::Package(_) | Mend::ByHand(_) => {}
        }
    }
    Ok(())
}

impl Missing {
    fn package(&self) -> Option<&'static str> {
        match self.mend {
            Mend::Package(name) => Some(name),
            _ => None,
        }
    }

    fn by_hand(&self) -> Option<String> {
        match &self.mend {
            Mend::ByHand(line) => Some((*line).to_owned()),
            _ => None,
        }
    }
}
