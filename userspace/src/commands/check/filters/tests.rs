use super::*;
use crate::commands::check::finding::Level;

fn chain(name: &str, backend: Backend, family: Family) -> Chain {
    Chain {
        backend,
        family,
        table: "nat".to_owned(),
        name: name.to_owned(),
    }
}

#[test]
fn a_chain_of_the_guides_script_is_an_error_with_the_command_that_removes_it() {
    let found = leftover(
        &chain("APPMESH_EGRESS", Backend::Legacy, Family::Ip6),
        "nsenter --net=/run/netns/a ",
    )
    .unwrap();
    assert_eq!(found.level, Level::Error);
    let mend = found.mend.unwrap();
    for word in [
        "nsenter --net=/run/netns/a",
        "ip6tables-legacy-save",
        "grep -v APPMESH_",
    ] {
        assert!(mend.contains(word), "{mend}");
    }
}

#[test]
fn chains_of_others_are_left_alone() {
    for name in ["OUTPUT", "DOCKER", "KUBE-SERVICES", "MY_APPMESH_"] {
        assert_eq!(
            leftover(&chain(name, Backend::Nftables, Family::Ip), ""),
            None
        );
    }
}
