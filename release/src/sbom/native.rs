//! The table's native inputs as components.

use super::cyclonedx::{Component, Hash, Kind, Reference, ReferenceKind};
use super::{Error, licence, purl};
use crate::digest::Digest;
use crate::table::{Download, Native, Spanned, Supply};
use crate::triple::Triple;

/// A native input. The digest is that of the file that was downloaded, so it stands at the download and not at the
/// component, whose own bytes are those inside.
pub(super) fn component(native: &Native, target: &Triple) -> Result<Component, Error> {
    let (name, version) = (native.name.get_ref(), &native.version);
    let bom_ref = format!("{name} {version}");
    let mut component = Component::new(Kind::Library, name.clone(), version.clone());
    component.licences = vec![licence(&bom_ref, native.licence.get_ref())?];
    component.bom_ref = bom_ref;
    let Supply::Download(download) = &native.supply else {
        component.purl = Some(purl::generic(name, version, &[]));
        return Ok(component);
    };
    let url = download.url_for(target);
    let digest = pinned(name, download, target)?;
    let checksum = digest.map(|digest| digest.to_string());
    let mut qualifiers: Vec<(&str, &str)> = checksum.iter().map(|sum| ("checksum", sum.as_str())).collect();
    qualifiers.push(("download_url", &url));
    component.purl = Some(purl::generic(name, version, &qualifiers));
    let mut reference = Reference::new(ReferenceKind::Distribution, url.clone());
    reference.hashes = digest.iter().map(Hash::sha256).collect();
    component.references = vec![reference];
    Ok(component)
}

/// The pinned digest; an input that is not pinned is a problem of the plan's, which stops a release and no rehearsal.
fn pinned(name: &str, download: &Download, target: &Triple) -> Result<Option<Digest>, Error> {
    let Some(text) = download.sha256.get(target).map(Spanned::get_ref).filter(|sum| !sum.is_empty()) else {
        return Ok(None);
    };
    let wrong = || Error::NativeDigest { name: name.to_owned(), target: target.clone(), found: text.clone() };
    Digest::from_pin(text).map(Some).map_err(|_no_digest| wrong())
}
