//! Points sorted into boxes, so that a search skips the boxes that are certainly too far, and finds exactly the points
//! that a search through all of them finds.

/// Squared distance, in the order that decides ties (section 3.1 of the paper; f32, no FMA).
#[inline(always)]
pub fn squared_distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    let d = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
}

/// Leaves of `leaf` points, split at medians. The last may have fewer.
#[derive(Default)]
pub struct Tree {
    leaf: usize,
    /// The points' own indices, ascending within a leaf.
    pub order: Vec<u32>,
    /// Coordinates in the order of `order`.
    axes: [Vec<f32>; 3],
    /// The least and the largest coordinates of each leaf.
    low: [Vec<f32>; 3],
    high: [Vec<f32>; 3],
    /// Ranges that are still to be split.
    open: Vec<(usize, usize)>,
}

impl Tree {
    /// Allocates for up to `points` in leaves of `leaf`, so that no cloud allocates again.
    pub fn with_capacity(points: usize, leaf: usize) -> Self {
        let axes = |count: usize| [(); 3].map(|()| Vec::with_capacity(count));
        let leaves = points.div_ceil(leaf);
        Self {
            leaf,
            order: Vec::with_capacity(points),
            axes: axes(points),
            low: axes(leaves),
            high: axes(leaves),
            // Each split leaves one range open, and halves the other.
            open: Vec::with_capacity(64),
        }
    }

    pub fn build(&mut self, points: &[[f32; 3]], leaf: usize) {
        self.leaf = leaf;
        self.order.clear();
        self.order.extend(0..points.len() as u32);
        self.open.push((0, points.len()));
        while let Some((first, last)) = self.open.pop() {
            let some = &mut self.order[first..last];
            if some.len() <= leaf {
                some.sort_unstable();
                continue;
            }
            let axis = widest(points, some);
            let middle = (some.len() / 2).next_multiple_of(leaf);
            let key = |i: &u32| points[*i as usize][axis];
            some.select_nth_unstable_by(middle, |a, b| key(a).total_cmp(&key(b)));
            self.open.extend([(first, first + middle), (first + middle, last)]);
        }
        for axis in 0..3 {
            let Self { order, axes, low, high, .. } = self;
            axes[axis].clear();
            axes[axis].extend(order.iter().map(|&i| points[i as usize][axis]));
            low[axis].clear();
            low[axis].extend(axes[axis].chunks(leaf).map(|leaf| leaf.iter().fold(f32::INFINITY, |m, &v| m.min(v))));
            high[axis].clear();
            high[axis]
                .extend(axes[axis].chunks(leaf).map(|leaf| leaf.iter().fold(f32::NEG_INFINITY, |m, &v| m.max(v))));
        }
    }

    pub fn leaves(&self) -> usize {
        self.low[0].len()
    }

    /// The range of a leaf's points in `order`.
    pub fn range(&self, leaf: usize) -> std::ops::Range<usize> {
        leaf * self.leaf..self.order.len().min((leaf + 1) * self.leaf)
    }

    /// A bound for each leaf: no point in it has a smaller [`squared_distance`] to `point`, not even by rounding, since
    /// every step of both is monotonic.
    #[inline(always)]
    pub fn bounds(&self, point: [f32; 3], bounds: &mut Vec<f32>) {
        let n = self.leaves();
        bounds.resize(n, 0.0);
        let outside = |low: f32, high: f32, v: f32| {
            let (below, above) = (low - v, v - high);
            let outside = if below > above { below } else { above };
            if outside > 0.0 { outside } else { 0.0 }
        };
        let [lx, ly, lz] = self.low.each_ref().map(|v| &v[..n]);
        let [hx, hy, hz] = self.high.each_ref().map(|v| &v[..n]);
        for (i, bound) in bounds.iter_mut().enumerate() {
            let (x, y) = (outside(lx[i], hx[i], point[0]), outside(ly[i], hy[i], point[1]));
            let z = outside(lz[i], hz[i], point[2]);
            *bound = x * x + y * y + z * z;
        }
    }

    /// Calls `each` with every point of a leaf: its squared distance to `point` and its place in `order`.
    #[inline(always)]
    pub fn distances(&self, leaf: usize, point: [f32; 3], mut each: impl FnMut(f32, usize)) {
        const CHUNK: usize = 16;
        let range = self.range(leaf);
        let [x, y, z] = self.axes.each_ref().map(|axis| &axis[range.clone()]);
        for start in (0..x.len()).step_by(CHUNK) {
            let count = CHUNK.min(x.len() - start);
            let mut near = [0.0; CHUNK];
            let (x, y, z) = (&x[start..][..count], &y[start..][..count], &z[start..][..count]);
            for (i, near) in near[..count].iter_mut().enumerate() {
                *near = squared_distance([x[i], y[i], z[i]], point);
            }
            near[..count].iter().enumerate().for_each(|(i, &d)| each(d, range.start + start + i));
        }
    }

    /// Lowers the values in `nearest` of a leaf's points to their squared distances to `point` where those are smaller,
    /// and returns the largest value.
    #[inline(always)]
    pub fn lower(&self, leaf: usize, point: [f32; 3], nearest: &mut [f32]) -> f32 {
        const LANES: usize = 16;
        let range = self.range(leaf);
        let nearest = &mut nearest[range.clone()];
        let n = nearest.len();
        let [x, y, z] = self.axes.each_ref().map(|axis| &axis[range.clone()][..n]);
        let mut lanes = [f32::NEG_INFINITY; LANES];
        let whole = n / LANES * LANES;
        for start in (0..whole).step_by(LANES) {
            for (lane, largest) in lanes.iter_mut().enumerate() {
                let i = start + lane;
                let d = squared_distance([x[i], y[i], z[i]], point);
                let d = if d < nearest[i] { d } else { nearest[i] };
                nearest[i] = d;
                *largest = if d > *largest { d } else { *largest };
            }
        }
        for i in whole..n {
            let d = squared_distance([x[i], y[i], z[i]], point);
            nearest[i] = nearest[i].min(d);
            lanes[0] = lanes[0].max(nearest[i]);
        }
        lanes.iter().fold(f32::NEG_INFINITY, |m, &v| if v > m { v } else { m })
    }
}

/// The axis along which these points reach farthest.
fn widest(points: &[[f32; 3]], some: &[u32]) -> usize {
    let (mut low, mut high) = ([f32::INFINITY; 3], [f32::NEG_INFINITY; 3]);
    for &i in some {
        for axis in 0..3 {
            let v = points[i as usize][axis];
            low[axis] = low[axis].min(v);
            high[axis] = high[axis].max(v);
        }
    }
    let extent = |axis: &usize| high[*axis] - low[*axis];
    (0..3).max_by(|a, b| extent(a).total_cmp(&extent(b))).unwrap_or(0)
}
