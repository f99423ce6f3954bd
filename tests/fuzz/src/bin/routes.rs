//! Routes and requests: the compiled table decides what trying each route decides.
#![no_main]

use fuzz::routing::{OwnedRequest, Shape};
use mesh_route::{Table, explain};

libfuzzer_sys::fuzz_target!(|input: (Shape, Vec<OwnedRequest>)| {
    let (shape, requests) = input;
    let table = shape.table();
    let compiled = Table::compile(&table);
    for request in requests.iter().take(8) {
        request.with_parts(|parts| {
            let decision = compiled.decide(parts);
            assert_eq!(
                decision,
                explain(&table, parts).decision,
                "{table:?} {parts:?}"
            );
        });
    }
});
