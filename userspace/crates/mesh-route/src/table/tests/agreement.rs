//! Compiled table, explanation and a matcher without shortcuts hold the same opinion of random
//! requests.

use http::{HeaderName, HeaderValue};
use mesh_model::snapshot::{HeaderMatch, HttpScheme, QueryMatch, RouteMatch, ValueMatch};
use proptest::{collection::vec, option, prelude::*, sample::select};
use regex::Regex;

use super::*;
use crate::{RouteOutcome, explain, fixture::pattern};

/// A request that owns its parts.
#[derive(Clone, Debug)]
struct Request {
    method: &'static str,
    scheme: &'static str,
    host: String,
    path: String,
    query: Option<String>,
    headers: Vec<(&'static str, String)>,
}

/// Few names and values, so that conditions and requests often meet.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ab]{1,3}",
        "[+-]?[0-9]{1,3}",
        Just("10.5".to_owned()),
        Just("99999999999999999999".to_owned()),
    ]
}

fn requests() -> impl Strategy<Value = Request> {
    (
        select(vec!["GET", "POST", "get"]),
        select(vec!["http", "https", "HTTPS"]),
        "[abAB]{1,3}(:80)?",
        "(/[abc]{0,2}){0,4}",
        option::of("(([pq](=[ab]?)?)|&){0,4}"),
        vec((select(vec!["x", "y", "cookie"]), value()), 0..4),
    )
        .prop_map(|(method, scheme, host, path, query, headers)| Request {
            method,
            scheme,
            host,
            path,
            query,
            headers,
        })
}

fn value_matches() -> impl Strategy<Value = ValueMatch> {
    prop_oneof![
        value().prop_map(ValueMatch::Exact),
        "[ab]{1,2}".prop_map(ValueMatch::Prefix),
        "[ab]{1,2}".prop_map(ValueMatch::Suffix),
        (-20_i64..100, 1_i64..200).prop_map(|(start, length)| ValueMatch::Range {
            start,
            end: start + length
        }),
        select(vec!["a+", "a|ab", "[0-9]+", ".*b", "", "a,b"])
            .prop_map(|expression| ValueMatch::Regex(pattern(expression))),
    ]
}

fn header_matches() -> impl Strategy<Value = HeaderMatch> {
    let name = select(vec!["x", "y", "z", "cookie", ":method", "host", ":path"]);
    let parts = (name, option::weighted(0.8, value_matches()), any::<bool>());
    parts.prop_map(|(name, value, invert)| HeaderMatch {
        name: name.to_owned(),
        value,
        invert,
    })
}

fn matches() -> impl Strategy<Value = RouteMatch> {
    let path = prop_oneof![
        4 => "(/[ab]{0,2}){0,3}".prop_map(PathMatch::Prefix),
        2 => "(/[ab]{0,2}){0,3}".prop_map(PathMatch::Exact),
        1 => select(vec!["/a", "/a.*", "/[ab]/?", "(/a|/ab)(/.*)?"])
            .prop_map(|expression| PathMatch::Regex(pattern(expression))),
    ];
    let query = ("[pq]", option::of("[ab]?")).prop_map(|(name, exact)| QueryMatch { name, exact });
    (
        path,
        option::weighted(0.2, select(vec![HttpMethod::Get, HttpMethod::Post])),
        option::weighted(0.2, select(vec![HttpScheme::Http, HttpScheme::Https])),
        vec(header_matches(), 0..3),
        vec(query, 0..2),
    )
        .prop_map(
            |(path, method, scheme, headers, query_parameters)| RouteMatch {
                path,
                method,
                scheme,
                headers,
                query_parameters,
            },
        )
}

fn tables() -> impl Strategy<Value = RouteTable> {
    let domain = prop_oneof![
        4 => "[ab]{1,2}(:80)?",
        2 => "[*][ab](:80)?",
        1 => Just("*".to_owned()),
    ];
    let routes = vec(matches(), 0..12).prop_map(|all| {
        let named = all.into_iter().enumerate();
        named
            .map(|(index, matches)| Route {
                name: format!("r{index}"),
                matches,
                ..route("/")
            })
            .collect()
    });
    let hosts = (vec(domain, 0..3), routes);
    vec(hosts, 0..4).prop_map(|hosts| RouteTable {
        name: "t".to_owned(),
        virtual_hosts: hosts
            .into_iter()
            .enumerate()
            .map(|(index, (domains, routes))| VirtualHost {
                name: format!("vh{index}"),
                domains,
                routes,
            })
            .collect(),
    })
}

