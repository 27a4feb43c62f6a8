//! Reads the weights of a model in the format of `CTranslate2`: names, shapes and numbers, little-endian.
//!
//! The file is known by its digest; this reads whatever is there all the same, and says what is wrong with it.

use std::collections::HashMap;

/// The format's version, and that of the layout of Whisper in it.
const VERSION: u32 = 6;
const REVISION: u32 = 3;
/// How the type of 16-bit floating point numbers is written.
const F16: u8 = 4;

/// What is wrong with a file of weights.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("the file ends in the middle")]
    Short,
    #[error("format {version}, {spec} {revision} is not known: {VERSION}, WhisperSpec {REVISION} is")]
    Format { version: u32, spec: String, revision: u32 },
    #[error("it has no variable {0}")]
    Missing(String),
    #[error("{name} has the shape {found:?} instead of {expected:?}")]
    Shape { name: String, found: Vec<usize>, expected: Vec<usize> },
}

/// The numbers of a model, by name.
#[derive(Debug)]
pub(super) struct Weights {
    variables: HashMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Weights {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let mut reader = Reader { rest: bytes };
        let (version, spec, revision) = (reader.u32()?, reader.text()?, reader.u32()?);
        if (version, spec.as_str(), revision) != (VERSION, "WhisperSpec", REVISION) {
            return Err(Problem::Format { version, spec, revision });
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
            // Everything else says how a translator is to run the model.
            if kind == F16 {
                let values = data.as_chunks().0.iter().map(|bytes| half(u16::from_le_bytes(*bytes))).collect();
                variables.insert(name, (shape, values));
            }
        }
        Ok(Self { variables })
    }

    /// Takes a variable out. It has this shape, and as many numbers.
    pub(super) fn take(&mut self, name: &str, expected: &[usize]) -> Result<Vec<f32>, Problem> {
        let (shape, values) = self.variables.remove(name).ok_or_else(|| Problem::Missing(name.to_owned()))?;
        if shape == expected && values.len() == expected.iter().product::<usize>() {
            Ok(values)
        } else {
            Err(Problem::Shape { name: name.to_owned(), found: shape, expected: expected.to_vec() })
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Problem::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Problem::Short)?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, Problem> {
        self.array().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Result<u32, Problem> {
        self.array().map(u32::from_le_bytes)
    }

    fn length(&mut self) -> Result<usize, Problem> {
        usize::try_from(self.u32()?).map_err(|_| Problem::Short)
    }

    /// Its length counts a zero at its end.
    fn text(&mut self) -> Result<String, Problem> {
        let length = u16::from_le_bytes(self.array()?);
        let bytes = self.take(length.into())?;
        Ok(String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned())
    }
}

/// A 16-bit floating point number.
fn half(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (u32::from(bits >> 15) << 31, u32::from(bits >> 10 & 31), u32::from(bits & 1023));
    match exponent {
        // Small numbers without a leading one: so many times 2^-24.
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
    fn numbers_are_read_by_name() {
        let mut weights = Weights::read(&file()).unwrap();
        let wrong = Problem::Shape { name: "a/weight".to_owned(), found: vec![2, 2], expected: vec![4] };
        assert_eq!(Weights::read(&file()).unwrap().take("a/weight", &[4]), Err(wrong));
        let numbers = weights.take("a/weight", &[2, 2]).unwrap();
        assert_eq!(numbers, [1.0, -2.0, 2.0_f32.powi(-24), f32::INFINITY]);
        assert_eq!(weights.take("a/flag", &[]), Err(Problem::Missing("a/flag".to_owned())));
    }

    #[test]
    fn what_is_no_such_file_is_told() {
        let file = file();
        for length in 0..file.len() {
            assert_eq!(Weights::read(&file[..length]).unwrap_err(), Problem::Short, "{length}");
        }
        let other = [&[7], &file[1..]].concat();
        assert!(matches!(Weights::read(&other), Err(Problem::Format { version: 7, .. })));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400), at in 0_usize..60) {
            let mut file = file();
            Weights::read(&bytes).ok();
            file.splice(at.min(file.len()).., bytes);
            Weights::read(&file).ok();
        }
    }
}
