use clap::Parser;

use super::*;
use crate::cli::{Cli, Command};

#[test]
fn statuses_are_single_ones_classes_and_bounds() {
    for (given, from, to) in [
        ("503", 503, 503),
        ("0", 0, 0),
        ("5xx", 500, 599),
        ("2xx", 200, 299),
        (">=500", 500, 599),
        (">499", 500, 599),
        ("<=399", 0, 399),
        ("<400", 0, 399),
    ] {
        assert_eq!(given.parse(), Ok(StatusFilter { from, to }), "{given}");
    }
    for given in [
        "", "xx", "50x", "6xx", "0xx", "600", ">599", "<0", "<50", "7", "-1", "=503", "abc", "55xx",
    ] {
        assert!(given.parse::<StatusFilter>().is_err(), "{given}");
    }
}

#[test]
fn a_sample_is_one_of_so_many() {
    assert_eq!(
        "1/100".parse(),
        Ok(Sample(NonZeroU32::new(100).expect("it is")))
    );
    for given in ["", "1/0", "2/3", "1", "1/x", "0.1"] {
        assert!(given.parse::<Sample>().is_err(), "{given}");
    }
}

#[test]
fn the_daemon_is_asked_for_what_the_flags_say() {
    let line = [
        "ferromesh",
        "tap",
        "--workload",
        "a",
        "--direction",
        "ingress",
        "--service",
        "b",
        "--status",
        "5xx",
        "--reason",
        "reset",
        "--header",
        "X-User=anne=b",
        "--sample",
        "1/7",
        "--rate",
        "3",
        "--redact",
        "x-user",
        "--query",
    ];
    let Command::Tap(args) = Cli::try_parse_from(line).expect("good flags").command else {
        panic!("not tap")
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        request(&args),
        TapRequest {
            workload: some("a"),
            direction: some("ingress"),
            service: some("b"),
            statuses: vec![StatusRange { from: 500, to: 599 }],
            reasons: vec!["reset".to_owned()],
            headers: vec![Header {
                name: "x-user".to_owned(),
                value: "anne=b".to_owned(),
            }],
            one_in: 7,
            per_second: 3,
            redact: vec!["x-user".to_owned()],
            show_query: true,
        }
    );
    let word = ["ferromesh", "tap", "--reason", "because"];
    let error = Cli::try_parse_from(word)
        .expect_err("no such word")
        .to_string();
    assert!(error.contains("because"), "{error}");
}
