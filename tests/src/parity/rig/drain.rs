//! The drain of both proxies, once every client and service of the cases is where it waits for that.

use std::{
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use super::{Rig, Side, by_direction};
use crate::{
    envoy::Launch,
    parity::{
        case::{Case, End, Mesh, Protocol, owned},
        gate,
        http2::Link,
        observation::Observation,
        wire::{PATIENCE, Wire},
    },
    wait,
};

/// What the client of a case saw.
type Seen = (usize, Observation);

/// `LISTENER_DRAIN_WAIT_TIME_S`. Envoy says for 5 s of a connection of HTTP/2 that it will end (the default
/// `drain_timeout` of the connection manager).
const DRAIN: Duration = Duration::from_secs(10);

/// Cases that begin at a time on both sides: each proxy has one worker, and a quarter of a second to connect to
/// its application.
const AT_ONCE: usize = 8;

/// What a daemon is given of which a proxy is to drain: on a single worker all connections drain at the same
/// time.
pub(super) fn arguments(mesh: Mesh) -> Vec<String> {
    let given = [("--workers", 1), ("--drain-s", DRAIN.as_secs())];
    let given = given.iter().filter(|_| mesh == Mesh::Drained);
    given
        .flat_map(|(flag, value)| [(*flag).to_owned(), value.to_string()])
        .collect()
}

/// How its Envoy is started.
pub(super) fn launch(mesh: Mesh) -> Launch {
    let mut launch = Launch::default();
    if mesh == Mesh::Drained {
        launch.workers = 1;
    }
    launch
}

impl Rig {
    /// Runs the clients of cases on both sides, Ferromesh's first, with a drain between.
    pub(super) fn drain(
        &self,
        [ferromesh, envoy]: [&mut Side; 2],
        cases: &[&Case],
    ) -> Result<[Vec<Seen>; 2]> {
        thread::scope(|scope| {
            let (mut visits, mut missing) = (Vec::new(), Vec::new());
            for group in cases.chunks(AT_ONCE) {
                let (inbound, outbound) = by_direction(group);
                for to in [ferromesh.host.v4(), envoy.host.v4()] {
                    let inbound = inbound.clone();
                    visits.push(scope.spawn(move || self.visit(to, &inbound)));
                }
                ferromesh.agent.call(&outbound)?;
                envoy.agent.call(&outbound)?;
                missing = gather_at_gate([ferromesh, envoy], group)?;
                if !missing.is_empty() {
                    break;
                }
            }
            let guest = self.guest(ferromesh)?;
            let drained = drain_both([ferromesh, envoy], &guest);
            // Nobody is kept waiting by what has failed here.
            gate::open();
            ferromesh.agent.drained()?;
            envoy.agent.drained()?;
            let began = drained?;
            ferromesh.daemon.wait()?;
            wait::until_moment(began + DRAIN);
            let program = envoy.envoy.as_mut();
            program
                .context("the other side has no Envoy")?
                .terminate()?;
            self.left([ferromesh, envoy])?;
            let mut seen = [ferromesh.agent.saw()?, envoy.agent.saw()?];
            for (number, visit) in visits.into_iter().enumerate() {
                let visit = visit.join();
                let of_side = visit.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                seen[number % 2].extend(of_side);
            }
            ensure_all_came(&missing, &seen)?;
            Ok(seen)
        })
    }

    /// Waits until services know that nobody is connected to them any more.
    fn left(&self, sides: [&mut Side; 2]) -> Result<()> {
        let [ferromesh, envoy] = sides;
        wait::until_true("services to be left", || {
            let of_agents = ferromesh.agent.visits()? + envoy.agent.visits()?;
            Ok(self.recorder.visits() + of_agents == 0)
        })
    }

    /// A connection of HTTP/2 to the application of a host on which a request has been answered.
    fn guest(&self, side: &Side) -> Result<Link> {
        let protocol = Protocol::Http2;
        let to = (side.host.v4(), protocol.listener_port());
        let connect = || TcpStream::connect(to).context("cannot connect to the application");
        let stream = self.services.netns().inside(connect)??;
        let link = Link::new(Wire::new(stream)?, true);
        let fields = [
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "guest"),
            (":path", "/"),
        ];
        link.send_head(1, &owned(&fields), End::Stream);
        let answered = link.wait(PATIENCE, |seen| seen.streams.get(&1)?.ended.then_some(()));
        answered.context("the application does not answer")?;
        Ok(link)
    }
}

/// Waits until everybody waits for the drain; the cases of which somebody does not come.
fn gather_at_gate<'a>(
    [ferromesh, envoy]: [&mut Side; 2],
    cases: &[&'a Case],
) -> Result<Vec<&'a Case>> {
    let mut missing = Vec::new();
    let all = wait::within(PATIENCE, "everybody to wait for the drain", || {
        let mut arrived = gate::arrived();
        arrived.extend(ferromesh.agent.arrived()?);
        arrived.extend(envoy.agent.arrived()?);
        let is_missing = |case: &&Case| {
            let own = arrived.iter().filter(|id| **id == case.id);
            own.count() < 2 * case.arrivals()
        };
        missing = cases.iter().copied().filter(is_missing).collect();
        Ok(missing.is_empty().then_some(()))
    });
    // Who does not come is told with what came of it.
    if missing.is_empty() {
        all?;
    }
    Ok(missing)
}

/// Drains both proxies; when that began. Ferromesh tells its guests that have nothing under way at once, and
/// Envoy drains when it says that it will.
fn drain_both([ferromesh, envoy]: [&mut Side; 2], guest: &Link) -> Result<Instant> {
    let began = Instant::now();
    let program = envoy.envoy.as_ref();
    program.context("the other side has no Envoy")?.drain()?;
    ferromesh.daemon.terminate()?;
    let told = guest.wait(PATIENCE, |seen| seen.goaway);
    told.context("Ferromesh does not drain")?;
    Ok(began)
}

/// Fails if somebody did not come, and says what the clients of those cases saw.
fn ensure_all_came(missing: &[&Case], [ours, theirs]: &[Vec<Seen>; 2]) -> Result<()> {
    let of = |seen: &[Seen], case: &Case| {
        let seen = seen.iter().find(|(id, _)| *id == case.id);
        seen.map(|(_, seen)| seen.clone())
    };
    let told: Vec<String> = missing
        .iter()
        .map(|case| {
            let (ours, theirs) = (of(ours, case), of(theirs, case));
            format!("{}: {ours:?}, with Envoy {theirs:?}", case.full_name())
        })
        .collect();
    ensure!(
        told.is_empty(),
        "somebody did not wait for the drain:\n{}",
        told.join("\n")
    );
    Ok(())
}
