"""The two networks in JAX, weights under the engine's names: the runtime's arithmetic, nothing folded."""

import jax
import jax.numpy as jnp
import numpy as np

RGB = {"width": 192, "heads": 3, "mlp": 384, "layers": 2}
XYZ = {
    "width": 192,
    "heads": 3,
    "mlp": 384,
    "layers": 1,
    "taps": [0],
    # Many small groups: what lies between centres is near to one, and small dents show.
    "groups": 1024,
    "group_size": 32,
    "encoder": [32, 64, 96],
    "position_hidden": 128,
}
HIDDEN = 128
SIDE, PATCH = 28, 8
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def _linear(random, shape, scale=1.0):
    fan_in = int(np.prod(shape[1:]))
    return (scale * random.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32)


def _add_linear(random, w, name, shape, scale=1.0):
    w[f"{name}.weight"] = _linear(random, shape, scale)
    w[f"{name}.bias"] = np.zeros(shape[0], np.float32)


def _add_norm(w, name, width):
    w[f"{name}.weight"], w[f"{name}.bias"] = np.ones(width, np.float32), np.zeros(width, np.float32)


def _add_block(random, w, name, width, mlp, qkv_bias):
    _add_norm(w, f"{name}.norm1", width)
    w[f"{name}.attn.qkv.weight"] = _linear(random, (3 * width, width))
    if qkv_bias:
        w[f"{name}.attn.qkv.bias"] = np.zeros(3 * width, np.float32)
    _add_linear(random, w, f"{name}.attn.proj", (width, width), 0.5)
    _add_norm(w, f"{name}.norm2", width)
    _add_linear(random, w, f"{name}.mlp.fc1", (mlp, width))
    _add_linear(random, w, f"{name}.mlp.fc2", (width, mlp), 0.5)


def _waves(random, width):
    """Smooth positions to start from: [1, 1 + T, width]."""
    axis = np.linspace(-1, 1, SIDE)
    place = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    phase = place @ (4 * random.standard_normal((2, width))) + random.uniform(0, 2 * np.pi, width)
    return np.concatenate([np.zeros((1, width)), 0.5 * np.cos(phase)])[None].astype(np.float32)


def rgb_weights(seed):
    """The colour network before training."""
    random, w, c = np.random.default_rng(seed), {}, RGB["width"]
    w["rgb.cls_token"] = 0.02 * random.standard_normal((1, 1, c)).astype(np.float32)
    w["rgb.pos_embed"] = _waves(random, c)
    _add_linear(random, w, "rgb.patch_embed.proj", (c, 3, PATCH, PATCH))
    for i in range(RGB["layers"]):
        _add_block(random, w, f"rgb.blocks.{i}", c, RGB["mlp"], True)
    _add_norm(w, "rgb.norm", c)
    return w


def xyz_weights(seed):
    """The shape network before training."""
    random, w, c = np.random.default_rng(seed), {}, XYZ["width"]
    e0, e1, e2 = XYZ["encoder"]
    first, second = "xyz.encoder.first_conv", "xyz.encoder.second_conv"
    _add_linear(random, w, f"{first}.0", (e0, 3, 1), 2.0)
    w[f"{first}.0.bias"] = random.uniform(-1, 1, e0).astype(np.float32)
    _add_linear(random, w, f"{first}.3", (e1, e0, 1), 1.4)
    _add_linear(random, w, f"{second}.0", (e2, 2 * e1, 1))
    _add_linear(random, w, f"{second}.3", (c, e2, 1), 1.4)
    _add_linear(random, w, "xyz.pos_embed.0", (XYZ["position_hidden"], 3), 3.0)
    w["xyz.pos_embed.0.bias"] = random.uniform(-2, 2, XYZ["position_hidden"]).astype(np.float32)
    _add_linear(random, w, "xyz.pos_embed.2", (c, XYZ["position_hidden"]))
    for i in range(XYZ["layers"]):
        _add_block(random, w, f"xyz.blocks.blocks.{i}", c, XYZ["mlp"], False)
    _add_norm(w, "xyz.norm", c)
    return w


