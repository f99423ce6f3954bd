//! What a workload opens.

use crate::stage::{FAR_V4, Proxy, WORKLOAD, on_stage};

#[test]
fn v4_goes_to_the_proxy_and_keeps_its_destination() {
    on_stage("egress::v4_goes_to_the_proxy_and_keeps_its_destination", |stage| {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut application = stage.application();
        let id = application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        let origin = origin.expect("a redirected connection has an origin");
        assert_eq!(origin.destination, FAR_V4.parse().unwrap());
        assert_eq!(origin.workload, WORKLOAD);
        let cookie = application.ask(&format!("cookie {id}")).unwrap();
        assert_eq!(origin.socket_cookie.to_string(), cookie);
        assert_eq!(application.ask(&format!("peer {id}")).unwrap(), FAR_V4);
    });
}
