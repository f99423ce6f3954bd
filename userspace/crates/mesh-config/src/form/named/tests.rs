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
fn a_command_in_a_file_name_is_no_part_of_the_resources() {
    let name = |file: &str, kind| named(file, Some(kind)).map(|(_, _, _, name)| name);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(name("update-color-route.json", Kind::Route), some("color"));
    assert_eq!(name("update-color.json", Kind::Route), some("color"));
    assert_eq!(name("update-route.json", Kind::Route), None);
    assert_eq!(name("create-virtual-node.json", Kind::VirtualNode), None);
}

#[test]
fn only_known_extensions_are_no_part_of_a_name() {
    let path = named("color.apps.local-vs.json.template", None);
    assert_eq!(
        path,
        Some((
            Kind::VirtualService,
            None,
            None,
            "color.apps.local".to_owned()
        ))
    );
    let path = named("virtualService/b.apps.local.yaml", None);
    assert_eq!(
        path.map(|(_, _, _, name)| name),
        Some("b.apps.local".to_owned())
    );
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
