//! Every reader of frames through its public door: what it gives for good files, and what it says about bad ones.

mod clouds;
mod colour;
mod cut;
mod damage;
mod folders;
mod formats;
mod hostile;
mod masks;
mod turned;
mod writers;
