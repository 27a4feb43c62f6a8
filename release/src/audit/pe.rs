//! PE, read as the Windows loader does: from the optional header and its data directories.

use object::endian::LittleEndian as LE;
use object::pe;
use object::read::coff::SectionTable;
use object::read::pe::{DataDirectories, ImageNtHeaders, ImageOptionalHeader as _};

use super::{Damage, Format, Hardening, Image, Kind, OrDamage as _, Result, Signature, c_string, push, text};
use crate::table::DottedVersion;

pub(super) fn images(bytes: &[u8]) -> Result<Vec<Image>> {
    let image = match object::read::pe::optional_header_magic(bytes)? {
        pe::IMAGE_NT_OPTIONAL_HDR32_MAGIC => image::<pe::ImageNtHeaders32>(bytes)?,
        pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC => image::<pe::ImageNtHeaders64>(bytes)?,
        _ => return Err(Damage::Inside("its optional header is neither of 32 nor of 64 bits")),
    };
    Ok(vec![image])
}

fn image<H: ImageNtHeaders>(bytes: &[u8]) -> Result<Image> {
    let mut offset = pe::ImageDosHeader::parse(bytes)?.nt_headers_offset().into();
    let (headers, directories) = H::parse(bytes, &mut offset)?;
    let sections = headers.sections(bytes, offset)?;
    let (file, optional) = (headers.file_header(), headers.optional_header());
    let flags = optional.dll_characteristics();
    let characteristics = file.characteristics.get(LE);
    let version = |major: u16, minor: u16| DottedVersion(vec![major.into(), minor.into()]);
    Ok(Image {
        format: Format::Pe,
        arch: arch(file.machine.get(LE)),
        kind: if characteristics.contains(pe::IMAGE_FILE_DLL) { Kind::Library } else { Kind::Program },
        loader: None,
        needed: imports(bytes, &directories, &sections)?,
        optional: delayed_imports(bytes, &directories, &sections)?,
        search_paths: Vec::new(),
        symbol_versions: Vec::new(),
        // The loader refuses on the subsystem version alone; the system version beside it is not compared.
        minimum_os: Some(version(optional.major_subsystem_version(), optional.minor_subsystem_version())),
        // An Authenticode signature is added after the release is built, and says nothing about running.
        signature: Signature::NotApplicable,
        signature_fault: None,
        isa_level: None,
        text_relocations: false,
        hardening: Hardening::Pe {
            // Without relocations the flag cannot be honoured.
            dynamic_base: flags.contains(pe::IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE)
                && !characteristics.contains(pe::IMAGE_FILE_RELOCS_STRIPPED),
            high_entropy_va: flags.contains(pe::IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA),
            nx_compat: flags.contains(pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT),
            guard_cf: flags.contains(pe::IMAGE_DLLCHARACTERISTICS_GUARD_CF),
        },
        build_id: None,
    })
}

fn imports(bytes: &[u8], directories: &DataDirectories<'_>, sections: &SectionTable<'_>) -> Result<Vec<String>> {
    let mut names = Vec::new();
    if let Some(table) = directories.import_table(bytes, sections)? {
        let mut descriptors = table.descriptors()?;
        while let Some(descriptor) = descriptors.next()? {
            push(&mut names, name(bytes, sections, descriptor.name.get(LE))?)?;
        }
    }
    Ok(names)
}

fn delayed_imports(
    bytes: &[u8],
    directories: &DataDirectories<'_>,
    sections: &SectionTable<'_>,
) -> Result<Vec<String>> {
    let mut names = Vec::new();
    if let Some(table) = directories.delay_load_import_table(bytes, sections)? {
        let mut descriptors = table.descriptors()?;
        while let Some(descriptor) = descriptors.next()? {
            push(&mut names, name(bytes, sections, descriptor.dll_name_rva.get(LE))?)?;
        }
    }
    Ok(names)
}

/// A name may lie in any section, not only in the one of its table.
fn name(bytes: &[u8], sections: &SectionTable<'_>, address: u32) -> Result<String> {
    let data = sections.pe_data_at(bytes, address).or_damage("a library's name lies outside every section")?;
    c_string(data).map(text).or_damage("a library's name has no end")
}

fn arch(machine: pe::Machine) -> String {
    let name = match machine {
        pe::IMAGE_FILE_MACHINE_AMD64 => "x86_64",
        pe::IMAGE_FILE_MACHINE_I386 => "i686",
        pe::IMAGE_FILE_MACHINE_ARM64 => "aarch64",
        pe::IMAGE_FILE_MACHINE_ARMNT => "arm",
        _ => return format!("machine {:#x}", machine.0),
    };
    name.to_owned()
}
