use super::*;

#[test]
fn a_reference_is_a_name_or_an_arn() {
    let node = |given| referred(given, Kind::VirtualNode, "own");
    assert_eq!(node("serviceB"), ("own", "serviceB"));
    let arn = "arn:aws:appmesh:eu-west-1:123456789012:mesh/apps@210987654321/virtualNode/serviceB";
    assert_eq!(node(arn), ("apps", "serviceB"));
    let other_kind = "arn:aws:appmesh:eu-west-1:123456789012:mesh/apps/virtualRouter/r";
    assert_eq!(node(other_kind), ("own", other_kind));
}
