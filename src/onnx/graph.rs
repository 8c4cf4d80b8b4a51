//! A graph under construction: nodes in the order they run, weights, inputs and outputs of fixed sizes.

use half::f16;

use super::error::OnnxError;
use super::protobuf::Message;
use crate::fold::linear::Linear;
use crate::fold::range::{self, HALF_LIMIT};

/// Version of the operators: the first with Gelu, and the last that TensorRT 10.3 accepts.
pub const OPSET: i64 = 20;
/// The file layout that came with this opset.
const IR_VERSION: i64 = 9;
/// The largest factor of a row of weights, as its logarithm. Rows that need a larger one are out of f32's range too.
const FACTOR_LOG2_MAX: f64 = 100.0;

/// Type of a tensor's values, numbered as ONNX numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    F32 = 1,
    I64 = 7,
    F16 = 10,
}

/// The types of a graph's values.
#[derive(Clone, Copy)]
pub struct Kinds {
    /// The type in which large products are computed where it holds their values.
    pub products: Kind,
    /// The type of inputs and outputs, apart from those that are always f32.
    pub tensors: Kind,
}

/// An attribute of a node.
pub enum Attribute {
    Integer(i64),
    Integers(Vec<i64>),
    Float(f32),
}

/// An input or output of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    pub name: String,
    pub kind: Kind,
    pub shape: Vec<usize>,
    pub is_input: bool,
}

pub struct Graph {
    name: &'static str,
    pub kinds: Kinds,
    /// The parts that are computed in f32 although the graph's products are halves, as halves might not hold their values.
    pub wide: Vec<String>,
    /// The inputs and outputs added so far.
    pub tensors: Vec<Tensor>,
    message: Message,
    nodes: usize,
    error: Option<OnnxError>,
}

impl Graph {
    pub fn new(name: &'static str, kinds: Kinds) -> Self {
        let message = Message::default().text(2, name);
        Self { name, kinds, wide: Vec::new(), tensors: Vec::new(), message, nodes: 0, error: None }
    }

    /// The type for `part` of the graph, whose values are at most `largest`: that of the products, or f32 where halves might
    /// not hold them.
    pub fn kind_within(&mut self, part: &str, largest: impl FnOnce() -> f64) -> Kind {
        // A NaN is not within the limit.
        if self.kinds.products == Kind::F32 || largest() <= HALF_LIMIT {
            return self.kinds.products;
        }
        self.wide.push(part.into());
        Kind::F32
    }

    /// Makes [`Self::finish`] return an error if `tensor`, an output or what one is computed from, is a half that might not
    /// hold a magnitude of `largest`.
    pub fn require_range(&mut self, tensor: &str, largest: f64) {
        let Kinds { products, tensors } = self.kinds;
        let fits = largest <= HALF_LIMIT || (products == Kind::F32 && tensors == Kind::F32);
        if !fits {
            self.error.get_or_insert(OnnxError::Output { name: tensor.into(), largest });
        }
    }

    pub fn input(&mut self, name: &str, kind: Kind, shape: &[usize]) -> String {
        self.add(11, &value(name, kind, shape));
        self.tensors.push(Tensor { name: name.into(), kind, shape: shape.into(), is_input: true });
        name.into()
    }

    /// Names `tensor`, which is of `kind`, as an output.
    pub fn output(&mut self, name: &str, kind: Kind, shape: &[usize], tensor: &str) {
        let node = Message::default().text(1, tensor).text(2, name).text(3, name).text(4, "Identity");
        self.add(1, &node);
        self.add(12, &value(name, kind, shape));
        self.tensors.push(Tensor { name: name.into(), kind, shape: shape.into(), is_input: false });
    }

