//! Farthest point sampling and nearest neighbours, every candidate compared.

/// f32 without FMA: what decides an index.
pub fn squared_distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    let [x, y, z] = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    x * x + y * y + z * z
}

/// Starts at point 0; each next one is the farthest from those taken, the lowest index of equals.
pub fn farthest_points(points: &[[f32; 3]], count: usize) -> Vec<usize> {
    let mut taken = vec![0];
    let mut to_taken = vec![f32::INFINITY; points.len()];
    while taken.len() < count {
        let last = points[taken[taken.len() - 1]];
        let mut farthest = 0;
        for i in 0..points.len() {
            to_taken[i] = to_taken[i].min(squared_distance(points[i], last));
            if to_taken[i] > to_taken[farthest] {
                farthest = i;
            }
        }
        taken.push(farthest);
    }
    taken
}

/// The `k` nearest candidates, or all where there are fewer, the lowest index of equals first.
pub fn nearest(candidates: &[[f32; 3]], to: [f32; 3], k: usize) -> Vec<usize> {
    let mut order: Vec<(f32, usize)> =
        candidates.iter().enumerate().map(|(i, &c)| (squared_distance(c, to), i)).collect();
    order.sort_by(|a, b| a.partial_cmp(b).unwrap());
    order.iter().take(k).map(|&(_, i)| i).collect()
}
