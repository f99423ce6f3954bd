//! Others that redirect connections on this host, known by what they leave on it.

use std::path::Path;

use super::Finding;

/// A path that is there with it, who it is, and what that means beside Ferromesh.
const SIGNS: [(&str, &str, &str); 6] = [
    (
        "/sys/fs/bpf/cilium",
        "Cilium",
        "with its socket load balancer at the root Ferromesh's programs run first, and see the \
         virtual address",
    ),
    (
        "/sys/fs/bpf/bpf_kmesh",
        "Kmesh",
        "it redirects at the same hooks: keep its pods and Ferromesh's workloads apart",
    ),
    (
        "/sys/fs/bpf/mb_process",
        "Merbridge",
        "it attaches its programs for themselves alone: Ferromesh cannot be attached beside it",
    ),
    (
        "/var/run/istio-cni",
        "Istio's CNI",
        "pods in its mesh have its packet filters: keep Ferromesh's workloads out of it",
    ),
    (
        "/var/run/ztunnel",
        "Istio's ztunnel",
        "pods in its mesh have its packet filters: keep Ferromesh's workloads out of it",
    ),
    (
        "/etc/cni/net.d/01-linkerd-cni.conf",
        "Linkerd's CNI",
        "pods that it injects have its packet filters: keep Ferromesh's workloads out of it",
    ),
];

pub(super) fn look() -> Vec<Finding> {
    let found = SIGNS.iter().filter(|(path, _, _)| Path::new(path).exists());
    found
        .map(|(path, who, meaning)| {
            Finding::warning(
                "neighbour",
                format!("{who} is on this host ({path})"),
                *meaning,
            )
        })
        .collect()
}
