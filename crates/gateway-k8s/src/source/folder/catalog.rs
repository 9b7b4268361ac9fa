//! Which file defines which object.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::contents::{Contents, Difference};
use super::document::{Document, Entry};
use crate::sorted::{self, Sorted};
use crate::source::kinds::{self, Object};
use crate::world::{ObjectRef, Place, World};

/// Every definition of every object. A clone costs a pointer for each file.
#[derive(Clone, Debug, Default)]
pub(super) struct Catalog {
    /// In the order in which the first definition of an object is the one that is
    /// used.
    files: Vec<Arc<Contents>>,
    /// Where in that list a file is, by the address of its path.
    indices: Arc<HashMap<usize, usize, RandomState>>,
    claims: Sorted<Claim>,
    /// The objects with more than one definition.
    contested: Arc<BTreeSet<ObjectRef>>,
}

/// A definition of an object.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    file: Arc<Path>,
    document: Arc<Document>,
    entry: usize,
    kept: Option<Kept>,
}

/// What an object was before its file went bad.
#[derive(Clone, Debug)]
struct Kept {
    object: Arc<dyn Object>,
    /// On which line its document was.
    line: usize,
}

impl Claim {
    fn new(file: &Arc<Path>, document: &Arc<Document>, entry: usize) -> Self {
        Self {
            file: Arc::clone(file),
            document: Arc::clone(document),
            entry,
            kept: None,
        }
    }

    /// The object that is defined.
    pub(super) fn name(&self) -> &ObjectRef {
        &self.entry().name
    }

    fn entry(&self) -> &Entry {
        &self.document.entries[self.entry]
    }

    fn object(&self) -> Option<&Arc<dyn Object>> {
        let kept = self.kept.as_ref().map(|kept| &kept.object);
        kept.or(self.entry().object.as_ref())
    }
}

