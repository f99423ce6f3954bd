//! JSON of any form, which never makes a reader panic.

use proptest::prelude::*;
use serde::Serialize;
use serde_json::Map;

use super::*;

/// Members of documents.
const MEMBERS: &str = "\
    action backendDefaults backends certificate clientPolicy dns egressFilter file headers healthCheck
    hostname http2Route httpRoute idle listeners match meshName name path port portMapping
    prefix priority protocol provider range routeName serviceDiscovery spec start tags
    tcpRoute timeout tls type unit value virtualNode virtualNodeName virtualRouterName
    virtualService virtualServiceName weight weightedTargets";

/// JSON of any form, its members often those of documents.
pub(crate) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["http", "http2", "/", "s", "DROP_ALL", "a.local"])
            .prop_map(Value::from),
    ];
    let member = prop::sample::select(MEMBERS.split_whitespace().collect::<Vec<_>>());
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let members = prop::collection::vec((member.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| {
                let owned = members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value));
                owned.collect::<Map<String, Value>>().into()
            }),
        ]
    })
}

/// Reading either gives a value or says why not, and a value comes back as it was.
fn holds<T: Read + Serialize>(value: &Value) {
    let (read, problems, warnings) = read::<T>(value);
    assert_eq!(read.is_none(), !problems.is_empty(), "{problems:?}");
    if let Some(read) = read
        && warnings.is_empty()
    {
        let again = serde_json::to_value(&read).expect("JSON");
        assert_eq!(again, *value);
    }
}

proptest! {
    #[test]
    fn any_value_reads_or_says_why_not(value in any_json()) {
        holds::<GatewayRouteSpec>(&value);
        holds::<MeshSpec>(&value);
        holds::<RouteSpec>(&value);
        holds::<VirtualGatewaySpec>(&value);
        holds::<VirtualNodeSpec>(&value);
        holds::<VirtualRouterSpec>(&value);
        holds::<VirtualServiceSpec>(&value);
    }

    #[test]
    fn any_text_is_a_file_without_panic(text in ".{0,64}", value in any_json()) {
        let files = crate::fixture::Files::default()
            .with("text.json", text)
            .with("value.json", &value)
            .with("update-value.json", json!({ "meshName": "m", "routeName": "r", "spec": value }));
        let parsed = files.parse();
        let resources: usize = parsed.documents.summary().values().sum();
        prop_assert!(resources <= 3 + value.as_array().map_or(0, Vec::len));
        let survey = crate::survey::survey(&parsed, &crate::Environment::new());
        prop_assert!(!survey.to_string().is_empty());
    }
}
