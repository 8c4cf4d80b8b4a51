//! How a run ends that is not killed.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was asked to stop, or its recording ended.
    Clean,
    /// By an error.
    Failed,
}

crate::words::words!(Ending {
    Clean = "clean",
    Failed = "failed",
});
