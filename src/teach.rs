//! Teaching a recipe: from the first frames of a product to an engine that a station may go to. Each step is the same code
//! as the command of its name, works on one folder, and goes on where it was broken off.

pub mod activate;
mod beside;
pub mod calibrate;
mod child;
mod collecting;
mod copy;
mod error;
mod event;
mod file;
mod home;
pub mod learn;
mod lesson;
pub mod revise;
mod revision;
mod run;
pub mod score;
mod settings;
pub mod subject;
pub mod survey;
mod trial;

pub use beside::{ParentGone, end_with, step_back};
pub use child::{Child, Options, Status};
pub use collecting::{Collecting, Course, Courses};
pub use error::TeachError;
pub use event::{Event, Observer, Pace, Part, Phase, Step};
pub use lesson::{Lesson, State, Work};
pub use revision::{How, Revision};
pub use run::run;
pub use settings::Settings;
pub use subject::Subject;
