"""Training of the two networks: each says what its teacher sees on the noiseless frame."""

import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import networks
import teacher

BATCH = 2
RATE = 1.5e-3
HELD_OUT = 32
"""Frames, the last ones, that are only reported on."""


def _vary_shape(random, offsets, centres):
    """Measures are those of other frames of the part, so they fit this one only roughly."""
    n = len(offsets)
    radius = np.exp(random.normal(0, 0.04, (n, 1, 1, 1)))
    spread, shift = np.exp(random.normal(0, 0.03, (n, 1, 1))), random.normal(0, 0.12, (n, 1, 3))
    return (offsets * radius).astype(np.float32), (centres * spread + shift).astype(np.float32)


def _vary_colour(random, rgb):
    """More of what the frames have: light that drifts, and noise."""
    n = len(rgb)
    gain = random.normal(1, 0.05, (n, 1, 1, 1)) * random.normal(1, 0.01, (n, 1, 1, 3))
    noise = random.standard_normal(rgb.shape, np.float32) * random.uniform(0, 0.02, (n, 1, 1, 1))
    return np.clip(rgb / np.float32(255) * gain + noise, 0, 1).astype(np.float32)


def shape_batch(arrays, index, random, done):
    """Offsets, centres and quantities. Half of the groups, drawn at random, until the last third."""
    offsets, centres, quantities = arrays["offsets"][index], arrays["centres"][index], arrays["shape"][index]
    if random:
        if done < 0.65:
            some = random.choice(offsets.shape[1], offsets.shape[1] // 2, replace=False)
            offsets, centres, quantities = offsets[:, some], centres[:, some], quantities[:, some]
        offsets, centres = _vary_shape(random, offsets.astype(np.float32), centres)
    return quantities.astype(np.float32), offsets.astype(np.float32), centres


def colour_batch(arrays, index, random, done):
    """Images and quantities."""
    rgb = _vary_colour(random, arrays["rgb"][index]) if random else arrays["rgb"][index] / np.float32(255)
    return arrays["colour"][index].astype(np.float32), rgb


def learn(weights, network, batch, arrays, phases, seconds, seed):
    """Adam on the squared error of all channels, for about `seconds`; the rate falls to nothing."""
    frames = len(arrays["rgb"]) - HELD_OUT
    random = np.random.default_rng(seed)
    optimiser = optax.inject_hyperparams(optax.adam)(learning_rate=RATE, b2=0.98)
    loss = lambda w, target, *inputs: jnp.mean((network(w, *inputs) - target) ** 2)

    @jax.jit
    def step(w, state, target, *inputs):
        value, gradient = jax.value_and_grad(loss)(w, target, *inputs)
        update, state = optimiser.update(gradient, state)
        return optax.apply_updates(w, update), state, value

    weights = {name: jnp.asarray(v) for name, v in weights.items()}
    state, start, values, shown = optimiser.init(weights), time.time(), [], 0
    while (done := (time.time() - start) / seconds) < 1:
        index = np.sort(random.choice(frames, BATCH, replace=False))
        rate = RATE * min(1, len(values) / 200) * 0.5 * (1 + np.cos(np.pi * done))
        state.hyperparams["learning_rate"] = jnp.float32(rate)
        quantities, *inputs = batch(arrays, index, random, done)
        weights, state, value = step(weights, state, phases(quantities), *inputs)
        values.append(value)
        if done > shown:
            shown += 0.1
            print(f"{100 * done:3.0f} % {len(values)} steps, loss {np.mean(jax.device_get(values[-200:])):.4f}", flush=True)
    report = []
    for i in range(frames, frames + HELD_OUT, BATCH):
        quantities, *inputs = batch(arrays, np.arange(i, i + BATCH), None, 1)
        report.append(loss(weights, phases(quantities), *inputs))
    print(f"{len(values)} steps, held out {np.mean(jax.device_get(report)):.4f}", flush=True)
    return {name: np.asarray(v) for name, v in weights.items()}


def _phases(quantities, kinds, weights, width, seed, fine_every):
    some = quantities[:: max(1, len(quantities) // 400)].astype(np.float32)
    return teacher.Phases(some.reshape(-1, some.shape[-1]), kinds, weights, width, seed, fine_every)


def shape(arrays, kinds, seconds, seed, start):
    """The shape network's weights, trained on from `start` where there is one."""
    phases = _phases(arrays["shape"], kinds["shape"], teacher.SHAPE_WEIGHTS, networks.XYZ["width"], seed, teacher.FINE_EVERY["shape"])
    start = start or networks.xyz_weights(seed)
    return learn(start, networks.xyz_groups, shape_batch, arrays, phases, seconds, seed)


def colour(arrays, kinds, seconds, seed, start):
    """The colour network's weights, trained on from `start` where there is one."""
    phases = _phases(arrays["colour"], kinds["colour"], teacher.COLOUR_WEIGHTS, networks.RGB["width"], seed, teacher.FINE_EVERY["colour"])
    start = start or networks.rgb_weights(seed)
    return learn(start, networks.rgb_tokens, colour_batch, arrays, phases, seconds, seed)
