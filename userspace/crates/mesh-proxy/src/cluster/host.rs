//! One endpoint of a cluster as all workers share it: where it is, and why it is not to be used.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
    },
    time::SystemTime,
};

use mesh_health::{active::Probed, outlier::Tally};

use crate::status::UnfitStatus;

/// Why a host is not to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// Its health checks fail.
    FailedCheck = 1,
    /// Outlier detection has put it out.
    Ejected = 2,
    /// It is to be checked, and was not yet.
    Unchecked = 4,
}

impl Unfit {
    fn word(self) -> &'static str {
        match self {
            Self::FailedCheck => "fails its health checks",
            Self::Ejected => "is ejected",
            Self::Unchecked => "was not checked yet",
        }
    }

    /// Whether it is by something that was seen of the host.
    pub(super) fn is_known(self) -> bool {
        match self {
            Self::FailedCheck | Self::Ejected => true,
            Self::Unchecked => false,
        }
    }
}

/// A reason not to use a host that holds.
#[derive(Clone, Debug)]
struct Finding {
    reason: Unfit,
    since: SystemTime,
    /// What it was that made it so, if more is known than the reason.
    why: String,
}

/// What the documents make of each host of a cluster.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// Whether it has to pass checks.
    pub(crate) is_checked: bool,
    /// How many failures in a row make an outlier, and how many workers tell of them; none where nobody
    /// is ejected.
    pub(crate) tally: Option<(u64, usize)>,
    /// Whether what is under way to it is counted.
    pub(crate) counts_requests: bool,
}

/// One endpoint. It is the same over all answers of discovery that have its address, so that what is
/// known of it is not lost.
#[derive(Debug)]
pub(crate) struct Host {
    place: Place,
    /// The reasons, as a sum of [`Unfit`].
    unfit: AtomicU8,
    /// How often it has become unfit by what was known of it.
    lapses: AtomicU32,
    /// The same for people.
    findings: Mutex<Vec<Finding>>,
    /// What its checks say of it.
    probed: Mutex<Probed>,
    /// Whether it asked to be left alone: it is none of those of whom enough have to be fit.
    is_withdrawn: AtomicBool,
    /// How its requests end, where that is judged.
    tally: Option<Arc<Tally>>,
    /// How many requests and opaque connections it has of all workers, where that decides who is picked.
    active: Option<AtomicU32>,
}

/// A request or an opaque connection that a host has, until it is dropped.
#[derive(Debug)]
pub(crate) struct Active(Arc<Host>);

impl Drop for Active {
    fn drop(&mut self) {
        if let Some(active) = &self.0.active {
            active.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[derive(Debug)]
enum Place {
    Fixed(SocketAddr),
    /// The one host of a cluster of `LOADBALANCER` goes where the name goes. The data path has its
    /// address from the set of hosts.
    Logical(Mutex<SocketAddr>),
}

impl Host {
    pub(super) fn at(address: SocketAddr, rules: Rules) -> Self {
        Self::new(Place::Fixed(address), rules)
    }

    pub(super) fn logical(address: SocketAddr, rules: Rules) -> Self {
        Self::new(Place::Logical(Mutex::new(address)), rules)
    }

    fn new(place: Place, rules: Rules) -> Self {
        let tally = rules.tally;
        let host = Self {
            place,
            unfit: AtomicU8::new(0),
            lapses: AtomicU32::new(0),
            findings: Mutex::default(),
            probed: Mutex::default(),
            is_withdrawn: AtomicBool::new(false),
            tally: tally.map(|(streak, workers)| Arc::new(Tally::new(streak, workers))),
            active: rules.counts_requests.then(AtomicU32::default),
        };
        host.set(Unfit::Unchecked, rules.is_checked);
        host
    }

    /// Where it is at this moment.
    pub(crate) fn address(&self) -> SocketAddr {
        match &self.place {
            Place::Fixed(address) => *address,
            Place::Logical(address) => *address.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// A logical host goes on at another address.
    pub(super) fn follow(&self, to: SocketAddr) {
        if let Place::Logical(address) = &self.place {
            *address.lock().unwrap_or_else(PoisonError::into_inner) = to;
        }
    }

    /// Whether nothing speaks against using it.
    pub(crate) fn is_fit(&self) -> bool {
        self.unfit.load(Ordering::Acquire) == 0
    }

    /// Adds a reason or takes it away; whether that changes anything.
    pub(super) fn set(&self, reason: Unfit, holds: bool) -> bool {
        let bit = reason as u8;
        let before = if holds {
            self.unfit.fetch_or(bit, Ordering::AcqRel)
        } else {
            self.unfit.fetch_and(!bit, Ordering::AcqRel)
        };
        let is_news = (before & bit != 0) != holds;
        if is_news {
            let mut findings = self.findings();
            findings.retain(|finding| finding.reason != reason);
            if holds {
                if reason.is_known() {
                    self.lapses.fetch_add(1, Ordering::Release);
                }
                findings.push(Finding {
                    reason,
                    since: SystemTime::now(),
                    why: String::new(),
                });
            }
        }
        is_news
    }

    /// Says more of a reason, if it holds.
    pub(super) fn explain(&self, reason: Unfit, why: String) {
        let mut findings = self.findings();
        if let Some(finding) = findings.iter_mut().find(|one| one.reason == reason) {
            finding.why = why;
        }
    }

    /// Whether a reason holds.
    pub(super) fn is(&self, reason: Unfit) -> bool {
        self.unfit.load(Ordering::Acquire) & reason as u8 != 0
    }

    /// How often it has become unfit by what was known of it.
    pub(crate) fn lapses(&self) -> u32 {
        self.lapses.load(Ordering::Acquire)
    }

    /// Whether it passes its checks, where it has any.
    pub(super) fn passes_checks(&self) -> bool {
        !self.is(Unfit::FailedCheck) && !self.is(Unfit::Unchecked)
    }

    /// What its checks say of it. Locked while that takes effect.
    pub(super) fn probed(&self) -> MutexGuard<'_, Probed> {
        self.probed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it asked to be left alone.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.is_withdrawn.load(Ordering::Acquire)
    }

    /// It asks to be left alone, or is asked to come back; whether that is news. It takes effect when hosts
    /// are judged next.
    pub(super) fn withdraw(&self, is_withdrawn: bool) -> bool {
        self.is_withdrawn.swap(is_withdrawn, Ordering::AcqRel) != is_withdrawn
    }

    /// How many requests and opaque connections it has; 0 where they are not counted.
    pub(crate) fn active(&self) -> u32 {
        let active = self.active.as_ref();
        active.map_or(0, |active| active.load(Ordering::Relaxed))
    }

    /// It gets one more; none where they are not counted.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<Active> {
        let active = self.active.as_ref()?;
        active.fetch_add(1, Ordering::Relaxed);
        Some(Active(Arc::clone(self)))
    }

    pub(crate) fn tally(&self) -> Option<&Arc<Tally>> {
        self.tally.as_ref()
    }

    /// The reasons that hold.
    pub(super) fn status(&self) -> Vec<UnfitStatus> {
        let findings = self.findings();
        let statuses = findings.iter().map(|finding| UnfitStatus {
            endpoint: self.address(),
            reason: match finding.why.as_str() {
                "" => finding.reason.word().to_owned(),
                why => format!("{}: {why}", finding.reason.word()),
            },
            since: finding.since,
        });
        statuses.collect()
    }

    fn findings(&self) -> MutexGuard<'_, Vec<Finding>> {
        self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
