"""Writes an engine whose networks have values as large as published ones, or larger than f16 holds.

usage: scaled.py ENGINE OUT massive|beyond

massive: from the first block on, two channels of the rows that blocks add to are far above the others, one nearly
constant and one not. No published figure is known for DINO's ViT-B/8. Darcet et al. (2024,
arXiv:2309.16588) count tokens of DINOv2 whose length is above 150 as outliers; Sun et al. (2024, arXiv:2402.17762) call
a channel massive that is above 100 and 1,000 times the median. Assumed are 5,000 and 3,000: 20 to 50 times as much.
beyond: channels of hundreds of thousands in these rows, and values of the attentions, units of the shape network's MLP
and of its group encoder above 65,504.
"""

import hashlib
import json
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

BLOCKS = ("rgb.blocks.0", "xyz.blocks.blocks.0")


def scale(tensors, kind):
    for block in BLOCKS:
        fc2, bias = tensors[f"{block}.mlp.fc2.weight"], tensors[f"{block}.mlp.fc2.bias"]
        if kind == "massive":
            bias[7] = 5e3
            fc2[11] *= 3e3
        else:
            fc2[11] *= 1e5
            tensors[f"{block}.attn.qkv.weight"][-1] *= 1e5
    if kind == "beyond":
        tensors["xyz.blocks.blocks.0.mlp.fc1.weight"][3] *= 1e5
        tensors["xyz.encoder.second_conv.1.weight"][5] *= 1e5


def content_hash(settings, tensors):
    """As the program computes it: of the settings, and of every tensor by name."""
    content = hashlib.sha256(settings.encode())
    for name in sorted(tensors):
        content.update(f"{name} F32 {list(tensors[name].shape)}\n".encode())
        content.update(tensors[name].tobytes())
    return content.hexdigest()


def main():
    engine, out, kind = sys.argv[1:]
    with safe_open(engine, "np") as file:
        entry = file.metadata()["crosscheck"]
    tensors = load_file(engine)
    # The settings' own text, so that its numbers stay as the program writes them.
    start, end = entry.index('"engine":') + len('"engine":'), entry.rindex(',"content_sha256"')
    settings, old = entry[start:end], json.loads(entry)["content_sha256"]
    assert content_hash(settings, tensors) == old, "the program computes the hash of an f32 engine in another way"
    scale(tensors, kind)
    save_file(tensors, out, {"crosscheck": entry.replace(old, content_hash(settings, tensors))})


main()
