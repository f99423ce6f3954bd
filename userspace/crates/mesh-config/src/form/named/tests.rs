use super::*;

fn named(file: &str, kind: Option<Kind>) -> Option<(Kind, Option<String>, Option<String>, String)> {
    named_by_file(file, kind).map(|path| (path.kind, path.mesh, path.parent, path.name))
}

#[test]
fn the_end_of_a_path_is_the_way_to_a_resource() {
    let path = named("prod/mesh/apps/virtualRouter/colors/route/main.json", None);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        path,
        Some((Kind::Route, some("apps"), some("colors"), "main".to_owned()))
    );
    let path = named("virtualNode/serviceB.json", None);
    assert_eq!(
        path,
        Some((Kind::VirtualNode, None, None, "serviceB".to_owned()))
    );
    assert_eq!(named("route/main.json", None), None);
}

#[test]
fn a_short_word_at_the_end_tells_the_kind() {
    let path = named("mesh/colorteller-red-vn.json", None);
    assert_eq!(
        path,
        Some((Kind::VirtualNode, None, None, "colorteller-red".to_owned()))
    );
    let path = named("color-gateway-route.json", Some(Kind::GatewayRoute));
    assert_eq!(
        path,
        Some((Kind::GatewayRoute, None, None, "color".to_owned()))
    );
    assert_eq!(named("colors.json", None), None);
}

#[test]
fn what_the_file_says_goes_before_what_it_is_called() {
    let path = named("main-vn.json", Some(Kind::Route));
    assert_eq!(path, Some((Kind::Route, None, None, "main-vn".to_owned())));
}

#[test]
fn a_way_to_a_resource_is_whole() {
    let path: ResourcePath = "mesh/apps/virtualRouter/r/route/t".parse().expect("a way");
    assert_eq!(
        (path.kind, path.parent.as_deref()),
        (Kind::Route, Some("r"))
    );
    let mesh: ResourcePath = "mesh/apps".parse().expect("a way");
    assert_eq!((mesh.kind, mesh.name.as_str()), (Kind::Mesh, "apps"));
    for bad in [
        "",
        "apps",
        "virtualNode",
        "mesh/apps/route/t",
        "x/mesh/apps",
        "mesh/a/virtualNode/",
    ] {
        assert!(bad.parse::<ResourcePath>().is_err(), "{bad}");
    }
}
