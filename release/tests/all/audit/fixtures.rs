//! Executables of a few hundred bytes that are right in every respect until a field says otherwise.

/// Little-endian bytes under construction.
#[derive(Default)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Bytes {
    fn u16(&mut self, value: u16) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }
    fn u32(&mut self, value: u32) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }
    fn u64(&mut self, value: u64) -> &mut Self {
        self.raw(&value.to_le_bytes())
    }
    fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }
    fn align(&mut self, to: usize) -> &mut Self {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
        self
    }
    fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

/// An ELF program of 64 bits.
#[derive(Clone)]
pub(super) struct Elf {
    pub(super) machine: u16,
    pub(super) kind: u16,
    pub(super) loader: Option<&'static str>,
    pub(super) needed: Vec<&'static str>,
    pub(super) rpath: Option<&'static str>,
    pub(super) runpath: Option<&'static str>,
    /// Library, version, whether the need is weak.
    pub(super) versions: Vec<(&'static str, &'static str, bool)>,
    pub(super) relro: bool,
    pub(super) binds_now: bool,
    /// Flags of the stack's segment, where there is one.
    pub(super) stack: Option<u32>,
    /// Bits of the needed level of x86-64, in a note of GNU properties.
    pub(super) isa: Option<u32>,
    pub(super) text_relocations: bool,
    /// Text that the program holds.
    pub(super) text: &'static [u8],
}

impl Default for Elf {
    fn default() -> Self {
        Self {
            machine: 62,
            kind: 3,
            loader: Some("/lib64/ld-linux-x86-64.so.2"),
            needed: vec!["libc.so.6"],
            rpath: None,
            runpath: None,
            versions: vec![("libc.so.6", "GLIBC_2.2.5", false), ("libc.so.6", "GLIBC_2.34", false)],
            relro: true,
            binds_now: true,
            stack: Some(6),
            isa: None,
            text_relocations: false,
            text: b"hello",
        }
    }
}

impl Elf {
    /// The file. Addresses are file offsets: one loaded segment holds everything.
    pub(super) fn build(&self) -> Vec<u8> {
        let parts = [self.loader.is_some(), self.relro, self.stack.is_some(), self.isa.is_some()];
        let segments = 2 + parts.into_iter().map(u16::from).sum::<u16>();
        let mut body = Bytes::default();
        let base = 64 + 56 * u64::from(segments);
        let loader = self.loader.map_or(Vec::new(), |l| [l.as_bytes(), b"\0"].concat());
        body.raw(&loader).raw(self.text).raw(b"\0");

        let strings_at = base + body.len();
        let mut strings = Bytes(vec![0]);
        let mut string = |text: &str| {
            let at = strings.len();
            strings.raw(text.as_bytes()).raw(b"\0");
            at
        };
        let needed: Vec<u64> = self.needed.iter().map(|n| string(n)).collect();
        let rpath = self.rpath.map(&mut string);
        let runpath = self.runpath.map(&mut string);
        let needs: Vec<_> = self.versions.iter().map(|(l, v, w)| (string(l), string(v), *w)).collect();
        let symbols: Vec<u64> = (0..needs.len()).map(|i| string(&format!("symbol_{i}"))).collect();
        body.raw(&strings.0).align(8);

        let symbols_at = base + body.len();
        body.raw(&[0; 24]);
        for name in &symbols {
            body.u32(u32::try_from(*name).unwrap()).raw(&[0x12, 0]).u16(0).u64(0).u64(0);
        }
        let indices_at = base + body.len();
        body.u16(0);
        for index in 0..symbols.len() {
            body.u16(2 + u16::try_from(index).unwrap());
        }
        body.align(8);
        let hash_at = base + body.len();
        body.u32(1).u32(u32::try_from(symbols.len() + 1).unwrap()).u32(0).align(8);
        let needs_at = base + body.len();
        body.raw(&version_needs(&needs).0);

        let note_at = base + body.align(8).len();
        if let Some(bits) = self.isa {
            body.u32(4).u32(16).u32(5).raw(b"GNU\0").u32(0xc000_8002).u32(4).u32(bits).u32(0);
        }
        let dynamic_at = base + body.len();
        for at in needed {
            body.u64(1).u64(at);
        }
        body.u64(5).u64(strings_at).u64(10).u64(strings.len()).u64(6).u64(symbols_at).u64(4).u64(hash_at);
        for (tag, at) in [(15, rpath), (29, runpath)] {
            at.map(|at| body.u64(tag).u64(at).len());
        }
        if !needs.is_empty() {
            body.u64(0x6fff_fffe).u64(needs_at).u64(0x6fff_fff0).u64(indices_at);
        }
        if self.binds_now {
            body.u64(0x6fff_fffb).u64(1);
        }
        if self.text_relocations {
            body.u64(22).u64(0);
        }
        body.u64(0).u64(0);

        let mut file = self.headers(segments, loader.len() as u64, [note_at, dynamic_at], base + body.len());
        file.raw(&body.0);
        file.0
    }

