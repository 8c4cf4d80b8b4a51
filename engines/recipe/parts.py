"""Random parts: height and colour on a square grid, of shapes that mean nothing.

A part is a stack of generic ingredients (smooth random fields, bumps, ribs, grooves, steps, dots) inside a
random outline. Lengths are in units of half the grid's side; heights are in millimetres.
"""

import dataclasses

import numpy as np
from scipy import ndimage

SIDE = 320
"""Cells along one side of the grid, which covers -1..1."""

_AXIS = np.linspace(-1, 1, SIDE, dtype=np.float32)
X, Y = np.meshgrid(_AXIS, _AXIS)
_FREQUENCY = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None]) * SIDE / 2


@dataclasses.dataclass
class Part:
    """Maps of one part, each [SIDE, SIDE]."""

    height_mm: np.ndarray
    """Above the belt."""
    inside: np.ndarray
    """Positive inside the outline, in units of length."""
    colour: np.ndarray
    """[SIDE, SIDE, 3], 0..1."""
    gloss: float


def random_field(random, length):
    """Smooth Gaussian field of deviation 1 whose features are about `length` wide."""
    noise = np.fft.rfft2(random.standard_normal((SIDE, SIDE)))
    field = np.fft.irfft2(noise * np.exp(-((_FREQUENCY * length) ** 2)), (SIDE, SIDE))
    return ((field - field.mean()) / (field.std() + 1e-9)).astype(np.float32)


def _turned(random, reach=0.6):
    """Coordinates about a random point, turned by a random angle."""
    angle, (x0, y0) = random.uniform(0, 2 * np.pi), random.uniform(-reach, reach, 2)
    c, s = np.cos(angle), np.sin(angle)
    return c * (X - x0) + s * (Y - y0), c * (Y - y0) - s * (X - x0)


def _soft_step(signed, width):
    return np.clip(signed / width + 0.5, 0, 1)


def _superellipse(random, x, y, size):
    """Positive inside, in units of length near the outline."""
    a, b = size * random.uniform(0.55, 1, 2)
    power = random.choice([1.2, 2, 2, 4, 8])
    radius = (np.abs(x / a) ** power + np.abs(y / b) ** power + 1e-9) ** (1 / power)
    return (1 - radius) * min(a, b)


def _line(random, reach=0.9):
    """Distance from a thin line, straight or jagged, in units of length, and whether it is within the line's length."""
    x, y = _turned(random, reach)
    jag = random.choice([0, 0, 0.01, 0.03]) * random_field(random, 0.04)
    bow = random.choice([0, 0, 0.5]) * y**2
    return np.abs(x + jag + bow), np.abs(y) < random.uniform(0.03, 0.3)


def _holes(random, inside):
    """Through holes and slots, most of them small."""
    for _ in range(random.poisson(1.5)):
        x, y = _turned(random, 0.8)
        hole = random.uniform(0.02, 0.14) - np.hypot(x, np.maximum(np.abs(y) - random.choice([0, 0, 0.1, 0.25]), 0))
        inside = np.minimum(inside, -hole)
    return inside


def _outline(random):
    angle = random.uniform(0, 2 * np.pi)
    x, y = np.cos(angle) * X + np.sin(angle) * Y, np.cos(angle) * Y - np.sin(angle) * X
    inside = _superellipse(random, x, y, random.uniform(0.85, 1.05))
    for _ in range(random.integers(0, 3)):
        other = _superellipse(random, *_turned(random, 0.5), random.uniform(0.15, 0.45))
        inside = np.maximum(inside, other) if random.random() < 0.5 else np.minimum(inside, -other)
    wobble = random.choice([0, 0, 0.02, 0.05, 0.08])
    inside = _holes(random, inside + wobble * random_field(random, 0.3))
    return np.minimum(inside, 0.97 - np.maximum(np.abs(X), np.abs(Y)))


def _largest(inside):
    """Only the largest piece, as the runtime's preparation keeps it."""
    pieces, count = ndimage.label(inside > 0)
    sizes = np.bincount(pieces.reshape(-1), minlength=count + 1)
    sizes[0] = 0
    return np.where((inside > 0) & (pieces != sizes.argmax()), -0.01, inside)


def _smooth(random):
    return random.uniform(0.2, 3) * random_field(random, random.uniform(0.1, 0.7))


def _dome(random):
    x, y = _turned(random, 0.3)
    a, b = random.uniform(0.5, 2, 2)
    return random.uniform(-8, 12) * np.exp(-((x / a) ** 2) - (y / b) ** 2)


def _bump(random):
    inside = _superellipse(random, *_turned(random), random.uniform(0.06, 0.4))
    profile = _soft_step(inside, random.uniform(0.02, 0.25))
    return random.uniform(-4, 4) * np.sqrt(profile)


def _rib(random):
    x, y = _turned(random)
    width, length = random.uniform(0.03, 0.12), random.uniform(0.2, 1.5)
    profile = _soft_step(width - np.abs(x), random.uniform(0.02, 0.1)) * _soft_step(length - np.abs(y), 0.05)
    return random.uniform(-3, 3) * profile


def _ring(random):
    x, y = _turned(random, 0.4)
    band = random.uniform(0.03, 0.1) - np.abs(np.hypot(x, y) - random.uniform(0.1, 0.5))
    return random.uniform(-3, 3) * _soft_step(band, 0.05)


def _step(random):
    x, _ = _turned(random)
    return random.uniform(-4, 4) * _soft_step(x, random.uniform(0.02, 0.4))


def _waves(random):
    x, y = _turned(random)
    where = _soft_step(_superellipse(random, *_turned(random), random.uniform(0.3, 1)), 0.1)
    phase = np.hypot(x, y) if random.random() < 0.3 else x
    return random.uniform(0.1, 1) * where * np.sin(phase * 2 * np.pi / random.uniform(0.06, 0.4))


