//! What tells one kind of file from another.

/// A kind of file.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// What it is called, here and as a section of the configuration.
    pub name: &'static str,
    /// Stands in the file's header, so that no other program's file is taken for one of this kind.
    pub application: i64,
    /// Stands there too.
    pub format: i64,
    /// Makes the tables of a new file.
    pub tables: &'static str,
}
