//! What no mesh written by hand has, each accepted by Envoy as well.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use anyhow::{Context, Result};
use mesh_config::form::Inputs;
use mesh_envoy::Host;
use serde_json::{Value, json};
use tests::capability;

/// Renders a resource of some documents, and has Envoy load it where there is one.
fn rendered(documents: &str, resource: &str) -> Result<Value> {
    rendered_at(Ipv4Addr::UNSPECIFIED.into(), documents, resource)
}

/// The same for an Envoy that listens on this address.
fn rendered_at(listen: IpAddr, documents: &str, resource: &str) -> Result<Value> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("documents.yaml");
    fs::write(&path, documents)?;
    let documents = crate::documents(&[path], Inputs::default())?;
    let environment = BTreeMap::new();
    let host = Host {
        listen,
        ..Host::new(&environment, (15001, 15000))?
    };
    let rendered = crate::rendered_on(&host, &documents, &resource.parse()?, &environment)?;
    if let Some(envoy) = capability::envoy() {
        crate::accepted::accept(&envoy, rendered.clone())?;
    }
    Ok(rendered)
}

fn node(name: &str, port: u16, protocol: &str) -> String {
    format!(
        "---\nmeshName: m\nvirtualNodeName: {name}\nspec:\n  listeners:\n    \
         - portMapping: {{port: {port}, protocol: {protocol}}}\n  \
         serviceDiscovery: {{dns: {{hostname: {name}.local}}}}\n"
    )
}

fn client(services: &[&str]) -> String {
    let backends = services
        .iter()
        .map(|name| format!("{{virtualService: {{virtualServiceName: {name}}}}}"));
    let backends: Vec<String> = backends.collect();
    let backends = backends.join(", ");
    format!("---\nmeshName: m\nvirtualNodeName: client\nspec:\n  backends: [{backends}]\n")
}

fn provided_by(service: &str, kind: &str, name: &str) -> String {
    format!(
        "---\nmeshName: m\nvirtualServiceName: {service}\n\
         spec: {{provider: {{{kind}: {{{kind}Name: {name}}}}}}}\n"
    )
}

fn router(name: &str, ports: &[u16], protocol: &str) -> String {
    let listeners = ports
        .iter()
        .map(|port| format!("{{portMapping: {{port: {port}, protocol: {protocol}}}}}"));
    let listeners: Vec<String> = listeners.collect();
    let listeners = listeners.join(", ");
    format!("---\nmeshName: m\nvirtualRouterName: {name}\nspec: {{listeners: [{listeners}]}}\n")
}

fn chains(bootstrap: &Value) -> Result<Vec<Value>> {
    let listeners = bootstrap["static_resources"]["listeners"].as_array();
    let egress = listeners
        .and_then(|all| all.last())
        .context("no listener")?;
    Ok(egress["filter_chains"]
        .as_array()
        .context("no chains")?
        .clone())
}

fn configuration(chain: &Value) -> &Value {
    &chain["filters"][0]["typed_config"]
}

#[test]
fn a_service_on_port_443_has_the_range_of_addresses_of_the_aws_endpoints() -> Result<()> {
    let documents = "meshName: m\nspec: {egressFilter: {type: ALLOW_ALL}}\n".to_owned()
        + &client(&["db.local"])
        + &node("db", 443, "tcp")
        + &provided_by("db.local", "virtualNode", "db");
    let chains = chains(&rendered(&documents, "mesh/m/virtualNode/client")?)?;
    let anywhere = json!([{ "address_prefix": "0.0.0.0", "prefix_len": 0 }]);
    let matches: Vec<&Value> = chains.iter().map(|of| &of["filter_chain_match"]).collect();
    assert_eq!(
        json!(matches),
        json!([
            { "destination_port": 443, "prefix_ranges": anywhere },
            {
                "destination_port": 443,
                "prefix_ranges": anywhere,
                "server_names": ["*.amazonaws.com"],
            },
            { "prefix_ranges": anywhere },
        ])
    );
    Ok(())
}

#[test]
fn a_route_whose_shares_are_all_0_answers_503() -> Result<()> {
    let documents = "meshName: m\n".to_owned()
        + &client(&["web.local"])
        + &node("web", 80, "http")
        + &router("web", &[80], "http")
        + &provided_by("web.local", "virtualRouter", "web")
        + "---\nmeshName: m\nvirtualRouterName: web\nrouteName: none\nspec:\n  httpRoute:\n    \
           match: {prefix: /}\n    \
           action: {weightedTargets: [{virtualNode: web, weight: 0}]}\n";
    let chains = chains(&rendered(&documents, "mesh/m/virtualNode/client")?)?;
    let hosts = &configuration(&chains[0])["route_config"]["virtual_hosts"];
    assert_eq!(
        hosts[0]["routes"],
        json!([{ "match": { "prefix": "/" }, "direct_response": { "status": 503 } }])
    );
    Ok(())
}

