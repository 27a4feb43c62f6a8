//! Any bytes at all: an audit ends with facts or an error, and its facts can be judged, shown and serialised.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sayna_release::audit;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(facts) = audit::facts(bytes) {
        let findings = audit::findings(&facts, None);
        let text = audit::render("file".as_ref(), &facts, &findings);
        assert!(!text.is_empty());
        assert!(serde_json::to_string(&facts).is_ok());
    }
});
