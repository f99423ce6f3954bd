use clap::CommandFactory;

use super::*;

fn run(extra: &[&str]) -> Result<Cli, clap::Error> {
    let base = [
        "ferromesh",
        "run",
        "--mesh-config",
        "d",
        "--workload-cgroup",
        "/c",
    ];
    Cli::try_parse_from(base.iter().chain(extra))
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn an_external_proxy_needs_its_cgroup() {
    let error = run(&["--proxy", "external"]).expect_err("no cgroup was named");
    assert!(error.to_string().contains("--proxy-cgroup"), "{error}");
    run(&["--proxy", "external", "--proxy-cgroup", "/e"]).expect("the cgroup was named");
}

#[test]
fn names_that_bpffs_would_refuse_are_refused() {
    for bad in ["", "a.b", "a/b", "ä"] {
        let error = run(&["--instance", bad]).expect_err(bad);
        assert!(error.to_string().contains("letters, digits"), "{error}");
    }
}

#[test]
fn flags_take_the_place_of_the_route_managers_variables() {
    let cli = run(&["--ignored-ports", "9000", "--enable-ipv6", "1"]).expect("valid flags");
    let Command::Run(run) = cli.command else {
        panic!("not run")
    };
    let overrides: Vec<_> = run.redirect.overrides().collect();
    assert_eq!(
        overrides,
        [
            ("APPMESH_EGRESS_IGNORED_PORTS", "9000"),
            ("APPMESH_ENABLE_IPV6", "1")
        ]
    );
}
