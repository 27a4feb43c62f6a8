//! `latest` as a pure rule: random orders of stable versions and pre-releases.

use proptest::prelude::*;
use sayna_release::publish::diff;
use semver::Version;

fn version() -> impl Strategy<Value = Version> {
    (0_u64..3, 0_u64..4, 0_u64..4, prop::option::of(1_u8..3)).prop_map(|(major, minor, patch, pre)| {
        let pre = pre.map_or_else(String::new, |n| format!("-rc.{n}"));
        format!("{major}.{minor}.{patch}{pre}").parse().unwrap()
    })
}

proptest! {
    #[test]
    fn latest_is_the_highest_stable_version_that_was_promoted(
        order in prop::collection::vec(version(), 1..20),
    ) {
        let mut known: Vec<Version> = Vec::new();
        let mut latest: Option<Version> = None;
        for version in order {
            known.push(version.clone());
            let before = latest.clone();
            match diff::latest(&version, latest.as_ref(), &known, false) {
                Ok(true) => latest = Some(version.clone()),
                Ok(false) => {}
                Err(_) => prop_assert!(!version.pre.is_empty()),
            }
            prop_assert!(before <= latest, "went back from {before:?} to {latest:?}");
            let highest = known.iter().filter(|v| v.pre.is_empty()).max();
            prop_assert_eq!(latest.as_ref(), highest);
            if let Some(latest) = &latest {
                prop_assert_eq!(diff::latest(latest, Some(latest), &known, false), Ok(false), "a second time moves nothing");
            }
        }
    }

    #[test]
    fn an_older_version_needs_to_be_asked_for(major in 0_u64..3, minor in 0_u64..3, patch in 0_u64..3, step in 0..3) {
        let older = Version::new(major, minor, patch);
        let newer = match step {
            0 => Version::new(major + 1, 0, 0),
            1 => Version::new(major, minor + 1, 0),
            _ => Version::new(major, minor, patch + 1),
        };
        let known = [older.clone(), newer.clone()];
        prop_assert_eq!(diff::latest(&older, Some(&newer), &known, false), Ok(false));
        prop_assert_eq!(diff::latest(&older, None, &known, false), Ok(false), "a newer one waits for its promotion");
        prop_assert_eq!(diff::latest(&older, Some(&newer), &known, true), Ok(true));
    }
}
