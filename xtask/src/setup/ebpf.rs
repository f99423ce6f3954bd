//! The two toolchains that can build the eBPF object, and which of them this machine has.
//!
//! `bpfel-unknown-none` has no prebuilt `core` from rustup. Debian's `rustc-web` has one; elsewhere a
//! nightly compiler builds `core` from source.

use std::{
    env,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::{Mend, Missing, apt};
use crate::{command, layout};

/// The target of the eBPF object.
pub(crate) const TARGET: &str = "bpfel-unknown-none";

const LINKER_VERSION: &str = "0.13.0";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
/// The LLVM that Debian's `rustc-web` is built on: the linker must read the bitcode that it writes.
const DEBIAN_LLVM: u32 = 22;
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "libstd-rust-web-dev-bpf", "llvm-22-dev"];

/// A way to build the eBPF object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// Debian's `rustc-web` with a prebuilt `core`, and a bpf-linker on Debian's LLVM 22.
    Debian,
    /// rustup's nightly, which builds `core` from its `rust-src`.
    Nightly,
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Debian => "Debian's rustc-web, with core for eBPF prebuilt",
            Self::Nightly => "rustup's nightly, which builds core for eBPF from source",
        })
    }
}

impl Toolchain {
    /// The toolchain that is ready to use; Debian's where both are.
    ///
    /// # Errors
    /// When neither is.
    pub(crate) fn installed() -> Result<Self> {
        if debian_is_installed() {
            Ok(Self::Debian)
        } else if nightly_is_installed() {
            Ok(Self::Nightly)
        } else {
            bail!("no toolchain for eBPF on this machine; run cargo xtask setup")
        }
    }

    /// Cargo, set up to build for [`TARGET`] with this toolchain.
    ///
    /// # Errors
    /// When there is no bpf-linker.
    pub(crate) fn cargo(self) -> Result<Command> {
        let linker = linker().context("bpf-linker is missing; run cargo xtask setup")?;
        let mut cargo = match self {
            Self::Debian => command::cargo(),
            Self::Nightly => command::nightly("cargo"),
        };
        if self == Self::Debian {
            // The prebuilt `core` is stable in use; aya-ebpf switches unstable features on.
            cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
        }
        cargo
            .current_dir(layout::root())
            // Cargo and rustup put the libraries of their own compiler here, for this process.
            .env_remove("LD_LIBRARY_PATH")
            .env("CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER", linker)
            .env("RUSTFLAGS", "-Cdebuginfo=2 -Clink-arg=--btf")
            .env("CARGO_TARGET_DIR", layout::ebpf_target());
        Ok(cargo)
    }

    /// Arguments of `cargo build` beyond the target.
    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Debian => &[],
            Self::Nightly => &["-Zbuild-std=core"],
        }
    }

    /// Installs bpf-linker into `target/tools`, on the LLVM that this toolchain writes bitcode with.
    /// Without optimisation: the work is LLVM's, which is compiled already.
    ///
    /// # Errors
    /// When the registry cannot be reached, or that LLVM is not there.
    pub(super) fn install_linker(self) -> Result<()> {
        // The packages that came first may have been all that an installed linker lacked.
        if linker().is_some() {
            return Ok(());
        }
        let version = match self {
            Self::Debian => DEBIAN_LLVM,
            Self::Nightly => nightly_llvm().context("cannot tell the LLVM version of nightly")?,
        };
        let prefix = llvm_prefix(version).with_context(|| {
            format!("install the development files of LLVM {version}: bpf-linker is built on them")
        })?;
        command::run_quietly(
            command::cargo()
                .args([
                    "install",
                    "bpf-linker",
                    "--locked",
                    "--debug",
                    "--version",
                    LINKER_VERSION,
                ])
                .args([
                    "--no-default-features",
                    "--features",
                    &format!("llvm-{version}"),
                ])
                .arg("--root")
                .arg(layout::tools())
                .arg("--target-dir")
                .arg(layout::tools().join("build"))
                .env("LLVM_PREFIX", &prefix)
                .env(format!("LLVM_SYS_{version}1_PREFIX"), &prefix)
                .env("PATH", path_with(prefix.join("bin"))?)
                .env("CARGO_PROFILE_DEV_DEBUG", "0"),
        )
    }
}

/// What the build of the eBPF object needs and this machine lacks.
pub(super) fn missing() -> Vec<Missing> {
    let linker_is_there = linker().is_some();
    if debian_is_installed() && linker_is_there {
        return Vec::new();
    }
    let (toolchain, mut missing) = if debian_is_installed() {
        (Toolchain::Debian, debian_packages())
    } else if nightly_is_installed() {
        (Toolchain::Nightly, Vec::new())
    } else {
        match apt::offers(&DEBIAN_PACKAGES) {
            Some(true) => (Toolchain::Debian, debian_packages()),
            Some(false) => (Toolchain::Nightly, vec![nightly()]),
            None => return vec![package_lists()],
        }
    };
    if !linker_is_there {
        missing.push(Missing {
            what: format!("bpf-linker {LINKER_VERSION}"),
            why: "links the eBPF object (built by cargo, into target/tools)",
            mend: Mend::BpfLinker(toolchain),
        });
    }
    missing
}

