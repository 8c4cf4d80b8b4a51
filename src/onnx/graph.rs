//! A graph under construction: nodes in the order they run, weights, inputs and outputs of fixed sizes.

use half::f16;

use super::error::OnnxError;
use super::protobuf::Message;
use crate::fold::linear::Linear;

/// Version of the operators: the first with Gelu, and the last that TensorRT 10.3 accepts.
pub const OPSET: i64 = 20;
/// The file layout that came with this opset.
const IR_VERSION: i64 = 9;

/// Type of a tensor's values, numbered as ONNX numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    F32 = 1,
    I64 = 7,
    F16 = 10,
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
    /// The type in which large products are computed.
    pub kind: Kind,
    /// The inputs and outputs added so far.
    pub tensors: Vec<Tensor>,
    message: Message,
    nodes: usize,
    error: Option<OnnxError>,
}

impl Graph {
    pub fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, tensors: Vec::new(), message: Message::default().text(2, name), nodes: 0, error: None }
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

    /// Adds a weight in the graph's kind.
    pub fn weight(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        self.weight_of(self.kind, name, shape, values)
    }

    /// Adds a weight in `kind`. A value that f16 cannot hold makes [`Self::finish`] return an error.
    pub fn weight_of(&mut self, kind: Kind, name: &str, shape: &[usize], values: &[f32]) -> String {
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

    /// `x W^T + b` on the last axis, in the graph's kind; without a bias if that is empty.
    pub fn linear(&mut self, x: &str, name: &str, layer: &Linear) -> String {
        self.linear_of(self.kind, x, name, layer)
    }

    pub fn linear_of(&mut self, kind: Kind, x: &str, name: &str, layer: &Linear) -> String {
        let (from, to) = (layer.from, layer.to);
        let transposed: Vec<f32> = (0..from).flat_map(|i| layer.weight.iter().skip(i).step_by(from)).copied().collect();
        let weight = self.weight_of(kind, &format!("{name}.weight"), &[from, to], &transposed);
        let product = self.node("MatMul", &[x, &weight], &[]);
        if layer.bias.is_empty() {
            return product;
        }
        let bias = self.weight_of(kind, &format!("{name}.bias"), &[to], &layer.bias);
        self.node("Add", &[&product, &bias], &[])
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
