use super::*;

#[test]
fn reads_names_and_arns() {
    let plain: ResourceName = "mesh/apps/virtualNode/serviceA".parse().expect("a name");
    let arn: ResourceName = "arn:aws:appmesh:eu-west-1:123456789012:mesh/apps/virtualNode/serviceA"
        .parse()
        .expect("an ARN");
    assert_eq!(plain, arn);
    assert_eq!(plain.to_string(), "mesh/apps/virtualNode/serviceA");
}

#[test]
fn keeps_the_owner_of_a_shared_mesh() {
    let shared: ResourceName = "mesh/apps@123456789012/virtualGateway/edge"
        .parse()
        .expect("a shared mesh");
    assert_eq!(shared.mesh, "apps");
    assert_eq!(shared.mesh_owner.as_deref(), Some("123456789012"));
    assert_eq!(
        shared.to_string(),
        "mesh/apps@123456789012/virtualGateway/edge"
    );
}

#[test]
fn refuses_what_names_nothing() {
    for bad in [
        "",
        "apps",
        "mesh/apps",
        "mesh/apps/virtualRouter/r",
        "mesh//virtualNode/n",
        "mesh/a/virtualNode/",
    ] {
        let error = bad.parse::<ResourceName>().expect_err(bad);
        assert!(
            error.to_string().contains("mesh/MESH/virtualNode/NODE"),
            "{error}"
        );
    }
}
