//! The guest's whole world: busybox, the daemon with its libraries, the documents and the script.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// Packs the initramfs into `work` and returns its path.
///
/// # Errors
/// When the daemon, busybox or a library is missing, or `cpio` fails.
pub(crate) fn pack(daemon: &Path, guest: &Path, work: &Path) -> Result<PathBuf> {
    let tree = work.join("initramfs");
    if tree.exists() {
        fs::remove_dir_all(&tree).context("cannot remove the last initramfs")?;
    }
    let busybox = ["/bin/busybox", "/usr/bin/busybox"]
        .map(Path::new)
        .into_iter()
        .find(|path| path.is_file())
        .context("busybox is missing; install busybox-static")?;
    copy(busybox, &tree.join("bin/busybox"))?;
    strip(daemon, &tree.join("bin/ferromesh"))?;
    for library in libraries(daemon)? {
        copy(&library, &tree.join(library.strip_prefix("/")?))?;
    }
    copy(&guest.join("init"), &tree.join("init"))?;
    for document in fs::read_dir(guest.join("mesh")).context("cannot list the documents")? {
        let document = document?;
        copy(
            &document.path(),
            &tree.join("mesh").join(document.file_name()),
        )?;
    }
    let archive = work.join("initramfs.cpio");
    archive_of(&tree, &archive)?;
    Ok(archive)
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
