//! Why a connection would be redirected, left alone or refused: the rules in force, read from the
//! pins, through the same functions that the programs decide with.

mod facts;
mod steps;

use std::{
    net::SocketAddr,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
};

use ebpf_abi::{Policy, verdict};
use ebpf_decide::egress::{self, Attempt};
use serde::Serialize;

use self::facts::Facts;
pub use self::steps::Step;
use crate::{
    BpfError, Verdict,
    address::{socket_address, to_words},
    cgroup,
    connection::reason_name,
    inspect::ProxyState,
    maps::{self, Maps, name, workloads::Enrolled},
    pins::{self, Pins},
    survey::{attached, namespace},
    switch::Switch,
    sys,
};

/// How often the rules are read again because they were switched meanwhile.
const READINGS: u32 = 10;

/// A connection that might be opened.
#[derive(Clone, Debug)]
pub struct Question {
    /// The cgroup in which its socket is made.
    pub cgroup: PathBuf,
    /// The network namespace of its socket, by its file; none for that of the workload.
    pub netns: Option<PathBuf>,
    /// The real user of the task that connects.
    pub uid: u32,
    /// The real group of the task that connects.
    pub gid: u32,
    /// Where to. A v4-mapped address is IPv4, as the kernel has it.
    pub to: SocketAddr,
    /// The interface that the socket is bound to (`SO_BINDTODEVICE`).
    pub bound_interface: Option<String>,
}

/// What becomes of it.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The workload whose programs run; none if the cgroup is in none.
    pub workload: Option<Workload>,
    /// Every enrolled workload, for whoever is in none.
    pub workloads: Vec<Workload>,
    /// Where it was to go.
    pub destination: SocketAddr,
    /// The user it was asked for.
    pub uid: u32,
    /// The group it was asked for.
    pub gid: u32,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why, in one word; `not-enrolled` outside every workload.
    pub reason: &'static str,
    /// Where it is sent instead.
    pub target: Option<SocketAddr>,
    /// What the application sees.
    pub seen: String,
    /// The configuration's generation; none without rules.
    pub generation: Option<u64>,
    /// What an operator switched.
    pub switch: Switch,
    /// How the proxy fares.
    pub proxy: Option<Proxy>,
    /// Every rule that was looked at, in its order; the last one that holds decides.
    pub steps: Vec<Step>,
    /// What else bears on it.
    pub notes: Vec<String>,
}

/// A workload.
#[derive(Clone, Debug, Serialize)]
pub struct Workload {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its cgroup.
    pub cgroup: PathBuf,
}

/// How the proxy of a workload fares.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Proxy {
    /// By its heartbeat.
    pub state: ProxyState,
    /// Whether it listens where the connection would be sent.
    pub listens: bool,
}

/// Answers from the pins of an instance; none if it has none.
pub fn explain(
    bpffs: &Path,
    instance: &str,
    question: &Question,
) -> Result<Option<Explanation>, BpfError> {
    let Some(pins) = pins::present(bpffs, instance)? else {
        return Ok(None);
    };
    let maps = Maps::open(&pins)?;
    let enrolled = maps.enrolled()?;
    let mut found = workloads_of(&pins, &enrolled, question)?;
    let mut explanation = Explanation::outside(question, &enrolled);
    let Some(nearest) = (!found.is_empty()).then(|| found.remove(0)) else {
        return Ok(Some(explanation));
    };
    explanation.workload = Some(workload(nearest));
    if let Some(upper) = found.first() {
        explanation.notes.push(format!(
            "{} is inside the workload {} too, whose programs run after those of {}",
            question.cgroup.display(),
            upper.name,
            nearest.name
        ));
    }
    decide(&maps, nearest, question, &mut explanation)?;
    Ok(Some(explanation))
}

impl Explanation {
    fn outside(question: &Question, enrolled: &[Enrolled]) -> Self {
        Self {
            workload: None,
            workloads: enrolled.iter().map(workload).collect(),
            destination: question.to,
            uid: question.uid,
            gid: question.gid,
            verdict: Verdict::Direct,
            reason: "not-enrolled",
            target: None,
            seen: seen_direct(question),
            generation: None,
            switch: Switch::default(),
            proxy: None,
            steps: Vec::new(),
            notes: Vec::new(),
        }
    }
}

fn workload(enrolled: &Enrolled) -> Workload {
    Workload {
        id: enrolled.id,
        name: enrolled.name.clone(),
        cgroup: enrolled.cgroup.clone(),
    }
}

