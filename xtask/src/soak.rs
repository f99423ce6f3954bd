//! `cargo xtask soak`: a daemon with eight workloads under steady load, while its rules change,
//! other workloads come and go, and it is killed now and then.
//!
//! `fleet` is the hosts, the servers and the daemon; `actors` are what disturbs them; `judge` reads
//! what each connection met; `rates` says whether there was as much of everything as there should be.
//! `rolling` and `faults` are others: a service whose hosts are replaced, and services with a bad endpoint
//! beside Envoy.

mod accounts;
mod actors;
mod documents;
mod faults;
mod fleet;
mod judge;
mod rates;
mod records;
mod rolling;
mod samples;

use std::{
    env,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use self::{
    actors::Stage,
    fleet::Fleet,
    judge::{Outage, Verdict},
    rates::Rate,
};
use crate::{build, command, layout, setup};

/// Workloads that have a load.
const WORKLOADS: usize = 8;
/// Connections a second out of each workload.
const OUT: usize = 20;
/// Connections a second into all of them.
const IN: usize = 40;
/// How often the daemon is killed.
const KILLS: u32 = 5;
/// Workloads that take turns at being enrolled and released: while its programs are verified, which
/// takes a busy machine a second and more, the next ones come and go.
const GUESTS: usize = 4;
/// What a connection may take at the most, and the daemon to be as empty as before.
const SETTLING: Duration = Duration::from_mins(1);

/// This part of the time is without any disturbance.
const QUIET_SHARE: u32 = 8;
/// Descriptors that an idle daemon may have more than before: connections that it keeps for later.
const SPARE: usize = 32;

/// Minutes of it within the test command.
const SHARE: &str = "2";

/// What `cargo xtask soak` takes.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    other: Option<Other>,
    /// How long
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
    /// Run the daemon that `FERROMESH_BIN` names, and build none
    #[arg(long)]
    built: bool,
}

/// What else goes on for minutes.
#[derive(Debug, clap::Subcommand)]
enum Other {
    /// Replace the four hosts of a service one after the other under load
    Rolling(rolling::Args),
    /// Call services with a bad endpoint through Envoy and through Ferromesh, and compare what comes
    Faults(faults::Args),
}

/// Sets up, builds and runs it.
///
/// # Errors
/// When something was misrouted, hung, was lost without a kill, grew, or was left behind.
pub(crate) fn run(args: &Args) -> Result<()> {
    ensure_root()?;
    match &args.other {
        Some(Other::Rolling(args)) => return rolling::run(args),
        Some(Other::Faults(args)) => return faults::run(args),
        None => {}
    }
    setup::ensure(&[setup::Purpose::Build, setup::Purpose::Test])?;
    let peer = if args.built {
        layout::test_program(fleet::PEER)
    } else {
        build::run()?;
        command::build_test_program(fleet::PEER)?
    };
    command::step("soak", || for_minutes(args.minutes, peer))
}

fn ensure_root() -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "the soak makes network namespaces and loads eBPF programs: run it as root"
    );
    Ok(())
}

/// A share of it for the test command, of the daemon that is tested: how many passed and failed, of
/// one.
pub(crate) fn share() -> (usize, usize) {
    let soak = || {
        let itself = env::current_exe().context("cannot find this program")?;
        let mut soak = Command::new(itself);
        soak.args(["soak", "--built", "--minutes", SHARE])
            .env("FERROMESH_BIN", layout::tested_daemon());
        command::run(&mut soak)
    };
    match command::step("test: soak", soak) {
        Ok(()) => (1, 0),
        Err(error) => {
            eprintln!("test: FAILED the soak: {error:#}");
            (0, 1)
        }
    }
}

/// Runs it with what is built: most of the time with every disturbance, the rest with none, so that
/// every byte can be told.
fn for_minutes(minutes: u64, peer: PathBuf) -> Result<()> {
    let mut fleet = Fleet::set_up(peer)?;
    let idle = fleet.settled()?;
    let share = Duration::from_mins(minutes) / QUIET_SHARE;
    let (verdict, outages) = disturbed(&fleet, share * (QUIET_SHARE - 1))?;
    let left = fleet.settled().context("after the load")?;
    println!("soak: descriptors of the idle daemon: {idle} before, {left} after");
    ensure!(left <= idle + SPARE, "descriptors were left open");
    quiet(&fleet, share)?;
    fleet.settled().context("after the quiet load")?;
    let peers = fleet.peers.name();
    records::reconcile(&fleet.records()?, peers, &verdict.complete, &outages)?;
    fleet.end()
}

fn disturbed(fleet: &Fleet, duration: Duration) -> Result<(Verdict, Vec<Outage>)> {
    let end = Instant::now() + duration;
    let loads = fleet.start_loads("disturbed", duration)?;
    let stage = Stage::new(fleet, end);
    let outcomes = thread::scope(|scope| {
        let actors = [
            scope.spawn(|| stage.change_rules()),
            scope.spawn(|| stage.have_guests()),
            scope.spawn(|| stage.kill(duration / (KILLS + 1))),
            scope.spawn(|| stage.watch()),
        ];
        let joined = |actor: thread::ScopedJoinHandle<'_, Result<usize>>| {
            actor
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        actors.map(joined)
    });
    let outages = stage.outages();
    let verdict = judge::judge(&loads.finish(SETTLING)?, &outages);
    verdict.print();
    let flat = stage.judge_samples();
    let [changes, guests, kills, samples] = outcomes;
    let (changes, guests, kills, samples) = (changes?, guests?, kills?, samples?);
    let down: Duration = outages.iter().map(|outage| outage.length()).sum();
    let seconds = down.as_secs_f64();
    println!(
        "soak: {kills} kills, after which it was down for {seconds:.1} s in all; {samples} samples"
    );
    verdict.passed()?;
    Rate::of_connections(&verdict).judge()?;
    Rate::of_changes(changes, duration).judge()?;
    Rate::of_guests(guests, duration.saturating_sub(down)).judge()?;
    ensure!(
        kills == KILLS as usize,
        "the daemon was killed {kills} times"
    );
    verdict.saw_rules_change(WORKLOADS)?;
    flat?;
    Ok((verdict, outages))
}

fn quiet(fleet: &Fleet, duration: Duration) -> Result<()> {
    let before = accounts::of_records(fleet)?;
    let loads = fleet.start_loads("quiet", duration)?;
    let verdict = judge::judge(&loads.finish(duration + SETTLING)?, &[]);
    verdict.print();
    verdict.passed()?;
    Rate::of_connections(&verdict).judge()?;
    accounts::agree(fleet, &before, &verdict)
}
