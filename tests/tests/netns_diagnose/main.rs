//! Why: explanations, watched decisions, the look at a host, and what support gets, beside a
//! daemon through which requests go.

mod bundle;
mod check;
mod explain;
mod trace;

use tests::{
    daemon::{Daemon, binary},
    process::{self, Output},
    scenario::Scenario,
};

/// A command of ferromesh in the namespace of `serviceA`, for the daemon's instance.
fn ask(scenario: &Scenario, daemon: &Daemon, words: &[&str]) -> Output {
    let (command, arguments) = words.split_first().unwrap();
    let mut inside = scenario.service_a.netns().command(binary().unwrap());
    inside
        .args([command, "--instance", daemon.instance()])
        .args(arguments);
    process::output(&mut inside).unwrap()
}