#[test]
fn a_tcp_target_with_a_share_of_0_is_left_out() -> Result<()> {
    let documents = "meshName: m\n".to_owned()
        + &client(&["db.local"])
        + &node("old", 5432, "tcp")
        + &node("new", 5432, "tcp")
        + &router("db", &[5432], "tcp")
        + &provided_by("db.local", "virtualRouter", "db")
        + "---\nmeshName: m\nvirtualRouterName: db\nrouteName: db\nspec:\n  tcpRoute:\n    \
           action: {weightedTargets: [{virtualNode: old, weight: 0}, {virtualNode: new, weight: 1}]}\n";
    let chains = chains(&rendered(&documents, "mesh/m/virtualNode/client")?)?;
    let leads_to = configuration(&chains[0]);
    assert_eq!(leads_to["cluster"], json!("cds_egress_m_new_tcp_5432"));
    assert_eq!(leads_to["weighted_clusters"], Value::Null);
    Ok(())
}

#[test]
fn a_gateway_asks_for_the_second_port_of_a_service_by_name() -> Result<()> {
    let route = |name: &str, port: u16| {
        format!(
            "---\nmeshName: m\nvirtualGatewayName: gw\ngatewayRouteName: {name}\nspec:\n  \
             httpRoute:\n    match: {{prefix: /{name}/}}\n    \
             action: {{target: {{port: {port}, virtualService: {{virtualServiceName: web.local}}}}}}\n"
        )
    };
    let routes = [8080_u16, 8081].map(|port| {
        format!(
            "---\nmeshName: m\nvirtualRouterName: web\nrouteName: on-{port}\nspec:\n  httpRoute:\n    \
             match: {{port: {port}, prefix: /}}\n    \
             action: {{weightedTargets: [{{virtualNode: n{port}, weight: 1}}]}}\n"
        )
    });
    let documents =
        "meshName: m\n---\nmeshName: m\nvirtualGatewayName: gw\nspec:\n  listeners:\n    \
                     - portMapping: {port: 80, protocol: http}\n"
            .to_owned()
            + &node("n8080", 8080, "http")
            + &node("n8081", 8081, "http")
            + &router("web", &[8080, 8081], "http")
            + &provided_by("web.local", "virtualRouter", "web")
            + &routes.concat()
            + &route("first", 8080)
            + &route("second", 8081);
    let bootstrap = rendered(&documents, "mesh/m/virtualGateway/gw")?;
    let ingress = &bootstrap["static_resources"]["listeners"][0]["filter_chains"][0];
    let hops = &configuration(ingress)["route_config"]["virtual_hosts"][0]["routes"];
    let asked: Vec<&Value> = hops
        .as_array()
        .context("no routes")?
        .iter()
        .map(|hop| &hop["route"]["host_rewrite_literal"])
        .collect();
    assert_eq!(asked, [&json!("web.local:8081"), &json!("web.local")]);
    let chains = chains(&bootstrap)?;
    let hosts = &configuration(&chains[0])["route_config"]["virtual_hosts"];
    let cluster = |index: usize| &hosts[index]["routes"][0]["route"]["cluster"];
    assert_eq!(hosts[0]["domains"], json!(["web.local", "web.local:15001"]));
    assert_eq!(cluster(0), &json!("cds_egress_m_n8080_http_8080"));
    assert_eq!(hosts[1]["domains"], json!(["web.local:8081"]));
    assert_eq!(cluster(1), &json!("cds_egress_m_n8081_http_8081"));
    Ok(())
}

