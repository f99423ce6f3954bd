//! `ServiceDiscovery`

use std::net::Ipv6Addr;

use mesh_model::{
    snapshot::DnsResponse,
    spec::discovery::{
        CloudMapAttribute, CloudMapDiscovery, DnsDiscovery, IpPreference, ServiceDiscovery,
    },
};

use super::{Read, cursor::At, object, union, words};
use crate::problem::Rule;

union!(ServiceDiscovery { AwsCloudMap "awsCloudMap", Dns "dns" });
impl Read for DnsDiscovery {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&["hostname", "ipPreference", "responseType"])?;
        // The preview of App Mesh called it otherwise.
        if object.has("serviceName") && !object.has("hostname") {
            at.problem(
                Rule::Value,
                "`hostname` is missing: it is required here",
                "call `serviceName`, its name in App Mesh's preview, `hostname`",
            );
            return None;
        }
        let hostname = object.required("hostname");
        let ip_preference = object.optional("ipPreference");
        let response_type = object.optional("responseType");
        let read = Self {
            hostname: hostname?,
            ip_preference: ip_preference?,
            response_type: response_type?,
        };
        warn_of_no_dns_name(&read, at);
        Some(read)
    }
}
object!(CloudMapDiscovery {
    attributes: optional "attributes",
    ip_preference: optional "ipPreference",
    namespace_name: required "namespaceName",
    service_name: required "serviceName",
});
object!(CloudMapAttribute { key: required "key", value: required "value" } then printable);

words!(DnsResponse { Endpoints "ENDPOINTS", LoadBalancer "LOADBALANCER" });
words!(IpPreference {
    V6Preferred "IPv6_PREFERRED",
    V4Preferred "IPv4_PREFERRED",
    V4Only "IPv4_ONLY",
    V6Only "IPv6_ONLY",
});

/// App Mesh takes any string as a host name; what is neither a DNS name nor an address has no address.
fn warn_of_no_dns_name(dns: &DnsDiscovery, at: &At<'_>) {
    let name = dns.hostname.as_str();
    if !is_dns_name(name) && name.parse::<Ipv6Addr>().is_err() {
        at.with_member("hostname", |at| {
            at.warn(
                Rule::Weak,
                format!("`{name}` is no DNS name: it will have no address, and requests get 503"),
            );
        });
    }
}

/// Whether a name has the form of RFC 1035, with `_` as in service records.
pub(super) fn is_dns_name(name: &str) -> bool {
    let bare = name.strip_suffix('.').unwrap_or(name);
    bare.len() <= 253
        && bare.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        })
}

fn printable(attribute: &CloudMapAttribute, at: &At<'_>) -> bool {
    let key = attribute.key.as_str();
    let value = attribute.value.as_str();
    let visible = |b: u8| b.is_ascii_graphic();
    let fits = key.bytes().all(visible)
        && value.bytes().next().is_some_and(visible)
        && value
            .bytes()
            .all(|b| visible(b) || matches!(b, b' ' | b'\t'));
    if !fits {
        at.refuse(
            "a key of printable ASCII and a value of it, with blanks only after its beginning",
            "use letters, digits and punctuation",
        );
    }
    fits
}
