//! What each role may do.

/// From the one who may least to the one who may most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees the page.
    Viewer,
    /// Also runs the line: acknowledges faults, holds the output at reject, reviews parts.
    Operator,
    /// Also decides how parts are judged: thresholds, recipes, reloads, teaching, settings.
    Engineer,
}

crate::words::words!(serde Role {
    Viewer = "viewer",
    Operator = "operator",
    Engineer = "engineer",
});

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    See,
    Acknowledge,
    Hold,
    Review,
    Threshold,
    Reload,
    Recipe,
    Teach,
    Settings,
}

crate::words::words!(Deed {
    See = "see",
    Acknowledge = "acknowledge",
    Hold = "hold",
    Review = "review",
    Threshold = "threshold",
    Reload = "reload",
    Recipe = "recipe",
    Teach = "teach",
    Settings = "settings",
});

impl Deed {
    /// The role that is needed at least.
    pub fn needs(self) -> Role {
        match self {
            Self::See => Role::Viewer,
            Self::Acknowledge | Self::Hold | Self::Review => Role::Operator,
            Self::Threshold | Self::Reload | Self::Recipe | Self::Teach | Self::Settings => Role::Engineer,
        }
    }
}

impl Role {
    pub fn may(self, deed: Deed) -> bool {
        self >= deed.needs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_what_the_one_below_it_may_and_more() {
        let may = |role: Role| Deed::ALL.into_iter().filter(move |deed| role.may(*deed)).count();
        assert_eq!(Role::ALL.map(may), [1, 4, 9]);
        assert!(Role::Operator.may(Deed::Hold) && !Role::Operator.may(Deed::Recipe) && !Role::Viewer.may(Deed::Hold));
    }
}
