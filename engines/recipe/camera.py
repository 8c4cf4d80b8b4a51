"""An RGB-D camera of the structured-light kind over a belt: a part and a pose become a frame.

The frame is already what the networks are given: 224 x 224, square, the belt's points removed.
"""

import dataclasses

import numpy as np
from scipy import ndimage

from parts import SIDE, random_field

PIXELS = 224
"""H and W."""
GAMMA = 1 / 2.2


@dataclasses.dataclass
class Frame:
    """One frame with what the camera would have seen without noise."""

    rgb: np.ndarray
    """u8 [H, W, 3]."""
    cloud: np.ndarray
    """f32 [H, W, 3] metres, zeros where there is no point."""
    clean_rgb: np.ndarray
    """f32 [H, W, 3], 0..1, even light, no noise."""
    clean_depth_mm: np.ndarray
    """f32 [H, W]; the belt's outside the part."""
    part: np.ndarray
    """bool [H, W]: pixels on the part."""
    spacing_mm: float
    """Between neighbouring points."""


@dataclasses.dataclass
class Station:
    """What stays the same from frame to frame."""

    distance_mm: float
    spacing_mm: float
    half_side_mm: float
    """Half the side of a part's grid."""
    tilt: np.ndarray
    """Slope of the belt along columns and rows."""
    angle: float
    light: np.ndarray
    ambient: float
    gain: float
    belt: np.ndarray
    """[H, W, 3] colour."""
    depth_noise_mm: float
    noise_width: float
    """Pixels over which depth noise is alike; 0 for none."""
    depth_step_mm: float
    dropouts: float
    dark: float
    """Points are lost where colour is darker than this."""
    shiny: bool
    """Whether points are lost where light is mirrored into the camera."""
    projector: float
    """Direction along columns in which points are lost behind what is high, times its distance over the camera's; 0: none."""
    colour_noise: float
    blur: float
    """Pixels."""


def station(seed):
    """A random station."""
    random = np.random.default_rng([1, seed])
    spacing = random.uniform(0.4, 0.9)
    light = np.array([*random.uniform(-0.6, 0.6, 2), 1])
    grain = random.choice([0, 0.02, 0.05]) * random_field(random, random.uniform(0.01, 0.2))[:PIXELS, :PIXELS, None]
    return Station(
        distance_mm=random.uniform(300, 600),
        spacing_mm=spacing,
        half_side_mm=spacing * PIXELS / 2 * random.uniform(0.5, 0.98),
        tilt=random.uniform(-0.15, 0.15, 2) * random.choice([0.1, 1]),
        angle=random.uniform(0, 2 * np.pi),
        light=light / np.linalg.norm(light),
        ambient=random.uniform(0.3, 0.9),
        gain=random.uniform(0.7, 1.15),
        belt=np.clip(random.uniform(0.03, 0.7) + random.uniform(-0.1, 0.1, 3) + grain, 0, 1),
        depth_noise_mm=random.uniform(0.05, 0.3),
        noise_width=random.choice([0, 0, 0.8, 1.5]),
        depth_step_mm=random.choice([0, 0, 0.05, 0.15]),
        dropouts=random.uniform(0, 0.03),
        dark=random.choice([0, 0, 0.12]),
        shiny=random.random() < 0.4,
        projector=random.choice([0, 0, -0.3, 0.3]),
        colour_noise=random.uniform(0.002, 0.02),
        blur=random.choice([0, 0.5, 1]),
    )


def _smoothed_noise(random, width):
    noise = random.standard_normal((PIXELS, PIXELS))
    if width > 0:
        noise = ndimage.gaussian_filter(noise, width)
        noise /= noise.std()
    return noise


def _sample(part, where, random, setup):
    """Maps of the part at the frame's pixels: height, inside, colour. `where`: a posed part's jitter."""
    turn, shift = setup.angle + where[0], where[1:]
    grid = (np.arange(PIXELS) - PIXELS / 2 + 0.5) * setup.spacing_mm
    x, y = np.meshgrid(grid - shift[0], grid - shift[1])
    c, s = np.cos(turn), np.sin(turn)
    cells = [((v / setup.half_side_mm) + 1) * (SIDE - 1) / 2 for v in (c * y - s * x, c * x + s * y)]
    at = lambda values, fill: ndimage.map_coordinates(values, cells, order=1, cval=fill, prefilter=False)
    colour = np.stack([at(part.colour[..., i], 0) for i in range(3)], -1)
    return at(part.height_mm, 0), at(part.inside, -1), colour


