//! Which TLS is towards an endpoint of AWS. App Mesh let that out of every mesh, whatever the egress
//! filter says, and took it for no virtual service's of the same port.

/// The port on which the endpoints are called.
pub const PORT: u16 = 443;

/// What the name of an endpoint ends in.
const DOMAIN: &[u8] = b".amazonaws.com";

/// Whether a server name is that of an endpoint: any name below the domain, in any letter case, and
/// not the domain itself. As Envoy matches the `server_names` of a filter chain, `*.amazonaws.com`,
/// which takes what is left without the asterisk, too.
pub fn is_endpoint(server_name: &[u8]) -> bool {
    match server_name.split_last_chunk::<{ DOMAIN.len() }>() {
        Some((_, domain)) => domain.eq_ignore_ascii_case(DOMAIN),
        None => false,
    }
}

#[cfg(test)]
mod tests;
