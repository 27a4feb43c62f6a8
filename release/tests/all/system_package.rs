//! Versions of system packages, compared by dpkg and rpm.

use std::cmp::Ordering;
use std::process::Command;

use proptest::prelude::*;
use sayna_release::system_package::{RELEASE, version};
use semver::Version;

/// The order that dpkg gives the first packages of two versions.
fn dpkg(one: &str, other: &str) -> Ordering {
    let (one, other) = (&format!("{one}-{RELEASE}"), &format!("{other}-{RELEASE}"));
    let holds = |relation: &str| {
        let status = Command::new("dpkg").args(["--compare-versions", one, relation, other]).status().unwrap();
        match status.code() {
            Some(0) => true,
            Some(1) => false,
            code => panic!("dpkg --compare-versions {one} {relation} {other} ended with {code:?}"),
        }
    };
    match (holds("lt"), holds("gt")) {
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

fn a_version() -> impl Strategy<Value = Version> {
    let pre = prop_oneof![Just(String::new()), "-[a-z]{1,4}(\\.(0|[1-9][0-9]{0,2})){0,2}"];
    (0u64..3, 0u64..12, 0u64..3, pre)
        .prop_map(|(major, minor, patch, pre)| format!("{major}.{minor}.{patch}{pre}").parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    #[ignore = "needs dpkg"]
    fn dpkg_orders_versions_as_semver_does(one in a_version(), other in a_version()) {
        let (a, b) = (version(&one).unwrap(), version(&other).unwrap());
        prop_assert_eq!(dpkg(&a, &b), one.cmp(&other), "{} and {}", a, b);
    }
}

/// One call for all pairs, because rpm takes a while to start.
#[test]
#[ignore = "needs rpm"]
fn rpm_orders_versions_as_semver_does() {
    let mut versions: Vec<Version> = Vec::new();
    for pre in ["", "-alpha", "-alpha.0", "-alpha.1", "-alpha.1.1", "-alpha.10", "-beta.2", "-rc.1", "-rc.11"] {
        versions.extend(["1.2.3", "1.2.10", "1.10.0"].map(|core| format!("{core}{pre}").parse().unwrap()));
    }
    let compare = |a: &Version, b: &Version| {
        format!("print(rpm.vercmp('{}', '{}') .. ' ')", version(a).unwrap(), version(b).unwrap())
    };
    let program: String = versions.iter().flat_map(|a| versions.iter().map(move |b| compare(a, b))).collect();
    let output = Command::new("rpm").args(["--eval", &format!("%{{lua:{program}}}")]).output().unwrap();
    let found: Vec<i8> =
        String::from_utf8(output.stdout).unwrap().split_whitespace().map(|n| n.parse().unwrap()).collect();
    assert_eq!(found.len(), versions.len().pow(2));
    let pairs = versions.iter().flat_map(|a| versions.iter().map(move |b| (a, b)));
    for ((a, b), found) in pairs.zip(found) {
        assert_eq!(found.cmp(&0), a.cmp(b), "{a} and {b}");
    }
}

#[test]
#[ignore = "needs dpkg"]
fn dpkg_orders_the_versions_of_a_release_line_as_they_were_made() {
    let line = ["1.2.3-alpha", "1.2.3-alpha.1", "1.2.3-beta.2", "1.2.3-beta.11", "1.2.3-rc.1", "1.2.3"];
    let line: Vec<String> = line.iter().map(|text| version(&text.parse().unwrap()).unwrap()).collect();
    for pair in line.windows(2) {
        assert_eq!(dpkg(&pair[0], &pair[1]), Ordering::Less, "{pair:?}");
    }
}

#[test]
fn a_version_without_an_order_in_packages_is_refused() {
    for text in ["1.2.3+build", "1.2.3-rc1", "1.2.3-RC.1", "1.2.3-rc-1", "1.2.3-1", "1.2.3-alpha.beta", "1.2.3-a.b2"] {
        let error = version(&text.parse().unwrap()).unwrap_err().to_string();
        assert!(error.starts_with(&format!("version {text} cannot be a system package: ")), "{error}");
    }
}
