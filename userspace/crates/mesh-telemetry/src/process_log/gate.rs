//! Lets pass what is grave enough for the process, or for the workload whose thread says it.

use std::{
    cell::RefCell,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
};

use tracing::{
    Metadata, Subscriber, callsite::rebuild_interest_cache, level_filters::LevelFilter,
    subscriber::Interest,
};
use tracing_subscriber::{Layer, layer::Context};

use super::Level;

/// The level of the process.
static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);
/// The loudest level of the process and of all workloads.
static LOUDEST: AtomicU8 = AtomicU8::new(Level::Info as u8);
/// Every workload with a level of its own, and some that are gone.
static VOICES: Mutex<Vec<Weak<Voice>>> = Mutex::new(Vec::new());

thread_local! {
    /// Whom this thread speaks for.
    static VOICE: RefCell<Option<Arc<Voice>>> = const { RefCell::new(None) };
}

/// The level of a workload, for the threads that serve it and nobody else.
#[derive(Debug)]
pub struct Voice {
    workload: String,
    /// Above every level: that of the process.
    level: AtomicU8,
}

/// A workload has the level of the process.
const AS_THE_PROCESS: u8 = u8::MAX;

impl Voice {
    /// A workload with the level of the process.
    pub fn new(workload: &str) -> Arc<Self> {
        let voice = Arc::new(Self {
            workload: workload.to_owned(),
            level: AtomicU8::new(AS_THE_PROCESS),
        });
        voices(|voices| voices.push(Arc::downgrade(&voice)));
        voice
    }

    /// The level that the workload's threads speak with.
    pub fn level(&self) -> Level {
        level_of(self.level.load(Relaxed)).unwrap_or_else(level)
    }

    /// Gives the workload a level of its own from now on; none: that of the process.
    pub fn set_level(&self, level: Option<Level>) {
        let number = level.map_or(AS_THE_PROCESS, |level| level as u8);
        self.level.store(number, Relaxed);
        find_loudest();
    }

    /// This thread speaks for the workload from now on.
    pub fn speak(self: &Arc<Self>) {
        VOICE.set(Some(Arc::clone(self)));
    }
}

/// The workload that this thread speaks for.
pub(super) fn speaker<T>(look: impl FnOnce(&str) -> T) -> Option<T> {
    VOICE.with_borrow(|voice| voice.as_ref().map(|voice| look(&voice.workload)))
}

/// Sets the level of the process, and of every workload without one of its own.
pub fn set_level(level: Level) {
    LEVEL.store(level as u8, Relaxed);
    find_loudest();
}

fn level() -> Level {
    level_of(LEVEL.load(Relaxed)).unwrap_or(Level::Info)
}

fn level_of(number: u8) -> Option<Level> {
    Level::ALL.get(usize::from(number)).copied()
}

fn voices<T>(change: impl FnOnce(&mut Vec<Weak<Voice>>) -> T) -> T {
    // Nothing under this lock can leave the list half changed.
    let mut voices = VOICES.lock().unwrap_or_else(PoisonError::into_inner);
    voices.retain(|voice| voice.strong_count() > 0);
    change(&mut voices)
}

fn find_loudest() {
    let loudest = voices(|voices| {
        let alive = voices.iter().filter_map(Weak::upgrade);
        alive.map(|voice| voice.level()).fold(level(), Level::max)
    });
    LOUDEST.store(loudest as u8, Relaxed);
    // What no one says is not even looked at: that is remembered at each place that speaks.
    rebuild_interest_cache();
}

fn loudest() -> LevelFilter {
    level_of(LOUDEST.load(Relaxed))
        .unwrap_or(Level::Info)
        .filter()
}

/// How loud a module is at a level. This program says itself what came of a frame or an answer of DNS;
/// libraries tell of each, and warn of each that is none, with which a peer could fill the log. So they tell
/// of errors alone, and of the rest at `trace`.
fn of_module(module: &str, level: Level) -> Level {
    let is_own = module.starts_with("mesh_") || module.starts_with("ferromesh");
    if is_own || level == Level::Trace {
        level
    } else {
        level.min(Level::Error)
    }
}

/// See the module.
pub(super) struct Gate;

impl<S: Subscriber> Layer<S> for Gate {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if *metadata.level() <= loudest() {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let own = VOICE.with_borrow(|voice| voice.as_ref().map(|voice| voice.level()));
        let module = metadata.module_path().unwrap_or_default();
        let level = of_module(module, own.unwrap_or_else(level));
        *metadata.level() <= level.filter()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(loudest())
    }
}

#[cfg(test)]
mod tests;
