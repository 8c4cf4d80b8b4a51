//! The printed result of an inspection, as JSON or text.

use std::time::Duration;

use crosscheck::backend::Evaluation;
use crosscheck::frame::Region;
use crosscheck::gap::Gap;
use crosscheck::inspect::{Inspection, Outcome, Scores};
use crosscheck::prepare::belt::Belt;
use serde_json::{Map, Value, json};

/// One object. If parts are inspected one by one, it describes the one with the highest score, and `parts` has all.
pub fn to_json(
    inspections: &[(Option<[f32; 2]>, Inspection)],
    threshold: Option<f32>,
    evaluated: Evaluation,
) -> String {
    let order = |a: &&(_, Inspection), b: &&(_, Inspection)| f32::total_cmp(&a.1.ranked_score(), &b.1.ranked_score());
    let Some((_, worst)) = inspections.iter().max_by(order) else { return json!({}).to_string() };
    let mut object = part(worst);
    object.insert("threshold".into(), json!(threshold));
    object.insert("precision".into(), json!(evaluated.arithmetic.name()));
    object.insert("stride".into(), json!(evaluated.stride.pixels()));
    if inspections.iter().any(|(at, _)| at.is_some()) {
        let parts = inspections.iter().map(|(at, inspection)| {
            let mut part = part(inspection);
            part.insert("at".into(), json!(at));
            Value::Object(part)
        });
        object.insert("parts".into(), parts.collect());
    }
    Value::Object(object).to_string()
}

fn part(inspection: &Inspection) -> Map<String, Value> {
    let milliseconds = |(name, time): (&str, Duration)| (name.to_string(), json!(time.as_secs_f64() * 1e3));
    let mut times: Map<String, Value> = inspection.times.stages().into_iter().map(milliseconds).collect();
    times.extend([milliseconds(("total", inspection.times.total()))]);
    let window = inspection.input.window;
    let outcome = &inspection.outcome;
    let fields = json!({
        "score": outcome.score(),
        "score_reference": outcome.scores().map(|scores| scores.reference),
        "verdict": outcome.verdict(),
        "reason": outcome.reason().map(|reason| reason.to_string()),
        "doubt": inspection.doubt.map(|doubt| doubt.to_string()),
        "gap": inspection.gap.map(gap),
        "defects": inspection.defects.worst.as_slice(),
        "defect_count": inspection.defects.count,
        "belt": inspection.input.taken.belt.map(belt),
        "window": { "left": window.left, "top": window.top, "side": window.side },
        "points": inspection.input.points(),
        "valid_pixels": inspection.valid_pixels(),
        "times_ms": times,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn gap(gap: Gap) -> Value {
    let bounds = gap
        .bounds
        .map(|Region { x, y, width, height }| json!({ "left": x, "top": y, "width": width, "height": height }));
    json!({
        "text": gap.to_string(),
        "measure": gap.measure.name(),
        "ratio": gap.ratio,
        "pixels": gap.pixels,
        "area_mm2": gap.area_mm2,
        "bounds": bounds,
    })
}

fn belt(belt: Belt) -> Value {
    let Belt { plane, support } = belt;
    json!({
        "normal": plane.towards_camera().normal,
        "offset_m": plane.towards_camera().offset_m,
        "border_share": support.border_share,
        "cloud_share": support.cloud_share,
    })
}

pub fn to_text(at: Option<[f32; 2]>, inspection: &Inspection, threshold: Option<f32>) -> String {
    let score = match inspection.outcome {
        Outcome::Scored { scores: Scores { score, reference }, .. } => format!("{score:.6} (reference {reference:.6})"),
        Outcome::Unscored(reason) => format!("none: {reason}"),
    };
    let verdict = match (inspection.outcome.verdict(), threshold) {
        (Some(verdict), Some(threshold)) => format!("{verdict}, threshold {threshold:.6}"),
        (Some(verdict), None) => verdict.to_string(),
        (None, _) => "none: the engine has no threshold; calibrate it, or give --threshold".into(),
    };
    let stages = inspection.times.stages().map(|(name, time)| format!("{name} {:.1}", time.as_secs_f64() * 1e3));
    let part = at.map_or(String::new(), |[x, y]| format!("part          at column {x:.0}, row {y:.0}\n"));
    let defects: String = inspection.defects.worst.iter().map(|defect| format!("defect        {defect}\n")).collect();
    let gap = inspection.gap.map_or(String::new(), |gap| format!("gap           {gap}\n"));
    format!(
        "{part}score         {score}\nverdict       {verdict}\n{gap}{defects}belt          {}\nvalid pixels  {}\ntime          {:.1} ms ({})",
        belt_to_text(inspection.input.taken.belt),
        inspection.valid_pixels(),
        inspection.times.total().as_secs_f64() * 1e3,
        stages.join(", ")
    )
}

fn belt_to_text(belt: Option<Belt>) -> String {
    let Some(Belt { plane, support }) = belt else { return "none removed".into() };
    format!(
        "at a perpendicular distance of {:.1} mm; {:.0} % of the border shows it, and {:.0} % of all points lie on it",
        1e3 * plane.towards_camera().offset_m,
        100.0 * support.border_share,
        100.0 * support.cloud_share
    )
}
