//! One daemon killed: what the application sees.

use anyhow::Result;
use tests::scenario::{FROM_APPLICATION, Scenario, URL};

use super::{Daemons, Stage};

/// One request as the workload, with what curl says about it.
const ASK: &str = "$LAB/serviceA/workload curl -sS --http2-prior-knowledge";

pub(super) fn play(stage: &mut Stage, scenario: &Scenario, daemons: &mut Daemons) -> Result<()> {
    refuse(stage, daemons)?;
    bypass(stage, scenario, daemons)
}

fn kill(stage: &Stage, daemons: &mut Daemons) -> Result<()> {
    stage.shell(&format!("kill -KILL {}", daemons.a.pid()))?;
    // The shell has killed it; this collects its exit status.
    daemons.a.kill()
}

fn refuse(stage: &mut Stage, daemons: &mut Daemons) -> Result<()> {
    stage.act(
        "The daemon of serviceA killed, in `refuse` mode",
        "The default, as under App Mesh: nothing goes past a proxy that is down.",
    )?;
    kill(stage, daemons)?;
    let answer = stage.shell(&format!("{ASK} {URL}; echo \"exit status $?\""))?;
    stage.expect(
        answer.trim() == "exit status 7",
        "the application sees `connection refused`, at once",
    );
    let outside = "$LAB/serviceA/outside curl -sS --http2-prior-knowledge";
    let answer = stage.shell(&format!("{outside} {URL}"))?;
    stage.expect(
        answer == "serviceB\n",
        "nobody else on the host sees anything",
    );
    daemons.a.restart()?;
    let answer = stage.shell(&format!("{ASK} {URL}"))?;
    stage.expect(
        answer == "serviceBv2\n" && daemons.a.stat(FROM_APPLICATION)? == 1,
        "started again, the daemon takes its pins up and serves: the route still says serviceBv2",
    );
    Ok(())
}

fn bypass(stage: &mut Stage, scenario: &Scenario, daemons: &mut Daemons) -> Result<()> {
    stage.act(
        "Killed in `bypass` mode",
        "For those to whom a way round is worth more than the mesh's rules.",
    )?;
    daemons.a.terminate()?;
    daemons.a.wait()?;
    let settings = scenario.daemon_a().bypass();
    stage.announce(&settings.command()?);
    daemons.a.restart_with(settings)?;
    let answer = stage.shell(&format!("{ASK} {URL}"))?;
    stage.expect(
        answer == "serviceBv2\n",
        "with the daemon, the route decides",
    );
    kill(stage, daemons)?;
    let answer = stage.shell(&format!("{ASK} {URL}"))?;
    stage.expect(
        answer == "serviceB\n",
        "without it the connection goes direct, to the address that DNS gave",
    );
    daemons.a.restart_with(scenario.daemon_a())
}
