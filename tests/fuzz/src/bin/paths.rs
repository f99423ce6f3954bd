//! Paths as they are normalised: without dot segments, and normal after it.
#![no_main]

use mesh_route::normalise;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let path = format!("/{text}");
    let Ok(normal) = normalise(&path) else {
        assert!(path.contains("%00"));
        return;
    };
    assert!(normal.starts_with('/') && normal.is_ascii(), "{normal}");
    assert!(
        !normal
            .split('/')
            .any(|segment| segment == "." || segment == ".."),
        "{normal}"
    );
    assert!(normal == "//" || !normal.contains("//"), "{normal}");
});
