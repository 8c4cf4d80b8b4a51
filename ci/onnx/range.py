"""Exported f16 graphs, evaluated node by node with every f16 tensor rounded to f16. ONNX Runtime's CPU carries f16 in
f32, so it does not notice a value beyond f16. Prints the largest magnitudes of each graph, fails with the first node
whose value f16 cannot hold, and compares the features with those of the f32 graphs.

usage: range.py F16_GRAPHS F32_GRAPHS GOLDEN [--overflows-in-halves]

--overflows-in-halves: the engine is one whose networks f16 alone cannot hold. The check fails then unless each network
leaves f16's range when all of its values are rounded to f16, and unless each names parts that it computes in f32.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import numpy_helper
from safetensors.numpy import load_file
from scipy.special import erf

from check import TOLERANCE, inputs_of, near

# For an engine that halves alone cannot hold: its LayerNorms divide by such large deviations that roundings before them
# count more. Two to three times the largest error measured.
TOLERANCE_BEYOND = 1e-2
NETWORKS, TAILS = ("rgb_tokens", "xyz_groups"), ("map_rgb_to_xyz", "map_xyz_to_rgb")


class Evaluation:
    """A graph's values, up to the first one `beyond` f16. `all_halves`: f32 values are rounded to f16 too."""

    def __init__(self, model, inputs, all_halves=False):
        self.all_halves, self.beyond = all_halves, None
        self.largest = {np.dtype(np.float16): (0.0, "no node"), np.dtype(np.float32): (0.0, "no node")}
        graph = model.graph
        self.kinds, self.values = {}, {}
        for initializer in graph.initializer:
            self.keep(initializer.name, numpy_helper.to_array(initializer), None)
        for value in graph.input:
            kind = onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
            self.keep(value.name, inputs[value.name].astype(kind), None)
        uses = [name for node in graph.node for name in node.input] + [value.name for value in graph.output]
        left = {name: uses.count(name) for name in set(uses)}
        for node in graph.node:
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            kind = self.kinds[node.input[0]]
            if node.op_type == "Cast":
                kind = onnx.helper.tensor_dtype_to_np_dtype(attributes["to"])
            operands = [self.values[name] for name in node.input]
            kinds = {self.kinds[name] for name in node.input if self.kinds[name].kind == "f"}
            assert len(kinds) == 1, f"{node.name} mixes {kinds}, which a strongly typed network must not"
            self.keep(node.output[0], compute(node.op_type, operands, attributes).astype(np.float32), kind)
            if self.beyond is not None:
                return
            for name in node.input:
                left[name] -= 1
                if left[name] == 0:
                    del self.values[name]
        self.outputs = {value.name: self.values[value.name].astype(np.float64) for value in graph.output}

    def keep(self, name, value, kind):
        """Values are kept in f32, rounded to what `kind` holds; integers as they are."""
        kind = np.dtype(value.dtype if kind is None else kind)
        self.kinds[name] = kind
        if kind.kind == "f":
            value = np.asarray(value, np.float32)
            most = float(np.abs(value).max())
            if not most <= self.largest[kind][0]:
                self.largest[kind] = (most, name)
            if kind == np.float16 or self.all_halves:
                with np.errstate(over="ignore"):
                    value = value.astype(np.float16).astype(np.float32)
                if self.beyond is None and not np.isfinite(value).all():
                    self.beyond = f"{name} has {most:.3g}"
        self.values[name] = value


def compute(operator, operands, attributes):
    x = operands[0]
    match operator:
        case "Add":
            return x + operands[1]
        case "Mul":
            return x * operands[1]
        case "MatMul" if operands[1].ndim == 2:
            # One large product, not one for each group.
            return (x.reshape(-1, x.shape[-1]) @ operands[1]).reshape(*x.shape[:-1], -1)
        case "MatMul":
            return x @ operands[1]
        case "Cast" | "Identity":
            return x
        case "Concat":
            return np.concatenate(operands, attributes["axis"])
        case "Gelu":
            return x * 0.5 * (1 + erf(x / np.float32(np.sqrt(2))))
        case "LayerNormalization":
            mean = x.mean(-1, keepdims=True, dtype=np.float64)
            variance = ((x - mean) ** 2).mean(-1, keepdims=True)
            return (x - mean) / np.sqrt(variance + attributes["epsilon"]) * operands[1] + operands[2]
        case "ReduceMax":
            return x.max(axis=tuple(operands[1]), keepdims=bool(attributes["keepdims"]))
        case "Relu":
            return np.maximum(x, 0)
        case "Reshape":
            return x.reshape(operands[1])
        case "Slice":
            start, end, axis = (int(operand[0]) for operand in operands[1:])
            return np.take(x, np.arange(start, end), axis)
        case "Softmax":
            shares = np.exp(x - x.max(-1, keepdims=True))
            return shares / shares.sum(-1, keepdims=True)
        case "Transpose":
            return x.transpose(attributes["perm"])
    raise ValueError(f"the operator {operator} is not known here")


def shape_of(path):
    """The shape of a graph's first input."""
    return [axis.dim_value for axis in onnx.load(path).graph.input[0].type.tensor_type.shape.dim]


def main():
    halves, whole, golden = sys.argv[1:4]
    overflows = sys.argv[4:] == ["--overflows-in-halves"]
    tolerance = TOLERANCE_BEYOND if overflows else TOLERANCE["f16"]
    offsets, of_tail = (shape_of(pathlib.Path(halves) / f"{name}.onnx") for name in ("xyz_groups", TAILS[0]))
    inputs = inputs_of(load_file(golden), offsets[1])
    inputs["first"] = np.random.default_rng(1).normal(size=of_tail).astype(np.float16)
    for name in NETWORKS + TAILS:
        model, reference = (onnx.load(pathlib.Path(folder) / f"{name}.onnx") for folder in (halves, whole))
        found = Evaluation(model, inputs)
        parts = {p.key: p.value for p in model.metadata_props}.get("f32_parts", "none")
        largest = (found.largest[np.dtype(kind)] for kind in (np.float16, np.float32))
        of_halves, of_f32 = (f"{most:.5g} ({node})" for most, node in largest)
        print(f"  {name}: halves up to {of_halves}, f32 up to {of_f32}; parts in f32 for their range: {parts}")
        assert found.beyond is None, f"{name}: {found.beyond}, which f16 cannot hold"
        wanted = Evaluation(reference, inputs).outputs
        features = {"rgb_tokens": "tokens", "xyz_groups": "groups"}.get(name, "turned")
        near(f"{features} against f32", found.outputs[features], wanted[features], tolerance)
        if overflows and name in NETWORKS:
            beyond = Evaluation(model, inputs, all_halves=True).beyond
            assert beyond is not None, f"{name}: f16 alone holds all values, so this engine checks nothing"
            print(f"  with halves alone, {beyond}")
            assert parts != "none", f"{name}: no part is in f32 for its range"


main()
