use super::{Outage, judge};

const DOWN: Outage = Outage {
    began: 1000,
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