    fn headers(&self, segments: u16, loader_size: u64, [note_at, dynamic_at]: [u64; 2], end: u64) -> Bytes {
        let base = 64 + 56 * u64::from(segments);
        let mut file = Bytes::default();
        file.raw(b"\x7fELF\x02\x01\x01").raw(&[0; 9]).u16(self.kind).u16(self.machine).u32(1).u64(0).u64(64).u64(0);
        file.u32(0).u16(64).u16(56).u16(segments).u16(64).u16(0).u16(0);
        let mut segment = |kind: u32, flags: u32, at: u64, size: u64| {
            file.u32(kind).u32(flags).u64(at).u64(at).u64(at).u64(size).u64(size).u64(8);
        };
        segment(1, 5, 0, end);
        segment(2, 6, dynamic_at, end - dynamic_at);
        if self.loader.is_some() {
            segment(3, 4, base, loader_size);
        }
        if self.relro {
            segment(0x6474_e552, 4, 0, 0);
        }
        if let Some(flags) = self.stack {
            segment(0x6474_e551, flags, 0, 0);
        }
        if self.isa.is_some() {
            segment(0x6474_e553, 4, note_at, 32);
        }
        file
    }
}

/// One record for each need, with one version each.
fn version_needs(needs: &[(u64, u64, bool)]) -> Bytes {
    let mut body = Bytes::default();
    for (index, (library, version, weak)) in needs.iter().enumerate() {
        let next = if index + 1 == needs.len() { 0 } else { 32 };
        body.u16(1).u16(1).u32(u32::try_from(*library).unwrap()).u32(16).u32(next);
        body.u32(0).u16(if *weak { 2 } else { 0 }).u16(2 + u16::try_from(index).unwrap());
        body.u32(u32::try_from(*version).unwrap()).u32(0);
    }

    body
}

/// A Mach-O program of 64 bits.
#[derive(Clone)]
pub(super) struct MachO {
    pub(super) cpu: u32,
    pub(super) flags: u32,
    pub(super) loader: &'static str,
    pub(super) needed: Vec<&'static str>,
    pub(super) rpath: Option<&'static str>,
    /// Packed as the format has it.
    pub(super) minimum: Option<u32>,
    /// A library that it can do without.
    pub(super) weak: Option<&'static str>,
    pub(super) uuid: bool,
    /// Flags of the code directory, where there is a signature.
    pub(super) signature: Option<u32>,
}

impl Default for MachO {
    fn default() -> Self {
        Self {
            cpu: 0x0100_000c,
            flags: 0x0020_0085,
            loader: "/usr/lib/dyld",
            needed: vec!["/usr/lib/libSystem.B.dylib"],
            rpath: None,
            minimum: Some(0x000b_0000),
            weak: None,
            uuid: true,
            signature: Some(2),
        }
    }
}

impl MachO {
    pub(super) fn build(&self) -> Vec<u8> {
        let mut commands: Vec<Vec<u8>> = Vec::new();
        let named = |command: u32, fixed: &[u32], name: &str| {
            let header = 12 + 4 * u32::try_from(fixed.len()).unwrap();
            let mut body = Bytes::default();
            body.u32(command).u32(0).u32(header);
            for word in fixed {
                body.u32(*word);
            }
            body.raw(name.as_bytes()).raw(b"\0").align(8);
            let size = u32::try_from(body.0.len()).unwrap();
            body.0[4..8].copy_from_slice(&size.to_le_bytes());
            body.0
        };
        commands.push(named(0xe, &[], self.loader));
        commands.extend(self.needed.iter().map(|name| named(0xc, &[2, 0x10000, 0x10000], name)));
        commands.extend(self.weak.iter().map(|name| named(0x8000_0018, &[2, 0x10000, 0x10000], name)));
        if self.uuid {
            commands.push(Bytes::default().u32(0x1b).u32(24).raw(&[7; 16]).0.clone());
        }
        commands.extend(self.rpath.iter().map(|path| named(0x8000_001c, &[], path)));
        if let Some(minimum) = self.minimum {
            commands.push(Bytes::default().u32(0x32).u32(24).u32(1).u32(minimum).u32(minimum).u32(0).0.clone());
        }
        let size: usize = commands.iter().map(Vec::len).sum::<usize>() + if self.signature.is_some() { 16 } else { 0 };
        let count = commands.len() + usize::from(self.signature.is_some());
        let mut file = Bytes::default();
        file.u32(0xfeed_facf).u32(self.cpu).u32(0).u32(2).u32(u32::try_from(count).unwrap());
        file.u32(u32::try_from(size).unwrap()).u32(self.flags).u32(0);
        file.raw(&commands.concat());
        if let Some(flags) = self.signature {
            let at = u32::try_from(file.0.len() + 16).unwrap();
            let size = u32::try_from(signature(flags, &vec![0; at as usize]).len()).unwrap();
            file.u32(0x1d).u32(16).u32(at).u32(size);
            let blob = signature(flags, &file.0);
            file.raw(&blob);
        }
        file.0
    }

