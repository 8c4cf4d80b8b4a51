//! The recipes of a configuration.

use std::path::Path;

use super::{SMALL, parse, refusal};

const RECIPES: &str = r#"
[[recipe]]
number = 1
name = "flange"

[[recipe]]
number = 7
name = "bracket"
engine = "bracket.safetensors"
delay_ms = 620
pulse_ms = 60
[recipe.scene]
part = "centre"
[recipe.camera]
part = "bracket"
"#;

#[test]
fn a_recipe_puts_its_own_in_the_place_of_the_sections() {
    let text = SMALL.replace("[camera]", "threshold = 2.5\ncheck_frames = \"check\"\n[camera]") + RECIPES;
    let text = text.replace("part = \"bracket\"", "part = \"gland\"");
    let base = parse(&text).unwrap();
    let each = base.in_each_recipe();
    let [flange, bracket] = &each[..] else { panic!("{} recipes", each.len()) };
    assert_eq!((flange.active_recipe, &flange.engine, &flange.reject), (1, &base.engine, &base.reject));
    assert_eq!(bracket.engine.path, Path::new("/etc/crosscheck/bracket.safetensors"));
    // They are those of the other engine.
    assert_eq!((bracket.engine.threshold, &bracket.engine.check_frames), (None, &None));
    assert_eq!((bracket.reject.delay_ms, bracket.reject.pulse_ms), (Some(620.0), 60.0));
    assert_eq!(bracket.reject.decision_lead_ms, base.reject.decision_lead_ms);
    assert!(bracket.scene.is_some() && base.scene.is_none());
    assert_eq!(bracket.camera.synthetic.as_ref().unwrap().part, "gland");
    assert!(base.in_recipe(2).is_none());
    // What check-config prints is the same configuration.
    assert_eq!(parse(&toml::to_string(&base).unwrap()).unwrap(), base);
}

#[test]
fn what_is_wrong_with_a_recipe_is_said_with_its_number_and_name() {
    let with = |from: &str, to: &str| {
        let recipes = RECIPES.replace("part = \"bracket\"", "part = \"gland\"");
        assert!(recipes.contains(from), "{from}");
        refusal(&format!("{SMALL}{}", recipes.replace(from, to)))
    };
    for (from, to, expected) in [
        ("number = 7", "number = 1", "recipe 1 (bracket): another recipe has the same number or name"),
        ("\"bracket\"\nengine", "\"flange\"\nengine", "recipe 7 (flange): another recipe has the same number or name"),
        ("number = 7", "number = 0", "recipe.number is 0 where 1 to 65535 is expected"),
        ("delay_ms = 620", "delay_ms = 3", "recipe 7 (bracket): reject.decision_lead_ms is 5"),
        ("delay_ms = 620", "delay_counts = 9\ndecision_lead_counts = 2", "recipe 7 (bracket): reject.delay_ms with"),
        ("pulse_ms = 60", "pulse_ms = 0", "recipe 7 (bracket): reject.pulse_ms is 0"),
        ("pulse_ms = 60", "pulse_ms = 60\nreview = 1", "recipe 7 (bracket): engine.review is given without"),
        ("part = \"gland\"", "part = \"sofa\"", "recipe 7 (bracket): camera.synthetic.part is \"sofa\""),
        ("part = \"gland\"", "preset = \"hand\"", "recipe 7 (bracket): recipe.camera.preset is given where"),
        ("part = \"centre\"", "part = \"everything\"", "recipe 7 (bracket): trigger.source is \"free\" with"),
        ("number = 7", "numbr = 7", "numbr"),
    ] {
        let refused = with(from, to);
        assert!(refused.contains(expected), "{to}: {refused}");
    }
    // What is wrong with the station itself is said once.
    let refused = refusal(&format!("{}{RECIPES}", SMALL.replace("delay_ms = 500", "delay_ms = 0")));
    assert_eq!(refused.matches("reject.delay_ms is 0").count(), 1, "{refused}");
}
