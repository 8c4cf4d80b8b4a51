//! Teaching a recipe: from the first frames of a product to an engine that a station may go to. Each step is the same code
//! as the command of its name, works on one folder, and goes on where it was broken off.

pub mod activate;
mod beside;
pub mod calibrate;
mod child;
mod collecting;
mod error;
mod event;
pub mod learn;
mod lesson;
mod run;
pub mod score;
mod subject;
pub mod survey;

pub use beside::{ParentGone, end_with, step_back};
pub use child::{Child, Options, Status};
pub use collecting::{Collecting, Course, Courses, Part};
pub use error::TeachError;
pub use event::{Event, Observer, Pace, Phase, Step};
pub use lesson::{Lesson, State, Work};
pub use run::{Settings, run};
pub use subject::Subject;
