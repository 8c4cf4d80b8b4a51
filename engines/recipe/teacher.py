"""What the networks learn to say: local geometry and local colour of the noiseless frame.

Quantities of a frame are sampled at group centres and at tokens. `Phases` then turns them into as many
bounded channels as a network has: random Fourier features, so that no channel hangs on one quantity alone,
and a change of any quantity changes many channels.
"""

import numpy as np
from scipy import ndimage

from camera import PIXELS

PATCH = 8


def _blur(image, width):
    return ndimage.gaussian_filter(image, width, truncate=3)


def _derivatives(image, width):
    """First and second derivatives of a smoothed map, per pixel: x, y, xx, yy, xy."""
    smooth = _blur(image, width)
    y, x = np.gradient(smooth)
    xy, xx = np.gradient(x)
    return x, y, xx, np.gradient(y)[0], xy


def _standing(frame, radius_mm, measured):
    """Height over the part's plane in group radii, continued beyond the part by its nearest point."""
    v, u = np.nonzero(frame.part)
    design = np.stack([u, v, np.ones_like(u)], -1).astype(np.float64)
    plane, *_ = np.linalg.lstsq(design, frame.clean_depth_mm[v, u].astype(np.float64), rcond=None)
    grid = np.arange(PIXELS)
    height = plane[0] * grid[None] + plane[1] * grid[:, None] + plane[2] - frame.clean_depth_mm
    nearest = ndimage.distance_transform_edt(~measured, return_distances=False, return_indices=True)
    return height[tuple(nearest)] / radius_mm


