//! Facts and findings in one line each, for reports that hold more than an audit.

use std::fmt;

use super::{Facts, Finding};

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.what, self.fix)
    }
}

impl Facts {
    /// Format, processor, and the newest of each that a system must have.
    pub fn summary(&self) -> String {
        let images = self.images.iter().map(|image| {
            let newest = image.symbol_versions.iter().map(|v| v.name.clone());
            let oldest = image.minimum_os.iter().map(|v| format!("system {v}"));
            let needs: Vec<String> = newest.chain(oldest).collect();
            format!(
                "{} {}, needs {}",
                image.format.name(),
                image.arch,
                if needs.is_empty() { "nothing".to_owned() } else { needs.join(" ") }
            )
        });
        images.collect::<Vec<_>>().join("; ")
    }
}
