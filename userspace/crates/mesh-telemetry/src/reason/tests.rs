use super::*;
use crate::{Registry, Shard, render};

#[test]
fn words_are_sorted_and_fit_between_spaces_and_in_labels() {
    let words = Reason::ALL.map(Reason::word);
    assert!(words.is_sorted_by(|one, other| one < other), "{words:?}");
    for word in words {
        let fits = |letter: char| letter.is_ascii_lowercase() || letter == '-';
        assert!(word.chars().all(fits), "{word}");
    }
}

#[test]
fn each_reason_has_its_own_counter() {
    let stats = FailureStats::default();
    for (index, reason) in Reason::ALL.into_iter().enumerate() {
        for _ in 0..=index {
            stats.count(reason);
        }
    }
    let mut read = Vec::new();
    stats.readings(&mut |word, reading| read.push((word, reading)));
    let expected = Reason::ALL.iter().zip(1..);
    let expected = expected.map(|(reason, count)| (reason.word(), Reading::Counter(count)));
    assert_eq!(read, expected.collect::<Vec<_>>());
}

#[test]
fn only_what_happened_is_told_with_its_direction_and_cluster() {
    let registry = Registry::new("mesh/apps/virtualNode/serviceA", 2);
    for worker in 0..2 {
        let cells = registry.failures("egress", Some("cds_b"), Shard::Worker(worker));
        cells.count(Reason::ConnectRefused);
    }
    let unrouted = registry.failures("ingress", None, Shard::Worker(0));
    unrouted.count(Reason::NoRoute);
    let text = render::text(&registry.samples(), render::Selection::default());
    let told = text
        .lines()
        .filter(|line| line.starts_with("request_failure."));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "request_failure.egress.cds_b.connect-refused: 2",
            "request_failure.ingress.no-route: 1",
        ]
    );
    let prometheus = render::prometheus(&registry.samples(), render::Selection::default());
    for line in [
        "# TYPE ferromesh_request_failure counter",
        "ferromesh_request_failure{reason=\"connect-refused\",direction=\"egress\",\
         envoy_cluster_name=\"cds_b\"} 2",
        "ferromesh_request_failure{reason=\"no-route\",direction=\"ingress\"} 1",
    ] {
        assert!(
            prometheus.lines().any(|told| told == line),
            "no `{line}` in\n{prometheus}"
        );
    }
}

#[test]
fn a_cluster_that_is_gone_takes_its_failures_along() {
    let registry = Registry::new("mesh/apps/virtualNode/serviceA", 1);
    let cells = registry.failures("egress", Some("cds_b"), Shard::Worker(0));
    cells.count(Reason::Reset);
    let told = |registry: &Registry| {
        let text = render::text(&registry.samples(), render::Selection::default());
        text.contains("request_failure.egress.cds_b.reset: 1")
    };
    registry.prune();
    assert!(told(&registry));
    drop(cells);
    registry.prune();
    assert!(!told(&registry));
}
