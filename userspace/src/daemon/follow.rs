//! Follows the documents: what is good comes into force, what is bad changes nothing.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use mesh_config::source::watch::Watch;
use mesh_model::redirect::RedirectRules;
use mesh_proxy::Proxy;
use tokio::time::sleep;

use super::{
    announce::Announcer,
    configuration::{Configuration, InForce},
    redirection::Redirection,
};

/// How long until rules that the kernel did not take are tried again.
const RULES_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Runs until it is dropped.
pub(super) async fn follow(
    mut watch: Watch,
    mut announcer: Announcer,
    configuration: Arc<Mutex<Configuration>>,
    proxy: Option<Arc<Proxy>>,
    redirection: Redirection,
) {
    let in_force = |configuration: &Mutex<Configuration>| {
        let configuration = configuration.lock().expect("no holder panics");
        configuration.in_force().clone()
    };
    let mut steered = in_force(&configuration).rules.app_ports;
    let mut is_owed = false;
    loop {
        let changed = tokio::select! {
            changed = watch.changed() => changed,
            () = sleep(RULES_AGAIN_AFTER), if is_owed => {
                let InForce { rules, snapshot, .. } = in_force(&configuration);
                is_owed = !put_in_force(&redirection, &configuration, &rules, snapshot.generation);
                continue;
            }
        };
        let fresh = {
            let mut configuration = configuration.lock().expect("no holder panics");
            let fresh = match changed {
                Ok(documents) => configuration.take(documents).cloned(),
                Err(error) => {
                    configuration.refuse(vec![format!("{:#}", anyhow::Error::new(error))]);
                    None
                }
            };
            announcer.announce(&configuration);
            fresh
        };
        let Some(fresh) = fresh else { continue };
        let generation = fresh.snapshot.generation;
        // No port is steered to a proxy that does not serve it: those that go are let go first,
        // those that come are steered last.
        let staying: BTreeSet<u16> = &steered & &fresh.rules.app_ports;
        if staying != steered {
            let mut first = fresh.rules.clone();
            first.app_ports = staying;
            put_in_force(&redirection, &configuration, &first, generation);
        }
        steered.clone_from(&fresh.rules.app_ports);
        if let Some(proxy) = &proxy {
            proxy.publish(fresh.snapshot).await;
        }
        is_owed = !put_in_force(&redirection, &configuration, &fresh.rules, generation);
    }
}

/// Gives rules to the kernel, and says whether it took them.
fn put_in_force(
    redirection: &Redirection,
    configuration: &Mutex<Configuration>,
    rules: &RedirectRules,
    generation: u64,
) -> bool {
    let trouble = redirection.apply(rules, generation).err().map(|error| {
        format!(
            "the redirection rules of generation {generation} are not wholly in force: {error:#}"
        )
    });
    if let Some(trouble) = &trouble {
        tracing::error!("{trouble}; they are tried again");
    }
    let is_well = trouble.is_none();
    configuration
        .lock()
        .expect("no holder panics")
        .note_rules(trouble);
    is_well
}
