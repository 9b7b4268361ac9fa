//! Passwords that take long to check.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::bcrypt::{Bcrypt, is_right};
use super::check::{Checking, Verdict};
use super::hashing::Hashing;
use super::settings::{BasicAuth, User};

/// The slow hashes of some users, and which passwords have turned out to be theirs.
///
/// A password that was right stays right for as long as the settings are the same, so it is
/// computed once. What is remembered is one keyed digest for each user: it cannot grow, and wrong
/// passwords leave no trace in it.
#[derive(Debug)]
pub(super) struct Slow {
    hashing: Hashing,
    /// The highest cost of any user.
    highest: u32,
    key: [u8; 32],
    known: Box<[OnceLock<[u8; 32]>]>,
}

impl Slow {
    /// `None` if no user has a slow hash.
    pub(super) fn of(auth: &BasicAuth, hashing: Hashing) -> Option<Arc<Self>> {
        let costs = auth.users.iter().filter_map(hash_of).map(Bcrypt::cost);
        Some(Arc::new(Self {
            hashing,
            highest: costs.max()?,
            key: random_key(),
            known: auth.users.iter().map(|_| OnceLock::new()).collect(),
        }))
    }

    /// Whether `password` is the one of the user called `name`, at once if that is known. Nobody
    /// of this name is found out to be nobody in the same time as somebody else.
    pub(super) fn check(
        self: &Arc<Self>,
        auth: &BasicAuth,
        name: &[u8],
        password: &[u8],
    ) -> Result<usize, Checking> {
        let mut asked = None;
        for (index, user) in auth.users.iter().enumerate() {
            if user.name.as_bytes().ct_eq(name).into() {
                asked = hash_of(user).map(|hash| (index, *hash));
            }
        }
        let digest = self.digest(name, password);
        match asked {
            Some((index, _)) if self.is_known(index, &digest) => Ok(index),
            _ => Err(self.later(asked, digest, password.into())),
        }
    }

    fn later(
        self: &Arc<Self>,
        asked: Option<(usize, Bcrypt)>,
        digest: [u8; 32],
        password: Box<[u8]>,
    ) -> Checking {
        let slow = Arc::clone(self);
        Box::pin(async move {
            let Some(place) = slow.hashing.enter() else {
                return Verdict::Overloaded;
            };
            let turn = place.turn().await;
            // Requests of one page come together; the first of them has found out.
            if let Some((index, _)) = asked.filter(|(index, _)| slow.is_known(*index, &digest)) {
                return Verdict::Pass(index);
            }
            let computing = tokio::task::spawn_blocking(move || {
                let hash = asked.as_ref().map(|(_, hash)| hash);
                let right = is_right(hash, slow.highest, &password);
                if let Some((index, _)) = asked.filter(|_| right) {
                    // Of several spellings that bcrypt does not tell apart, the first is known.
                    let _ = slow.known[index].set(digest);
                }
                // Until here, even if nobody waits for it any more.
                drop(turn);
                right
            });
            match (computing.await, asked) {
                (Ok(true), Some((index, _))) => Verdict::Pass(index),
                // One that did not come to its end says nothing in anybody's favour.
                (Ok(_) | Err(_), _) => Verdict::Refuse,
            }
        })
    }

    fn is_known(&self, index: usize, digest: &[u8; 32]) -> bool {
        let known = self.known[index].get();
        known.is_some_and(|known| known.ct_eq(digest).into())
    }

    fn digest(&self, name: &[u8], password: &[u8]) -> [u8; 32] {
        // A name has no colon, so no two pairs are written alike.
        Sha256::new()
            .chain_update(self.key)
            .chain_update(name)
            .chain_update(b":")
            .chain_update(password)
            .finalize()
            .into()
    }
}

fn hash_of(user: &User) -> Option<&Bcrypt> {
    user.password.slow()
}

/// Nobody outside this process can compute digests with it: what the standard library seeds its
/// tables with is the system's randomness.
fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    for (number, part) in (0_u64..).zip(key.chunks_exact_mut(8)) {
        part.copy_from_slice(&RandomState::new().hash_one(number).to_le_bytes());
    }
    key
}
