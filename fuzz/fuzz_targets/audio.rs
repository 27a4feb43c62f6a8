//! Audio of any format, cut anywhere: the frames have the right length and join to the input, and conversion and WAV headers do
//! not depend on the cuts.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sayna::audio::{Converter, Encoding, Format, Framer, wav};

const RATES: [u32; 8] = [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 4_001];
const ENCODINGS: [Encoding; 3] = [Encoding::Linear16, Encoding::Mulaw, Encoding::Alaw];

fuzz_target!(|bytes: &[u8]| {
    let [a, b, c, step, audio @ ..] = bytes else { return };
    let encoding = |byte: u8| ENCODINGS[usize::from(byte >> 4) % ENCODINGS.len()];
    let rate = |byte: u8| RATES[usize::from(byte & 7)];
    let format = Format { encoding: encoding(*a), sample_rate: rate(*a), channels: u16::from(c % 3 + 1) };
    let pieces: Vec<&[u8]> = audio.chunks(usize::from(*step).max(1)).collect();
    frames(format, &pieces, audio);
    let to = (encoding(*b), rate(*b));
    assert_eq!(converted(format, to, &pieces), converted(format, to, &[audio]));
    assert_eq!(read(format, &pieces), read(format, &[audio]));
});

fn frames(format: Format, pieces: &[&[u8]], audio: &[u8]) {
    let mut framer = Framer::new(&format);
    let mut frames: Vec<Bytes> = Vec::new();
    for piece in pieces {
        frames.extend(framer.push(Bytes::copy_from_slice(piece)));
    }
    let sample = format.frame_bytes().unwrap();
    for (index, frame) in frames.iter().enumerate() {
        let at = |index: usize| index * format.sample_rate as usize / 100;
        assert_eq!(frame.len(), (at(index + 1) - at(index)) * sample);
    }
    frames.extend(framer.finish());
    assert_eq!(frames.concat(), audio[..audio.len() - audio.len() % sample]);
}

fn converted(format: Format, (encoding, rate): (Encoding, u32), pieces: &[&[u8]]) -> Vec<u8> {
    let mut converter = Converter::new(format, encoding, rate).unwrap();
    let mut out: Vec<u8> = pieces.iter().flat_map(|piece| converter.push(Bytes::copy_from_slice(piece))).collect();
    out.extend(converter.finish());
    out
}

fn read(format: Format, pieces: &[&[u8]]) -> Option<(Format, Vec<u8>)> {
    let mut reader = wav::Reader::new(format);
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&reader.push(Bytes::copy_from_slice(piece)).ok()?);
    }
    out.extend_from_slice(&reader.finish());
    Some((reader.format(), out))
}
