"""Exported graphs in ONNX Runtime against the golden data and against f64 products of the engine's own weights.

usage: check.py ENGINE GRAPHS GOLDEN f32|f16
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import load_file

# Known to the ONNX parser of TensorRT 10.3.
OPERATORS = {
    "Add", "Cast", "Concat", "Gelu", "Identity", "LayerNormalization", "MatMul", "Mul", "ReduceMax", "Relu", "Reshape",
    "Slice", "Softmax", "Transpose",
}
# Of a tensor's largest magnitude. f16: about twice the largest error measured over the engines of run.sh, 1.3e-3.
TOLERANCE = {"f32": 2e-4, "f16": 3e-3}
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def load(path, precision):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    unknown = {node.op_type for node in model.graph.node} - OPERATORS
    assert not unknown, f"{path.name}: operators that the parser may not know: {unknown}"
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 20)], path.name
    properties = {p.key: p.value for p in model.metadata_props}
    assert len(properties["engine"]) == 64 and properties["precision"] == precision, properties
    # Unoptimised: a fusion of the runtime's must not stand in for what the graph says.
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]), properties


def run(session, **inputs):
    types = {"tensor(float16)": np.float16, "tensor(float)": np.float32}
    given = {i.name: inputs[i.name].astype(types[i.type]) for i in session.get_inputs()}
    names = [o.name for o in session.get_outputs()]
    return dict(zip(names, (v.astype(np.float64) for v in session.run(names, given))))


def near(what, got, want, tolerance):
    assert got.shape == want.shape, f"{what}: {got.shape}, expected {want.shape}"
    error = np.abs(got - want).max() / np.abs(want).max()
    print(f"  {what}: {error:.1e}")
    assert error <= tolerance, f"{what}: {error:.1e} of the largest, at most {tolerance:.0e} is allowed"


def groups_of(golden, size):
    """Offsets and centres: the nearest points of each centre, ties to the lowest index."""
    points = golden["xyz"].reshape(-1, 3)
    points = points[np.any(points != 0, axis=1)]
    centres = points[golden["fps_idx"]]
    squared = ((centres[:, None].astype(np.float64) - points[None]) ** 2).sum(2)
    nearest = np.argsort(squared, axis=1, kind="stable")[:, :size]
    return points[nearest] - centres[:, None], centres


def inputs_of(golden, size):
    """The inputs of both networks for groups of this size."""
    offsets, centres = groups_of(golden, size)
    image = ((golden["rgb"] / 255.0 - MEAN) / DEVIATION).transpose(2, 0, 1)
    return {"image": image, "offsets": offsets, "centres": centres}


def check_observed(name, out, features, weights, mappings, tolerance):
    """What the mappings take, from the features that the graph itself gave."""
    inward, outward = mappings
    near(f"{name} moved", out["moved"], features @ weights[f"{inward}.input.weight"].T, tolerance)
    near(f"{name} projected", out["projected"], features @ weights[f"{outward}.output.weight"], tolerance)
    near(f"{name} offset", out["offset"], features @ weights[f"{outward}.output.bias"], TOLERANCE["f32"])
    near(f"{name} gram", out["gram"], features @ features.T, TOLERANCE["f32"])


def check_tail(session, rest, name, weights, tolerance):
    from scipy.special import erf

    shape = session.get_inputs()[0].shape
    first = np.random.default_rng(1).normal(size=shape).astype(np.float16)
    out = run(session, first=first)
    units = first.astype(np.float64) @ weights[f"{name}.projection.weight"].T + weights[f"{name}.projection.bias"]
    hidden = units * 0.5 * (1 + erf(units / np.sqrt(2)))
    predicted = hidden @ weights[f"{name}.output.weight"].T + weights[f"{name}.output.bias"]
    near(f"{name} hidden", out["hidden"], hidden, tolerance)
    near(f"{name} |E|^2", (out["turned"] ** 2).sum(1) + rest, (predicted**2).sum(1), tolerance)


def main():
    engine, graphs, golden_path, precision = sys.argv[1:]
    tolerance, graphs = TOLERANCE[precision], pathlib.Path(graphs)
    weights = {k: v.astype(np.float64) for k, v in load_file(engine).items() if k.startswith("map_")}
    golden = load_file(golden_path)

    session, _ = load(graphs / "rgb_tokens.onnx", precision)
    shape_session, _ = load(graphs / "xyz_groups.onnx", precision)
    inputs = inputs_of(golden, shape_session.get_inputs()[0].shape[1])
    out = run(session, **inputs)
    near("tokens", out["tokens"][golden["rgb_tokens.idx"]], golden["rgb_tokens"].astype(np.float64), tolerance)
    check_observed("tokens", out, out["tokens"], weights, ("map_rgb_to_xyz", "map_xyz_to_rgb"), tolerance)

    out = run(shape_session, **inputs)
    near("groups", out["groups"][golden["xyz_groups.idx"]], golden["xyz_groups"].astype(np.float64), tolerance)
    check_observed("groups", out, out["groups"], weights, ("map_xyz_to_rgb", "map_rgb_to_xyz"), tolerance)

    for name in ("map_rgb_to_xyz", "map_xyz_to_rgb"):
        session, properties = load(graphs / f"{name}.onnx", precision)
        check_tail(session, float(properties["rest"]), name, weights, tolerance)


if __name__ == "__main__":
    main()
