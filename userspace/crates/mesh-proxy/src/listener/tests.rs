use super::*;

#[test]
fn ports_of_another_proxy_are_not_free_although_they_could_be_shared() {
    let mut settings = ProxySettings::new("a");
    (settings.egress_port, settings.ingress_port) = (0, 0);
    let other = Listeners::bind(&settings).expect("the kernel chooses free ports");
    settings.ingress_port = other.ingress_port();

    Listeners::bind(&settings).expect("the kernel lets a second group share the port");
    let error = Listeners::ensure_free(&settings).expect_err("the port is in use");
    let port = settings.ingress_port.to_string();
    assert!(error.to_string().contains(&port), "{error}");

    drop(other);
    Listeners::ensure_free(&settings).expect("the port is free again");
}
