//! Everything left running, and what to try with it.

use anyhow::Result;
use tests::scenario::{Scenario, URL};

use super::{Daemons, Stage, ferromesh, stage::say};

pub(super) fn play(stage: &mut Stage, scenario: Scenario, daemons: Daemons) -> Result<()> {
    stage.act(
        "Left running",
        "Commands to try, from the root of the repository:",
    )?;
    let lab = scenario.network.directory().display().to_string();
    let instance = daemons.a.instance().to_owned();
    let file = scenario.documents.file_of("routeName", "serviceB")?;
    let ferromesh = ferromesh();
    for mut daemon in [daemons.a, daemons.b, daemons.bv2] {
        daemon.detach();
    }
    scenario.keep()?;
    let lines = [
        format!("export LAB={lab}"),
        format!("$LAB/serviceA/workload curl -s '{URL}?n=[1-100]' | sort | uniq -c"),
        format!("$LAB/serviceA/outside curl -s --http2-prior-knowledge {URL}"),
        format!("{ferromesh} status --instance {instance}"),
        format!("{ferromesh} connections --instance {instance} --watch"),
        format!("$EDITOR $LAB/documents/{file}        # change the weights, then ask again"),
        "$LAB/serviceA/outside curl -s http://127.0.0.1:9901/stats/prometheus".to_owned(),
        "cargo xtask demo --stop              # ends and removes all of it".to_owned(),
    ];
    for line in lines {
        say(format!("  {line}"));
    }
    Ok(())
}