impl sorted::Entry for Claim {
    /// By name; then, for want of something better that never changes, by address.
    fn order(&self, other: &Self) -> Ordering {
        let address = |claim: &Self| (Arc::as_ptr(&claim.document), claim.entry);
        let names = || self.name().cmp(other.name());
        names().then_with(|| {
            let here = (address(self), self.kept.is_some());
            here.cmp(&(address(other), other.kept.is_some()))
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Equal
    }
}

impl Catalog {
    /// Takes over what is different in a file, in `world` as well, and returns the
    /// file as it is now.
    pub(super) fn update(
        &mut self,
        before: &Contents,
        difference: &Difference,
        world: &mut World,
    ) -> Contents {
        let mut now = before.edited(difference);
        let mut touched: BTreeSet<ObjectRef> = BTreeSet::clone(&self.contested);
        let mut lost = BTreeMap::new();

        for claim in claims(&before.path, &difference.removed) {
            touched.insert(claim.name().clone());
            self.withdraw(&claim);
            lost.entry(claim.name().clone()).or_insert(claim);
        }
        for claim in &before.kept {
            touched.insert(claim.name().clone());
            self.withdraw(claim);
            let lost = lost.entry(claim.name().clone());
            lost.or_insert_with(|| claim.clone());
        }
        for claim in claims(&before.path, &difference.added) {
            touched.insert(claim.name().clone());
            self.claims.insert(claim);
        }
        for claim in lost.into_values() {
            if !self.is_defined(claim.name(), &now.path)
                && let Some(kept) = keep(claim, before, &now)
            {
                self.claims.insert(kept.clone());
                now.kept.push(kept);
            }
        }
        self.settle(touched, Some(&now), world);
        now
    }

    /// Forgets a file, in `world` as well.
    pub(super) fn forget(&mut self, gone: &Contents, world: &mut World) {
        let mut touched: BTreeSet<ObjectRef> = BTreeSet::clone(&self.contested);
        let all = claims(&gone.path, &gone.documents).chain(gone.kept.iter().cloned());
        for claim in all {
            touched.insert(claim.name().clone());
            self.withdraw(&claim);
        }
        self.settle(touched, None, world);
    }

    /// The files, in their order.
    pub(super) fn files(&self) -> &[Arc<Contents>] {
        &self.files
    }

    /// Has a file as it is now.
    pub(super) fn set_file(&mut self, index: usize, now: &Arc<Contents>) {
        self.files[index] = Arc::clone(now);
    }

    /// Has these files, some of which may be new, and uses the definitions that are
    /// first now.
    pub(super) fn set_files(&mut self, files: Vec<Arc<Contents>>, world: &mut World) {
        let addresses = files.iter().map(|file| address(&file.path));
        self.indices = Arc::new(addresses.zip(0..).collect());
        self.files = files;
        let contested = BTreeSet::clone(&self.contested);
        self.settle(contested, None, world);
    }

    /// Where an object is written, or a field of it.
    pub(super) fn place(&self, object: &ObjectRef, field: &str) -> Option<Place> {
        let claim = self.used(object, None)?;
        let inside = match field {
            "" => claim.entry().line,
            field => claim.document.line_of(claim.entry(), field),
        };
        Some(self.at(claim, inside))
    }

    /// Where an object that a file defines is defined before, in this or another
    /// file: here, and there.
    pub(super) fn repeated(&self, file: &Contents) -> Vec<(ObjectRef, Place, Place)> {
        let mut found = Vec::new();
        if self.contested.is_empty() {
            return found;
        }
        for claim in claims(&file.path, &file.documents) {
            let name = claim.name();
            let used = self.contested.contains(name).then(|| self.used(name, None));
            if let Some(used) = used.flatten()
                && !sorted::Entry::is_same(used, &claim)
            {
                let place = |claim: &Claim| self.at(claim, claim.entry().line);
                found.push((name.clone(), place(&claim), place(used)));
            }
        }
        found
    }

    fn at(&self, claim: &Claim, line: usize) -> Place {
        let spot = self
            .file(&claim.file)
            .and_then(|(_, file)| file.spot(&claim.document));
        let kept = claim.kept.as_ref().map_or(1, |kept| kept.line);
        Place {
            file: Arc::clone(&claim.file),
            line: spot.map_or(kept, |spot| spot.line) + line - 1,
        }
    }

    fn file(&self, path: &Arc<Path>) -> Option<(usize, &Contents)> {
        let index = *self.indices.get(&address(path))?;
        Some((index, self.files.get(index)?))
    }

    fn withdraw(&mut self, claim: &Claim) {
        self.claims
            .remove(|other| sorted::Entry::order(other, claim));
    }

    fn claims<'a>(&'a self, name: &'a ObjectRef) -> impl Iterator<Item = &'a Claim> {
        let at_least = |claim: &Claim| claim.name().cmp(name).then(Ordering::Greater);
        self.claims
            .from(at_least)
            .take_while(move |claim| claim.name() == name)
    }

    fn is_defined(&self, name: &ObjectRef, file: &Arc<Path>) -> bool {
        let mut claims = self.claims(name);
        claims.any(|claim| claim.kept.is_none() && Arc::ptr_eq(&claim.file, file))
    }

    /// The definition that is used: the first that is good, or else the first that
    /// was. `newest` is a file as it is now, if `files` do not yet have that.
    fn used<'a>(&'a self, name: &'a ObjectRef, newest: Option<&Contents>) -> Option<&'a Claim> {
        let mut claims = self.claims(name);
        let (first, second) = (claims.next(), claims.next());
        if second.is_none() {
            return first;
        }
        let rank = |claim: &&Claim| {
            let (index, file) = self.file(&claim.file).unzip();
            let newest = newest.filter(|newest| Arc::ptr_eq(&newest.path, &claim.file));
            let spot = newest.or(file).and_then(|file| file.spot(&claim.document));
            (
                claim.kept.is_some(),
                index.unwrap_or(usize::MAX),
                spot.map_or(usize::MAX, |spot| spot.index),
                claim.entry,
            )
        };
        first
            .into_iter()
            .chain(second)
            .chain(claims)
            .min_by_key(rank)
    }

    /// Puts what is used now into the world.
    fn settle(
        &mut self,
        touched: BTreeSet<ObjectRef>,
        newest: Option<&Contents>,
        world: &mut World,
    ) {
        for name in touched {
            match self.used(&name, newest).and_then(Claim::object) {
                Some(object) => Arc::clone(object).put(world),
                None => kinds::remove(&name, world),
            }
            let is_contested = self.claims(&name).nth(1).is_some();
            if is_contested != self.contested.contains(&name) {
                let contested = Arc::make_mut(&mut self.contested);
                if is_contested {
                    contested.insert(name);
                } else {
                    contested.remove(&name);
                }
            }
        }
    }
}

fn address(path: &Arc<Path>) -> usize {
    Arc::as_ptr(path).cast::<u8>().addr()
}

/// The last good version of what cannot be used any more: of an object that has a
/// name, or of all of them if there is one that has none.
fn keep(lost: Claim, before: &Contents, now: &Contents) -> Option<Claim> {
    let failed = now
        .failed(lost.name())
        .map(|(document, entry)| Claim::new(&now.path, document, entry));
    if failed.is_none() && !now.hides_objects() {
        return None;
    }
    let line = match &lost.kept {
        Some(kept) => kept.line,
        None => before.spot(&lost.document).map_or(1, |spot| spot.line),
    };
    let object = Arc::clone(lost.object()?);
    Some(Claim {
        kept: Some(Kept { object, line }),
        ..failed.unwrap_or(lost)
    })
}

/// The definitions in some documents of a file, in order.
fn claims<'a>(
    file: &'a Arc<Path>,
    documents: &'a [Arc<Document>],
) -> impl Iterator<Item = Claim> + 'a {
    documents.iter().flat_map(move |document| {
        let objects = document.objects();
        objects.map(move |(entry, _)| Claim::new(file, document, entry))
    })
}
