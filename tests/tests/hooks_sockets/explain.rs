//! Why a connection is redirected or not, said before it is made, and what the hook then does: for
//! many rules, addresses, ports and owners.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use mesh_bpf::{
    explain::{Explanation, Question, explain},
    switch,
    trace::{Decision, Tracer},
};
use mesh_model::redirect::{OnProxyDown, RedirectRules};
use tests::{capability::BPFFS, wait};

use crate::stage::{Agent, FAR_V4, OWN_V4, OWN_V6, Proxy, Stage, WORKLOAD, fail, plays};

/// Numbers that look random and are the same in every run (`SplitMix64`).
struct Random(u64);

impl Random {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.number().is_multiple_of(times)
    }

    fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let length = u64::try_from(choices.len()).unwrap();
        &choices[usize::try_from(self.number() % length).unwrap()]
    }
}

/// Addresses that rules speak of, that lie beside those, and that are local.
const ADDRESSES: [&str; 17] = [
    "198.51.100.7",
    "198.51.100.8",
    "198.51.100.11",
    "198.51.100.12",
    "203.0.113.1",
    "203.0.113.200",
    "169.254.169.254",
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    OWN_V4,
    "2001:db8:2::7",
    "2001:db8:3::7",
    "::1",
    OWN_V6,
    "::ffff:198.51.100.9",
    "fe80::7",
];
const NETWORKS: [&str; 9] = [
    "198.51.100.8/30",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "203.0.113.128/25",
    "203.0.113.1/32",
    "2001:db8:2::/48",
    "2001:db8:3::7/128",
    "0.0.0.0/0",
    "::/0",
];
const PORTS: [u16; 6] = [1, 22, 80, 443, 8080, 65535];
const OWNERS: [(u32, u32); 3] = [(0, 0), (1337, 1), (1, 1338)];

fn rules(random: &mut Random, proxy: &Proxy) -> RedirectRules {
    let mut rules = proxy.rules();
    rules.enabled = !random.one_in(6);
    rules.ipv6 = !random.one_in(3);
    if random.one_in(2) {
        rules.on_proxy_down = OnProxyDown::Bypass;
    }
    if random.one_in(5) {
        // Nobody listens there.
        rules.egress_port = 9;
    }
    rules.ignored_uid = random.one_in(3).then(|| random.of(&OWNERS).0);
    rules.ignored_gid = random.one_in(3).then(|| random.of(&OWNERS).1);
    for _ in 0..random.number() % 3 {
        rules.ignored_ports.insert(*random.of(&PORTS));
    }
    for _ in 0..random.number() % 3 {
        let network = random.of(&NETWORKS).parse().unwrap();
        rules.ignored_networks.insert(network);
    }
    rules
}

fn explained(stage: &Stage, question: &Question) -> Explanation {
    explain(Path::new(BPFFS), &stage.name, question)
        .unwrap_or_else(|error| fail(&error))
        .expect("the instance has pins")
}

fn question(stage: &Stage, to: SocketAddr, (uid, gid): (u32, u32)) -> Question {
    Question {
        cgroup: stage.workload_cgroup.clone(),
        netns: None,
        uid,
        gid,
        to,
        bound_interface: None,
    }
}

/// What the hook decides about a connection that is made now.
fn decided(tracer: &mut Tracer, agent: &mut Agent, to: SocketAddr) -> Decision {
    tracer.keep_on().unwrap();
    agent.order(&format!("attempt {to}"));
    agent.answer().unwrap();
    wait::until("a decision", || Ok(tracer.next_decision()?)).unwrap()
}