def _place(pixels, part):
    """Where pixels lie on the part, from its middle, in its spread: [n, 2]."""
    v, u = np.nonzero(part)
    spread = np.sqrt(u.var() + v.var())
    return [(pixels % PIXELS - u.mean()) / spread, (pixels // PIXELS - v.mean()) / spread]


def _fine(image):
    """What is narrower than a few pixels: scratches, cracks, print."""
    return image - _blur(image, 2.5)


def _squash(q):
    """Heavy tails drawn in."""
    return np.arcsinh(q)


def _saturate(q):
    """Steps of several millimetres are all alike: how steep one is depends on where a group's points happen to lie."""
    return 2.5 * np.tanh(q / 2.5)


def shape_quantities(frame, pixels, radius_m):
    """Local geometry at `pixels` [G]: lengths in group radii. -> [G, n] and each quantity's kind."""
    radius_mm = 1e3 * radius_m
    radius = radius_mm / frame.spacing_mm
    measured = frame.part
    height = _standing(frame, radius_mm, measured)
    fine, local, middle, wide = (_blur(height, s * radius) for s in (0.6, 1.1, 2.2, 5.0))
    maps, kinds = [], []

    def add(kind, scale, *values):
        maps.extend(scale * v for v in values)
        kinds.extend([kind] * len(values))

    add("detail", 12, fine - local, local - middle)
    add("height", 4, middle - wide)
    add("height", 2, wide)
    for width, slope, bend in ((1.0, 5, 7), (2.2, 6, 18)):
        x, y, xx, yy, xy = _derivatives(height, width * radius)
        add("slope", slope * radius, x, y)
        add("bend", bend * radius**2, xx, yy, xy)
    rough = np.sqrt(_blur((height - local) ** 2, radius))
    add("rough", 12, rough)
    mask = frame.part.astype(np.float32)
    for width in (1.8, 5.0):
        x, y, *_ = _derivatives(mask, width * radius)
        add("rim", 3, _blur(mask, width * radius))
        add("rim", 3 * radius, x, y)
    sampled = [_saturate(m.reshape(-1)[pixels]) for m in maps] + _place(pixels, frame.part)
    return np.stack(sampled, -1).astype(np.float32), kinds + ["place"] * 2


def colour_quantities(frame):
    """Local colour at every token. -> [T, n] and each quantity's kind."""
    r, g, b = np.moveaxis(frame.clean_rgb, -1, 0)
    light, warm, green = (r + g + b) / 3, r - b, g - (r + b) / 2
    maps, kinds = [], []

    def add(kind, scale, *values):
        maps.extend(scale * v for v in values)
        kinds.extend([kind] * len(values))

    # A token is 8 pixels: anything finer would depend on where its border happens to lie.
    for width in (4.0, 8.0):
        add("tone", 1, _blur(light, width))
        add("tint", 2, _blur(warm, width), _blur(green, width))
    # What differs from the rest of the part stays what it is when the light changes.
    usual = [m[frame.part].mean() for m in (light, warm, green)]
    for m, middle, scale in zip((light, warm, green), usual, (4, 7, 7)):
        add("relative", scale, _blur(m, 4.0) - middle)
        add("contrast", 4 * scale, _blur(m, 4.0) - _blur(m, 12.0))
    add("thin", 30, *(np.sqrt(_blur(np.clip(sign * _fine(light), 0, None) ** 2, 4.0)) for sign in (-1, 1)))
    add("thin", 40, *(np.sqrt(_blur(_fine(m) ** 2, 4.0)) for m in (warm, green)))
    for width, slope, bend in ((4.0, 80, 250), (7.0, 150, 600)):
        x, y, xx, yy, xy = _derivatives(light, width)
        add("edge", slope, x, y)
        add("bend", bend, xx, yy, xy)
    y, x = np.gradient(_blur(light, 0.7))
    energy = [_blur(v, 4.0) for v in (x * x, y * y, x * y)]
    add("grain", 60, np.sqrt(energy[0]), np.sqrt(energy[1]))
    add("grain", 4000, energy[2])
    mask = frame.part.astype(np.float32)
    for width in (4.0, 12.0):
        x, y, *_ = _derivatives(mask, width)
        add("rim", 3, _blur(mask, width))
        add("rim", 40, x, y)
    middle = np.arange(PATCH // 2, PIXELS, PATCH)
    pixels = (middle[:, None] * PIXELS + middle[None]).reshape(-1)
    place = [np.clip(p, -3, 3) for p in _place(pixels, frame.part)]
    # A token's middle lies between two pixels.
    token = lambda m: (0.25 * (m + np.roll(m, 1, 0) + np.roll(m, 1, 1) + np.roll(m, (1, 1), (0, 1)))).reshape(-1)[pixels]
    sampled = [_squash(token(m)) for m in maps] + place
    return np.stack(sampled, -1).astype(np.float32), kinds + ["place"] * 2


FINE, COARSE = (1.5, 7.0), (0.4, 1.8)
"""Deviation of a channel's phase over all frames, radians: from, to."""


class Phases:
    """Channels [n, width] of quantities [n, d]: cosines and sines of random combinations."""

    def __init__(self, quantities, kinds, weights, width, seed, fine_every):
        """`weights`: how much of a channel's phase each kind has; a channel mixes a random few kinds.

        One channel of `fine_every` is of place alone."""
        random = np.random.default_rng(seed)
        self.mean, self.deviation = quantities.mean(0), quantities.std(0) + 1e-6
        names = sorted(set(kinds))
        share = np.array([weights[name] for name in names])
        self.matrix = np.zeros((len(kinds), width // 2), np.float32)
        for channel in range(width // 2):
            # Where a pixel lies on the part decides how well one side foretells the other: some channels say
            # nothing else, and say it finely.
            fine = channel % fine_every == 0
            few = random.choice(len(names), 3, replace=False, p=share / share.sum())
            few = [names.index("place")] if fine else few
            column = random.standard_normal(len(kinds)) * np.isin([names.index(k) for k in kinds], few)
            total = np.exp(random.uniform(*np.log(FINE if fine else COARSE)))
            self.matrix[:, channel] = total * column / np.linalg.norm(column)
        self.turn = random.uniform(0, 2 * np.pi, width // 2).astype(np.float32)
        channels = self._channels(quantities)
        self.channel_mean, self.channel_deviation = channels.mean(0), channels.std(0) + 1e-6

    def _channels(self, quantities):
        phase = (quantities - self.mean) / self.deviation @ self.matrix + self.turn
        return np.concatenate([np.cos(phase), np.sin(phase)], -1)

    def __call__(self, quantities):
        return (self._channels(quantities) - self.channel_mean) / self.channel_deviation


FINE_EVERY = {"shape": 8, "colour": 4}
SHAPE_WEIGHTS = {"detail": 3, "height": 3, "slope": 3, "bend": 2, "rough": 1, "rim": 1, "place": 2}
COLOUR_WEIGHTS = {"tone": 2, "tint": 2, "relative": 2, "contrast": 5, "thin": 4, "edge": 1.5, "bend": 0.7, "grain": 2, "rim": 1, "place": 2}
