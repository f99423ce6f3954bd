//! Nodes in AWS Cloud Map, found by its API: instances that come and go, and an endpoint that throttles, is
//! gone or knows no revisions.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
};

use serde_json::{Value, json};
use tests::{
    capability,
    cloud_map::{Endpoint, Manner, Moto},
    daemon::{Daemon, Settings},
    network::Purpose,
    scenario::Scenario,
    wait,
};

/// Where moto and the endpoint in front of it are.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
/// An address of nobody.
const NOBODY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 3);
const SENT: &str = "cluster.cds_egress_apps_paid_http2_80.upstream_rq_total";
const OPEN: &str = "cluster.cds_egress_apps_paid_http2_80.upstream_cx_active";

/// `serviceA`, which calls `paid.apps.local`: the instances of `payments` whose stage is `prod`.
struct Registry {
    scenario: Scenario,
    moto: Moto,
    /// None while it is gone.
    endpoint: Option<Endpoint>,
    /// The id of `payments`.
    service: String,
    b: Ipv4Addr,
    bv2: Ipv4Addr,
}

impl Registry {
    /// Starts it with two instances, of which one is in production: the host of `serviceB`.
    fn start() -> Option<Self> {
        if !capability::namespace_ring() {
            return None;
        }
        let packages = capability::peers()?;
        let mut scenario = Scenario::start(Purpose::Test).unwrap();
        let [b, bv2] = [&scenario.service_b, &scenario.service_bv2].map(|host| host.v4());
        // What is dialled serves nothing: only a proxy finds an instance.
        scenario.dns.set("paid", &[IpAddr::V4(NOBODY)]).unwrap();
        let switch = scenario.network.switch();
        let address = format!("address add {ADDRESS}/24 dev bridge");
        switch.configure(&[address]).unwrap();
        let moto = Moto::start(&scenario.network, ADDRESS, &packages).unwrap();
        let endpoint = Endpoint::start(switch, ADDRESS, &moto).unwrap();
        let service = moto.create_service("shop.local", "payments").unwrap();
        moto.register(&service, "one", b, "prod").unwrap();
        moto.register(&service, "other", bv2, "test").unwrap();
        let discovery = json!({ "awsCloudMap": {
            "namespaceName": "shop.local",
            "serviceName": "payments",
            "attributes": [{ "key": "stage", "value": "prod" }],
        } });
        scenario.documents.lead(&[("paid", discovery)]).unwrap();
        Some(Self {
            scenario,
            moto,
            endpoint: Some(endpoint),
            service,
            b,
            bv2,
        })
    }

    fn endpoint(&self) -> &Endpoint {
        self.endpoint.as_ref().expect("it is there")
    }

    /// Puts the instance on the host of `serviceBv2` in the place of that of `serviceB`.
    fn move_on(&self) {
        let Self { moto, service, .. } = self;
        moto.register(service, "new", self.bv2, "prod").unwrap();
        moto.deregister(service, "one").unwrap();
    }

    fn daemon(&self) -> Settings {
        self.scenario
            .daemon_a()
            .args(["--workers", "1"])
            .env(
                "AWS_ENDPOINT_URL_SERVICEDISCOVERY",
                format!("http://{ADDRESS}"),
            )
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
    }

    /// Requests that all have to go through the proxy and be answered; how many each server had.
    fn call(&self, daemon: &Daemon, count: usize) -> [usize; 2] {
        let before = daemon.stat(SENT).unwrap();
        let curl = self.scenario.curl();
        let answers = curl.many("http://paid.apps.local/", count).unwrap();
        assert_eq!(answers.failed(), 0, "{:?}", answers.failures());
        assert_eq!(daemon.stat(SENT).unwrap(), before + count as u64);
        ["serviceB", "serviceBv2"].map(|server| answers.from(server))
    }
}

fn wait_for(daemon: &Daemon, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    daemon.wait_cluster("paid", what, wanted).unwrap()
}

fn wait_for_endpoints(daemon: &Daemon, addresses: &[Ipv4Addr]) {
    let mut addresses = addresses.to_vec();
    addresses.sort_unstable();
    let endpoints = addresses.iter().map(|address| format!("{address}:80"));
    let endpoints = json!(endpoints.collect::<Vec<_>>());
    wait_for(daemon, "the instances", |now| now["endpoints"] == endpoints);
}

fn failure(cluster: &Value) -> &str {
    cluster["failure"].as_str().unwrap_or_default()
}

