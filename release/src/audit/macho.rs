//! Mach-O, thin or universal, read as dyld does: from the load commands.

use object::read::macho::{FatArch, LoadCommandData, LoadCommandVariant, MachHeader, MachOFatFile32, MachOFatFile64};
use object::{Endianness, macho};

use super::{Damage, Format, Hardening, Image, Kind, Result, Signature, SymbolVersion, push, signature, text};
use crate::table::DottedVersion;

/// Slices of a universal file that are believed; Apple's own have up to five.
const MOST_SLICES: usize = 16;

/// A Java class file begins with the same four bytes as a universal file; its next word is a version above 44,
/// where a universal file has a small count.
pub(super) fn is_macho(bytes: &[u8]) -> bool {
    match bytes {
        [0xce | 0xcf, 0xfa, 0xed, 0xfe, ..] | [0xfe, 0xed, 0xfa, 0xce | 0xcf, ..] => true,
        [0xca, 0xfe, 0xba, 0xbe | 0xbf, 0, 0, 0, count, ..] => usize::from(*count) <= MOST_SLICES,
        _ => false,
    }
}

pub(super) fn images(bytes: &[u8]) -> Result<Vec<Image>> {
    match bytes {
        [0xca, 0xfe, 0xba, 0xbe, ..] => slices(bytes, MachOFatFile32::parse(bytes)?.arches()),
        [0xca, 0xfe, 0xba, 0xbf, ..] => slices(bytes, MachOFatFile64::parse(bytes)?.arches()),
        _ => Ok(vec![thin(bytes)?]),
    }
}

fn slices<A: FatArch>(bytes: &[u8], arches: &[A]) -> Result<Vec<Image>> {
    if arches.is_empty() {
        return Err(Damage::Inside("it is a universal file of no architecture"));
    }
    arches
        .iter()
        .map(|slice| {
            let image = thin(slice.data(bytes)?)?;
            let named = arch(slice.cputype());
            if image.arch == named {
                Ok(image)
            } else {
                Err(Damage::Inside("a slice is not of the architecture it is listed as"))
            }
        })
        .collect()
}

fn thin(bytes: &[u8]) -> Result<Image> {
    match bytes {
        [0xcf, 0xfa, 0xed, 0xfe, ..] | [0xfe, 0xed, 0xfa, 0xcf, ..] => image::<macho::MachHeader64<Endianness>>(bytes),
        _ => image::<macho::MachHeader32<Endianness>>(bytes),
    }
}

fn image<H: MachHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<Image> {
    let header = H::parse(bytes, 0)?;
    let endian = header.endian()?;
    let kind = match header.filetype(endian) {
        macho::MH_EXECUTE => Kind::Program,
        macho::MH_DYLIB | macho::MH_BUNDLE => Kind::Library,
        _ => Kind::Other,
    };
    let mut image = Image {
        format: Format::MachO,
        arch: arch(header.cputype(endian)),
        kind,
        loader: None,
        needed: Vec::new(),
        optional: Vec::new(),
        search_paths: Vec::new(),
        symbol_versions: Vec::<SymbolVersion>::new(),
        minimum_os: None,
        signature: Signature::Missing,
        signature_fault: None,
        isa_level: None,
        text_relocations: false,
        hardening: Hardening::MachO { pie: header.flags(endian).contains(macho::MH_PIE) },
        build_id: None,
    };
    let mut commands = header.load_commands(endian, bytes, 0)?;
    while let Some(command) = commands.next()? {
        note(&mut image, &command, endian, bytes)?;
    }
    Ok(image)
}

fn note(image: &mut Image, command: &LoadCommandData<'_, Endianness>, endian: Endianness, bytes: &[u8]) -> Result<()> {
    match command.variant()? {
        LoadCommandVariant::Dylib(dylib) => {
            let name = text(command.string(endian, dylib.dylib.name)?);
            let optional = matches!(command.cmd(), macho::LC_LOAD_WEAK_DYLIB | macho::LC_LAZY_LOAD_DYLIB);
            push(if optional { &mut image.optional } else { &mut image.needed }, name)?;
        }
        LoadCommandVariant::Rpath(rpath) => push(&mut image.search_paths, text(command.string(endian, rpath.path)?))?,
        LoadCommandVariant::LoadDylinker(linker) => image.loader = Some(text(command.string(endian, linker.name)?)),
        LoadCommandVariant::BuildVersion(build, _) if build.platform.get(endian) == macho::PLATFORM_MACOS => {
            image.minimum_os = Some(version(build.minos.get(endian).0));
        }
        LoadCommandVariant::VersionMin(least) if command.cmd() == macho::LC_VERSION_MIN_MACOSX => {
            image.minimum_os = Some(version(least.version.get(endian).0));
        }
        LoadCommandVariant::Uuid(uuid) => image.build_id = Some(hex::encode(uuid.uuid)),
        LoadCommandVariant::LinkeditData(data) if command.cmd() == macho::LC_CODE_SIGNATURE => {
            if image.signature != Signature::Missing {
                return Err(Damage::Inside("it has two code signatures"));
            }
            let (offset, size) = (data.dataoff.get(endian), data.datasize.get(endian));
            (image.signature, image.signature_fault) = signature::read(bytes, offset, size)?;
        }
        _ => {}
    }
    Ok(())
}

/// `xxxx.yy.zz` in hex digits; a patch of 0 is left out, as people write it.
fn version(packed: u32) -> DottedVersion {
    let (major, minor, patch) = (packed >> 16, packed >> 8 & 0xff, packed & 0xff);
    DottedVersion(if patch == 0 { vec![major, minor] } else { vec![major, minor, patch] })
}

fn arch(cpu: macho::CpuType) -> String {
    let name = match cpu {
        macho::CPU_TYPE_X86_64 => "x86_64",
        macho::CPU_TYPE_ARM64 => "aarch64",
        macho::CPU_TYPE_X86 => "i686",
        macho::CPU_TYPE_ARM => "arm",
        macho::CPU_TYPE_POWERPC => "powerpc",
        _ => return format!("cpu type {}", cpu.0),
    };
    name.to_owned()
}
