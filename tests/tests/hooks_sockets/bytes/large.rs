//! Counters of connections that carry much.

use mesh_bpf::Instance;
use socket2::Socket;
use tests::stream;

use super::{assert_bytes, closing};
use crate::stage::{FAR_V4, Proxy, Stage, plays};

/// Carries so many bytes each way at once, compares every one, and asks the counters.
fn exchange(stage: &Stage, bytes: u64) {
    let proxy = Proxy::listen();
    let instance: Instance = stage.enrolled(&proxy.rules());
    let mut closed = instance.closed().unwrap();
    let mut application = stage.application();
    let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
    let (accepted, _) = proxy.accept(&instance);
    application.order(&format!("exchange {id} {bytes}"));
    stream::exchange(&Socket::from(accepted), bytes).unwrap();
    application.answer().unwrap();
    application.ask(&format!("close {id}")).unwrap();
    assert_bytes(&closing(&mut closed), bytes, bytes);
}

plays! {
    fn a_gigabyte_each_way_is_carried_and_counted_to_the_byte(stage) {
        exchange(stage, 1_000_000_007);
    }

    fn more_than_four_gigabytes_each_way_are_counted(stage) {
        exchange(stage, (1 << 32) + 4321);
    }
}
