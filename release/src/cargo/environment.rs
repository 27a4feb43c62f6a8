//! Variables of the caller that change what Cargo builds. A release build does not see them.

use std::ffi::OsString;

/// Variables of Cargo that change no byte: the network, registries and their credentials, what is printed, how many jobs.
/// A build sets Cargo's home and target folder again.
const CARGO: [&str; 11] = [
    "CARGO_ALIAS_",
    "CARGO_BUILD_JOBS",
    "CARGO_CACHE_",
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_LOG",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_TARGET_DIR",
    "CARGO_TERM_",
];

/// Variables of compilers and linkers, by their whole names; the last line is of Microsoft's.
const TOOLS: [&str; 21] = [
    "SOURCE_DATE_EPOCH",
    "RUSTFLAGS",
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "OBJC_INCLUDE_PATH",
    "LIBRARY_PATH",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "CCC_OVERRIDE_OPTIONS",
    "LD_RUN_PATH",
    "LDEMULATION",
    "GNUTARGET",
    "CROSS_COMPILE",
    "CRATE_CC_NO_DEFAULTS",
    "CC_FORCE_DISABLE",
    "CC_SHELL_ESCAPED_FLAGS",
    "CL",
    "_CL_",
    "LINK",
    "_LINK_",
];

/// Variables by which a build script selects a C compiler; each also as `HOST_…`, `TARGET_…` and `…_<triple>`.
const PROGRAMS: [&str; 6] = ["CC", "CXX", "AR", "RANLIB", "LD", "NM"];
/// And its flags.
const FLAGS: [&str; 8] =
    ["CFLAGS", "CXXFLAGS", "CPPFLAGS", "ASFLAGS", "ARFLAGS", "RANLIBFLAGS", "LDFLAGS", "CXXSTDLIB"];

/// The variables of the caller that change what Cargo builds or resolves. `host` is the triple of this machine: for another one
/// the caller names its linker and compiler.
pub fn foreign(host: &str) -> Vec<OsString> {
    let names = std::env::vars_os().map(|(name, _value)| name);
    names.filter(|name| changes_the_output(&name.to_string_lossy(), host)).collect()
}

fn changes_the_output(name: &str, host: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let host = spelled(host);
    if let Some(rest) = name.strip_prefix("CARGO_TARGET_").filter(|_| name != "CARGO_TARGET_DIR") {
        return !(rest.ends_with("_LINKER") && rest != format!("{host}_LINKER"));
    }
    if name.starts_with("CARGO_") || name.starts_with("__CARGO") {
        return !CARGO.iter().any(|kept| name.starts_with(kept));
    }
    if name.starts_with("RUSTC_") || TOOLS.contains(&name.as_str()) {
        return true;
    }
    let bare = name.strip_prefix("HOST_").or_else(|| name.strip_prefix("TARGET_")).unwrap_or(&name);
    let of = |base: &str| bare.strip_prefix(base).is_some_and(|rest| rest.is_empty() || is_triple(rest));
    let is_others = |base: &&str| bare.strip_prefix(base).is_some_and(|rest| !rest.is_empty() && !is_of(rest, &host));
    FLAGS.iter().any(|base| of(base)) || PROGRAMS.iter().any(|base| of(base) && !is_others(base))
}

/// A triple as variables spell it.
fn spelled(triple: &str) -> String {
    triple.to_ascii_uppercase().replace(['-', '.'], "_")
}

/// `_X86_64_UNKNOWN_LINUX_GNU`, with either separator.
fn is_triple(rest: &str) -> bool {
    let Some(triple) = rest.strip_prefix('_') else { return false };
    spelled(triple).split('_').filter(|word| !word.is_empty()).count() >= 3
}

fn is_of(rest: &str, triple: &str) -> bool {
    spelled(rest).strip_prefix('_') == Some(triple)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "x86_64-unknown-linux-gnu";

    #[test]
    fn environment_variables_that_change_bytes_are_removed() {
        for name in [
            "CARGO_PROFILE_RELEASE_OPT_LEVEL",
            "CARGO_BUILD_RUSTC_WRAPPER",
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "CARGO_BUILD_INCREMENTAL",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_INCREMENTAL",
            "CARGO_UNSTABLE_BUILD_STD",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
            "CARGO_PKG_VERSION",
            "__CARGO_DEFAULT_LIB_METADATA",
            "RUSTFLAGS",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTC_BOOTSTRAP",
            "SOURCE_DATE_EPOCH",
            "CC",
            "CXX",
            "HOST_CC",
            "TARGET_CC",
            "CC_x86_64-unknown-linux-gnu",
            "CC_x86_64_unknown_linux_gnu",
            "CFLAGS",
            "TARGET_CFLAGS",
            "HOST_CXXFLAGS",
            "CFLAGS_x86_64_unknown_linux_gnu",
            "CFLAGS_aarch64_unknown_linux_gnu",
            "LDFLAGS",
            "CPATH",
            "LIBRARY_PATH",
            "LD_RUN_PATH",
            "CL",
        ] {
            assert!(changes_the_output(name, HOST), "{name}");
        }
    }

    #[test]
    fn the_network_the_tools_of_another_target_and_all_else_are_kept() {
        for name in [
            "PATH",
            "HOME",
            "RUSTC",
            "RUSTUP_TOOLCHAIN",
            "CARGO",
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_JOBS",
            "CARGO_NET_OFFLINE",
            "CARGO_HTTP_PROXY",
            "CARGO_REGISTRY_TOKEN",
            "CARGO_REGISTRIES_OWN_TOKEN",
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER",
            "CC_aarch64_unknown_linux_gnu",
            "AR_aarch64-unknown-linux-gnu",
            "https_proxy",
            "LK_CUSTOM_WEBRTC",
            "AR_EXAMPLE",
            "CCACHE_DIR",
            "LINKEDIN",
        ] {
            assert!(!changes_the_output(name, HOST), "{name}");
        }
    }
}
