//! The heartbeat of every workload's proxy, on a thread of its own: no work of the daemon may make
//! it late, for a late beat is a refused connection.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, Weak},
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Context;
use mesh_bpf::Instance;
use mesh_proxy::{Proxy, Unwell};
use rustix::process::setpriority_process;

/// How many times a proxy beats in the time after which it counts as silent: a busy machine may make
/// it late several times over before the kernel takes it for dead.
const BEATS: u32 = 8;
/// The highest priority of `setpriority(2)`, of one thread alone (`CAP_SYS_NICE`).
const HURRIED: i32 = -20;

/// A beating heart.
#[derive(Debug)]
pub(crate) struct Heart {
    instance: Arc<Instance>,
    beating: Arc<Beating>,
    thread: JoinHandle<()>,
}

/// The workloads whose proxies beat, by their ids.
type Beating = Mutex<BTreeMap<u32, Pulse>>;

struct Pulse {
    workload: String,
    proxy: Arc<Proxy>,
    is_well: bool,
}

impl std::fmt::Debug for Pulse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pulse")
            .field("workload", &self.workload)
            .field("is_well", &self.is_well)
            .finish_non_exhaustive()
    }
}

impl Heart {
    /// Beats for nobody yet, and for whoever is added several times in each `heartbeat`.
    pub(super) fn start(instance: &Arc<Instance>, heartbeat: Duration) -> anyhow::Result<Self> {
        let beating = Arc::default();
        let wanted = Arc::downgrade(&beating);
        let of_thread = Arc::clone(instance);
        let thread = thread::Builder::new()
            .name("heart".to_owned())
            .spawn(move || run(&of_thread, heartbeat, &wanted))
            .context("cannot start the heartbeat")?;
        Ok(Self {
            instance: Arc::clone(instance),
            beating,
            thread,
        })
    }

    /// Beats for a workload from now on, for as long as its proxy is well.
    ///
    /// # Errors
    /// The first beat cannot be written.
    pub(crate) fn add(&self, id: u32, workload: &str, proxy: &Arc<Proxy>) -> anyhow::Result<()> {
        self.instance.beat(id)?;
        let pulse = Pulse {
            workload: workload.to_owned(),
            proxy: Arc::clone(proxy),
            is_well: true,
        };
        let mut beating = self.beating.lock().expect("no holder panics");
        beating.insert(id, pulse);
        self.thread.thread().unpark();
        Ok(())
    }

    /// Beats no more for a workload. When this returns, no beat of it is under way.
    pub(crate) fn forget(&self, id: u32) {
        let mut beating = self.beating.lock().expect("no holder panics");
        let forgotten = beating.remove(&id);
        drop(beating);
        drop(forgotten);
    }

    /// The same, and says that the workload's proxy is down.
    pub(crate) fn rest(&self, id: u32) {
        self.forget(id);
        if let Err(error) = self.instance.rest(id) {
            tracing::error!("{:#}", anyhow::Error::new(error));
        }
    }
}

/// Lets this thread run before all that is not of real time, where that is allowed: where every
/// core is busy, it is what keeps a proxy from being taken for dead.
fn hurry() {
    if let Err(error) = setpriority_process(None, HURRIED) {
        tracing::debug!(%error, "the heartbeat has no priority");
    }
}

fn run(instance: &Instance, heartbeat: Duration, wanted: &Weak<Beating>) {
    hurry();
    while let Some(beating) = wanted.upgrade() {
        let mut beating = beating.lock().expect("no holder panics");
        for (id, pulse) in &mut *beating {
            let told = match pulse.look(heartbeat) {
                Ok(()) => instance.beat(*id),
                // It serves what it has.
                Err(Unwell::Starved { .. }) => instance.rest(*id),
                Err(_) => instance.fall_silent(*id),
            };
            if let Err(error) = told {
                tracing::error!("{:#}", anyhow::Error::new(error));
            }
        }
        drop(beating);
        thread::park_timeout(heartbeat / BEATS);
    }
}

impl Pulse {
    /// Whether the proxy is well; a change is said once.
    fn look(&mut self, heartbeat: Duration) -> Result<(), Unwell> {
        let workload = &self.workload;
        let pulse = self.proxy.pulse(heartbeat);
        match (&pulse, self.is_well) {
            (Err(unwell), true) => tracing::error!(workload, "the proxy is unwell: {unwell}"),
            (Ok(()), false) => tracing::info!(workload, "the proxy is well again"),
            _ => {}
        }
        self.is_well = pulse.is_ok();
        pulse
    }
}
