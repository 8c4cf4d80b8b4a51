"""Writes the engine as src/model/engine_file.rs reads it."""

import hashlib
import json
import pathlib

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

import networks

FORMAT = 1


def _recipe_hash():
    """Of the recipe's own files, by which the engine says where it came from."""
    digest = hashlib.sha256()
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read_network(path, part):
    """A network of an engine, `rgb` or `xyz`: its weights by name, and the hash of the recipe that it was made by."""
    with safe_open(path, "numpy") as file:
        sources = json.loads(file.metadata()["crosscheck"])["engine"]["provenance"]
        weights = {name: file.get_tensor(name).astype(np.float32) for name in file.keys() if name.startswith(f"{part}.")}
    return weights, next(s["file"]["sha256"] for s in sources if s["file"]["part"] == part)


def write(path, weights, made_by):
    """Weights f32 by name -> an engine without mappings; matrices as f16, vectors as f32.

    `made_by`: the hash of the recipe of a network that this one did not make."""
    recipe = lambda name: made_by.get(name) or _recipe_hash()
    part = lambda name: {"file": {"part": name, "name": "engines/recipe", "sha256": recipe(name)}}
    engine = {
        "variant": "default",
        "architecture": {"rgb": networks.RGB, "xyz": networks.XYZ, "hidden": networks.HIDDEN, "score": "likelihood"},
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
