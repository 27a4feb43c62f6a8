//! The gzip writer: one member, the same bytes with any number of threads and any way of writing.

use std::io::{Read as _, Write as _};

use flate2::read::GzDecoder;
use proptest::prelude::*;
use sayna_release::package::gzip::Writer;

fn compressed(input: &[u8], threads: usize, chunk: usize) -> Vec<u8> {
    let mut writer = Writer::with_threads(Vec::new(), threads);
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

/// Something between text and noise, so that matches reach across pieces.
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
fn sizes_around_a_piece_read_back_from_one_member() {
    const PIECE: usize = 1 << 20;
    for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE, 3 * PIECE + 7] {
        let input = sample(len, 7);
        let one = compressed(&input, 1, len.max(1));
        assert!(first_member(&one) == input, "{len} bytes");
        for (threads, chunk) in [(2, 64 << 10), (3, 999_983), (8, len.max(1))] {
            assert!(compressed(&input, threads, chunk) == one, "{len} bytes, {threads} threads, chunks of {chunk}");
        }
    }
}

#[test]
fn the_header_has_neither_name_nor_time() {
    assert_eq!(compressed(b"x", 1, 1)[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn anything_reads_back(len in 0_usize..2_500_000, seed in any::<u64>(), threads in 1_usize..5) {
        let input = sample(len, seed);
        prop_assert!(first_member(&compressed(&input, threads, 70_001)) == input);
    }
}
