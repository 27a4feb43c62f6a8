//! Tells the program which compiler has built it: `sayna --version --verbose` says so. Refuses to make one that could not work.
#![allow(clippy::print_stdout, reason = "Cargo reads instructions from standard output")]

use std::env;
use std::process::Command;

fn main() {
    let is_set = |name: &str| env::var_os(name).is_some();
    if is_set("CARGO_FEATURE_LIVEKIT") {
        println!("cargo::rerun-if-env-changed=DOCS_RS");
        // With it, LiveKit's crates are checked without libwebrtc; what is linked of that ends at the first call.
        if is_set("DOCS_RS") && env::var("PROFILE").is_ok_and(|profile| profile == "release") {
            println!("cargo::error=a release build with the feature livekit needs libwebrtc: unset DOCS_RS");
        }
    }
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let version = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=SAYNA_RUSTC={}", version.as_deref().map_or("unknown", str::trim));
}
