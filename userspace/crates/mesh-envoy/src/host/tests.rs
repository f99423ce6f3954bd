use super::*;

fn host(variables: &[(&str, &str)]) -> Result<Host, InvalidVariable> {
    let pairs = variables.iter();
    let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Host::new(&pairs.collect(), (15001, 15000))
}

#[test]
fn an_empty_environment_gives_the_defaults_of_the_image() -> anyhow::Result<()> {
    let host = host(&[])?;
    assert_eq!(host.admin_port, 9901);
    assert_eq!(host.admin, IpAddr::from([0, 0, 0, 0]));
    assert!(!host.stats_tags && !host.uneject);
    Ok(())
}

#[test]
fn the_variables_of_the_image_are_heard() -> anyhow::Result<()> {
    let host = host(&[
        ("ENVOY_ADMIN_ACCESS_PORT", "9902"),
        ("ENVOY_ADMIN_ACCESS_ENABLE_IPV6", "true"),
        ("APPMESH_SDS_SOCKET_PATH", "/run/sds.sock"),
        ("ENABLE_ENVOY_STATS_TAGS", "1"),
        ("APPMESH_RESOURCE_CLUSTER", "front"),
    ])?;
    assert_eq!(host.admin_port, 9902);
    assert_eq!(host.admin, IpAddr::from([0_u16; 8]));
    assert_eq!(host.sds_socket, "/run/sds.sock");
    assert!(host.stats_tags);
    assert_eq!(host.cluster.as_deref(), Some("front"));
    Ok(())
}

#[test]
fn a_value_of_the_wrong_sort_is_named() {
    let message = |variable| host(&[variable]).map_err(|error| error.to_string());
    assert_eq!(
        message(("ENVOY_ADMIN_ACCESS_PORT", "high")),
        Err("ENVOY_ADMIN_ACCESS_PORT: `high` is no port".to_owned())
    );
    assert_eq!(
        message(("ENABLE_ENVOY_STATS_TAGS", "2")),
        Err("ENABLE_ENVOY_STATS_TAGS: `2` is no switch: write 1 or 0".to_owned())
    );
}