    /// Adds a node with one output and returns the output's name.
    pub fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[(&str, Attribute)]) -> String {
        let output = format!("{}_{}", operator.to_lowercase(), self.nodes);
        self.nodes += 1;
        let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
        let node = node.text(2, &output).text(3, &output).text(4, operator);
        let node = attributes.iter().fold(node, |node, (name, value)| node.message(5, &attribute(name, value)));
        self.add(1, &node);
        output
    }

    /// Adds a weight in `kind`. A value that f16 cannot hold makes [`Self::finish`] return an error.
    pub fn weight(&mut self, kind: Kind, name: &str, shape: &[usize], values: &[f32]) -> String {
        assert_eq!(shape.iter().product::<usize>(), values.len(), "{name} should be {shape:?}");
        let bytes: Vec<u8> = match kind {
            Kind::F16 => {
                // A value slightly above f16's largest still rounds to it; only values that round to infinity, and NaN,
                // are refused.
                if let Some(&value) = values.iter().find(|v| !f16::from_f32(**v).is_finite()) {
                    self.error.get_or_insert(OnnxError::Range { name: name.into(), value });
                }
                values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect()
            }
            Kind::F32 => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Kind::I64 => unreachable!("weights are floating point"),
        };
        self.initializer(name, kind, shape, &bytes)
    }

    pub fn integers(&mut self, values: &[i64]) -> String {
        let name = format!("integers_{}", self.nodes);
        self.nodes += 1;
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.initializer(&name, Kind::I64, &[values.len()], &bytes)
    }

    pub fn cast(&mut self, tensor: &str, from: Kind, to: Kind) -> String {
        if from == to {
            return tensor.into();
        }
        self.node("Cast", &[tensor], &[("to", Attribute::Integer(to as i64))])
    }

    pub fn reshape(&mut self, tensor: &str, shape: &[usize]) -> String {
        let shape: Vec<i64> = shape.iter().map(|&n| n as i64).collect();
        let shape = self.integers(&shape);
        self.node("Reshape", &[tensor, &shape], &[])
    }

    pub fn transpose(&mut self, tensor: &str, order: &[i64]) -> String {
        self.node("Transpose", &[tensor], &[("perm", Attribute::Integers(order.to_vec()))])
    }

    /// `x W^T + b` on the last axis in `kind`, that of x; without a bias if that is empty.
    pub fn linear(&mut self, kind: Kind, x: &str, name: &str, layer: &Linear) -> String {
        let product = self.product(kind, x, name, layer, &vec![1.0; layer.to]);
        self.add_bias(kind, &product, name, layer)
    }

    /// `x W^T + b` in f32, the product in `kind`, that of x, whose rows are no longer than `length`. `between` are nodes
    /// between the product and its factors.
    ///
    /// Rows of W whose units halves might not hold are divided by powers of two, which the units are multiplied by in f32:
    /// that rounds nothing, and the product keeps its speed.
    pub fn linear_to_f32(
        &mut self,
        kind: Kind,
        x: &str,
        name: &str,
        layer: &Linear,
        length: f64,
        between: impl FnOnce(&mut Self, String) -> String,
    ) -> String {
        let factors = match kind {
            Kind::F32 => vec![1.0; layer.to],
            _ => factors(layer, length),
        };
        let product = self.product(kind, x, name, layer, &factors);
        let product = between(self, product);
        let mut units = self.cast(&product, kind, Kind::F32);
        if factors.iter().any(|&factor| factor > 1.0) {
            let factors = self.weight(Kind::F32, &format!("{name}.factors"), &[layer.to], &factors);
            units = self.node("Mul", &[&units, &factors], &[]);
        }
        self.add_bias(Kind::F32, &units, name, layer)
    }

    /// `x W^T` in `kind`, with each row of W divided by its factor.
    fn product(&mut self, kind: Kind, x: &str, name: &str, layer: &Linear, factors: &[f32]) -> String {
        let (from, to) = (layer.from, layer.to);
        let column = |i| layer.weight.iter().skip(i).step_by(from).zip(factors).map(|(w, factor)| w / factor);
        let transposed: Vec<f32> = (0..from).flat_map(column).collect();
        let weight = self.weight(kind, &format!("{name}.weight"), &[from, to], &transposed);
        self.node("MatMul", &[x, &weight], &[])
    }

    fn add_bias(&mut self, kind: Kind, x: &str, name: &str, layer: &Linear) -> String {
        if layer.bias.is_empty() {
            return x.into();
        }
        let bias = self.weight(kind, &format!("{name}.bias"), &[layer.to], &layer.bias);
        self.node("Add", &[x, &bias], &[])
    }

    /// Returns the file's content; `properties` become its metadata.
    pub fn finish(self, properties: &[(&str, String)]) -> Result<Message, OnnxError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let opset = Message::default().text(1, "").integer(2, OPSET);
        let model = Message::default()
            .integer(1, IR_VERSION)
            .text(2, "crosscheck")
            .text(3, env!("CARGO_PKG_VERSION"))
            .message(7, &self.message)
            .message(8, &opset);
        let property = |(key, value): &(&str, String)| Message::default().text(1, key).text(2, value);
        Ok(properties.iter().map(property).fold(model, |model, p| model.message(14, &p)))
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    fn initializer(&mut self, name: &str, kind: Kind, shape: &[usize], bytes: &[u8]) -> String {
        let tensor = shape.iter().fold(Message::default(), |tensor, &n| tensor.integer(1, n as i64));
        self.add(5, &tensor.integer(2, kind as i64).text(8, name).bytes(9, bytes));
        name.into()
    }

    fn add(&mut self, field: u64, message: &Message) {
        self.message = std::mem::take(&mut self.message).message(field, message);
    }
}

/// The power of two for each row of a layer that brings its units on rows of this `length`, and its weights, within halves.
fn factors(layer: &Linear, length: f64) -> Vec<f32> {
    let products = Linear::new(layer.weight.clone(), Vec::new(), layer.to);
    let units = range::on_rows(&products, length);
    let largest =
        units.iter().zip(layer.weight.chunks_exact(layer.from)).map(|(unit, row)| unit.max(range::largest(row)));
    largest.map(|largest| (largest / HALF_LIMIT).max(1.0).log2().ceil().min(FACTOR_LOG2_MAX).exp2() as f32).collect()
}

fn value(name: &str, kind: Kind, shape: &[usize]) -> Message {
    let dimension = |n: &usize| Message::default().integer(1, *n as i64);
    let dimensions = shape.iter().map(dimension).fold(Message::default(), |all, d| all.message(1, &d));
    let tensor = Message::default().integer(1, kind as i64).message(2, &dimensions);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

fn attribute(name: &str, value: &Attribute) -> Message {
    let message = Message::default().text(1, name);
    match value {
        Attribute::Float(value) => message.float(2, *value).integer(20, 1),
        Attribute::Integer(value) => message.integer(3, *value).integer(20, 2),
        Attribute::Integers(values) => values.iter().fold(message, |m, v| m.integer(8, *v)).integer(20, 7),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_halves_might_not_hold_are_divided_by_powers_of_two() {
        let layer = Linear::new(vec![3.0, 4.0, 30.0, 40.0, 0.0, 1e6, 0.5, 0.0], Vec::new(), 4);
        let found = factors(&layer, 1000.0);
        assert_eq!(found, [1.0, 2.0, 32_768.0, 1.0]);
        let bounds = range::on_rows(&layer, 1000.0);
        for (i, (bound, factor)) in bounds.iter().zip(&found).enumerate() {
            assert!(bound / f64::from(*factor) <= HALF_LIMIT, "the row {i}");
        }
        // A weight counts even if the rows are short.
        assert_eq!(factors(&layer, 1e-3)[2], 32.0);
    }
}
