//! The program as a real systemd service with a simulated GPIO chip as trigger, encoder, ejector and photo-eye.
//! `run.sh` boots a virtual machine and runs `guest` inside it; nothing of this runs by itself.

#[path = "../view/client.rs"]
mod client;
#[path = "../common/part.rs"]
#[allow(dead_code, reason = "each test program uses its own part")]
mod part;

mod belt;
mod chip;
mod guest;
mod host;
mod service;
#[cfg(feature = "v4l")]
mod vivid;
