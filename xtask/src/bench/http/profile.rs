//! Where a proxy spends its time under a load, as perf samples it.

use std::{fs, process::Command};

use ::tests::process;
use anyhow::{Context as _, Result};

use super::{
    load::Load,
    rig::{Proxies, Proxy, Rig},
};
use crate::{command, layout};

/// Samples a second: no divisor of the timers' rates.
const FREQUENCY: &str = "1999";

/// Writes `target/bench/PROXY-LOAD.data` and, for people, `.txt` for each proxy and load.
pub(super) fn write(rig: &mut Rig, proxies: &Proxies) -> Result<()> {
    if command::find("perf").is_none() {
        println!("no profile: perf is not installed (Debian: linux-perf)");
        return Ok(());
    }
    let directory = layout::target().join("bench");
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    for proxy in Proxy::ALL {
        for load in Load::ALL {
            let name = format!("{}-{}", proxy.word(), load.word());
            let data = directory.join(&name).with_extension("data");
            let data = data.to_string_lossy();
            let pid = proxies.pid(proxy).to_string();
            // The client's command ends the recording, and is not recorded itself.
            let record = [
                "perf",
                "record",
                "--quiet",
                "--no-buildid-cache",
                "-g",
                "--freq",
            ];
            let of = [FREQUENCY, "--pid", &pid, "--output", &data, "--"];
            let through: Vec<String> = record.iter().chain(&of).map(ToString::to_string).collect();
            rig.send(proxies, proxy, load, load.requests(), &through)
                .with_context(|| format!("the profile of {name}"))?;
            // By object first: Envoy's has no symbols.
            let report = [report(&data, "dso")?, report(&data, "dso,symbol")?].concat();
            let text = directory.join(&name).with_extension("txt");
            fs::write(&text, report).with_context(|| format!("cannot write {}", text.display()))?;
            println!("profile: {}", text.display());
        }
    }
    Ok(())
}

/// The shares of a profile, the largest first.
fn report(data: &str, by: &str) -> Result<String> {
    let mut report = Command::new("perf");
    report
        .args([
            "report",
            "--stdio",
            "--no-children",
            "--call-graph=none",
            "--percent-limit=0.3",
        ])
        .args(["--input", data, &format!("--fields=overhead,{by}")]);
    process::run(&mut report)
}
