use super::*;

#[test]
fn a_service_is_known_by_each_of_its_names() {
    let headers = HeaderMap::new();
    let scene = Scene {
        mesh: "my_apps",
        direction: "egress",
        virtual_service: Some("colour.local"),
        cluster: Some("cds_egress_my_apps_blue_node_http2_80"),
        method: "GET",
        authority: "colour.local",
        path: Cow::Borrowed(b"/"),
        headers: Cow::Borrowed(&headers),
    };
    for name in [
        "colour.local",
        "Colour.Local",
        "blue_node",
        "cds_egress_my_apps_blue_node_http2_80",
    ] {
        assert!(scene.goes_to(name), "{name}");
    }
    for name in ["colour", "node", "blue", "my_apps", "http2", ""] {
        assert!(!scene.goes_to(name), "{name}");
    }
}

#[test]
fn what_is_long_is_cut_between_letters() {
    let long = "ä".repeat(BYTES);
    let shown = cut(&format!("x{long}"));
    assert_eq!(shown.len(), BYTES - 1);
    assert!(shown.ends_with('ä'));
}
