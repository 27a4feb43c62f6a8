//! Any bytes are rejected as a bundle, or are a bundle that does not verify, or one whose signer can be checked.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sayna_release::attest::{Bundle, ExpectedStatement, Project, Trust, check, expectations};
use sayna_release::digest::Digest;

static TRUST: LazyLock<Trust> = LazyLock::new(|| Trust::new(None).expect("the built-in roots"));

fuzz_target!(|bytes: &[u8]| {
    let Ok(bundles) = Bundle::parse("it", bytes) else { return };
    // Reading is idempotent.
    let merged = expectations::merged(&bundles);
    let again = Bundle::parse("again", &merged).map(|again| expectations::merged(&again));
    assert_eq!(again.ok(), Some(merged));
    // This manifest is not signed.
    let wanted = [ExpectedStatement::of_manifest("sayna-1.2.3.release.json", Digest::of(b"manifest"))];
    let project = Project { repository: "saynaai/sayna", tag: "v1.2.3", commit: None };
    assert!(check(&TRUST, &bundles, &wanted, project).is_err());
});
