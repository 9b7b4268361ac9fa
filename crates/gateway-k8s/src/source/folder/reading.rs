//! What a folder said when it was read.

use std::sync::{Arc, OnceLock};

use super::catalog::Catalog;
use crate::source::{Problem, Severity};
use crate::world::{ObjectRef, Place, World};

/// All objects of a folder, and what is wrong with them.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The objects. Those that did not change since the reading before are the
    /// same allocations, and so are whole kinds.
    pub world: World,
    /// How many documents had to be parsed for this reading.
    pub parsed: usize,
    folder: Arc<Kept>,
}

/// What questions are answered from.
#[derive(Debug, Default)]
struct Kept {
    failures: Vec<Problem>,
    catalog: Catalog,
    problems: OnceLock<Vec<Problem>>,
}

impl Reading {
    pub(super) fn new(
        world: World,
        parsed: usize,
        failures: Vec<Problem>,
        catalog: Catalog,
    ) -> Self {
        Self {
            world,
            parsed,
            folder: Arc::new(Kept {
                failures,
                catalog,
                problems: OnceLock::new(),
            }),
        }
    }

    /// What is wrong, by file and document. The first who asks waits until all
    /// files have been gone through.
    pub fn problems(&self) -> &[Problem] {
        let Kept {
            failures,
            catalog,
            problems,
        } = &*self.folder;

        problems.get_or_init(|| {
            let of_files = catalog.files().iter().flat_map(|file| {
                let repeated = catalog.repeated(file).into_iter();
                file.problems().chain(repeated.map(already_defined))
            });
            failures.iter().cloned().chain(of_files).collect()
        })
    }

    /// The line of a field (`spec.rules[0].name`) of an object, or of the innermost
    /// part around it that is written down. An empty field is the object itself.
    ///
    /// The first question about a document reads its text once more.
    pub fn place(&self, object: &ObjectRef, field: &str) -> Option<Place> {
        self.folder.catalog.place(object, field)
    }

    /// The same reading again, for which nothing had to be parsed.
    pub(super) fn unchanged(&self) -> Self {
        Self {
            parsed: 0,
            ..self.clone()
        }
    }
}

fn already_defined((object, place, first): (ObjectRef, Place, Place)) -> Problem {
    Problem {
        place,
        object: Some(object),
        field: None,
        message: format!("is already defined at {first}"),
        remedy: "remove or rename one of the two; the first is used".to_owned(),
        severity: Severity::Error,
    }
}
