//! What is worth compressing.

use super::error::InvalidCompression;
use super::media::MediaPattern;

/// Which responses are compressed, and how.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Compression {
    pub(super) codings: Vec<Coding>,
    pub(super) level: CompressionLevel,
    pub(super) min_size: u64,
    pub(super) types: Vec<MediaPattern>,
}

impl Compression {
    /// Every coding, for text of 1 KiB or more.
    #[must_use]
    pub fn new() -> Self {
        let types = DEFAULT_TYPES.iter().filter_map(|t| MediaPattern::parse(t));
        Self {
            codings: vec![Coding::Gzip, Coding::Brotli, Coding::Zstd],
            level: CompressionLevel::Default,
            min_size: 1_024,
            types: types.collect(),
        }
    }

    /// Offers these codings, and no longer those given before. By default it is all of them.
    ///
    /// The client's weights decide; where they leave a choice, it is zstd, then brotli.
    ///
    /// # Errors
    ///
    /// If there are none.
    pub fn with_codings(
        mut self,
        codings: impl IntoIterator<Item = Coding>,
    ) -> Result<Self, InvalidCompression> {
        self.codings = codings.into_iter().collect();
        self.codings.sort_unstable();
        self.codings.dedup();
        if self.codings.is_empty() {
            return Err(InvalidCompression::NoCoding);
        }
        Ok(self)
    }

    /// Takes this much trouble. The default is each coding's own.
    #[must_use]
    pub fn with_level(mut self, level: CompressionLevel) -> Self {
        self.level = level;
        self
    }

    /// Compresses responses of at least `bytes`, as far as they say. The default is 1,024.
    #[must_use]
    pub fn with_min_size(mut self, bytes: u64) -> Self {
        self.min_size = bytes;
        self
    }

    /// Compresses these media types, and no longer those given before: `type/subtype`, `type/*`,
    /// or `*/*+suffix`.
    ///
    /// By default these are text (but not event streams), JSON, JavaScript, XML, WebAssembly and
    /// some fonts and images that are not compressed by themselves.
    ///
    /// # Errors
    ///
    /// If one is none of those.
    pub fn with_content_types<'a>(
        mut self,
        patterns: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidCompression> {
        self.types = patterns
            .into_iter()
            .map(|pattern| {
                MediaPattern::parse(pattern).ok_or_else(|| InvalidCompression::ContentType {
                    pattern: pattern.to_owned(),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(self)
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::new()
    }
}

/// A way to write a body with fewer bytes.
///
/// The list is complete: these are offered.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Coding {
    /// `gzip`, which everybody reads.
    Gzip,
    /// `br`.
    Brotli,
    /// `zstd`.
    Zstd,
}

/// How much trouble to take.
///
/// The list is complete: levels of one coding mean nothing to another.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum CompressionLevel {
    /// Little.
    Fastest,
    /// What the coding thinks best.
    #[default]
    Default,
    /// All there is: much slower, for little.
    Best,
}

const DEFAULT_TYPES: [&str; 20] = [
    "text/calendar",
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/markdown",
    "text/plain",
    "text/vtt",
    "text/xml",
    "application/javascript",
    "application/json",
    "application/wasm",
    "application/xml",
    "application/vnd.ms-fontobject",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/svg+xml",
    "*/*+json",
    "*/*+xml",
];
