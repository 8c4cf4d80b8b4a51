//! What is kept of a test frame.

use super::defect_size::DefectSize;
use super::deviation::Found;
use crate::defects::Kind;
use crate::inspect::{Inspection, Outcome};
use crate::prepare::window::Window;
use crate::score::Verdict;

/// The two discrepancy maps of a frame, `[P]` each.
#[derive(Clone, Debug)]
pub struct Psi {
    pub rgb: Vec<f32>,
    pub xyz: Vec<f32>,
}

/// The result of one test frame: 650 kB.
#[derive(Clone, Debug)]
pub struct Tested {
    pub name: String,
    /// None for a good part.
    pub defect: Option<String>,
    /// The size of the defect; none where nothing is marked.
    pub size: Option<DefectSize>,
    /// From which the aggregations of the paper's table 6 are computed.
    pub psi: Psi,
    /// The engine's own anomaly map, `[P]`, from which the main figures are computed.
    pub anomaly_map: Vec<f32>,
    /// The part of the photograph that the network frame shows.
    pub window: Window,
    /// Whether a pixel of the network frame is defective, `[P]`.
    pub truth: Vec<bool>,
    /// A frame without a score was rejected before the networks ran: it counts as scoring above every other.
    pub outcome: Outcome,
    /// That of the worst area; none where nothing was found.
    pub kind: Option<Kind>,
    /// The worst area against what is marked; none where nothing was found or nothing is marked.
    pub found: Option<Found>,
}

impl Tested {
    /// A frame with its kind of defect, none for a good part, and the network pixels that are defective, `[P]`.
    pub fn new(name: String, defect: Option<String>, truth: Vec<bool>, inspection: Inspection) -> Self {
        let Inspection { outcome, input, maps, defects, .. } = inspection;
        let worst = defects.worst.first();
        let kind = worst.map(|worst| worst.kind);
        let found = worst.and_then(|worst| Found::compare(worst, &truth, &input.window));
        let size = defect.as_ref().and_then(|_| DefectSize::measure(&truth, &input));
        let psi = Psi { rgb: maps.psi_rgb, xyz: maps.psi_xyz };
        Self {
            name,
            defect,
            size,
            psi,
            anomaly_map: maps.anomaly_map,
            window: input.window,
            truth,
            outcome,
            kind,
            found,
        }
    }

    pub fn score(&self) -> Option<f32> {
        self.outcome.score()
    }

    /// The score that ranks the frame: infinity where there is none, or no number.
    pub fn ranked_score(&self) -> f32 {
        self.score().filter(|score| !score.is_nan()).unwrap_or(f32::INFINITY)
    }

    pub fn verdict(&self) -> Option<Verdict> {
        self.outcome.verdict()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::inspect::{Scores, Unscored};

    /// A frame without maps.
    pub fn tested(defect: Option<&str>, score: Option<f32>, verdict: Option<Verdict>) -> Tested {
        let scored = |score| Outcome::Scored { scores: Scores { score, reference: score }, verdict };
        Tested {
            name: String::new(),
            defect: defect.map(String::from),
            size: None,
            psi: Psi { rgb: Vec::new(), xyz: Vec::new() },
            anomaly_map: Vec::new(),
            window: Window::default(),
            truth: Vec::new(),
            outcome: score.map_or(Outcome::Unscored(Unscored::NoPart), scored),
            kind: None,
            found: None,
        }
    }
}
