use super::*;

#[test]
fn the_list_says_when_from_where_and_what_changed() {
    let kept = GenerationsResponse {
        generations: vec![
            Generation {
                generation: 12,
                in_force: true,
                since: 990,
                rolled_back_to: Some(10),
                files: 7,
                changed: vec!["create-route.json".to_owned()],
                removed: vec!["b.json".to_owned()],
                ..Generation::default()
            },
            Generation {
                generation: 10,
                since: 400,
                source: "/etc/mesh".to_owned(),
                files: 8,
                ..Generation::default()
            },
        ],
        damaged: vec!["00000011.json.lz4 is damaged".to_owned()],
    };
    let list = List {
        kept: &kept,
        now: 1000,
    };
    assert_eq!(
        list.to_string(),
        "* 12       10 s ago, back to 10, 7 files: changed create-route.json; removed b.json\n  \
           10       10 min ago, from /etc/mesh, 8 files\n\
         DAMAGED    00000011.json.lz4 is damaged\n"
    );
}

#[test]
fn a_rollback_says_how_long_it_holds() {
    let changed = ChangeResponse {
        generation: 12,
        rolled_back_to: Some(10),
        source: "/etc/mesh".to_owned(),
        unkept: "no space".to_owned(),
        ..ChangeResponse::default()
    };
    let text = Changed(&changed).to_string();
    assert!(
        text.contains("with the documents of generation 10"),
        "{text}"
    );
    assert!(text.contains("set aside until it changes"), "{text}");
    assert!(text.ends_with("warning: no space\n"), "{text}");
}
