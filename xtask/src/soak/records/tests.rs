use super::{Complete, Outage, reconcile};

const RECORDS: &str = r#"{"workload":"w1","direction":"egress","local":"192.0.2.13:40000","remote":"192.0.2.12:80","bytes_sent":300,"bytes_received":200}
{"workload":"w2","direction":"ingress","local":"192.0.2.14:8080","remote":"192.0.2.12:50000","bytes_sent":7,"bytes_received":8}
"#;

fn complete(host: &str, port: u16, sent: u64, received: u64) -> Complete {
    Complete {
        host: host.to_owned(),
        port,
        sent,
        received,
        ended: 5000,
    }
}

#[test]
fn records_of_both_directions_are_found() {
    let both = [
        complete("w1", 40000, 300, 200),
        complete("peers", 50000, 8, 7),
    ];
    reconcile(RECORDS, "peers", &both, &[]).unwrap();
}

#[test]
fn another_byte_or_another_connection_is_not_there() {
    for other in [
        complete("w1", 40000, 301, 200),
        complete("w2", 40000, 300, 200),
        complete("w1", 40001, 300, 200),
    ] {
        reconcile(RECORDS, "peers", &[other], &[]).unwrap_err();
    }
    let twice = [(); 2].map(|()| complete("w1", 40000, 300, 200));
    reconcile(RECORDS, "peers", &twice, &[]).unwrap_err();
}

#[test]
fn a_kill_just_after_excuses_a_record() {
    let missing = [complete("w1", 1, 2, 3)];
    reconcile(RECORDS, "peers", &missing, &[Outage::since(5500)]).unwrap();
    reconcile(RECORDS, "peers", &missing, &[Outage::since(9000)]).unwrap_err();
}
