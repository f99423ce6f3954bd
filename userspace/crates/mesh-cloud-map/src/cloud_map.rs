//! Who asks AWS Cloud Map for all workloads of a daemon: clusters that are after the same share the
//! questions and the answers.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::{runtime::Handle, sync::watch};

use crate::{
    api::{Api, Attributes, Service},
    aws::Aws,
    watched::{Heard, Watched},
};

/// Asks for what clusters subscribe to, and for nothing else.
#[derive(Clone)]
pub struct CloudMap {
    shared: Arc<Shared>,
}

struct Shared {
    api: Arc<dyn Api>,
    /// Where the questions are asked, in whichever network namespace that is.
    runtime: Handle,
    services: Mutex<HashMap<Service, Weak<Watched>>>,
}

impl CloudMap {
    /// Asks somebody, on a runtime.
    pub fn new(api: Arc<dyn Api>, runtime: Handle) -> Self {
        let services = Mutex::default();
        Self {
            shared: Arc::new(Shared {
                api,
                runtime,
                services,
            }),
        }
    }

    /// Asks AWS, on a runtime. Nothing of AWS is looked for before somebody subscribes.
    pub fn of_aws(runtime: Handle) -> Self {
        Self::new(Arc::new(Aws::default()), runtime)
    }

    /// Hears of the instances of a service that have these attributes, from the next answer on, or at
    /// once where somebody else is after the same. It is asked for as long as the subscription is kept.
    pub fn subscribe(&self, service: Service, attributes: &Attributes) -> Subscription {
        let Shared {
            api,
            runtime,
            services,
        } = &*self.shared;
        let mut services = services.lock().unwrap_or_else(PoisonError::into_inner);
        services.retain(|_, watched| watched.strong_count() > 0);
        let watched = services.get(&service).and_then(Weak::upgrade);
        let watched = watched.unwrap_or_else(|| {
            let watched = Watched::start(service.clone(), Arc::clone(api), runtime);
            services.insert(service, Arc::downgrade(&watched));
            watched
        });
        Subscription {
            heard: watched.hear(attributes),
            _watched: watched,
        }
    }
}

impl fmt::Debug for CloudMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudMap").finish_non_exhaustive()
    }
}

/// What is heard of a service.
#[derive(Debug)]
pub struct Subscription {
    heard: watch::Receiver<Heard>,
    /// Its service is asked for as long as this is.
    _watched: Arc<Watched>,
}

impl Subscription {
    /// What was heard last; waits for the first answer, or for the reason why there is none.
    pub async fn last(&mut self) -> Heard {
        let is_something = |heard: &Heard| heard.known.is_some() || heard.trouble.is_some();
        match self.heard.wait_for(is_something).await {
            Ok(heard) => heard.clone(),
            Err(_) => unreachable!("what is sent lives in what is watched"),
        }
    }

    /// Returns when there are other instances, or trouble begins, is another or ends.
    pub async fn changed(&mut self) {
        // What is sent lives in what is watched, so waiting cannot fail.
        let _ = self.heard.changed().await;
    }
}

#[cfg(test)]
mod tests;
