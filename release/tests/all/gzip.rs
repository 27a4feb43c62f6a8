//! The gzip writer: one member, the same bytes with any way of writing.

use std::io::{Read as _, Write as _};

use flate2::read::GzDecoder;
use proptest::prelude::*;
use sayna_release::package::gzip::Writer;

fn compressed(input: &[u8], chunk: usize) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    for part in input.chunks(chunk) {
        writer.write_all(part).unwrap();
        writer.flush().unwrap();
    }
    writer.finish().unwrap()
}

/// Reads the first member alone, as many readers do.
fn first_member(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

/// Something between text and noise, so that matches reach across writes.
fn sample(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut out: Vec<u8> = Vec::with_capacity(len + 300);
    while out.len() < len {
        let (back, count) = (usize::try_from(step() % 40_000 + 1).unwrap(), usize::try_from(step() % 200).unwrap());
        if out.len() > back && step() % 4 != 0 {
            let from = out.len() - back;
            (0..count).for_each(|n| out.push(out[from + n % back]));
        } else {
            (0..count % 17).for_each(|_| out.push(u8::try_from(step() & 0xff).unwrap()));
        }
    }
    out.truncate(len);
    out
}

#[test]
fn gzip_of_any_chunks_is_one_member_of_the_same_bytes() {
    /// More than deflate looks back, and than is buffered.
    const PIECE: usize = 1 << 20;
    for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE, 3 * PIECE + 7] {
        let input = sample(len, 7);
        let one = compressed(&input, len.max(1));
        assert!(first_member(&one) == input, "{len} bytes");
        for chunk in [1021, 64 << 10, 999_983] {
            assert!(compressed(&input, chunk) == one, "{len} bytes, chunks of {chunk}");
        }
    }
}

#[test]
fn the_gzip_header_has_neither_name_nor_time() {
    assert_eq!(compressed(b"x", 1)[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn gzip_of_anything_reads_back(len in 0_usize..2_500_000, seed in any::<u64>(), chunk in 1_000_usize..100_000) {
        let input = sample(len, seed);
        prop_assert!(first_member(&compressed(&input, chunk)) == input);
    }
}
