//! A machine that has more to do than it can: the daemon is slow, and not down.

use std::{
    convert::identity,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use tests::{capability, host::Place, probe::Probe, process::Process, scenario::Scenario, wait};

/// How long it is watched.
const WATCHED: Duration = Duration::from_secs(6);
/// Busy processes for each core.
const CROWD: usize = 4;

#[test]
fn a_busy_machine_does_not_make_the_daemon_count_as_down() {
    if !capability::namespace_ring() {
        return;
    }
    let (scenario, _daemon, _) = Scenario::diverted(identity).unwrap();
    let host = &scenario.service_a;
    let busy = |number: usize| {
        let mut command: Command = host.command(Place::Outside, "sh");
        command.args(["-c", "while :; do :; done"]);
        Process::spawn(
            "busy",
            command,
            &host.directory().join(format!("busy-{number}")),
        )
        .unwrap()
    };
    let cores = thread::available_parallelism().unwrap().get();
    let _crowd: Vec<Process> = (0..cores * CROWD).map(busy).collect();
    let address = (scenario.service_b.v4(), 80).into();
    let program = Path::new(env!("CARGO_BIN_EXE_failover-probe"));
    let mut probe = Probe::requests(program, host, address, "serviceb.apps.local").unwrap();
    probe.after(Duration::ZERO, "answered serviceBv2").unwrap();
    let begun = Instant::now();
    wait::until_true("the end of the watch", || Ok(begun.elapsed() > WATCHED)).unwrap();
    let outcomes: Vec<_> = probe.outcomes().map(|(_, outcome)| outcome).collect();
    let down = ["refused", "reset", "answered serviceB"];
    assert!(
        !outcomes
            .iter()
            .any(|outcome| down.contains(&outcome.as_str())),
        "the daemon counted as down: {outcomes:?}"
    );
}
