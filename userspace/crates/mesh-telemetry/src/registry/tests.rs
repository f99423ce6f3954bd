use std::thread;

use super::*;

fn value(registry: &Registry, name: &str) -> Option<u64> {
    registry
        .samples()
        .iter()
        .find(|sample| sample.name() == name)
        .map(Sample::number)
}

#[test]
fn shards_are_summed() {
    let registry = Registry::new("mesh/m/virtualNode/n", 4);
    thread::scope(|threads| {
        for worker in 0..4 {
            let cells = registry.cluster("a", Shard::Worker(worker));
            threads.spawn(move || {
                for _ in 0..1000 {
                    cells.upstream_rq_total.increment();
                    cells.statuses.count(200);
                    cells.upstream_cx_active.increment();
                }
                cells.upstream_cx_active.decrement();
            });
        }
    });
    assert_eq!(value(&registry, "cluster.a.upstream_rq_total"), Some(4000));
    assert_eq!(value(&registry, "cluster.a.upstream_rq_200"), Some(4000));
    assert_eq!(value(&registry, "cluster.a.upstream_rq_2xx"), Some(4000));
    assert_eq!(value(&registry, "cluster.a.upstream_cx_active"), Some(3996));
}

#[test]
fn the_same_shard_gets_the_same_cells_again() {
    let registry = Registry::new("w", 1);
    registry
        .http("egress", Shard::Worker(0))
        .downstream_rq_total
        .increment();
    registry
        .http("egress", Shard::Worker(0))
        .downstream_rq_total
        .increment();
    assert_eq!(value(&registry, "http.egress.downstream_rq_total"), Some(2));
}

#[test]
fn pruning_drops_only_what_nobody_counts_in() {
    let registry = Registry::new("w", 1);
    let kept = registry.cluster("kept", Shard::Worker(0));
    drop(registry.cluster("dropped", Shard::Worker(0)));
    registry.prune();
    assert_eq!(value(&registry, "cluster.kept.upstream_rq_total"), Some(0));
    assert_eq!(value(&registry, "cluster.dropped.upstream_rq_total"), None);
    drop(kept);
}

#[test]
fn two_registries_share_nothing() {
    let (one, other) = (Registry::new("one", 1), Registry::new("other", 1));
    one.cluster("a", Shard::Control).update_attempt.increment();
    drop(other.cluster("a", Shard::Control));
    assert_eq!(value(&one, "cluster.a.update_attempt"), Some(1));
    assert_eq!(value(&other, "cluster.a.update_attempt"), Some(0));
}
