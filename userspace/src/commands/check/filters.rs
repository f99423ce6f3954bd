//! Packet filters and policy routing that another redirection has left.

use mesh_bpf::survey::{
    filters::{Backend, Chain, Family},
    namespace::Namespace,
};

use super::Finding;

/// How the chains of other redirections begin, and whose they are.
const CHAINS: [(&str, &str); 5] = [
    ("APPMESH_", "App Mesh's route manager"),
    ("ISTIO_", "Istio"),
    ("PROXY_INIT_", "Linkerd"),
    ("KUMA_", "Kuma"),
    ("KMESH_", "Kmesh"),
];

/// `inside` is what to write before a command so that it runs in the namespace.
pub(super) fn look(namespace: &Namespace, inside: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut chains: Vec<&Chain> = Vec::new();
    match &namespace.nftables {
        Ok(found) => chains.extend(found),
        Err(error) => findings.push(Finding::unseen("filters", "nf_tables", error)),
    }
    match &namespace.legacy {
        Ok(found) => chains.extend(found),
        Err(why) => findings.push(Finding::unseen("filters", "iptables-legacy", why)),
    }
    let left: Vec<Finding> = chains
        .into_iter()
        .filter_map(|chain| leftover(chain, inside))
        .collect();
    if left.is_empty() && findings.is_empty() {
        findings.push(Finding::ok(
            "filters",
            "no chain of another redirection in iptables or nf_tables",
        ));
    }
    findings.extend(left);
    findings.extend(policy_routing(namespace, inside));
    for interface in &namespace.route_localnet {
        findings.push(Finding::warning(
            "filters",
            format!("route_localnet is on for {interface}: packets to 127/8 get in from outside, where the proxy listens"),
            format!("unless kube-proxy needs it: {inside}sysctl -w net.ipv4.conf.{interface}.route_localnet=0"),
        ));
    }
    findings
}

fn leftover(chain: &Chain, inside: &str) -> Option<Finding> {
    let (prefix, owner) = CHAINS
        .iter()
        .find(|(prefix, _)| chain.name.starts_with(prefix))?;
    let family = if chain.family == Family::Ip6 {
        "ip6tables"
    } else {
        "iptables"
    };
    let backend = match chain.backend {
        Backend::Nftables => "nft",
        Backend::Legacy => "legacy",
    };
    Some(Finding::error(
        "filters",
        format!("{chain} is of {owner}: what it redirects goes to another proxy, or twice"),
        format!(
            "stop what made it, then: {inside}sh -c '{family}-{backend}-save -t {} | grep -v {prefix} \
             | {family}-{backend}-restore -T {}'",
            chain.table, chain.table
        ),
    ))
}

/// The way of transparent proxies: a mark leads packets to a table in which all is local.
fn policy_routing(namespace: &Namespace, inside: &str) -> Vec<Finding> {
    let (Ok(rules), Ok(tables)) = (&namespace.mark_rules, &namespace.all_local_tables) else {
        return vec![Finding::unseen(
            "routing",
            "policy routing",
            "the kernel did not list rules and routes",
        )];
    };
    let leading = rules.iter().filter(|rule| tables.contains(&rule.table));
    leading
        .map(|rule| {
            let ip = if rule.v6 { "ip -6" } else { "ip" };
            Finding::warning(
                "routing",
                format!(
                    "packets marked {:#x} are routed to the host itself by table {}, as transparent proxies do",
                    rule.mark, rule.table
                ),
                format!(
                    "if no other proxy needs it: {inside}{ip} rule del fwmark {:#x} lookup {}",
                    rule.mark, rule.table
                ),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests;