    /// A universal file of several programs.
    pub(super) fn universal(slices: &[Self]) -> Vec<u8> {
        let mut file = [0xcafe_babe_u32, u32::try_from(slices.len()).unwrap()].map(u32::to_be_bytes).concat();
        let mut at = 8 + 20 * slices.len();
        let images: Vec<Vec<u8>> = slices.iter().map(Self::build).collect();
        for (slice, image) in slices.iter().zip(&images) {
            let offset = u32::try_from(at).unwrap();
            let words = [slice.cpu, 0, offset, u32::try_from(image.len()).unwrap(), 0];
            file.extend(words.map(u32::to_be_bytes).concat());
            at += image.len();
        }
        file.extend(images.concat());
        file
    }
}

/// A signature of one code directory, big-endian as all of it is, with the SHA-256 of each page of 4 kB.
fn signature(flags: u32, signed: &[u8]) -> Vec<u8> {
    let pages: Vec<_> = signed.chunks(4096).map(|page| ring::digest::digest(&ring::digest::SHA256, page)).collect();
    let number = |n: usize| u32::try_from(n).unwrap();
    let length = 44 + 32 * number(pages.len());
    let limits = [44, 44, 0, number(pages.len()), number(signed.len()), u32::from_be_bytes([32, 2, 0, 12]), 0];
    let directory = [&[0xfade_0c02_u32, length, 0x20001, flags], &limits[..]].concat();
    let blob = [0xfade_0cc0_u32, 20 + length, 1, 0, 20];
    let words = blob.iter().chain(&directory).flat_map(|word| word.to_be_bytes());
    words.chain(pages.iter().flat_map(|page| page.as_ref().to_vec())).collect()
}

/// A PE program.
#[derive(Clone)]
pub(super) struct Pe {
    pub(super) machine: u16,
    pub(super) is_64: bool,
    pub(super) subsystem: (u16, u16),
    pub(super) flags: u16,
    pub(super) imports: Vec<&'static str>,
    pub(super) delayed: Vec<&'static str>,
}

impl Default for Pe {
    fn default() -> Self {
        let imports = vec!["KERNEL32.dll", "ntdll.dll"];
        Self { machine: 0x8664, is_64: true, subsystem: (6, 0), flags: 0x4160, imports, delayed: Vec::new() }
    }
}

impl Pe {
    pub(super) fn build(&self) -> Vec<u8> {
        const SECTION: u32 = 0x1000;
        const RAW: u32 = 0x200;
        let tables = 20 * (self.imports.len() + 1) + 32 * (self.delayed.len() + 1);
        let mut names = Bytes::default();
        let mut name = |text: &str| {
            let at = SECTION + u32::try_from(tables + names.0.len()).unwrap();
            names.raw(text.as_bytes()).raw(b"\0");
            at
        };
        let mut section = Bytes::default();
        for import in &self.imports {
            section.u32(0).u32(0).u32(0).u32(name(import)).u32(SECTION);
        }
        section.raw(&[0; 20]);
        let delayed_at = SECTION + u32::try_from(section.0.len()).unwrap();
        for import in &self.delayed {
            section.u32(1).u32(name(import)).raw(&[0; 24]);
        }
        section.raw(&[0; 32]).raw(&names.0);
        let size = u32::try_from(section.0.len()).unwrap();

        let mut file = Bytes::default();
        file.raw(b"MZ").raw(&[0; 58]).u32(0x40).raw(b"PE\0\0");
        let optional_size = if self.is_64 { 112 } else { 96 } + 128;
        file.u16(self.machine).u16(1).u32(0).u32(0).u32(0).u16(optional_size).u16(0x22);
        file.u16(if self.is_64 { 0x20b } else { 0x10b }).raw(&[0; 22]);
        if self.is_64 {
            file.u64(0x1_4000_0000);
        } else {
            file.u32(0).u32(0x40_0000);
        }
        file.u32(SECTION).u32(RAW).u16(6).u16(0).u16(0).u16(0).u16(self.subsystem.0).u16(self.subsystem.1);
        file.u32(0).u32(0x2000).u32(RAW).u32(0).u16(3).u16(self.flags);
        file.raw(&vec![0; if self.is_64 { 32 } else { 16 }]).u32(0).u32(16);
        for directory in 0..16 {
            match directory {
                1 => file.u32(SECTION).u32(size),
                13 if !self.delayed.is_empty() => file.u32(delayed_at).u32(size),
                _ => file.u64(0),
            };
        }
        file.raw(b".rdata\0\0").u32(size).u32(SECTION).u32(size).u32(RAW).raw(&[0; 12]).u32(0x4000_0040);
        file.0.resize(RAW as usize, 0);
        file.raw(&section.0);
        file.0
    }
}
