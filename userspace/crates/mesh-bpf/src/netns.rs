//! Questions that have to be asked from inside a network namespace.

use std::{fs::File, net::TcpListener, os::fd::AsFd as _, path::Path, thread};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::{BpfError, sys};

/// The namespace of the calling thread, as a file.
pub(crate) const OWN: &str = "/proc/thread-self/ns/net";

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
