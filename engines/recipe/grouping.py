"""The runtime's grouping: farthest point sampling, nearest neighbours, and a part's measures."""

import numpy as np
from scipy.spatial import cKDTree


def farthest_points(points, count):
    """Indices [count] into points [N, 3] f32: the first is 0, ties go to the lowest index."""
    x, y, z = (np.ascontiguousarray(points[:, axis]) for axis in range(3))
    distance = np.full(len(points), np.inf, np.float32)
    chosen = np.zeros(count, np.int64)
    for i in range(1, count):
        dx, dy, dz = (v - v[chosen[i - 1]] for v in (x, y, z))
        np.minimum(distance, dx * dx + dy * dy + dz * dz, out=distance)
        chosen[i] = distance.argmax()
    return chosen


def groups(cloud, count, size):
    """From cloud [H, W, 3]: pixels of the centres [G], centres [G, 3], offsets [G, K, 3], metres."""
    pixels = np.flatnonzero(cloud.reshape(-1, 3).any(1))
    points = cloud.reshape(-1, 3)[pixels]
    chosen = farthest_points(points, count)
    _, neighbours = cKDTree(points).query(points[chosen], size)
    centres = points[chosen]
    return pixels[chosen], centres, points[neighbours] - centres[:, None]


def measures(centres, offsets):
    """Radius, centre and spread of a part, as the runtime's fit takes them."""
    radius = np.sort(np.linalg.norm(offsets[:, -1], axis=-1))[len(offsets) // 2]
    centre = centres.mean(0, dtype=np.float64)
    spread = np.sqrt((np.linalg.norm(centres - centre, axis=-1) ** 2).mean())
    return np.float32(radius), centre.astype(np.float32), np.float32(spread)