def _grain(random):
    where = _soft_step(random_field(random, 0.5), 0.5)
    return random.uniform(0.02, 0.25) * where * random_field(random, random.uniform(0.015, 0.05))


def _dimple(random):
    x, y = _turned(random, 0.8)
    return random.uniform(-1.5, 1.5) * np.exp(-(x**2 + y**2) / random.uniform(0.02, 0.12) ** 2)


def _groove(random):
    across, along = _line(random)
    return -random.uniform(0.2, 3) * _soft_step(random.uniform(0.004, 0.015) - across, 0.008) * along


_SHAPES = [_smooth, _dome, _bump, _bump, _rib, _rib, _ring, _step, _waves, _grain]
_DETAILS = [_dimple, _dimple, _groove]


def _height(random, inside):
    height = np.full((SIDE, SIDE), random.uniform(5, 25), np.float32)
    for i in random.integers(0, len(_SHAPES), random.integers(1, 8)):
        height = height + _SHAPES[i](random)
    for i in random.integers(0, len(_DETAILS), random.poisson(2)):
        height = height + _DETAILS[i](random)
    height += random.uniform(-0.06, 0.06) * 45 * X
    bevel = random.choice([0.01, 0.03, 0.1, 0.3])
    fall = random.uniform(0.5, 6) * np.sqrt(1 - np.clip(inside / bevel, 0, 1))
    return np.maximum(height - fall, 0.8).astype(np.float32)


def _tone(random):
    value = random.uniform(0.08, 0.95)
    tint = random.uniform(-1, 1, 3) * random.choice([0.03, 0.15, 0.4])
    return np.clip(value + tint, 0.03, 1).astype(np.float32)


def _region(random, height):
    """Where another colour lies, 0..1; half of them follow the shape, as on real parts."""
    kind = random.integers(0, 7)
    if kind <= 2:
        low, high = np.percentile(height, np.sort(random.uniform(0, 100, 2)))
        return _soft_step(np.minimum(height - low, high - height), random.uniform(0.05, 0.5))
    if kind == 3:
        return _soft_step(_superellipse(random, *_turned(random), random.uniform(0.05, 0.5)), 0.02)
    if kind == 4:
        x, _ = _turned(random)
        return _soft_step(np.sin(x * 2 * np.pi / random.uniform(0.05, 0.6)) - random.uniform(-0.8, 0.8), 0.2)
    if kind == 5:
        return _soft_step(random_field(random, random.uniform(0.03, 0.5)) - random.uniform(-0.5, 1.5), 0.2)
    slope = np.hypot(*np.gradient(ndimage.gaussian_filter(height, 2)))
    return _soft_step(slope - np.percentile(slope, random.uniform(50, 98)), 0.02)


def _mark(random):
    """Where a mark lies, 0..1: a scratch, a spot, a film, print. Shape says nothing about it."""
    kind = random.integers(0, 6)
    if kind <= 1:
        across, along = _line(random)
        return _soft_step(random.uniform(0.004, 0.014) - across, 0.006) * along
    if kind <= 3:
        return _soft_step(_superellipse(random, *_turned(random, 0.8), random.uniform(0.015, 0.12)), 0.01)
    if kind == 4:
        near = _soft_step(_superellipse(random, *_turned(random, 0.8), random.uniform(0.1, 0.4)), 0.1)
        return near * _soft_step(random_field(random, random.uniform(0.05, 0.2)), 0.3)
    x, y = _turned(random, 0.6)
    size = random.uniform(0.03, 0.08)
    strokes = random.random((7, 40)) < 0.5
    column, row = (np.floor(v / size * 5).astype(int) for v in (x, y))
    printed = (np.abs(column) < random.integers(6, 20)) & (row >= 0) & (row < 7) & (column % 6 != 0)
    return (printed & strokes[row % 7, column % 40]).astype(np.float32)


def _brushed(random):
    """Grain that is long in one direction."""
    angle = random.uniform(0, np.pi)
    fy, fx = np.meshgrid(np.fft.fftfreq(SIDE) * SIDE / 2, np.fft.rfftfreq(SIDE) * SIDE / 2, indexing="ij")
    along, across = np.cos(angle) * fx + np.sin(angle) * fy, np.cos(angle) * fy - np.sin(angle) * fx
    reach = np.exp(-((random.uniform(0.05, 0.3) * along) ** 2) - (random.uniform(0.006, 0.015) * across) ** 2)
    field = np.fft.irfft2(np.fft.rfft2(random.standard_normal((SIDE, SIDE))) * reach, (SIDE, SIDE))
    return field / (field.std() + 1e-9)


def _colour(random, height):
    colour = np.broadcast_to(_tone(random), (SIDE, SIDE, 3))
    for _ in range(random.integers(0, 6)):
        share = (random.uniform(0.2, 1) * _region(random, height))[..., None]
        colour = (1 - share) * colour + share * _tone(random)
    for _ in range(random.poisson(3)):
        share = (random.uniform(0.1, 1) * _mark(random))[..., None]
        colour = (1 - share) * colour + share * _tone(random)
    field = _brushed(random) if random.random() < 0.25 else random_field(random, random.choice([0.01, 0.03, 0.1]))
    grain = random.choice([0, 0.02, 0.06]) * field
    return np.clip(colour + grain[..., None], 0.01, 1).astype(np.float32)


def part(seed):
    """The part of a seed."""
    random = np.random.default_rng(seed)
    inside = _largest(_outline(random))
    height = _height(random, inside)
    colour = _colour(random, np.where(inside > 0, height, height[inside > 0].mean()))
    return Part(height, inside.astype(np.float32), colour, random.choice([0, 0.1, 0.4]))
