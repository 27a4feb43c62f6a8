//! The list of linked crates in the section `.dep-v0`, for scanners of executables (cargo-auditable's format).
//!
//! `sayna-release build` gives the bytes as hex digits in `SAYNA_DEP_V0`. Without that variable the section is empty.
#![expect(
    unsafe_code,
    reason = "a section's name is an unsafe attribute; `.dep-v0` has no meaning for linkers and loaders"
)]

const HEX: &[u8] = match option_env!("SAYNA_DEP_V0") {
    Some(digits) => digits.as_bytes(),
    None => &[],
};

#[used]
#[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,.dep-v0"))]
#[cfg_attr(not(target_vendor = "apple"), unsafe(link_section = ".dep-v0"))]
static CRATES: [u8; HEX.len() / 2] = decoded();

/// Keeps the section where a linker removes sections without references.
pub(crate) fn keep() {
    std::hint::black_box(&CRATES);
}

const fn decoded() -> [u8; HEX.len() / 2] {
    let mut bytes = [0; HEX.len() / 2];
    let (mut at, mut rest) = (0, HEX);
    while let [high, low, after @ ..] = rest {
        let Some((_, tail)) = bytes.split_at_mut_checked(at) else { break };
        if let Some(byte) = tail.first_mut() {
            *byte = (digit(*high) << 4) | digit(*low);
        }
        at += 1;
        rest = after;
    }
    bytes
}

const fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => 0,
    }
}
