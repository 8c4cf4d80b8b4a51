//! The two sets of parts that an engine is made from.

use std::path::{Path, PathBuf};

use super::{CollectError, Collected, Collector};
use crate::calibration::StationCalibration;
use crate::frame::RgbdFrame;
use crate::prepare::Preparation;
use crate::words::words;

/// What parts are collected for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// The mappings are learnt from them.
    Train,
    /// The threshold is found on them.
    Validation,
}

words!(serde Set {
    Train = "train",
    Validation = "validation",
});

/// Collects the parts to learn from, and then further ones for the threshold: none of the first comes again among these.
pub struct Sets {
    collector: Collector,
    /// The folder of the second set, until its turn comes.
    second: Option<PathBuf>,
    missing: [usize; 2],
}

impl Sets {
    /// `folders` and `missing`: where each set is, and how many parts it still lacks. The rest as in [`Collector::open`].
    pub fn open(
        folders: [&Path; 2],
        missing: [usize; 2],
        station: Option<&StationCalibration>,
        scene: &Preparation,
    ) -> Result<Self, CollectError> {
        let [first, second] = folders;
        let (folder, second) = match missing {
            [0, _] => (second, None),
            _ => (first, Some(second.into())),
        };
        Ok(Self { collector: Collector::open(folder, station, scene)?, second, missing })
    }

    /// The set that the next part is for.
    pub fn set(&self) -> Set {
        if self.missing[0] > 0 { Set::Train } else { Set::Validation }
    }

    /// Parts that both sets still lack.
    pub fn missing(&self) -> usize {
        self.missing.iter().sum()
    }

    /// Parts that were kept since the sets were opened.
    pub fn kept(&self) -> usize {
        self.collector.kept()
    }

    /// Keeps the frame of a part, or returns the reasons against it. Once nothing is missing, no part should be offered.
    pub fn offer(&mut self, frame: &RgbdFrame) -> Result<Collected, CollectError> {
        if self.missing[0] == 0
            && let Some(second) = self.second.take()
        {
            self.collector.go_on_in(&second)?;
        }
        let collected = self.collector.offer(frame)?;
        if matches!(collected, Collected::Kept { .. }) {
            let missing = &mut self.missing[usize::from(self.missing[0] == 0)];
            *missing = missing.saturating_sub(1);
        }
        Ok(collected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Part, Scene};

    #[test]
    fn the_first_set_is_filled_before_the_second_and_each_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let [train, validation] = ["train", "validation"].map(|name| folder.path().join(name));
        let scene = Scene::new(Part::Puck, 2);
        let open = |missing| Sets::open([&train, &validation], missing, None, &Preparation::default()).unwrap();
        let files = |set: &Path| std::fs::read_dir(set.join("xyz")).map_or(0, Iterator::count);
        let mut sets = open([2, 1]);
        let mut seen = Vec::new();
        for number in 0..3 {
            seen.push(sets.set());
            assert!(matches!(sets.offer(&scene.nominal(number).frame).unwrap(), Collected::Kept { .. }));
        }
        assert_eq!((seen, sets.missing(), sets.kept()), (vec![Set::Train, Set::Train, Set::Validation], 0, 3));
        // A part of the first set does not come again in the second.
        let mut sets = open([1, 1]);
        sets.offer(&scene.nominal(3).frame).unwrap();
        assert!(matches!(sets.offer(&scene.nominal(3).frame).unwrap(), Collected::LeftOut { .. }));
        let mut sets = open([0, 1]);
        assert_eq!(sets.set(), Set::Validation);
        sets.offer(&scene.nominal(4).frame).unwrap();
        assert_eq!((files(&train), files(&validation)), (3, 2));
    }
}
