//! Reads a model's weights in the format of `CTranslate2` (`model.bin`: names, shapes and numbers, little-endian; the writer is
//! `ModelSpec._serialize` in its `model_spec.py`).
//!
//! `sayna init` compares the file's digest, but the file may also come from elsewhere. Any bytes are safe to parse.

use std::collections::HashMap;

/// The version of the format, and the revision of Whisper's layout in it (`WhisperSpec`).
const VERSION: u32 = 6;
const REVISION: u32 = 3;
/// The data type of IEEE 754 half precision (`float16`).
const F16: u8 = 4;

/// Why a file of weights cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum WeightsError {
    #[error("the file is truncated")]
    Truncated,
    #[error("unsupported format {version} ({spec} {revision}); expected {VERSION} (WhisperSpec {REVISION})")]
    Format { version: u32, spec: String, revision: u32 },
    #[error("variable {0} is missing")]
    Missing(String),
    #[error("variable {name} has the shape {found:?}; expected {expected:?}")]
    Shape { name: String, found: Vec<usize>, expected: Vec<usize> },
}

/// The half-precision variables of a model, by name, widened to 32 bits.
#[derive(Debug)]
pub(super) struct Weights {
    variables: HashMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Weights {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, WeightsError> {
        let mut reader = Reader { rest: bytes };
        let (version, spec, revision) = (reader.u32()?, reader.text()?, reader.u32()?);
        if (version, spec.as_str(), revision) != (VERSION, "WhisperSpec", REVISION) {
            return Err(WeightsError::Format { version, spec, revision });
        }
        let mut variables = HashMap::new();
        for _ in 0..reader.u32()? {
            let name = reader.text()?;
            let mut shape = Vec::new();
            for _ in 0..reader.u8()? {
                shape.push(reader.length()?);
            }
            let kind = reader.u8()?;
            let length = reader.length()?;
            let data = reader.take(length)?;
            // Variables of other types are options of CTranslate2's own runtime.
            if kind == F16 {
                let values = data.as_chunks().0.iter().map(|bytes| f16_to_f32(u16::from_le_bytes(*bytes))).collect();
                variables.insert(name, (shape, values));
            }
        }
        Ok(Self { variables })
    }

    /// Removes a variable and returns its numbers, if it has this shape.
    pub(super) fn take(&mut self, name: &str, expected: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let (shape, values) = self.variables.remove(name).ok_or_else(|| WeightsError::Missing(name.to_owned()))?;
        if shape == expected && values.len() == expected.iter().product::<usize>() {
            Ok(values)
        } else {
            Err(WeightsError::Shape { name: name.to_owned(), found: shape, expected: expected.to_vec() })
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], WeightsError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(WeightsError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WeightsError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(WeightsError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, WeightsError> {
        self.array().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Result<u32, WeightsError> {
        self.array().map(u32::from_le_bytes)
    }

    fn length(&mut self) -> Result<usize, WeightsError> {
        usize::try_from(self.u32()?).map_err(|_| WeightsError::Truncated)
    }

    /// Reads a string. Its length includes a zero byte at the end.
    fn text(&mut self) -> Result<String, WeightsError> {
        let length = u16::from_le_bytes(self.array()?);
        let bytes = self.take(length.into())?;
        Ok(String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned())
    }
}

/// Widens a number of half precision.
fn f16_to_f32(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (u32::from(bits >> 15) << 31, u32::from(bits >> 10 & 31), u32::from(bits & 1023));
    match exponent {
        // Subnormal: multiples of 2^-24.
        0 => {
            let small = f32::from(bits & 1023) / 16_777_216.0;
            if sign == 0 { small } else { -small }
        }
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [&u16::try_from(text.len() + 1).unwrap().to_le_bytes()[..], text.as_bytes(), &[0]].concat()
    }

    fn file() -> Vec<u8> {
        let variable = |name: &str, kind: u8, shape: &[u32], data: &[u8]| {
            let shape: Vec<u8> = shape.iter().flat_map(|size| size.to_le_bytes()).collect();
            let rank = u8::try_from(shape.len() / 4).unwrap();
            let length = u32::try_from(data.len()).unwrap().to_le_bytes();
            [text(name), vec![rank], shape, vec![kind], length.to_vec(), data.to_vec()].concat()
        };
        let numbers = [0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x7c];
        let mut file =
            [&6_u32.to_le_bytes()[..], &text("WhisperSpec"), &3_u32.to_le_bytes(), &2_u32.to_le_bytes()].concat();
        file.extend(variable("a/weight", 4, &[2, 2], &numbers));
        file.extend(variable("a/flag", 1, &[], &[1]));
        file
    }

    #[test]
    fn weights_are_parsed_by_name_and_shape() {
        let mut weights = Weights::parse(&file()).unwrap();
        let wrong = WeightsError::Shape { name: "a/weight".to_owned(), found: vec![2, 2], expected: vec![4] };
        assert_eq!(Weights::parse(&file()).unwrap().take("a/weight", &[4]), Err(wrong));
        let numbers = weights.take("a/weight", &[2, 2]).unwrap();
        assert_eq!(numbers, [1.0, -2.0, 2.0_f32.powi(-24), f32::INFINITY]);
        assert_eq!(weights.take("a/flag", &[]), Err(WeightsError::Missing("a/flag".to_owned())));
    }

    #[test]
    fn weights_that_are_truncated_or_of_another_format_are_refused() {
        let file = file();
        for length in 0..file.len() {
            assert_eq!(Weights::parse(&file[..length]).unwrap_err(), WeightsError::Truncated, "{length}");
        }
        let other = [&[7], &file[1..]].concat();
        assert!(matches!(Weights::parse(&other), Err(WeightsError::Format { version: 7, .. })));
    }

    proptest::proptest! {
        #[test]
        fn weights_of_any_bytes_are_parsed(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400), at in 0_usize..60) {
            let mut file = file();
            Weights::parse(&bytes).ok();
            file.splice(at.min(file.len()).., bytes);
            Weights::parse(&file).ok();
        }
    }
}
