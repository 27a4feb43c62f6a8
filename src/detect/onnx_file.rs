//! Reads the weights of a model in the ONNX format: the constants of its graph and of the graphs within, by name.
//!
//! The file is known by its digest; this reads whatever is there all the same, and says what is wrong with it. Of the format (one
//! of Protocol Buffers) only what leads to the constants is looked at.

use std::collections::HashMap;

/// The numbers of the fields that lead from a model to its constants.
const MODEL_GRAPH: u64 = 7;
const GRAPH_NODE: u64 = 1;
const NODE_OUTPUT: u64 = 2;
const NODE_ATTRIBUTE: u64 = 5;
const ATTRIBUTE_TENSOR: u64 = 5;
const ATTRIBUTE_GRAPH: u64 = 6;
const TENSOR_DIMENSION: u64 = 1;
const TENSOR_RAW: u64 = 9;

/// Graphs within graphs; the model of voice activity has four.
const DEEPEST: usize = 16;

/// What is wrong with a model's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("it is no ONNX file, or one that ends in the middle")]
    Malformed,
    #[error("it has no constant {name} of the shape {shape:?}")]
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
    pub(super) fn read(file: &'a [u8]) -> Result<Self, Problem> {
        let mut constants = Self { tensors: HashMap::new() };
        for field in Fields(file) {
            if let (MODEL_GRAPH, Value::Bytes(graph)) = field? {
                constants.graph(graph, DEEPEST)?;
            }
        }
        Ok(constants)
    }

    fn graph(&mut self, graph: &'a [u8], deepest: usize) -> Result<(), Problem> {
        let deepest = deepest.checked_sub(1).ok_or(Problem::Malformed)?;
        for field in Fields(graph) {
            let (GRAPH_NODE, Value::Bytes(node)) = field? else { continue };
            let (mut name, mut tensor) = (None, None);
            for field in Fields(node) {
                match field? {
                    (NODE_OUTPUT, Value::Bytes(output)) => name = Some(output),
                    (NODE_ATTRIBUTE, Value::Bytes(attribute)) => {
                        for field in Fields(attribute) {
                            match field? {
                                (ATTRIBUTE_TENSOR, Value::Bytes(bytes)) => tensor = Some(Tensor::read(bytes)?),
                                (ATTRIBUTE_GRAPH, Value::Bytes(graph)) => self.graph(graph, deepest)?,
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

    /// What stands before `name` in the name of the constant that ends with it and has this shape.
    pub(super) fn prefix(&self, name: &str, shape: &[usize]) -> Result<&'a [u8], Problem> {
        let mut found = self.tensors.iter().filter(|(_, tensor)| tensor.shape == shape);
        let prefix = found.find_map(|(known, _)| known.strip_suffix(name.as_bytes()));
        prefix.ok_or_else(|| Problem::Missing { name: name.to_owned(), shape: shape.to_vec() })
    }

    /// The numbers of the constant of this name and shape.
    pub(super) fn numbers(&self, prefix: &[u8], name: &str, shape: &[usize]) -> Result<Vec<f32>, Problem> {
        let tensor = self.tensors.get([prefix, name.as_bytes()].concat().as_slice());
        let tensor = tensor.filter(|tensor| {
            let bytes = shape.iter().product::<usize>() * size_of::<f32>();
            tensor.shape == shape && tensor.raw.len() == bytes
        });
        let tensor = tensor.ok_or_else(|| Problem::Missing { name: name.to_owned(), shape: shape.to_vec() })?;
        Ok(tensor.raw.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

impl<'a> Tensor<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Problem> {
        let mut tensor = Self::default();
        let size = |size: u64| usize::try_from(size).map_err(|_| Problem::Malformed);
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

/// A field's value, as far as it is of use here.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Fixed,
}

/// The fields of a message, each with its number. The first that cannot be read is the last.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Problem>;

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
    fn field(&mut self) -> Result<(u64, Value<'a>), Problem> {
        let key = varint(&mut self.0)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut self.0)?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = varint(&mut self.0)?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return Err(Problem::Malformed),
        };
        Ok((key >> 3, value))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Problem> {
        let length = usize::try_from(length).map_err(|_| Problem::Malformed)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Problem::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// A number in as many bytes as it needs, seven bits in each.
fn varint(bytes: &mut &[u8]) -> Result<u64, Problem> {
    let mut number = 0;
    for place in 0..10 {
        let (byte, rest) = bytes.split_first().ok_or(Problem::Malformed)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Problem::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    /// A model with a constant of four numbers in a graph within its graph.
    fn file() -> Vec<u8> {
        let numbers: Vec<u8> = [1.0_f32, -2.0, 0.5, 3.0].iter().flat_map(|number| number.to_le_bytes()).collect();
        let tensor = [&[8, 2, 8, 2, 16, 1][..], &field(9, &numbers)].concat();
        let constant = [field(2, b"branch/weight"), field(4, b"Constant"), field(5, &field(5, &tensor))].concat();
        let inner = field(1, &constant);
        field(7, &field(1, &[field(2, b"out"), field(5, &field(6, &inner))].concat()))
    }

    #[test]
    fn constants_are_read_by_name_and_shape() {
        let file = file();
        let constants = Constants::read(&file).unwrap();
        let prefix = constants.prefix("weight", &[2, 2]).unwrap();
        assert_eq!(prefix, b"branch/");
        assert_eq!(constants.numbers(prefix, "weight", &[2, 2]).unwrap(), [1.0, -2.0, 0.5, 3.0]);
        for (name, shape) in [("weight", vec![4]), ("bias", vec![2, 2])] {
            let missing = Problem::Missing { name: name.to_owned(), shape: shape.clone() };
            assert_eq!(constants.numbers(prefix, name, &shape), Err(missing.clone()));
            assert_eq!(constants.prefix(name, &shape), Err(missing));
        }
    }

    #[test]
    fn a_file_that_ends_in_the_middle_is_malformed() {
        let file = file();
        for length in 1..file.len() {
            assert_eq!(Constants::read(&file[..length]).unwrap_err(), Problem::Malformed, "{length}");
        }
        let deep = (0..1_000).fold(Vec::new(), |inner, _| {
            let length = inner.len().min(100);
            field(1, &field(5, &field(6, &inner[..length])))
        });
        Constants::read(&field(7, &deep[..deep.len().min(100)])).ok();
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400), at in 0_usize..60) {
            let mut file = file();
            Constants::read(&bytes).ok();
            file.splice(at.min(file.len()).., bytes);
            Constants::read(&file).ok();
        }
    }
}
