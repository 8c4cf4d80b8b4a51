//! A station without its hardware: configuration, reject schedule, the running process, and what it shows and publishes.

#[path = "../support/mod.rs"]
mod support;

mod config;
#[cfg(feature = "mqtt")]
mod mqtt;
mod running;
mod schedule;
mod view;
