//! Debian's cloud kernels, fetched by apt with lists and a cache of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

/// Which of Debian's archives, by what its address ends with in this machine's own sources.
const DEBIAN: &str = "/debian";
const SECURITY: &str = "/debian-security";

/// What Debian builds as modules and a guest needs, in the order in which they are loaded: wires
/// between namespaces, and the lists of TCP sockets.
const MODULES: [&str; 3] = ["veth", "inet_diag", "tcp_diag"];

/// A kernel series that Debian keeps.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// The upstream series, such as `6.1`.
    pub(crate) name: &'static str,
    archive: &'static str,
    suite: &'static str,
}

/// From the oldest kernel that Ferromesh is written for to a recent one.
pub(crate) const ALL: [Kernel; 4] = [
    Kernel {
        name: "5.10",
        archive: SECURITY,
        suite: "bullseye-security",
    },
    Kernel {
        name: "6.1",
        archive: SECURITY,
        suite: "bookworm-security",
    },
    Kernel {
        name: "6.12",
        archive: DEBIAN,
        suite: "trixie",
    },
    Kernel {
        name: "6.18",
        archive: DEBIAN,
        suite: "trixie-backports",
    },
];

impl Kernel {
    /// The bootable image, fetched unless it is there already. The modules are beside it.
    ///
    /// # Errors
    /// When apt cannot fetch the package, or it holds no image.
    pub(crate) fn image(&self, work: &Path) -> Result<PathBuf> {
        let home = work.join(self.name);
        let image = home.join("vmlinuz");
        let modules = home.join("modules");
        if image.is_file() && modules.is_dir() {
            return Ok(image);
        }
        println!("{:<6} fetching from {}", self.name, self.suite);
        fs::create_dir_all(home.join("lists/partial")).context("cannot make apt's lists")?;
        fs::create_dir_all(home.join("cache/archives/partial")).context("cannot make its cache")?;
        fs::write(home.join("status"), "").context("cannot write apt's status")?;
        fs::write(
            home.join("sources.list"),
            format!("deb {} {} main\n", mirror_of(self.archive)?, self.suite),
        )
        .context("cannot write apt's sources")?;

        said(apt(&home, "apt-get").arg("update"))?;
        let prefix = format!("linux-image-{}.", self.name);
        let names = said(apt(&home, "apt-cache").args(["pkgnames", &prefix]))?;
        let package = newest_cloud_kernel(&names)
            .with_context(|| format!("{} has no {prefix}*-cloud-amd64", self.suite))?;
        said(
            apt(&home, "apt-get")
                .args(["download", package])
                .current_dir(&home),
        )?;
        let archive = file_that(&home, |name| name.starts_with("linux-"))
            .with_context(|| format!("apt left no package {package}"))?;
        said(
            Command::new("dpkg-deb")
                .arg("--extract")
                .arg(&archive)
                .arg(home.join("package")),
        )?;
        fs::remove_file(&archive).context("cannot remove the package")?;
        let boot = file_that(&home.join("package/boot"), |name| {
            name.starts_with("vmlinuz-")
        })
        .with_context(|| format!("{package} holds no boot/vmlinuz-*"))?;
        keep_modules(&home.join("package"), &modules)?;
        fs::rename(&boot, &image).context("cannot move the kernel image")?;
        fs::remove_dir_all(home.join("package")).context("cannot remove the package's files")?;
        Ok(image)
    }
}

/// Copies the modules out of a package, each with its place in the order before its name.
fn keep_modules(package: &Path, modules: &Path) -> Result<()> {
    fs::create_dir_all(modules).context("cannot make the directory of the modules")?;
    for (place, name) in MODULES.iter().enumerate() {
        let list = said(Command::new("find").arg(package).args([
            "-name",
            &format!("{name}.ko"),
            "-o",
            "-name",
            &format!("{name}.ko.xz"),
        ]))?;
        let found = list.lines().next();
        let found = Path::new(found.with_context(|| format!("the package has no {name}.ko"))?);
        let extension = if found.extension().is_some_and(|extension| extension == "xz") {
            "ko.xz"
        } else {
            "ko"
        };
        let copy = modules.join(format!("{place}-{name}.{extension}"));
        fs::copy(found, &copy).with_context(|| format!("cannot write {}", copy.display()))?;
    }
    Ok(())
}

/// Where this machine fetches an archive from: the same mirror has the other suites too.
fn mirror_of(archive: &str) -> Result<String> {
    let targets = said(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
    ]))?;
    mirror_among(&targets, archive).with_context(|| {
        format!("apt knows no archive that ends with {archive}; add one of Debian's to its sources")
    })
}

fn mirror_among(targets: &str, archive: &str) -> Option<String> {
    targets
        .lines()
        .map(|address| address.trim_end_matches('/'))
        .find(|address| address.ends_with(archive))
        .map(str::to_owned)
}

/// The package of the highest version among `names`, without the debug and unsigned builds.
fn newest_cloud_kernel(names: &str) -> Option<&str> {
    names
        .lines()
        .filter(|name| name.ends_with("-cloud-amd64"))
        .max_by_key(|name| numbers(name))
}

/// The numbers in a package's name, by which versions compare.
fn numbers(name: &str) -> Vec<u32> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

/// A program of apt that sees the archive of `home/sources.list` alone and changes nothing of the machine's.
fn apt(home: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    let options = [
        ("Dir::State::lists", "lists"),
        ("Dir::State::status", "status"),
        ("Dir::Cache", "cache"),
        ("Dir::Etc::SourceList", "sources.list"),
        ("Dir::Etc::SourceParts", "no-other-sources"),
    ];
    command.arg("-q");
    for (name, place) in options {
        command
            .arg("-o")
            .arg(format!("{name}={}", home.join(place).display()));
    }
    // The directory belongs to whoever builds, and apt's own user may not read it.
    command.args(["-o", "APT::Sandbox::User=root"]);
    command
}

/// Runs `command` and returns what it printed.
fn said(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        bail!(
            "{program} failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn file_that(directory: &Path, is_it: impl Fn(&str) -> bool) -> Option<PathBuf> {
    let entries = fs::read_dir(directory).ok()?;
    entries
        .flatten()
        .find(|entry| is_it(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
}

#[cfg(test)]
mod tests;
