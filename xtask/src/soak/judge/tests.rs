use std::time::Duration;

use super::{Outage, judge};

const DOWN: Outage = Outage {
    began: 1000,
    ready: 1800,
    ended: 2000,
};

fn verdict(line: &str) -> super::Verdict {
    judge(&[("w1".to_owned(), line.to_owned())], &[DOWN])
}

#[test]
fn what_ended_well_is_complete() {
    let verdict = verdict("10 20 40000 3 server-1 300 200");
    assert_eq!(verdict.complete[0].host, "w1");
    assert_eq!(
        (verdict.complete[0].sent, verdict.complete[0].received),
        (300, 200)
    );
    assert!(verdict.wrong.is_empty());
}

#[test]
fn a_failure_needs_an_outage() {
    for (line, may_be) in [
        ("10 20 0 3 !ConnectionRefused 0 0", false),
        ("900 1000 0 3 !ConnectionRefused 0 0", true),
        ("1500 1500 0 3 !ConnectionReset 0 0", true),
        ("1999 4000 0 3 !ConnectionReset 0 0", true),
        ("2001 4000 0 3 !ConnectionReset 0 0", false),
    ] {
        let verdict = verdict(line);
        assert_eq!(verdict.wrong.is_empty(), may_be, "{line}");
        assert_eq!(verdict.cut.is_empty(), !may_be, "{line}");
    }
}

#[test]
fn some_failures_nothing_excuses() {
    for outcome in ["!hung", "!wrong:server-2", "!corrupt", "!length"] {
        let verdict = verdict(&format!("1500 1501 1 3 {outcome} 0 0"));
        assert_eq!(verdict.wrong.len(), 1, "{outcome}");
    }
    assert_eq!(verdict("error: no such file").wrong.len(), 1);
}

#[test]
fn every_workload_has_to_have_gone_direct() {
    let direct = "10 20 40000 3 decoy 300 200".to_owned();
    let redirected = "10 1020 40000 3 server-1 300 200".to_owned();
    let logs = [("w1".to_owned(), direct), ("w2".to_owned(), redirected)];
    assert!(judge(&logs[..1], &[]).saw_rules_change(1).is_ok());
    let both = judge(&logs, &[]);
    assert!(both.saw_rules_change(2).is_err());
    assert_eq!(both.opened(), 2);
}

#[test]
fn an_outage_is_as_long_as_it_was() {
    assert_eq!(DOWN.length(), Duration::from_millis(800));
    let mut outage = Outage::since(1000);
    assert_eq!(outage.length(), Duration::ZERO);
    outage.end(1800, 200);
    assert_eq!(outage, DOWN);
}
