use super::{super::tests::row, Filter, Key, Row, Selection, Sort};

fn filter(written: &str) -> Filter {
    written
        .parse()
        .unwrap_or_else(|error| panic!("{written}: {error}"))
}

fn refusal(written: &str) -> String {
    written.parse::<Filter>().expect_err("it is no filter")
}

#[test]
fn words_addresses_and_numbers_are_compared() {
    let row = Row {
        remote: "[2001:db8::7]:443".parse().expect("an address"),
        ..row(1)
    };
    for written in [
        "workload=web",
        "workload!=api,db",
        "verdict=direct,redirected",
        "direction=egress",
        "reason!=ignored-port",
        "local=10.0.0.1",
        "local=10.0.0.0/8",
        "local=10.0.0.0/8:40000",
        "local=:40000,:1",
        "remote=2001:db8::/32",
        "remote=[2001:db8::/32]:443",
        "remote=[2001:db8::7]",
        "uid=1000",
        "gid!=0",
        "age>1",
        "age<2",
        "sent=120",
        "received>3k",
        "received<1M",
        "rtt>54",
        "retransmits=0",
    ] {
        assert!(filter(written).takes(&row), "{written}");
    }
    for written in [
        "workload=api",
        "verdict!=redirected",
        "local=10.0.0.2",
        "local=:1",
        "remote=2001:db9::/32",
        "remote=[2001:db8::/32]:80",
        "uid=0",
        "age>2",
        "sent<120",
        "sent>120",
    ] {
        assert!(!filter(written).takes(&row), "{written}");
    }
}

#[test]
fn what_is_not_known_is_no_number() {
    let row = Row {
        uid: None,
        bytes_sent: None,
        ..row(1)
    };
    for written in ["sent>0", "sent<1", "sent=0", "uid=0"] {
        assert!(!filter(written).takes(&row), "{written}");
    }
    assert!(filter("uid!=0").takes(&row));
}

#[test]
fn a_refusal_lists_what_exists() {
    assert!(refusal("verdit=direct").contains("workload, direction, verdict"));
    assert!(refusal("verdict=lost").contains("direct, redirected, refused"));
    assert!(refusal("direction=out").contains("egress, ingress"));
    let reasons = refusal("reason=because");
    assert!(
        reasons.contains("ignored-network") && reasons.contains("made-outside"),
        "{reasons}"
    );
    assert!(refusal("remote=example.com").contains("ADDRESS, CIDR, :PORT"));
    assert!(refusal("remote=").contains("ADDRESS"));
    assert!(refusal("remote=:99999").contains("ADDRESS"));
    assert!(refusal("sent>much").contains("whole number"));
    assert!(refusal("sent>99999999999G").contains("whole number"));
    assert!(refusal("verdict<direct").contains("use = or !="));
    assert!(refusal("direct").contains("KEY=VALUE"));
    assert!(refusal("sent!5").contains("KEY=VALUE"));
    let sort = "rat".parse::<Sort>().expect_err("it is no key");
    assert!(sort.contains("rtt"), "{sort}");
    assert!("rtt:up".parse::<Sort>().is_err());
}

#[test]
fn amounts_come_from_the_largest_and_the_unknown_last() {
    let sent = |cookie, bytes_sent| Row {
        bytes_sent,
        ..row(cookie)
    };
    let rows = vec![sent(1, None), sent(2, Some(5)), sent(3, Some(500))];
    let order = |sort: &str| {
        let selection = Selection {
            sort: sort.parse().expect("an order"),
            ..Selection::default()
        };
        let ordered = selection.of(rows.clone());
        ordered.iter().map(|row| row.cookie).collect::<Vec<_>>()
    };
    assert_eq!(order("sent"), [3, 2, 1]);
    assert_eq!(order("sent:asc"), [2, 3, 1]);
    assert_eq!(Sort::by(Key::Remote).to_string(), "remote:asc");
}

#[test]
fn addresses_are_ordered_as_numbers() {
    let to = |cookie, remote: &str| Row {
        remote: remote.parse().expect("an address"),
        ..row(cookie)
    };
    let rows = vec![to(1, "10.0.0.10:80"), to(2, "10.0.0.9:80")];
    let selection = Selection {
        sort: Sort::by(Key::Remote),
        ..Selection::default()
    };
    let cookies: Vec<u64> = selection.of(rows).iter().map(|row| row.cookie).collect();
    assert_eq!(cookies, [2, 1]);
}

#[test]
fn every_condition_has_to_hold_and_the_limit_comes_last() {
    let rows: Vec<Row> = (0..10)
        .map(|cookie| Row {
            age_ms: Some(cookie * 1000),
            workload: if cookie % 2 == 0 { "web" } else { "api" }.to_owned(),
            ..row(cookie)
        })
        .collect();
    let selection = Selection {
        workloads: vec!["web".to_owned()],
        filters: vec![filter("age>2"), filter("age<9")],
        limit: Some(2),
        ..Selection::default()
    };
    let cookies: Vec<u64> = selection.of(rows).iter().map(|row| row.cookie).collect();
    assert_eq!(cookies, [8, 6]);
}
