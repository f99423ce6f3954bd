//! The rules in the order in which they are looked at, each with what it found.

use ebpf_abi::{
    IGNORED_GID, IGNORED_UID, POLICY_BYPASS, POLICY_ENABLED, POLICY_IPV6, Policy, SWITCH_OFF,
    SWITCH_ON,
    verdict::{
        DISABLED, GID_IGNORED, IPV6_OFF, LINK_UNKNOWN, LOCAL_DESTINATION, NETWORK_IGNORED,
        NO_LOOPBACK, PORT_IS_IGNORED, PROXY_ABSENT, PROXY_SILENT, SWITCHED_OFF, UID_IGNORED,
    },
};
use ebpf_decide::{
    address::{is_always_local, is_link_local, is_v4},
    egress::Attempt,
};
use serde::Serialize;

use super::facts::Facts;
use crate::{connection::reason_name, inspect::ProxyState};

/// One rule and what it found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The reason that it would be.
    pub rule: &'static str,
    /// Whether it holds; what comes behind it was not looked at.
    pub holds: bool,
    /// Why it does or does not.
    pub why: String,
}

/// All rules up to the one that decided; all that there are if none held.
pub(super) fn steps(facts: &Facts, policy: &Policy, attempt: &Attempt, decided: u32) -> Vec<Step> {
    let is_always = is_always_local(&attempt.address);
    let mut steps = Vec::new();
    for (number, (reason, why)) in all(facts, policy, attempt).into_iter().enumerate() {
        // Two rules have one reason: the addresses that are local everywhere come first.
        let is_routed = reason == LOCAL_DESTINATION && number > ALWAYS_LOCAL;
        let holds = reason == decided && !(reason == LOCAL_DESTINATION && is_routed == is_always);
        steps.push(Step {
            rule: reason_name(reason),
            holds,
            why,
        });
        if holds {
            break;
        }
    }
    steps
}

/// The place of the rule of addresses that are local in every namespace.
const ALWAYS_LOCAL: usize = 2;

fn all(facts: &Facts, policy: &Policy, attempt: &Attempt) -> Vec<(u32, String)> {
    vec![
        (SWITCHED_OFF, switched(facts)),
        (DISABLED, enabled(facts, policy)),
        (LOCAL_DESTINATION, always_local(attempt)),
        (IPV6_OFF, ipv6(policy, attempt)),
        (
            UID_IGNORED,
            owner(
                "user",
                policy.flags & IGNORED_UID != 0,
                policy.ignored_uid,
                attempt.uid,
            ),
        ),
        (
            GID_IGNORED,
            owner(
                "group",
                policy.flags & IGNORED_GID != 0,
                policy.ignored_gid,
                attempt.gid,
            ),
        ),
        (PORT_IS_IGNORED, port(policy, attempt)),
        (LOCAL_DESTINATION, routed_to_itself(facts)),
        (NETWORK_IGNORED, network(facts)),
        (LINK_UNKNOWN, link(facts, policy, attempt)),
        (NO_LOOPBACK, loopback(facts, policy)),
        (PROXY_ABSENT, listener(facts, policy)),
        (PROXY_SILENT, heartbeat(facts, policy)),
    ]
}

fn switched(facts: &Facts) -> String {
    match facts.switched {
        SWITCH_OFF => "an operator switched redirection off",
        SWITCH_ON => "an operator switched redirection on",
        _ => "no operator switched redirection",
    }
    .to_owned()
}

fn enabled(facts: &Facts, policy: &Policy) -> String {
    if policy.flags & POLICY_ENABLED != 0 {
        "the rules redirect".to_owned()
    } else if facts.switched == SWITCH_ON {
        "the rules do not redirect, and the operator's switch holds before them".to_owned()
    } else {
        "the rules say that nothing is redirected (APPMESH_START_ENABLED=0)".to_owned()
    }
}

fn always_local(attempt: &Attempt) -> String {
    if is_always_local(&attempt.address) {
        "127.0.0.0/8, ::1 and the unspecified addresses are the host itself".to_owned()
    } else {
        "it is no loopback or unspecified address".to_owned()
    }
}

fn ipv6(policy: &Policy, attempt: &Attempt) -> String {
    if is_v4(&attempt.address) {
        "it is IPv4".to_owned()
    } else if policy.flags & POLICY_IPV6 != 0 {
        "IPv6 is redirected too".to_owned()
    } else {
        "IPv6 is not redirected (APPMESH_ENABLE_IPV6=0)".to_owned()
    }
}

fn owner(what: &str, is_configured: bool, ignored: u32, own: u32) -> String {
    if !is_configured {
        format!("no {what} is ignored")
    } else if ignored == own {
        format!("the {what} {own} is ignored")
    } else {
        format!("the {what} {ignored} is ignored, and this is {own}")
    }
}

/// The port with the whole range that is ignored around it.
fn port(policy: &Policy, attempt: &Attempt) -> String {
    let ignores = |port: u16| policy.ignored_ports.contains(port);
    if !ignores(attempt.port) {
        return format!("the port {} is not ignored", attempt.port);
    }
    let first = (0..=attempt.port).rev().take_while(|&port| ignores(port));
    let last = (attempt.port..=u16::MAX).take_while(|&port| ignores(port));
    match (first.last(), last.last()) {
        (Some(first), Some(last)) if first < last => {
            format!("the ports {first} to {last} are ignored")
        }
        _ => format!("the port {} is ignored", attempt.port),
    }
}

fn routed_to_itself(facts: &Facts) -> String {
    facts.local.as_ref().map_or_else(
        || "the namespace does not route it to itself".to_owned(),
        |route| format!("the namespace routes it to itself: {route}"),
    )
}

fn network(facts: &Facts) -> String {
    facts.ignored_network.as_ref().map_or_else(
        || "no ignored network holds it".to_owned(),
        |network| format!("the ignored network {network} holds it"),
    )
}

fn link(facts: &Facts, policy: &Policy, attempt: &Attempt) -> String {
    if !is_link_local(&attempt.address) {
        "it is no link-local address".to_owned()
    } else if facts.knows_link {
        "it is link-local, and its link is known".to_owned()
    } else {
        format!(
            "it is link-local, and more than one link could be meant; {}",
            mode(policy)
        )
    }
}

fn loopback(facts: &Facts, policy: &Policy) -> String {
    if facts.loopback_is_down {
        format!("lo is down in the workload's namespace; {}", mode(policy))
    } else {
        "lo is up in the workload's namespace".to_owned()
    }
}

fn listener(facts: &Facts, policy: &Policy) -> String {
    let address = facts.proxy_address;
    if facts.listens {
        format!("a proxy listens where {address} leads")
    } else {
        format!("no proxy listens where {address} leads; {}", mode(policy))
    }
}

fn heartbeat(facts: &Facts, policy: &Policy) -> String {
    match facts.proxy {
        ProxyState::External => "an external proxy has no heartbeat".to_owned(),
        ProxyState::Up => "the proxy's heartbeat is well".to_owned(),
        ProxyState::Silent => format!("the proxy's heartbeat is over; {}", mode(policy)),
    }
}

/// What becomes of connections while the proxy is down.
fn mode(policy: &Policy) -> &'static str {
    if policy.flags & POLICY_BYPASS != 0 {
        "the mode is bypass, so it goes direct"
    } else {
        "the mode is refuse"
    }
}