plays! {
    fn explanations_agree_with_the_hook(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let mut agents = OWNERS.map(|(uid, gid)| stage.application_as(uid, gid));
        let mut tracer = Tracer::start(Path::new(BPFFS), &stage.name).unwrap();
        let mut random = Random(1);
        let mut seen = BTreeSet::new();
        for generation in 2..82 {
            let rules = rules(&mut random, &proxy);
            instance.set_rules(WORKLOAD, &rules, generation).unwrap();
            if random.one_in(5) {
                instance.rest(WORKLOAD).unwrap();
            } else {
                instance.beat(WORKLOAD).unwrap();
            }
            // Once it was switched, the rules no longer say whether it is on.
            if generation > 40 {
                let on = !random.one_in(4);
                switch::set(Path::new(BPFFS), &stage.name, None, on).unwrap();
            }
            for _ in 0..8 {
                let which = usize::try_from(random.number() % 3).unwrap();
                let address: IpAddr = random.of(&ADDRESSES).parse().unwrap();
                let to = SocketAddr::new(address, *random.of(&PORTS));
                let explanation = explained(stage, &question(stage, to, OWNERS[which]));
                let decision = decided(&mut tracer, &mut agents[which], to);
                let context = format!("{to} by {:?} under {rules:?}: {explanation:?}", OWNERS[which]);
                assert_eq!(explanation.verdict, decision.verdict, "{context}");
                assert_eq!(explanation.reason, decision.reason, "{context}");
                assert_eq!(explanation.generation, Some(decision.generation), "{context}");
                let held = explanation.steps.iter().find(|step| step.holds);
                assert_eq!(held.map_or("matched", |step| step.rule), decision.reason, "{context}");
                seen.insert(decision.reason);
            }
        }
        let reasons = [
            "disabled", "ignored-gid", "ignored-network", "ignored-port", "ignored-uid", "ipv6-off",
            "link-unknown", "local-destination", "matched", "proxy-absent", "proxy-silent",
            "switched-off",
        ];
        for reason in reasons {
            assert!(seen.contains(reason), "never saw {reason}: {seen:?}");
        }
    }

    fn a_rule_is_named_with_what_it_says(stage) {
        let proxy = Proxy::listen();
        let mut rules = proxy.rules();
        rules.ignored_ports.extend(8000..=8010);
        rules.ignored_networks.insert("203.0.113.0/24".parse().unwrap());
        rules.ignored_networks.insert("203.0.113.128/25".parse().unwrap());
        let _instance = stage.enrolled(&rules);
        for (to, words) in [
            ("203.0.113.200:80", "203.0.113.128/25"),
            ("203.0.113.100:80", "203.0.113.0/24"),
            ("198.51.100.7:8005", "8000 to 8010"),
            ("192.0.2.1:80", "local 192.0.2.1/32 dev own0"),
            ("127.0.0.1:80", "127.0.0.0/8"),
        ] {
            let explanation = explained(stage, &question(stage, to.parse().unwrap(), (0, 0)));
            let last = explanation.steps.last().unwrap();
            assert!(last.holds && last.why.contains(words), "{to}: {last:?}");
            assert_eq!(explanation.target, None);
        }
    }

    fn where_it_would_be_sent_is_where_it_goes(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let explanation = explained(stage, &question(stage, FAR_V4.parse().unwrap(), (0, 0)));
        stage.application().ask(&format!("connect {FAR_V4}")).unwrap();
        let (stream, _) = proxy.accept(&instance);
        assert_eq!(explanation.target, Some(stream.local_addr().unwrap()));
        let bound = Question {
            bound_interface: Some("own0".to_owned()),
            ..question(stage, FAR_V4.parse().unwrap(), (0, 0))
        };
        let target = SocketAddr::new(OWN_V4.parse().unwrap(), proxy.port);
        assert_eq!(explained(stage, &bound).target, Some(target));
        let nowhere = Question { bound_interface: Some("far0".to_owned()), ..bound };
        let explanation = explained(stage, &nowhere);
        assert_eq!((explanation.verdict.as_str(), explanation.reason), ("refused", "bound-to-device"));
        assert!(explanation.seen.contains("EPERM"));
    }

    fn a_cgroup_outside_every_workload_is_told_who_is_enrolled(stage) {
        let proxy = Proxy::listen();
        let _instance = stage.enrolled(&proxy.rules());
        let outside = Question {
            cgroup: stage.proxy_cgroup.clone(),
            ..question(stage, FAR_V4.parse().unwrap(), (0, 0))
        };
        let explanation = explained(stage, &outside);
        assert_eq!(explanation.reason, "not-enrolled");
        assert!(explanation.workload.is_none());
        assert_eq!(explanation.workloads[0].name, "played");
    }
}
