//! Real registries: distribution (Debian's `docker-registry`) and one with the referrers API (`ferro-oci-server`).
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod access;
mod between;
mod faults;
mod kill;
mod kinds;
mod paginated_lists;
mod progress;
mod push;
mod referrers;
pub(crate) mod server;
mod two_platforms;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sayna_release::digest::Digest;
use sayna_release::http::{Client, Clock};
use sayna_release::oci;
use sayna_release::registry::{Distribution, Purpose, Registry};

/// Pauses that last no time: what is tested is what comes after them.
struct Hurried;

impl Clock for Hurried {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
    fn sleep(&self, _time: Duration) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A repository at an address, with variables of the test's own.
fn reach(address: &str, repository: &str, variables: &[(&str, &str)]) -> Distribution {
    let variables: Vec<(String, String)> = variables.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
    let variable = move |name: &str| variables.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
    let client = Client::new().unwrap().with_clock(Arc::new(Hurried));
    Distribution::new(format!("{address}/{repository}").parse().unwrap(), client, Box::new(variable))
}

/// Publishes an image of version 1.2.3.
pub(crate) fn push_an_image(address: &str, repository: &str, variables: &[(&str, &str)]) {
    let registry = reach(address, repository, variables).for_purpose(Purpose::Publish);
    assert!(kinds::publish_to(&registry).complete());
}

/// Every tag leads to an index with everything below it; the tags.
fn look_as_a_stranger(registry: &dyn Registry) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let document = |digest: Digest| {
        let bytes = registry.manifest(digest).unwrap();
        assert_eq!(Digest::of(&bytes), digest);
        bytes
    };
    let tags = registry.tags().unwrap();
    for tag in &tags {
        let index: oci::Index = serde_json::from_slice(&document(registry.resolve(tag).unwrap().unwrap())).unwrap();
        for manifest in &index.manifests {
            let manifest: oci::Manifest = serde_json::from_slice(&document(manifest.digest)).unwrap();
            for blob in manifest.blobs() {
                let path = folder.path().join(blob.digest.hex());
                registry.download(blob, &path).unwrap();
                assert_eq!(Digest::of_file(&path).unwrap(), (blob.digest, blob.size));
            }
        }
    }
    tags
}
