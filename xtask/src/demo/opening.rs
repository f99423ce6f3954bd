//! The hosts, the documents and the daemons.

use anyhow::Result;
use tests::{
    daemon::{Daemon, Settings},
    scenario::{Scenario, URL},
};

use super::{Daemons, Stage, ferromesh, stage::say};

pub(super) fn play(stage: &mut Stage, scenario: &Scenario) -> Result<Daemons> {
    hosts(stage, scenario)?;
    documents(stage)?;
    daemons(stage, scenario)
}

fn hosts(stage: &mut Stage, scenario: &Scenario) -> Result<()> {
    stage.act(
        "Three hosts, a name server and two versions of a service",
        "Network namespaces on one bridge. dnsmasq knows apps.local; nginx speaks HTTP/2 without
         TLS on port 80 as serviceB and as serviceBv2; the application on serviceA is curl.
         In $LAB there is a directory for each host, with scripts that run a command on it: as its
         workload (`workload`), beside it (`outside`), in the daemon's place (`daemon`).",
    )?;
    let lab = scenario.network.directory().display();
    stage.shell(&format!("LAB={lab}; ls $LAB $LAB/serviceA"))?;
    for host in [
        &scenario.service_a,
        &scenario.service_b,
        &scenario.service_bv2,
    ] {
        let (name, v4, v6) = (host.name(), host.v4(), host.v6());
        say(format!(
            "{name:<12}{v4:<14}{v6:<18}namespace {}",
            host.netns().name()
        ));
    }
    let before =
        "$LAB/serviceA/workload curl -s --http2-prior-knowledge http://serviceb.apps.local/";
    let answer = stage.shell(before)?;
    let as_dns_says = answer == "serviceB\n";
    stage.expect(
        as_dns_says,
        "without Ferromesh serviceb.apps.local is what DNS says: serviceB",
    );
    Ok(())
}

fn documents(stage: &mut Stage) -> Result<()> {
    stage.act(
        "The documents of the getting-started guide, as AWS CLI input",
        "serviceB is a virtual service behind a router: 75 of 100 requests go to the virtual node
         serviceB, 25 to serviceBv2.",
    )?;
    let ferromesh = ferromesh();
    stage.shell(&format!("{ferromesh} validate $LAB/documents"))?;
    let explained = stage.shell(&format!(
        "{ferromesh} explain --mesh-config $LAB/documents \
         --resource mesh/apps/virtualNode/serviceA {URL}"
    ))?;
    let names_both = explained.contains("serviceBv2") && explained.contains("75");
    stage.expect(names_both, "`explain` names both targets and their weights");
    Ok(())
}

fn daemons(stage: &mut Stage, scenario: &Scenario) -> Result<Daemons> {
    stage.act(
        "One daemon a host",
        "Each loads its programs, attaches them to the cgroup of its workload and is its proxy.",
    )?;
    let start = |settings: Settings| -> Result<Daemon> {
        stage.announce(&settings.command()?);
        settings.start()
    };
    let daemons = Daemons {
        b: start(scenario.daemon_b())?,
        bv2: start(scenario.daemon_bv2())?,
        a: start(scenario.daemon_a())?,
    };
    let admin = "$LAB/serviceA/outside curl -s http://127.0.0.1:9901/server_info";
    let answer = stage.shell(&format!("{admin} | grep state"))?;
    stage.expect(answer.contains("LIVE"), "the daemon of serviceA is LIVE");
    Ok(daemons)
}
