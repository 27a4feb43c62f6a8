//! Reads a model's weights in the ONNX format (`onnx.proto3`): the constants of its graph and of the subgraphs, by name.
//!
//! Only the fields that lead to constants are parsed, so that no Protocol Buffers library is needed. `sayna init` compares the
//! file's digest, but the file may also come from elsewhere. Any bytes are safe to parse.

use std::collections::HashMap;

/// Field numbers of `onnx.proto3` that lead from `ModelProto` to the `TensorProto` of a constant.
const MODEL_GRAPH: u64 = 7;
const GRAPH_NODE: u64 = 1;
const NODE_OUTPUT: u64 = 2;
const NODE_ATTRIBUTE: u64 = 5;
const ATTRIBUTE_TENSOR: u64 = 5;
const ATTRIBUTE_GRAPH: u64 = 6;
const TENSOR_DIMENSION: u64 = 1;
const TENSOR_RAW: u64 = 9;

/// The deepest nesting of subgraphs. Silero's model has four levels.
const MAX_DEPTH: usize = 16;

/// Why a model's file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum OnnxFileError {
    #[error("not an ONNX file, or a truncated one")]
    Malformed,
    #[error("constant {name} of the shape {shape:?} is missing")]
    Missing { name: String, shape: Vec<usize> },
}

/// The constants of a model.
#[derive(Debug)]
pub(super) struct Constants<'a> {
    tensors: HashMap<&'a [u8], Tensor<'a>>,
}

#[derive(Debug, Default)]
struct Tensor<'a> {
    shape: Vec<usize>,
    raw: &'a [u8],
}

impl<'a> Constants<'a> {
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, OnnxFileError> {
        let mut constants = Self { tensors: HashMap::new() };
        for field in Fields(file) {
            if let (MODEL_GRAPH, Value::Bytes(graph)) = field? {
                constants.graph(graph, MAX_DEPTH)?;
            }
        }
        Ok(constants)
    }

    fn graph(&mut self, graph: &'a [u8], depth: usize) -> Result<(), OnnxFileError> {
        let depth = depth.checked_sub(1).ok_or(OnnxFileError::Malformed)?;
        for field in Fields(graph) {
            let (GRAPH_NODE, Value::Bytes(node)) = field? else { continue };
            let (mut name, mut tensor) = (None, None);
            for field in Fields(node) {
                match field? {
                    (NODE_OUTPUT, Value::Bytes(output)) => name = Some(output),
                    (NODE_ATTRIBUTE, Value::Bytes(attribute)) => {
                        for field in Fields(attribute) {
                            match field? {
                                (ATTRIBUTE_TENSOR, Value::Bytes(bytes)) => tensor = Some(Tensor::parse(bytes)?),
                                (ATTRIBUTE_GRAPH, Value::Bytes(graph)) => self.graph(graph, depth)?,
                                _ => {}
                            }
                        }
                    }
                    _ => {}
                }
            }
            self.tensors.extend(name.zip(tensor));
        }
        Ok(())
    }

    /// Returns the part before `name` in the name of the constant that ends with `name` and has this shape.
    pub(super) fn prefix(&self, name: &str, shape: &[usize]) -> Result<&'a [u8], OnnxFileError> {
        let mut found = self.tensors.iter().filter(|(_, tensor)| tensor.shape == shape);
        let prefix = found.find_map(|(known, _)| known.strip_suffix(name.as_bytes()));
        prefix.ok_or_else(|| OnnxFileError::Missing { name: name.to_owned(), shape: shape.to_vec() })
    }

    /// Returns the numbers of the constant `prefix` + `name` of this shape.
    pub(super) fn numbers(&self, prefix: &[u8], name: &str, shape: &[usize]) -> Result<Vec<f32>, OnnxFileError> {
        let tensor = self.tensors.get([prefix, name.as_bytes()].concat().as_slice());
        let tensor = tensor.filter(|tensor| {
            let bytes = shape.iter().product::<usize>() * size_of::<f32>();
            tensor.shape == shape && tensor.raw.len() == bytes
        });
        let tensor = tensor.ok_or_else(|| OnnxFileError::Missing { name: name.to_owned(), shape: shape.to_vec() })?;
        Ok(tensor.raw.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

impl<'a> Tensor<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, OnnxFileError> {
        let mut tensor = Self::default();
        let size = |size: u64| usize::try_from(size).map_err(|_| OnnxFileError::Malformed);
        for field in Fields(bytes) {
            match field? {
                (TENSOR_DIMENSION, Value::Number(number)) => tensor.shape.push(size(number)?),
                (TENSOR_DIMENSION, Value::Bytes(mut packed)) => {
                    while !packed.is_empty() {
                        tensor.shape.push(size(varint(&mut packed)?)?);
                    }
                }
                (TENSOR_RAW, Value::Bytes(raw)) => tensor.raw = raw,
                _ => {}
            }
        }
        Ok(tensor)
    }
}

