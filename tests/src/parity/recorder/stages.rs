//! What endpoints do that join a service in their time, by how often they have been probed.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{Recorder, Visit};
use crate::parity::{
    case::{Asker, Case, LEAST_PAUSE, Reply, STAGE, Target},
    meshes,
};

/// How long after a probe has come what it says has taken effect, and that it had no answer in time.
const SETTLED: Duration = Duration::from_secs(3);

/// The first of the endpoints that join.
const FIRST: usize = 1;

/// What callers did to the services that are staged.
#[derive(Debug, Default)]
pub(crate) struct Stages {
    /// By case, caller and endpoint.
    probes: BTreeMap<(usize, IpAddr, usize), Probes>,
    /// By case and caller.
    called: BTreeSet<(usize, IpAddr)>,
}

/// The probes of one endpoint.
#[derive(Debug, Default)]
struct Probes {
    count: usize,
    last: Option<Instant>,
    least_pause: Option<Duration>,
}

impl Probes {
    fn add(&mut self) {
        self.count += 1;
        let now = Instant::now();
        let pause = self.last.map(|last| now.duration_since(last));
        self.least_pause = self.least_pause.into_iter().chain(pause).min();
        self.last = Some(now);
    }

    fn is_settled(&self) -> bool {
        self.last.is_some_and(|last| last.elapsed() >= SETTLED)
    }
}

impl Stages {
    /// What an answer says of the endpoints that joined: which stage all of them have reached, and the least
    /// pause that any has had.
    fn said(&self, case: &Case, caller: IpAddr) -> (String, String) {
        let count = match &case.target {
            Target::Own(own) => own.endpoints.map_or(0, |endpoints| endpoints.count),
            _ => 0,
        };
        let joined: Option<Vec<&Probes>> = (FIRST..count)
            .map(|endpoint| self.probes.get(&(case.id, caller, endpoint)))
            .collect();
        let joined = joined.unwrap_or_default();
        let stage = joined.first().map(|first| first.count);
        let are_there = |stage: &usize| {
            let mut joined = joined.iter();
            joined.all(|one| one.count == *stage && one.is_settled())
        };
        let stage = stage.filter(are_there).map(|stage| stage.to_string());
        let pause = joined.iter().filter_map(|one| one.least_pause).min();
        // A probe takes its time to get here, one more than another.
        let near = |pause: Duration| (pause + Duration::from_millis(100)).as_secs().to_string();
        (
            stage.unwrap_or_else(|| "between".to_owned()),
            pause.map_or_else(|| "-".to_owned(), near),
        )
    }
}

impl Recorder {
    /// What an endpoint of a staged service does.
    pub(super) fn staged(&self, visit: &Visit, case: &Case, asker: Asker) -> Vec<Reply> {
        let endpoint = meshes::endpoint_of(visit.at.ip()).unwrap_or(0);
        let mut stages = self.stages();
        let key = |endpoint: usize| (case.id, visit.from, endpoint);
        if asker == Asker::Probe && endpoint >= FIRST {
            stages.probes.entry(key(endpoint)).or_default().add();
        }
        let count = stages.probes.get(&key(endpoint)).map_or(0, |own| own.count);
        let stage = count.checked_sub(1).and_then(|past| {
            let last = case.stages.len() - 1;
            case.stages.get(past.min(last))
        });
        if asker == Asker::Probe {
            let own = stage.map(|stage| stage.probe.clone());
            return own.unwrap_or_else(|| case.replies_of(None, asker));
        }
        stages.called.insert((case.id, visit.from));
        let own = stage.and_then(|stage| stage.request.as_ref());
        let replies = own.unwrap_or(&case.replies);
        let (now, pause) = stages.said(case, visit.from);
        let said = |text: &str| text.replace(STAGE, &now).replace(LEAST_PAUSE, &pause);
        let filled = replies.iter().map(|reply| match reply {
            Reply::Head(status, fields) => {
                let fields = fields.iter();
                let fields = fields.map(|(name, value)| (name.clone(), said(value)));
                Reply::Head(*status, fields.collect())
            }
            other => other.clone(),
        });
        filled.collect()
    }

    /// Whether callers have called the staged services of these cases.
    pub(crate) fn were_called(&self, cases: &[&Case], callers: &[IpAddr]) -> bool {
        let stages = self.stages();
        let mut cases = cases.iter().filter(|case| !case.stages.is_empty());
        cases.all(|case| {
            let called = |caller: &IpAddr| stages.called.contains(&(case.id, *caller));
            callers.iter().all(called)
        })
    }
}
