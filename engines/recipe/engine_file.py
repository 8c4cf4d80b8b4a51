"""Writes the engine as src/model/engine_file.rs reads it."""

import hashlib
import json
import pathlib

import numpy as np
from safetensors.numpy import save_file

import networks

FORMAT = 1


def _recipe_hash():
    """Of the recipe's own files, by which the engine says where it came from."""
    digest = hashlib.sha256()
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def write(path, weights):
    """Weights f32 by name -> an engine without mappings; matrices as f16, vectors as f32."""
    part = lambda name: {"file": {"part": name, "name": "engines/recipe", "sha256": _recipe_hash()}}
    engine = {
        "variant": "default",
        "architecture": {"rgb": networks.RGB, "xyz": networks.XYZ, "hidden": networks.HIDDEN},
        "precision": "f16",
        "preparation": {"plane": "fit", "keep": "largest", "seed": 0},
        "standardise": True,
        "geometry": "relative",
        "calibration": None,
        "fitted_on": [],
        "provenance": [part("rgb"), part("xyz")],
    }
    digest = hashlib.sha256(json.dumps(engine, separators=(",", ":")).encode())
    tensors = {}
    for name in sorted(weights):
        kind = np.float16 if weights[name].ndim > 1 else np.float32
        values = tensors[name] = np.ascontiguousarray(weights[name], kind)
        digest.update(f"{name} {'F16' if kind is np.float16 else 'F32'} {list(values.shape)}\n".encode())
        digest.update(values.tobytes())
    entry = {"format": FORMAT, "engine": engine, "content_sha256": digest.hexdigest()}
    save_file(tensors, path, {"crosscheck": json.dumps(entry, separators=(",", ":"))})
