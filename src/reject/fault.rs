//! What can go wrong at a station, and what the outputs do about it: one table.

/// Something that the station cannot judge parts with, or that a person should know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The station has not judged its first frame yet.
    Starting,
    /// No frames come.
    CameraLost,
    /// Frames come without a point.
    DepthLost,
    /// The engine cannot judge frames.
    EngineError,
    /// More parts are on their way than the schedule can hold, or one was announced too late to be scheduled.
    QueueOverflow,
    /// Time went backwards, or an edge carries a time that is still to come.
    ClockJump,
    /// A pulse could not start in time: its part may have passed.
    PulseLate,
    /// No encoder pulse comes although parts are on their way.
    BeltStopped,
    /// Faster than the decision lead allows for.
    BeltTooFast,
    /// A pulse of the encoder was lost: where parts are is not known any more.
    EncoderMissed,
    /// Two rejected parts are nearer than the ejector can follow, and pulses may not merge.
    PartsTooClose,
    /// A rejected part was not seen in the reject bin.
    ConfirmMissed,
    /// Rejects are not recorded, or parts not traced.
    DiskFull,
    /// The station goes from one recipe to another.
    RecipeChange,
    /// A person or a control holds the output at reject.
    Held,
    /// There is no engine yet that could judge parts.
    Untaught,
}

/// What ends a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recover {
    /// The thread that raised it clears it.
    Clear,
    /// The same, and then everything between camera and ejector has to pass the ejector, as rejects.
    ClearAndFlush,
    /// Everything between camera and ejector has to pass the ejector, as rejects.
    Flush,
    /// A person acknowledges it: by the push button, by the page, or by a restart.
    Acknowledge,
}

/// What the outputs do during a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The fault output is active.
    pub output: bool,
    /// The reject output is held at reject, ready is inactive.
    pub hold: bool,
    /// What ends it.
    pub recover: Recover,
}

impl Fault {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::Starting,
        Self::CameraLost,
        Self::DepthLost,
        Self::EngineError,
        Self::QueueOverflow,
        Self::ClockJump,
        Self::PulseLate,
        Self::BeltStopped,
        Self::BeltTooFast,
        Self::EncoderMissed,
        Self::PartsTooClose,
        Self::ConfirmMissed,
        Self::DiskFull,
        Self::RecipeChange,
        Self::Held,
        Self::Untaught,
    ];

    /// The word for it in logs, metrics and events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::CameraLost => "camera_lost",
            Self::DepthLost => "depth_lost",
            Self::EngineError => "engine_error",
            Self::QueueOverflow => "queue_overflow",
            Self::ClockJump => "clock_jump",
            Self::PulseLate => "pulse_late",
            Self::BeltStopped => "belt_stopped",
            Self::BeltTooFast => "belt_too_fast",
            Self::EncoderMissed => "encoder_missed",
            Self::PartsTooClose => "parts_too_close",
            Self::ConfirmMissed => "confirm_missed",
            Self::DiskFull => "disk_full",
            Self::RecipeChange => "recipe_change",
            Self::Held => "held",
            Self::Untaught => "untaught",
        }
    }

    /// The fault's row of the table.
    pub fn rule(self) -> Rule {
        let rule = |output, hold, recover| Rule { output, hold, recover };
        match self {
            // Parts that were on the belt before the start were never seen.
            Self::Starting => rule(false, true, Recover::ClearAndFlush),
            // Without frames, or points in them, parts that only a frame announces are not seen at all.
            Self::CameraLost | Self::DepthLost | Self::EngineError => rule(true, true, Recover::ClearAndFlush),
            Self::QueueOverflow | Self::ClockJump | Self::PulseLate => rule(true, true, Recover::Flush),
            // An encoder that died looks like a belt that stands.
            Self::BeltStopped | Self::BeltTooFast => rule(true, true, Recover::ClearAndFlush),
            Self::EncoderMissed | Self::PartsTooClose => rule(true, true, Recover::Flush),
            // A bad part is among the good ones: nothing that the station does brings it back.
            Self::ConfirmMissed => rule(true, true, Recover::Acknowledge),
            Self::DiskFull => rule(true, false, Recover::Clear),
            // Nothing is wrong. But parts of the recipe before are on the belt, whoever held the output has moved some, or
            // nothing could judge them.
            Self::RecipeChange | Self::Held | Self::Untaught => rule(false, true, Recover::ClearAndFlush),
        }
    }

    fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Faults, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultSet(u32);

impl FaultSet {
    pub fn of(fault: Fault) -> Self {
        Self(fault.bit())
    }

    /// One bit each, in the order of [`Fault::ALL`].
    pub fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    pub fn insert(&mut self, fault: Fault) {
        self.0 |= fault.bit();
    }

    pub fn remove(&mut self, fault: Fault) {
        self.0 &= !fault.bit();
    }

    pub fn contains(self, fault: Fault) -> bool {
        self.0 & fault.bit() != 0
    }

    /// One bit each, in the order of [`Fault::ALL`].
    pub fn bits(self) -> u32 {
        self.0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.into_iter().filter(move |fault| self.contains(*fault))
    }

    /// Whether one of these holds the output at reject.
    pub fn holds(self) -> bool {
        self.iter().any(|fault| fault.rule().hold)
    }

    /// Whether one of these shows on the fault output.
    pub fn shows(self) -> bool {
        self.iter().any(|fault| fault.rule().output)
    }
}
