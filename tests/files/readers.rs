//! Every reader of frames through its public interface: the frames of good files, and the errors of bad ones.

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
