//! Which workload has which app port: in one network namespace each is one workload's alone, for what
//! comes in by it is steered to one proxy.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::watch;

use super::namespace::NamespaceId;

/// The app ports of all workloads of a daemon.
#[derive(Debug, Default)]
pub(crate) struct AppPorts {
    taken: Mutex<Vec<Taken>>,
    /// Told when some were given up.
    given_up: watch::Sender<()>,
}

#[derive(Debug)]
struct Taken {
    namespace: NamespaceId,
    workload: String,
    ports: BTreeSet<u16>,
}

/// The app ports of one workload, given up when this is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    all: Arc<AppPorts>,
    namespace: NamespaceId,
    workload: String,
}

impl AppPorts {
    /// A claim to no port yet.
    pub(crate) fn claim(self: &Arc<Self>, namespace: NamespaceId, workload: &str) -> Claim {
        self.taken().push(Taken {
            namespace,
            workload: workload.to_owned(),
            ports: BTreeSet::new(),
        });
        Claim {
            all: Arc::clone(self),
            namespace,
            workload: workload.to_owned(),
        }
    }

    /// Hears when ports were given up that another workload may have been refused.
    pub(crate) fn given_up(&self) -> watch::Receiver<()> {
        self.given_up.subscribe()
    }

    fn taken(&self) -> MutexGuard<'_, Vec<Taken>> {
        self.taken.lock().expect("no holder panics")
    }
}

impl Claim {
    /// Claims these ports beside those that it has.
    ///
    /// # Errors
    /// Another workload of the namespace has one of them; none is claimed then. The message names
    /// both, the port and the mend.
    pub(crate) fn extend(&self, ports: &BTreeSet<u16>) -> Result<(), String> {
        let mut taken = self.all.taken();
        let others = taken.iter().filter(|other| !self.is_of(other));
        let in_the_way = others
            .filter(|other| other.namespace == self.namespace)
            .find_map(|other| {
                let port = ports.intersection(&other.ports).next()?;
                Some((other.workload.as_str(), *port))
            });
        if let Some((other, port)) = in_the_way {
            return Err(format!(
                "workloads `{}` and `{other}` are in one network namespace and both take what comes \
                 in on app port {port}; give one of them other ports (APPMESH_APP_PORTS, or the \
                 listeners of its resource), or a network namespace of its own",
                self.workload
            ));
        }
        for own in taken.iter_mut().filter(|one| self.is_of(one)) {
            own.ports.extend(ports);
        }
        Ok(())
    }

    /// Gives up all ports but these.
    pub(crate) fn keep(&self, ports: &BTreeSet<u16>) {
        for own in self.all.taken().iter_mut().filter(|one| self.is_of(one)) {
            own.ports.retain(|port| ports.contains(port));
        }
        self.all.given_up.send_replace(());
    }

    fn is_of(&self, taken: &Taken) -> bool {
        taken.namespace == self.namespace && taken.workload == self.workload
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.all.taken().retain(|taken| !self.is_of(taken));
        self.all.given_up.send_replace(());
    }
}

#[cfg(test)]
mod tests;
