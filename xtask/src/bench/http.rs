//! Requests that a proxy answers for each second of its processor time: Envoy behind the rules of the
//! guide's iptables script, with the configuration that `ferromesh render-envoy` prints, and Ferromesh
//! with the same documents, one worker each. They take turns; the ratio is taken of each round, in
//! which both met what else the machine does.
//!
//! The client dials an address that no host has, the server answers nobody but a proxy, and both the
//! proxy and the server must have counted what the client counts.
//!
//! `rig` is the hosts and what runs on them, `load` what the client sends, `figures` what the numbers
//! mean, `profile` where a proxy spends its time.

mod figures;
mod load;
mod profile;
mod rig;

use anyhow::{Context as _, Result};

use self::{
    figures::Values,
    load::Load,
    rig::{Measured, Proxies, Proxy, Rig},
};

/// What was measured of one proxy under one load, a value for each round.
#[derive(Debug, Default)]
struct Series {
    /// Requests for each second of the proxy's processor time.
    efficiency: Values,
    /// Requests a second.
    rate: Values,
    /// The part of one processor that the proxy was busy, in percent.
    busy: Values,
    /// Time of the machine in soft interrupts for each request, in microseconds.
    softirq: Values,
}

/// Both proxies under one load.
#[derive(Debug, Default)]
struct Pair {
    series: [Series; Proxy::ALL.len()],
    /// Ferromesh's efficiency by Envoy's, of each round.
    ratio: Values,
}

/// Measures and prints.
pub(super) fn run(rounds: u32, profile: bool) -> Result<()> {
    let mut rig = Rig::set_up()?;
    let mut pairs: [Pair; Load::ALL.len()] = Default::default();
    for round in 1..=rounds {
        eprintln!("bench: round {round} of {rounds}");
        let proxies = rig.start()?;
        for (load, pair) in Load::ALL.into_iter().zip(&mut pairs) {
            pair.add(&mut rig, &proxies, load, round)?;
        }
    }
    println!(
        "requests for each second of the proxy's processor time, one worker each: medians of {rounds} \
         rounds in turn,\n[the interval in which the median is with at least 95 %]"
    );
    for (load, pair) in Load::ALL.into_iter().zip(&pairs) {
        pair.print(load);
    }
    print_conditions(&rig);
    if profile {
        let proxies = rig.start()?;
        profile::write(&mut rig, &proxies)?;
    }
    Ok(())
}

impl Pair {
    /// One round, in which either may be the first.
    fn add(&mut self, rig: &mut Rig, proxies: &Proxies, load: Load, round: u32) -> Result<()> {
        let mut order = Proxy::ALL;
        if round.is_multiple_of(2) {
            order.reverse();
        }
        let mut efficiency = [0.0; Proxy::ALL.len()];
        for proxy in order {
            let measured = rig
                .measure(proxies, proxy, load)
                .with_context(|| format!("{}, {}", proxy.name(), load.describe()))?;
            efficiency[proxy as usize] = measured.efficiency();
            self.series[proxy as usize].add(&measured);
        }
        let [envoy, ferromesh] = efficiency;
        self.ratio.add(ferromesh / envoy);
        Ok(())
    }

    fn print(&self, load: Load) {
        println!("{}", load.describe());
        for proxy in Proxy::ALL {
            let series = &self.series[proxy as usize];
            println!(
                "  {:<12}{:>9.0} {:<20} {:.0} requests/s, {:.0} % of a processor, {:.1} us of soft \
                 interrupts a request",
                proxy.name(),
                series.efficiency.median(),
                series.efficiency.interval_text(0),
                series.rate.median(),
                series.busy.median(),
                series.softirq.median(),
            );
        }
        let (ratio, wanted) = (self.ratio.median(), load.wanted());
        let verdict = if ratio >= wanted { "reached" } else { "missed" };
        println!(
            "  {:<12}{ratio:>9.2} {:<20} wanted {wanted:.1}: {verdict}",
            "ratio",
            self.ratio.interval_text(2),
        );
    }
}

impl Series {
    fn add(&mut self, measured: &Measured) {
        self.efficiency.add(measured.efficiency());
        self.rate.add(measured.rate());
        self.busy.add(measured.busy_percent());
        self.softirq.add(measured.softirq_micros());
    }
}

fn print_conditions(rig: &Rig) {
    println!(
        "processor time is utime + stime of the whole process, in which are the soft interrupts"
    );
    println!(
        "of the packets that it sends, and what iptables does with those; those of the client's"
    );
    println!(
        "and the server's packets are in their time, for both proxies alike. The figure of soft"
    );
    println!("interrupts is the whole machine's, sampled by the tick of the clock.");
    println!("{}", rig.placement());
    println!(
        "every request was counted by the proxy and by the server, which answers only what bears"
    );
    println!(
        "the request id of a proxy; the client dialled {}, an address of no host",
        rig::NOWHERE
    );
}

#[cfg(test)]
mod tests;