/// The workloads whose programs run for the cgroup, the nearest first: told by what the links of
/// the hook are attached to, which is what the kernel goes by.
fn workloads_of<'a>(
    pins: &Pins,
    enrolled: &'a [Enrolled],
    question: &Question,
) -> Result<Vec<&'a Enrolled>, BpfError> {
    let hook = if question.to.is_ipv4() {
        "connect4"
    } else {
        "connect6"
    };
    let mut attached = Vec::new();
    for one in enrolled {
        let pin = pins.workload_links(one.id).join(hook);
        if let Ok(link) = sys::open_pin(&pin) {
            let info = sys::link_info(link.as_fd()).map_err(BpfError::file("examine", &pin))?;
            attached.push((info.target, one));
        }
    }
    let mut found = Vec::new();
    for directory in attached::way_up(&question.cgroup)? {
        let id = cgroup::id(&directory)?;
        let here = attached.iter().filter(|(target, _)| *target == id);
        found.extend(here.map(|(_, one)| *one));
    }
    Ok(found)
}

/// Decides by one policy as a whole: if it was switched while it was read, it is read again.
fn decide(
    maps: &Maps,
    workload: &Enrolled,
    question: &Question,
    explanation: &mut Explanation,
) -> Result<(), BpfError> {
    let attempt = Attempt {
        address: to_words(question.to.ip()),
        port: question.to.port(),
        uid: question.uid,
        gid: question.gid,
    };
    for _ in 0..READINGS {
        let Some(index) = maps.policy_index(workload.id)? else {
            explanation.reason = reason_name(verdict::NO_RULES);
            return Ok(());
        };
        let Some(policy) = policy(maps, index)? else {
            continue;
        };
        let facts = Facts::gather(maps, workload, index, &policy, question, &attempt)?;
        if maps.policy_index(workload.id)? == Some(index) {
            conclude(&facts, &policy, question, &attempt, explanation);
            return Ok(());
        }
    }
    explanation.verdict = Verdict::Refused;
    explanation.reason = reason_name(verdict::RULES_IN_MOTION);
    "ECONNREFUSED at once".clone_into(&mut explanation.seen);
    Ok(())
}

fn policy(maps: &Maps, index: u32) -> Result<Option<Policy>, BpfError> {
    let policies = maps.policies.lock().expect("no holder panics");
    maps::found(policies.get(&index, 0)).map_err(BpfError::map("read", name::POLICIES))
}

fn conclude(
    facts: &Facts,
    policy: &Policy,
    question: &Question,
    attempt: &Attempt,
    explanation: &mut Explanation,
) {
    let decision = egress::decide(policy, attempt, facts);
    explanation.generation = Some(policy.generation);
    explanation.switch = Switch::from_number(facts.switched);
    explanation.proxy = Some(Proxy {
        state: facts.proxy,
        listens: facts.listens,
    });
    explanation.steps = steps::steps(facts, policy, attempt, decision.reason);
    explanation.verdict = Verdict::from_number(decision.verdict);
    explanation.reason = reason_name(decision.reason);
    explanation.notes.extend(facts.notes.iter().cloned());
    let (address, port) = match explanation.verdict {
        Verdict::Redirected => (facts.target, policy.egress_port),
        // Nothing can listen on it, so whoever connects is refused at once.
        Verdict::Refused => (facts.refusal, 0),
        Verdict::Direct | Verdict::Lost => return,
    };
    // Where lo is down nothing on the host would refuse it.
    let is_stranded = decision.reason == verdict::NO_LOOPBACK;
    let Some(address) = address.filter(|_| !is_stranded) else {
        if !is_stranded {
            explanation.reason = reason_name(facts.unreachable);
        }
        explanation.verdict = Verdict::Refused;
        "EPERM at once".clone_into(&mut explanation.seen);
        return;
    };
    explanation.target = Some(socket_address(address, port));
    explanation.seen = if explanation.verdict == Verdict::Refused {
        "ECONNREFUSED at once".to_owned()
    } else {
        format!(
            "a connection; getpeername shows {}, getsockname the source that routing gives",
            question.to
        )
    };
}

fn seen_direct(question: &Question) -> String {
    format!("what {} answers, by the kernel's own routing", question.to)
}

/// The network namespace in which the question is asked: the one that it names, else the
/// workload's.
fn netns_file(workload: &Enrolled, question: &Question) -> Option<PathBuf> {
    question.netns.clone().or_else(|| workload.netns.clone())
}

/// Says so when the socket's namespace is not that of the workload.
fn namespace_note(workload: &Enrolled, file: Option<&Path>) -> Option<String> {
    let own = namespace::of_process(std::process::id());
    let asked = namespace::cookie(file.unwrap_or(&own)).ok()?;
    if workload.netns_cookie == 0 || asked == 0 || asked == workload.netns_cookie {
        return None;
    }
    Some(format!(
        "the socket's network namespace is not that of workload {}: its rules and local addresses \
         hold all the same, and its proxy does not listen there",
        workload.name
    ))
}
