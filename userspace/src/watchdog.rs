//! The process that watches over the daemon's heartbeats: a daemon that hangs cannot reset what it
//! holds. It is this executable again, a child with nothing of the daemon's but a pipe, and ends
//! with it.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Context;

/// This executable, also when an upgrade has put another in its place.
const THIS_EXECUTABLE: &str = "/proc/self/exe";
/// How long a watchdog that has ended is left before there is another.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The daemon's hold on its watchdog.
#[derive(Debug)]
pub(crate) struct Watchdog {
    wanted: Arc<AtomicBool>,
    /// The watchdog ends when this closes.
    lifeline: Arc<Mutex<Option<ChildStdin>>>,
    keeper: JoinHandle<()>,
}

impl Watchdog {
    /// Starts it, and again whenever it ends. `count` gets the id of a workload and how many of its
    /// connections were reset, once the daemon runs again.
    pub(crate) fn start(
        instance: &str,
        proxy_cgroup: &Path,
        count: impl Fn(u32, u64) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let call = Call {
            instance: instance.to_owned(),
            proxy_cgroup: proxy_cgroup.to_owned(),
        };
        let mut child = call.start()?;
        let wanted = Arc::new(AtomicBool::new(true));
        let lifeline = Arc::new(Mutex::new(child.stdin.take()));
        let keeper = thread::Builder::new().name("watchdog".to_owned()).spawn({
            let (wanted, lifeline) = (Arc::clone(&wanted), Arc::clone(&lifeline));
            move || keep(&call, child, &wanted, &lifeline, count)
        });
        Ok(Self {
            wanted,
            lifeline,
            keeper: keeper.context("cannot start the thread that keeps the watchdog")?,
        })
    }

    /// Ends it. When this returns, the process has gone.
    pub(crate) fn stop(self) {
        self.wanted.store(false, Relaxed);
        self.lifeline.lock().expect("no holder panics").take();
        self.keeper.thread().unpark();
        // A panic of that thread was printed when it happened.
        let _ = self.keeper.join();
    }
}

/// How it is called.
struct Call {
    instance: String,
    proxy_cgroup: PathBuf,
}

impl Call {
    fn start(&self) -> anyhow::Result<Child> {
        Command::new(THIS_EXECUTABLE)
            .args(["watchdog", "--instance", &self.instance, "--proxy-cgroup"])
            .arg(&self.proxy_cgroup)
            // What stops the daemon's group at a terminal must not stop this one.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the watchdog")
    }
}

/// Hears what the watchdog says, and has another in its place when it ends.
fn keep(
    call: &Call,
    mut child: Child,
    wanted: &AtomicBool,
    lifeline: &Mutex<Option<ChildStdin>>,
    count: impl Fn(u32, u64),
) {
    loop {
        let said = child.stdout.take().into_iter();
        let lines = said.flat_map(|said| BufReader::new(said).lines());
        for line in lines.map_while(Result::ok) {
            if let Some((id, resets)) = parse(&line) {
                count(id, resets);
            }
        }
        let ended = child.wait();
        if wanted.load(Relaxed) {
            tracing::error!(?ended, "the watchdog has ended; another is started");
        }
        let Some(mut another) = start_again(call, wanted) else {
            return;
        };
        let mut lifeline = lifeline.lock().expect("no holder panics");
        *lifeline = another.stdin.take();
        // Whoever ends it says so first and takes the lifeline then.
        if !wanted.load(Relaxed) {
            lifeline.take();
        }
        child = another;
    }
}

/// Another watchdog, as soon as there can be one; none when it is not wanted any more.
fn start_again(call: &Call, wanted: &AtomicBool) -> Option<Child> {
    loop {
        thread::park_timeout(AGAIN_AFTER);
        if !wanted.load(Relaxed) {
            return None;
        }
        match call.start() {
            Ok(child) => return Some(child),
            Err(error) => tracing::error!("{error:#}"),
        }
    }
}

/// One line of it: a workload's id and a number of connections.
fn parse(line: &str) -> Option<(u32, u64)> {
    let (id, resets) = line.split_once(' ')?;
    Some((id.parse().ok()?, resets.parse().ok()?))
}
