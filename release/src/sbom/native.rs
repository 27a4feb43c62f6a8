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
    let digest = match text.strip_prefix("sha256-") {
        Some(base64) => from_base64(base64),
        None => Digest::from_hex(text).ok(),
    };
    let wrong = || Error::NativeDigest { name: name.to_owned(), target: target.clone(), found: text.clone() };
    digest.map(Some).ok_or_else(wrong)
}

/// 43 characters of base64 and `=`, as Nix writes a SHA-256.
fn from_base64(text: &str) -> Option<Digest> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.strip_suffix('=').filter(|digits| digits.len() == 43)?;
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0_u32);
    for digit in digits.bytes() {
        let value = u32::try_from(ALPHABET.iter().position(|known| *known == digit)?).ok()?;
        held = (held << 6) | value;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    // Bits left over must be zero, or two texts would name one digest.
    if held == 0 { Digest::from_hex(&hex::encode(bytes)).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_the_empty_digest_agree() {
        let empty = Digest::of(b"");
        assert_eq!(from_base64("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), Some(empty));
        for wrong in
            ["", "=", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuF!="]
        {
            assert_eq!(from_base64(wrong), None, "{wrong}");
        }
    }
}