/// What Envoy's documentation says, word for word and route by route.
fn plainly(table: &RouteTable, request: &Request) -> Decision {
    let host = request.host.to_lowercase();
    let claims = |domain: &str| {
        let claimed = |host: &VirtualHost| host.domains.iter().any(|own| own == domain);
        table.virtual_hosts.iter().position(claimed)
    };
    let endings = (1..host.len()).map(|start| format!("*{}", &host[start..]));
    let domains = [host.clone()].into_iter().chain(endings);
    let mut domains = domains.chain(["*".to_owned()]);
    let Some(virtual_host) = domains.find_map(|domain| claims(&domain)) else {
        return Decision::NoVirtualHost;
    };
    let routes = &table.virtual_hosts[virtual_host].routes;
    match routes
        .iter()
        .position(|route| takes(&route.matches, request))
    {
        Some(route) => Decision::Route {
            virtual_host,
            route,
        },
        None => Decision::NoRoute { virtual_host },
    }
}

fn whole(expression: &str, value: &str) -> bool {
    Regex::new(&format!("^(?:{expression})$"))
        .expect("a good one")
        .is_match(value)
}

fn takes(asks: &RouteMatch, request: &Request) -> bool {
    let path = match &asks.path {
        PathMatch::Exact(path) => request.path == *path,
        PathMatch::Prefix(prefix) => request.path.starts_with(prefix),
        PathMatch::Regex(expression) => whole(expression.as_str(), &request.path),
    };
    let method = asks
        .method
        .is_none_or(|method| method.as_str() == request.method);
    let scheme = asks
        .scheme
        .is_none_or(|scheme| scheme.as_str() == request.scheme.to_lowercase());
    let headers = asks
        .headers
        .iter()
        .all(|header| header_holds(header, request));
    let query = asks.query_parameters.iter().all(|parameter| {
        let query = request.query.as_deref().unwrap_or_default();
        let found = query.split('&').find_map(|one| {
            let mut halves = one.splitn(2, '=');
            (halves.next() == Some(&parameter.name)).then(|| halves.next().unwrap_or_default())
        });
        match (&parameter.exact, found) {
            (Some(exact), Some(value)) => exact == value,
            (None, Some(_)) => true,
            (_, None) => false,
        }
    });
    path && method && scheme && headers && query
}

fn header_holds(asks: &HeaderMatch, request: &Request) -> bool {
    let lines: Vec<&str> = match asks.name.as_str() {
        ":method" => vec![request.method],
        ":path" => vec![&request.path],
        "host" => vec![&request.host],
        name => {
            let named = request.headers.iter().filter(|(own, _)| *own == name);
            named.map(|(_, value)| value.as_str()).collect()
        }
    };
    let mut values: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    if let (":path", Some(query)) = (asks.name.as_str(), &request.query) {
        values = vec![format!("{}?{query}", request.path)];
    }
    let Some(test) = &asks.value else {
        return values.is_empty() == asks.invert;
    };
    let passes = values.iter().any(|value| value_passes(test, value));
    !values.is_empty() && passes != asks.invert
}

fn value_passes(test: &ValueMatch, value: &str) -> bool {
    match test {
        ValueMatch::Exact(exact) => value == *exact,
        ValueMatch::Prefix(prefix) => value.starts_with(prefix),
        ValueMatch::Suffix(suffix) => value.ends_with(suffix),
        ValueMatch::Range { start, end } => {
            let number: Option<i128> = value.parse().ok();
            number.is_some_and(|number| i128::from(*start) <= number && number < i128::from(*end))
        }
        ValueMatch::Regex(expression) => whole(expression.as_str(), value),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_compiled_table_and_explain_decide_as_the_rules_say(
        table in tables(),
        request in requests(),
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let value = HeaderValue::from_str(value).expect("a value");
            headers.append(HeaderName::from_static(name), value);
        }
        let parts = RequestParts {
            method: request.method,
            scheme: request.scheme,
            host: &request.host,
            path: &request.path,
            query: request.query.as_deref(),
            headers: &headers,
        };
        let expected = plainly(&table, &request);
        let compiled = Table::compile(&table);
        prop_assert_eq!(compiled.decide(&parts), expected);
        let explanation = explain(&table, &parts);
        prop_assert_eq!(explanation.decision, expected);
        for trial in explanation.virtual_hosts.iter().flat_map(|host| &host.routes) {
            if let RouteOutcome::Mismatched { because } = &trial.outcome {
                prop_assert!(!because.is_empty());
            }
        }
    }
}
