//! Notices when interfaces, addresses, routes or rules of a network namespace change.

use std::{
    fs::File,
    io::{self, PipeWriter, pipe},
    os::fd::AsFd as _,
    path::Path,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

use crate::BpfError;

/// The groups of the kernel's notices (`RTNLGRP_LINK`, `RTNLGRP_IPV4_IFADDR`, `…_ROUTE`, `…_RULE`,
/// and those of IPv6).
const GROUPS: [u32; 7] = [1, 5, 7, 8, 9, 11, 19];
/// Several notices come of one change: this long after the first, they are answered together.
const SETTLE: Duration = Duration::from_millis(20);
/// A look without a notice: should one have been missed, this is how long it is missed.
const EVERY: Duration = Duration::from_secs(30);
/// How many times longer than an answer took the next one waits, so that a namespace in which
/// routes never stand still costs a tenth of a processor, as long as that is no longer than
/// [`LONGEST_BREATH`].
const BREATH: u32 = 10;
/// How late an answer may be.
const LONGEST_BREATH: Duration = Duration::from_secs(1);
const BUFFER: usize = 64 * 1024;

/// Follows a network namespace until it is dropped.
#[derive(Debug)]
pub struct Watch {
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

/// Calls `on_change` at once, whenever interfaces, addresses, routes or rules of a namespace have
/// changed, and every 30 s in any case: on a thread of its own that is inside the namespace. None
/// is the caller's own. The namespace is kept alive until the watch is dropped; then no call is
/// under way any more.
pub fn watch(
    netns: Option<&Path>,
    on_change: impl FnMut() + Send + 'static,
) -> Result<Watch, BpfError> {
    let netns = netns
        .map(|path| {
            let file = File::open(path).map_err(BpfError::file("open", path))?;
            Ok((path.to_owned(), file))
        })
        .transpose()?;
    let (stopped, stop) = pipe().map_err(BpfError::ask("a pipe"))?;
    let (answer, ready) = mpsc::sync_channel(1);
    let enter_and_follow = move || {
        let notices = (|| {
            if let Some((path, file)) = &netns {
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))
                    .map_err(|error| BpfError::file("enter", path)(error.into()))?;
            }
            subscribe().map_err(BpfError::ask("notices of changed routes"))
        })();
        match notices {
            Ok(notices) => {
                // The caller waits for it.
                let _ = answer.send(Ok(()));
                follow(&notices, &stopped, on_change);
            }
            Err(error) => {
                let _ = answer.send(Err(error));
            }
        }
    };
    let thread = thread::Builder::new()
        .name("routes".to_owned())
        .spawn(enter_and_follow)
        .map_err(BpfError::ask("a thread"))?;
    let watch = Watch {
        stop: Some(stop),
        thread: Some(thread),
    };
    match ready.recv() {
        Ok(begun) => begun.map(|()| watch),
        Err(mpsc::RecvError) => Err(BpfError::ask("notices of changed routes")(
            io::Error::other("the thread ended"),
        )),
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // The thread waits for the end of the pipe.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the watch of a network namespace has panicked");
        }
    }
}

fn subscribe() -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    for group in GROUPS {
        socket.add_membership(group)?;
    }
    socket.set_non_blocking(true)?;
    Ok(socket)
}

fn follow(notices: &Socket, stopped: &io::PipeReader, mut on_change: impl FnMut()) {
    let mut buffer = Vec::with_capacity(BUFFER);
    loop {
        let began = Instant::now();
        on_change();
        let breath = began
            .elapsed()
            .saturating_mul(BREATH)
            .clamp(SETTLE, LONGEST_BREATH);
        let goes_on = wait(Some(notices), stopped, EVERY)
            .and_then(|goes_on| Ok(goes_on && wait(None, stopped, breath)?));
        match goes_on {
            Ok(true) => drain(notices, &mut buffer),
            Ok(false) => return,
            Err(error) => {
                tracing::error!("changed routes are noticed no more: {error}");
                return;
            }
        }
    }
}

/// Waits for a notice; false when the watch ends.
fn wait(notices: Option<&Socket>, stopped: &io::PipeReader, time: Duration) -> io::Result<bool> {
    let time = Timespec::try_from(time).expect("a few seconds");
    let mut events = vec![PollFd::new(stopped, PollFlags::IN)];
    events.extend(notices.map(|socket| PollFd::new(socket, PollFlags::IN)));
    match poll(&mut events, Some(&time)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(events[0].revents().is_empty()),
        Err(error) => Err(error.into()),
    }
}

/// Throws all notices away: that there were some is what they say. So do those that were too many
/// for the socket (`ENOBUFS`).
fn drain(notices: &Socket, buffer: &mut Vec<u8>) {
    loop {
        buffer.clear();
        match notices.recv(buffer, 0) {
            Ok(_) => {}
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {}
            Err(_) => return,
        }
    }
}
