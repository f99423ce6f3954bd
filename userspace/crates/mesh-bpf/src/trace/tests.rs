use ebpf_abi::verdict::{INGRESS, LOCAL_DESTINATION, MATCHED, REDIRECTED};

use super::*;
use crate::address::to_words;

#[test]
fn a_decision_names_who_connects_on_the_way_out_and_what_was_dialled_on_the_way_in() {
    let mut comm = [0; 16];
    comm[..6].copy_from_slice(b"cu\x1brl\0");
    let mut decided = Decided {
        address: to_words("192.0.2.7".parse().unwrap()),
        port: 80,
        verdict: REDIRECTED,
        reason: MATCHED,
        pid: 12,
        comm,
        ..Decided::default()
    };
    let egress = decision(&decided, "a".to_owned());
    assert_eq!(egress.remote, "192.0.2.7:80".parse().unwrap());
    assert_eq!(egress.local, None);
    let process = egress.process.unwrap();
    assert_eq!((process.pid, process.name.as_str()), (12, "cu?rl"));

    decided.direction = INGRESS;
    decided.reason = LOCAL_DESTINATION;
    decided.local = to_words("2001:db8::1".parse().unwrap());
    decided.local_port = 8080;
    let ingress = decision(&decided, "a".to_owned());
    assert_eq!(ingress.local, Some("[2001:db8::1]:8080".parse().unwrap()));
    assert_eq!(ingress.process, None);
    assert_eq!(ingress.reason, "local-destination");
}
