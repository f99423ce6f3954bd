//! Compiles the protocol without `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=ferromesh");
    let descriptors = protox::compile(["ferromesh/control/v1/control.proto"], ["."])?;
    tonic_prost_build::configure()
        // `--json` prints the messages as they are.
        .type_attribute(".", "#[derive(serde::Serialize)]")
        .compile_fds(descriptors)?;
    Ok(())
}
