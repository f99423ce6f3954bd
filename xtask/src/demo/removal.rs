//! Uninstalled: what is left of three daemons.

use std::{collections::BTreeSet, path::PathBuf};

use anyhow::Result;
use tests::{
    daemon::{Daemon, directories},
    host::{Host, Place},
    kernel::{self, KernelObject},
    network::Network,
    process,
    scenario::Scenario,
    wait,
};

use super::{Daemons, Stage, ferromesh};

pub(super) fn play(stage: &mut Stage, scenario: Scenario, daemons: Daemons) -> Result<()> {
    stage.act(
        "Uninstalled",
        "The daemons drain and end; their links, maps, pins and addresses go with them.",
    )?;
    let Daemons { a, b, bv2 } = daemons;
    let hosts = [
        (a, &scenario.service_a),
        (b, &scenario.service_b),
        (bv2, &scenario.service_bv2),
    ];
    for (mut daemon, host) in hosts {
        uninstall(stage, &mut daemon, host)?;
    }
    clear_away(stage, scenario);
    Ok(())
}

fn uninstall(stage: &mut Stage, daemon: &mut Daemon, host: &Host) -> Result<()> {
    let objects = kernel::pinned(daemon.instance())?;
    let count = |kind| {
        objects
            .iter()
            .filter(|object| object.kind() == kind)
            .count()
    };
    let (links, maps) = (count("link"), count("map"));
    stage.shell(&format!(
        "{} uninstall --instance {}",
        ferromesh(),
        daemon.instance()
    ))?;
    let ended = daemon.wait()?;
    stage.expect(
        ended.success() && links > 0 && maps > 0 && all_gone(&objects),
        format!("its {links} links and {maps} maps are gone"),
    );
    let left: Vec<_> = directories(daemon.instance())?
        .into_iter()
        .filter(|directory| directory.exists())
        .collect();
    stage.expect_none(&left, "so are its pins, its control socket and its cgroup");
    let addresses = process::run(
        host.netns()
            .command("ip")
            .args(["-brief", "address", "show", "lo"]),
    )?;
    let local: Vec<_> = addresses.split_whitespace().skip(2).collect();
    stage.expect(
        local == ["127.0.0.1/8", "::1/128"],
        format!(
            "the loopback interface has its own addresses and no other: {}",
            local.join(", ")
        ),
    );
    let members = tests::cgroup::members(host.cgroup(Place::Daemon))?;
    stage.expect(members.is_empty(), "no process of it is left");
    Ok(())
}

/// Programs and maps are freed a grace period after their last reference has gone.
fn all_gone(objects: &BTreeSet<KernelObject>) -> bool {
    let gone = || {
        for object in objects {
            if object.exists()? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    wait::until_true("the end of the instance's objects", gone).is_ok()
}

/// Drops the hosts and looks for what is left of them.
fn clear_away(stage: &mut Stage, scenario: Scenario) {
    let traces = traces_of(&scenario.network);
    drop(scenario);
    let left: Vec<_> = traces.iter().filter(|path| path.exists()).collect();
    stage.expect_none(&left, "hosts, cgroups and files of the demo are gone too");
}

fn traces_of(network: &Network) -> [PathBuf; 3] {
    [
        network.directory().to_owned(),
        network.cgroup().path().to_owned(),
        network.switch().path(),
    ]
}
