//! The table's native inputs as components.

use super::cyclonedx::{Component, Hash, Kind, Licence, Name, Reference, ReferenceKind};
use super::{Error, licence, purl};
use crate::digest::Digest;
use crate::licences::{Library, Linked};
use crate::table::{Download, Spanned, Supply};
use crate::triple::Triple;

/// A native input. The digest is that of the file that was downloaded, so it stands at the download and not at the
/// component, whose own bytes are those inside. The libraries inside stand in the component.
pub(super) fn component(linked: &Linked<'_>, target: &Triple) -> Result<Component, Error> {
    let native = linked.native;
    let (name, version) = (native.name.get_ref(), &native.version);
    let bom_ref = native.to_string();
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
    component.components = linked.libraries.iter().map(|library| inside(library, &component.bom_ref)).collect();
    Ok(component)
}

/// A library inside of an input. Its file of licences says no version.
fn inside(library: &Library, input: &str) -> Component {
    let name = &library.name;
    let mut component = Component::new(Kind::Library, name.clone(), String::new());
    component.bom_ref = format!("{name} in {input}");
    component.licences = vec![match library.licence {
        Some(id) => Licence::Expression { expression: id.to_owned() },
        None => Licence::Named { license: Name { name: format!("the text of {name} in the licences of {input}") } },
    }];
    component
}

/// The pinned digest; an input that is not pinned is a problem of the plan's, which stops a release and no rehearsal.
fn pinned(name: &str, download: &Download, target: &Triple) -> Result<Option<Digest>, Error> {
    let Some(text) = download.sha256.get(target).map(Spanned::get_ref).filter(|sum| !sum.is_empty()) else {
        return Ok(None);
    };
    let wrong = || Error::NativeDigest { name: name.to_owned(), target: target.clone(), found: text.clone() };
    Digest::from_pin(text).map(Some).map_err(|_no_digest| wrong())
}
