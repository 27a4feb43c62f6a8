//! Tells the program which compiler has built it: `sayna --version --verbose` says so.
#![allow(clippy::print_stdout, reason = "that is how Cargo is told")]

use std::process::Command;

fn main() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let version = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=SAYNA_RUSTC={}", version.as_deref().map_or("unknown", str::trim));
}