#[test]
fn instances_that_are_registered_get_traffic_until_they_are_deregistered() {
    let Some(registry) = Registry::start() else {
        return;
    };
    let Registry {
        moto,
        service,
        b,
        bv2,
        ..
    } = &registry;
    let daemon = registry.daemon().start().unwrap();
    wait_for_endpoints(&daemon, &[*b]);
    assert_eq!(registry.call(&daemon, 10), [10, 0]);

    moto.register(service, "new", *bv2, "prod").unwrap();
    wait_for_endpoints(&daemon, &[*b, *bv2]);
    assert_eq!(registry.call(&daemon, 10), [5, 5]);
    assert_eq!(daemon.stat(OPEN).unwrap(), 2);

    moto.deregister(service, "one").unwrap();
    wait_for_endpoints(&daemon, &[*bv2]);
    assert_eq!(registry.call(&daemon, 10), [0, 10]);
    wait::until_true("the old connection to end", || Ok(daemon.stat(OPEN)? == 1)).unwrap();

    // Each change was asked for once, and the health of the instances now and then.
    let asked = |operation| registry.endpoint().asked(operation);
    let (revisions, answers) = (
        asked("DiscoverInstancesRevision"),
        asked("DiscoverInstances"),
    );
    assert!(answers >= 3, "{answers} questions for instances");
    let for_health = revisions / 6 + 1;
    assert!(
        answers <= 3 + for_health,
        "{answers} questions for instances, {revisions} for revisions"
    );
}

#[test]
fn traffic_goes_on_with_the_last_answer_while_nobody_has_a_newer_one() {
    let Some(mut registry) = Registry::start() else {
        return;
    };
    let daemon = registry.daemon().start().unwrap();
    wait_for_endpoints(&daemon, &[registry.b]);
    registry.endpoint().treat(Manner::Refuses {
        status: "400 Bad Request",
        code: "ThrottlingException",
    });
    let assert_told = |said: &str| {
        let trouble = wait_for(&daemon, said, |now| failure(now).contains(said));
        assert!(trouble["answered_seconds"].is_u64(), "{trouble}");
        let page = daemon.ask("status", &[]).unwrap().stdout;
        let mut lines = page.lines();
        let told = lines.find(|line| line.contains("NO NEW ANSWER for ") && line.contains(said));
        assert!(told.is_some(), "{page}");
        let log = daemon.log();
        let mut lines = log.lines();
        let told = lines.find(|line| line.contains("stays in use") && line.contains(said));
        assert!(told.is_some(), "{log}");
    };
    assert_told("ThrottlingException: as the test asked for");
    assert_eq!(registry.call(&daemon, 5), [5, 0]);

    registry.move_on();
    registry.endpoint = None;
    assert_told("Connection refused");
    assert_eq!(registry.call(&daemon, 5), [5, 0]);

    let switch = registry.scenario.network.switch();
    let endpoint = Endpoint::start(switch, ADDRESS, &registry.moto).unwrap();
    registry.endpoint = Some(endpoint);
    wait_for_endpoints(&daemon, &[registry.bv2]);
    assert_eq!(registry.call(&daemon, 5), [0, 5]);
    assert_eq!(failure(&daemon.cluster("paid").unwrap()), "");
    assert!(daemon.log().contains("there are answers again"));
}

#[test]
fn an_operator_s_file_goes_before_an_endpoint_that_knows_no_revisions() {
    let Some(registry) = Registry::start() else {
        return;
    };
    registry.endpoint().treat(Manner::WithoutRevisions);
    let file = registry.scenario.network.directory().join("instances.yaml");
    let list = |services: &str| {
        let draft = file.with_extension("draft");
        fs::write(&draft, services).unwrap();
        fs::rename(&draft, &file).unwrap();
    };
    let instance = format!(
        "{{ ipv4: {}, attributes: {{ stage: prod }} }}",
        registry.bv2
    );
    list(&format!(
        "services: [{{ namespace: shop.local, name: payments, instances: [{instance}] }}]"
    ));
    let settings = registry.daemon();
    let settings = settings.env("FERROMESH_INSTANCES", file.to_string_lossy());
    let daemon = settings.start().unwrap();
    wait_for_endpoints(&daemon, &[registry.bv2]);
    assert_eq!(registry.call(&daemon, 5), [0, 5]);
    assert_eq!(registry.endpoint().asked("DiscoverInstances"), 0);

    list("services: []");
    wait_for_endpoints(&daemon, &[registry.b]);
    assert_eq!(registry.call(&daemon, 5), [5, 0]);
    registry.move_on();
    wait_for_endpoints(&daemon, &[registry.bv2]);
    assert_eq!(registry.call(&daemon, 5), [0, 5]);
    assert_eq!(registry.endpoint().asked("DiscoverInstancesRevision"), 1);
    assert!(daemon.log().contains("does not tell revisions"));
}