#[test]
fn a_certificate_of_acm_is_a_secret_by_its_arn() -> Result<()> {
    let arn = "arn:aws:acm:eu-central-1:123456789012:certificate/a1b2";
    let documents = format!(
        "meshName: m\n---\nmeshName: m\nvirtualNodeName: web\nspec:\n  listeners:\n    \
         - portMapping: {{port: 80, protocol: http}}\n      \
         tls: {{mode: STRICT, certificate: {{acm: {{certificateArn: \"{arn}\"}}}}}}\n  \
         serviceDiscovery: {{dns: {{hostname: web.local}}}}\n"
    );
    let bootstrap = rendered(&documents, "mesh/m/virtualNode/web")?;
    let resources = &bootstrap["static_resources"];
    let tls = &resources["listeners"][0]["filter_chains"][0]["transport_socket"]["typed_config"];
    let secrets = &tls["common_tls_context"]["tls_certificate_sds_secret_configs"];
    assert_eq!(secrets[0]["name"], json!(arn));
    let clusters = resources["clusters"].as_array().context("no clusters")?;
    let last = clusters.last().context("no cluster")?;
    assert_eq!(last["name"], json!("static_cluster_sds_unix_socket"));
    Ok(())
}

#[test]
fn what_listens_on_ipv6_lets_ipv6_pass_through() -> Result<()> {
    let documents =
        "meshName: m\nspec: {egressFilter: {type: ALLOW_ALL}}\n".to_owned() + &client(&[]);
    let any = Ipv6Addr::UNSPECIFIED.into();
    let bootstrap = rendered_at(any, &documents, "mesh/m/virtualNode/client")?;
    let anywhere = json!([
        { "address_prefix": "0.0.0.0", "prefix_len": 0 },
        { "address_prefix": "::", "prefix_len": 0 },
    ]);
    let chains = chains(&bootstrap)?;
    assert_eq!(chains.len(), 3);
    for chain in chains {
        assert_eq!(chain["filter_chain_match"]["prefix_ranges"], anywhere);
    }
    let address = &bootstrap["static_resources"]["listeners"][0]["address"]["socket_address"];
    assert_eq!(address["ipv4_compat"], json!(true));
    Ok(())
}

#[test]
fn a_port_of_several_tcp_services_is_left_to_the_egress_filter() -> Result<()> {
    let backends = ["a.local", "b.local", "c.local"];
    let documents = [
        client(&backends),
        node("a", 3306, "tcp"),
        node("b", 3306, "tcp"),
        node("c", 5432, "tcp"),
        provided_by("a.local", "virtualNode", "a"),
        provided_by("b.local", "virtualNode", "b"),
        provided_by("c.local", "virtualNode", "c"),
    ];
    let bootstrap = rendered(&documents.concat(), "mesh/m/virtualNode/client")?;
    let ports: Vec<Value> = chains(&bootstrap)?
        .iter()
        .map(|chain| chain["filter_chain_match"]["destination_port"].clone())
        .collect();
    assert_eq!(ports, [json!(5432), json!(443)]);
    Ok(())
}

#[test]
fn options_are_rendered_where_envoy_has_the_same() -> Result<()> {
    let documents = "meshName: m\n".to_owned()
        + &client(&["web.local"])
        + &node("web", 80, "http")
        + &provided_by("web.local", "virtualNode", "web")
        + "---\napiVersion: ferromesh.dev/v1\nkind: MeshOptions\nmetadata: {name: m}\nspec:\n  \
           virtualServices:\n    - virtualServiceName: web.local\n      timeout:\n        \
           perRequest: {unit: s, value: 30}\n        idle: {unit: s, value: 60}\n        \
           perTry: {unit: ms, value: 800}\n  virtualNodes:\n    - virtualNodeName: web\n      \
           connectTimeout: {unit: ms, value: 250}\n      balancing: LEAST_REQUEST\n      retryBudget: {budgetPercent: 30}\n";
    let bootstrap = rendered(&documents, "mesh/m/virtualNode/client")?;
    let chains = chains(&bootstrap)?;
    let hosts = &configuration(&chains[0])["route_config"]["virtual_hosts"];
    let action = &hosts[0]["routes"][0]["route"];
    assert_eq!(action["timeout"], json!("30s"));
    assert_eq!(action["idle_timeout"], json!("60s"));
    assert_eq!(action["retry_policy"]["per_try_timeout"], json!("0.800s"));
    let clusters = bootstrap["static_resources"]["clusters"].as_array();
    let web = clusters
        .and_then(|all| {
            all.iter()
                .find(|one| one["name"] == "cds_egress_m_web_http_80")
        })
        .context("no cluster")?;
    assert_eq!(web["connect_timeout"], json!("0.250s"));
    assert_eq!(web["lb_policy"], json!("LEAST_REQUEST"));
    assert_eq!(
        web["circuit_breakers"]["thresholds"][0]["retry_budget"],
        json!({ "budget_percent": { "value": 30 }, "min_retry_concurrency": 3 })
    );
    Ok(())
}
