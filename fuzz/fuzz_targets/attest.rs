//! Any bytes at all: they are no bundles, or bundles that do not verify, or ones whose signer can be judged.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sayna_release::attest::{Bundle, Project, Trust, Wanted, check, wanted};
use sayna_release::digest::Digest;

static TRUST: LazyLock<Trust> = LazyLock::new(|| Trust::new(None).expect("the built-in roots"));

fuzz_target!(|bytes: &[u8]| {
    let Ok(bundles) = Bundle::parse("it", bytes) else { return };
    // What was read once is read again as the same.
    let merged = wanted::merged(&bundles);
    let again = Bundle::parse("again", &merged).map(|again| wanted::merged(&again));
    assert_eq!(again.ok(), Some(merged));
    // Nobody has signed this manifest.
    let wanted = [Wanted::of_manifest("sayna-1.2.3.release.json", Digest::of(b"manifest"))];
    let project = Project { repository: "saynaai/sayna", tag: "v1.2.3", commit: None };
    assert!(check(&TRUST, &bundles, &wanted, project).is_err());
});