/// A field's value (the wire types of Protocol Buffers).
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed,
}

/// Iterates over the fields of a message with their numbers, up to the first error.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), OnnxFileError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<(u64, Value<'a>), OnnxFileError> {
        let key = varint(&mut self.0)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut self.0)?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = varint(&mut self.0)?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return Err(OnnxFileError::Malformed),
        };
        Ok((key >> 3, value))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], OnnxFileError> {
        let length = usize::try_from(length).map_err(|_| OnnxFileError::Malformed)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(OnnxFileError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Reads an integer of variable length: seven bits in each byte, the lowest first.
fn varint(bytes: &mut &[u8]) -> Result<u64, OnnxFileError> {
    let mut number = 0;
    for index in 0..10 {
        let (byte, rest) = bytes.split_first().ok_or(OnnxFileError::Malformed)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(OnnxFileError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes a field of bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    /// Encodes a model with one constant of four numbers in a subgraph.
    fn file() -> Vec<u8> {
        let numbers: Vec<u8> = [1.0_f32, -2.0, 0.5, 3.0].iter().flat_map(|number| number.to_le_bytes()).collect();
        let tensor = [&[8, 2, 8, 2, 16, 1][..], &field(9, &numbers)].concat();
        let constant = [field(2, b"branch/weight"), field(4, b"Constant"), field(5, &field(5, &tensor))].concat();
        let inner = field(1, &constant);
        field(7, &field(1, &[field(2, b"out"), field(5, &field(6, &inner))].concat()))
    }

    #[test]
    fn onnx_constants_are_read_by_name_and_shape() {
        let file = file();
        let constants = Constants::parse(&file).unwrap();
        let prefix = constants.prefix("weight", &[2, 2]).unwrap();
        assert_eq!(prefix, b"branch/");
        assert_eq!(constants.numbers(prefix, "weight", &[2, 2]).unwrap(), [1.0, -2.0, 0.5, 3.0]);
        for (name, shape) in [("weight", vec![4]), ("bias", vec![2, 2])] {
            let missing = OnnxFileError::Missing { name: name.to_owned(), shape: shape.clone() };
            assert_eq!(constants.numbers(prefix, name, &shape), Err(missing.clone()));
            assert_eq!(constants.prefix(name, &shape), Err(missing));
        }
    }

    #[test]
    fn onnx_file_that_is_truncated_is_malformed() {
        let file = file();
        for length in 1..file.len() {
            assert_eq!(Constants::parse(&file[..length]).unwrap_err(), OnnxFileError::Malformed, "{length}");
        }
        let deep = (0..1_000).fold(Vec::new(), |inner, _| {
            let length = inner.len().min(100);
            field(1, &field(5, &field(6, &inner[..length])))
        });
        Constants::parse(&field(7, &deep[..deep.len().min(100)])).ok();
    }

    proptest::proptest! {
        #[test]
        fn onnx_file_of_any_bytes_is_parsed(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400), at in 0_usize..60) {
            let mut file = file();
            Constants::parse(&bytes).ok();
            file.splice(at.min(file.len()).., bytes);
            Constants::parse(&file).ok();
        }
    }
}
