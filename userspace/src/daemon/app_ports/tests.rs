use super::*;
use crate::daemon::namespace::Namespace;

fn own() -> NamespaceId {
    Namespace::open(None).expect("its own").id()
}

#[test]
fn a_port_is_one_workloads_alone_until_it_gives_it_up() {
    let all = Arc::new(AppPorts::default());
    let (a, b) = (all.claim(own(), "a"), all.claim(own(), "b"));
    a.extend(&[80, 81].into()).expect("free");
    a.extend(&[80].into()).expect("its own");
    let refusal = b.extend(&[79, 81].into()).expect_err("81 is a's");
    for word in ["`a`", "`b`", "81", "APPMESH_APP_PORTS"] {
        assert!(refusal.contains(word), "no {word} in: {refusal}");
    }
    a.extend(&[79].into())
        .expect("b has none of what it was refused");
    let mut given_up = all.given_up();
    given_up.mark_unchanged();
    a.keep(&[80].into());
    assert!(given_up.has_changed().expect("it is there"));
    b.extend(&[79, 81].into()).expect("given up");
    b.extend(&[80].into()).expect_err("kept");
    drop(a);
    b.extend(&[80].into()).expect("its workload has gone");
}
