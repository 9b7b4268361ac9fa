//! The edit itself.

use http::HeaderMap;

use super::settings::HeaderModifier;

impl HeaderModifier {
    /// Edits `headers`: sets, then adds, then removes.
    ///
    /// Names and values are shared with the modifier, not copied.
    pub fn apply(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.set {
            headers.insert(name, value.clone());
        }
        for (name, value) in &self.add {
            headers.append(name, value.clone());
        }
        for name in &self.remove {
            headers.remove(name);
        }
    }
}
