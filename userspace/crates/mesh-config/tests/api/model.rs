//! The API's model, and what a document comes to.

use mesh_config::{
    document::{Document, Documents, Parsed},
    problem::Rule,
    source::{DocumentSet, SourceFile},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

const MODEL: &str = include_str!("../../../../../tests/corpus/api/appmesh-2019-01-25.json");

/// The operations whose input is a document.
pub(crate) const INPUTS: [&str; 7] = [
    "CreateGatewayRouteInput",
    "CreateMeshInput",
    "CreateRouteInput",
    "CreateVirtualGatewayInput",
    "CreateVirtualNodeInput",
    "CreateVirtualRouterInput",
    "CreateVirtualServiceInput",
];

/// The shapes of botocore's `service-2.json`.
pub(crate) struct Model(Value);

impl Model {
    pub(crate) fn read() -> Self {
        Self(serde_json::from_str(MODEL).expect("the model"))
    }

    pub(crate) fn shape(&self, name: &str) -> &Value {
        &self.0["shapes"][name]
    }

    /// The smallest value of a shape that the API and the guide's rules take.
    pub(crate) fn minimal(&self, name: &str) -> Value {
        match name {
            "RouteSpec" => return json!({ "httpRoute": self.minimal("HttpRoute") }),
            "GatewayRouteSpec" => {
                return json!({ "httpRoute": self.minimal("HttpGatewayRoute") });
            }
            "HttpRouteMatch" | "HttpGatewayRouteMatch" => return json!({ "prefix": "/" }),
            "GrpcGatewayRouteMatch" => return json!({ "serviceName": "a" }),
            "GatewayRouteHostnameMatch" => return json!({ "exact": "a" }),
            "HttpGatewayRouteRewrite" => return json!({ "hostname": {} }),
            "HttpGatewayRoutePrefixRewrite" => return json!({ "defaultPrefix": "DISABLED" }),
            "VirtualGatewayListeners" => return json!([self.minimal("VirtualGatewayListener")]),
            "HttpPathMatch" | "HttpGatewayRoutePathRewrite" => return json!({ "exact": "/" }),
            "MatchRange" => return json!({ "start": 1, "end": 2 }),
            "Duration" => return json!({ "unit": "s", "value": 1 }),
            "VirtualNodeSpec" => {
                return json!({ "serviceDiscovery": { "dns": { "hostname": "a" } } });
            }
            _ => {}
        }
        let shape = self.shape(name);
        let min = shape["min"].as_u64().unwrap_or_default();
        match shape["type"].as_str().expect("a type") {
            "structure" => {
                let first = shape["members"].as_object().expect("members").keys().next();
                let required: Vec<&str> = if shape["union"] == true {
                    first.map(String::as_str).into_iter().collect()
                } else {
                    strings(&shape["required"])
                };
                let mut value: Map<String, Value> = required
                    .into_iter()
                    .map(|member| (member.to_owned(), self.minimal(shape_of(shape, member))))
                    .collect();
                if name.ends_with("RetryPolicy") {
                    value.insert("tcpRetryEvents".to_owned(), json!(["connection-error"]));
                }
                value.into()
            }
            "list" => {
                let item = self.minimal(shape["member"]["shape"].as_str().expect("an item"));
                vec![item; usize::try_from(min).expect("small")].into()
            }
            "string" => match strings(&shape["enum"]).first() {
                Some(word) => json!(word),
                None => json!(text_of(name).repeat(usize::try_from(min.max(1)).expect("small"))),
            },
            "integer" | "long" => json!(min),
            "boolean" => json!(true),
            other => panic!("{name} is a {other}"),
        }
    }
}

/// The shape of a member.
pub(crate) fn shape_of<'a>(shape: &'a Value, member: &str) -> &'a str {
    shape["members"][member]["shape"].as_str().expect("a shape")
}

/// What a string of a shape may be made of: paths are to begin, and new prefixes to end, with `/`.
pub(crate) fn text_of(shape: &str) -> &'static str {
    match shape {
        "HttpGatewayRoutePrefix" | "HttpPathExact" => "/",
        _ => "a",
    }
}

/// The strings of a list.
pub(crate) fn strings(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Reads a document alone. That its neighbours are not there is no fault of its own.
pub(crate) fn parse(document: &Value) -> Parsed {
    let mut parsed = Documents::parse(&DocumentSet {
        files: vec![SourceFile::new("a.json", document.to_string())],
        ..DocumentSet::default()
    });
    parsed
        .problems
        .retain(|problem| problem.rule != Rule::Reference);
    parsed
}

/// The spec of the only document, written anew.
pub(crate) fn written_anew(documents: &Documents) -> Value {
    let (_, mesh) = documents.meshes().next().expect("one mesh");
    let written = [
        spec_of(mesh.mesh.as_ref()),
        spec_of(mesh.gateway_routes.values().next()),
        spec_of(mesh.routes.values().next()),
        spec_of(mesh.virtual_gateways.values().next()),
        spec_of(mesh.virtual_nodes.values().next()),
        spec_of(mesh.virtual_routers.values().next()),
        spec_of(mesh.virtual_services.values().next()),
    ];
    let written = written.into_iter().flatten().next();
    written.expect("one document")
}

fn spec_of<S: Serialize>(document: Option<&Document<S>>) -> Option<Value> {
    document.map(|document| serde_json::to_value(&document.spec).expect("JSON"))
}