def batch_norms():
    """The group encoder's BatchNorms do nothing: its inputs are in units of the group already."""
    w = {}
    for name, width in (("first_conv.1", XYZ["encoder"][0]), ("second_conv.1", XYZ["encoder"][2])):
        _add_norm(w, f"xyz.encoder.{name}", width)
        w[f"xyz.encoder.{name}.running_mean"] = np.zeros(width, np.float32)
        w[f"xyz.encoder.{name}.running_var"] = np.full(width, 1 - 1e-5, np.float32)
    return w


def _norm(w, name, x, epsilon):
    x = x - x.mean(-1, keepdims=True)
    x = x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + epsilon)
    return x * w[f"{name}.weight"] + w[f"{name}.bias"]


def _dense(w, name, x):
    weight = w[f"{name}.weight"]
    y = x @ weight.reshape(weight.shape[0], -1).T
    return y + w[f"{name}.bias"] if f"{name}.bias" in w else y


def _attention(qkv, heads):
    n, t, width = qkv.shape
    q, k, v = jnp.moveaxis(qkv.reshape(n, t, 3, heads, -1), 2, 0)
    scores = jnp.einsum("nqhd,nkhd->nhqk", q, k) / np.sqrt(width // 3 // heads)
    return jnp.einsum("nhqk,nkhd->nqhd", jax.nn.softmax(scores), v).reshape(n, t, -1)


def _block(w, name, x, heads, epsilon):
    qkv = _dense(w, f"{name}.attn.qkv", _norm(w, f"{name}.norm1", x, epsilon))
    x = x + _dense(w, f"{name}.attn.proj", _attention(qkv, heads))
    hidden = jax.nn.gelu(_dense(w, f"{name}.mlp.fc1", _norm(w, f"{name}.norm2", x, epsilon)), approximate=False)
    return x + _dense(w, f"{name}.mlp.fc2", hidden)


def rgb_tokens(w, rgb):
    """rgb [n, H, W, 3] in 0..1 -> [n, T, width]."""
    n = rgb.shape[0]
    x = (rgb - MEAN) / DEVIATION
    x = x.reshape(n, SIDE, PATCH, SIDE, PATCH, 3).transpose(0, 1, 3, 5, 2, 4).reshape(n, SIDE * SIDE, -1)
    x = _dense(w, "rgb.patch_embed.proj", x)
    x = jnp.concatenate([jnp.broadcast_to(w["rgb.cls_token"], (n, 1, x.shape[-1])), x], 1) + w["rgb.pos_embed"]
    for i in range(RGB["layers"]):
        x = _block(w, f"rgb.blocks.{i}", x, RGB["heads"], 1e-6)
    return _norm(w, "rgb.norm", x, 1e-6)[:, 1:]


def _encode(w, offsets):
    """PointNet: [n, G, K, 3] -> [n, G, width]."""
    first, second = "xyz.encoder.first_conv", "xyz.encoder.second_conv"
    local = _dense(w, f"{first}.3", jax.nn.relu(_dense(w, f"{first}.0", offsets)))
    # The pooled feature comes before the local one; its product is the same for every point of a group.
    weight, width = w[f"{second}.0.weight"][..., 0].T, local.shape[-1]
    shared = local.max(2, keepdims=True) @ weight[:width] + w[f"{second}.0.bias"]
    return _dense(w, f"{second}.3", jax.nn.relu(local @ weight[width:] + shared)).max(2)


def xyz_groups(w, offsets, centres):
    """offsets [n, G, K, 3] and centres [n, G, 3] in the part's measures -> [n, G, width]."""
    x = _encode(w, offsets)
    hidden = jax.nn.gelu(_dense(w, "xyz.pos_embed.0", centres), approximate=False)
    position = _dense(w, "xyz.pos_embed.2", hidden)
    for i in range(XYZ["layers"]):
        x = _block(w, f"xyz.blocks.blocks.{i}", x + position, XYZ["heads"], 1e-5)
    return _norm(w, "xyz.norm", x, 1e-5)
