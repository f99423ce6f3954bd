//! Pinned links: programs stay attached when the daemon ends, and are replaced in place.

use std::{
    fs::{self, File},
    io,
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::fs::MetadataExt as _,
    },
    path::{Path, PathBuf},
};

use aya::Ebpf;

use crate::{
    BpfError,
    object::{self, Hook, Place},
    pins,
    survey::attached,
    sys,
};

/// What programs are attached to: a cgroup or a network namespace, by its file.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) path: PathBuf,
    file: File,
    /// The inode, by which links name it.
    inode: u64,
}

impl Target {
    pub(crate) fn open(path: &Path) -> Result<Self, BpfError> {
        let file = File::open(path).map_err(BpfError::file("open", path))?;
        let inode = file
            .metadata()
            .map_err(BpfError::file("examine", path))?
            .ino();
        Ok(Self {
            path: path.to_owned(),
            file,
            inode,
        })
    }
}

/// Loads a program and attaches it by the link pinned in `directory`: by changing the link's
/// program where the pin is attached to this target already, else by a new link in the place of the
/// pin.
pub(crate) fn attach(
    ebpf: &mut Ebpf,
    hook: &Hook,
    target: &Target,
    directory: &Path,
) -> Result<(), BpfError> {
    let program = object::load_program(ebpf, hook)?.as_fd();
    let pin = directory.join(hook.link);
    attach_at(program, hook, target, &pin).map_err(|source| refused(hook, target, source))
}

/// Why a program was not attached: the kernel says EPERM alone where another program claims the
/// place for itself.
fn refused(hook: &Hook, target: &Target, source: io::Error) -> BpfError {
    if source.kind() == io::ErrorKind::PermissionDenied
        && hook.place == Place::Cgroup
        && let Ok(Some(claim)) = attached::exclusive_claim(&target.path, hook.attach_type)
    {
        return BpfError::Claimed {
            program: hook.program,
            target: target.path.clone(),
            claim,
            source,
        };
    }
    BpfError::Attach {
        program: hook.program,
        target: target.path.clone(),
        source,
    }
}

fn attach_at(program: BorrowedFd<'_>, hook: &Hook, target: &Target, pin: &Path) -> io::Result<()> {
    if update(program, target, pin)? {
        return Ok(());
    }
    let link = sys::link_create(program, target.file.as_fd(), hook.attach_type)?;
    // The old link, if there is one, belongs to something that has gone: the new one is in force
    // before it is forgotten.
    if pin.exists() {
        fs::remove_file(pin)?;
    }
    sys::pin(link.as_fd(), pin)
}

/// Whether the link pinned there is attached to the target and took the program.
fn update(program: BorrowedFd<'_>, target: &Target, pin: &Path) -> io::Result<bool> {
    let link = match sys::open_pin(pin) {
        Ok(link) => link,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if sys::link_info(link.as_fd())?.target != target.inode {
        return Ok(false);
    }
    match sys::link_update(link.as_fd(), program) {
        Ok(()) => Ok(true),
        // The target went away between the two questions.
        Err(error) if error.raw_os_error() == Some(libc::ENOLINK) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Detaches every link pinned in a directory, in the order given first, and removes the pins.
/// Returns how many there were.
pub(crate) fn detach_all(directory: &Path, first: &[Hook]) -> Result<usize, BpfError> {
    let mut names = pins::names(directory)?;
    names.sort_by_key(|name| {
        let place = first.iter().position(|hook| hook.link == name);
        place.unwrap_or(first.len())
    });
    for name in &names {
        let pin = directory.join(name);
        let link = sys::open_pin(&pin).map_err(BpfError::file("open", &pin))?;
        // It fails for links whose target has gone, which are detached.
        if let Err(error) = sys::link_detach(link.as_fd()) {
            tracing::debug!("{}: {error}", pin.display());
        }
        pins::remove(&pin)?;
    }
    Ok(names.len())
}
