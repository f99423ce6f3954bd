//! The guest's whole world: busybox, the kernel's modules, and the daemon with its libraries and
//! documents, or the tests; and the script that says what to do with them.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// What is tried in a kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    /// The daemon, at this place.
    Daemon(&'a Path),
    /// Those tests of the static programs of a directory whose names contain `only`.
    Tests { directory: &'a Path, only: &'a str },
}

impl Payload<'_> {
    /// How long a boot may take. Emulated kernels are up in about 3 s; the daemon is done within 15 s
    /// more, the tests within some minutes. The rest is for a busy machine.
    pub(crate) fn deadline(&self) -> Duration {
        match self {
            Self::Daemon(_) => Duration::from_mins(3),
            Self::Tests { .. } => Duration::from_mins(45),
        }
    }
}

/// Packs what is the same for all kernels into `work` and returns the archive.
///
/// # Errors
/// When a program, busybox or a library is missing, or `cpio` fails.
pub(crate) fn pack(payload: &Payload<'_>, guest: &Path, work: &Path) -> Result<PathBuf> {
    let tree = empty(&work.join("initramfs"))?;
    let busybox = ["/bin/busybox", "/usr/bin/busybox"]
        .map(Path::new)
        .into_iter()
        .find(|path| path.is_file())
        .context("busybox is missing; install busybox-static")?;
    copy(busybox, &tree.join("bin/busybox"))?;
    copy(&guest.join("init"), &tree.join("init"))?;
    match payload {
        Payload::Daemon(daemon) => {
            strip(daemon, &tree.join("bin/ferromesh"))?;
            for library in libraries(daemon)? {
                copy(&library, &tree.join(library.strip_prefix("/")?))?;
            }
            copy_all(&guest.join("mesh"), &tree.join("mesh"))?;
            copy(&guest.join("daemon"), &tree.join("script"))?;
        }
        Payload::Tests { directory, only } => {
            fs::create_dir(tree.join("tests")).context("cannot make the directory of the tests")?;
            for program in files(directory)? {
                let name = program.file_name().context("a file has a name")?;
                strip(&program, &tree.join("tests").join(name))?;
            }
            fs::write(tree.join("only"), only).context("cannot write which tests to run")?;
            copy(&guest.join("tests"), &tree.join("script"))?;
        }
    }
    let archive = work.join("initramfs.cpio");
    archive_of(&tree, &archive)?;
    Ok(archive)
}

/// The archive with the modules of the kernel in `home` behind it: the kernel unpacks both.
///
/// # Errors
/// When a file cannot be read or written, or `cpio` fails.
pub(crate) fn with_modules(archive: &Path, home: &Path) -> Result<PathBuf> {
    let tree = empty(&home.join("initramfs"))?;
    copy_all(&home.join("modules"), &tree.join("modules"))?;
    let modules = home.join("modules.cpio");
    archive_of(&tree, &modules)?;
    let whole = home.join("initramfs.cpio");
    let mut file =
        File::create(&whole).with_context(|| format!("cannot make {}", whole.display()))?;
    for part in [archive, &modules] {
        let mut part =
            File::open(part).with_context(|| format!("cannot open {}", part.display()))?;
        io::copy(&mut part, &mut file).context("cannot write the initramfs")?;
    }
    Ok(whole)
}

/// A new directory in the place of the last one.
fn empty(tree: &Path) -> Result<PathBuf> {
    if tree.exists() {
        fs::remove_dir_all(tree).with_context(|| format!("cannot remove {}", tree.display()))?;
    }
    fs::create_dir_all(tree).with_context(|| format!("cannot make {}", tree.display()))?;
    Ok(tree.to_owned())
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    for file in files(from)? {
        copy(
            &file,
            &to.join(file.file_name().context("a file has a name")?),
        )?;
    }
    Ok(())
}

fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .with_context(|| format!("cannot list {}", directory.display()))?;
    Ok(entries.iter().map(fs::DirEntry::path).collect())
}

/// The shared libraries and the loader that `program` runs with, by absolute path.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    let output = Command::new("ldd")
        .arg(program)
        .output()
        .context("cannot run ldd")?;
    if !output.status.success() {
        bail!(
            "{} cannot be packed; run cargo xtask build",
            program.display()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .split_whitespace()
        .filter(|word| word.starts_with('/'))
        .map(PathBuf::from)
        .collect())
}

/// Copies a program without its debug information, which is most of its size and slow to unpack.
fn strip(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("strip")
        .arg("-o")
        .args([to, from])
        .status()
        .context("cannot run strip; install binutils")?;
    if !status.success() {
        bail!("strip failed: {status}");
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let parent = to.parent().context("a file is in a directory")?;
    fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}

/// Writes the cpio archive (`newc`, as `Documentation/driver-api/early-userspace` asks) of a tree.
fn archive_of(tree: &Path, archive: &Path) -> Result<()> {
    let mut names = String::new();
    list(tree, tree, &mut names)?;
    let file =
        File::create(archive).with_context(|| format!("cannot make {}", archive.display()))?;
    let mut cpio = Command::new("cpio")
        .args(["--create", "--format=newc", "--quiet", "--owner=0:0"])
        .current_dir(tree)
        .stdin(Stdio::piped())
        .stdout(file)
        .spawn()
        .context("cannot run cpio")?;
    cpio.stdin
        .take()
        .context("cpio has no input")?
        .write_all(names.as_bytes())
        .context("cannot tell cpio the names")?;
    let status = cpio.wait().context("cannot wait for cpio")?;
    if !status.success() {
        bail!("cpio failed: {status}");
    }
    Ok(())
}

/// Adds every path below `directory`, each directory before what is in it.
fn list(tree: &Path, directory: &Path, names: &mut String) -> Result<()> {
    let entries =
        fs::read_dir(directory).with_context(|| format!("cannot list {}", directory.display()))?;
    for entry in entries {
        let path = entry?.path();
        names.push_str(&path.strip_prefix(tree)?.to_string_lossy());
        names.push('\n');
        if path.is_dir() {
            list(tree, &path, names)?;
        }
    }
    Ok(())
}
