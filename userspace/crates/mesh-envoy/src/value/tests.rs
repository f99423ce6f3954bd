use std::time::Duration;

use serde_json::json;

use super::*;

#[test]
fn durations_are_whole_seconds_or_milliseconds() {
    assert_eq!(duration(Duration::from_secs(15)), json!("15s"));
    assert_eq!(duration(Duration::from_millis(250)), json!("0.250s"));
    assert_eq!(duration(Duration::from_millis(61_005)), json!("61.005s"));
    assert_eq!(timeout(None), json!("0s"));
}

#[test]
fn an_integer_that_a_double_cannot_hold_is_text() {
    assert_eq!(integer(-12), json!(-12));
    assert_eq!(integer(i64::MIN), json!("-9223372036854775808"));
}

#[test]
fn the_unspecified_ipv6_address_takes_ipv4_too() {
    let any = listen_address(IpAddr::from([0_u16; 8]), 15001);
    assert_eq!(any["socket_address"]["ipv4_compat"], json!(true));
    let loopback = listen_address(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1_u16]), 15001);
    assert_eq!(loopback["socket_address"].get("ipv4_compat"), None);
}
