//! The features of a device, by Aravis.

use aravis::glib::object::{Cast, ObjectExt};
use aravis::prelude::{DeviceExt, GcFeatureNodeExt, GcFloatExt, GcIntegerExt, GcSelectorExt};
use aravis::{
    Device, GcBoolean, GcCategory, GcCommand, GcEnumeration, GcFeatureNode, GcFloat, GcInteger, GcNode, GcSelector,
    GcString, glib,
};

use super::features::{Features, Kind, Value};

/// Features of a camera are in groups, and groups in others, not deeper than this.
const DEPTH_MAX: u32 = 16;

/// A device's features.
pub struct Nodes(pub Device);

impl Nodes {
    fn node(&self, name: &str) -> Result<GcNode, String> {
        self.0.feature(name).ok_or_else(|| "it is not there".into())
    }

    /// Calls `each` with every feature below a group.
    fn walk(&self, group: &str, depth: u32, each: &mut dyn FnMut(&str, &GcNode)) {
        let Some(node) = self.0.feature(group) else { return };
        let Some(category) = node.downcast_ref::<GcCategory>() else { return each(group, &node) };
        if depth < DEPTH_MAX {
            category.features().iter().for_each(|name| self.walk(name, depth + 1, each));
        }
    }
}

/// The error in the camera's own words.
fn said(error: glib::Error) -> String {
    error.message().into()
}

impl Features for Nodes {
    fn has(&self, name: &str) -> bool {
        self.0.is_feature_available(name).unwrap_or(false)
    }

    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.walk("Root", 0, &mut |name, _| names.push(name.into()));
        names
    }

    fn selectors(&self, name: &str) -> Vec<String> {
        let mut found = Vec::new();
        self.walk("Root", 0, &mut |selector, node| {
            let Some(node) = node.dynamic_cast_ref::<GcSelector>() else { return };
            let selected: Vec<GcFeatureNode> = node.selected_features();
            if selected.iter().any(|selected| selected.name().is_some_and(|selected| selected == name)) {
                found.push(selector.into());
            }
        });
        found
    }

    fn kind(&self, name: &str) -> Result<Kind, String> {
        let node = self.node(name)?;
        // An enumeration is an integer as well, and a number in a register may be a text.
        if let Some(node) = node.downcast_ref::<GcEnumeration>() {
            let known = node.dup_available_string_values().map_err(said)?;
            return Ok(Kind::Word { known: known.into_iter().map(String::from).collect() });
        }
        if node.is::<GcBoolean>() {
            return Ok(Kind::Switch);
        }
        if node.is::<GcCommand>() {
            return Ok(Kind::Command);
        }
        if let Some(node) = node.dynamic_cast_ref::<GcFloat>() {
            let range = (GcFloatExt::min(node).map_err(said)?, GcFloatExt::max(node).map_err(said)?);
            return Ok(Kind::Number { range, unit: unit(node.unit()) });
        }
        if let Some(node) = node.dynamic_cast_ref::<GcInteger>() {
            let range = (GcIntegerExt::min(node).map_err(said)?, GcIntegerExt::max(node).map_err(said)?);
            return Ok(Kind::Integer { range, step: node.inc().unwrap_or(1), unit: unit(node.unit()) });
        }
        if node.is::<GcString>() {
            return Ok(Kind::Text);
        }
        Err("it is of a kind that cannot be set".into())
    }

    fn word(&self, name: &str) -> Result<String, String> {
        self.0.string_feature_value(name).map(String::from).map_err(said)
    }

    fn number(&self, name: &str) -> Result<f64, String> {
        match self.node(name)?.dynamic_cast_ref::<GcFloat>() {
            Some(node) => node.value().map_err(said),
            None => self.0.integer_feature_value(name).map(|value| value as f64).map_err(said),
        }
    }

    fn switch(&self, name: &str) -> Result<bool, String> {
        self.0.boolean_feature_value(name).map_err(said)
    }

    fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let set = match value {
            Value::Switch(true) if self.node(name)?.is::<GcCommand>() => self.0.execute_command(name),
            Value::Switch(value) => self.0.set_boolean_feature_value(name, *value),
            Value::Integer(value) => self.0.set_integer_feature_value(name, *value),
            Value::Number(value) => self.0.set_float_feature_value(name, *value),
            Value::Word(value) => self.0.set_string_feature_value(name, value),
        };
        set.map_err(said)
    }
}

fn unit(unit: Option<glib::GString>) -> Option<String> {
    unit.map(String::from).filter(|unit| !unit.is_empty())
}
