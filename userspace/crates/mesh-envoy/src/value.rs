//! Envoy's spelling of common values: durations, addresses, typed extensions.

use std::{net::IpAddr, time::Duration};

use serde_json::{Map, Value, json};

/// What every type of Envoy's API begins with.
const TYPES: &str = "type.googleapis.com";

/// A member where there is one to add.
pub(crate) fn set(object: &mut Value, name: &str, value: impl Into<Option<Value>>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value.into()) {
        object.insert(name.to_owned(), value);
    }
}

/// An extension: its name and its configuration, whose members follow its type.
pub(crate) fn extension(name: &str, kind: &str, config: Value) -> Value {
    json!({ "name": name, "typed_config": typed(kind, config) })
}

/// A configuration that says of which type it is.
pub(crate) fn typed(kind: &str, config: Value) -> Value {
    let mut typed = Map::new();
    typed.insert("@type".to_owned(), format!("{TYPES}/{kind}").into());
    if let Value::Object(members) = config {
        typed.extend(members);
    }
    Value::Object(typed)
}

/// Whole seconds, or seconds and milliseconds: `15s`, `0.250s`.
pub(crate) fn duration(of: Duration) -> Value {
    let (seconds, millis) = (of.as_secs(), of.subsec_millis());
    if millis == 0 {
        format!("{seconds}s").into()
    } else {
        format!("{seconds}.{millis:03}s").into()
    }
}

/// A timeout, where none is Envoy's 0.
pub(crate) fn timeout(of: Option<Duration>) -> Value {
    duration(of.unwrap_or_default())
}

/// An integer of 64 bits. Beyond 2^53 it is text, as Envoy's reader of YAML keeps numbers as doubles.
pub(crate) fn integer(of: i64) -> Value {
    if of.unsigned_abs() < 1 << 53 {
        of.into()
    } else {
        of.to_string().into()
    }
}

/// An address and a port.
pub(crate) fn socket_address(address: &str, port: u16) -> Value {
    json!({ "socket_address": { "address": address, "port_value": port } })
}

/// The address of a listener: `::` takes IPv4 as well.
pub(crate) fn listen_address(address: IpAddr, port: u16) -> Value {
    let mut listen = socket_address(&address.to_string(), port);
    if address.is_ipv6() && address.is_unspecified() {
        set(
            &mut listen["socket_address"],
            "ipv4_compat",
            Value::Bool(true),
        );
    }
    listen
}

#[cfg(test)]
mod tests;
