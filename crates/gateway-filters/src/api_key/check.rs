//! Whether a request has a key.

use http::request::Parts;
use subtle::ConstantTimeEq;

use super::place::{Found, Place};
use super::settings::{ApiKeys, Key};
use crate::answer::Answer;
use crate::consumer::Consumer;
use crate::guard::Guard;

impl ApiKeys {
    /// The key that a request has, if that is right.
    fn key(&self, head: &Parts) -> Option<&Key> {
        let found = self.places.iter().map(|place| place.find(head));
        let given = match found.into_iter().find(|found| *found != Found::Nothing)? {
            Found::One(given) => given,
            Found::Nothing | Found::Unreadable => return None,
        };
        let mut right = None;
        // All of them: the time may not tell which keys there are.
        for key in &self.keys {
            if key.secret.ct_eq(&given).into() {
                right = Some(key);
            }
        }
        right
    }
}

impl Guard for ApiKeys {
    fn check(&self, head: &mut Parts) -> Result<(), Answer> {
        let Some(key) = self.key(head) else {
            return Err(self.challenge.clone());
        };
        if !self.forwarded {
            // Everywhere: what was not looked at may be a key too.
            self.places
                .iter()
                .for_each(|place: &Place| place.strip(head));
        }
        if let Some(name) = &self.consumer_header {
            head.headers.insert(name, key.header.clone());
        }
        head.extensions.insert(Consumer(key.consumer.clone()));
        Ok(())
    }
}
