//! The names of TCP services that share a port, and which of them has an address: what the workload's
//! own resolver says, asked again and again, and at once about an address that none of them has.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use mesh_route::tcp::{self, NameAddresses};
use tokio::{
    sync::{Notify, watch},
    task::AbortHandle,
};

use crate::cluster::{discovery::chain, dns::Dns};

/// An answer is not asked for anew before it is this old, whoever dials what.
const FRESH: Duration = Duration::from_secs(1);

/// How long a connection waits for the answers before it is taken for one to an address of none.
const PATIENCE: Duration = Duration::from_secs(1);

/// One name and its addresses. It outlives generations that leave it in use.
#[derive(Debug)]
pub(crate) struct ServiceName {
    name: String,
    addresses: ArcSwap<NameAddresses>,
    asked: watch::Sender<Option<Asked>>,
    wanted: Arc<Notify>,
    task: Mutex<Option<AbortHandle>>,
}

/// The latest question that is over.
#[derive(Clone, Copy, Debug)]
struct Asked {
    begun: Instant,
    answered: bool,
}

impl ServiceName {
    /// Starts to ask for a name; it ends with the value. `changed` hears when there are other
    /// addresses.
    pub(crate) fn start(
        name: &str,
        dns: &Arc<Dns>,
        refresh: Duration,
        changed: &Arc<Notify>,
    ) -> Arc<Self> {
        let service = Arc::new(Self {
            name: name.to_owned(),
            addresses: ArcSwap::default(),
            asked: watch::Sender::new(None),
            wanted: Arc::default(),
            task: Mutex::default(),
        });
        let asking = keep_asking(
            Arc::downgrade(&service),
            Arc::clone(dns),
            refresh,
            Arc::clone(changed),
        );
        let task = tokio::spawn(asking).abort_handle();
        *service.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        service
    }

    /// Returns when the name was asked for once.
    pub(crate) async fn warmed(&self) {
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.asked.subscribe().wait_for(Option::is_some).await;
    }

    /// Asks; whether there are other addresses now.
    async fn ask(&self, dns: &Dns) -> bool {
        let begun = Instant::now();
        let before = self.addresses.load_full();
        let answer = match self.name.parse::<IpAddr>() {
            Ok(literal) => Ok(vec![literal]),
            Err(_) => dns.all_addresses(&self.name, &before.current()).await,
        };
        let last = *self.asked.borrow();
        let answered = answer.is_ok();
        let is_changed = match answer {
            Ok(addresses) => {
                let after = before.answered(&addresses, Instant::now());
                let is_changed = before.current() != after.current();
                if is_changed || last.is_none() {
                    let (name, addresses) = (&self.name, after.current());
                    tracing::info!(name, ?addresses, "connections to these are for it");
                }
                self.addresses.store(Arc::new(after));
                is_changed
            }
            Err(error) => {
                if last.is_none_or(|last| last.answered) {
                    let (name, kept) = (&self.name, before.current().len());
                    let trouble = chain(&error);
                    tracing::warn!(
                        name,
                        trouble,
                        kept,
                        "no new answer; the last one stays in use"
                    );
                }
                false
            }
        };
        self.asked.send_replace(Some(Asked { begun, answered }));
        is_changed
    }

    /// Whether an answer of this moment is on its way, or would be if it were asked for.
    fn wants_asking(&self, since: Option<Instant>) -> bool {
        match *self.asked.borrow() {
            Some(asked) => asked.answered && since.is_some_and(|since| asked.begun < since),
            // It was waited for when it was new.
            None => false,
        }
    }
}

impl Drop for ServiceName {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

async fn keep_asking(
    name: Weak<ServiceName>,
    dns: Arc<Dns>,
    refresh: Duration,
    changed: Arc<Notify>,
) {
    loop {
        let Some(name) = name.upgrade() else {
            return;
        };
        if name.ask(&dns).await {
            changed.notify_one();
        }
        let wanted = Arc::clone(&name.wanted);
        drop(name);
        // It is soon enough when the time is over, so this is no failure.
        let _ = tokio::time::timeout(refresh, wanted.notified()).await;
    }
}

/// The names of the services of one port, in the order in which they have an address in common.
#[derive(Debug)]
pub(crate) struct Services(pub(crate) Vec<Arc<ServiceName>>);

impl Services {
    /// The index of the service that a dialled address means; none if it is that of no service.
    pub(crate) fn find(&self, dialled: IpAddr) -> Option<usize> {
        let names: Vec<_> = self.0.iter().map(|name| name.addresses.load()).collect();
        let names = names.iter().map(|name| name.as_ref());
        tcp::service_of(names, dialled, Instant::now())
    }

    /// Has the names asked that were not asked just now, and waits for the answers, but not for long:
    /// the application may know a newer one. Nobody waits for a resolver that has failed.
    pub(crate) async fn ask_anew(&self) {
        let since = Instant::now().checked_sub(FRESH);
        let old: Vec<_> = self
            .0
            .iter()
            .filter(|name| name.wants_asking(since))
            .collect();
        for name in &old {
            name.wanted.notify_one();
        }
        let all = async {
            for name in old {
                let mut asked = name.asked.subscribe();
                let is_new = |asked: &Option<Asked>| {
                    let begun = asked.map(|asked| asked.begun);
                    begun.is_some_and(|begun| since.is_some_and(|since| begun >= since))
                };
                // The sender lives in the name, so waiting cannot fail.
                let _ = asked.wait_for(is_new).await;
            }
        };
        // What has not come by then is late, and the old answers stand.
        let _ = tokio::time::timeout(PATIENCE, all).await;
    }

    /// What keeps services of the port from being told apart: addresses that several names have, by
    /// the address, and names that have none.
    pub(crate) fn findings(&self, port: u16) -> Vec<String> {
        let addresses: Vec<_> = self.0.iter().map(|name| name.addresses.load()).collect();
        let shared = tcp::shared(addresses.iter().map(|addresses| addresses.as_ref()));
        let shared = shared.into_iter().map(|(address, holders)| {
            let holders = holders.into_iter().map(|index| &self.0[index].name);
            let holders: Vec<String> = holders.map(|name| format!("`{name}`")).collect();
            format!(
                "{} both answer TCP on port {port} and have the address {address} in common: \
                 connections to it are for the first; give each name addresses of its own, or one of \
                 the services another port",
                holders.join(" and ")
            )
        });
        let without = self.0.iter().zip(&addresses);
        let without = without.filter(|(_, addresses)| addresses.current().is_empty());
        let without = without.map(|(name, _)| {
            format!(
                "`{}` has no address, by which it is told from other TCP services of port {port}: no \
                 connection is for it; see to it that the workload resolves the name",
                name.name
            )
        });
        shared.chain(without).collect()
    }
}

#[cfg(test)]
mod tests;
