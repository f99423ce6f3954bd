//! Questions that have to be asked from inside a network namespace.

use std::{
    fs::{self, File},
    net::TcpListener,
    os::{fd::AsFd as _, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
    thread,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::{BpfError, sys};

/// The namespace of the calling thread, as a file.
pub(crate) const OWN: &str = "/proc/thread-self/ns/net";

/// Where `ip netns` keeps namespaces by name.
const NAMED: &str = "/run/netns";

/// Runs something in a network namespace, on a thread of its own; none is the caller's.
pub(crate) fn inside<T: Send>(
    netns: Option<&Path>,
    question: impl FnOnce() -> Result<T, BpfError> + Send,
) -> Result<T, BpfError> {
    let Some(path) = netns else {
        return question();
    };
    let file = File::open(path).map_err(BpfError::file("open", path))?;
    let enter_and_ask = || {
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|error| BpfError::file("enter", path)(error.into()))?;
        question()
    };
    thread::scope(|scope| {
        scope
            .spawn(enter_and_ask)
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A file of the namespace with that inode: the caller's own, one with a name, or that of a process.
/// None if there is none any more, or it is in no place where one would look.
pub(crate) fn by_inode(inode: u64) -> Option<PathBuf> {
    let entries = |directory| fs::read_dir(directory).into_iter().flatten().flatten();
    let named = entries(NAMED).map(|entry| entry.path());
    let processes = entries("/proc").map(|entry| entry.path().join("ns/net"));
    [PathBuf::from(OWN)]
        .into_iter()
        .chain(named)
        .chain(processes)
        .find(|path| is(path, inode))
}

/// Whether a file is the namespace with that inode.
pub(crate) fn is(path: &Path, inode: u64) -> bool {
    let of = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
    let own = of(Path::new(OWN)).ok();
    own.is_some_and(|(device, _)| of(path).is_ok_and(|found| found == (device, inode)))
}

/// The cookie of the calling thread's namespace; 0 where the kernel does not tell, as the programs
/// have it then.
pub(crate) fn cookie() -> Result<u64, BpfError> {
    let socket = TcpListener::bind(("127.0.0.1", 0)).map_err(BpfError::ask("a socket"))?;
    match sys::netns_cookie(socket.as_fd()) {
        Ok(cookie) => Ok(cookie),
        Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => Ok(0),
        Err(error) => Err(BpfError::ask("the cookie of the network namespace")(error)),
    }
}