fn debian_packages() -> Vec<Missing> {
    let [compiler, core, llvm] = DEBIAN_PACKAGES;
    let mut missing = Vec::new();
    if !debian_is_installed() {
        missing.push(apt::need(compiler, "the compiler of the eBPF object"));
        missing.push(apt::need(core, "its core library for eBPF, prebuilt"));
    }
    if linker().is_none() && llvm_prefix(DEBIAN_LLVM).is_none() {
        missing.push(apt::need(
            llvm,
            "the LLVM of that compiler, to build bpf-linker on",
        ));
    }
    missing
}

fn package_lists() -> Missing {
    Missing {
        what: "apt's package lists".to_owned(),
        why: "tell whether this Debian has a compiler for eBPF",
        mend: Mend::ByHand("sudo apt-get update"),
    }
}

fn nightly() -> Missing {
    let mend = if command::find("rustup").is_some() {
        Mend::Nightly
    } else {
        Mend::ByHand(
            "install rustup (https://rustup.rs), then: \
             rustup toolchain install nightly --profile minimal --component rust-src",
        )
    };
    Missing {
        what: "rustup's nightly, rust-src".to_owned(),
        why: "the compiler of the eBPF object, and the source of its core library",
        mend,
    }
}

/// Installs nightly by rustup; only for machines whose distribution has no `rustc-web`.
///
/// # Errors
/// When rustup fails.
pub(super) fn install_nightly() -> Result<()> {
    command::run(
        Command::new("rustup")
            .args(["toolchain", "install", "nightly", "--profile", "minimal"])
            .args(["--component", "rust-src"]),
    )
}

fn debian_is_installed() -> bool {
    let question = ["--print", "target-libdir", "--target", TARGET];
    let Some(answer) = command::ask(
        Command::new(DEBIAN_RUSTC)
            .args(question)
            .env_remove("LD_LIBRARY_PATH"),
    ) else {
        return false;
    };
    let directory = String::from_utf8_lossy(&answer.stdout);
    answer.status.success() && has_core(Path::new(directory.trim()))
}

/// Whether the library directory of a target holds a compiled `core`.
fn has_core(directory: &Path) -> bool {
    directory.read_dir().is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("libcore-") && name.ends_with(".rlib")
        })
    })
}

fn nightly_is_installed() -> bool {
    command::ask(command::nightly("rustc").args(["--print", "sysroot"])).is_some_and(|answer| {
        let sysroot = PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim());
        answer.status.success() && sysroot.join("lib/rustlib/src/rust/library/core").is_dir()
    })
}

/// The major version of the LLVM in nightly's compiler.
fn nightly_llvm() -> Option<u32> {
    let answer = command::ask(command::nightly("rustc").arg("-vV"))?;
    llvm_major(&String::from_utf8_lossy(&answer.stdout))
}

/// The major version of LLVM in the output of `rustc -vV`.
fn llvm_major(verbose_version: &str) -> Option<u32> {
    verbose_version
        .lines()
        .find_map(|line| line.strip_prefix("LLVM version: "))?
        .split('.')
        .next()?
        .trim()
        .parse()
        .ok()
}

/// Where the development files of LLVM `version` are, if they are installed.
fn llvm_prefix(version: u32) -> Option<PathBuf> {
    let usual = PathBuf::from(format!("/usr/lib/llvm-{version}"));
    if usual.join("include/llvm-c").is_dir() {
        return Some(usual);
    }
    [format!("llvm-config-{version}"), "llvm-config".to_owned()]
        .iter()
        .find_map(|name| {
            let answer = command::ask(Command::new(name).args(["--version", "--prefix"]))?;
            let text = String::from_utf8_lossy(&answer.stdout).into_owned();
            let (found, prefix) = text.split_once('\n')?;
            found
                .starts_with(&format!("{version}."))
                .then(|| PathBuf::from(prefix.trim()))
        })
}

/// The bpf-linker of `target/tools`, else one in `PATH`; of the pinned version, and able to run.
fn linker() -> Option<PathBuf> {
    let ours = layout::tools().join("bin/bpf-linker");
    [Some(ours), command::find("bpf-linker")]
        .into_iter()
        .flatten()
        .find(|path| {
            command::ask(Command::new(path).arg("--version")).is_some_and(|answer| {
                let version = String::from_utf8_lossy(&answer.stdout);
                answer.status.success() && version.trim().ends_with(LINKER_VERSION)
            })
        })
}

fn path_with(first: PathBuf) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths([first].into_iter().chain(env::split_paths(&path)))
        .context("PATH cannot be extended")
}

#[cfg(test)]
mod tests;
