//! Follows the documents, and what an operator asks for: what is good comes into force, what is bad
//! changes nothing.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use ferromesh_proto::control::ChangeResponse;
use mesh_model::redirect::RedirectRules;
use mesh_proxy::Proxy;
use tokio::{
    sync::{mpsc, watch},
    task::block_in_place,
    time::sleep,
};

use super::{
    announce::Announcer,
    configuration::{Configuration, InForce, Problems, State},
    documents::Reading,
    redirection::Redirection,
};
use crate::control::{Change, Order};

/// How long until rules that the kernel did not take are tried again.
const RULES_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Everything that a change of the configuration goes through.
pub(super) struct Follower {
    configuration: Configuration,
    state: Arc<Mutex<State>>,
    announcer: Announcer,
    proxy: Option<Arc<Proxy>>,
    redirection: Redirection,
    /// The ports that are steered to the proxy.
    steered: BTreeSet<u16>,
    /// Whether the kernel has not taken the rules in force.
    is_owed: bool,
}

impl Follower {
    /// Follows a configuration that is in force.
    pub(super) fn new(
        mut configuration: Configuration,
        announcer: Announcer,
        proxy: Option<Arc<Proxy>>,
        redirection: Redirection,
    ) -> Self {
        configuration.persist();
        Self {
            steered: configuration.in_force().rules.app_ports,
            state: configuration.state(),
            configuration,
            announcer,
            proxy,
            redirection,
            is_owed: false,
        }
    }

    /// Runs until it is dropped.
    pub(super) async fn run(
        mut self,
        mut readings: watch::Receiver<Reading>,
        mut orders: mpsc::Receiver<Order>,
        mut ports_given_up: watch::Receiver<()>,
    ) {
        loop {
            let blocked = self.configuration.blocked();
            tokio::select! {
                Ok(()) = readings.changed() => {
                    let reading = readings.borrow_and_update().clone();
                    self.take(reading).await;
                }
                Some(order) = orders.recv() => self.obey(order).await,
                Ok(()) = ports_given_up.changed(), if blocked.is_some() => {
                    if let Some(documents) = blocked {
                        self.take(Ok(documents)).await;
                    }
                }
                () = sleep(RULES_AGAIN_AFTER), if self.is_owed => {
                    let InForce { rules, snapshot, .. } = self.configuration.in_force();
                    self.is_owed = !self.apply(&rules, snapshot.generation);
                    if !self.is_owed {
                        self.configuration.give_up_app_ports();
                    }
                }
            }
        }
    }

    async fn take(&mut self, reading: Reading) {
        let fresh = match reading {
            Ok(documents) => block_in_place(|| self.configuration.take(documents)),
            Err(Problems(problems)) => {
                self.configuration.refuse(problems);
                None
            }
        };
        self.put_in_force(fresh).await;
    }

    async fn obey(&mut self, Order { change, answer }: Order) {
        let changed = block_in_place(|| match change {
            Change::RollBack(generation) => self.configuration.roll_back(generation).map(Some),
            Change::Release => self.configuration.release(),
            Change::Reattach => {
                let in_force = self.configuration.in_force();
                self.redirection.enrol(&in_force).map(|()| None)
            }
            Change::Adopt(settings) => self.configuration.adopt(&settings),
        });
        let said = match changed {
            Ok(fresh) => {
                self.put_in_force(fresh).await;
                self.said()
            }
            Err(refusal) => ChangeResponse {
                refusal: format!("{refusal:#}"),
                ..ChangeResponse::default()
            },
        };
        // Whoever asked may have gone away meanwhile.
        let _ = answer.send(said);
    }

    fn said(&self) -> ChangeResponse {
        let state = self.state.lock().expect("no holder panics");
        ChangeResponse {
            refusal: String::new(),
            generation: state.in_force.snapshot.generation,
            rolled_back_to: state.rolled_back_to,
            source: self.configuration.source(),
            unkept: state.unkept.join("\n"),
        }
    }

    /// Gives what came into force, if anything did, to the proxy and to the kernel, and then keeps
    /// it.
    async fn put_in_force(&mut self, fresh: Option<InForce>) {
        self.announce();
        if let Some(fresh) = fresh {
            let generation = fresh.snapshot.generation;
            // No port is steered to a proxy that does not serve it: those that go are let go first,
            // those that come are steered last.
            let staying: BTreeSet<u16> = &self.steered & &fresh.rules.app_ports;
            if staying != self.steered {
                let mut first = fresh.rules.clone();
                first.app_ports = staying;
                self.apply(&first, generation);
            }
            self.steered.clone_from(&fresh.rules.app_ports);
            if let Some(proxy) = &self.proxy {
                proxy.publish(fresh.snapshot).await;
            }
            self.is_owed = !self.apply(&fresh.rules, generation);
            if !self.is_owed {
                self.configuration.give_up_app_ports();
            }
        }
        block_in_place(|| self.configuration.persist());
        self.announce();
    }

    fn announce(&mut self) {
        let state = self.state.lock().expect("no holder panics");
        self.announcer.announce(&state);
    }

    /// Gives rules to the kernel, and says whether it took them.
    fn apply(&self, rules: &RedirectRules, generation: u64) -> bool {
        let applied = self.redirection.apply(rules, generation);
        let trouble = applied.err().map(|error| {
            format!(
                "the redirection rules of generation {generation} are not wholly in force: {error:#}"
            )
        });
        if let Some(trouble) = &trouble {
            tracing::error!("{trouble}; they are tried again");
        }
        let is_well = trouble.is_none();
        self.configuration.note_rules(trouble);
        is_well
    }
}
