//! The listening sockets of an external proxy: found by `sock_diag`, and taken from its process, so
//! that connections can be steered to them.

use std::{
    fs, io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use rustix::{
    io::Errno,
    net::sockopt,
    process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open},
};

use crate::{
    BpfError, cgroup, netns,
    survey::listening::{self, Listener},
    unredirected::processes::socket_inode,
};

/// The listening sockets of an external proxy on one port: those of one `SO_REUSEPORT` group for
/// each family stand for each other, so one of each is enough.
#[derive(Debug)]
pub struct ExternalListeners {
    /// It takes IPv4; it is of IPv6 where the proxy listens for both families on one socket.
    pub v4: Option<OwnedFd>,
    /// It takes IPv6.
    pub v6: Option<OwnedFd>,
    /// The inodes of both, which no other socket has while they live.
    pub inodes: Vec<u32>,
}

/// The inodes of the TCP sockets that listen on a port of a network namespace; none is the calling
/// thread's. In no order.
pub fn listening(netns: Option<&Path>, port: u16) -> Result<Vec<u32>, BpfError> {
    netns::inside(netns, || {
        let of_port = |listener: &Listener| listener.address.port() == port;
        let found = listening::all()?.into_iter().filter(of_port);
        Ok(found.map(|listener| listener.inode).collect())
    })
}

/// Takes those of these sockets that processes of a cgroup, or of one below it, hold. Close what is
/// returned once it is steered to: as long as it is open here the port stays taken when the proxy
/// ends, and nobody accepts.
///
/// # Errors
/// A process of the cgroup may not be looked into: that takes `CAP_SYS_PTRACE`.
pub fn take(inodes: &[u32], cgroup: &Path) -> Result<ExternalListeners, BpfError> {
    let mut found = ExternalListeners {
        v4: None,
        v6: None,
        inodes: Vec::new(),
    };
    if inodes.is_empty() {
        return Ok(found);
    }
    for (_, cgroup) in cgroup::subtree(cgroup)? {
        for process in cgroup::members(&cgroup)? {
            found.take_from(process, inodes)?;
        }
    }
    Ok(found)
}

impl ExternalListeners {
    /// Takes what a process holds of these sockets.
    fn take_from(&mut self, process: u32, inodes: &[u32]) -> Result<(), BpfError> {
        let Some(directory) = present(fs::read_dir(format!("/proc/{process}/fd")), process)? else {
            return Ok(());
        };
        for entry in directory.flatten() {
            let inode = socket_inode(&entry.path()).filter(|inode| inodes.contains(inode));
            let descriptor = entry.file_name().to_string_lossy().parse().ok();
            if let Some((inode, descriptor)) = inode.zip(descriptor)
                && let Some(socket) = copy(process, descriptor, inode)?
            {
                self.keep(inode, socket)?;
            }
        }
        Ok(())
    }

    /// Keeps a socket where it is the first that takes a family.
    fn keep(&mut self, inode: u32, socket: OwnedFd) -> Result<(), BpfError> {
        let ask = |error: Errno| BpfError::ask("the family of a listening socket")(error.into());
        let is_v6 =
            sockopt::socket_domain(&socket).map_err(ask)? == rustix::net::AddressFamily::INET6;
        let takes_v4 = !is_v6 || !sockopt::ipv6_v6only(&socket).map_err(ask)?;
        let mut is_kept = false;
        // A socket of IPv4 and one of both families do not listen on one port.
        if takes_v4 && self.v4.is_none() {
            self.v4 = Some(socket.try_clone().map_err(BpfError::ask("a descriptor"))?);
            is_kept = true;
        }
        if is_v6 && self.v6.is_none() {
            self.v6 = Some(socket);
            is_kept = true;
        }
        if is_kept {
            self.inodes.push(inode);
        }
        Ok(())
    }
}

/// A copy of a process's descriptor; none if the process or its socket has gone meanwhile.
fn copy(process: u32, descriptor: i32, inode: u32) -> Result<Option<OwnedFd>, BpfError> {
    let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else {
        return Ok(None);
    };
    let copied = pidfd_open(pid, PidfdFlags::empty())
        .and_then(|holder| pidfd_getfd(holder, descriptor, PidfdGetfdFlags::empty()));
    let Some(socket) = present(copied.map_err(Into::into), process)? else {
        return Ok(None);
    };
    // The descriptor may be another file's by now.
    let is_it = rustix::fs::fstat(&socket).is_ok_and(|stat| stat.st_ino == u64::from(inode))
        && sockopt::socket_acceptconn(&socket).is_ok_and(|listens| listens);
    Ok(is_it.then_some(socket))
}

/// None for a process or descriptor that has gone.
fn present<T>(outcome: io::Result<T>, process: u32) -> Result<Option<T>, BpfError> {
    let gone = [Errno::NOENT, Errno::SRCH, Errno::BADF];
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if Errno::from_io_error(&error).is_some_and(|error| gone.contains(&error)) => {
            Ok(None)
        }
        Err(error) => {
            let path = PathBuf::from(format!("/proc/{process}/fd"));
            Err(BpfError::file("take a socket from", &path)(error))
        }
    }
}

#[cfg(test)]
mod tests;
