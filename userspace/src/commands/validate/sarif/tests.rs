use mesh_config::{
    document::Documents,
    source::{DocumentSet, SourceFile},
};

use super::*;

#[test]
fn each_finding_is_a_result_with_its_rule_place_and_level() {
    let text =
        "{\"meshName\": \"m\",\n \"spec\": {\"egressFilter\": {\"type\": \"NONE\"}, \"x\": 1}}";
    let set = DocumentSet {
        files: vec![SourceFile::new("a mesh.json", text)],
        ..DocumentSet::default()
    };
    let report = report(&Documents::parse(&set));
    let results = &report["runs"][0]["results"];
    let error = &results[0];
    assert_eq!(
        (&error["level"], &error["ruleId"]),
        (&json!("error"), &json!("value"))
    );
    let place = &error["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20mesh.json");
    assert_eq!(place["region"]["startLine"], 2);
    assert_eq!(results[1]["level"], "warning");
    let rules = report["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .expect("rules");
    for result in results.as_array().expect("results") {
        let index = result["ruleIndex"]
            .as_u64()
            .and_then(|index| usize::try_from(index).ok());
        assert_eq!(rules[index.expect("an index")]["id"], result["ruleId"]);
    }
}
