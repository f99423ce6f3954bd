//! What is and what is not on the host: no packet filter, a status page, connections, and a
//! process beside the workload.

use anyhow::Result;
use tests::{
    process::Process,
    scenario::{FROM_APPLICATION, Scenario, URL},
    wait,
    web::SLOW_PATH,
};

use super::{Daemons, Stage, ferromesh};

pub(super) fn play(stage: &mut Stage, scenario: &Scenario, daemons: &Daemons) -> Result<()> {
    packet_filter(stage, scenario)?;
    status(stage, scenario, daemons)?;
    outside(stage, daemons)
}

fn packet_filter(stage: &mut Stage, scenario: &Scenario) -> Result<()> {
    stage.act("No packet filter", "")?;
    let netns = scenario.service_a.netns().path();
    for listing in ["iptables-save", "ip6tables-save", "nft list ruleset"] {
        let rules = stage.shell(&format!("nsenter --net={} {listing}", netns.display()))?;
        let empty = rules.lines().all(|line| line.starts_with('#'));
        stage.expect(empty, format!("`{listing}` is empty"));
    }
    Ok(())
}

fn status(stage: &mut Stage, scenario: &Scenario, daemons: &Daemons) -> Result<()> {
    stage.act(
        "Status and live connections",
        "curl takes a large answer slowly, so that there is something to see.",
    )?;
    let url = format!("{}{SLOW_PATH}", URL.trim_end_matches('/'));
    let command = scenario
        .curl()
        .args(["--output", "/dev/null"])
        .command(&url);
    stage.announce(&command);
    let seen = daemons.a.stat(FROM_APPLICATION)?;
    let log = scenario.service_a.directory().join("slow.log");
    let slow = Process::spawn("curl", command, &log)?;
    wait::until_true("the slow request", || {
        Ok(daemons.a.stat(FROM_APPLICATION)? > seen)
    })?;
    let (ferromesh, instance) = (ferromesh(), daemons.a.instance());
    let list = stage.shell(&format!("{ferromesh} connections --instance {instance}"))?;
    drop(slow);
    let dialled = format!("{}:80", scenario.service_b.v4());
    stage.expect(
        list.contains(&dialled),
        format!("the connection is listed with the address that curl dialled, {dialled}"),
    );
    let page = stage.shell(&format!("{ferromesh} status --instance {instance}"))?;
    stage.expect(
        page.contains("mesh/apps/virtualNode/serviceA"),
        "status names what the workload is",
    );
    Ok(())
}

fn outside(stage: &mut Stage, daemons: &Daemons) -> Result<()> {
    stage.act(
        "A process outside the cgroup of the workload",
        "The same host, the same address, the same user: it is nobody's business.",
    )?;
    let before = daemons.a.stat(FROM_APPLICATION)?;
    let requests =
        format!("sh -c 'seq 100 | xargs -I @ curl -s --http2-prior-knowledge {URL}?n=@'");
    let line = format!("$LAB/serviceA/outside {requests} | sort | uniq -c");
    let answers = stage.shell(&line)?;
    stage.expect(
        answers.split_whitespace().eq(["100", "serviceB"]),
        "all 100 requests reach the address that DNS gave: serviceB",
    );
    stage.expect(
        daemons.a.stat(FROM_APPLICATION)? == before,
        "the daemon of serviceA saw none of them",
    );
    Ok(())
}
