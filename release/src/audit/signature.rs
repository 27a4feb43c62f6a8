//! A Mach-O code signature against the bytes that it signs: page by page, as the kernel compares them when a page is first used.

use object::BigEndian;
use object::macho::{self, CsHashType};
use object::read::ReadRef as _;
use object::read::macho::{CodeDirectory, CodeSignature, CodeSignatureBlob};
use ring::digest::{self, Algorithm};

use super::{Damage, OrDamage as _, Result, Signature};

/// Sizes of a page, as powers of two: 4 kB on Intel, 16 kB on arm64; other tools write up to 64 kB.
const PAGE_SIZES: std::ops::RangeInclusive<u8> = 12..=16;

/// Blobs whose digests a code directory has: requirements, entitlements, and entitlements in DER.
const SPECIAL: [u32; 3] = [2, 5, 7];

/// The kind of the signature, and its mismatch with the bytes before it, in words.
pub(super) fn read(bytes: &[u8], offset: u32, size: u32) -> Result<(Signature, Option<String>)> {
    let data = bytes.read_bytes_at(offset.into(), size.into());
    let data = data.or_damage("its code signature ends beyond the file")?;
    let signature = CodeSignature::parse(data)?;
    if signature.index().len() > super::MOST {
        return Err(Damage::Inside("its code signature lists more blobs than a signer writes"));
    }
    let (mut blobs, mut special, mut best) = (signature.blobs(), Vec::new(), None::<CodeDirectory<'_>>);
    while let Some(blob) = blobs.next()? {
        if let Some(directory) = blob.code_directory()? {
            // Of several the kernel takes the one with the strongest digest.
            let rank = |d: &CodeDirectory<'_>| rank(d.header().hash_type);
            best = best.into_iter().chain([directory]).max_by_key(rank);
        } else if SPECIAL.contains(&blob.slot().0) {
            special.push(blob);
        }
    }
    let directory = best.or_damage("its code signature has no code directory")?;
    let ad_hoc = directory.header().flags.get(BigEndian).contains(macho::CS_ADHOC);
    let kind = if ad_hoc { Signature::AdHoc } else { Signature::Certificate };
    let signed = bytes.read_bytes_at(0, offset.into()).or_damage("its code signature begins beyond the file")?;
    Ok((kind, fault(signed, &directory, &special)?))
}

fn rank(kind: CsHashType) -> u8 {
    match kind {
        macho::CS_HASHTYPE_SHA384 => 4,
        macho::CS_HASHTYPE_SHA256 => 3,
        macho::CS_HASHTYPE_SHA256_TRUNCATED => 2,
        _ => 1,
    }
}

/// The first thing that was not signed as it is.
fn fault(signed: &[u8], directory: &CodeDirectory<'_>, special: &[CodeSignatureBlob<'_>]) -> Result<Option<String>> {
    let header = directory.header();
    let algorithm = algorithm(header.hash_type)?;
    let kept = usize::from(header.hash_size);
    if kept < 20 || kept > algorithm.output_len() {
        return Err(Damage::Inside("its code signature has digests of an odd length"));
    }
    let is = |bytes: &[u8], wanted: &[u8]| digest::digest(algorithm, bytes).as_ref().get(..kept) == Some(wanted);
    let (limit, size) = (directory.code_limit(), signed.len() as u64);
    if limit != size {
        return Ok(Some(format!("its signature is of {limit} bytes, and {size} lie before it")));
    }
    let page = match header.page_size {
        0 => signed.len().max(1),
        power if PAGE_SIZES.contains(&power) => 1 << power,
        _ => return Err(Damage::Inside("its code signature has pages of an odd size")),
    };
    let slots = header.n_code_slots.get(BigEndian) as usize;
    let pages = signed.len().div_ceil(page);
    if slots != pages {
        return Ok(Some(format!("its signature has the digests of {slots} pages, and there are {pages}")));
    }
    for (index, bytes) in (0_u32..).zip(signed.chunks(page)) {
        if !is(bytes, directory.code_hash(index)?) {
            let (from, to) = (index as usize * page, index as usize * page + bytes.len());
            return Ok(Some(format!("its bytes from {from:#x} to {to:#x} are not those that were signed")));
        }
    }
    for blob in special.iter().filter(|blob| blob.slot().0 <= header.n_special_slots.get(BigEndian)) {
        if !is(blob.data(), directory.special_hash(blob.slot())?) {
            return Ok(Some("its entitlements or requirements are not those that were signed".to_owned()));
        }
    }
    Ok(None)
}

fn algorithm(kind: CsHashType) -> Result<&'static Algorithm> {
    match kind {
        macho::CS_HASHTYPE_SHA1 => Ok(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        macho::CS_HASHTYPE_SHA256 | macho::CS_HASHTYPE_SHA256_TRUNCATED => Ok(&digest::SHA256),
        macho::CS_HASHTYPE_SHA384 => Ok(&digest::SHA384),
        _ => Err(Damage::Inside("its code signature has digests of an unknown kind")),
    }
}
