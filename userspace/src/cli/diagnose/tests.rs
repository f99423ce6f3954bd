use super::*;

#[test]
fn a_destination_is_an_address_of_either_family_with_its_port() {
    for given in [
        "192.0.2.7:80",
        "[2001:db8::7]:443",
        "[::ffff:192.0.2.7]:80",
        "[fe80::1%3]:80",
    ] {
        assert!(destination(given).is_ok(), "{given}");
    }
}

#[test]
fn a_name_is_refused_with_the_mend() {
    let error = destination("serviceb.apps.local:80").unwrap_err();
    assert!(
        error.contains("getent ahosts serviceb.apps.local"),
        "{error}"
    );
}

#[test]
fn what_is_no_destination_says_how_one_is_written() {
    for given in ["192.0.2.7", "2001:db8::7:80", "192.0.2.7:http", ":"] {
        assert!(destination(given).unwrap_err().contains("write"), "{given}");
    }
}
