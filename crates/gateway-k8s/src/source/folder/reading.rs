//! What a folder said when it was read.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::file::{File, Origin};
use crate::source::{Problem, Severity};
use crate::world::{ObjectRef, Place, World};

/// All objects of a folder, and what is wrong with them.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The objects. Those that did not change since the reading before are the
    /// same allocations, and so are whole kinds.
    pub world: World,
    /// What is wrong, by file and document.
    pub problems: Vec<Problem>,
    /// How many documents had to be parsed for this reading.
    pub parsed: usize,
    origins: Arc<HashMap<ObjectRef, Origin, RandomState>>,
}

impl Reading {
    /// The line of a field (`spec.rules[0].name`) of an object, or of the innermost
    /// part around it that is written down. An empty field is the object itself.
    ///
    /// The first question about a document reads its text once more.
    pub fn place(&self, object: &ObjectRef, field: &str) -> Option<Place> {
        let origin = self.origins.get(object)?;
        Some(match field {
            "" => origin.place(),
            field => origin.place_of(field),
        })
    }

    /// Puts the files together, in their order.
    pub(super) fn of(files: &[File], before: &Self, failures: Vec<Problem>, parsed: usize) -> Self {
        let mut reading = Self {
            problems: failures,
            parsed,
            ..Self::default()
        };
        let count = files.iter().map(|file| file.served().len()).sum();
        let mut origins = HashMap::with_capacity_and_hasher(count, RandomState::default());

        for file in files {
            reading.problems.extend(file.problems());
            reading.put(file, &mut origins);
        }
        // Only now, because an object may have moved to a file that is good.
        for served in files
            .iter()
            .flat_map(File::served)
            .filter(|served| served.is_kept)
        {
            if let Entry::Vacant(vacant) = origins.entry(served.origin.name().clone()) {
                Arc::clone(&served.object).put(served.origin.place(), &mut reading.world);
                vacant.insert(served.origin.clone());
            }
        }
        reading.world.share(&before.world);
        reading.origins = Arc::new(origins);
        reading
    }

    fn put(&mut self, file: &File, origins: &mut HashMap<ObjectRef, Origin, RandomState>) {
        for served in file.served().iter().filter(|served| !served.is_kept) {
            match origins.entry(served.origin.name().clone()) {
                Entry::Vacant(vacant) => {
                    Arc::clone(&served.object).put(served.origin.place(), &mut self.world);
                    vacant.insert(served.origin.clone());
                }
                Entry::Occupied(first) => self.problems.push(Problem {
                    place: served.origin.place(),
                    object: Some(served.origin.name().clone()),
                    field: None,
                    message: format!("is already defined at {}", first.get().place()),
                    remedy: "remove or rename one of the two; the first is used".to_owned(),
                    severity: Severity::Error,
                }),
            }
        }
    }

    /// The same reading again, for which nothing had to be parsed.
    pub(super) fn unchanged(&self) -> Self {
        Self {
            parsed: 0,
            ..self.clone()
        }
    }
}
