//! Eigenvectors of symmetric 3 x 3 matrices by Jacobi's rotations.

/// Rounds of three rotations. What is left beside the diagonal is cubed with each, so that few are needed; a matrix with
/// NaN would never be done.
const ROUNDS_MAX: usize = 32;

/// The eigenvector of a symmetric matrix that belongs to its least eigenvalue, of length 1.
pub fn least_eigenvector(mut matrix: [[f64; 3]; 3]) -> [f64; 3] {
    let mut vectors = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    for _ in 0..ROUNDS_MAX {
        if [matrix[0][1], matrix[0][2], matrix[1][2]] == [0.0; 3] {
            break;
        }
        for [p, q] in [[0, 1], [0, 2], [1, 2]] {
            rotate(&mut matrix, &mut vectors, p, q);
        }
    }
    let [x, y, z] = [0, 1, 2].map(|i| matrix[i][i]);
    let least = if x <= y && x <= z {
        0
    } else if y <= z {
        1
    } else {
        2
    };
    vectors[least]
}

/// Turns the plane of axes `p` and `q` so that the matrix has 0 there, and takes the rows of `vectors` along.
fn rotate(matrix: &mut [[f64; 3]; 3], vectors: &mut [[f64; 3]; 3], p: usize, q: usize) {
    let beside = matrix[p][q];
    if beside == 0.0 {
        return;
    }
    // The tangent of the smaller of the two angles; infinite cotangents give 0.
    let cotangent = (matrix[q][q] - matrix[p][p]) / (2.0 * beside);
    let tangent = cotangent.signum() / (cotangent.abs() + cotangent.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    matrix[p][p] -= tangent * beside;
    matrix[q][q] += tangent * beside;
    (matrix[p][q], matrix[q][p]) = (0.0, 0.0);
    let other = 3 - p - q;
    let [at_p, at_q] = [matrix[p][other], matrix[q][other]];
    (matrix[p][other], matrix[q][other]) = (cosine * at_p - sine * at_q, sine * at_p + cosine * at_q);
    (matrix[other][p], matrix[other][q]) = (matrix[p][other], matrix[q][other]);
    let [along_p, along_q] = [vectors[p], vectors[q]];
    vectors[p] = std::array::from_fn(|axis| cosine * along_p[axis] - sine * along_q[axis]);
    vectors[q] = std::array::from_fn(|axis| sine * along_p[axis] + cosine * along_q[axis]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix with the eigenvalues `values`, each with its row of a rotation drawn at random, and these rows.
    fn matrix(values: [f64; 3], random: &mut fastrand::Rng) -> ([[f64; 3]; 3], [[f64; 3]; 3]) {
        let [w, x, y, z]: [f64; 4] = std::array::from_fn(|_| random.f64() - 0.5);
        let unit = (w * w + x * x + y * y + z * z).sqrt();
        let [w, x, y, z] = [w, x, y, z].map(|v| v / unit);
        let rows = [
            [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)],
            [2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)],
            [2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)],
        ];
        let at = |i: usize, j: usize| (0..3).map(|k| values[k] * rows[k][i] * rows[k][j]).sum();
        ([0, 1, 2].map(|i| [0, 1, 2].map(|j| at(i, j))), rows)
    }

    #[test]
    fn the_direction_of_the_least_eigenvalue_is_found() {
        let mut random = fastrand::Rng::with_seed(3);
        for round in 0..2000 {
            let scale = 10f64.powi(round % 13 - 6);
            let mut values = [1e-5, 0.3, 1.0].map(|value: f64| scale * value);
            random.shuffle(&mut values);
            let (matrix, rows) = matrix(values, &mut random);
            let least = (0..3).min_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap();
            let found = least_eigenvector(matrix);
            let along: f64 = found.iter().zip(rows[least]).map(|(a, b)| a * b).sum();
            let length: f64 = found.iter().map(|v| v * v).sum();
            assert!((along.abs() - 1.0).abs() < 1e-14 && (length - 1.0).abs() < 1e-14, "{values:?}: {found:?}");
        }
    }

    #[test]
    fn a_matrix_that_is_diagonal_or_has_no_numbers_ends() {
        assert_eq!(least_eigenvector([[2.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 3.0]]), [0.0, 1.0, 0.0]);
        assert_eq!(least_eigenvector([[0.0; 3]; 3]), [1.0, 0.0, 0.0]);
        assert!(least_eigenvector([[f64::NAN; 3]; 3]).iter().all(|v| v.is_nan()));
    }
}