def _shade(setup, depth, random):
    """Light on a surface: evenly, and as it falls in this frame."""
    smooth = ndimage.gaussian_filter(depth, 0.7)
    dy, dx = np.gradient(smooth, setup.spacing_mm)
    normal = np.stack([dx, dy, np.ones_like(dx)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = setup.light + random.normal(0, 0.03, 3)
    lambert = np.clip(normal @ (light / np.linalg.norm(light)), 0, 1)
    half = light + [0, 0, 1]
    shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** 40
    return setup.ambient + (1 - setup.ambient) * lambert, shine


def _shadowed(setup, surface):
    """Where the projector's light does not reach."""
    if setup.projector == 0:
        return np.zeros_like(surface, bool)
    way = int(np.sign(setup.projector))
    rays = (np.arange(PIXELS) / abs(setup.projector) - surface[:, ::way] / setup.spacing_mm)
    reached = np.maximum.accumulate(rays, 1)
    return (rays < reached - 0.5)[:, ::way]


def _depth(setup, surface, part, colour, shine, random):
    """Depth with a sensor's noise, and where it has none."""
    noise = setup.depth_noise_mm * _smoothed_noise(random, setup.noise_width)
    depth = surface + noise
    if setup.depth_step_mm > 0:
        depth = np.round(depth / setup.depth_step_mm) * setup.depth_step_mm
    slope = np.hypot(*np.gradient(ndimage.gaussian_filter(surface, 0.7), setup.spacing_mm))
    lost = random.random((PIXELS, PIXELS)) < setup.dropouts + 0.5 * np.clip(slope - 1.5, 0, 1)
    lost |= _shadowed(setup, surface)
    lost |= (colour.mean(-1) < setup.dark) & (random.random((PIXELS, PIXELS)) < 0.7)
    if setup.shiny:
        lost |= shine > 0.6
    for _ in range(random.poisson(0.5)):
        y, x = random.integers(0, PIXELS, 2)
        size = random.integers(1, 5)
        lost[y : y + size, x : x + size] = True
    edge = ndimage.binary_erosion(part) ^ part
    lost |= edge & (random.random((PIXELS, PIXELS)) < 0.3)
    return depth, part & ~lost


def _photograph(setup, colour, light, shine, gloss, random):
    """Display values of the frame, u8, and of the same scene in even light, f32."""
    even = np.clip(setup.gain * colour, 0, 1) ** GAMMA
    drift = random.normal(1, 0.05) * random.normal(1, 0.012, 3)
    seen = setup.gain * drift * colour * light[..., None] + gloss * shine[..., None]
    if setup.blur > 0:
        seen = ndimage.gaussian_filter(seen, (setup.blur, setup.blur, 0))
    seen = np.clip(seen, 0, 1) ** GAMMA + setup.colour_noise * random.standard_normal(seen.shape)
    return np.round(np.clip(seen, 0, 1) * 255).astype(np.uint8), even.astype(np.float32)


def photograph(part, setup, seed):
    """A frame of `part` at a station, in the pose that `seed` draws."""
    random = np.random.default_rng([2, seed])
    where = [random.normal(0, 0.03), *random.normal(0, 1.5, 2)]
    height, inside, colour = _sample(part, where, random, setup)
    on_part = inside > 0
    grid = np.arange(PIXELS) - PIXELS / 2 + 0.5
    u, v = np.meshgrid(grid, grid)
    belt = setup.distance_mm + setup.spacing_mm * (setup.tilt[0] * u + setup.tilt[1] * v)
    surface = belt - np.where(on_part, height, 0)
    light, shine = _shade(setup, surface, random)
    colour = np.where(on_part[..., None], colour, setup.belt)
    rgb, clean_rgb = _photograph(setup, colour, light, shine * on_part, part.gloss, random)
    depth, seen = _depth(setup, surface, on_part, colour, shine * part.gloss, random)
    ray = setup.spacing_mm / setup.distance_mm
    cloud = np.stack([u * ray * depth, v * ray * depth, depth], -1) * (1e-3 * seen[..., None])
    return Frame(rgb, cloud.astype(np.float32), clean_rgb, surface.astype(np.float32), on_part, setup.spacing_mm)
