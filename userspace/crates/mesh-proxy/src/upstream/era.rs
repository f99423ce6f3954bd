//! Which connections to a host are from before it became unfit. They are not used again, as by Envoy: an
//! endpoint may be ill for what it keeps of them, and a balancer in between may keep them at the ill one.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use crate::{cluster::host::Host, endpoint::Endpoint};

/// The time between two moments at which a host became unfit. What connects in one is used in no other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Era(u64);

/// The eras of one host as one worker sees them.
#[derive(Debug, Default)]
pub(super) struct Eras {
    /// None before the first request.
    host: RefCell<Option<Arc<Host>>>,
    /// How often the host had become unfit when that was looked at last.
    lapses: Cell<u32>,
    now: Cell<Era>,
}

impl Eras {
    /// A request goes to this endpoint. Its host may be another than before at the same address: of that one
    /// nothing is known yet.
    pub(super) fn follow(&self, endpoint: &Endpoint) {
        let Some(next) = endpoint.host() else {
            return;
        };
        let mut host = self.host.borrow_mut();
        if host.as_ref().is_none_or(|known| !Arc::ptr_eq(known, next)) {
            self.lapses.set(next.lapses());
            *host = Some(Arc::clone(next));
        }
    }

    /// The one that it is.
    pub(super) fn now(&self) -> Era {
        let host = self.host.borrow();
        let lapses = host.as_ref().map_or(0, |host| host.lapses());
        if self.lapses.replace(lapses) != lapses {
            let Era(before) = self.now.get();
            self.now.set(Era(before + 1));
        }
        self.now.get()
    }
}
